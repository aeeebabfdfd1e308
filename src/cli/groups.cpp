#include "reprise/groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "cli/commands.h"
#include "cli/groups_page.h"
#include "cli/searcher.h"
#include "core/files.h"
#include "core/logistic.h"
#include "reprise/catalogue.h"
#include "reprise/error.h"

namespace reprise::cli {
namespace {

struct Groups {
  std::string catalogue, out, html;
  std::optional<double> min_score, confidence;
  int neighbours = 20;
  bool no_alignment = false;
  DeviceOptions device;

  void run() const {
    if (min_score.has_value() == confidence.has_value())
      throw UsageError("groups: expected one of --confidence and --min-score");
    const Catalogue from(catalogue);
    const auto backend = device.open();
    Searcher searcher(*backend, from, {}, Precision::exact);
    if (confidence && !searcher.is_sure({0}))
      throw Error(fmt::format("{}: expected a calibrated model, found none: see reprise calibrate",
                              catalogue));
    const bool aligns = confidence && !no_alignment && from.keeps_chroma();
    if (confidence && !no_alignment && !aligns)
      fmt::print(stderr,
                 "{}: keeps no chroma for alignment: grouped by fingerprints alone, with less "
                 "certainty\n",
                 catalogue);
    const auto matches = find(searcher, aligns);
    // Log odds add up where probabilities of nearly 1 do not.
    const auto groups =
        confidence ? group_by_mutual_matches(
                         matches, [](const Match& m) { return m.log_odds; },
                         std::log(*confidence / (1 - *confidence)))
                   : group_by_mutual_matches(
                         matches, [](const Match& m) { return double{m.score}; }, *min_score);
    write(in_order(searcher, matches, groups), aligns);
  }

  /// The first matches of every song among the others.
  std::vector<std::vector<Match>> find(Searcher& searcher, bool aligns) const {
    SearchOptions search;
    search.top = neighbours;
    search.rerank.k = aligns ? neighbours : 0;
    const std::vector<CatalogueSong>& songs = searcher.songs();
    const std::size_t at_once = Searcher::at_once(search);
    ProgressLine line;
    std::vector<std::vector<Match>> matches;
    for (std::size_t first = 0; first < songs.size(); first += at_once) {
      line.show(static_cast<double>(first) / static_cast<double>(songs.size()),
                fmt::format("{} of {} songs compared", first, songs.size()));
      const auto part = std::span(songs).subspan(first, std::min(at_once, songs.size() - first));
      for (auto& found : searcher.find_own(part, search)) matches.push_back(std::move(found));
    }
    line.clear();
    return matches;
  }

  /// The songs group by group, each with the match in its group that is most likely a version.
  static std::vector<GroupedSong> in_order(const Searcher& searcher,
                                           const std::vector<std::vector<Match>>& matches,
                                           const std::vector<std::int64_t>& groups) {
    const std::vector<CatalogueSong>& songs = searcher.songs();
    std::vector<std::int64_t> order = first_numbers(static_cast<std::int64_t>(songs.size()));
    std::stable_sort(order.begin(), order.end(),
                     [&](std::int64_t a, std::int64_t b) { return groups[a] < groups[b]; });
    std::vector<GroupedSong> result;
    for (const std::int64_t i : order) {
      GroupedSong grouped{songs[i], groups[i], "", 0};
      const auto in_group = [&](const Match& m) { return groups[m.candidate] == groups[i]; };
      // Matches come best first.
      const auto closest = std::find_if(matches[i].begin(), matches[i].end(), in_group);
      if (closest != matches[i].end()) {
        grouped.closest = songs[closest->candidate].song_id;
        grouped.probability = searcher.is_sure({0}) ? probability_of(closest->log_odds)
                                                    : std::numeric_limits<double>::quiet_NaN();
      }
      result.push_back(std::move(grouped));
    }
    return result;
  }

  void write(const std::vector<GroupedSong>& songs, bool aligns) const {
    const std::string how = fmt::format(
        "Songs that find each other by {} form one work: {} of at least {}.",
        aligns ? "fingerprint and alignment" : "fingerprint alone",
        confidence ? "probability" : "similarity", confidence ? *confidence : *min_score);
    if (!html.empty())
      replace_file(html, groups_page(fmt::format("Works in {}", catalogue), how, songs));
    if (!out.empty()) replace_file(out, groups_csv(songs));
    if (html.empty() && out.empty()) {
      fmt::print("{}", groups_csv(songs));
      return;
    }
    std::int64_t groups = 0, shared = 0;
    for (std::size_t first = 0, after; first < songs.size(); first = after, ++groups) {
      after = first + 1;
      while (after < songs.size() && songs[after].group == songs[first].group) ++after;
      shared += after - first > 1;
    }
    fmt::print("{}: {} songs in {} groups, {} of more than one song\n", catalogue, songs.size(),
               groups, shared);
  }
};

}  // namespace

void add_groups(CLI::App& app, Action& action) {
  const auto options = std::make_shared<Groups>();
  CLI::App* command = app.add_subcommand("groups", "Cluster the songs of a catalogue into works");
  command->add_option("catalogue", options->catalogue, "catalogue (one SQLite file)")->required();
  command
      ->add_option("--confidence", options->confidence,
                   "least probability at which two songs that find each other belong to one work")
      ->check(CLI::Range(0.001, 0.999));
  command
      ->add_option("--min-score", options->min_score,
                   "least similarity instead, for models that are not calibrated")
      ->check(CLI::Range(-1.0, 1.0));
  command
      ->add_option("--neighbours", options->neighbours,
                   "number of best matches considered per song")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_flag("--no-alignment", options->no_alignment,
                    "use fingerprints alone: faster, less certain");
  command->add_option("--out", options->out, "CSV file to write; default: print");
  command->add_option("--html", options->html, "self-contained HTML page to write");
  options->device.add_to(*command);
  command->footer(
      "Example:\n  reprise groups songs.reprise --confidence 0.9 --out works.csv --html "
      "works.html\n");
  command->callback([options, &action] { action = [options] { options->run(); }; });
}

}  // namespace reprise::cli
