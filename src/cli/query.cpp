#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cli/commands.h"
#include "core/logistic.h"
#include "reprise/error.h"
#include "reprise/index.h"
#include "reprise/model.h"
#include "reprise/rerank.h"

namespace reprise::cli {
namespace {

const std::string& name_of(const std::vector<std::string>& names, std::int64_t song) {
  static const std::string none;
  return names.empty() ? none : names[song];
}

struct Query {
  std::string catalogue, data, model;
  std::vector<std::string> ids;
  int top = 10;
  int rerank = 0;
  bool json = false;
  DeviceOptions device;

  void run() const {
    if (data.empty() == ids.empty())
      throw UsageError("query: expected one of --data and --id");
    const SongSet set = read_song_set(catalogue);
    SongSet other;
    if (!data.empty()) other = read_song_set(data);
    const SongSet& asked = data.empty() ? set : other;

    std::vector<std::int64_t> songs;
    for (const std::string& id : ids) {
      songs.push_back(set.find(id));
      if (songs.back() < 0) throw Error(fmt::format("{}: has no song '{}'", catalogue, id));
    }
    if (ids.empty()) {
      songs.resize(asked.songs());
      std::iota(songs.begin(), songs.end(), 0);
    }
    std::vector<std::int64_t> all(set.songs());
    std::iota(all.begin(), all.end(), 0);

    const auto backend = device.open();
    const Model trained = read_model(model);
    const Confidence confidence =
        rerank > 0 ? confidence_of(trained, model) : Confidence{{}, trained.probability_weights};
    ModelMethod method(*backend, trained, model);
    const Index index(*backend, method.compute(set, all, Keys::candidate));
    // One more than asked for: a song is no answer to itself.
    auto found =
        index.search(method.compute(asked, songs, Keys::query), std::max(top, rerank) + 1);
    for (std::size_t q = 0; q < songs.size(); ++q) {
      std::erase_if(found[q], [&](const Match& m) {
        return set.song_id[m.candidate] == asked.song_id[songs[q]];
      });
      if (!confidence.cosine.empty())
        for (Match& m : found[q]) m.log_odds = confidence.of_cosine(double{m.score});
    }
    if (rerank > 0) reprise::rerank(*backend, asked, songs, set, all, confidence, rerank, found);
    for (std::vector<Match>& matches : found)
      if (matches.size() > static_cast<std::size_t>(top)) matches.resize(top);
    const bool sure = rerank > 0 || !confidence.cosine.empty();
    json ? print_json(set, asked, songs, found, sure) : print_text(set, asked, songs, found, sure);
  }

  static void print_json(const SongSet& set, const SongSet& asked,
                         const std::vector<std::int64_t>& songs,
                         const std::vector<std::vector<Match>>& found, bool sure) {
    nlohmann::ordered_json out;
    out["queries"] = nlohmann::ordered_json::array();
    for (std::size_t q = 0; q < songs.size(); ++q) {
      nlohmann::ordered_json matches = nlohmann::ordered_json::array();
      for (const Match& m : found[q])
        matches.push_back({{"song_id", set.song_id[m.candidate]},
                           {"work_id", set.work_id[m.candidate]},
                           {"title", name_of(set.title, m.candidate)},
                           {"score", m.score},
                           {"probability", sure ? nlohmann::ordered_json(probability_of(m.log_odds)) : nullptr},
                           {"transposition", m.transposition}});
      out["queries"].push_back(
          {{"query", asked.song_id[songs[q]]}, {"matches", std::move(matches)}});
    }
    fmt::print("{}\n", out.dump(1, ' ', false, nlohmann::json::error_handler_t::replace));
  }

  static void print_text(const SongSet& set, const SongSet& asked,
                         const std::vector<std::int64_t>& songs,
                         const std::vector<std::vector<Match>>& found, bool sure) {
    for (std::size_t q = 0; q < songs.size(); ++q) {
      const std::int64_t song = songs[q];
      fmt::print("{}{}  {}  {}\n", q > 0 ? "\n" : "", asked.song_id[song],
                 name_of(asked.title, song), name_of(asked.artist, song));
      int rank = 0;
      for (const Match& m : found[q])
        fmt::print("{:>4}  {}  {:.3f}  {:>3}  {} {:<28}  {}  ({})\n", ++rank,
                   sure ? fmt::format("{:5.1f} %", 100 * probability_of(m.log_odds)) : "      -", m.score,
                   m.transposition > 6 ? fmt::format("-{}", 12 - m.transposition)
                                       : fmt::format("+{}", m.transposition),
                   set.work_id[m.candidate] == asked.work_id[song] ? "*" : " ",
                   name_of(set.title, m.candidate), name_of(set.artist, m.candidate),
                   set.song_id[m.candidate]);
    }
    fmt::print(
        "\ncolumns: rank, probability of a version, similarity, semitones the query must move to "
        "match; * same work\n");
  }
};

}  // namespace

void add_query(CLI::App& app, Action& action) {
  const auto options = std::make_shared<Query>();
  CLI::App* command = app.add_subcommand("query", "Rank the songs of a set by likeness to a song");
  command->add_option("catalogue", options->catalogue, "song set to search (HDF5)")->required();
  command->add_option("--model", options->model, "trained model (safetensors)")->required();
  command->add_option("--data", options->data, "song set whose songs are the queries");
  command->add_option("--id", options->ids, "song of the catalogue to look up; repeatable");
  command->add_option("--top", options->top, "answers a query")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command->add_option("--rerank", options->rerank,
                      "align this many first answers and order them by both scores")
      ->check(CLI::Range(1, 1000000));
  command->add_flag("--json", options->json, "print JSON");
  options->device.add_to(*command);
  command->footer(
      "Example:\n  reprise query data/tunes.h5 --model model.safetensors --id oneill-0714 --top "
      "5\n");
  command->callback([options, &action] { action = [options] { options->run(); }; });
}

}  // namespace reprise::cli
