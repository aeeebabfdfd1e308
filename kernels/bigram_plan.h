// How a bigram call is cut into blocks: sizes, lag groups, and where each array lies. Plain values,
// made on the host and passed to the kernels.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

#include <reprise/error.h>
#include <reprise/params.h>

namespace reprise {

inline constexpr int kBigramThreads = 256;
inline constexpr int kBigramWarps = kBigramThreads / 32;
inline constexpr int kTimeTile = 64;      // event frames that a block holds at a time
inline constexpr int kPartFrames = 1024;  // event frames of a block: longer songs take several
inline constexpr int kSharedBudget = 96 << 10;  // bytes of a block: what every listed device has

inline constexpr int kSharedAlignment = 128;  // bytes, of arrays in dynamic shared memory

/// A fingerprint whose squared length is at most this becomes zero instead of unit length.
inline constexpr float kSmallestSquare = kSilentNorm * kSilentNorm;

REPRISE_HOST_DEVICE constexpr int round_up(int value, int unit) {
  return (value + unit - 1) / unit * unit;
}

/// Bytes of dynamic shared memory for arrays of these sizes.
inline std::size_t shared_bytes(std::initializer_list<int> arrays) {
  int total = 0;
  for (const int bytes : arrays) total += round_up(bytes, kSharedAlignment);
  return static_cast<std::size_t>(total);
}

/// Neighbouring lags that one block handles together: group g has lags first[g] to first[g+1].
struct LagGroups {
  int count = 0;
  int first[kMaxTaps + 1] = {};
};

/// Sizes that all bigram kernels share.
struct BigramPlan {
  BigramParams p;
  LagSet lags;
  LagGroups groups;
  int padded = 0;  // N rounded up to whole tiles
  int stride = 0;  // of a row of events in shared memory: skewed against bank conflicts
  int rows = 0;    // of events that a lag group needs at a time, at most
  int parts = 0;   // of the longest song

  REPRISE_HOST_DEVICE int filter_rows() const { return p.given_events ? 0 : p.filter_values(); }
  REPRISE_HOST_DEVICE int square() const { return padded * padded; }
  /// Floats of a song's correlation matrices [lags, padded, padded].
  REPRISE_HOST_DEVICE int correlations() const { return lags.count * square(); }
  /// Floats of chroma that `event_rows` events need, with room for reading a whole tile too far.
  REPRISE_HOST_DEVICE int chroma_floats(int event_rows) const {
    return (event_rows + p.event_length - 1) * p.width() + 16;
  }
  /// Floats of filters, biases and means in shared memory.
  REPRISE_HOST_DEVICE int model_floats() const { return (filter_rows() + 2) * padded; }
  REPRISE_HOST_DEVICE int parts_of(int frames) const {
    return (p.event_frames(frames) + kPartFrames - 1) / kPartFrames;
  }
};

/// element_bytes: of an event in shared memory; fixed_rows: of events that a block keeps beside its
/// lag group's; lags_at_most: of a group.
inline BigramPlan bigram_shape(const BigramParams& p, std::int64_t longest, int element_bytes,
                               int fixed_rows, int lags_at_most) {
  if (p.events < 1 || p.events > kMaxEvents || p.event_length < 1 ||
      p.event_length > kMaxEventLength || p.bands < 1 || p.bands > kMaxBands || p.windows < 1 ||
      p.windows > kMaxWindows || p.taps < 1 || p.taps > kMaxTaps) {
    throw InternalError("bigram kernels: parameters out of range");
  }
  BigramPlan shape;
  shape.p = p;
  shape.lags = distinct_lags(p);
  shape.padded = round_up(p.events, 16);
  shape.stride = shape.padded + 32 / element_bytes;
  const auto bytes = [&](int rows) {
    return 4 * (shape.model_floats() + shape.chroma_floats(rows) + shape.chroma_floats(kTimeTile)) +
           element_bytes * shape.stride * (rows + fixed_rows);
  };
  int span = 256;  // largest less smallest lag of a group
  while (span > 0 && bytes(kTimeTile + span) > kSharedBudget) span -= 2;
  if (bytes(kTimeTile + span) > kSharedBudget) {
    const auto kilobytes = [](int count) { return std::to_string(count / 1000) + " kB"; };
    throw MachineError("bigrams on a GPU: " + std::to_string(p.events) + " filters of " +
                       std::to_string(p.event_length) + " frames and " + std::to_string(p.bands) +
                       " bands need " + kilobytes(bytes(kTimeTile)) +
                       " of shared memory, there are " + kilobytes(kSharedBudget) +
                       "; use fewer or shorter filters, or the CPU");
  }
  const LagSet& lags = shape.lags;
  for (int k = 0; k < lags.count;) {
    shape.groups.first[shape.groups.count++] = k;
    const int first = k;
    while (k < lags.count && k - first < lags_at_most && lags.lag[k] - lags.lag[first] <= span) ++k;
    shape.rows = std::max(shape.rows, round_up(kTimeTile + lags.lag[k - 1] - lags.lag[first], 2));
  }
  shape.groups.first[shape.groups.count] = lags.count;
  shape.parts = std::max(1, shape.parts_of(static_cast<int>(longest)));
  return shape;
}

/// The forward's shape: a separate tile of unshifted events, and all tiles of a group in registers.
inline BigramPlan correlation_shape(const BigramParams& p, std::int64_t longest, int element_bytes,
                                    int tiles_per_warp) {
  const int side = round_up(p.events, 16) / 16;
  const int lags = kBigramWarps * tiles_per_warp / (side * side);
  return bigram_shape(p, longest, element_bytes, kTimeTile, lags);
}

/// The backward's shape: a separate tile of gradients.
inline BigramPlan gradient_shape(const BigramParams& p, std::int64_t longest) {
  return bigram_shape(p, longest, sizeof(float), kTimeTile, kMaxTaps);
}

/// What the forward keeps for the backward. Each array starts at a multiple of 32 bytes, as
/// tensor-core tiles need.
struct BigramReserve {
  float* correlations;  // [songs, lags, padded, padded]
  float* means;         // [songs, padded], of the events; unset where they are not centred

  BigramReserve(const BigramPlan& shape, std::int64_t songs, float* memory)
      : correlations(memory), means(memory + songs * shape.correlations()) {}

  static std::int64_t floats(const BigramPlan& shape, std::int64_t songs) {
    return songs * (shape.correlations() + shape.padded);
  }
};

}  // namespace reprise
