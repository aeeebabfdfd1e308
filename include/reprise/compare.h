#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "reprise/params.h"
#include "reprise/song_set.h"
#include "reprise/view.h"

namespace reprise {

/// Frames of two songs that agree, one after another.
struct Stretch {
  /// Frames of the first and of the second song, both strictly ascending.
  std::vector<std::pair<std::int32_t, std::int32_t>> path;
  float score = 0;  ///< sum of s along the path, in standard deviations (see AlignmentParams)
};

/// How two songs align, frame by frame.
struct SongAlignment {
  std::int32_t rows = 0;      ///< frames of the first song
  std::int32_t columns = 0;   ///< frames of the second song
  std::vector<float> scores;  ///< [rows, columns] s_ij of AlignmentParams
  /// The best path, then the best one of the frames of both songs that are in no earlier one, and
  /// so on, down to a quarter of the first one's score.
  std::vector<Stretch> stretches;
};

/// Aligns two songs in host memory by the definition of AlignmentParams, in single precision; the
/// excerpts may roll. Throws Error where they are too long to hold the whole matrix.
SongAlignment align_songs(ChromaView a_chroma, const Excerpt& a, ChromaView b_chroma,
                          const Excerpt& b, const AlignmentParams& params, int most_stretches);

/// Two songs to draw: names for people and chroma, the first rolled as it was aligned.
struct ComparisonPicture {
  std::string a_name, b_name;
  std::string summary;  ///< a line above the picture
  ChromaView a_chroma, b_chroma;
  Excerpt a, b;
  double frames_per_second = 0;  ///< 0: axes in frames
};

/// An SVG document: the chroma of both songs along the sides of their similarities, with the
/// stretches that agree drawn in.
std::string comparison_svg(const ComparisonPicture& picture, const SongAlignment& alignment);

}  // namespace reprise
