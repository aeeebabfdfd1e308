// Exact search: passes over the candidates until the bound of every query proves its results (see
// kernels/scan_rows.cuh and kernels/top_k.cu). Most queries need one.

#include <algorithm>
#include <bit>
#include <numeric>

#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/scratch_arrays.h"
#include "check.h"
#include "launch.h"

namespace reprise::cuda {
namespace {

// Queries of a pass, and results: what grows with them is scratch memory.
constexpr std::int64_t kQueriesAtOnce = 4096;
constexpr std::int64_t kResultsAtOnce = std::int64_t{1} << 22;
constexpr std::int64_t kMostCandidates = 0xfffffffe;  // numbered in 32 bits

// Candidates that a pass keeps of a query. As the scan ranks by upper bounds, the k best scores are
// among somewhat more than k; where that does not suffice, there is another pass. By the
// theorem, some 25 of a million Gaussian vectors of 256 values may hold the 10 best in 8 bits.
int pass_width(int k, ScanFormat format, bool few) {
  const int most = std::min(k, kernels::kMaxSearchWidth);
  const int more = format == ScanFormat::int8          ? 3 * most + 24
                   : format == ScanFormat::fp32 && few ? 8
                                                       : most + 12;
  const auto width = static_cast<int>(std::bit_ceil(static_cast<unsigned>(most + more)));
  return std::clamp(width, 32, kernels::kMaxSearchWidth);
}

// Blocks that share the candidates of a query: two for each multiprocessor, if there is as much to
// do. `groups`: of queries, `tile`: candidates that a block takes at a time.
int lists_of(int device, std::int64_t groups, std::int64_t candidates, std::int64_t tile) {
  int processors = 0;
  check(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device),
        "cudaDeviceGetAttribute");
  const std::int64_t tiles = std::max<std::int64_t>(1, (candidates + tile - 1) / tile);
  return static_cast<int>(std::clamp<std::int64_t>(2 * processors / groups, 1, tiles));
}

}  // namespace

void CudaBackend::perform(const ops::TopK& op) {
  const Candidates& candidates = op.candidates;
  const int k = op.k, keys = op.keys;
  if (k == 0) return;
  if (candidates.count > kMostCandidates)
    decline("no search of more than " + std::to_string(kMostCandidates) + " candidates");
  const int dims = candidates.dims;
  const std::int64_t at_once = std::clamp<std::int64_t>(kResultsAtOnce / k, 1, kQueriesAtOnce);
  for (std::int64_t first = 0; first < op.queries; first += at_once) {
    const std::int64_t count = std::min(at_once, op.queries - first);
    const bool few = count * keys <= kernels::kMaxStreamRows;

    kernels::SearchPass pass;
    pass.queries = op.q + first * keys * dims;
    pass.query_format = few ? kernels::scan_query_format(candidates.format)
                            : kernels::gemm_query_format(candidates.format);
    pass.query_count = count;
    pass.keys = keys;
    pass.dims = dims;
    pass.vectors = candidates.vectors;
    pass.scan = candidates.scan;
    pass.format = candidates.format;
    pass.count = candidates.count;
    pass.width = pass_width(k, candidates.format, few);
    const std::int64_t groups =
        few ? 1 : (count * keys + kernels::kGemmRows - 1) / kernels::kGemmRows;
    pass.lists = lists_of(device_, groups, candidates.count,
                          few ? kernels::kStreamTile : kernels::kGemmTile);

    ScratchArrays arrays;
    const std::size_t query_bytes = kernels::scan_bytes(count * keys, dims, pass.query_format);
    const auto query_scan = arrays.add<char>(static_cast<std::int64_t>(query_bytes));
    const auto open = arrays.add<std::int32_t>(count);
    const auto still_open = arrays.add<std::int32_t>(count);
    const auto after = arrays.add<unsigned long long>(count);
    const auto best = arrays.add<unsigned long long>(count * pass.lists * pass.width);
    const auto next_ids = arrays.add<std::int64_t>(count * k);
    const auto next_scores = arrays.add<float>(count * k);
    const auto next_key = arrays.add<std::int32_t>(count * k);
    void* memory = scratch_->take(arrays.bytes());
    pass.query_scan = ScratchArrays::at<char>(memory, query_scan);
    pass.open = ScratchArrays::at<std::int32_t>(memory, open);
    pass.after = ScratchArrays::at<unsigned long long>(memory, after);
    auto* lists = ScratchArrays::at<unsigned long long>(memory, best);
    auto* flags = ScratchArrays::at<std::int32_t>(memory, still_open);
    const kernels::SearchResults results{op.ids + first * k, op.scores + first * k,
                                         op.best_key + first * k, k};
    const kernels::SearchResults next{ScratchArrays::at<std::int64_t>(memory, next_ids),
                                      ScratchArrays::at<float>(memory, next_scores),
                                      ScratchArrays::at<std::int32_t>(memory, next_key), k};
    kernels::prepare_scan({.vectors = pass.queries,
                           .count = count * keys,
                           .dims = dims,
                           .format = pass.query_format,
                           .scan = ScratchArrays::at<char>(memory, query_scan)},
                          stream_.get());
    check(cudaMemsetAsync(pass.after, 0xff, static_cast<std::size_t>(count) * sizeof(*pass.after),
                          stream_.get()),
          "cudaMemsetAsync");  // nothing was kept yet

    std::vector<std::int32_t> numbers(static_cast<std::size_t>(count));
    std::iota(numbers.begin(), numbers.end(), 0);
    for (bool fresh = true; !numbers.empty(); fresh = false) {
      upload(ScratchArrays::at<std::int32_t>(memory, open), numbers.data(),
             numbers.size() * sizeof(numbers[0]));
      pass.open_count = static_cast<int>(numbers.size());
      if (few) {
        kernels::search_scan(pass, lists, stream_.get());
      } else {
        kernels::search_gemm(pass, lists, stream_.get());
      }
      kernels::search_finish(pass, lists, fresh, results, next, flags, stream_.get());
      const std::vector<std::int32_t> open_now = to_host(flags, pass.open_count);
      std::vector<std::int32_t> left;
      for (std::size_t i = 0; i < numbers.size(); ++i)
        if (open_now[i]) left.push_back(numbers[i]);
      numbers = std::move(left);
    }
  }
}

}  // namespace reprise::cuda
