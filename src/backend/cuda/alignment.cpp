// Row-z alignment of many pairs.

#include <algorithm>
#include <vector>

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

  Prefix(const SongBatch& batch, const std::vector<Excerpt>& host) {
    songs.chroma = batch.chroma;
    songs.excerpts = batch.excerpts;
    songs.count = static_cast<std::int64_t>(host.size());
    for (const Excerpt& e : host) {
      first.push_back(songs.frames);
      songs.frames += e.frames;
      songs.longest = std::max<std::int64_t>(songs.longest, e.frames);
    }
  }
};

}  // namespace

void CudaBackend::perform(const ops::Align& op) {
  if (op.count == 0) return;
  Prefix query(op.queries, to_host(op.queries.excerpts, op.queries.count));
  Prefix candidate(op.candidates, to_host(op.candidates.excerpts, op.candidates.count));
  ScratchArrays arrays;
  const auto query_first = arrays.add<std::int64_t>(op.queries.count);
  const auto candidate_first = arrays.add<std::int64_t>(op.candidates.count);
  const auto rest = arrays.add<char>(static_cast<std::int64_t>(kernels::align_scratch_bytes(
      query.songs, candidate.songs, std::min(op.count, kPairsAtOnce))));
  void* memory = scratch_->take(arrays.bytes());
  const auto place = [&](Prefix& prefix, std::size_t offset) {
    auto* first = ScratchArrays::at<std::int64_t>(memory, offset);
    upload(first, prefix.first.data(), prefix.first.size() * sizeof(prefix.first[0]));
    prefix.songs.first_frame = first;
  };
  place(query, query_first);
  place(candidate, candidate_first);
  kernels::align(query.songs, candidate.songs, op.pairs, op.count, kPairsAtOnce, op.params,
                 ScratchArrays::at<char>(memory, rest), op.scores, stream_.get());
}

}  // namespace reprise::cuda
