// Fields of tables, as hdf5_reader.h declares them: what PyTables calls a Table is a dataset of
// one axis whose elements are records (a compound type).

#include <fmt/format.h>

#include <cstring>

#include "io/hdf5_reader.h"

namespace reprise::hdf5 {

Reader::Column Reader::column(const std::string& table, const std::string& field) const {
  const Dataset source = dataset(table, {kAny});
  const Handle record(H5Dget_type(source.id.get()), H5Tclose);
  if (H5Tget_class(record.get()) != H5T_COMPOUND)
    fail(table, fmt::format("expected a table of records, found {}", source.element.name()));
  const int member = H5Tget_member_index(record.get(), field.c_str());
  if (member < 0) fail(table, fmt::format("expected a field {}, found none", field));
  const auto index = static_cast<unsigned>(member);
  Column found;
  found.count = source.shape[0];
  found.type = Handle(H5Tget_member_type(record.get(), index), H5Tclose);
  if (!found.type) fail(table, fmt::format("field {}: {}", field, last_failure()));
  found.element = element_of(found.type.get());
  const std::size_t bytes = found.element.bytes;
  if (found.element.kind == Kind::other || found.element.variable || bytes == 0 ||
      bytes > source.element.bytes)
    fail(table,
         fmt::format("field {}: expected a number or text of fixed length, found {}", field,
                     found.element.variable ? "text of variable length" : found.element.name()));
  require_plausible(table, found.count, bytes);
  found.bytes.resize(static_cast<std::size_t>(found.count) * bytes);
  if (found.count == 0) return found;
  if (!source.chunked) {
    const Handle alone(H5Tcreate(H5T_COMPOUND, bytes), H5Tclose);
    H5Tinsert(alone.get(), field.c_str(), 0, found.type.get());
    read(source, alone.get(), found.bytes.data());
    return found;
  }
  const std::size_t offset = H5Tget_member_offset(record.get(), index);
  if (offset > source.element.bytes - bytes)
    fail(table, fmt::format("field {}: expected it inside the record", field));
  for_each_chunk(source, 0, found.count, [&](const Chunk& chunk) {
    const auto first = static_cast<std::size_t>(chunk.offset[0]);
    const std::size_t records = std::min(static_cast<std::size_t>(chunk.shape[0]),
                                         static_cast<std::size_t>(found.count) - first);
    for (std::size_t i = 0; i < records; ++i)
      std::memcpy(found.bytes.data() + (first + i) * bytes,
                  chunk.bytes.data() + i * source.element.bytes + offset, bytes);
  });
  return found;
}

void Reader::require_number_column(const std::string& table, const std::string& field,
                                   const Column& column, bool integers) const {
  const Kind kind = column.element.kind;
  if (kind != Kind::integer && (integers || kind != Kind::real))
    fail(table, fmt::format("field {}: expected {}, found {}", field,
                            integers ? "integers" : "numbers", column.element.name()));
}

void Reader::convert_column(const std::string& table, const Column& column, hid_t type,
                            void* values, std::size_t bytes) const {
  const auto count = static_cast<std::size_t>(column.count);
  std::vector<std::uint8_t> converted = column.bytes;
  converted.resize(count * std::max(bytes, column.element.bytes));
  if (H5Tconvert(column.type.get(), type, count, converted.data(), nullptr, H5P_DEFAULT) < 0)
    fail(table, fmt::format("cannot be converted: {}", last_failure()));
  if (count > 0) std::memcpy(values, converted.data(), count * bytes);
}

std::vector<std::string> Reader::field_texts(const std::string& table,
                                             const std::string& field) const {
  const Column found = column(table, field);
  if (found.element.kind != Kind::text)
    fail(table, fmt::format("field {}: expected text, found {}", field, found.element.name()));
  const H5T_str_t padding = H5Tget_strpad(found.type.get());
  const auto* text = reinterpret_cast<const char*>(found.bytes.data());
  std::vector<std::string> texts;
  texts.reserve(static_cast<std::size_t>(found.count));
  for (std::int64_t i = 0; i < found.count; ++i, text += found.element.bytes)
    texts.push_back(without_padding({text, found.element.bytes}, padding));
  return texts;
}

}  // namespace reprise::hdf5
