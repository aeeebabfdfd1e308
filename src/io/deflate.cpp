#include "io/deflate.h"

#include <zlib.h>

#include <new>

namespace reprise {
namespace {

// The largest factor of the deflate format is 1,032: a size beyond it is not worth allocating.
constexpr std::int64_t kLargestFactor = 1032;

}  // namespace

std::vector<std::uint8_t> deflate(std::span<const std::uint8_t> bytes) {
  std::vector<std::uint8_t> out(::compressBound(bytes.size()));
  uLongf size = out.size();
  if (::compress2(out.data(), &size, bytes.data(), bytes.size(), Z_BEST_SPEED) != Z_OK)
    throw std::bad_alloc();  // the only way to fail, given room for the bound
  out.resize(size);
  return out;
}

std::optional<std::vector<std::uint8_t>> inflate(std::span<const std::uint8_t> deflated,
                                                 std::int64_t size) {
  if (size < 0 || size / kLargestFactor > static_cast<std::int64_t>(deflated.size()))
    return std::nullopt;
  std::vector<std::uint8_t> out(static_cast<std::size_t>(size));
  uLongf found = out.size();
  const int status = ::uncompress(out.data(), &found, deflated.data(), deflated.size());
  if (status != Z_OK || found != out.size()) return std::nullopt;
  return out;
}

}  // namespace reprise
