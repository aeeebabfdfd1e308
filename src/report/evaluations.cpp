#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/svg.h"
#include "report/page.h"

namespace reprise {
namespace {

constexpr std::size_t kCurves = 4;  // as many as there are colours
constexpr std::size_t kConfusions = 12;

std::string methods_table(std::span<const Evaluation> evaluations, std::size_t songs) {
  const std::vector<std::string> header{"fingerprint", "MAP", "95 % interval", "P@1",      "P@10",
                                        "R@5",         "MR1", "values",        "ms a song"};
  std::vector<std::vector<std::string>> rows;
  for (const Evaluation& e : evaluations)
    rows.push_back(
        {e.name, fmt::format("{:.3f}", e.accuracy.map),
         fmt::format("{:.3f} to {:.3f}", e.map_interval.low, e.map_interval.high),
         fmt::format("{:.3f}", e.accuracy.p1), fmt::format("{:.3f}", e.accuracy.p10),
         fmt::format("{:.3f}", e.accuracy.r5), fmt::format("{:.1f}", e.accuracy.mr1),
         fmt::format("{}", e.dims),
         fmt::format("{:.2f}", 1000 * e.fingerprint_seconds / static_cast<double>(songs))});
  return html_table(header, rows);
}

// Precision at 20 levels of recall, the best at that recall or above, mean over queries.
Series precision_recall(const Evaluation& e) {
  constexpr int kLevels = 20;
  Series series{short_name(e.name), {}, {}, false};
  for (int level = 1; level <= kLevels; ++level) {
    double sum = 0;
    for (const std::vector<std::int64_t>& ranks : e.ranks) {
      double best = 0;
      for (std::size_t k = 0; k < ranks.size(); ++k)
        if (static_cast<double>(k + 1) * kLevels >= static_cast<double>(level * ranks.size()))
          best = std::max(best, static_cast<double>(k + 1) / static_cast<double>(ranks[k]));
      sum += best;
    }
    series.points.emplace_back(static_cast<double>(level) / kLevels,
                               sum / static_cast<double>(e.ranks.size()));
  }
  return series;
}

// Title or work of a song, for people.
std::string work_name(const SongSet& set, std::int64_t song) {
  const std::string& work = set.work_id[song];
  return set.title.empty() || set.title[song].empty()
             ? work
             : fmt::format("{} ({})", set.title[song], work);
}

std::string confusions_table(const SongSet& set, const Protocol& protocol, const Evaluation& e) {
  struct Confusion {
    std::int64_t times = 0, query = 0, answer = 0;
  };
  std::map<std::pair<std::string_view, std::string_view>, Confusion> by_works;
  for (std::size_t i = 0; i < protocol.queries.size(); ++i) {
    const std::int64_t query = protocol.candidates[protocol.queries[i]];
    const std::int64_t answer = protocol.candidates[e.first_answers[i]];
    if (set.work_id[query] == set.work_id[answer]) continue;
    Confusion& c = by_works[{set.work_id[query], set.work_id[answer]}];
    c = {c.times + 1, query, answer};
  }
  std::vector<Confusion> all;
  for (const auto& [works, confusion] : by_works) all.push_back(confusion);
  std::stable_sort(all.begin(), all.end(),
                   [](const Confusion& a, const Confusion& b) { return a.times > b.times; });
  all.resize(std::min(all.size(), kConfusions));
  std::vector<std::vector<std::string>> rows;
  for (const Confusion& c : all)
    rows.push_back({work_name(set, c.query), work_name(set, c.answer), fmt::format("{}", c.times)});
  const std::vector<std::string> header{"a song of", "was taken for", "times"};
  return html_table(header, rows);
}

// Of covers and of non-covers.
std::vector<Series> distances(const Evaluation& evaluation) {
  std::vector<Series> series(2);
  series[0].name = "covers";
  series[1].name = "non-covers";
  for (const float score : evaluation.version_scores) series[0].values.push_back(1 - double{score});
  for (const float score : evaluation.other_scores) series[1].values.push_back(1 - double{score});
  return series;
}

}  // namespace

std::string distances_chart(const Evaluation& evaluation) {
  return histogram("Distances of covers and non-covers", "cosine distance", distances(evaluation));
}

std::string short_name(std::string name) {
  constexpr std::string_view kExtension = ".safetensors";
  const std::size_t end = name.find(kExtension);
  if (end == std::string::npos) return name;
  name.erase(end, kExtension.size());
  const std::size_t slash = name.rfind('/', end);
  return slash == std::string::npos ? name : name.substr(slash + 1);
}

void Report::add_evaluations(const SongSet& set, const Protocol& protocol,
                             std::span<const Evaluation> evaluations) {
  HtmlPage& html = page_->html;
  html.heading("How well covers are found");
  html.paragraph(fmt::format(
      "{} split: each of {} songs looks for its other versions among {} candidates, itself left "
      "out.",
      protocol.split, protocol.queries.size(), protocol.candidates.size()));
  html.add(methods_table(evaluations, protocol.queries.size() + protocol.candidates.size()));
  std::vector<Estimate> estimates;
  std::vector<Series> curves;
  for (const Evaluation& e : evaluations) {
    estimates.push_back({e.name, e.accuracy.map, e.map_interval.low, e.map_interval.high});
    if (curves.size() < kCurves) curves.push_back(precision_recall(e));
  }
  html.figure(interval_chart("Mean average precision", "MAP", estimates),
              "Lines: 95 % intervals, by resampling works.");
  html.figure(line_chart("Precision and recall", "recall", "precision", "", curves),
              evaluations.size() > kCurves
                  ? fmt::format("The first {} fingerprints.", kCurves)
                  : "Precision at a recall, mean over the songs that look.");

  const Evaluation& first = evaluations.front();
  if (!first.version_scores.empty()) {
    html.heading("Distances");
    const std::vector<Series> series = distances(first);
    html.figure(
        histogram("Distances of pairs", "1 - similarity", series),
        fmt::format("Of {}: all cover pairs, and 16 non-covers of each query.", first.name));
    html.figure(box_plot("The same as boxes", "1 - similarity", series),
                "Median, quartiles, and whiskers from the 5th to the 95th percentile.");
  }
  html.heading("Most confused works");
  html.paragraph(fmt::format("What {} put first where it was not a version.", first.name));
  html.add(confusions_table(set, protocol, first));
}

}  // namespace reprise
