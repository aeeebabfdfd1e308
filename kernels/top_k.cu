// What follows a scan: the lists of all blocks become one, its candidates are scored in double
// precision from the float vectors, and the scores are merged with what was found before.
//
// The scan ranked by an upper bound of the score (scan_rows.cuh), so that no candidate outside the
// list has a score above its last bound. Once the k-th score is above that, or equal to it with a
// smaller number, the results cannot change; else the query stays open for another pass, which
// takes the candidates behind that last one.
#include "launch.h"
#include "reduce.cuh"
#include "top_k.cuh"

namespace reprise::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarpThreads;
static_assert(kThreads >= kMaxWidth && kMaxWidth == kMaxSearchWidth);

// The best of lists [lists, width], in descending order in merged[0 .. width). Ends with a barrier.
__device__ void merge_lists(const RankKey* best, int lists, int width, RankKey* merged) {
  const int lane = threadIdx.x % kWarpThreads, warp = threadIdx.x / kWarpThreads;
  BestList own{merged + warp * width, width};
  own.clear();
  for (std::int64_t i = warp; i < std::int64_t{lists} * width / kWarpThreads; i += kWarps) {
    own.offer(best[i * kWarpThreads + lane]);
  }
  __syncthreads();
  if (warp == 0) {
    for (int i = width + lane; i < kWarps * width; i += kWarpThreads) own.offer(merged[i]);
  }
  __syncthreads();
}

// The largest product of a query's keys with a candidate, and the key, in every lane.
__device__ float best_product(const float* query, int keys, const float* candidate, int dims,
                              int& best_key) {
  float best = -INFINITY;
  for (int key = 0; key < keys; ++key) {
    double sum = 0;
    for (int d = threadIdx.x % kWarpThreads; d < dims; d += kWarpThreads) {
      sum += static_cast<double>(query[key * dims + d]) * candidate[d];
    }
    const float score = static_cast<float>(warp_sum(sum)) + 0.f;  // -0 is 0
    if (score > best) best = score, best_key = key;
  }
  return best;
}

struct Found {
  float score;
  std::int64_t id;
};

__device__ bool better(const Found& a, const Found& b) {
  return a.score > b.score || (a.score == b.score && a.id < b.id);
}

// How many of `count` values that are in order, the first ones, pass a test.
template <typename Test>
__device__ int count_first(int count, Test test) {
  int low = 0;
  while (low < count) {
    const int middle = (low + count) / 2;
    if (test(middle)) {
      low = middle + 1;
    } else {
      count = middle;
    }
  }
  return low;
}

// Grid (open queries).
__global__ void __launch_bounds__(kThreads)
    finish(SearchPass pass, const RankKey* best, bool fresh, SearchResults results,
           SearchResults next, std::int32_t* still_open) {
  REPRISE_DYNAMIC_SHARED(RankKey, merged);  // [kWarps, width]
  REPRISE_SHARED(RankKey, scored, [kMaxWidth]);
  REPRISE_SHARED(RankKey, sorted, [kMaxWidth]);
  REPRISE_SHARED(std::int32_t, key_of, [kMaxWidth]);
  const int lane = threadIdx.x % kWarpThreads, warp = threadIdx.x / kWarpThreads;
  const int slot = blockIdx.x, width = pass.width, k = results.k;
  const std::int64_t query = pass.open[slot];
  merge_lists(best + std::int64_t{slot} * pass.lists * width, pass.lists, width, merged);

  for (int i = warp; i < width; i += kWarps) {
    RankKey key = 0;
    int best_key = 0;
    if (merged[i] != 0) {
      const unsigned number = number_of(merged[i]);
      const float score =
          best_product(pass.queries + query * pass.keys * pass.dims, pass.keys,
                       pass.vectors + std::int64_t{number} * pass.dims, pass.dims, best_key);
      key = rank_key(score, number);
    }
    if (lane == 0) scored[i] = key, key_of[i] = best_key;
  }
  __syncthreads();

  // Ranks by counting; then places among what was found before. Behind the last come the empty.
  const int mine = threadIdx.x;
  int rank = 0;
  if (mine < width) {
    for (int i = 0; i < width; ++i) rank += scored[i] > scored[mine];
    if (scored[mine] != 0) sorted[rank] = scored[mine];
  }
  const int batch = __syncthreads_count(mine < width && scored[mine] != 0);
  const std::int64_t from = query * k, to = std::int64_t{slot} * k;
  const auto before = [&](int i) { return Found{results.scores[from + i], results.ids[from + i]}; };
  const auto of_key = [&](RankKey key) {
    return Found{score_of(key), pass.first + number_of(key)};
  };
  const auto put = [&](int place, const Found& found, std::int32_t key) {
    if (place >= k) return;
    next.scores[to + place] = found.score;
    next.ids[to + place] = found.id;
    next.best_key[to + place] = key;
  };
  const int known = fresh ? 0 : count_first(k, [&](int i) { return results.ids[from + i] >= 0; });
  if (mine < width && scored[mine] != 0) {
    const Found found = of_key(scored[mine]);
    put(rank + count_first(known, [&](int i) { return better(before(i), found); }), found,
        key_of[mine]);
  }
  for (int i = mine; i < known; i += kThreads) {
    const Found found = before(i);
    put(i + count_first(batch, [&](int b) { return better(of_key(sorted[b]), found); }), found,
        results.best_key[from + i]);
  }
  for (int i = known + batch + mine; i < k; i += kThreads) put(i, {-INFINITY, -1}, 0);
  __syncthreads();
  for (int i = mine; i < k; i += kThreads) {
    results.scores[from + i] = next.scores[to + i];
    results.ids[from + i] = next.ids[to + i];
    results.best_key[from + i] = next.best_key[to + i];
  }
  if (mine != 0) return;
  const RankKey last = merged[width - 1];
  const Found worst{next.scores[to + k - 1], next.ids[to + k - 1]};
  still_open[slot] = last != 0 && (worst.id < 0 || better(of_key(last), worst));
  pass.after[query] = last;
}

}  // namespace

void search_finish(const SearchPass& pass, const RankKey* best, bool fresh,
                   const SearchResults& results, const SearchResults& next,
                   std::int32_t* still_open, cudaStream_t stream) {
  launch(finish,
         {.grid = static_cast<unsigned>(pass.open_count),
          .block = kThreads,
          .shared_bytes = sizeof(RankKey) * kWarps * pass.width,
          .stream = stream},
         pass, best, fresh, results, next, still_open);
}

}  // namespace reprise::kernels
