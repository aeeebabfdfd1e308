// Row-z alignment of many pairs.

#include <algorithm>
#include <vector>

#include "backend/bands.h"
#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/scratch_arrays.h"
#include "launch.h"

namespace reprise::cuda {
namespace {

// Pairs whose scratch memory, one word for each frame of the longest query, is taken at once.
constexpr std::int64_t kPairsAtOnce = 1 << 16;

struct Prefix {
  std::vector<std::int64_t> first;
  kernels::AlignmentSongs songs;

  Prefix(ChromaView chroma, const Excerpt* excerpts, const std::vector<Excerpt>& host) {
    songs.chroma = chroma;
    songs.excerpts = excerpts;
    songs.count = static_cast<std::int64_t>(host.size());
    for (const Excerpt& e : host) {
      first.push_back(songs.frames);
      songs.frames += e.frames;
      songs.longest = std::max<std::int64_t>(songs.longest, e.frames);
    }
  }
};

}  // namespace

void CudaBackend::align(ChromaView query_chroma, const Excerpt* queries, std::int64_t query_count,
                        ChromaView candidate_chroma, const Excerpt* candidates,
                        std::int64_t candidate_count, const AlignmentPair* pairs,
                        std::int64_t count, const AlignmentParams& params, float* scores) {
  if (count == 0) return;
  check_bands(candidate_chroma, query_chroma.bands);
  Prefix query(query_chroma, queries, to_host(queries, query_count));
  Prefix candidate(candidate_chroma, candidates, to_host(candidates, candidate_count));
  ScratchArrays arrays;
  const auto query_first = arrays.add<std::int64_t>(query_count);
  const auto candidate_first = arrays.add<std::int64_t>(candidate_count);
  const auto rest = arrays.add<char>(static_cast<std::int64_t>(
      kernels::align_scratch_bytes(query.songs, candidate.songs, std::min(count, kPairsAtOnce))));
  void* memory = scratch_->take(arrays.bytes());
  const auto place = [&](Prefix& prefix, std::size_t offset) {
    auto* first = ScratchArrays::at<std::int64_t>(memory, offset);
    upload(first, prefix.first.data(), prefix.first.size() * sizeof(prefix.first[0]));
    prefix.songs.first_frame = first;
  };
  place(query, query_first);
  place(candidate, candidate_first);
  kernels::align(query.songs, candidate.songs, pairs, count, kPairsAtOnce, params,
                 ScratchArrays::at<char>(memory, rest), scores, stream_.get());
}

}  // namespace reprise::cuda
