// Exact search for a few queries: the candidates are streamed once, at the speed of the memory.
//
// A warp takes 32 candidates at a time, one a lane: their rows come in coalesced, 64 bytes of each
// at a time, through shared memory of the warp's own, while the next bytes are on their way. A lane
// multiplies its candidate with every query key (the same address in all lanes), adds the bound of
// scan_rows.cuh, pools the keys and offers the result to the warp's list of the query. The lists of
// a block are merged at its end.
#include <algorithm>

#include "scan_rows.cuh"
#include "top_k.cuh"

namespace reprise::kernels {
namespace {

constexpr int kThreads = kStreamTile;
constexpr int kWarps = kThreads / kWarpThreads;
constexpr int kPieces = 4;  // of a row, staged at a time
constexpr int kStagedBytes =
    (kPieces + 1) * kPieceBytes;      // of a row: skewed against bank conflicts
constexpr int kListBytes = 48 << 10;  // of a block, at most

__device__ float low_half(int pair) {
  return __int_as_float(pair << 16);
}
__device__ float high_half(int pair) {
  return __int_as_float(pair & 0xffff0000);
}

// sum += the products of a piece of a candidate with the query's values that face it; `at`: bytes
// into the candidate's row.
template <ScanFormat kPrecision, typename Sum>
__device__ void multiply(const int4& c, const unsigned char* query, unsigned at, Sum& sum) {
  if constexpr (kPrecision == ScanFormat::int8) {
    const int4 q = *reinterpret_cast<const int4*>(query + at);
    sum = __dp4a(c.w, q.w, __dp4a(c.z, q.z, __dp4a(c.y, q.y, __dp4a(c.x, q.x, sum))));
  } else if constexpr (kPrecision == ScanFormat::bf16) {
    const auto* q = reinterpret_cast<const float4*>(query + 2 * at);
    const float4 a = q[0], b = q[1];
    sum = fmaf(low_half(c.x), a.x, sum), sum = fmaf(high_half(c.x), a.y, sum);
    sum = fmaf(low_half(c.y), a.z, sum), sum = fmaf(high_half(c.y), a.w, sum);
    sum = fmaf(low_half(c.z), b.x, sum), sum = fmaf(high_half(c.z), b.y, sum);
    sum = fmaf(low_half(c.w), b.z, sum), sum = fmaf(high_half(c.w), b.w, sum);
  } else {
    const float4 q = *reinterpret_cast<const float4*>(query + at);
    sum = fmaf(__int_as_float(c.x), q.x, sum), sum = fmaf(__int_as_float(c.y), q.y, sum);
    sum = fmaf(__int_as_float(c.z), q.z, sum), sum = fmaf(__int_as_float(c.w), q.w, sum);
  }
}

// Grid (lists, groups of queries). A group's keys are at most kMaxStreamRows.
template <ScanFormat kPrecision>
__global__ void __launch_bounds__(kThreads, 2)
    stream_candidates(SearchPass pass, int group, float rounding, RankKey* best) {
  constexpr bool kFloat = kPrecision == ScanFormat::fp32;
  using Sum = std::conditional_t<kPrecision == ScanFormat::int8, int, float>;
  REPRISE_DYNAMIC_SHARED(unsigned char, memory);
  const int lane = threadIdx.x % kWarpThreads, warp = threadIdx.x / kWarpThreads;
  const int first_slot = blockIdx.y * group, slots = min(group, pass.open_count - first_slot);
  const int rows = slots * pass.keys;
  unsigned char* staged = memory + warp * kWarpThreads * kStagedBytes;
  auto* lists = reinterpret_cast<RankKey*>(memory + kThreads * kStagedBytes);
  const auto list_of = [&](int of_warp, int slot) {
    return BestList{lists + (of_warp * group + slot) * pass.width, pass.width};
  };
  for (int slot = 0; slot < slots; ++slot) list_of(warp, slot).clear();

  const ScanRows candidates(pass.vectors, pass.scan, pass.count, pass.dims, kPrecision);
  const ScanRows queries(pass.queries, pass.query_scan, pass.query_count * pass.keys, pass.dims,
                         pass.query_format);
  const auto query_row = [&](int r) {
    return static_cast<unsigned>(pass.open[first_slot + r / pass.keys]) * pass.keys + r % pass.keys;
  };
  unsigned query[kMaxStreamRows];  // where rows lie, in pieces: half a pointer's registers
#pragma unroll
  for (int r = 0; r < kMaxStreamRows; ++r) {
    query[r] =
        static_cast<unsigned>((r < rows ? query_row(r) : 0) * (queries.stride / kPieceBytes));
  }

  const std::int64_t step = std::int64_t{gridDim.x} * kThreads;
  for (std::int64_t first = std::int64_t{blockIdx.x} * kThreads + warp * kWarpThreads;
       first < pass.count; first += step) {
    int4 coming[kPieces];
    const auto fetch = [&](unsigned at) {  // four lanes a row
#pragma unroll
      for (int i = 0; i < kPieces; ++i) {
        const std::int64_t row = first + lane / kPieces + kWarpThreads / kPieces * i;
        coming[i] = row < pass.count ? candidates.piece<kFloat>(static_cast<unsigned>(row),
                                                                at + lane % kPieces * kPieceBytes)
                                     : make_int4(0, 0, 0, 0);
      }
    };
    Sum sums[kMaxStreamRows] = {};
    float square = 0;
    fetch(0);
    for (unsigned at = 0; at < candidates.stride; at += kPieces * kPieceBytes) {
      __syncwarp();  // all have read what was staged before
#pragma unroll
      for (int i = 0; i < kPieces; ++i) {
        const int row = lane / kPieces + kWarpThreads / kPieces * i;
        *reinterpret_cast<int4*>(staged + row * kStagedBytes + lane % kPieces * kPieceBytes) =
            coming[i];
      }
      __syncwarp();
      if (at + kPieces * kPieceBytes < candidates.stride) fetch(at + kPieces * kPieceBytes);
#pragma unroll 1  // more would spill
      for (int p = 0; p < kPieces && at + p * kPieceBytes < candidates.stride; ++p) {
        const int4 c =
            *reinterpret_cast<const int4*>(staged + lane * kStagedBytes + p * kPieceBytes);
        if constexpr (kFloat) {
          multiply<kPrecision>(c, reinterpret_cast<const unsigned char*>(&c), 0, square);
        }
#pragma unroll
        for (int r = 0; r < kMaxStreamRows; ++r) {
          if (r >= rows) break;
          multiply<kPrecision>(c, queries.values + std::int64_t{query[r]} * kPieceBytes,
                               at + p * kPieceBytes, sums[r]);
        }
      }
    }

    const std::int64_t candidate = first + lane;
    const bool inside = candidate < pass.count;
    float scale = 1, residual = 0, norm = sqrtf(square) * (1 + rounding);
    if (!kFloat && inside) {
      scale = candidates.scale[candidate];
      residual = candidates.residual[candidate];
      norm = candidates.norm[candidate];
    }
    // Through the lane's own staged row, as registers cannot be indexed.
    auto* pooled_from = reinterpret_cast<float*>(staged + lane * kStagedBytes);
#pragma unroll
    for (int r = 0; r < kMaxStreamRows; ++r) pooled_from[r] = static_cast<float>(sums[r]);
    for (int slot = 0; slot < slots; ++slot) {
      float pooled = -INFINITY;
      for (int key = 0; key < pass.keys; ++key) {
        const int r = slot * pass.keys + key;
        const auto bound = QueryBound::of(queries, query_row(r), rounding);
        pooled = fmaxf(pooled, bound.upper(pooled_from[r], scale, residual, norm));
      }
      const RankKey rank = rank_key(pooled, static_cast<unsigned>(candidate));
      const bool behind = rank < pass.after[pass.open[first_slot + slot]];
      list_of(warp, slot).offer(inside && behind ? rank : 0);
    }
  }

  __syncthreads();  // all lists are complete
  for (int slot = warp; slot < slots; slot += kWarps) {
    BestList merged = list_of(0, slot);
    for (int other = 1; other < kWarps; ++other) {
      const RankKey* keys = list_of(other, slot).keys;
      for (int i = lane; i < pass.width; i += kWarpThreads) merged.offer(keys[i]);
    }
    RankKey* out = best + (std::int64_t{first_slot + slot} * pass.lists + blockIdx.x) * pass.width;
    for (int i = lane; i < pass.width; i += kWarpThreads) out[i] = merged.keys[i];
  }
}

template <ScanFormat kPrecision>
void run(const SearchPass& pass, RankKey* best, cudaStream_t stream) {
  if (pass.keys > kMaxStreamRows) throw InternalError("search_scan: too many keys");
  const int list_bytes = kWarps * pass.width * static_cast<int>(sizeof(RankKey));
  const int group =
      std::min({kMaxStreamRows / pass.keys, kListBytes / list_bytes, pass.open_count});
  const auto groups = static_cast<unsigned>((pass.open_count + group - 1) / group);
  // Sums of bytes are exact. That an 8-bit sum of more than 2^24 is rounded to float is one part in
  // 2^24 more.
  const float products = kPrecision == ScanFormat::int8 ? 1.f : static_cast<float>(pass.dims);
  launch(stream_candidates<kPrecision>,
         {.grid = {static_cast<unsigned>(pass.lists), groups},
          .block = kThreads,
          .shared_bytes = static_cast<std::size_t>(kThreads * kStagedBytes + group * list_bytes),
          .stream = stream},
         pass, group, products * 0x1p-24f + kBoundRounding, best);
}

}  // namespace

ScanFormat scan_query_format(ScanFormat candidates) {
  return candidates == ScanFormat::int8 ? ScanFormat::int8 : ScanFormat::fp32;
}

void search_scan(const SearchPass& pass, RankKey* best, cudaStream_t stream) {
  switch (pass.format) {
    case ScanFormat::fp32:
      return run<ScanFormat::fp32>(pass, best, stream);
    case ScanFormat::bf16:
      return run<ScanFormat::bf16>(pass, best, stream);
    case ScanFormat::int8:
      return run<ScanFormat::int8>(pass, best, stream);
  }
}

}  // namespace reprise::kernels
