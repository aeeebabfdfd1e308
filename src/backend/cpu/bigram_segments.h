#pragma once

// Long songs are cut into segments of event frames that threads share. Where a song is cut depends
// on its own length alone, and partial sums are added in the segments' order: the same bits for any
// number of threads, in any batch.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "backend/cpu/bigram_layout.h"

namespace reprise::cpu {

struct Segment {
  int song;                    // of the group
  std::int64_t first, frames;  // event frames; first is even

  // The chroma that its events are found in.
  Excerpt of(const Excerpt& e, const BigramParams& p) const {
    return {e.first + first, static_cast<std::int32_t>(frames + p.event_length - 1), e.roll};
  }
};

// Some long songs of a call, and their segments in order.
struct SegmentGroup {
  struct Song {
    std::int64_t index;       // of its excerpt
    std::size_t from, until;  // its segments
  };
  std::vector<Song> songs;
  std::vector<Segment> segments;

  void add(std::int64_t index, std::int64_t frames, std::int64_t most) {
    const std::int64_t pieces = (frames + most - 1) / most;
    const std::int64_t even = round_up((frames + pieces - 1) / pieces, 2);
    const std::size_t from = segments.size();
    for (std::int64_t first = 0; first < frames; first += even)
      segments.push_back({static_cast<int>(songs.size()), first, std::min(even, frames - first)});
    songs.push_back({index, from, segments.size()});
  }
};

// mean [n] over a song's frames, from its segments' sums [segments, n].
inline void mean_of_segments(const SegmentGroup::Song& song, const std::vector<float>& sums, int n,
                             std::int64_t frames, float* mean) {
  for (int i = 0; i < n; ++i) {
    double sum = 0;
    for (std::size_t part = song.from; part < song.until; ++part) sum += double{sums[part * n + i]};
    mean[i] = static_cast<float>(sum / static_cast<double>(frames));
  }
}

// Adds up a song's segments' parts [segments, stride] in the first of them, which is returned: in
// pairs, so that rounding hardly grows with their number.
inline const float* sum_of_segments(const SegmentGroup::Song& song, float* parts,
                                    std::int64_t stride, std::int64_t values) {
  float* first = parts + static_cast<std::int64_t>(song.from) * stride;
  const auto count = static_cast<std::int64_t>(song.until - song.from);
  for (std::int64_t step = 1; step < count; step *= 2)
    for (std::int64_t part = 0; part + step < count; part += 2 * step) {
      float* to = first + part * stride;
      const float* from = to + step * stride;
      for (std::int64_t v = 0; v < values; ++v) to[v] += from[v];
    }
  return first;
}

// Calls body(group) for the songs of more than `most` event frames, group by group: enough segments
// at a time for the threads, so that memory does not grow with the number of songs.
template <class Body>
void for_each_segment_group(const BigramShape& s, const Excerpt* excerpts, std::int64_t count,
                            std::int64_t most, int threads, Body&& body) {
  SegmentGroup group;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t frames = s.p.event_frames(excerpts[i].frames);
    if (frames > most) group.add(i, frames, most);
    if (group.segments.size() >= 8 * static_cast<std::size_t>(threads) ||
        (i + 1 == count && !group.songs.empty())) {
      body(static_cast<const SegmentGroup&>(group));
      group = {};
    }
  }
}

}  // namespace reprise::cpu
