// Audio bigrams, forward and backward, song by song (see params.h for the definition).
//
// A windowed co-occurrence is linear in its window: M_f = sum_l w[f,l] C_lag(l), where
// C_k[i][j] = sum_t E[t+k,i] E[t,j] and C_-k is the transpose of C_k. So only the correlation
// matrices of the distinct non-negative lags are formed, all in one product over time whose left
// rows are the events of all lags side by side. The gradient has the same form:
// dE[t] = sum_k dC_k E[t-k] + dC_k^T E[t+k] is one convolution over the events.
//
// Buffers of one song (kept for the backward in `reserve`):
//   x   [T + length, 12]    chroma, row-major, zero past the end
//   et  [N, stride]         events along time, `front` zeros before and zeros after
//   taps [L, N * N]         C of each tap, transposed where the lag is negative
//   g   [F, N * N]          pooled bigrams before compression

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/bigram.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>
#include "backend/cpu/micro_kernels-inl.h"
// clang-format on

#include <cmath>
#include <cstring>
#include <vector>

#include "backend/cpu/ops.h"
#include "backend/cpu/parallel.h"

#ifndef REPRISE_BIGRAM_SHAPE_
#define REPRISE_BIGRAM_SHAPE_
namespace reprise::cpu {

// Floats that the micro kernels may touch past the end.
constexpr std::int64_t kPad = 64;

constexpr std::int64_t round_up(std::int64_t n, std::int64_t to) { return (n + to - 1) / to * to; }

// What every song of a call shares.
struct BigramShape {
  explicit BigramShape(const BigramParams& params)
      : p(params),
        lags(distinct_lags(params)),
        n(params.events),
        pairs(n * n),
        front(round_up(lags.lag[lags.count - 1], 16)),
        panel_cols(round_up(std::int64_t{lags.count} * n, 32)) {}

  std::int64_t stride(std::int64_t frames) const {
    return front + round_up(frames, 32) + front + kPad;
  }
  // Floats of reserve for a song: et, taps, g, and the means of the events.
  std::int64_t reserve_floats(std::int64_t event_frames) const {
    return n * stride(event_frames) + std::int64_t{p.taps} * pairs + p.dims() + 64 + kPad;
  }

