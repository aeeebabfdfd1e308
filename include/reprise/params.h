#pragma once

#include <cmath>
#include <cstdint>

#include "reprise/choices.h"
#include "reprise/view.h"

// Plain parameters of the back ends' ops, passed by value. Only the model turns a Config into them.
namespace reprise {

inline constexpr int kMaxEvents = 64;
inline constexpr int kMaxEventLength = 16;
inline constexpr int kMaxWindows = 64;
inline constexpr int kMaxTaps = 129;
inline constexpr int kMaxLag = 1024;
inline constexpr int kMaxLayerFilters = 512;
inline constexpr int kMaxPool = 1024;
inline constexpr int kMaxLayerValues = 1 << 24;  ///< of a song in a layer, and a layer's weights

/// Of products over time and of dense products; sums are always in fp32.
enum class MathMode : std::uint8_t {
  fp32,  ///< no tensor cores
  tf32,  ///< on the CPU fp32
  bf16,  ///< on a device of bigrams forward, the rest is tf32; on the CPU of the softmax loss
};

/// In Compression::signed_root.
inline constexpr float kSignedRootEpsilon = 1e-6f;

/// A song whose compressed bigrams are shorter than this is silent: its unit fingerprint is zeros.
inline constexpr float kSilentNorm = 1e-6f;

/// Audio bigrams (Van Balen, Wiering & Veltkamp 2015; thesis ch. 6, eqs 57-71):
///   E[t,n]   = h(bias[n] + sum_{p,c} weight[n,p,c] x[t+p,c])           T' = max(1, T - length + 1)
///   E        = E - mean_t E                                            if centre_events
///   M[f,i,j] = sum_l window[f,l] sum_t E[t + lag_l, i] E[t, j]         E is zero outside the song
///   out      = unit(compress(M / T'))                                  / T' if pooling is mean
/// x is zero past the end of an excerpt shorter than the event filter.
/// With given_events x is not chroma but E itself, float [rows, N] of N values a row, found by
/// event layers: there are no filters, no biases, no centring and no rolls.
struct BigramParams {
  int events = 0;           ///< N, salient-event filters
  int event_length = 1;     ///< frames a filter spans
  int bands = 1;            ///< of the chroma, as many as its view has
  int windows = 0;          ///< F, co-occurrence windows
  int taps = 0;             ///< L, signed lags
  int lags[kMaxTaps] = {};  ///< frames, one for each tap, all different
  Activation activation = Activation::relu;
  bool centre_events = false;
  Pooling pooling = Pooling::mean;
  Compression compression = Compression::none;
  bool unit_norm = false;     ///< scale the fingerprint to length 1
  bool given_events = false;  ///< event_length 1, activation none

  /// Values of a frame of chroma, and of a filter.
  REPRISE_HOST_DEVICE int width() const { return bands * kPitchClasses; }
  REPRISE_HOST_DEVICE int filter_values() const { return event_length * width(); }

  /// Flat weights: events.weight [N, length, 12 * bands], events.bias [N], windows.weight [F, L];
  /// with given events the windows alone.
  REPRISE_HOST_DEVICE int event_weights() const {
    return given_events ? 0 : events * filter_values();
  }
  REPRISE_HOST_DEVICE int bias_offset() const { return event_weights(); }
  REPRISE_HOST_DEVICE int window_offset() const {
    return given_events ? 0 : event_weights() + events;
  }
  REPRISE_HOST_DEVICE int weights() const { return window_offset() + windows * taps; }

  /// Values of a fingerprint, in the order f, i, j.
  REPRISE_HOST_DEVICE int dims() const { return windows * events * events; }

  REPRISE_HOST_DEVICE int event_frames(int frames) const {
    return frames < event_length ? 1 : frames - event_length + 1;
  }
};

/// What a layer's responses go through before pooling.
enum class LayerActivation : std::uint8_t { relu, tanh };

/// A stage of an event network, on songs of one length: convolution over time with zeros around the
/// song (as many frames in, as many out; an even filter reaches one frame further ahead), and the
/// maximum of each `pool` frames, the last of what is left.
///   y[t,n]   = h(bias[n] + sum_{q,c} weight[n,q,c] x[t + q - (length - 1) / 2, c])
///   out[s,n] = max y[s pool .. s pool + pool - 1, n]
/// A dense layer is the stage of one frame.
struct EventLayerParams {
  int frames = 1;    ///< of a song, coming in
  int channels = 1;  ///< values of a frame, coming in
  int filters = 1;   ///< values of a frame, going out
  int length = 1;    ///< frames a filter spans
  int pool = 1;      ///< frames
  LayerActivation activation = LayerActivation::relu;

