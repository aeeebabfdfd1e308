#pragma once

#include <cstdint>
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
               std::int64_t chunk_rows = 4096) {
    write(name, native_type<T>(), shape, chunk_rows, values);
  }

  /// UTF-8 strings of fixed width, padded with zero bytes; at most 65,535 bytes each.
  void texts(const std::string& name, const std::vector<std::string>& values);

  void attribute(const std::string& name, const std::string& value);
  void attribute(const std::string& name, std::int64_t value);
  void attribute(const std::string& name, double value);

  /// Flushes and closes the file: after this it is complete.
  void finish();

 private:
  Handle create(const std::string& name, hid_t type, const Shape& shape, std::int64_t chunk_rows);
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
