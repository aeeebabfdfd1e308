#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "reprise/params.h"
#include "reprise/song_set.h"
#include "reprise/view.h"

namespace reprise {

/// A passage in which two songs agree, frame by frame.
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
  /// The best path, then the best one among frames of both songs that are on no earlier path, and
  /// so on, down to a quarter of the first score.
  std::vector<Stretch> stretches;
};

/// Aligns two songs in host memory as AlignmentParams defines, in single precision; excerpts may
/// be transposed. Throws Error if the songs are too long for the matrix to be held in memory.
SongAlignment align_songs(ChromaView a_chroma, const Excerpt& a, ChromaView b_chroma,
                          const Excerpt& b, const AlignmentParams& params, int most_stretches);

/// Two songs to plot: display names and chroma, the first transposed as it was aligned.
struct ComparisonPicture {
  std::string a_name, b_name;
  std::string summary;  ///< line above the plot
  ChromaView a_chroma, b_chroma;
  Excerpt a, b;
  double frames_per_second = 0;  ///< 0: axes in frames
};

/// An SVG document: the similarity matrix of two songs with their chroma along the sides and the
/// passages that agree drawn in.
std::string comparison_svg(const ComparisonPicture& picture, const SongAlignment& alignment);

}  // namespace reprise
