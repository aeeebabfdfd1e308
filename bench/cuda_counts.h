// What the CUDA kernels move and compute, counted from how they cut their work, and the time that
// an H100's limits allow.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "audio/frames.h"
#include "bigram_plan.h"
#include "op_cases.h"
#include "reprise/params.h"
#include "search_plan.h"

namespace reprise::counts {

// NVIDIA H100 SXM, as its data sheet says, without sparsity; integers of the plain cores: 64 lanes
// a multiprocessor.
inline constexpr double kMemory = 3.35e12;  // bytes a second
inline constexpr double kFp32 = 67e12, kFp64 = 34e12, kTf32 = 495e12, kBf16 = 989e12,
                        kInt8 = 1979e12;
inline constexpr double kInstructions = 132 * 64 * 1.755e9;
inline constexpr double kHost = 64e9;  // PCIe 5, one way

/// Of a song, a query or a batch. An instruction of the plain cores is counted as such where it is
/// no fp32 operation; a fused multiply and add is two operations, a function like exp 20.
struct Counts {
  double bytes = 0;  ///< that blocks read and write: what a block reads twice is counted once
  double least = 0;  ///< what goes in and comes out
  double fp32 = 0, fp64 = 0, tf32 = 0, bf16 = 0, int8 = 0, integer = 0;

  struct Limit {
    const char* name;
    double seconds;
  };
  Limit computing() const {
    Limit most{"fp32", fp32 / kFp32};
    for (const Limit& other :
         {Limit{"fp64", fp64 / kFp64}, Limit{"tf32", tf32 / kTf32}, Limit{"bf16", bf16 / kBf16},
          Limit{"int8", int8 / kInt8}, Limit{"integers", integer / kInstructions}})
      if (other.seconds > most.seconds) most = other;
    return most;
  }
  /// What holds where no cache spares any of `bytes`.
  Limit limit() const { return with_memory(bytes); }
  double seconds() const { return limit().seconds; }
  /// Where caches spare all but the least.
  Limit least_limit() const { return with_memory(least); }
  double least_seconds() const { return least_limit().seconds; }
  double operations() const { return fp32 + fp64 + tf32 + bf16 + int8 + integer; }

