#include "train/training_log.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "core/files.h"
#include "core/svg.h"

namespace reprise {
namespace {

std::string csv_of(std::span<const LoggedStep> log) {
  std::string csv = "step,loss,gradient_norm,rate,validation_map\n";
  for (const LoggedStep& s : log)
    csv += fmt::format("{},{:.6g},{:.6g},{:.6g},{}\n", s.step, s.loss, s.gradient_norm,
                       s.learning_rate,
                       s.validation_map < 0 ? "" : fmt::format("{:.4f}", s.validation_map));
  return csv;
}

std::string curves_of(std::span<const LoggedStep> log) {
  Series loss{"loss", {}, {}, false}, map{"validation MAP", {}, {}, true};
  for (const LoggedStep& s : log) {
    const auto step = static_cast<double>(s.step);
    loss.points.emplace_back(step, s.loss);
    if (s.validation_map >= 0) map.points.emplace_back(step, s.validation_map);
  }
  const std::vector<Series> both{std::move(loss), std::move(map)};
  return line_chart("Training", "step", "loss", "validation MAP", both);
}

}  // namespace

void write_log(const TrainingFiles& files, std::span<const LoggedStep> log) {
  if (!files.log.empty()) replace_file(files.log, csv_of(log));
  if (!files.curve.empty()) replace_file(files.curve, curves_of(log));
}

}  // namespace reprise
