// Attributes of one value, as hdf5_reader.h declares them.

#include <fmt/format.h>

#include <cstddef>

#include "io/hdf5_reader.h"

namespace reprise::hdf5 {
namespace {

constexpr std::size_t kLongestAttribute = std::size_t{1} << 20;

}  // namespace

struct Reader::Attribute {
  Handle id;
  Handle type;
  Element element;
};

std::optional<Reader::Attribute> Reader::attribute(const std::string& object,
                                                   const std::string& name) const {
  const htri_t exists =
      H5Aexists_by_name(file_.get(), object.c_str(), name.c_str(), link_access_.get());
  if (exists == 0) return std::nullopt;
  const std::string label = "attribute " + name;
  if (exists < 0) fail(label, fmt::format("cannot be looked up: {}", last_failure()));
  Attribute found;
  found.id = Handle(
      H5Aopen_by_name(file_.get(), object.c_str(), name.c_str(), H5P_DEFAULT, link_access_.get()),
      H5Aclose);
  if (!found.id) fail(label, fmt::format("cannot be opened: {}", last_failure()));
  found.type = Handle(H5Aget_type(found.id.get()), H5Tclose);
  const Handle space(H5Aget_space(found.id.get()), H5Sclose);
  if (!found.type || !space) fail(label, fmt::format("cannot be described: {}", last_failure()));
  const std::optional<Shape> shape = shape_of(space.get());
  if (!shape || count_of(*shape) != 1)
    fail(label, fmt::format("expected one value, found shape {}",
                            shape ? to_string(*shape) : std::string("none")));
  found.element = element_of(found.type.get());
  return found;
}

std::optional<std::string> Reader::text_attribute(const std::string& object,
                                                  const std::string& name) const {
  const std::optional<Attribute> found = attribute(object, name);
  if (!found) return std::nullopt;
  const std::string label = "attribute " + name;
  if (found->element.kind != Kind::text)
    fail(label, fmt::format("expected text, found {}", found->element.name()));
  if (found->element.variable) {
    char* text = nullptr;
    if (H5Aread(found->id.get(), found->type.get(), static_cast<void*>(&text)) < 0)
      fail(label, fmt::format("cannot be read: {}", last_failure()));
    std::string out = text ? text : "";
    H5free_memory(text);
    return out;
  }
  if (found->element.bytes > kLongestAttribute)
    fail(label, fmt::format("expected text of at most {} bytes, found {}", kLongestAttribute,
                            found->element.bytes));
  std::string field(found->element.bytes, '\0');
  if (H5Aread(found->id.get(), found->type.get(), field.data()) < 0)
    fail(label, fmt::format("cannot be read: {}", last_failure()));
  return without_padding(field, H5Tget_strpad(found->type.get()));
}

std::optional<std::int64_t> Reader::integer_attribute(const std::string& object,
                                                      const std::string& name) const {
  const std::optional<Attribute> found = attribute(object, name);
  if (!found) return std::nullopt;
  if (found->element.kind != Kind::integer)
    fail("attribute " + name, fmt::format("expected an integer, found {}", found->element.name()));
  std::int64_t value = 0;
  if (H5Aread(found->id.get(), H5T_NATIVE_INT64, &value) < 0)
    fail("attribute " + name, fmt::format("cannot be read: {}", last_failure()));
  return value;
}

std::optional<double> Reader::real_attribute(const std::string& object,
                                             const std::string& name) const {
  const std::optional<Attribute> found = attribute(object, name);
  if (!found) return std::nullopt;
  if (found->element.kind != Kind::integer && found->element.kind != Kind::real)
    fail("attribute " + name, fmt::format("expected a number, found {}", found->element.name()));
  double value = 0;
  if (H5Aread(found->id.get(), H5T_NATIVE_DOUBLE, &value) < 0)
    fail("attribute " + name, fmt::format("cannot be read: {}", last_failure()));
  return value;
}

}  // namespace reprise::hdf5
