// Chunks as hdf5_reader.h declares them. HDF5 1.10 unpacks a chunk without comparing its length
// with that of the values that it then copies out, so that a damaged file makes it read past the
// end of the buffer. Here the stored bytes are fetched as they are and unpacked to exactly the
// right length.

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "core/text.h"
#include "io/hdf5_reader.h"

namespace reprise::hdf5 {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr H5Z_filter_t kBlosc = 32001;  // registered with The HDF Group; old deepdish files
constexpr std::int64_t kLargestChunk = std::int64_t{64} << 20;

/// Shuffle stores the first bytes of all values, then the second bytes, and so on; bytes that are
/// left over stay at the end.
void unshuffle(Bytes& bytes, std::size_t value_bytes) {
  const std::size_t values = bytes.size() / value_bytes;
  const Bytes planes = bytes;
  for (std::size_t b = 0; b < value_bytes; ++b)
    for (std::size_t i = 0; i < values; ++i) bytes[i * value_bytes + b] = planes[b * values + i];
}

/// Whether `packed` inflates to exactly the length of `bytes`.
bool inflate_exactly(const Bytes& packed, Bytes& bytes) {
  uLongf length = bytes.size();
  return ::uncompress(bytes.data(), &length, packed.data(), packed.size()) == Z_OK &&
         length == bytes.size();
}

}  // namespace

std::vector<H5Z_filter_t> Reader::filters_of(const Dataset& source, hid_t creation) const {
  std::vector<H5Z_filter_t> filters;
  const int count = H5Pget_nfilters(creation);
  for (int i = 0; i < count; ++i) {
    unsigned flags = 0;
    std::size_t values = 0;
    char name[64] = {};
    const H5Z_filter_t filter = H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &values,
                                               nullptr, sizeof name, name, nullptr);
    const bool repeated = std::find(filters.begin(), filters.end(), filter) != filters.end();
    if ((filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE) || repeated)
      fail(
          source.name,
          fmt::format("expected the filters shuffle and deflate, each once, found number {} ({}){}",
                      static_cast<int>(filter), quote(name),
                      filter == kBlosc ? "; write the file again with zlib compression" : ""));
    filters.push_back(filter);
  }
  return filters;
}

Shape Reader::chunk_shape(const Dataset& source, hid_t creation) const {
  std::vector<hsize_t> lengths(H5S_MAX_RANK);
  const int axes = H5Pget_chunk(creation, H5S_MAX_RANK, lengths.data());
  if (axes < 1 || axes != static_cast<int>(source.shape.size()))
    fail(source.name,
         fmt::format("expected chunks of {} axes, found {}", source.shape.size(), axes));
  Shape shape;
  Shape factors{static_cast<std::int64_t>(source.element.bytes)};
  for (std::size_t i = 0; i < source.shape.size(); ++i) {
    shape.push_back(static_cast<std::int64_t>(lengths[i]));
    factors.push_back(shape.back());
    if (shape.back() < 1) fail(source.name, "expected chunks with values, found empty ones");
  }
  const std::optional<std::int64_t> bytes = count_of(factors);
  if (!bytes || *bytes > kLargestChunk)
    fail(source.name,
         fmt::format("expected chunks of at most {} bytes, found larger ones", kLargestChunk));
  return shape;
}

