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

 protected:
  using ForwardingBackend::perform;
  void perform(const ops::BigramForward& op) override {
    bigram_calls.push_back(op.params);
    ForwardingBackend::perform(op);
  }
};

}  // namespace reprise
