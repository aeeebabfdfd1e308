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
  const ScanRows queries(q, nullptr, query_count * keys, dims, ScanFormat::fp32);
  const ScanRows candidates(c, nullptr, count, dims, ScanFormat::fp32);
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

void similarities(const ops::Similarities& op, cudaStream_t stream) {
  if (op.queries == 0 || op.candidates == 0) return;
  if (op.keys > kScoreRows) throw InternalError("similarities: too many keys");
  constexpr std::int64_t kMostGroups = 65535;  // the grid's limit
  const std::int64_t group = kScoreRows / op.keys, step = kMostGroups * group;
  for (std::int64_t first = 0; first < op.queries; first += step) {
    const std::int64_t some = std::min(step, op.queries - first);
    launch(pooled_scores,
           {.grid = {static_cast<unsigned>((op.candidates + kScoreColumns - 1) / kScoreColumns),
                     static_cast<unsigned>((some + group - 1) / group)},
            .block = kScoreThreads,
            .shared_bytes = static_cast<std::size_t>(ScoreTile<Fp32>::bytes()),
            .stream = stream},
           op.q + first * op.keys * op.dims, some, op.keys, op.c, op.candidates, op.dims, op.bias,
           op.out + first * op.candidates);
  }
}

}  // namespace reprise::kernels