void Reader::for_each_chunk(const Dataset& source, std::int64_t first, std::int64_t count,
                            const std::function<void(const Chunk&)>& visit) const {
  const Handle creation(H5Dget_create_plist(source.id.get()), H5Pclose);
  const std::vector<H5Z_filter_t> filters = filters_of(source, creation.get());
  Chunk chunk;
  chunk.shape = chunk_shape(source, creation.get());
  Shape grid;
  for (std::size_t i = 0; i < chunk.shape.size(); ++i)
    grid.push_back(source.shape[i] / chunk.shape[i] + (source.shape[i] % chunk.shape[i] != 0));
  const std::optional<std::int64_t> chunks = count_of(grid);
  if (!chunks || *chunks > file_bytes_)
    fail(source.name,
         fmt::format("found more chunks than a file of {} bytes can hold", file_bytes_));
  const std::size_t bytes =
      static_cast<std::size_t>(count_of(chunk.shape).value_or(0)) * source.element.bytes;

  if (*chunks == 0 || count == 0) return;
  const std::int64_t across = *chunks / grid[0];
  const std::int64_t begin = first / chunk.shape[0] * across;
  const std::int64_t end = ((first + count - 1) / chunk.shape[0] + 1) * across;
  chunk.offset.resize(grid.size());
  for (std::int64_t n = begin; n < end; ++n) {
    std::int64_t rest = n;
    for (std::size_t i = grid.size(); i-- > 0; rest /= grid[i])
      chunk.offset[i] = rest % grid[i] * chunk.shape[i];
    const std::vector<hsize_t> offset(chunk.offset.begin(), chunk.offset.end());
    unsigned skipped = 0;  // filters that this chunk went without, as a mask
    haddr_t address = HADDR_UNDEF;
    hsize_t stored = 0;
    if (H5Dget_chunk_info_by_coord(source.id.get(), offset.data(), &skipped, &address, &stored) < 0)
      fail(source.name, fmt::format("cannot be read: {}", last_failure()));
    if (address == HADDR_UNDEF) fail(source.name, "expected every chunk, found one missing");
    if (stored > static_cast<hsize_t>(file_bytes_))
      fail(source.name,
           fmt::format("expected a chunk inside the file, found one of {} bytes", stored));
    chunk.bytes.resize(static_cast<std::size_t>(stored));
    if (H5Dread_chunk(source.id.get(), H5P_DEFAULT, offset.data(), &skipped, chunk.bytes.data()) <
        0)
      fail(source.name, fmt::format("cannot be read: {}", last_failure()));
    for (std::size_t i = filters.size(); i-- > 0;) {
      if ((skipped >> i & 1) != 0) continue;
      if (filters[i] == H5Z_FILTER_SHUFFLE) {
        unshuffle(chunk.bytes, source.element.bytes);
      } else {
        Bytes unpacked(bytes);
        if (!inflate_exactly(chunk.bytes, unpacked))
          fail(source.name,
               fmt::format("expected a chunk that inflates to {} bytes, found damage", bytes));
        chunk.bytes.swap(unpacked);
      }
    }
    if (chunk.bytes.size() != bytes)
      fail(source.name,
           fmt::format("expected a chunk of {} bytes, found {}", bytes, chunk.bytes.size()));
    visit(chunk);
  }
}

/// The values of the chunks in their places, as `type`.
void Reader::gather_chunks(const Dataset& source, hid_t type, std::int64_t first,
                           std::int64_t count, std::uint8_t* values) const {
  const Handle file_type(H5Dget_type(source.id.get()), H5Tclose);
  const bool same = H5Tequal(file_type.get(), type) > 0;
  const std::size_t bytes = H5Tget_size(type);
  const auto element = static_cast<std::int64_t>(bytes);
  Bytes converted;
  for_each_chunk(source, first, count, [&](const Chunk& chunk) {
    const std::size_t axes = source.shape.size();
    const std::int64_t width = chunk.shape[axes - 1];  // values that lie together
    const std::int64_t row = std::min(width, source.shape[axes - 1] - chunk.offset[axes - 1]);
    const std::int64_t chunk_values = count_of(chunk.shape).value_or(0);
    const std::uint8_t* from = chunk.bytes.data();
    if (!same) {
      converted = chunk.bytes;
      converted.resize(static_cast<std::size_t>(chunk_values) *
                       std::max(bytes, source.element.bytes));
      if (H5Tconvert(file_type.get(), type, static_cast<std::size_t>(chunk_values),
                     converted.data(), nullptr, H5P_DEFAULT) < 0)
        fail(source.name, fmt::format("cannot be converted: {}", last_failure()));
      from = converted.data();
    }
    const auto copy = [&](std::int64_t to, std::int64_t at, std::int64_t length) {
      std::memcpy(values + to * element, from + at * element,
                  static_cast<std::size_t>(length * element));
    };
    if (axes == 1) {
      const std::int64_t low = std::max(first, chunk.offset[0]);
      const std::int64_t high = std::min(first + count, chunk.offset[0] + row);
      if (low < high) copy(low - first, low - chunk.offset[0], high - low);
      return;
    }
    for (std::int64_t r = 0; r < chunk_values / width; ++r) {
      std::int64_t rest = r;
      std::int64_t at = chunk.offset[axes - 1];
      std::int64_t stride = source.shape[axes - 1];
      bool inside = true;  // the last chunk of an axis may reach past its end
      for (std::size_t i = axes - 1; i-- > 0; rest /= chunk.shape[i]) {
        const std::int64_t low = i == 0 ? first : 0;
        const std::int64_t high = i == 0 ? first + count : source.shape[i];
        const std::int64_t index = chunk.offset[i] + rest % chunk.shape[i];
        inside = inside && index >= low && index < high;
        at += (index - low) * stride;
        stride *= source.shape[i];
      }
      if (inside) copy(at, r * width, row);
    }
  });
}

}  // namespace reprise::hdf5
