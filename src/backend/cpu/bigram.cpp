// Audio bigrams, forward and backward, song by song (see params.h for the definition).
//
// A windowed co-occurrence is linear in its window: M_f = sum_l w[f,l] C_lag(l), where
// C_k[i][j] = sum_t E[t+k,i] E[t,j] and C_-k is the transpose of C_k. So only the correlation
// matrices of the distinct non-negative lags are formed, all in one product over time whose left
// rows are the events of all lags side by side. The gradient has the same form:
// dE[t] = sum_k dC_k E[t-k] + dC_k^T E[t+k] is one convolution over the events.
//
// Buffers of one song (kept for the backward in `reserve`):
//   e    [T' + front, N]     events, row-major: overlapping rows hold all lags side by side
//   taps [L, N * N]          C of each tap, transposed where the lag is negative
//   g    [F, N * N]          pooled bigrams before compression

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
#include <limits>
#include <vector>

#include "backend/cpu/ops.h"
#include "backend/cpu/parallel.h"

#ifndef REPRISE_BIGRAM_SHAPE_
#define REPRISE_BIGRAM_SHAPE_
namespace reprise::cpu {

// Floats that the micro kernels may touch past the end.
constexpr std::int64_t kPad = 64;

constexpr std::int64_t round_up(std::int64_t n, std::int64_t to) {
  return (n + to - 1) / to * to;
}

// What every song of a call shares.
struct BigramShape {
  explicit BigramShape(const BigramParams& params)
      : p(params),
        lags(distinct_lags(params)),
        n(params.events),
        pairs(n * n),
        front(round_up(lags.lag[lags.count - 1], 16)) {}

  std::int64_t et_stride(std::int64_t frames) const {
    return front + round_up(frames, 32) + front + kPad;
  }
  // Floats of reserve for a song: e, taps, g, and the means of the events.
  std::int64_t reserve_floats(std::int64_t event_frames) const {
    return (event_frames + front) * n + kPad + std::int64_t{p.taps} * pairs + p.dims() + 64 + kPad;
  }

