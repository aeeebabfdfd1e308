#include "io/hdf5.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "core/text.h"

namespace reprise::hdf5 {

std::optional<std::int64_t> count_of(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t length : shape)
    if (__builtin_mul_overflow(count, length, &count)) return std::nullopt;
  return count;
}

std::string to_string(const Shape& shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) out += ", ";
    out += shape[i] == kAny ? "any" : std::to_string(shape[i]);
  }
  return out + "]";
}

std::string Element::name() const {
  switch (kind) {
    case Kind::integer:
      return fmt::format("{}int{}", is_signed ? "" : "u", 8 * bytes);
    case Kind::real:
      return fmt::format("float{}", 8 * bytes);
    case Kind::text:
      return "text";
    case Kind::other:
      break;
  }
  return "neither a number nor text";
}

namespace {

bool is_ieee(hid_t type) {
  return H5Tequal(type, H5T_IEEE_F32LE) > 0 || H5Tequal(type, H5T_IEEE_F32BE) > 0 ||
         H5Tequal(type, H5T_IEEE_F64LE) > 0 || H5Tequal(type, H5T_IEEE_F64BE) > 0;
}

std::recursive_mutex hdf5_mutex;

}  // namespace

Session::Session() : lock_(hdf5_mutex) {
  H5Eget_auto2(H5E_DEFAULT, &print_, &print_data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Session::~Session() {
  H5Eset_auto2(H5E_DEFAULT, print_, print_data_);
}

std::string last_failure() {
  std::string cause;
  const auto keep_first = [](unsigned, const H5E_error2_t* error, void* data) -> herr_t {
    auto& text = *static_cast<std::string*>(data);
    if (text.empty() && error->desc) text = error->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &cause);
  if (cause.empty()) return "no reason given";
  // System calls: HDF5 lists the call's arguments around the system's own message.
  constexpr std::string_view kSystem = "error message = '";
  if (const auto at = cause.find(kSystem); at != std::string::npos) {
    cause.erase(0, at + kSystem.size());
    cause.erase(std::min(cause.find('\''), cause.size()));
  }
  constexpr std::size_t kLongest = 200;
  const std::string line = quote(cause, kLongest);
  return line.substr(1, line.size() - 2);
}

Element element_of(hid_t type) {
  const std::size_t bytes = H5Tget_size(type);
  const bool plain_size = bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      if (plain_size && H5Tget_precision(type) == 8 * bytes && H5Tget_offset(type) == 0)
        return {Kind::integer, bytes, H5Tget_sign(type) == H5T_SGN_2, false};
      return {Kind::other, bytes, false, false};
    case H5T_FLOAT:
      return {is_ieee(type) ? Kind::real : Kind::other, bytes, true, false};
    case H5T_STRING:
      return {Kind::text, bytes, false, H5Tis_variable_str(type) > 0};
    default:
      return {Kind::other, bytes, false, false};
  }
}

std::optional<Shape> shape_of(hid_t space) {
  if (H5Sget_simple_extent_type(space) == H5S_SCALAR) return Shape{};
  if (H5Sget_simple_extent_type(space) != H5S_SIMPLE) return std::nullopt;
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0 || rank > H5S_MAX_RANK) return std::nullopt;
  std::vector<hsize_t> lengths(static_cast<std::size_t>(rank));
  if (H5Sget_simple_extent_dims(space, lengths.data(), nullptr) != rank) return std::nullopt;
  Shape shape;
  for (const hsize_t length : lengths) {
    if (length > static_cast<hsize_t>(std::numeric_limits<std::int64_t>::max()))
      return std::nullopt;
    shape.push_back(static_cast<std::int64_t>(length));
  }
  return shape;
}

std::string without_padding(std::string_view field, H5T_str_t padding) {
  if (padding == H5T_STR_SPACEPAD) {
    field = field.substr(0, field.find_last_not_of(' ') + 1);
  } else {
    field = field.substr(0, field.find('\0'));
  }
  return std::string(field);
}

}  // namespace reprise::hdf5