  BigramParams p;
  LagSet lags;
  int n;
  int pairs;
  std::int64_t front;
  std::int64_t panel_cols;
};

struct SongBuffers {
  SongBuffers(const BigramShape& s, std::int64_t event_frames, float* reserve)
      : frames(event_frames),
        stride(s.stride(event_frames)),
        et(reserve),
        taps(et + s.n * stride),
        g(taps + std::int64_t{s.p.taps} * s.pairs),
        mean(g + s.p.dims()) {}
  std::int64_t frames;
  std::int64_t stride;
  float* et;
  float* taps;
  float* g;
  float* mean;
};

// Memory of one thread, reused from song to song.
struct Scratch {
  std::vector<float> x, rows, panel, c, tap_weights, tap_gradients, row_weights, de, reserve;
  std::vector<const float*> pointers;
};

}  // namespace reprise::cpu
#endif  // REPRISE_BIGRAM_SHAPE_

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {

constexpr std::int64_t kPanelFrames = 32;  // a block of panel rows stays in the first-level cache

void load_chroma(ChromaView chroma, const Excerpt& e, int length, std::vector<float>& x) {
  const std::int64_t values = std::int64_t{e.frames} * kPitchClasses;
  x.resize(values + length * kPitchClasses + kPad);
  if (chroma.type == ChromaType::float32) {
    const float* from = static_cast<const float*>(chroma.data) + e.first * kPitchClasses;
    std::memcpy(x.data(), from, values * sizeof(float));
  } else {
    const std::uint8_t* from =
        static_cast<const std::uint8_t*>(chroma.data) + e.first * kPitchClasses;
    for (std::int64_t i = 0; i < values; ++i) x[i] = static_cast<float>(from[i]) * (1.0f / 255.0f);
  }
  std::fill(x.begin() + values, x.end(), 0.0f);
  if (e.roll == 0) return;
  float frame[kPitchClasses];
  for (std::int64_t i = 0; i < values; i += kPitchClasses) {
    std::memcpy(frame, &x[i], sizeof(frame));
    for (int c = 0; c < kPitchClasses; ++c) x[i + (c + e.roll) % kPitchClasses] = frame[c];
  }
}

// Events of a song along time, rectified and centred: et [N, stride] from x.
void detect_events(const BigramShape& s, const float* weights, std::int64_t song_frames,
                   Scratch& scratch, SongBuffers& b) {
  const BigramParams& p = s.p;
  // Chroma along time, so that lanes run along time whatever N is.
  const std::int64_t x_stride = round_up(song_frames + p.event_length, 32) + kPad;
  std::vector<float>& xt = scratch.de;
  xt.assign(kPitchClasses * x_stride, 0.0f);
  for (std::int64_t t = 0; t < song_frames; ++t)
    for (int c = 0; c < kPitchClasses; ++c)
      xt[c * x_stride + t] = scratch.x[t * kPitchClasses + c];
  const int rows = p.event_length * kPitchClasses;
  scratch.pointers.resize(rows);
  scratch.row_weights.resize(static_cast<std::size_t>(rows) * s.n);
  for (int r = 0; r < rows; ++r) {
    scratch.pointers[r] = xt.data() + (r % kPitchClasses) * x_stride + r / kPitchClasses;
    for (int n = 0; n < s.n; ++n) scratch.row_weights[r * s.n + n] = weights[n * rows + r];
  }
  convolve(scratch.pointers.data(), rows, scratch.row_weights.data(), s.n, b.frames,
           b.et + s.front, b.stride);
  for (int n = 0; n < s.n; ++n) {
    float* row = b.et + n * b.stride;
    float* e = row + s.front;
    const auto bias = hn::Set(kF32, weights[p.bias_offset() + n]);
    for (std::int64_t t = 0; t < b.frames; t += kLanes)
      hn::StoreU(hn::Max(hn::Zero(kF32), hn::Add(hn::LoadU(kF32, e + t), bias)), kF32, e + t);
    const float mean = p.centre_events ? sum(e, b.frames) / static_cast<float>(b.frames) : 0.0f;
    b.mean[n] = mean;
    const auto m = hn::Set(kF32, mean);
    for (std::int64_t t = 0; t < b.frames; t += kLanes)
      hn::StoreU(hn::Sub(hn::LoadU(kF32, e + t), m), kF32, e + t);
    std::fill(row, row + s.front, 0.0f);
    std::fill(e + b.frames, row + b.stride, 0.0f);
  }
}

// taps [L, N * N] from et: the correlation matrices of all lags in one product over time.
void correlate_lags(const BigramShape& s, Scratch& scratch, SongBuffers& b) {
  const int n = s.n;
  const std::int64_t rows = b.frames + s.lags.lag[s.lags.count - 1];
  std::vector<float>& e = scratch.rows;  // [frames + largest lag, N]
  e.resize(rows * n + kPad);
  for (std::int64_t t = 0; t < rows; ++t)
    for (int i = 0; i < n; ++i) e[t * n + i] = b.et[i * b.stride + s.front + t];
  std::vector<float>& panel = scratch.panel;
  panel.assign(kPanelFrames * s.panel_cols + kPad, 0.0f);
  scratch.c.resize(n * s.panel_cols + kPad);
  for (std::int64_t start = 0; start < b.frames; start += kPanelFrames) {
    const std::int64_t count = std::min(kPanelFrames, b.frames - start);
    for (int k = 0; k < s.lags.count;) {
      int run = 1;  // neighbouring lags lie side by side already
      while (k + run < s.lags.count && s.lags.lag[k + run] == s.lags.lag[k] + run) ++run;
      for (std::int64_t t = 0; t < count; ++t)
        std::memcpy(&panel[t * s.panel_cols + k * n], &e[(start + t + s.lags.lag[k]) * n],
                    static_cast<std::size_t>(run) * n * sizeof(float));
      k += run;
    }
    correlate(panel.data(), s.panel_cols, &e[start * n], n, count,
              static_cast<int>(s.panel_cols), n, start > 0, scratch.c.data(), s.panel_cols);
  }
  for (int l = 0; l < s.p.taps; ++l) {
    const float* c = scratch.c.data() + s.lags.of_tap[l] * n;  // c[j * panel_cols + i] = C[i][j]
    float* tap = b.taps + std::int64_t{l} * s.pairs;
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j)
        tap[i * n + j] = s.p.lags[l] >= 0 ? c[j * s.panel_cols + i] : c[i * s.panel_cols + j];
  }
}