  BigramParams p;
  LagSet lags;
  int n;
  int pairs;
  std::int64_t front;  // zero frames that lags may reach past either end
};

struct SongBuffers {
  SongBuffers(const BigramShape& s, std::int64_t event_frames, float* reserve)
      : frames(event_frames),
        e(reserve),
        taps(e + (frames + s.front) * s.n + kPad),
        g(taps + std::int64_t{s.p.taps} * s.pairs),
        mean(g + s.p.dims()) {}
  std::int64_t frames;
  float* e;
  float* taps;
  float* g;
  float* mean;
};

// Memory of one thread, reused from song to song.
struct Scratch {
  std::vector<float> x, filters, c, mixed, tap_weights, row_weights, dg, y, et, de, de_rows, means,
      reserve;
  std::vector<const float*> pointers;
};

}  // namespace reprise::cpu
#endif  // REPRISE_BIGRAM_SHAPE_

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {

constexpr std::int64_t kBlockFrames = 32;

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

// Subtracts from each column of e [frames, n] its mean, and keeps it. Rows are taken kLanes at a
// time: they are n whole vectors, and the means repeated kLanes times fit them.
void centre_columns(float* e, std::int64_t frames, int n, float* mean,
                    std::vector<float>& pattern) {
  pattern.assign(static_cast<std::size_t>(n) * kLanes, 0.0f);
  std::int64_t t = 0;
  for (; t + kLanes <= frames; t += kLanes)
    for (int v = 0; v < n * kLanes; v += kLanes)
      hn::StoreU(hn::Add(hn::LoadU(kF32, &pattern[v]), hn::LoadU(kF32, e + t * n + v)), kF32,
                 &pattern[v]);
  for (int i = 0; i < n; ++i) {
    float total = 0;
    for (int row = 0; row < kLanes; ++row) total += pattern[row * n + i];
    for (std::int64_t rest = t; rest < frames; ++rest) total += e[rest * n + i];
    mean[i] = total / static_cast<float>(frames);
  }
  for (int row = 0; row < kLanes; ++row) std::copy(mean, mean + n, &pattern[row * n]);
  for (t = 0; t + kLanes <= frames; t += kLanes)
    for (int v = 0; v < n * kLanes; v += kLanes)
      hn::StoreU(hn::Sub(hn::LoadU(kF32, e + t * n + v), hn::LoadU(kF32, &pattern[v])), kF32,
                 e + t * n + v);
  for (; t < frames; ++t)
    for (int i = 0; i < n; ++i) e[t * n + i] -= mean[i];
}

hn::Vec<F32> activate(Activation h, hn::Vec<F32> response) {
  if (h == Activation::none) return response;
  if (h == Activation::relu) return hn::Max(hn::Zero(kF32), response);
  return hn::IfThenElseZero(hn::Gt(response, hn::Zero(kF32)), hn::Set(kF32, 1.0f));
}

// Events of a song, activated and centred: e [frames, N] from x, zeros after.
void detect_events(const BigramShape& s, const float* weights, Scratch& scratch, SongBuffers& b) {
  const BigramParams& p = s.p;
  const int n = s.n, terms = p.event_length * kPitchClasses;
  const int chunks = (n + kLanes - 1) / kLanes, width = chunks * kLanes;
  std::vector<float>& filters = scratch.filters;  // [terms, width], then the biases
  filters.assign((terms + 1) * width, 0.0f);
  for (int i = 0; i < n; ++i) {
    for (int r = 0; r < terms; ++r) filters[r * width + i] = weights[i * terms + r];
    filters[terms * width + i] = weights[p.bias_offset() + i];
  }
  const float* bias = &filters[terms * width];
  const float* chunk[kMaxEvents];
  for (int k = 0; k < chunks; ++k) chunk[k] = &filters[k * kLanes];
  // A frame's receptive field is a run of x, so frames are the rows of the product.
  for (std::int64_t t = 0; t < b.frames; t += kTileRows) {
    const int rows = static_cast<int>(std::min<std::int64_t>(kTileRows, b.frames - t));
    correlate(chunk, chunks, &scratch.x[t * kPitchClasses], {width, 1, kPitchClasses}, terms, rows,
              [&](int row, int k, hn::Vec<F32> sum) HWY_ATTR {
                const auto event =
                    activate(p.activation, hn::Add(sum, hn::LoadU(kF32, bias + k * kLanes)));
                const int lanes = std::min(kLanes, n - k * kLanes);
                hn::BlendedStore(event, hn::FirstN(kF32, lanes), kF32,
                                 b.e + (t + row) * n + k * kLanes);
              });
  }
  const std::int64_t values = b.frames * n;
  std::fill(b.e + values, b.e + values + s.front * n + kPad, 0.0f);
  std::fill(b.mean, b.mean + n, 0.0f);
  if (p.centre_events) centre_columns(b.e, b.frames, n, b.mean, scratch.means);
}

// taps [L, N * N] from e: the correlation matrices of all lags in one product over time.
void correlate_lags(const BigramShape& s, Scratch& scratch, SongBuffers& b) {
  const int n = s.n;
  // Neighbouring lags lie side by side in overlapping rows: a run of them is one run of columns.
  std::vector<const float*>& chunk = scratch.pointers;
  chunk.clear();
  int column_of_lag[kMaxTaps];
  for (int k = 0; k < s.lags.count;) {
    int run = 1;
    while (k + run < s.lags.count && s.lags.lag[k + run] == s.lags.lag[k] + run) ++run;
    for (int i = 0; i < run; ++i)
      column_of_lag[k + i] = static_cast<int>(chunk.size()) * kLanes + i * n;
    for (int column = 0; column < run * n; column += kLanes)
      chunk.push_back(b.e + s.lags.lag[k] * n + column);
    k += run;
  }
  const int chunks = static_cast<int>(chunk.size());
  const std::int64_t c_stride = std::int64_t{chunks} * kLanes;
  scratch.c.resize(n * c_stride);
  float* c = scratch.c.data();  // c[j, column of lag k + i] = C_k[i][j]
  // Sums of blocks, then their sum: rounding grows with the root of the length only.
  for (std::int64_t t = 0; t < b.frames; t += kBlockFrames) {
    correlate(chunk.data(), chunks, b.e + t * n, {n, n, 1}, std::min(kBlockFrames, b.frames - t), n,
              [&](int row, int k, hn::Vec<F32> sum) HWY_ATTR {
                float* to = c + row * c_stride + k * kLanes;
                hn::StoreU(t > 0 ? hn::Add(hn::LoadU(kF32, to), sum) : sum, kF32, to);
              });
    for (const float*& of_lag : chunk) of_lag += kBlockFrames * n;
  }
  for (int l = 0; l < s.p.taps; ++l) {
    const float* of_lag = c + column_of_lag[s.lags.of_tap[l]];
    float* tap = b.taps + std::int64_t{l} * s.pairs;
    if (s.p.lags[l] < 0) {
      for (int i = 0; i < n; ++i)
        std::memcpy(tap + i * n, of_lag + i * c_stride, n * sizeof(float));
    } else {
      for (int j = 0; j < n; ++j)
        for (int i = 0; i < n; ++i) tap[i * n + j] = of_lag[j * c_stride + i];
    }
  }
}

// y = compress(g) and, where asked, its derivative. All three are padded by kPad floats or followed
// by values that are written later.
void compress(Compression kind, const float* HWY_RESTRICT g, int dims, float* HWY_RESTRICT y,
              float* HWY_RESTRICT slope) {
  const auto one = hn::Set(kF32, 1.0f);
  const auto epsilon = hn::Set(kF32, kSignedRootEpsilon);
  for (int i = 0; i < dims; i += kLanes) {
    const auto v = hn::LoadU(kF32, g + i);
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
    const auto inside = hn::FirstN(kF32, std::min(kLanes, dims - i));
    hn::BlendedStore(value, inside, kF32, y + i);
    if (slope) hn::BlendedStore(d, inside, kF32, slope + i);
  }
}

void forward_song(ChromaView chroma, const Excerpt& excerpt, const float* weights,
                  const BigramShape& s, Scratch& scratch, float* reserve, float* out) {
  const BigramParams& p = s.p;
  SongBuffers b(s, p.event_frames(excerpt.frames), reserve);
  load_chroma(chroma, excerpt, p.event_length, scratch.x);
  detect_events(s, weights, scratch, b);
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
  scratch.mixed.resize(p.windows * stride + kPad);
  convolve(scratch.pointers.data(), p.taps, scratch.tap_weights.data(), p.windows, s.pairs,
           scratch.mixed.data(), stride);
  for (int f = 0; f < p.windows; ++f)
    std::memcpy(b.g + f * s.pairs, &scratch.mixed[f * stride], s.pairs * sizeof(float));

  compress(p.compression, b.g, p.dims(), out, nullptr);
  if (!p.unit_norm) return;
  const float norm = std::sqrt(dot(out, out, p.dims()));
  const float scale = norm > kSilentNorm ? 1.0f / norm : 0.0f;
  for (int d = 0; d < p.dims(); ++d) out[d] *= scale;
}

// Through the norm and the compression: dg [dims].
void backward_pooled(const BigramShape& s, const SongBuffers& b, const float* out_gradient,
                     Scratch& scratch) {
  const BigramParams& p = s.p;
  const int dims = p.dims();
  std::vector<float>& dg = scratch.dg;
  std::vector<float>& y = scratch.y;
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
}

// Writes the gradient of the windows [F, L], and that of the taps into scratch.mixed [L, stride].
void backward_windows(const BigramShape& s, const SongBuffers& b, const float* windows,
                      Scratch& scratch, std::int64_t stride, float* gradient) {
  const BigramParams& p = s.p;
  scratch.pointers.resize(p.windows);
  for (int f = 0; f < p.windows; ++f) {
    scratch.pointers[f] = scratch.dg.data() + f * s.pairs;
    for (int l = 0; l < p.taps; ++l)
      gradient[f * p.taps + l] =
          dot(scratch.pointers[f], b.taps + std::int64_t{l} * s.pairs, s.pairs);
  }
  scratch.mixed.resize(p.taps * stride + kPad);
  convolve(scratch.pointers.data(), p.windows, windows, p.taps, s.pairs, scratch.mixed.data(),
           stride);
}

// to [columns, rows] = from [rows, stride]^T.
void transpose(const float* HWY_RESTRICT from, int rows, std::int64_t stride, std::int64_t columns,
               float* HWY_RESTRICT to) {
  for (std::int64_t t = 0; t < columns; ++t)
    for (int i = 0; i < rows; ++i) to[t * rows + i] = from[i * stride + t];
}

// The gradient of the events along time, scratch.de [N, de_stride]: one convolution over both signs
// of every lag.
void backward_lags(const BigramShape& s, const SongBuffers& b, std::int64_t stride,
                   std::int64_t de_stride, Scratch& scratch) {
  const BigramParams& p = s.p;
  const int n = s.n;
  // Events along time, `front` zeros before and after.
  const std::int64_t et_stride = s.et_stride(b.frames);
  scratch.et.assign(n * et_stride, 0.0f);
  for (std::int64_t t = 0; t < b.frames; ++t)
    for (int i = 0; i < n; ++i) scratch.et[i * et_stride + s.front + t] = b.e[t * n + i];

  const int signed_lags = 2 * s.lags.count - (s.lags.lag[0] == 0 ? 1 : 0);
  scratch.pointers.resize(static_cast<std::size_t>(signed_lags) * n);
  std::vector<float>& row_weights = scratch.row_weights;  // [signed lags * N, N]
  row_weights.assign(static_cast<std::size_t>(signed_lags) * n * n, 0.0f);
  int r = 0;
  for (int k = 0; k < s.lags.count; ++k) {
    const int lag = s.lags.lag[k];
    const int later = r, earlier = lag == 0 ? r : r + n;
    for (int m = 0; m < n; ++m) {
      const float* e = &scratch.et[m * et_stride + s.front];
      scratch.pointers[later + m] = e + lag;
      scratch.pointers[earlier + m] = e - lag;
    }
    for (int l = 0; l < p.taps; ++l) {
      if (s.lags.of_tap[l] != k) continue;
      // d[i * n + j] = d loss / d C_k[i][j], or of its transpose where the tap's lag is negative.
      const float* d = &scratch.mixed[l * stride];
      float* same = &row_weights[(p.lags[l] >= 0 ? later : earlier) * n];
      float* swapped = &row_weights[(p.lags[l] >= 0 ? earlier : later) * n];
      for (int i = 0; i < n * n; ++i) same[i] += d[i];
      for (int i = 0; i < n; ++i)
        for (int j = 0; j < n; ++j) swapped[j * n + i] += d[i * n + j];
    }
    r += lag == 0 ? n : 2 * n;
  }
  scratch.de.resize(n * de_stride + kPad);
  convolve(scratch.pointers.data(), signed_lags * n, row_weights.data(), n, b.frames,
           scratch.de.data(), de_stride);
}

// Writes the gradient [weights] of one song.
void backward_song(ChromaView chroma, const Excerpt& excerpt, const float* weights,
                   const BigramShape& s, Scratch& scratch, float* reserve,
                   const float* out_gradient, float* gradient) {
  const BigramParams& p = s.p;
  const int n = s.n;
  const SongBuffers b(s, p.event_frames(excerpt.frames), reserve);
  const std::int64_t stride = round_up(s.pairs, 32);
  const std::int64_t de_stride = round_up(b.frames, 32) + kPad;
  backward_pooled(s, b, out_gradient, scratch);
  backward_windows(s, b, weights + p.window_offset(), scratch, stride,
                   gradient + p.window_offset());
  backward_lags(s, b, stride, de_stride, scratch);

  // Centring, activation, bias; then along rows for the filters.
  std::vector<float>& de_rows = scratch.de_rows;  // [frames, N]
  de_rows.resize(b.frames * n + kPad);
  for (int m = 0; m < n; ++m) {
    float* de = scratch.de.data() + m * de_stride;
    const float* e = &scratch.et[m * s.et_stride(b.frames) + s.front];
    const float mean = p.centre_events ? sum(de, b.frames) / static_cast<float>(b.frames) : 0.0f;
    // An event that is zero before centring passes no gradient on.
    const float floor =
        p.activation == Activation::none ? -std::numeric_limits<float>::infinity() : -b.mean[m];
    for (std::int64_t t = 0; t < b.frames; ++t) de[t] = e[t] > floor ? de[t] - mean : 0.0f;
    gradient[p.bias_offset() + m] = sum(de, b.frames);
  }
  transpose(scratch.de.data(), n, de_stride, b.frames, de_rows.data());
  load_chroma(chroma, excerpt, p.event_length, scratch.x);
  const int columns = p.event_length * kPitchClasses;
  const float* chunk[kMaxEventLength * kPitchClasses];
  int chunks = 0;
  for (int column = 0; column < columns; column += kLanes)
    chunk[chunks++] = scratch.x.data() + column;
  correlate(chunk, chunks, de_rows.data(), {kPitchClasses, n, 1}, b.frames, n,
            [&](int row, int k, hn::Vec<F32> sum) HWY_ATTR {
              hn::BlendedStore(sum, hn::FirstN(kF32, std::min(kLanes, columns - k * kLanes)), kF32,
                               gradient + row * columns + k * kLanes);
            });
}

const char* target_name() {
  return hwy::TargetName(HWY_TARGET);
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::cpu {

HWY_EXPORT(forward_song);
HWY_EXPORT(backward_song);
HWY_EXPORT(target_name);

const char* instruction_set() {
  return HWY_DYNAMIC_DISPATCH(target_name)();
}

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
    (chroma, excerpts[i], weights, shape, scratch[member], kept, out_gradient + i * params.dims(),
     &rows[i * size]);
  });
  std::fill(gradient, gradient + size, 0.0f);
  for (std::int64_t i = 0; i < count; ++i)
    for (int w = 0; w < size; ++w) gradient[w] += rows[i * size + w];
}

}  // namespace reprise::cpu
#endif  // HWY_ONCE
