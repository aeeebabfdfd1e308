#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace reprise {

/// Receives the progress and the notes of long work; the library itself prints nothing. Either
/// function may be empty. Calls never overlap.
struct Observer {
  /// `what` names the unit: "files", "songs compared", ...
  std::function<void(std::int64_t done, std::int64_t of, std::string_view what)> progress;
  /// A line about something that did not stop the work, such as a skipped file.
  std::function<void(const std::string& line)> note;

  void show(std::int64_t done, std::int64_t of, std::string_view what) const {
    if (progress) progress(done, of, what);
  }
  void tell(const std::string& line) const {
    if (note) note(line);
  }
};

}  // namespace reprise