// y = compress(g) and, where asked, its derivative.
void compress(Compression kind, const float* g, int dims, float* y, float* slope) {
  const auto one = hn::Set(kF32, 1.0f);
  const auto epsilon = hn::Set(kF32, kSignedRootEpsilon);
  float in[16], out[16], derivative[16];
  for (int i = 0; i < dims; i += kLanes) {
    const int count = std::min(kLanes, dims - i);
    std::fill(in, in + 16, 0.0f);
    std::memcpy(in, g + i, count * sizeof(float));
    const auto v = hn::LoadU(kF32, in);
    auto value = v, d = one;
    if (kind == Compression::tanh) {
      value = hn::Tanh(kF32, v);
      d = hn::NegMulAdd(value, value, one);
    } else if (kind == Compression::signed_root) {
      const auto magnitude = hn::Abs(v);
      const auto shifted = hn::Add(magnitude, epsilon);
      const auto root = hn::Sqrt(shifted);
      value = hn::Div(v, root);
      d = hn::Div(hn::MulAdd(hn::Set(kF32, 0.5f), magnitude, epsilon), hn::Mul(shifted, root));
    }
    hn::StoreU(value, kF32, out);
    hn::StoreU(d, kF32, derivative);
    std::memcpy(y + i, out, count * sizeof(float));
    if (slope) std::memcpy(slope + i, derivative, count * sizeof(float));
  }
}

void forward_song(ChromaView chroma, const Excerpt& excerpt, const float* weights,
                  const BigramShape& s, Scratch& scratch, float* reserve, float* out) {
  const BigramParams& p = s.p;
  SongBuffers b(s, p.event_frames(excerpt.frames), reserve);
  load_chroma(chroma, excerpt, p.event_length, scratch.x);
  detect_events(s, weights, excerpt.frames, scratch, b);
  correlate_lags(s, scratch, b);

  const float* windows = weights + p.window_offset();  // [F, L]
  scratch.pointers.resize(p.taps);
  scratch.tap_weights.resize(static_cast<std::size_t>(p.taps) * p.windows);
  const float pool = p.pooling == Pooling::mean ? 1.0f / static_cast<float>(b.frames) : 1.0f;
  for (int l = 0; l < p.taps; ++l) {
    scratch.pointers[l] = b.taps + std::int64_t{l} * s.pairs;
    for (int f = 0; f < p.windows; ++f)
      scratch.tap_weights[l * p.windows + f] = windows[f * p.taps + l] * pool;
  }
  // convolve() writes whole vectors, and fingerprints lie end to end: mix into padded rows.
  const std::int64_t stride = round_up(s.pairs, 32);
  scratch.tap_gradients.resize(p.windows * stride + kPad);
  convolve(scratch.pointers.data(), p.taps, scratch.tap_weights.data(), p.windows, s.pairs,
           scratch.tap_gradients.data(), stride);
  for (int f = 0; f < p.windows; ++f)
    std::memcpy(b.g + f * s.pairs, &scratch.tap_gradients[f * stride], s.pairs * sizeof(float));

  compress(p.compression, b.g, p.dims(), out, nullptr);
  if (!p.unit_norm) return;
  const float norm = std::sqrt(dot(out, out, p.dims()));
  for (int d = 0; d < p.dims(); ++d) out[d] = norm > kSilentNorm ? out[d] / norm : 0.0f;
}

