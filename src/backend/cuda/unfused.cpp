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

// Sizes of a call's arrays. All songs are as long as the longest.
struct Sizes {
  LagSet lags;
  int frames;  // of events
  int signal;  // frames of chroma
  int rows;    // of events and of zeros behind them, so that no lag reads past a song's own
  // Values of a song.
  std::int64_t chroma, responses, events_and_zeros, correlations;

  Sizes(const BigramParams& p, std::int64_t longest)
      : lags(distinct_lags(p)),
        frames(p.event_frames(static_cast<int>(longest))),
        signal(frames + p.event_length - 1),
        rows(frames + lags.lag[lags.count - 1]),
        chroma(std::int64_t{signal} * p.width()),
        responses(std::int64_t{frames} * p.events),
        events_and_zeros(std::int64_t{rows} * p.events),
        correlations(std::int64_t{lags.count} * p.events * p.events) {}

  // What a song's forward leaves for its backward, in whole 16 bytes: cuDNN's tensors start there.
  std::int64_t kept() const { return (responses + events_and_zeros + correlations + 3) / 4 * 4; }
};

// What the forward of some songs leaves for their backward.
struct Kept {
  float* responses;     // [songs, frames, N], without bias
  float* events;        // [songs, rows, N]
  float* correlations;  // [songs, lags, N, N]

  Kept(const Sizes& size, std::int64_t songs, float* memory)
      : responses(memory),
        events(responses + songs * size.responses),
        correlations(events + songs * size.events_and_zeros) {}
};

class UnfusedBackend final : public CudaBackend {
 public:
  UnfusedBackend(int device, MathMode math, std::int64_t values_at_once)
      : CudaBackend(device, math),
        exact_(math == MathMode::fp32),
        values_at_once_(values_at_once),
        dnn_(stream()) {}

  std::string description() const override {
    return CudaBackend::description() + ", bigrams by cuDNN and cuBLAS";
  }

  std::size_t bigram_reserve(const BigramParams& params, std::int64_t count,
                             std::int64_t frames) const override {
    return static_cast<std::size_t>(count * Sizes(params, frames).kept()) * sizeof(float);
  }

 private:
  using CudaBackend::perform;

  void perform(const ops::BigramForward& op) override {
    const BigramParams& params = op.params;
    decline_given_events(params);
    const Sizes size(params, op.songs.longest);
    const LagSet& lags = size.lags;
    const std::int64_t n = params.events;
    for_each_piece(op.songs.count, size, params, [&](std::int64_t first, std::int64_t songs) {
      const Convolution& convolution =
          convolution_of({songs, size.signal, params.width(), n, params.event_length,
                          ConvolutionResult::responses});
      ScratchArrays arrays;
      const auto x = arrays.add<float>(songs * size.chroma);
      const auto unkept = arrays.add<float>(op.reserve ? 0 : songs * size.kept());
      const auto workspace =
          arrays.add<char>(static_cast<std::int64_t>(convolution.workspace_bytes()));
      void* memory = scratch(arrays.bytes());
      const auto at = [&](std::size_t offset) { return ScratchArrays::at<float>(memory, offset); };
      const Kept kept(
          size, songs,
          op.reserve ? static_cast<float*>(op.reserve) + first * size.kept() : at(unkept));

      const kernels::BigramBatch batch = piece_of(op, first, songs);
      kernels::unfused_songs(batch, size.signal, at(x), stream().get());
      convolution.run(at(x), op.weights, kept.responses, at(workspace));
      kernels::unfused_events(batch, params, kept.responses, size.frames, size.rows, kept.events,
                              stream().get());
      for (int k = 0; k < lags.count; ++k)
        blas().multiply(static_cast<int>(songs), params.events, params.events, size.frames,
                        {kept.events + lags.lag[k] * n, size.events_and_zeros, true},
                        {kept.events, size.events_and_zeros}, kept.correlations + k * n * n,
                        size.correlations);
      kernels::unfused_finish(batch, params, kept.correlations, op.out + first * params.dims(),
                              stream().get());
    });
  }

