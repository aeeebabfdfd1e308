#pragma once

#include <string>

#include "reprise/compare.h"
#include "reprise/model.h"
#include "reprise/searcher.h"
#include "reprise/song_set.h"

namespace reprise {

/// Whether one song covers another, and where they agree.
struct Comparison {
  SongSet songs;            ///< the two: the first was looked up as a query
  FoundSong second;         ///< how the second was found: score, alignment, probability, ...
  SongAlignment alignment;  ///< of the first song, transposed, with the second

  /// Whether the probability is one half at least.
  bool cover() const { return *second.probability >= 0.5; }
};

/// Compares the two songs of a set. Throws Error where the set has not two songs, or the model no
/// weights for aligned songs. `model_name`: for messages. Of the songs' chroma settings nothing is
/// asked.
Comparison compare_songs(Backend& backend, const Model& model, const std::string& model_name,
                         SongSet two);

/// In one line: "a cover: probability 97.1 %, similarity ...".
std::string comparison_summary(const Comparison& comparison);
/// `{"a": id, "b": id, "cover", "probability", "score", "alignment", "transposition",
/// "frames_per_second" (or null), "stretches": [{"score", "a": [first frame, after last], "b"}]}`.
std::string comparison_json(const Comparison& comparison);
/// An SVG document: see comparison_svg(ComparisonPicture, SongAlignment).
std::string comparison_svg(const Comparison& comparison);

/// The song's title or, where it has none, its id.
std::string display_name(const SongSet& songs, std::int64_t song);
/// Semitones from -5 to +6, with their sign, for semitones 0 to 11.
std::string transposition_text(int semitones_up);

}  // namespace reprise
