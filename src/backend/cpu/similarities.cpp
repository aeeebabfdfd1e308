#include <algorithm>
#include <vector>

#include "backend/cpu/candidate_panels.h"
#include "backend/cpu/parallel.h"
#include "backend/cpu/run.h"

namespace reprise::cpu {

void run(const ops::Similarities& op, const Context& context) {
  const int keys = op.keys;
  const std::int64_t at_once = std::max<std::int64_t>(1, kRowsAtOnce / keys);
  const std::int64_t panels = panels_of(op.candidates);
  const std::int64_t tasks = std::min<std::int64_t>(panels, kTasksEach * context.threads);
  const Candidates all{op.c, nullptr, ScanFormat::fp32, op.candidates, op.dims};
  for (std::int64_t first = 0; first < op.queries; first += at_once) {
    const std::int64_t count = std::min(at_once, op.queries - first);
    const PackedQueries packed =
        pack_queries({ScanFormat::fp32, op.dims}, op.q + first * keys * op.dims, count, keys);
    parallel_for(tasks, context.threads, [&](std::int64_t task, int) {
      CandidatePanels from(all);
      std::vector<float> block(packed.rows * kPanel);
      float best[kPanel];
      for (std::int64_t p = panels * task / tasks; p < panels * (task + 1) / tasks; ++p) {
        const std::int64_t begin = p * kPanel;
        const std::int64_t lanes = std::min<std::int64_t>(kPanel, op.candidates - begin);
        score_panel(from.layout(), from.get(p), packed, from.scratch(), block.data());
        for (std::int64_t i = 0; i < count; ++i) {
          pool_keys(block.data() + i * keys * kPanel, keys, best);
          float* to = op.out + (first + i) * op.candidates + begin;
          for (std::int64_t lane = 0; lane < lanes; ++lane)
            to[lane] = op.bias ? best[lane] + op.bias[begin + lane] : best[lane];
        }
      }
    });
  }
}

}  // namespace reprise::cpu
