#include "io/hdf5_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

#include "core/text.h"
#include "reprise/error.h"

namespace reprise::hdf5 {
namespace {

constexpr std::size_t kLongestText = 65535;

std::vector<hsize_t> lengths_of(const Shape& shape) {
  return {shape.begin(), shape.end()};
}

Handle text_type(std::size_t width) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), width);
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

}  // namespace

Writer::Writer(const std::string& file, const std::string& path) : path_(path) {
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  constexpr hsize_t kLarge = hsize_t{1} << 20;
  constexpr hsize_t kPage = 4096;
  H5Pset_alignment(access.get(), kLarge, kPage);  // what is large can be mapped
  file_ = Handle(H5Fcreate(file.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), H5Fclose);
  if (!file_) throw MachineError(fmt::format("{}: cannot create: {}", path_, last_failure()));
}

Writer::~Writer() {
  if (file_) discard();
}

/// HDF5 cannot close a file whose last bytes it cannot write: it keeps the file and tries again
/// at exit, where it may crash. The file is given up, so what is left of it goes to /dev/null.
void Writer::discard() noexcept {
  void* handle = nullptr;
  if (H5Fget_vfd_handle(file_.get(), H5P_DEFAULT, &handle) < 0) return;
  const int sink = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (sink < 0) return;
  ::dup3(sink, *static_cast<int*>(handle), O_CLOEXEC);
  ::close(sink);
}

void Writer::require(bool done, const std::string& name) {
  if (done) return;
  const std::string reason = last_failure();
  discard();
  throw MachineError(fmt::format("{}: {}: cannot write: {}", path_, name, reason));
}

Handle Writer::create(const std::string& name, hid_t type, const Shape& shape,
                      std::int64_t chunk_rows, Layout layout) {
  const std::vector<hsize_t> lengths = lengths_of(shape);
  const Handle space(H5Screate_simple(static_cast<int>(lengths.size()), lengths.data(), nullptr),
                     H5Sclose);
  const Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_obj_track_times(creation.get(), false);
  const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  if (layout == Layout::packed && !empty) {
    std::vector<hsize_t> chunk = lengths;
    chunk[0] = std::min(chunk[0], static_cast<hsize_t>(chunk_rows));
    constexpr unsigned kDeflateLevel = 6;
    H5Pset_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data());
    H5Pset_shuffle(creation.get());
    H5Pset_deflate(creation.get(), kDeflateLevel);
  }
  Handle dataset(H5Dcreate2(file_.get(), name.c_str(), type, space.get(), H5P_DEFAULT,
                            creation.get(), H5P_DEFAULT),
                 H5Dclose);
  require(static_cast<bool>(dataset), name);
  return dataset;
}

void Writer::write(const std::string& name, hid_t type, const Shape& shape, std::int64_t chunk_rows,
                   const void* values) {
  const Handle dataset = create(name, type, shape, chunk_rows);
  require(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0 &&
              H5Dflush(dataset.get()) >= 0,
          name);
}

void Writer::write_rows(const Handle& dataset, const std::string& name, hid_t type,
                        const Shape& shape, std::int64_t first, std::int64_t rows,
                        const void* values) {
  std::vector<hsize_t> start(shape.size(), 0);
  std::vector<hsize_t> lengths = lengths_of(shape);
  start[0] = static_cast<hsize_t>(first);
  lengths[0] = static_cast<hsize_t>(rows);
  const Handle space(H5Dget_space(dataset.get()), H5Sclose);
  const Handle memory(H5Screate_simple(static_cast<int>(lengths.size()), lengths.data(), nullptr),
                      H5Sclose);
  H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, lengths.data(), nullptr);
  require(H5Dwrite(dataset.get(), type, memory.get(), space.get(), H5P_DEFAULT, values) >= 0, name);
}

void Writer::flush(const Handle& dataset, const std::string& name) {
  require(H5Dflush(dataset.get()) >= 0, name);
}

void Writer::texts(const std::string& name, const std::vector<std::string>& values) {
  std::size_t width = 1;
  for (const std::string& value : values) width = std::max(width, value.size());
  std::size_t i = 0;
  texts(name, static_cast<std::int64_t>(values.size()), width, [&] { return values[i++]; });
}

void Writer::texts(const std::string& name, std::int64_t count, std::size_t width,
                   const std::function<std::string()>& next) {
  // A chunk at a time: one long string makes all rows wide.
  constexpr std::size_t kBlockBytes = std::size_t{1} << 16;
  width = std::clamp<std::size_t>(width, 1, kLongestText);
  const auto block_rows = static_cast<std::int64_t>(std::max<std::size_t>(1, kBlockBytes / width));
  const Handle type = text_type(width);
  const Shape shape{count};
  const Handle dataset = create(name, type.get(), shape, block_rows);
  for (std::int64_t first = 0; first < count; first += block_rows) {
    const std::int64_t rows = std::min(block_rows, count - first);
    std::string block;
    for (std::int64_t i = first; i < first + rows; ++i) {
      const std::string value = next();
      if (value.size() > width || value.find('\0') != std::string::npos)
        throw InputError(fmt::format(
            "{}: {}: expected text of at most {} bytes without zeros, found {} in row {}", path_,
            name, width, quote(value), i));
      block += value;
      block.append(width - value.size(), '\0');
    }
    write_rows(dataset, name, type.get(), shape, first, rows, block.data());
  }
  flush(dataset, name);
}

void Writer::write_attribute(const std::string& name, hid_t type, const void* value) {
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  const Handle attribute(
      H5Acreate2(file_.get(), name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  require(attribute && H5Awrite(attribute.get(), type, value) >= 0, "attribute " + name);
}

void Writer::attribute(const std::string& name, const std::string& value) {
  const Handle type = text_type(std::max<std::size_t>(1, value.size()));
  write_attribute(name, type.get(), value.c_str());
}

void Writer::attribute(const std::string& name, std::int64_t value) {
  write_attribute(name, H5T_NATIVE_INT64, &value);
}

void Writer::attribute(const std::string& name, double value) {
  write_attribute(name, H5T_NATIVE_DOUBLE, &value);
}

void Writer::finish() {
  require(H5Fflush(file_.get(), H5F_SCOPE_GLOBAL) >= 0, "the file");
  file_ = Handle();
}

}  // namespace reprise::hdf5