 private:
  Limit with_memory(double moved) const {
    const Limit memory{"memory", moved / kMemory};
    return memory.seconds > computing().seconds ? memory : computing();
  }
};

inline double pieces(double count, double of) {
  return std::ceil(count / of);
}

// --- bigrams, a song; `value`: bytes of a chroma value

inline Counts bigram_forward(const BigramParams& p, int frames, int value) {
  const BigramPlan s = correlation_shape(p, frames, sizeof(float), 8);
  const double tiles = pieces(p.event_frames(frames), kTimeTile);
  Counts c;
  const auto compute = [&](double rows) {
    c.fp32 += 2 * rows * s.filter_rows() * s.padded * tiles;
    c.bytes += (rows + s.p.event_length - 1) * p.width() * value * tiles;
  };
  if (p.centre_events) compute(kTimeTile);
  for (int g = 0; g < s.groups.count; ++g) {
    const int low = s.lags.lag[s.groups.first[g]], high = s.lags.lag[s.groups.first[g + 1] - 1];
    compute(round_up(kTimeTile + high - low, 2));
    if (low > 0) compute(kTimeTile);
  }
  c.tf32 = 2.0 * tiles * kTimeTile * s.correlations();
  c.fp64 = 2.0 * p.taps * p.dims();  // the window mix
  c.bytes += 4.0 * (2 * s.correlations() + (p.unit_norm ? 3 : 1) * p.dims());
  c.least = double(frames) * p.width() * value + 4.0 * p.dims();
  return c;
}

inline Counts bigram_backward(const BigramParams& p, int frames, int value) {
  const BigramPlan s = gradient_shape(p, frames);
  const double tiles = pieces(p.event_frames(frames), kTimeTile);
  const int columns = round_up(s.filter_rows(), 16);
  Counts c;
  const auto compute = [&](double rows) {
    c.fp32 += 2 * rows * s.filter_rows() * s.padded * tiles;
    c.bytes += (rows + s.p.event_length - 1) * p.width() * value * tiles;
  };
  compute(kTimeTile);
  for (int g = 0; g < s.groups.count; ++g) {
    const int low = s.lags.lag[s.groups.first[g]], high = s.lags.lag[s.groups.first[g + 1] - 1];
    for (int side = 0; side < 2; ++side) compute(round_up(kTimeTile + high - low, 2));
  }
  const double time = tiles * kTimeTile;
  c.tf32 = 4 * time * s.correlations() + (p.centre_events ? 4 : 2) * time * s.padded * columns;
  c.fp32 += 4.0 * p.taps * p.dims();
  c.fp64 = 2.0 * p.taps * p.dims();
  // Correlations and their gradients, the fingerprint's gradient and that of the pooled bigrams,
  // and the sums of each part.
  c.bytes += 4.0 * (3 * s.correlations() + 6 * p.dims() + 2 * (2 * columns + 3) * s.padded);
  c.least = double(frames) * p.width() * value + 4.0 * (p.dims() + s.correlations());
  return c;
}

// The unfused path: each step reads what the last one wrote.
struct UnfusedSizes {
  double chroma, events, correlations, filters;
  double lags, reads;  // reads: of responses, for events
  UnfusedSizes(const BigramParams& p, int frames)
      : chroma((p.event_frames(frames) + p.event_length - 1.0) * p.width()),
        events(double(p.event_frames(frames)) * p.events),
        correlations(double(distinct_lags(p).count) * p.events * p.events),
        filters(p.event_weights()),
        lags(distinct_lags(p).count),
        reads(p.centre_events ? 2 : 1) {}
};

inline Counts unfused_forward(const BigramParams& p, int frames, int value) {
  const UnfusedSizes s(p, frames);
  Counts c = bigram_forward(p, frames, value);
  c.bytes =
      value * s.chroma + 4 * (2 * s.chroma + (2 + s.reads) * s.events + 2 * s.lags * s.events +
                              2 * s.correlations + (p.unit_norm ? 3 : 1) * p.dims());
  c.tf32 = 2 * s.events * (s.filters / p.events + s.lags * p.events);
  c.fp32 = 4 * s.events;
  return c;
}

inline Counts unfused_backward(const BigramParams& p, int frames, int value) {
  const UnfusedSizes s(p, frames);
  Counts c = bigram_backward(p, frames, value);
  // Of each lag two products, which read events and matrix and add to the gradient.
  c.bytes = value * s.chroma + 4 * (2 * s.chroma + 2 * s.lags * 3 * s.events +
                                    (s.reads + 3) * s.events + 4 * s.correlations + 6 * p.dims());
  c.tf32 = 2 * s.events * (s.filters / p.events + 2 * s.lags * p.events);
  c.fp32 = 4.0 * p.taps * p.dims() + 4 * s.events;
  return c;
}

inline Counts interval_sums(const BigramParams& p) {
  Counts c;
  c.bytes = c.least = 4.0 * p.dims() * (1 + 1.0 / kPitchClasses);
  c.fp32 = p.dims();
  return c;
}

// --- event layers, a song

inline Counts event_layer_forward(const EventLayerParams& p) {
  constexpr double kThreads = 256;
  const double blocks = pieces(p.out_values(), kThreads);
  const double frames = std::min<double>(
      p.frames, pieces(kThreads, p.filters) * p.pool + p.length - 1);  // that a block reads
  Counts c;
  c.fp32 = 2.0 * p.frames * p.filters * p.terms();
  c.bytes = 4 * blocks * (frames * p.channels + std::min<double>(kThreads, p.filters) * p.terms()) +
            8.0 * p.out_values();
  c.least = 4.0 * (p.in_values() + 2 * p.out_values());
  return c;
}

inline Counts event_layer_backward(const EventLayerParams& p) {
  constexpr double kThreads = 256;
  Counts c;
  // Of the filters: a block has 32 values of one, and reads that filter's outputs and x.
  const double blocks = p.filters * pieces(p.terms() + 1, 32);
  c.fp32 = 4.0 * p.out_values() * p.terms();
  c.bytes = blocks * p.out_frames() * (12 + 4 * 32);
  // Of the input: whether a frame won is asked of each output that it could have come to.
  const double frames = std::min<double>(
      p.out_frames(), pieces(pieces(kThreads, p.channels) + p.length - 1, p.pool) + 1);
  c.integer = 4.0 * p.in_values() * p.length * p.filters;
  c.bytes += pieces(p.in_values(), kThreads) * (frames * p.filters * 12 + 4.0 * p.weights()) +
             4.0 * p.in_values();
  c.least = 4.0 * (2 * p.in_values() + 3 * p.out_values());
  return c;
}

// --- training

/// Of a song, chroma as bytes.
inline Counts patchwork(const PatchworkParams& p) {
  Counts c;
  c.bytes = c.least = 5.0 * p.patches * p.frames * kPitchClasses;
  c.integer = 20.0 * p.patches * p.frames * kPitchClasses;
  return c;
}

/// Of an excerpt of `frames` frames, chroma as bytes.
inline Counts augment(const AugmentParams& p, int frames) {
  const double values = double(p.crop) * kPitchClasses;
  Counts c;
  // Two frames of the source and their places, and the list of places.
  c.bytes = values * (4 + 2 * (1 + (p.drop > 0 ? 4 : 0))) + (p.drop > 0 ? 4.0 * p.crop : 0);
  c.least = double(frames) * kPitchClasses + 4 * values;
  // Interpolation, a power for some, and a normal number of two draws.
  c.fp32 = values * (10 + 20 * p.power_share + (p.noise > 0 ? 65 : 0));
  c.integer = values * (20 + (p.noise > 0 ? 2 * 20 : 0)) + (p.drop > 0 ? 2 * 25.0 * frames : 0);
  return c;
}

/// Of a batch.
inline Counts loss(Loss kind, int rows, int dims) {
  constexpr double kSide = 16, kWide = 64, kSlice = 512;
  const double n = rows, tiles = pieces(n, kSide), slices = pieces(dims, kSlice);
  Counts c;
  c.least = 8 * n * dims;
  if (kind == Loss::contrastive) {
    c.bytes = 12 * n * dims;
    c.fp32 = 6 * n * dims;
    return c;
  }
  const double across = tiles * kSide;
  c.fp32 = 2 * across * across * dims + 2 * across * across * dims + 2 * 20 * n * n;
  const double products = tiles * tiles * dims * 2 * kSide * 4 + slices * n * n * 4;
  const double of_rows = slices * n * n * 4 * (kind == Loss::triplet ? 2 : 1) + 4 * n * n * 4 +
                         (kind == Loss::triplet ? 4.0 * 4 * n * dims : 0);
  const double pull = tiles * pieces(dims, kWide) * (n * kWide + 2 * n * kSide) * 4 + 4 * n * dims;
  c.bytes = products + of_rows + pull;
  return c;
}

inline Counts adam(int weights) {
  Counts c;
  c.bytes = 8 * 4.0 * weights;
  c.least = 7 * 4.0 * weights;
  c.fp32 = 40.0 * weights;
  return c;
}

/// Of a row.
inline Counts unit_row(int dims) {
  Counts c;
  c.bytes = 4.0 * 5 * dims;
  c.least = 4.0 * 3 * dims;
  c.fp32 = 4.0 * dims;
  return c;
}

// --- search

/// Of a row.
inline Counts prepare_scan(int dims, ScanFormat format) {
  Counts c;
  c.bytes = c.least = 4.0 * dims + double(kernels::scan_stride(dims, format)) + 12;
  c.fp64 = 8.0 * dims;
  c.fp32 = 6.0 * dims;
  return c;
}

struct Search {
  std::int64_t queries;
  int keys;
  std::int64_t candidates;
  int dims;

