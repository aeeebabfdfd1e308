#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "io/hdf5.h"

namespace reprise::hdf5 {

/// Writes a new HDF5 file: datasets in chunks of rows, with shuffle and deflate; attributes of the
/// root. The same calls give the same bytes. Every function throws Error with HDF5's reason (disk
/// full, ...); what was written so far is then for the caller to remove.
class Writer {
 public:
  /// Creates `file`; `path` is what messages call it.
  Writer(const std::string& file, const std::string& path);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// `values` in C order; chunks of at most `chunk_rows` of the first axis.
  template <class T>
  void numbers(const std::string& name, const Shape& shape, const T* values,
               std::int64_t chunk_rows = kChunkRows) {
    write(name, native_type<T>(), shape, chunk_rows, values);
  }

  enum class Layout : std::uint8_t {
    packed,  ///< in chunks, with shuffle and deflate
    plain,   ///< as in memory, in one piece: can be mapped
  };

  /// The same, a block of rows at a time: next(values, rows) fills the next `rows` rows.
  template <class T>
  void numbers(const std::string& name, const Shape& shape, Layout layout,
               const std::function<void(T* values, std::int64_t rows)>& next) {
    const Handle dataset = create(name, native_type<T>(), shape, kChunkRows, layout);
    const std::int64_t width = count_of(shape).value_or(0) / shape[0];
    const std::int64_t block = layout == Layout::packed ? kChunkRows : 16 * kChunkRows;
    std::vector<T> values(static_cast<std::size_t>(std::min(block, shape[0]) * width));
    for (std::int64_t first = 0; first < shape[0]; first += block) {
      const std::int64_t rows = std::min(block, shape[0] - first);
      next(values.data(), rows);
      write_rows(dataset, name, native_type<T>(), shape, first, rows, values.data());
    }
    flush(dataset, name);
  }

  /// UTF-8 strings of fixed width, padded with zero bytes; at most 65,535 bytes each.
  void texts(const std::string& name, const std::vector<std::string>& values);
  /// The same, where the longest has `width` bytes: next() gives one after another.
  void texts(const std::string& name, std::int64_t count, std::size_t width,
             const std::function<std::string()>& next);

  void attribute(const std::string& name, const std::string& value);
  void attribute(const std::string& name, std::int64_t value);
  void attribute(const std::string& name, double value);

  /// Flushes and closes the file: after this it is complete.
  void finish();

 private:
  static constexpr std::int64_t kChunkRows = 4096;

  Handle create(const std::string& name, hid_t type, const Shape& shape, std::int64_t chunk_rows,
                Layout layout = Layout::packed);
  void write_rows(const Handle& dataset, const std::string& name, hid_t type, const Shape& shape,
                  std::int64_t first, std::int64_t rows, const void* values);
  void flush(const Handle& dataset, const std::string& name);
  void write(const std::string& name, hid_t type, const Shape& shape, std::int64_t chunk_rows,
             const void* values);
  void write_attribute(const std::string& name, hid_t type, const void* value);
  void require(bool done, const std::string& name);
  void discard() noexcept;

  Session session_;
  std::string path_;
  Handle file_;
};

}  // namespace reprise::hdf5
