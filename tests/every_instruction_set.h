#pragma once

#include <hwy/targets.h>

#include <cstdint>

#include "backend/cpu/run.h"

namespace reprise {

/// Calls check(name) with each instruction set that this build and this machine have as the one
/// that the CPU's ops are dispatched to.
template <class Check>
void with_every_instruction_set(Check&& check) {
  const std::int64_t all = hwy::SupportedTargets();
  for (std::int64_t left = all & cpu::instruction_sets(); left != 0; left &= left - 1) {
    const std::int64_t target = left & -left;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
    check(hwy::TargetName(target));
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(all);
}

}  // namespace reprise
