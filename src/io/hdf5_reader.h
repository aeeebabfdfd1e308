#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "io/hdf5.h"

namespace reprise::hdf5 {

/// A dataset that has been found safe to read: storage inside the file, known filters, and sizes
/// that a file of this length can hold.
struct Dataset {
  Handle id;
  std::string name;
  Element element;
  Shape shape;
  bool chunked = false;

  std::int64_t size() const;  ///< product of the shape
};

/// A part of a dataset, unpacked: values in the file's type, in C order.
struct Chunk {
  Shape offset;  ///< of its first value in the dataset
  Shape shape;   ///< may reach past the end of the dataset
  std::vector<std::uint8_t> bytes;
};

/// An HDF5 file that is not trusted. Every function throws Error naming the file and the object,
/// what was expected and what was found. Object names are absolute: "/analysis/beats_start".
class Reader {
 public:
  explicit Reader(const std::string& path);
  /// The same from memory; `path` is for messages.
  Reader(std::span<const std::uint8_t> image, const std::string& path);

  const std::string& path() const { return path_; }

  bool has(const std::string& name) const;

  /// Opens and checks a dataset; reads no values.
  Dataset dataset(const std::string& name, const Shape& expected) const;

  /// Values in C order. Integers are read from integers only, reals from any number.
  template <class T>
  std::vector<T> numbers(const std::string& name, const Shape& expected) const {
    const Dataset source = dataset(name, expected);
    require_numbers(source, std::is_integral_v<T>);
    require_plausible(source.name, source.size(), sizeof(T));
    std::vector<T> values(static_cast<std::size_t>(source.size()));
    read(source, native_type<T>(), values.data());
    return values;
  }

  /// Rows first .. first + count of the first axis, of an opened dataset.
  template <class T>
  std::vector<T> rows(const Dataset& source, std::int64_t first, std::int64_t count) const {
    require_numbers(source, std::is_integral_v<T>);
    require_rows(source, first, count);
    const std::int64_t width = source.shape[0] > 0 ? source.size() / source.shape[0] : 0;
    std::vector<T> values(static_cast<std::size_t>(count * width));
    read_rows(source, native_type<T>(), first, count, values.data());
    return values;
  }

  /// As numbers(), into memory of the caller for source.size() values.
  template <class T>
  void numbers_into(const Dataset& source, T* values) const {
    require_numbers(source, std::is_integral_v<T>);
    read(source, native_type<T>(), values);
  }

  /// Where in the file the values lie as they are in memory, one after another; nothing where they
  /// are packed, of another type, or the file is an image in memory.
  template <class T>
  std::optional<std::int64_t> place_of(const Dataset& source) const {
    return place_of(source, native_type<T>());
  }

  /// Strings of fixed or variable length, without their padding; ASCII or UTF-8, not checked.
  std::vector<std::string> texts(const std::string& name, std::int64_t expected = kAny) const;

  /// One field of every record of a table (a dataset of one axis and compound type).
  template <class T>
  std::vector<T> field_numbers(const std::string& table, const std::string& field) const {
    const Column column = this->column(table, field);
    require_number_column(table, field, column, std::is_integral_v<T>);
    std::vector<T> values(static_cast<std::size_t>(column.count));
    convert_column(table, column, native_type<T>(), values.data(), sizeof(T));
    return values;
  }
  /// Strings of fixed length only.
  std::vector<std::string> field_texts(const std::string& table, const std::string& field) const;

  /// Attributes of one value; nothing where the object has no such attribute.
  std::optional<std::string> text_attribute(const std::string& object,
                                            const std::string& name) const;
  std::optional<std::int64_t> integer_attribute(const std::string& object,
                                                const std::string& name) const;
  std::optional<double> real_attribute(const std::string& object, const std::string& name) const;

 private:
  struct Attribute;
  struct Column {
    Handle type;
    Element element;
    std::int64_t count = 0;
    std::vector<std::uint8_t> bytes;  ///< in the file's type
  };
  void open(Handle access);
  void require_numbers(const Dataset& source, bool integers) const;
  void require_plausible(const std::string& name, std::int64_t count, std::size_t bytes) const;
  void require_safe_storage(Dataset& source) const;
  std::vector<H5Z_filter_t> filters_of(const Dataset& source, hid_t creation) const;
  Shape chunk_shape(const Dataset& source, hid_t creation) const;
  /// Every chunk with rows among first .. first + count, in C order of the grid.
  void for_each_chunk(const Dataset& source, std::int64_t first, std::int64_t count,
                      const std::function<void(const Chunk&)>& visit) const;
  void gather_chunks(const Dataset& source, hid_t type, std::int64_t first, std::int64_t count,
                     std::uint8_t* values) const;
  void require_rows(const Dataset& source, std::int64_t first, std::int64_t count) const;
  void read_rows(const Dataset& source, hid_t type, std::int64_t first, std::int64_t count,
                 void* values) const;
  std::optional<std::int64_t> place_of(const Dataset& source, hid_t type) const;
  Column column(const std::string& table, const std::string& field) const;
  void require_number_column(const std::string& table, const std::string& field,
                             const Column& column, bool integers) const;
  void convert_column(const std::string& table, const Column& column, hid_t type, void* values,
                      std::size_t bytes) const;
  void read(const Dataset& source, hid_t type, void* values) const;
  std::vector<std::string> fixed_texts(const Dataset& source) const;
  std::vector<std::string> variable_texts(const Dataset& source) const;
  std::optional<Attribute> attribute(const std::string& object, const std::string& name) const;
  [[noreturn]] void fail(const std::string& name, const std::string& message) const;

  Session session_;
  std::string path_;
  bool in_memory_ = false;
  std::int64_t file_bytes_ = 0;
  Handle dataset_access_;  ///< refuses links to other files
  Handle link_access_;
  Handle file_;
};

}  // namespace reprise::hdf5
