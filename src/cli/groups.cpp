#include "reprise/groups.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "reprise/error.h"
#include "reprise/files.h"

namespace reprise::cli {
namespace {

struct GroupsCommand {
  std::string catalogue, out, html;
  GroupOptions options;
  bool no_alignment = false;
  DeviceOptions device;

  void run() {
    if (options.min_score.has_value() == options.min_probability.has_value())
      throw SettingsError("groups: expected one of --confidence and --min-score");
    options.align = !no_alignment;
    const auto from = std::make_shared<const Catalogue>(catalogue);
    const auto backend = device.open();
    ProgressLine line;
    Searcher searcher(*backend, from, {.observer = line.observer()});
    const Groups groups = find_groups(searcher, options, line.observer());
    line.clear();
    if (!html.empty())
      replace_file(html, groups_page(fmt::format("Works in {}", catalogue), groups));
    if (!out.empty()) replace_file(out, groups_csv(groups.songs));
    if (html.empty() && out.empty()) {
      fmt::print("{}", groups_csv(groups.songs));
      return;
    }
    const auto all = groups.all();
    fmt::print("{}: {} songs in {} groups, {} of more than one song\n", catalogue,
               groups.songs.size(), all.size(),
               std::count_if(all.begin(), all.end(), [](auto& group) { return group.size() > 1; }));
  }
};

}  // namespace

void add_groups(CLI::App& app, Action& action) {
  const auto options = std::make_shared<GroupsCommand>();
  CLI::App* command = app.add_subcommand("groups", "Cluster the songs of a catalogue into works");
  command->add_option("catalogue", options->catalogue, "catalogue (one SQLite file)")->required();
  command
      ->add_option("--confidence", options->options.min_probability,
                   "least probability at which two songs that find each other belong to one work")
      ->check(CLI::Range(0.001, 0.999));
  command
      ->add_option("--min-score", options->options.min_score,
                   "least similarity instead, for models that are not calibrated")
      ->check(CLI::Range(-1.0, 1.0));
  command
      ->add_option("--neighbours", options->options.neighbours,
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
