#pragma once

#include <cstdint>
#include <vector>

#include "reprise/backend.h"
#include "reprise/fingerprints.h"

namespace reprise {

/// One answer to a query.
struct Match {
  std::int64_t candidate = 0;  ///< position among the candidates
  float score = 0;             ///< cosine similarity
  int transposition = 0;       ///< semitones to roll the query up so that it is in the match's key
  float alignment = 0;         ///< score of local alignment, where it was aligned
  double log_odds = 0;         ///< that it is a version, where that was asked for
};

/// Exact search over the fingerprints of many songs, in the memory of a back end.
class Index {
 public:
  /// candidates: one key each.
  Index(Backend& backend, Fingerprints candidates);

  /// The `top` best candidates of each query, best first, ties by ascending position.
  std::vector<std::vector<Match>> search(const Fingerprints& queries, int top) const;

  std::int64_t size() const { return candidates_.songs; }

 private:
  Backend& backend_;
  Fingerprints candidates_;
  Buffer<float> vectors_;
};

}  // namespace reprise
