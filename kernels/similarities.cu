// Scores of all queries with all candidates, the keys pooled: tiles of fp32 products without tensor
// cores (score_tile.cuh), as nothing scores them again.
#include "launch.h"
#include "score_tile.cuh"

namespace reprise::kernels {
namespace {

// Grid (tiles of candidates, groups of queries).
__global__ void __launch_bounds__(kScoreThreads)
    pooled_scores(const float* q, std::int64_t query_count, int keys, const float* c,
                  std::int64_t count, int dims, const float* bias, float* out) {
  REPRISE_DYNAMIC_SHARED(unsigned char, memory);
  const std::int64_t group = kScoreRows / keys, first_query = blockIdx.y * group;
  const int some = static_cast<int>(min(group, query_count - first_query)), rows = some * keys;
  const std::int64_t first = std::int64_t{blockIdx.x} * kScoreColumns;
  const ScanRows queries(q, nullptr, query_count * keys, dims, ScanPrecision::fp32);
  const ScanRows candidates(c, nullptr, count, dims, ScanPrecision::fp32);
  ScoreTile<Fp32> tile(memory);
  tile.multiply(
      queries,
      [&](int r) { return r < rows ? static_cast<unsigned>(first_query * keys + r) : kNoRow; },
      rows, candidates, first, count, nullptr);
  for (int at = threadIdx.x; at < some * kScoreColumns; at += kScoreThreads) {
    const int query = at / kScoreColumns, column = at % kScoreColumns;
    if (first + column >= count) continue;
    float pooled = -INFINITY;
    for (int key = 0; key < keys; ++key) {
      pooled = fmaxf(pooled, tile.at(query * keys + key, column));
    }
    out[(first_query + query) * count + first + column] =
        pooled + (bias != nullptr ? bias[first + column] : 0.f);
  }
}

}  // namespace

void similarities(const float* q, std::int64_t queries, int keys, const float* c,
                  std::int64_t candidates, int dims, const float* bias, float* out,
                  cudaStream_t stream) {
  if (queries == 0 || candidates == 0) return;
  if (keys > kScoreRows) throw InternalError("similarities: too many keys");
  constexpr std::int64_t kMostGroups = 65535;  // the grid's limit
  const std::int64_t step = kMostGroups * (kScoreRows / keys);
  for (std::int64_t first = 0; first < queries; first += step) {
    const std::int64_t some = std::min(step, queries - first), group = kScoreRows / keys;
    launch(pooled_scores,
           {.grid = {static_cast<unsigned>((candidates + kScoreColumns - 1) / kScoreColumns),
                     static_cast<unsigned>((some + group - 1) / group)},
            .block = kScoreThreads,
            .shared_bytes = static_cast<std::size_t>(ScoreTile<Fp32>::bytes()),
            .stream = stream},
           q + first * keys * dims, some, keys, c, candidates, dims, bias,
           out + first * candidates);
  }
}

}  // namespace reprise::kernels
