#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "backend/cpu/search_panels.h"

namespace reprise::cpu {

/// Query keys scanned at once: enough that reading the candidates costs little beside the products.
constexpr std::int64_t kRowsAtOnce = 1536;
/// Tasks a thread.
constexpr std::int64_t kTasksEach = 8;

/// Panels of candidates, prepared or packed from float32 on the way.
class CandidatePanels {
 public:
  explicit CandidatePanels(const Candidates& candidates)
      : candidates_(candidates),
        layout_{candidates.format, candidates.dims},
        scratch_(static_cast<std::size_t>(candidates.dims + 3) * kPanel) {
    if (candidates.format == ScanFormat::fp32) own_.resize(layout_.panel_words());
  }

  const std::uint32_t* get(std::int64_t panel) {
    if (own_.empty())
      return static_cast<const std::uint32_t*>(candidates_.scan) + panel * layout_.panel_words();
    const std::int64_t first = panel * kPanel;
    pack_panel(layout_, candidates_.vectors + first * candidates_.dims,
               std::min<std::int64_t>(kPanel, candidates_.count - first), scratch_.data(),
               own_.data());
    return own_.data();
  }
  float* scratch() { return scratch_.data(); }
  const PanelLayout& layout() const { return layout_; }

 private:
  const Candidates& candidates_;
  PanelLayout layout_;
  std::vector<float> scratch_;
  std::vector<std::uint32_t> own_;
};

}  // namespace reprise::cpu
