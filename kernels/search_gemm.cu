// Exact search for many queries: tiles of scores on tensor cores (score_tile.cuh), whose keys are
// pooled and whose best are selected before the next tile is computed. Scores never leave the chip.
//
// A block has some queries, as many as fill a tile's rows and whose lists fit, and every `lists`-th
// tile of candidates. A query belongs to one warp throughout.
#include <algorithm>

#include "score_tile.cuh"
#include "top_k.cuh"

namespace reprise::kernels {
namespace {

constexpr int kWarps = kScoreThreads / kWarpThreads;
constexpr int kListBytes = 32 << 10;  // of a block, at most

// Grid (lists, groups of queries).
template <typename Precision>
// A block may take more than half of the registers: two would spill on some devices.
__global__ void __launch_bounds__(kScoreThreads, 1)
    search_tiles(SearchPass pass, int group, float rounding, RankKey* best) {
  constexpr bool kTensorFloat = std::is_same_v<Precision, Tf32>;
  REPRISE_DYNAMIC_SHARED(unsigned char, memory);
  REPRISE_SHARED(QueryBound, bounds, [kScoreRows]);
  REPRISE_SHARED(float, squares, [kScoreColumns]);
  const int lane = threadIdx.x % kWarpThreads, warp = threadIdx.x / kWarpThreads;
  const int first_slot = blockIdx.y * group, slots = min(group, pass.open_count - first_slot);
  const int rows = slots * pass.keys;
  ScoreTile<Precision> tile(memory);
  auto* lists = reinterpret_cast<RankKey*>(memory + ScoreTile<Precision>::bytes());
  const auto list_of = [&](int slot) { return BestList{lists + slot * pass.width, pass.width}; };
  for (int slot = warp; slot < slots; slot += kWarps) list_of(slot).clear();

  const ScanRows candidates(pass.vectors, pass.scan, pass.count, pass.dims, pass.format);
  const ScanRows queries(pass.queries, pass.query_scan, pass.query_count * pass.keys, pass.dims,
                         pass.query_format);
  const auto query_row = [&](int r) {
    const unsigned query = r < rows ? pass.open[first_slot + r / pass.keys] : 0;
    return r < rows ? query * pass.keys + r % pass.keys : kNoRow;
  };
  for (int r = threadIdx.x; r < rows; r += kScoreThreads) {
    bounds[r] = QueryBound::of(queries, query_row(r), rounding, kTensorFloat ? kTf32Residual : 0.f);
  }

  for (std::int64_t first = std::int64_t{blockIdx.x} * kScoreColumns; first < pass.count;
       first += std::int64_t{gridDim.x} * kScoreColumns) {
    tile.multiply(queries, query_row, rows, candidates, first, pass.count,
                  kTensorFloat ? squares : nullptr);
    for (int column = lane; column < kScoreColumns; column += kWarpThreads) {
      const std::int64_t candidate = first + column;
      const bool inside = candidate < pass.count;
      float scale = 1, residual = 0, norm = 0;
      if (kTensorFloat) {
        norm = sqrtf(squares[column]) * (1 + rounding);
        residual = kTf32Residual * norm;
      } else if (inside) {
        scale = candidates.scale[candidate];
        residual = candidates.residual[candidate];
        norm = candidates.norm[candidate];
      }
      for (int slot = warp; slot < slots; slot += kWarps) {
        float pooled = -INFINITY;
        for (int r = slot * pass.keys; r < (slot + 1) * pass.keys; ++r) {
          pooled = fmaxf(pooled, bounds[r].upper(static_cast<float>(tile.at(r, column)), scale,
                                                 residual, norm));
        }
        const RankKey rank = rank_key(pooled, static_cast<unsigned>(candidate));
        const bool behind = rank < pass.after[pass.open[first_slot + slot]];
        list_of(slot).offer(inside && behind ? rank : 0);
      }
    }
  }
  for (int slot = warp; slot < slots; slot += kWarps) {
    RankKey* out = best + (std::int64_t{first_slot + slot} * pass.lists + blockIdx.x) * pass.width;
    for (int i = lane; i < pass.width; i += kWarpThreads) out[i] = list_of(slot).keys[i];
  }
}

template <typename Precision>
void run(const SearchPass& pass, RankKey* best, cudaStream_t stream) {
  const int list_bytes = pass.width * static_cast<int>(sizeof(RankKey));
  const int group = std::min({kScoreRows / pass.keys, kListBytes / list_bytes, pass.open_count});
  const auto groups = static_cast<unsigned>((pass.open_count + group - 1) / group);
  const bool exact_sums = std::is_same_v<Precision, Int8>;
  const float rounding = (exact_sums ? 0.f : static_cast<float>(pass.dims)) * 0x1p-22f;
  launch(
      search_tiles<Precision>,
      {.grid = {static_cast<unsigned>(pass.lists), groups},
       .block = kScoreThreads,
       .shared_bytes = static_cast<std::size_t>(ScoreTile<Precision>::bytes() + group * list_bytes),
       .stream = stream},
      pass, group, rounding + kBoundRounding, best);
}

}  // namespace

ScanFormat gemm_query_format(ScanFormat candidates) {
  return candidates;
}

void search_gemm(const SearchPass& pass, RankKey* best, cudaStream_t stream) {
  switch (pass.format) {
    case ScanFormat::fp32:
      return run<Tf32>(pass, best, stream);
    case ScanFormat::bf16:
      return run<Bf16>(pass, best, stream);
    case ScanFormat::int8:
      return run<Int8>(pass, best, stream);
  }
}

}  // namespace reprise::kernels
