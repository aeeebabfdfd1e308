#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "backend/cpu/avx512_products.h"
#include "reprise/params.h"

// How a search sees its data, and the kernels that work on it (search_panels.cpp).
//
// Candidates lie in panels of 32, one a vector lane, so that a score needs no sum across lanes and
// what is read together lies together. A panel is a head of three floats a candidate and a body of
// 32-bit words [depth, 32]:
//
//   scale      the candidate is about scale * body, "the quantised candidate"
//   norm       at least the candidate's length
//   residual   at least the length of (candidate - quantised candidate)
//   body       one float, two bfloat16 or four bytes (value + 128) of consecutive dimensions
//
// Dimensions past the end, and candidates past the end of the last panel, are zeros.
namespace reprise::cpu {

struct PanelLayout {
  ScanFormat format = ScanFormat::fp32;
  int dims = 0;

  static constexpr std::int64_t kHead = 3 * kPanel;

  int per_word() const {
    return format == ScanFormat::fp32 ? 1 : format == ScanFormat::bf16 ? 2 : 4;
  }
  std::int64_t depth() const { return (dims + per_word() - 1) / per_word(); }
  std::int64_t panel_words() const { return kHead + depth() * kPanel; }
};

inline std::int64_t panels_of(std::int64_t count) {
  return (count + kPanel - 1) / kPanel;
}

/// How far an inner product of quantised vectors may be from the true one: with the query's best
/// key q and a candidate c, at most by_residual * residual(c) + by_norm * norm(c) (see
/// top_k.cpp).
struct QueryBound {
  float scale = 1;  ///< a score is scale * scale(c) * product of bodies
  float by_residual = 0;
  float by_norm = 0;
};

/// Query keys as the kernels read them: in tiles of a few rows side by side.
struct PackedQueries {
  const ProductTile* products = nullptr;  ///< of tiles of 1, 2, .. rows
  bool decoded = false;                   ///< one float a word, whatever the panels hold
  std::int64_t rows = 0;
  std::int64_t depth = 0;            ///< words of a row
  std::vector<std::int64_t> tiles;   ///< first row of each, and last `rows`
  std::vector<std::uint32_t> words;  ///< of each tile [depth, rows of the tile]
  std::vector<std::int32_t> start;   ///< [rows]
  std::vector<QueryBound> bounds;    ///< [queries]
};

/// Most rounding steps of a sum of n products, in units of its terms' magnitudes; twice the
/// classical n u / (1 - n u) (Higham 2002, section 3.1), with room for a few steps beside the sum.
inline double rounding_bound(std::int64_t n) {
  return 2 * (2 * static_cast<double>(n) + 16) * 0x1p-24;
}

/// Absolute room for underflow in a score or a length.
inline constexpr float kUnderflow = 0x1p-60f;

/// panel: panel_words() words for the vectors [lanes, dims], lanes <= 32. scratch [dims + 3, 32].
void pack_panel(const PanelLayout& layout, const float* vectors, std::int64_t lanes, float* scratch,
                std::uint32_t* panel);

/// q [queries, keys, dims].
PackedQueries pack_queries(const PanelLayout& layout, const float* q, std::int64_t queries,
                           int keys);

/// scores [rows, 32] = products of bodies. scratch [dims + 3, 32].
void score_panel(const PanelLayout& layout, const std::uint32_t* panel,
                 const PackedQueries& queries, float* scratch, float* scores);

/// A query's score against a panel, pooled over keys.
struct PanelBounds {
  float upper[kPanel];
  float lower[kPanel];
};

/// Bit c is set where candidate c may reach the threshold; `bounds` is filled in where any is.
std::uint32_t may_reach(float threshold, const float* scores, int keys, const std::uint32_t* panel,
                        const QueryBound& bound, PanelBounds& bounds);

/// to [32] = largest of scores [keys, 32].
void pool_keys(const float* scores, int keys, float* to);

struct ExactScore {
  float score;
  std::int32_t key;
};

/// The score that backend.h defines. q [keys, dims].
ExactScore exact_score(const float* q, int keys, const float* candidate, int dims);

}  // namespace reprise::cpu