  /// Flat weights: weight [filters, length, channels], bias [filters].
  REPRISE_HOST_DEVICE int terms() const { return length * channels; }
  REPRISE_HOST_DEVICE int bias_offset() const { return filters * terms(); }
  REPRISE_HOST_DEVICE int weights() const { return bias_offset() + filters; }

  REPRISE_HOST_DEVICE int out_frames() const { return (frames + pool - 1) / pool; }
  /// Values of a song, coming in and going out.
  REPRISE_HOST_DEVICE int in_values() const { return frames * channels; }
  REPRISE_HOST_DEVICE int out_values() const { return out_frames() * filters; }
};

/// The distinct |lags| of a tap list, ascending. As C_-k is the transpose of C_k, only these
/// correlation matrices are formed.
struct LagSet {
  int count = 0;
  int lag[kMaxTaps] = {};
  int of_tap[kMaxTaps] = {};  ///< index into lag of each tap
};

inline LagSet distinct_lags(const BigramParams& p) {
  LagSet set;
  for (int l = 0; l < p.taps; ++l) {
    const int lag = p.lags[l] < 0 ? -p.lags[l] : p.lags[l];
    int at = 0;
    while (at < set.count && set.lag[at] < lag) ++at;
    if (at < set.count && set.lag[at] == lag) continue;
    for (int i = set.count++; i > at; --i) set.lag[i] = set.lag[i - 1];
    set.lag[at] = lag;
  }
  for (int l = 0; l < p.taps; ++l) {
    const int lag = p.lags[l] < 0 ? -p.lags[l] : p.lags[l];
    int at = 0;
    while (set.lag[at] != lag) ++at;
    set.of_tap[l] = at;
  }
  return set;
}

/// The 2016 experiment's fixed-length input: `patches` patches of `frames` frames that start at
/// round-half-even(linspace(0, T - frames, patches)); a song of at most frames + 1 frames is first
/// repeated (frames + 1) / T + 1 times (integer division).
struct PatchworkParams {
  int patches = 8;
  int frames = 64;

  REPRISE_HOST_DEVICE int out_frames() const { return patches * frames; }
};

/// Random variation of an excerpt in training. Times are in frames.
struct AugmentParams {
  int crop = 256;         ///< longest result
  float stretch_low = 1;  ///< duration factor, log-uniform
  float stretch_high = 1;
  float drop = 0;       ///< largest share of source frames left out
  float noise = 0;      ///< largest deviation of the noise added to values
  float power_low = 1;  ///< exponent of the values, uniform
  float power_high = 1;
  float power_share = 0;  ///< share of the excerpts to which the exponent applies
};

/// An excerpt to vary: everything random in it follows from `seed`.
struct TrainingExcerpt {
  Excerpt excerpt;
  std::uint64_t seed = 0;
};

/// Loss over a batch of fingerprints z [rows, dims] with a work number each. s_ab = z_a . z_b.
///   nt_xent      rows 2p and 2p+1 are versions: mean over rows of
///                -scale s_partner + log sum_{b: other work, or the partner} exp(scale s_b)
///                (Sohn 2016; Chen et al. 2020)
///   triplet      mean over rows of max(0, margin + max d_positive - min d_negative), d Euclidean
///                (batch-hard: Hermans et al. 2017)
///   contrastive  pairs (2p, 2p+1): mean(c d^2 + negative_weight (1 - c) max(0, margin - d)^2) over
///                pairs, c = 1 of one work and 0 of two (Hadsell et al. 2006, as the 2016
///                experiment)
struct LossParams {
  Loss loss = Loss::nt_xent;
  float margin = 0;
  float negative_weight = 1;
  float max_inverse_temperature = 60;
};

/// Adam (Kingma & Ba 2015) on a flat weight vector, the gradient first scaled to a norm of at most
/// `max_grad_norm` (0: left as it is).
struct AdamParams {
  float beta1 = 0.9f;
  float beta2 = 0.999f;
  float epsilon = 1e-8f;
  float max_grad_norm = 0;
};

/// What of Adam changes from step to step. An op reads it from the memory of its back end.
struct AdamStep {
  float rate = 0;
  float correct1 = 1;  ///< 1 / (1 - beta1^step), steps counted from 1
  float correct2 = 1;  ///< 1 / (1 - beta2^step)

