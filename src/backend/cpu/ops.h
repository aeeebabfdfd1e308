#pragma once

#include <cstddef>
#include <cstdint>

#include "reprise/params.h"

// The ops of backend.h as free functions, one file each; `threads` is the size of the team.
namespace reprise::cpu {

void patchwork(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
               PatchworkParams params, int threads, float* out);
void augment(ChromaView chroma, const Take* takes, std::int64_t count, const AugmentParams& params,
             int threads, float* out, Excerpt* out_excerpts);

// Event frames of a song from which on it is cut into segments, which threads share: a segment's
// events stay in a core's second cache. Part of the result's bits, so no setting.
constexpr std::int64_t kSegmentFrames = 4096;

std::size_t bigram_reserve(const BigramParams& params, std::int64_t count, std::int64_t frames);
void bigram_forward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                    const float* weights, const BigramParams& params, int threads, float* out,
                    void* reserve, std::int64_t segment_frames = kSegmentFrames);
void bigram_backward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                     const float* weights, const BigramParams& params, const float* out_gradient,
                     const void* reserve, int threads, float* gradient, float* events_gradient,
                     std::int64_t segment_frames = kSegmentFrames);

void interval_forward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                      const float* weights, const BigramParams& params, int threads, float* out);

void event_layer_forward(const float* x, std::int64_t count, const float* weights,
                         const EventLayerParams& params, int threads, float* out,
                         std::int32_t* winners);
void event_layer_backward(const float* x, std::int64_t count, const float* weights,
                          const EventLayerParams& params, const float* out,
                          const std::int32_t* winners, const float* out_gradient, int threads,
                          float* gradient, float* x_gradient);

void loss(const float* z, const std::int32_t* works, std::int64_t rows, int dims,
          const float* scale, const LossParams& params, int threads, Arithmetic arithmetic,
          float* loss, float* z_gradient, float* scale_gradient);
void adam(float* weights, float* moment1, float* moment2, const float* gradient, std::int64_t count,
          const AdamParams& params, const AdamStep& step, float* gradient_norm);
void project(const float* in, std::int64_t rows, int in_dims, const float* weight,
             const float* bias, int out_dims, int threads, float* out);

void ftm2d(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
           const Ftm2dParams& params, int threads, float* out);

void similarities(const float* q, std::int64_t queries, int keys, const float* c,
                  std::int64_t candidates, int dims, const float* bias, int threads, float* out);
std::size_t scan_bytes(std::int64_t count, int dims, ScanPrecision precision);
void prepare_scan(const float* vectors, std::int64_t count, int dims, ScanPrecision precision,
                  int threads, void* scan);
void top_k(const float* q, std::int64_t queries, int keys, const Candidates& candidates, int k,
           int threads, std::int64_t* ids, float* scores, std::int32_t* best_key);

void align(ChromaView query_chroma, const Excerpt* queries, std::int64_t query_count,
           ChromaView candidate_chroma, const Excerpt* candidates, std::int64_t candidate_count,
           const AlignmentPair* pairs, std::int64_t count, const AlignmentParams& params,
           int threads, float* scores);

/// The instruction set that Highway's dispatch chose.
const char* instruction_set();
/// Those compiled in, as a set of Highway's target bits.
std::int64_t instruction_sets();

}  // namespace reprise::cpu
