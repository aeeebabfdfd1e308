#pragma once

#include <cstdint>

#include "reprise/params.h"

// The arguments of the ops, one struct each: inputs, parameters, then outputs. Every pointer is to
// memory of the back end that runs the op; matrices are row-major and dense.
namespace reprise {

/// The songs of an op: excerpts of the frames of many, in the memory of one back end.
struct SongBatch {
  ChromaView chroma = {};
  const Excerpt* excerpts = nullptr;  ///< [count]
  std::int64_t count = 0;
  std::int64_t longest = 0;  ///< frames of the longest excerpt, or more; the bigram ops need it
};

namespace ops {

// --- chroma in, chroma out

struct Patchwork {
  SongBatch songs = {};
  PatchworkParams params = {};
  float* out = nullptr;  ///< [count, patches * frames, 12 * bands]
};

struct Augment {
  ChromaView chroma = {};
  const TrainingExcerpt* excerpts = nullptr;  ///< [count]
  std::int64_t count = 0;
  AugmentParams params = {};
  float* out = nullptr;             ///< [count, crop, 12 * bands]
  Excerpt* out_excerpts = nullptr;  ///< [count]: where in `out` each result lies
};

// --- audio bigrams

struct BigramForward {
  SongBatch songs = {};
  const float* weights = nullptr;  ///< as BigramParams lays them out
  BigramParams params = {};
  float* out = nullptr;     ///< [count, dims]
  void* reserve = nullptr;  ///< bigram_reserve() bytes for the backward; null where none follows
};

struct BigramBackward {
  SongBatch songs = {};
  const float* weights = nullptr;
  BigramParams params = {};
  const float* out_gradient = nullptr;  ///< [count, dims]
  const void* reserve = nullptr;        ///< what the forward of the same arguments left
  float* gradient = nullptr;            ///< [weights], summed over the songs
  /// With given events, their gradient [rows, N], written where excerpts lie: they must not
  /// overlap.
  float* events_gradient = nullptr;
};

/// Bigrams of kernels in 12 rotations, events 12 k + p, summed over the rotations: alike in all
/// keys. Of kernels k and m at the interval d the sum over p of M[f, 12 k + p, 12 m + (p + d) mod
/// 12], pooled, neither compressed nor scaled.
struct IntervalForward {
  SongBatch songs = {};
  const float* weights = nullptr;
  BigramParams params = {};
  float* out = nullptr;  ///< [count, F, K, K, 12]
};

// --- event networks

struct EventLayerForward {
  const float* x = nullptr;  ///< [count, frames, channels]
  std::int64_t count = 0;
  const float* weights = nullptr;  ///< as EventLayerParams lays them out
  EventLayerParams params = {};
  float* out = nullptr;  ///< [count, out_frames, filters]
  /// [as out]: the frame of each largest response, the first of equal ones; null where no backward
  /// follows.
  std::int32_t* argmax = nullptr;
};

struct EventLayerBackward {
  const float* x = nullptr;
  std::int64_t count = 0;
  const float* weights = nullptr;
  EventLayerParams params = {};
  const float* out = nullptr;  ///< this and argmax: what the forward of the same arguments left
  const std::int32_t* argmax = nullptr;
  const float* out_gradient = nullptr;  ///< [as out]
  float* gradient = nullptr;            ///< [weights], summed over the songs
  float* x_gradient = nullptr;          ///< [as x], or null
};

// --- learning

struct Loss {
  const float* z = nullptr;              ///< [rows, dims]
  const std::int32_t* labels = nullptr;  ///< [rows]: numbers of works
  std::int64_t rows = 0;
  int dims = 0;
  /// One value, used by nt_xent: its scale is min(exp(this), max_inverse_temperature).
  const float* log_inverse_temperature = nullptr;
  LossParams params = {};
  float* loss = nullptr;                              ///< one value
  float* z_gradient = nullptr;                        ///< [rows, dims]
  float* log_inverse_temperature_gradient = nullptr;  ///< one value
};

struct Adam {
  float* weights = nullptr;  ///< [count]; updated in place, as are the two moments
  float* moment1 = nullptr;
  float* moment2 = nullptr;
  const float* gradient = nullptr;
  std::int64_t count = 0;
  AdamParams params = {};
  const AdamStep* step = nullptr;  ///< one
  float* gradient_norm = nullptr;  ///< one value, before clipping
};

// --- fingerprints to vectors

/// out = unit(in weight^T + bias); a row of zeros stays.
struct Project {
  const float* in = nullptr;  ///< [rows, in_dims]
  std::int64_t rows = 0;
  int in_dims = 0;
  const float* weight = nullptr;  ///< [out_dims, in_dims]
  const float* bias = nullptr;    ///< [out_dims]
  int out_dims = 0;
  float* out = nullptr;  ///< [rows, out_dims]
};

// --- published fingerprints

/// Bertin-Mahieux & Ellis 2012. Songs shorter than a patch are padded with zeros to one, where the
/// original gives none.
struct Ftm2d {
  SongBatch songs = {};
  Ftm2dParams params = {};
  float* out = nullptr;  ///< [count, dims], in the order band, time frequency, pitch frequency
};

// --- exact search

/// out = max over keys of q . c, plus bias.
struct Similarities {
  const float* q = nullptr;  ///< [queries, keys, dims]
  std::int64_t queries = 0;
  int keys = 1;
  const float* c = nullptr;  ///< [candidates, dims]
  std::int64_t candidates = 0;
  int dims = 0;
  const float* bias = nullptr;  ///< [candidates], or null
  float* out = nullptr;         ///< [queries, candidates]
};

/// Quantises vectors for a scan, with scales and residual norms, in an order of the back end's own.
struct PrepareScan {
  const float* vectors = nullptr;  ///< [count, dims]
  std::int64_t count = 0;
  int dims = 0;
  ScanFormat format = ScanFormat::fp32;
  void* scan = nullptr;  ///< scan_bytes() bytes
};

/// The k best candidates of each query, by descending score, ties by ascending number. The score is
/// the largest inner product of a key, summed in double precision and rounded to float; of keys
/// with the same score the first is the best. Where fewer than k candidates exist the id is -1, the
/// score -infinity and the key 0.
struct TopK {
  const float* q = nullptr;  ///< [queries, keys, dims]
  std::int64_t queries = 0;
  int keys = 1;
  Candidates candidates = {};
  int k = 0;
  std::int64_t* ids = nullptr;  ///< [queries, k], as are the others
  float* scores = nullptr;
  std::int32_t* best_key = nullptr;
};

// --- alignment

/// Row-z local alignment (see AlignmentParams). Each song is prepared once for all its pairs.
struct Align {
  SongBatch queries = {};
  SongBatch candidates = {};
  const AlignmentPair* pairs = nullptr;  ///< [count]
  std::int64_t count = 0;
  AlignmentParams params = {};
  float* scores = nullptr;  ///< [count]
};

}  // namespace ops

/// Every op: X(NAME) for each struct above. Both back ends declare from it what they run.
#define REPRISE_OPS(X)  \
  X(Patchwork)          \
  X(Augment)            \
  X(BigramForward)      \
  X(BigramBackward)     \
  X(IntervalForward)    \
  X(EventLayerForward)  \
  X(EventLayerBackward) \
  X(Loss) X(Adam) X(Project) X(Ftm2d) X(Similarities) X(PrepareScan) X(TopK) X(Align)

}  // namespace reprise
