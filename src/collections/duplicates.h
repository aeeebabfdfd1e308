#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace reprise {

/// One song as far as it tells whether another is the same recording.
struct RecordingSketch {
  std::string artist_id;
  std::string audio_md5;
  double duration = 0;        ///< seconds; 0: unknown
  std::vector<float> chroma;  ///< [frames, 12]
};

struct DuplicateRules {
  double cosine = 0.98;     ///< mean cosine of frames, at least
  double seconds = 2;       ///< difference in duration, at most
  std::int64_t offset = 8;  ///< frames by which one may start later, at most
};

/// Why a song was taken for a song before it.
struct Duplicate {
  std::size_t song;
  std::size_t of;  ///< an earlier song, which is kept
  double cosine;   ///< of the frames; 1 where the checksums of the audio agree
  bool same_checksum;
};

/// Mean cosine of two songs' frames, transposed as they are, at the best offset of at most
/// rules.offset frames; over the frames that both have, which must be nine tenths of the longer
/// song; 0 where they are not. Silent frames agree with silent ones only.
double frame_agreement(std::span<const float> a, std::span<const float> b, std::int64_t offset);

/// Among the songs of one work: recordings that are there twice. Two songs are one recording where
/// the checksums of their audio agree, or where the artist is the same, the durations differ by
/// rules.seconds at most and the frames agree. In the spirit of Osmalskyj's pruned list; the first
/// is kept.
std::vector<Duplicate> find_duplicates(const std::vector<RecordingSketch>& songs,
                                       const DuplicateRules& rules);

}  // namespace reprise