  AdamStep() = default;
  AdamStep(const AdamParams& params, double rate_, std::int64_t step)
      : rate(static_cast<float>(rate_)),
        correct1(correction(params.beta1, step)),
        correct2(correction(params.beta2, step)) {}

 private:
  static float correction(float beta, std::int64_t step) {
    return static_cast<float>(1 / (1 - std::pow(double{beta}, static_cast<double>(step))));
  }
};

/// 2-D Fourier transform magnitudes (Bertin-Mahieux & Ellis 2012), of each band by itself.
struct Ftm2dParams {
  int patch = 75;         ///< frames
  int hop = 1;            ///< frames
  float power = 1.96f;    ///< exponent of the values
  bool keep_norm = true;  ///< 2012: unit norm before and after the power, then the frame's own norm
  bool median = true;     ///< over patches; else mean
  bool unit_norm = true;  ///< of all bands together
  int bands = 1;          ///< of the chroma, as many as its view has

  /// In the order band, time frequency, pitch frequency.
  REPRISE_HOST_DEVICE int dims() const { return bands * patch * kPitchClasses; }
};

/// What a search scans. Answers are exact in every case, and the same: the best of the scan are
/// scored again from the float32 vectors, and as many as it takes until the rounding and the
/// quantisation residuals prove that no other can be better.
enum class ScanFormat : std::uint8_t { fp32, bf16, int8 };

/// Candidates of a search, in the memory of a back end. All values are finite.
struct Candidates {
  const float* vectors = nullptr;  ///< [count, dims]
  const void* scan = nullptr;      ///< what prepare_scan made of them; null with fp32
  ScanFormat format = ScanFormat::fp32;
  std::int64_t count = 0;
  int dims = 0;
};

/// Row-z local alignment of a query X with a candidate Y, whose tempo may vary between half and
/// double along the way. States of two successive frames are compared, as one frame says too
/// little: the same note sounds in every melody, the same interval in few.
///   x_t     = chroma minus the song's mean, x_t /= sqrt(|x_t|^2 + kAlignmentFloor)
///   X_t     = [x_t, x_(t-1)], zeros before the first frame; Y_t likewise
///             24 values a band: all bands that the view has count together
///   mu_i    = X_i . mean(Y)      sigma_i = sqrt(X_i^T cov(Y) X_i + kAlignmentVariance)
///   s_ij    = min(cap, (X_i . Y_j - mu_i) / sigma_i - offset)
///   H_ij    = max(0, s_ij + max(H[i-1,j-1], H[i-2,j-1], H[i-1,j-2]))          H is zero outside
///   score A = max H, in standard deviations; kAlignmentLimit at most
/// The recurrence is that of Smith & Waterman (1981) without gaps, with the steps and the stacked
/// frames of Serra, Serra & Andrzejak (2009).
struct AlignmentParams {
  float cap = 3;        ///< most that a pair of states can add
  float offset = 1.25;  ///< how far above chance a pair of states must be to add anything
};

inline constexpr float kAlignmentFloor = 1e-3f;
inline constexpr float kAlignmentVariance = 1e-4f;
inline constexpr int kStateFrames = 2;
inline constexpr int kStateValues = kStateFrames * kPitchClasses;  ///< of one band
/// Back ends keep frames in multiples of 1 / 88: products of states then stay below 2^14 (with
/// kMaxBands below 1.06 times that), and what is above or below their mean in 16 bits.
inline constexpr int kAlignmentScale = 88;
/// Scores are kept in 16 bits, in sixteenths.
inline constexpr int kAlignmentUnits = 16;
inline constexpr float kAlignmentLimit = 32767.0f / kAlignmentUnits;

/// What to align: numbers into lists of queries and candidates, and the semitones by which the
/// query is rolled up further than its excerpt says.
struct AlignmentPair {
  std::int32_t query = 0;
  std::int32_t candidate = 0;
  std::int32_t roll = 0;  ///< 0 to 11
};

}  // namespace reprise
