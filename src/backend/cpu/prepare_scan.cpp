#include <algorithm>
#include <vector>

#include "backend/cpu/parallel.h"
#include "backend/cpu/run.h"
#include "backend/cpu/search_panels.h"

namespace reprise::cpu {

std::size_t scan_bytes(std::int64_t count, int dims, ScanFormat format) {
  if (format == ScanFormat::fp32) return 0;
  return panels_of(count) * PanelLayout{format, dims}.panel_words() * sizeof(std::uint32_t);
}

void run(const ops::PrepareScan& op, const Context& context) {
  if (op.format == ScanFormat::fp32) return;
  const PanelLayout layout{op.format, op.dims};
  std::vector<std::vector<float>> scratch(context.threads);
  parallel_for(panels_of(op.count), context.threads, [&](std::int64_t panel, int member) {
    scratch[member].resize(static_cast<std::size_t>(op.dims + 3) * kPanel);
    const std::int64_t first = panel * kPanel;
    pack_panel(layout, op.vectors + first * op.dims,
               std::min<std::int64_t>(kPanel, op.count - first), scratch[member].data(),
               static_cast<std::uint32_t*>(op.scan) + panel * layout.panel_words());
  });
}

}  // namespace reprise::cpu