  std::int64_t rows() const { return queries * keys; }
  bool streams() const { return rows() <= kernels::kMaxStreamRows; }
};

/// Of all queries; bytes: groups of queries read the candidates each for itself.
inline Counts search(const Search& s, ScanFormat format) {
  const double element = kernels::scan_element_bytes(format);
  const double row =
      format == ScanFormat::fp32 ? 4.0 * s.dims : double(kernels::scan_stride(s.dims, format)) + 12;
  const double group = double(kernels::kGemmRows / s.keys);
  const double groups = s.streams() ? 1 : pieces(double(s.queries), group);
  Counts c;
  c.bytes = groups * double(s.candidates) * row;
  c.least = double(s.candidates) * s.dims * element + double(s.rows()) * s.dims * 4;
  const double rows = s.streams() ? double(s.rows()) : groups * kernels::kGemmRows;
  const double operations = 2 * rows * double(s.candidates) * s.dims;
  if (s.streams() && format == ScanFormat::int8) {
    c.integer = operations / 8;  // four products with their sums in one instruction
  } else if (s.streams()) {
    c.fp32 = operations;
  } else if (format == ScanFormat::fp32) {
    c.tf32 = operations;
  } else {
    (format == ScanFormat::bf16 ? c.bf16 : c.int8) = operations;
  }
  return c;
}

/// Of a query: `lists` of `width` candidates become one, which is scored again.
inline Counts search_finish(int keys, int dims, int lists, int width, int k) {
  Counts c;
  c.bytes = 8.0 * lists * width + 4.0 * dims * (width + keys) + 2 * 16.0 * k;
  c.least = 4.0 * dims * (width + keys) + 16.0 * k;
  c.fp64 = 2.0 * width * keys * dims;
  c.integer = 40.0 * lists * width;
  return c;
}

/// Of all queries.
inline Counts similarities(const Search& s) {
  const double groups = pieces(double(s.queries), double(kernels::kGemmRows / s.keys));
  const double tiles = pieces(double(s.candidates), kernels::kGemmTile);
  Counts c;
  const double results = 4.0 * double(s.queries) * double(s.candidates);
  c.bytes = groups * tiles * (kernels::kGemmRows + kernels::kGemmTile) * 4.0 * s.dims + results;
  c.least = 4.0 * (double(s.candidates) + double(s.rows())) * s.dims + results;
  c.fp32 = 2 * groups * kernels::kGemmRows * tiles * kernels::kGemmTile * s.dims;
  return c;
}

// --- 2-D Fourier transform magnitudes of a song, chroma as bytes

/// A median takes a walk for the range, one for each part of the range that is told apart, some
/// three here, and one to gather what is left.
inline Counts ftm2d(const Ftm2dParams& p, int frames) {
  constexpr double kRun = 32, kBins = 7, kWalks = 5;
  const double patches = 1 + (frames - p.patch) / p.hop;
  const double together = std::min({kRun, 1.0 + (p.patch - 1) / p.hop, patches});
  // Frames that a run adds up, each a product of complex numbers and the next turn.
  const double added = patches / together * (p.patch + (together - 1) * p.hop);
  const double frequencies = 5.0 * p.patch + 2 * (p.patch / 2 + 1);
  Counts c;
  c.fp32 = p.bands * ((p.median ? kWalks : 1) * frequencies * (14 * added + 10 * patches) +
                      frames * (kPitchClasses * 20 + kBins * kPitchClasses * 4));
  const double transforms = 8 * kBins * frames, pooled = 4 * kBins * p.patch;
  c.least = double(frames) * p.bands * kPitchClasses + 4.0 * p.dims();
  c.bytes = c.least + p.bands * (2 * transforms + 2 * pooled);
  return c;
}

// --- alignment and chroma of audio

/// Of a song. Sums of products of states are of integers, eight instructions each.
inline Counts alignment_song(int frames) {
  Counts c;
  c.bytes = frames * (2.0 * kPitchClasses + 3 * 12) + 4 * 324;
  c.least = frames * 2.0 * kPitchClasses + 4 * 324;
  c.integer = 8.0 * frames * (300 + 24) + 30.0 * frames * kPitchClasses;
  return c;
}

/// Of a pair of prepared songs. 18 instructions a cell: 27 / 8 for the product of frames, one to
/// add that of the frames before, scale, clamps, maxima.
inline Counts alignment(int frames) {
  Counts c;
  const double panels = pieces(frames, 256);
  c.bytes = frames * (kPitchClasses * (1 + panels) + 8 * (panels - 1));
  c.least = 2.0 * frames * kPitchClasses;
  c.integer = 18.0 * frames * frames;
  return c;
}

/// A transform of W samples is taken to read and write its data once, and to be 2.5 W log2 W
/// operations.
inline Counts chroma(const CutSong& song) {
  const ChromaTables tables = chroma_tables({});
  const auto frames = double(song.frames);
  Counts c;
  for (std::size_t r = 0; r < tables.resolutions.size(); ++r) {
    const ChromaTables::Resolution& resolution = tables.resolutions[r];
    const auto windows = double(song.windows[r].starts.size());
    const double size = resolution.window;
    double taps = 0;
    for (const ChromaTables::Hat& hat : resolution.hats) taps += double(hat.weights.size());
    c.fp32 += windows * (size + 2.5 * size * std::log2(size) + 5 * taps);
    c.bytes += windows * (4 * 4 * size + 8 * taps);
  }
  const double bins = tables.bins, notes = tables.notes;
  c.fp32 += frames * (2.0 * notes * notes * (tables.updates + 1) + 20 * bins);
  // Power is written, and read for tuning and notes; of each eight frames, the two matrices.
  c.bytes += frames * (3 * 4 * bins + 4 * kPitchClasses + 2 * 4 * notes * tables.stride / 8);
  c.least = 4.0 * double(song.samples.size()) + 4.0 * frames * kPitchClasses;
  return c;
}

}  // namespace reprise::counts
