#pragma once

#include "reprise/view.h"

namespace reprise {

/// Qmax (Serra, Serra & Andrzejak 2009), the published alignment that re-ranking is compared
/// with: the longest passage of two songs that recur in each other, with gaps.
///   X_i  = frames i, i + delay, ..., i + (embedding - 1) delay, one after another
///   R_ij = 1 where Y_j is among the share `neighbours` of all Y nearest to X_i, and X_i among
///          that share of all X nearest to Y_j (Euclidean distance); else 0
///   Q_ij = 1 + max(Q[i-1,j-1], Q[i-2,j-1], Q[i-1,j-2])                          where R_ij = 1
///        = max(0, Q - g(R) at [i-1,j-1], [i-2,j-1] and [i-1,j-2])               where R_ij = 0
///          g(1) = onset, g(0) = extension; Q is 0 in the first two rows and columns
///   Qmax = max Q
struct QmaxParams {
  int embedding = 9;        ///< m, frames per state
  int delay = 1;            ///< frames from one to the next
  double neighbours = 0.1;  ///< kappa
  float onset = 5;          ///< gamma_o, to begin a disruption
  float extension = 0.5f;   ///< gamma_e, to continue one
};

/// Qmax of a query, rolled up by the excerpt's semitones, and a candidate, in host memory; 0 where
/// either is too short for one state.
float qmax(ChromaView query_chroma, const Excerpt& query, ChromaView candidate_chroma,
           const Excerpt& candidate, const QmaxParams& params = {});

}  // namespace reprise
