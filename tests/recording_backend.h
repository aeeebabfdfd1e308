#pragma once

#include <vector>

#include "forwarding_backend.h"

namespace reprise {

/// Keeps the parameters that the bigrams were asked for, and pretends about its memory.
class RecordingBackend final : public ForwardingBackend {
 public:
  RecordingBackend() : ForwardingBackend(1) {}

  std::vector<BigramParams> bigram_calls;
  std::size_t memory = std::size_t{1} << 40;  ///< that it says to have free

  std::size_t free_memory() const override { return memory; }
  void bigram_forward(ChromaView chroma, const Excerpt* excerpts, std::int64_t count,
                      std::int64_t longest, const float* weights, const BigramParams& params,
                      float* out, void* reserve) override {
    bigram_calls.push_back(params);
    ForwardingBackend::bigram_forward(chroma, excerpts, count, longest, weights, params, out,
                                      reserve);
  }
};

}  // namespace reprise
