#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cli/commands.h"
#include "reprise/catalogue.h"
#include "reprise/error.h"
#include "reprise/index.h"
#include "reprise/model.h"

namespace reprise::cli {
namespace {

std::vector<std::int64_t> first_numbers(std::int64_t count) {
  std::vector<std::int64_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

std::vector<CatalogueSong> songs_of(const SongSet& set) {
  std::vector<CatalogueSong> songs;
  for (std::int64_t i = 0; i < set.songs(); ++i)
    songs.push_back({i, set.song_id[i], set.work_id[i], set.title.empty() ? "" : set.title[i],
                     set.artist.empty() ? "" : set.artist[i], set.frames(i), 0});
  return songs;
}

/// Songs to find, with their fingerprints.
struct Candidates {
  std::vector<CatalogueSong> songs;
  Fingerprints fingerprints;
};

struct Answers {
  std::vector<CatalogueSong> queries;
  std::vector<CatalogueSong> songs;         ///< that were searched
  std::vector<std::vector<Match>> matches;  ///< of each query: places in `songs`
};

struct Query {
  std::string catalogue, data, model;
  std::vector<std::string> ids;
  int top = 10;
  double min_score = -2;  ///< below every cosine
  bool compact = false, json = false, tsv = false;
  DeviceOptions device;

  void run() const {
    if (data.empty() == ids.empty()) throw UsageError("query: expected one of --data and --id");
    if (json && tsv) throw UsageError("query: expected one of --json and --tsv");
    const Answers answers = looks_like_catalogue(catalogue) ? ask_catalogue() : ask_song_set();
    if (json)
      print_json(answers);
    else if (tsv)
      print_tsv(answers);
    else
      print_text(answers);
  }

  Answers ask_catalogue() const {
    const Catalogue from(catalogue);
    if (!model.empty()) from.check_model(ModelIdentity::of(read_model(model), model));
    SongSet asked;
    if (ids.empty()) {
      asked = read_song_set(data);
    } else {
      std::vector<CatalogueSong> songs;
      for (const std::string& id : ids) songs.push_back(from.song(id));
      asked = from.song_set(songs);
    }
    const auto backend = device.open();
    ModelMethod method(*backend, from.model(), from.identity().name);
    Candidates candidates{from.songs(), {}};
    candidates.fingerprints =
        from.fingerprints(candidates.songs, compact ? Precision::compact : Precision::exact);
    return search(*backend, method, asked, first_numbers(asked.songs()), std::move(candidates));
  }

  Answers ask_song_set() const {
    if (model.empty()) throw UsageError("query: a song set is searched with --model");
    if (compact) throw UsageError("query: --compact is for catalogues");
    const SongSet set = read_song_set(catalogue);
    SongSet other;
    if (!data.empty()) other = read_song_set(data);
    const SongSet& asked = data.empty() ? set : other;
    std::vector<std::int64_t> songs;
    for (const std::string& id : ids) {
      songs.push_back(set.find(id));
      if (songs.back() < 0) throw Error(fmt::format("{}: has no song '{}'", catalogue, id));
    }
    if (ids.empty()) songs = first_numbers(asked.songs());
    const auto backend = device.open();
    ModelMethod method(*backend, read_model(model), model);
    return search(
        *backend, method, asked, songs,
        {songs_of(set), method.compute(set, first_numbers(set.songs()), Keys::candidate)});
  }

  Answers search(Backend& backend, FingerprintMethod& method, const SongSet& asked,
                 const std::vector<std::int64_t>& numbers, Candidates candidates) const {
    Answers answers;
    const std::vector<CatalogueSong> all = songs_of(asked);
    for (const std::int64_t number : numbers) answers.queries.push_back(all[number]);
    answers.songs = std::move(candidates.songs);
    const Index index(backend, std::move(candidates.fingerprints));
    // One more than asked for: a song is no answer to itself.
    answers.matches = index.search(method.compute(asked, numbers, Keys::query), top + 1);
    for (std::size_t q = 0; q < numbers.size(); ++q) {
      auto& matches = answers.matches[q];
      std::erase_if(matches, [&](const Match& m) {
        return m.score < min_score ||
               answers.songs[m.candidate].song_id == answers.queries[q].song_id;
      });
      if (matches.size() > static_cast<std::size_t>(top)) matches.resize(top);
    }
    return answers;
  }

  static void print_json(const Answers& answers) {
    nlohmann::ordered_json out;
    out["queries"] = nlohmann::ordered_json::array();
    for (std::size_t q = 0; q < answers.queries.size(); ++q) {
      nlohmann::ordered_json matches = nlohmann::ordered_json::array();
      for (const Match& m : answers.matches[q]) {
        const CatalogueSong& song = answers.songs[m.candidate];
        matches.push_back({{"song_id", song.song_id},
                           {"work_id", song.work_id},
                           {"title", song.title},
                           {"score", m.score},
                           {"transposition", m.transposition}});
      }
      out["queries"].push_back(
          {{"query", answers.queries[q].song_id}, {"matches", std::move(matches)}});
    }
    fmt::print("{}\n", out.dump(1, ' ', false, nlohmann::json::error_handler_t::replace));
  }

  static void print_tsv(const Answers& answers) {
    fmt::print("query\trank\tsong_id\twork_id\ttitle\tartist\tscore\ttransposition\n");
    for (std::size_t q = 0; q < answers.queries.size(); ++q)
      for (std::size_t i = 0; i < answers.matches[q].size(); ++i) {
        const Match& m = answers.matches[q][i];
        const CatalogueSong& song = answers.songs[m.candidate];
        fmt::print("{}\t{}\t{}\t{}\t{}\t{}\t{:.6f}\t{}\n", tsv_field(answers.queries[q].song_id),
                   i + 1, tsv_field(song.song_id), tsv_field(song.work_id), tsv_field(song.title),
                   tsv_field(song.artist), m.score, m.transposition);
      }
  }

  static void print_text(const Answers& answers) {
    for (std::size_t q = 0; q < answers.queries.size(); ++q) {
      const CatalogueSong& query = answers.queries[q];
      fmt::print("{}{}  {}  {}\n", q > 0 ? "\n" : "", query.song_id, query.title, query.artist);
      int rank = 0;
      for (const Match& m : answers.matches[q]) {
        const CatalogueSong& song = answers.songs[m.candidate];
        fmt::print("{:>4}  {:.3f}  {:>3}  {} {:<28}  {}  ({})\n", ++rank, m.score,
                   m.transposition > 6 ? fmt::format("-{}", 12 - m.transposition)
                                       : fmt::format("+{}", m.transposition),
                   song.work_id == query.work_id ? "*" : " ", song.title, song.artist,
                   song.song_id);
      }
    }
    fmt::print(
        "\ncolumns: rank, similarity, semitones the query must move to match; * same work\n");
  }
};

}  // namespace

void add_query(CLI::App& app, Action& action) {
  const auto options = std::make_shared<Query>();
  CLI::App* command =
      app.add_subcommand("query", "Rank the songs of a catalogue or set by likeness to songs");
  command->add_option("catalogue", options->catalogue, "catalogue, or song set (HDF5), to search")
      ->required();
  command->add_option("--model", options->model,
                      "trained model (safetensors); a catalogue has its own");
  command->add_option("--data", options->data, "song set whose songs are the queries");
  command->add_option("--id", options->ids, "song of the catalogue to look up; repeatable");
  command->add_option("--top", options->top, "answers a query")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command->add_option("--min-score", options->min_score, "leave out answers of a lower similarity")
      ->check(CLI::Range(-1.0, 1.0));
  command->add_flag("--compact", options->compact,
                    "search the 8-bit copies of the fingerprints: a quarter to read from disk");
  command->add_flag("--json", options->json, "print JSON");
  command->add_flag("--tsv", options->tsv, "print tab-separated values");
  options->device.add_to(*command);
  command->footer(
      "Example:\n  reprise query songs.reprise --id oneill-0626 --top 5\n"
      "  reprise query data/tunes.h5 --model model.safetensors --id oneill-0626 --top 5\n");
  command->callback([options, &action] { action = [options] { options->run(); }; });
}

}  // namespace reprise::cli
