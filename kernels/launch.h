// What host code may ask of the kernels. Every pointer is to device memory, every call only queues
// work on the stream, and results are bit-equal between runs.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include <reprise/params.h>

namespace reprise::kernels {

/// Arithmetic of the products over time; sums are always in fp32.
enum class Arithmetic : std::uint8_t {
  fp32,  ///< no tensor cores
  tf32,
  bf16,  ///< forward only: its backward is tf32
};

/// The songs of one call.
struct BigramBatch {
  ChromaView chroma;
  const Excerpt* excerpts = nullptr;  ///< [count]
  std::int64_t count = 0;
  std::int64_t longest = 0;        ///< frames of the longest excerpt, or more
  const float* weights = nullptr;  ///< as BigramParams lays them out
};

/// Bytes that the forward keeps for the backward: the correlation matrices and the events' means.
std::size_t bigram_reserve_bytes(const BigramParams& params, std::int64_t count);

/// Bytes of scratch memory that a forward or a backward needs.
std::size_t bigram_forward_scratch_bytes(const BigramParams& params, std::int64_t count,
                                         std::int64_t longest);
std::size_t bigram_backward_scratch_bytes(const BigramParams& params, std::int64_t count,
                                          std::int64_t longest);

/// out [count, dims]. reserve: bigram_reserve_bytes; scratch: bigram_forward_scratch_bytes.
void bigram_forward(const BigramBatch& batch, const BigramParams& params, Arithmetic arithmetic,
                    void* reserve, void* scratch, float* out, cudaStream_t stream);

/// gradient [weights] = sum over the songs of d(loss)/d(weights), for out_gradient [count, dims].
/// reserve: what the forward of the same arguments left.
void bigram_backward(const BigramBatch& batch, const BigramParams& params, Arithmetic arithmetic,
                     const float* out_gradient, const void* reserve, void* scratch, float* gradient,
                     cudaStream_t stream);

}  // namespace reprise::kernels
