#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace reprise {

/// Halves the sample rate of a stream. A half-band low-pass filter (windowed sinc) whose pass band
/// ends at .19 of the old rate: .38 of the new, and what would fold down into it is 90 dB weaker.
class HalfBand {
 public:
  static constexpr int kPairs = 12;

  HalfBand();
  /// Appends what follows from `in` to `out`; `last`: nothing comes after. Sample n of the result
  /// lies where sample 2n was; a stream of N samples gives (N + 1) / 2.
  void push(std::span<const float> in, bool last, std::vector<float>& out);

 private:
  float weights_[kPairs];    // of the samples 1, 3, 5, ... away; the sample itself has 1/2
  std::vector<float> held_;  // begins kPairs * 2 samples before the next result's place
  std::vector<float> even_, odd_;
  std::int64_t taken_ = 0, given_ = 0;
};

}  // namespace reprise
