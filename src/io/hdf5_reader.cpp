#include "io/hdf5_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>

#include "core/text.h"
#include "reprise/error.h"

namespace reprise::hdf5 {
namespace {

/// A file of B bytes is believed to hold at most 2000 B + 1 MiB: deflate reaches 1032 to 1.
constexpr std::int64_t kExpansion = 2000;
constexpr std::int64_t kFreeBytes = std::int64_t{1} << 20;
/// Text of variable length is not compressed; equal strings might share a place.
constexpr std::int64_t kTextExpansion = 64;
constexpr std::size_t kLongestText = std::size_t{1} << 20;

Handle property_list(hid_t kind) {
  return {H5Pcreate(kind), H5Pclose};
}

/// Follows no link into another file.
Handle access_inside(hid_t kind) {
  Handle access = property_list(kind);
  const auto refuse = [](const char*, const char*, const char*, const char*, unsigned*, hid_t,
                         void*) -> herr_t { return -1; };
  H5Pset_elink_cb(access.get(), refuse, nullptr);
  return access;
}

bool matches(const Shape& found, const Shape& expected) {
  return std::equal(found.begin(), found.end(), expected.begin(), expected.end(),
                    [](std::int64_t a, std::int64_t b) { return b == kAny || a == b; });
}

/// Where HDF5 puts strings of variable length: freed together whatever happens, and bounded.
class TextArena {
 public:
  explicit TextArena(std::int64_t limit) : left_(limit) {}
  static void* allocate(std::size_t bytes, void* arena) {
    return static_cast<TextArena*>(arena)->add(bytes);
  }
  static void keep(void*, void*) {}

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  void* add(std::size_t bytes) noexcept try {
    constexpr std::size_t kOverhead = 32;
    if (bytes > kLongestText) return nullptr;
    left_ -= static_cast<std::int64_t>(bytes + kOverhead);
    if (left_ < 0) return nullptr;
    return blocks_.emplace_back(std::malloc(bytes)).get();
  } catch (...) {
    return nullptr;
  }
  std::int64_t left_;
  std::vector<std::unique_ptr<void, Free>> blocks_;
};

/// Bytes of a file that can be read. Throws Error.
std::int64_t readable_size(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    throw InputError(fmt::format("{}: cannot open: {}", path, std::strerror(errno)));
  struct stat status {};
  const bool is_file = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  ::close(descriptor);
  if (!is_file) throw InputError(fmt::format("{}: expected a file, found something else", path));
  return status.st_size;
}

}  // namespace

std::int64_t Dataset::size() const {
  return count_of(shape).value_or(0);
}

// Opening.

Reader::Reader(const std::string& path) : path_(path) {
  file_bytes_ = readable_size(path);
  Handle access = property_list(H5P_FILE_ACCESS);
  // Locks are of no use to one who only reads, and fail on some network file systems.
  H5Pset_file_locking(access.get(), false, true);
  open(std::move(access));
}

Reader::Reader(std::span<const std::uint8_t> image, const std::string& path)
    : path_(path), in_memory_(true), file_bytes_(static_cast<std::int64_t>(image.size())) {
  // Given an empty image, HDF5 would open the file of that name instead.
  if (image.empty()) fail("", "expected an HDF5 file, found nothing");
  Handle access = property_list(H5P_FILE_ACCESS);
  constexpr std::size_t kIncrement = std::size_t{1} << 16;
  H5Pset_fapl_core(access.get(), kIncrement, false);
  H5Pset_file_image(access.get(), const_cast<std::uint8_t*>(image.data()), image.size());
  open(std::move(access));
}

void Reader::open(Handle access) {
  H5Pset_fclose_degree(access.get(), H5F_CLOSE_STRONG);
  file_ = Handle(H5Fopen(path_.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose);
  if (!file_) fail("", fmt::format("expected a whole HDF5 file: {}", last_failure()));
  dataset_access_ = access_inside(H5P_DATASET_ACCESS);
  link_access_ = access_inside(H5P_LINK_ACCESS);
}

void Reader::fail(const std::string& name, const std::string& message) const {
  throw InputError(fmt::format("{}: {}{}{}", path_, name, name.empty() ? "" : ": ", message));
}

// Datasets.

bool Reader::has(const std::string& name) const {
  for (auto end = name.find('/', 1);; end = name.find('/', end + 1)) {
    const std::string prefix = name.substr(0, end);
    const htri_t exists = H5Lexists(file_.get(), prefix.c_str(), link_access_.get());
    if (exists < 0) fail(prefix, fmt::format("cannot be looked up: {}", last_failure()));
    if (exists == 0) return false;
    if (end == std::string::npos) return true;
  }
}

Dataset Reader::dataset(const std::string& name, const Shape& expected) const {
  if (!has(name)) fail(name, "expected a dataset of this name, found none");
  Dataset found;
  found.name = name;
  found.id = Handle(H5Dopen2(file_.get(), name.c_str(), dataset_access_.get()), H5Dclose);
  if (!found.id) fail(name, fmt::format("expected a dataset: {}", last_failure()));
  const Handle type(H5Dget_type(found.id.get()), H5Tclose);
  const Handle space(H5Dget_space(found.id.get()), H5Sclose);
  if (!type || !space) fail(name, fmt::format("cannot be described: {}", last_failure()));
  found.element = element_of(type.get());
  const std::optional<Shape> shape = shape_of(space.get());
  if (!shape)
    fail(name, fmt::format("expected shape {}, found none or an absurd one", to_string(expected)));
  if (!matches(*shape, expected))
    fail(name, fmt::format("expected shape {}, found {}", to_string(expected), to_string(*shape)));
  found.shape = *shape;
  const std::optional<std::int64_t> count = count_of(found.shape);
  if (!count) fail(name, fmt::format("found absurd shape {}", to_string(found.shape)));
  require_plausible(name, *count, found.element.bytes);
  require_safe_storage(found);
  return found;
}

void Reader::require_plausible(const std::string& name, std::int64_t count,
                               std::size_t bytes) const {
  std::int64_t total = 0;
  if (bytes > static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max()) ||
      __builtin_mul_overflow(count, static_cast<std::int64_t>(bytes), &total) ||
      std::max<std::int64_t>(total - kFreeBytes, 0) / kExpansion > file_bytes_)
    fail(name, fmt::format("{} values of {} bytes are more than a file of {} bytes can hold", count,
                           bytes, file_bytes_));
}

void Reader::require_safe_storage(Dataset& source) const {
  const Handle creation(H5Dget_create_plist(source.id.get()), H5Pclose);
  if (!creation) fail(source.name, fmt::format("cannot be described: {}", last_failure()));
  const H5D_layout_t layout = H5Pget_layout(creation.get());
  if (layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED)
    fail(source.name, "expected values stored in this file, found a virtual dataset");
  if (H5Pget_external_count(creation.get()) != 0)
    fail(source.name, "expected values stored in this file, found them in another");
  source.chunked = layout == H5D_CHUNKED;
  if (source.chunked) {
    filters_of(source, creation.get());
    chunk_shape(source, creation.get());
    return;
  }
  // HDF5 takes the length of other storage on trust; none at all stands for a fill value.
  const auto bytes = static_cast<hsize_t>(source.size()) * source.element.bytes;
  const hsize_t stored = H5Dget_storage_size(source.id.get());
  const bool unwritten = stored == 0 && layout == H5D_CONTIGUOUS;
  if (stored != bytes && !unwritten && !source.element.variable)
    fail(source.name, fmt::format("expected {} bytes of values, found {}", bytes, stored));
}

void Reader::require_numbers(const Dataset& source, bool integers) const {
  const Kind kind = source.element.kind;
  if (kind != Kind::integer && (integers || kind != Kind::real))
    fail(source.name, fmt::format("expected {}, found {}", integers ? "integers" : "numbers",
                                  source.element.name()));
}

void Reader::require_rows(const Dataset& source, std::int64_t first, std::int64_t count) const {
  if (source.shape.empty() || first < 0 || count < 0 || first > source.shape[0] ||
      count > source.shape[0] - first)
    fail(source.name, fmt::format("expected rows {} to {}, found shape {}", first, first + count,
                                  to_string(source.shape)));
}

void Reader::read(const Dataset& source, hid_t type, void* values) const {
  if (source.size() == 0) return;
  if (source.chunked)
    gather_chunks(source, type, 0, source.shape[0], static_cast<std::uint8_t*>(values));
  else if (H5Dread(source.id.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
    fail(source.name, fmt::format("cannot be read: {}", last_failure()));
}

void Reader::read_rows(const Dataset& source, hid_t type, std::int64_t first, std::int64_t count,
                       void* values) const {
  if (source.size() == 0 || count == 0) return;
  if (source.chunked)
    return gather_chunks(source, type, first, count, static_cast<std::uint8_t*>(values));
  std::vector<hsize_t> start(source.shape.size(), 0);
  std::vector<hsize_t> lengths(source.shape.begin(), source.shape.end());
  start[0] = static_cast<hsize_t>(first);
  lengths[0] = static_cast<hsize_t>(count);
  const Handle space(H5Dget_space(source.id.get()), H5Sclose);
  const Handle memory(H5Screate_simple(static_cast<int>(lengths.size()), lengths.data(), nullptr),
                      H5Sclose);
  if (H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, lengths.data(),
                          nullptr) < 0 ||
      H5Dread(source.id.get(), type, memory.get(), space.get(), H5P_DEFAULT, values) < 0)
    fail(source.name, fmt::format("cannot be read: {}", last_failure()));
}

std::optional<std::int64_t> Reader::place_of(const Dataset& source, hid_t type) const {
  const Handle file_type(H5Dget_type(source.id.get()), H5Tclose);
  const Handle creation(H5Dget_create_plist(source.id.get()), H5Pclose);
  if (in_memory_ || H5Pget_layout(creation.get()) != H5D_CONTIGUOUS ||
      H5Tequal(file_type.get(), type) <= 0)
    return std::nullopt;
  const haddr_t place = H5Dget_offset(source.id.get());
  const auto bytes = source.size() * static_cast<std::int64_t>(source.element.bytes);
  if (place == HADDR_UNDEF || place > static_cast<haddr_t>(file_bytes_) ||
      bytes > file_bytes_ - static_cast<std::int64_t>(place))
    return std::nullopt;
  return static_cast<std::int64_t>(place);
}

std::vector<std::string> Reader::texts(const std::string& name, std::int64_t expected) const {
  const Dataset source = dataset(name, {expected});
  if (source.element.kind != Kind::text)
    fail(name, fmt::format("expected text, found {}", source.element.name()));
  require_plausible(name, source.size(), sizeof(std::string));
  return source.element.variable ? variable_texts(source) : fixed_texts(source);
}

std::vector<std::string> Reader::fixed_texts(const Dataset& source) const {
  const std::size_t width = source.element.bytes;
  if (width == 0 || width > kLongestText)
    fail(source.name,
         fmt::format("expected text of at most {} bytes, found {}", kLongestText, width));
  const Handle type(H5Dget_type(source.id.get()), H5Tclose);
  const H5T_str_t padding = H5Tget_strpad(type.get());
  std::vector<std::string> out(static_cast<std::size_t>(source.size()));
  const auto store = [&](std::size_t first, std::size_t count, const std::uint8_t* fields) {
    const auto* text = reinterpret_cast<const char*>(fields);
    for (std::size_t i = 0; i < count; ++i)
      out[first + i] = without_padding({text + i * width, width}, padding);
  };
  if (source.chunked) {
    for_each_chunk(source, 0, source.shape[0], [&](const Chunk& chunk) {
      const auto first = static_cast<std::size_t>(chunk.offset[0]);
      const auto count = static_cast<std::size_t>(chunk.shape[0]);
      store(first, std::min(count, out.size() - first), chunk.bytes.data());
    });
  } else if (!out.empty()) {
    std::vector<std::uint8_t> fields(out.size() * width);
    read(source, type.get(), fields.data());
    store(0, out.size(), fields.data());
  }
  return out;
}

std::vector<std::string> Reader::variable_texts(const Dataset& source) const {
  const Handle file_type(H5Dget_type(source.id.get()), H5Tclose);
  const Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5Tget_cset(file_type.get()));
  TextArena arena(kFreeBytes + kTextExpansion * file_bytes_);
  const Handle transfer = property_list(H5P_DATASET_XFER);
  H5Pset_vlen_mem_manager(transfer.get(), TextArena::allocate, &arena, TextArena::keep, &arena);
  std::vector<char*> pointers(static_cast<std::size_t>(source.size()));
  if (!pointers.empty() && H5Dread(source.id.get(), type.get(), H5S_ALL, H5S_ALL, transfer.get(),
                                   static_cast<void*>(pointers.data())) < 0)
    fail(source.name, fmt::format("cannot be read: {}", last_failure()));
  std::vector<std::string> out;
  out.reserve(pointers.size());
  for (const char* text : pointers) out.emplace_back(text ? text : "");
  return out;
}

}  // namespace reprise::hdf5
