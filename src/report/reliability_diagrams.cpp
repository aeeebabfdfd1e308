#include <fmt/format.h>

#include "core/svg.h"
#include "report/page.h"

namespace reprise {
namespace {

constexpr std::size_t kLines = 4;  // as many as there are colours

std::string reliability_table(const Reliability& c) {
  const std::vector<std::string> header{"probability said", "pairs", "mean", "share of versions"};
  std::vector<std::vector<std::string>> rows;
  for (const Reliability::Bin& bin : c.bins)
    if (bin.pairs > 0)
      rows.push_back({fmt::format("{:.1f} to {:.1f}", bin.low, bin.high),
                      fmt::format("{}", bin.pairs), fmt::format("{:.3f}", bin.expected),
                      fmt::format("{:.3f}", bin.observed)});
  return html_table(header, rows);
}

}  // namespace

std::string reliability_chart(std::span<const Evaluation> evaluations) {
  std::vector<Series> lines{{"calibrated", {{0, 0}, {1, 1}}, {}, false}};
  for (const Evaluation& e : evaluations) {
    if (e.scored_pairs.empty() || lines.size() == kLines) continue;
    Series& line = lines.emplace_back(short_name(e.name), decltype(Series::points){});
    for (const Reliability::Bin& bin : reliability(e.scored_pairs).bins)
      if (bin.pairs > 0) line.points.emplace_back(bin.expected, bin.observed);
  }
  return line_chart("How sure, and how often right", "probability said", "share of versions", "",
                    lines);
}

void Report::add_calibrations(std::span<const Evaluation> evaluations) {
  HtmlPage& html = page_->html;
  html.heading("How sure, and how often right");
  html.figure(reliability_chart(evaluations),
              "Pairs of a query and one of its first answers, in ten bins by the probability said "
              "of them: its mean, and the share that were versions.");
  for (const Evaluation& e : evaluations) {
    if (e.scored_pairs.empty()) continue;
    const Reliability c = reliability(e.scored_pairs);
    html.paragraph(
        fmt::format("{}: {} pairs, expected calibration error {:.4f}, Brier score {:.4f}", e.name,
                    c.pairs, c.expected_error, c.brier));
    html.add(reliability_table(c));
  }
}

}  // namespace reprise
