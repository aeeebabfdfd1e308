#include "failure.h"

#include "device_limits.h"

namespace reprise::emulation {

std::string describe(const Site& site) {
  return std::string(site.file_name()) + ":" + std::to_string(site.line());
}

std::string describe(const Failure& f) {
  const std::string at = ", at " + describe(f.here), other = std::to_string(f.other);
  switch (f.fault) {
    case Fault::none:
      return {};
    case Fault::divergent_barrier:
      return "divergent barrier: this thread is at " + describe(f.here) + " while thread " + other +
             " of the block waits at " + describe(f.there);
    case Fault::divergent_warp:
      return "divergent warp: this lane is at " + describe(f.here) + " while lane " + other +
             " waits at " + describe(f.there) + " with " + (f.same_mask ? "the same" : "another") +
             " mask";
    case Fault::outside_mask:
      return "the lane is not in its own mask" + at;
    case Fault::absent_lane:
      return "the mask names lane " + other + ", which has exited or never was" + at;
    case Fault::foreign_source:
      return "lane " + std::to_string(f.lane) + " reads from lane " + other +
             ", which is not in the mask" + at;
    case Fault::exit:
      return "exits while lane " + other + " waits for it in the warp operation at " +
             describe(f.there);
    case Fault::shared_memory:
      return "the block needs more than " + std::to_string(kSharedBytesOptIn) +
             " bytes of shared memory";
    case Fault::message:
      return f.text + at;
  }
  return {};
}

}  // namespace reprise::emulation
