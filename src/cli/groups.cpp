#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "cli/commands.h"
#include "core/files.h"
#include "reprise/catalogue.h"
#include "reprise/error.h"
#include "reprise/groups.h"
#include "reprise/index.h"
#include "reprise/model.h"

namespace reprise::cli {
namespace {

/// The first matches of every song of a catalogue among the others.
std::vector<std::vector<Match>> neighbours(const Catalogue& catalogue,
                                           const std::vector<CatalogueSong>& songs,
                                           Backend& backend, int count) {
  constexpr std::size_t kQueriesAtOnce = 1024;
  ModelMethod method(backend, catalogue.model(), catalogue.identity().name);
  const Index index(backend, catalogue.fingerprints(songs));
  ProgressLine line;
  std::vector<std::vector<Match>> matches;
  for (std::size_t first = 0; first < songs.size(); first += kQueriesAtOnce) {
    line.show(static_cast<double>(first) / static_cast<double>(songs.size()),
              fmt::format("{} of {} songs compared", first, songs.size()));
    const auto part =
        std::span(songs).subspan(first, std::min(kQueriesAtOnce, songs.size() - first));
    std::vector<std::int64_t> all(part.size());
    std::iota(all.begin(), all.end(), 0);
    const SongSet set = catalogue.song_set(part);
    // One more than asked for: a song finds itself.
    for (auto& found : index.search(method.compute(set, all, Keys::query), count + 1))
      matches.push_back(std::move(found));
  }
  return matches;
}

std::string csv_field(const std::string& text) {
  std::string field = "\"";
  for (const char c : text) field += c == '"' ? std::string("\"\"") : std::string(1, c);
  return field + "\"";
}

struct Groups {
  std::string catalogue, out;
  double min_score = 0;
  int neighbours_each = 20;
  DeviceOptions device;

  void run() const {
    const Catalogue from(catalogue);
    const std::vector<CatalogueSong> songs = from.songs();
    const auto backend = device.open();
    const auto groups = group_by_mutual_matches(neighbours(from, songs, *backend, neighbours_each),
                                                static_cast<float>(min_score));
    const std::string csv = csv_of(songs, groups);
    if (out.empty()) {
      fmt::print("{}", csv);
      return;
    }
    replace_file(out, csv);
    std::map<std::int64_t, int> sizes;
    for (const std::int64_t group : groups) ++sizes[group];
    const auto shared =
        std::count_if(sizes.begin(), sizes.end(), [](const auto& size) { return size.second > 1; });
    fmt::print("{}: {} songs in {} groups, {} of more than one song\n", out, songs.size(),
               sizes.size(), shared);
  }

  static std::string csv_of(const std::vector<CatalogueSong>& songs,
                            const std::vector<std::int64_t>& groups) {
    std::vector<std::int64_t> order(songs.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::int64_t a, std::int64_t b) { return groups[a] < groups[b]; });
    std::string csv = "group,song_id,work_id,title,artist\n";
    for (const std::int64_t i : order)
      csv += fmt::format("{},{},{},{},{}\n", groups[i] + 1, csv_field(songs[i].song_id),
                         csv_field(songs[i].work_id), csv_field(songs[i].title),
                         csv_field(songs[i].artist));
    return csv;
  }
};

}  // namespace

void add_groups(CLI::App& app, Action& action) {
  const auto options = std::make_shared<Groups>();
  CLI::App* command =
      app.add_subcommand("groups", "Sort the songs of a catalogue into works by likeness");
  command->add_option("catalogue", options->catalogue, "catalogue (one SQLite file)")->required();
  command
      ->add_option("--min-score", options->min_score,
                   "similarity from which two songs that find each other are one work")
      ->check(CLI::Range(-1.0, 1.0))
      ->required();
  command
      ->add_option("--neighbours", options->neighbours_each,
                   "how many of its best matches a song may be joined with")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_option("--out", options->out, "CSV file to write; else it is printed");
  options->device.add_to(*command);
  command->footer("Example:\n  reprise groups songs.reprise --min-score 0.7 --out works.csv\n");
  command->callback([options, &action] { action = [options] { options->run(); }; });
}

}  // namespace reprise::cli
