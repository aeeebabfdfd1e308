// The published fingerprints. The transforms of 2DFTM are cuFFT's; songs are taken in as many
// pieces as their spectra ask for.

#include <algorithm>
#include <bit>
#include <vector>

#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/fourier.h"
#include "backend/cuda/scratch_arrays.h"
#include "check.h"
#include "launch.h"

namespace reprise::cuda {
namespace {

constexpr std::int64_t kSpectrumValues = std::int64_t{1} << 26;  // of a piece, where songs allow
constexpr std::int64_t kMostTransforms = 4096;                   // of one call

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

void CudaBackend::ftm2d(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                        const Ftm2dParams& params, float* out) {
  const std::vector<Excerpt> host = to_host(excerpts, count);
  const std::int64_t bins = std::int64_t{params.patch} * (kPitchClasses / 2 + 1);
  for (std::int64_t e = 0; e < count;) {
    Piece piece;
    while (e < count) {
      const std::int64_t frames = std::max(host[e].frames, params.patch);
      const std::int64_t room = (frames + params.hop - 1) / params.hop * params.hop;
      const std::int64_t positions = (piece.start.back() + room) / params.hop;
      if (!piece.excerpt_of.empty() && positions * bins * 2 > kSpectrumValues) break;
      piece.add(e, room);
      for (++e; e < count && same_frames(host[e], host[e - 1]);) ++e;
    }
    piece.excerpt_of.push_back(e);

    // Transforms go over all positions, a whole number of calls.
    const std::int64_t wanted = piece.start.back() / params.hop;
    const auto batch =
        std::min(kMostTransforms,
                 static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(wanted))));
    const std::int64_t positions = (wanted + batch - 1) / batch * batch;
    const std::int64_t frames = positions * params.hop + params.patch;
    ScratchArrays arrays;
    const auto excerpt_of = arrays.add<std::int64_t>(std::ssize(piece.excerpt_of));
    const auto start = arrays.add<std::int64_t>(std::ssize(piece.start));
    const auto raised = arrays.add<float>(frames * kPitchClasses);
    const auto spectrum = arrays.add<float>(positions * bins * 2);
    void* memory = scratch_->take(arrays.bytes());
    const auto place = [&](std::size_t offset, const std::vector<std::int64_t>& values) {
      auto* to = ScratchArrays::at<std::int64_t>(memory, offset);
      upload(to, values.data(), values.size() * sizeof(values[0]));
      return to;
    };
    const kernels::Ftm2dSongs songs{excerpts, place(excerpt_of, piece.excerpt_of),
                                    place(start, piece.start), std::ssize(piece.excerpt_of) - 1,
                                    piece.longest};
    auto* x = ScratchArrays::at<float>(memory, raised);
    auto* y = ScratchArrays::at<float>(memory, spectrum);
    const std::int64_t used = piece.start.back() * kPitchClasses;
    check(cudaMemsetAsync(x + used, 0,
                          static_cast<std::size_t>(frames * kPitchClasses - used) * sizeof(float),
                          stream_.get()),
          "cudaMemsetAsync");
    kernels::ftm2d_power(chroma, songs, params, x, stream_.get());
    const Fourier fourier(stream_, {params.patch, kPitchClasses}, params.hop * kPitchClasses,
                          static_cast<int>(batch));
    for (std::int64_t p = 0; p < positions; p += batch)
      fourier.transform(x + p * params.hop * kPitchClasses, y + p * bins * 2);
    kernels::ftm2d_pool(songs, params, y, out, stream_.get());
    stream_.wait();  // before the plan, and its memory, go
  }
}

void CudaBackend::covariance(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                             float* out) {
  kernels::covariance(chroma, excerpts, count, out, stream_.get());
}

void CudaBackend::correlation(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                              float* out) {
  kernels::correlation(chroma, excerpts, count, out, stream_.get());
}

}  // namespace reprise::cuda
