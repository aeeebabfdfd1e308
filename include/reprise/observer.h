#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace reprise {

/// What long work tells a caller who wants to know: the library itself prints nothing. Functions
/// that are empty are not called; calls come one at a time.
struct Observer {
  /// How much is done of how much in all; `what` names it: "files", "songs compared", ...
  std::function<void(std::int64_t done, std::int64_t of, std::string_view what)> progress;
  /// A line for people on something that did not stop the work, such as a file that was left out.
  std::function<void(const std::string& line)> note;

  void show(std::int64_t done, std::int64_t of, std::string_view what) const {
    if (progress) progress(done, of, what);
  }
  void tell(const std::string& line) const {
    if (note) note(line);
  }
};

}  // namespace reprise