// Adds nothing: writes the gradient [weights] of one song.
void backward_song(ChromaView chroma, const Excerpt& excerpt, const float* weights,
                   const BigramShape& s, Scratch& scratch, float* reserve,
                   const float* out_gradient, float* gradient) {
  const BigramParams& p = s.p;
  const int n = s.n, dims = p.dims();
  SongBuffers b(s, p.event_frames(excerpt.frames), reserve);

  // Through the norm and the compression: dg.
  std::vector<float>& dg = scratch.rows;
  std::vector<float>& y = scratch.panel;
  dg.resize(dims + kPad);
  y.resize(dims + kPad);
  compress(p.compression, b.g, dims, y.data(), dg.data());
  const float pool = p.pooling == Pooling::mean ? 1.0f / static_cast<float>(b.frames) : 1.0f;
  if (p.unit_norm) {
    const float square = dot(y.data(), y.data(), dims);
    const bool silent = std::sqrt(square) <= kSilentNorm;
    const float along = silent ? 0 : dot(y.data(), out_gradient, dims) / square;
    const float scale = silent ? 0 : pool / std::sqrt(square);
    for (int d = 0; d < dims; ++d) dg[d] *= (out_gradient[d] - along * y[d]) * scale;
  } else {
    for (int d = 0; d < dims; ++d) dg[d] *= out_gradient[d] * pool;
  }

  // Windows, and the taps' gradients.
  const float* windows = weights + p.window_offset();
  float* window_gradient = gradient + p.window_offset();
  scratch.pointers.resize(p.windows);
  for (int f = 0; f < p.windows; ++f) {
    scratch.pointers[f] = dg.data() + f * s.pairs;
    for (int l = 0; l < p.taps; ++l)
      window_gradient[f * p.taps + l] =
          dot(scratch.pointers[f], b.taps + std::int64_t{l} * s.pairs, s.pairs);
  }
  const std::int64_t stride = round_up(s.pairs, 32);
  scratch.tap_gradients.resize(p.taps * stride + kPad);
  convolve(scratch.pointers.data(), p.windows, windows, p.taps, s.pairs,
           scratch.tap_gradients.data(), stride);

  // Events: one convolution over both signs of every lag.
  const int signed_lags = 2 * s.lags.count - (s.lags.lag[0] == 0 ? 1 : 0);
  scratch.pointers.resize(static_cast<std::size_t>(signed_lags) * n);
  std::vector<float>& row_weights = scratch.row_weights;  // [signed lags * N, N]
  row_weights.assign(static_cast<std::size_t>(signed_lags) * n * n, 0.0f);
  int r = 0;
  for (int k = 0; k < s.lags.count; ++k) {
    const int lag = s.lags.lag[k];
    const int later = r, earlier = lag == 0 ? r : r + n;
    for (int m = 0; m < n; ++m) {
      const float* e = b.et + m * b.stride + s.front;
      scratch.pointers[later + m] = e + lag;
      scratch.pointers[earlier + m] = e - lag;
    }
    for (int l = 0; l < p.taps; ++l) {
      if (s.lags.of_tap[l] != k) continue;
      const float* d = &scratch.tap_gradients[l * stride];
      for (int i = 0; i < n; ++i)
        for (int j = 0; j < n; ++j) {
          const float dc = p.lags[l] >= 0 ? d[i * n + j] : d[j * n + i];  // d loss / d C_k[i][j]
          row_weights[(later + i) * n + j] += dc;
          row_weights[(earlier + j) * n + i] += dc;
        }
    }
    r += lag == 0 ? n : 2 * n;
  }
  const std::int64_t de_stride = round_up(b.frames, 32) + kPad;
  scratch.de.resize(n * de_stride + kPad);
  convolve(scratch.pointers.data(), signed_lags * n, row_weights.data(), n, b.frames,
           scratch.de.data(), de_stride);

  // Centring, rectifier, bias; then along rows for the filters.
  std::vector<float>& de_rows = scratch.panel;  // [frames, N]
  de_rows.resize(b.frames * n + kPad);
  for (int m = 0; m < n; ++m) {
    float* de = scratch.de.data() + m * de_stride;
    const float* e = b.et + m * b.stride + s.front;
    const float mean = p.centre_events ? sum(de, b.frames) / static_cast<float>(b.frames) : 0.0f;
    const float floor = -b.mean[m];  // an event that is zero before centring
    float bias = 0;
    for (std::int64_t t = 0; t < b.frames; ++t) {
      const float d = e[t] > floor ? de[t] - mean : 0.0f;
      bias += d;
      de_rows[t * n + m] = d;
    }
    gradient[p.bias_offset() + m] = bias;
  }
  load_chroma(chroma, excerpt, p.event_length, scratch.x);
  const int columns = p.event_length * kPitchClasses;
  const std::int64_t c_stride = round_up(columns, 32);
  scratch.c.resize(n * c_stride + kPad);
  correlate(scratch.x.data(), kPitchClasses, de_rows.data(), n, b.frames, columns, n, false,
            scratch.c.data(), c_stride);
  for (int m = 0; m < n; ++m)
    std::memcpy(gradient + m * columns, &scratch.c[m * c_stride], columns * sizeof(float));
}

