// 2-D Fourier transform magnitudes.

#include <algorithm>
#include <vector>

#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/scratch_arrays.h"
#include "launch.h"

namespace reprise::cuda {
namespace {

// Frames of a band whose transforms are scratch memory at once: with 56 bytes each they stay in the
// second cache of the larger devices (29 MB), while there are songs enough for all multiprocessors.
constexpr std::int64_t kFramesAtOnce = std::int64_t{1} << 19;

// Songs of a call, a run of excerpts of the same frames being one, laid out one after another.
struct Piece {
  std::vector<std::int64_t> excerpt_of, start{0};
  std::int64_t longest = 0;

  void add(std::int64_t excerpt, std::int64_t frames) {
    excerpt_of.push_back(excerpt);
    start.push_back(start.back() + frames);
    longest = std::max(longest, frames);
  }
};

bool same_frames(const Excerpt& a, const Excerpt& b) {
  return a.first == b.first && a.frames == b.frames;
}

}  // namespace

void CudaBackend::perform(const ops::Ftm2d& op) {
  const Ftm2dParams& params = op.params;
  const Excerpt* excerpts = op.songs.excerpts;
  const std::int64_t count = op.songs.count;
  const std::vector<Excerpt> host = to_host(excerpts, count);
  for (std::int64_t e = 0; e < count;) {
    Piece piece;
    while (e < count) {
      const std::int64_t frames = std::max(host[e].frames, params.patch);
      if (!piece.excerpt_of.empty() && (piece.start.back() + frames) * params.bands > kFramesAtOnce)
        break;
      piece.add(e, frames);
      for (++e; e < count && same_frames(host[e], host[e - 1]);) ++e;
    }
    piece.excerpt_of.push_back(e);

    kernels::Ftm2dSongs songs;
    songs.excerpts = excerpts;
    songs.count = std::ssize(piece.excerpt_of) - 1;
    songs.frames = piece.start.back();
    songs.longest = piece.longest;
    ScratchArrays arrays;
    const auto excerpt_of = arrays.add<std::int64_t>(std::ssize(piece.excerpt_of));
    const auto start = arrays.add<std::int64_t>(std::ssize(piece.start));
    const auto rest = arrays.add<char>(
        static_cast<std::int64_t>(kernels::ftm2d_scratch_bytes(songs.count, songs.frames, params)));
    void* memory = scratch_->take(arrays.bytes());
    const auto place = [&](std::size_t offset, const std::vector<std::int64_t>& values) {
      auto* to = ScratchArrays::at<std::int64_t>(memory, offset);
      upload(to, values.data(), values.size() * sizeof(values[0]));
      return to;
    };
    songs.excerpt_of = place(excerpt_of, piece.excerpt_of);
    songs.start = place(start, piece.start);
    kernels::ftm2d(op.songs.chroma, songs, params, ScratchArrays::at<char>(memory, rest), op.out,
                   stream_.get());
  }
}

}  // namespace reprise::cuda
