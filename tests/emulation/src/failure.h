// What a thread of a kernel did wrong. Plain data, because a failing thread never returns: it could
// not free a string, and the thread sanitizer would take one for data that threads share.
#pragma once

#include <string>

#include "emulation/hooks.h"

namespace reprise::emulation {

enum class Fault {
  none,
  divergent_barrier,  // `other` is the thread that waits at `there`
  divergent_warp,     // `other` is the lane that waits at `there`
  outside_mask,
  absent_lane,     // `other` is the lane that the mask names
  foreign_source,  // lane `lane` of a shuffle reads from lane `other`
  exit,            // while lane `other` waits at `there`
  shared_memory,
  message,  // `text`
};

struct Failure {
  Fault fault = Fault::none;
  Site here{};
  Site there{};
  int other = 0;
  int lane = 0;
  bool same_mask = true;
  const char* text = "";
};

std::string describe(const Site& site);
std::string describe(const Failure& failure);

}  // namespace reprise::emulation