  void perform(const ops::BigramBackward& op) override {
    const BigramParams& params = op.params;
    decline_given_events(params);
    const Sizes size(params, op.songs.longest);
    const LagSet& lags = size.lags;
    const std::int64_t n = params.events;
    check(
        cudaMemsetAsync(op.gradient, 0, static_cast<std::size_t>(params.weights()) * sizeof(float),
                        stream().get()),
        "cudaMemsetAsync");
    for_each_piece(op.songs.count, size, params, [&](std::int64_t first, std::int64_t songs) {
      const Convolution& convolution =
          convolution_of({songs, size.signal, params.width(), n, params.event_length,
                          ConvolutionResult::filter_gradient});
      ScratchArrays arrays;
      const auto x = arrays.add<float>(songs * size.chroma);
      const auto of_bigrams = arrays.add<float>(songs * params.dims());
      const auto of_correlations = arrays.add<float>(songs * size.correlations);
      const auto of_events = arrays.add<float>(songs * size.responses);
      const auto of_windows = arrays.add<float>(songs * params.windows * params.taps);
      const auto of_biases = arrays.add<float>(songs * n);
      const auto of_filters = arrays.add<float>(params.event_weights());
      const auto workspace =
          arrays.add<char>(static_cast<std::int64_t>(convolution.workspace_bytes()));
      void* memory = scratch(arrays.bytes());
      const auto at = [&](std::size_t offset) { return ScratchArrays::at<float>(memory, offset); };
      const Kept kept(
          size, songs,
          const_cast<float*>(static_cast<const float*>(op.reserve)) + first * size.kept());

      const kernels::BigramBatch batch = piece_of(op, first, songs);
      kernels::unfused_unmix(batch, params, kept.correlations,
                             op.out_gradient + first * params.dims(), at(of_bigrams),
                             at(of_correlations), at(of_windows), stream().get());
      // From C = sum_t E[t+k]^T E[t] to E[t], and to E[t+k] of the song.
      for (int k = 0; k < lags.count; ++k) {
        const int lag = lags.lag[k], past = size.frames - lag;
        const float* d = at(of_correlations) + k * n * n;
        blas().multiply(static_cast<int>(songs), size.frames, params.events, params.events,
                        {kept.events + lag * n, size.events_and_zeros}, {d, size.correlations},
                        at(of_events), size.responses, k > 0);
        if (past > 0)
          blas().multiply(static_cast<int>(songs), past, params.events, params.events,
                          {kept.events, size.events_and_zeros}, {d, size.correlations, true},
                          at(of_events) + lag * n, size.responses, true);
      }
      kernels::unfused_mask(batch, params, kept.responses, size.frames, at(of_events),
                            at(of_biases), stream().get());
      kernels::unfused_songs(batch, size.signal, at(x), stream().get());
      convolution.run(at(x), at(of_events), at(of_filters), at(workspace));
      kernels::unfused_sum(params, songs, at(of_filters), at(of_biases), at(of_windows),
                           op.gradient, stream().get());
    });
  }

  // Some of an op's songs.
  template <class Op>
  static kernels::BigramBatch piece_of(const Op& op, std::int64_t first, std::int64_t songs) {
    kernels::BigramBatch batch{op.songs, op.weights};
    batch.excerpts += first;
    batch.count = songs;
    return batch;
  }

  static void decline_given_events(const BigramParams& params) {
    if (params.given_events) decline("no events of a network without the fused kernels");
  }

  // Calls use(first, songs) for as many songs at a time as may have scratch memory at once: the
  // same in a forward and in its backward.
  template <typename Use>
  void for_each_piece(std::int64_t count, const Sizes& size, const BigramParams& params, Use use) {
    const std::int64_t values =
        size.chroma + size.kept() + size.responses + size.correlations + params.dims();
    const std::int64_t at_once = std::max<std::int64_t>(values_at_once_ / values, 1);
    for (std::int64_t first = 0; first < count; first += at_once)
      use(first, std::min(at_once, count - first));
  }

  // Kept: cuDNN takes longer to plan a convolution than to run it.
  const Convolution& convolution_of(const ConvolutionShape& shape) {
    const auto known = std::find_if(convolutions_.begin(), convolutions_.end(),
                                    [&](const Convolution& c) { return c.shape() == shape; });
    return known != convolutions_.end() ? *known : convolutions_.emplace_back(dnn_, shape, exact_);
  }

  bool exact_;
  std::int64_t values_at_once_;
  Dnn dnn_;
  std::vector<Convolution> convolutions_;
};

}  // namespace
}  // namespace cuda

std::unique_ptr<Backend> make_unfused_cuda_backend(int device, MathMode math,
                                                   std::int64_t values_at_once) {
  return std::make_unique<cuda::UnfusedBackend>(device, math, values_at_once);
}

}  // namespace reprise
