#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/svg.h"
#include "reprise/report.h"

namespace reprise {

std::string chroma_picture(const SongSet& set, std::int64_t song) {
  constexpr std::int64_t kAcross = 250;
  const std::vector<std::string> names{"B", "A#", "A",  "G#", "G",  "F#",
                                       "F", "E",  "D#", "D",  "C#", "C"};
  const ChromaView chroma = set.chroma_of(song);
  std::vector<Panel> panels;
  for (std::int64_t first = 0; first < chroma.frames; first += kAcross) {
    Panel panel;
    const std::int64_t end = std::min(first + kAcross, chroma.frames);
    panel.name =
        set.frames_per_second > 0
            ? fmt::format("from {:.1f} s", static_cast<double>(first) / set.frames_per_second)
            : fmt::format("from frame {}", first);
    if (!set.band_names.empty()) panel.name += ", " + set.band_names.front();
    panel.rows = kPitchClasses;
    panel.columns = static_cast<int>(end - first);
    panel.row_names = names;
    panel.cell_width = 4;
    for (int row = 0; row < kPitchClasses; ++row)
      for (std::int64_t t = first; t < end; ++t)
        panel.values.push_back(double{chroma.at(t, kPitchClasses - 1 - row)});
    panels.push_back(std::move(panel));
  }
  const std::string& id = set.song_id[song];
  const std::string title = set.title.empty() ? id : fmt::format("{} ({})", set.title[song], id);
  return cell_panels(title, panels, 1);
}

}  // namespace reprise
