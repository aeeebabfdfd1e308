// Which lane of a warp holds which element of a matrix fragment. A device leaves this unspecified,
// so the mapping is deliberately odd: code that relies on a guess fails.
#pragma once

namespace reprise::emulation {

/// Row-major index of the element that `lane` keeps at `slot`; one to one within each 32 elements.
constexpr int fragment_element(int lane, int slot) {
  return 32 * slot + ((13 * (lane - 11 * slot - 3)) & 31);
}

}  // namespace reprise::emulation