const char* target_name() { return hwy::TargetName(HWY_TARGET); }

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::cpu {

HWY_EXPORT(forward_song);
HWY_EXPORT(backward_song);
HWY_EXPORT(target_name);

const char* instruction_set() { return HWY_DYNAMIC_DISPATCH(target_name)(); }

std::size_t bigram_reserve(const BigramParams& params, std::int64_t count, std::int64_t frames) {
  const BigramShape shape(params);
  const auto most = static_cast<std::int32_t>(frames);
  return static_cast<std::size_t>(count * shape.reserve_floats(params.event_frames(most))) *
         sizeof(float);
}

// The forward lays songs out at the stride of the longest one, as bigram_reserve() counted.
static std::int64_t reserve_stride(const BigramShape& shape, const Excerpt* excerpts,
                                   std::int64_t count) {
  std::int32_t longest = 0;
  for (std::int64_t i = 0; i < count; ++i) longest = std::max(longest, excerpts[i].frames);
  return shape.reserve_floats(shape.p.event_frames(longest));
}

void bigram_forward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                    const float* weights, const BigramParams& params, int threads, float* out,
                    void* reserve) {
  const BigramShape shape(params);
  const std::int64_t stride = reserve_stride(shape, excerpts, count);
  std::vector<Scratch> scratch(threads);
  parallel_for(count, threads, [&](std::int64_t i, int member) {
    Scratch& mine = scratch[member];
    if (!reserve) mine.reserve.resize(stride);
    float* kept = reserve ? static_cast<float*>(reserve) + i * stride : mine.reserve.data();
    HWY_DYNAMIC_DISPATCH(forward_song)
    (chroma, excerpts[i], weights, shape, mine, kept, out + i * params.dims());
  });
}

void bigram_backward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                     const float* weights, const BigramParams& params, const float* out_gradient,
                     const void* reserve, int threads, float* gradient) {
  const BigramShape shape(params);
  const std::int64_t stride = reserve_stride(shape, excerpts, count);
  const int size = params.weights();
  // A row a song, summed in song order: the same bits for any number of threads.
  std::vector<float> rows(static_cast<std::size_t>(count) * size);
  std::vector<Scratch> scratch(threads);
  parallel_for(count, threads, [&](std::int64_t i, int member) {
    float* kept = const_cast<float*>(static_cast<const float*>(reserve)) + i * stride;
    HWY_DYNAMIC_DISPATCH(backward_song)
    (chroma, excerpts[i], weights, shape, scratch[member], kept,
     out_gradient + i * params.dims(), &rows[i * size]);
  });
  std::fill(gradient, gradient + size, 0.0f);
  for (std::int64_t i = 0; i < count; ++i)
    for (int w = 0; w < size; ++w) gradient[w] += rows[i * size + w];
}

}  // namespace reprise::cpu
#endif  // HWY_ONCE
