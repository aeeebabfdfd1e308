#include "backend/cuda/unfused.h"

#include <algorithm>
#include <vector>

#include "backend/cuda/convolution.h"
#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/scratch_arrays.h"
#include "launch.h"

namespace reprise {
namespace cuda {
namespace {

constexpr std::int64_t kValuesAtOnce = std::int64_t{1} << 28;  // of scratch memory: 1 GiB

class UnfusedBackend final : public CudaBackend {
 public:
  UnfusedBackend(int device, Arithmetic arithmetic)
      : CudaBackend(device, arithmetic), exact_(arithmetic == Arithmetic::fp32), dnn_(stream()) {}

  std::string description() const override {
    return CudaBackend::description() + ", bigrams by cuDNN and cuBLAS";
  }

  std::size_t bigram_reserve(const BigramParams&, std::int64_t, std::int64_t) const override {
    return 0;
  }

  void bigram_forward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                      std::int64_t longest, const float* weights, const BigramParams& params,
                      float* out, void*) override {
    if (params.given_events) decline("no events of a network without the fused kernels");
    if (count == 0) return;
    const LagSet lags = distinct_lags(params);
    const int n = params.events;
    const auto frames = params.event_frames(static_cast<int>(longest));
    const int signal = frames + params.event_length - 1;
    const int rows = frames + lags.lag[lags.count - 1];  // no lag reads past a song's own
    const std::int64_t values = std::int64_t{signal} * kPitchClasses +
                                std::int64_t{frames + rows} * n + std::int64_t{lags.count} * n * n;
    const std::int64_t at_once = std::clamp<std::int64_t>(kValuesAtOnce / values, 1, count);
    for (std::int64_t first = 0; first < count; first += at_once) {
      const std::int64_t songs = std::min(at_once, count - first);
      const Convolution& convolution =
          convolution_of({songs, signal, kPitchClasses, n, params.event_length});
      ScratchArrays arrays;
      const auto x = arrays.add<float>(songs * signal * kPitchClasses);
      const auto responses = arrays.add<float>(songs * frames * n);
      const auto events = arrays.add<float>(songs * rows * n);
      const auto correlations = arrays.add<float>(songs * lags.count * n * n);
      const auto workspace =
          arrays.add<char>(static_cast<std::int64_t>(convolution.workspace_bytes()));
      void* memory = scratch(arrays.bytes());
      const auto at = [&](std::size_t offset) { return ScratchArrays::at<float>(memory, offset); };

      const kernels::BigramBatch batch{chroma, excerpts + first, songs, longest, weights};
      kernels::unfused_songs(batch, signal, at(x), stream().get());
      convolution.run(at(x), weights, at(responses), at(workspace));
      kernels::unfused_events(batch, params, at(responses), frames, rows, at(events),
                              stream().get());
      for (int l = 0; l < lags.count; ++l)
        blas().correlate(static_cast<int>(songs), n, frames, at(events) + lags.lag[l] * n,
                         at(events), std::int64_t{rows} * n, at(correlations) + l * n * n,
                         std::int64_t{lags.count} * n * n);
      kernels::unfused_finish(batch, params, at(correlations), out + first * params.dims(),
                              stream().get());
    }
  }

  void bigram_backward(ChromaView, const Excerpt*, std::int64_t, std::int64_t, const float*,
                       const BigramParams&, const float*, const void*, float*, float*) override {
    decline("no backward without the fused kernels");
  }

 private:
  // Kept: cuDNN takes longer to plan a convolution than to run it.
  const Convolution& convolution_of(const ConvolutionShape& shape) {
    const auto known = std::find_if(convolutions_.begin(), convolutions_.end(),
                                    [&](const Convolution& c) { return c.shape() == shape; });
    return known != convolutions_.end() ? *known : convolutions_.emplace_back(dnn_, shape, exact_);
  }

  bool exact_;
  Dnn dnn_;
  std::vector<Convolution> convolutions_;
};

}  // namespace
}  // namespace cuda

std::unique_ptr<Backend> make_unfused_cuda_backend(int device, Arithmetic arithmetic) {
  return std::make_unique<cuda::UnfusedBackend>(device, arithmetic);
}

}  // namespace reprise
