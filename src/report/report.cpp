#include "reprise/report.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "core/files.h"
#include "core/svg.h"
#include "report/page.h"
#include "reprise/error.h"

namespace reprise {

Report::Report(const std::string& title, const std::string& lead)
    : page_(new Page{HtmlPage(title, lead)}) {}

Report::~Report() = default;

void Report::add_training(std::span<const LoggedStep> log) {
  Series loss{"loss", {}, {}, false}, map{"validation MAP", {}, {}, true};
  for (const LoggedStep& step : log) {
    loss.points.emplace_back(step.step, step.loss);
    if (step.validation_map >= 0) map.points.emplace_back(step.step, step.validation_map);
  }
  page_->html.heading("Training");
  const std::vector<Series> both{std::move(loss), std::move(map)};
  page_->html.figure(line_chart("Loss and validation MAP", "step", "loss", "validation MAP", both),
                     "Loss of the batch of each logged step, and MAP on the validation split.");
}

void Report::add_distances(std::span<const DistancePoint> points) {
  std::vector<Series> losses(2), distances(3);
  losses[0].name = "train";
  losses[1].name = "test";
  distances[0].name = "covers";
  distances[1].name = "non-covers";
  distances[2].name = "Bhattacharyya";
  distances[2].right_axis = true;
  for (const DistancePoint& p : points) {
    const auto step = static_cast<double>(p.step);
    losses[0].points.emplace_back(step, p.train_loss);
    losses[1].points.emplace_back(step, p.test_loss);
    distances[0].points.emplace_back(step, p.covers);
    distances[1].points.emplace_back(step, p.others);
    distances[2].points.emplace_back(step, p.bhattacharyya);
  }
  page_->html.heading("Training");
  page_->html.figure(line_chart("Contrastive loss", "step", "loss", "", losses),
                     "Loss of each batch trained on, and of the test pairs.");
  page_->html.figure(
      line_chart("Distances of the test pairs", "step", "mean Euclidean distance",
                 "Bhattacharyya distance", distances),
      "Mean distance of cover and of non-cover pairs, and how far apart the two distributions of "
      "distances are.");
}

void Report::write(const std::string& folder) const {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed)
    throw MachineError(fmt::format("{}: cannot make this folder: {}", folder, failed.message()));
  replace_file((std::filesystem::path(folder) / "index.html").string(), page_->html.finish());
}

}  // namespace reprise
