#pragma once

#include <string>

#include "reprise/compare.h"
#include "reprise/model.h"
#include "reprise/searcher.h"
#include "reprise/song_set.h"

namespace reprise {

/// Whether one song is a cover of another, and where they match.
struct Comparison {
  SongSet songs;            ///< the two; the first was the query
  FoundSong second;         ///< the second as a search result
  SongAlignment alignment;  ///< of the transposed first song with the second

  /// Whether the probability is at least one half.
  bool cover() const { return *second.probability >= 0.5; }
};

/// Compares the two songs of a set. Throws InputError if the set does not hold two songs or the
/// model has no weights for alignment scores. `model_name`: for messages. The songs' chroma
/// settings are not checked.
Comparison compare_songs(Backend& backend, const Model& model, const std::string& model_name,
                         SongSet two);

/// In one line: "a cover: probability 97.1 %, similarity ...".
std::string comparison_summary(const Comparison& comparison);
/// `{"a": id, "b": id, "cover", "probability", "score", "alignment", "transposition",
/// "frames_per_second" (or null), "stretches": [{"score", "a": [first frame, after last], "b"}]}`.
std::string comparison_json(const Comparison& comparison);
/// An SVG document: see comparison_svg(ComparisonPicture, SongAlignment).
std::string comparison_svg(const Comparison& comparison);

/// The song's title, or its id if it has none.
std::string display_name(const SongSet& songs, std::int64_t song);
/// Semitones from -5 to +6, with their sign, for semitones 0 to 11.
std::string transposition_text(int semitones_up);

}  // namespace reprise
