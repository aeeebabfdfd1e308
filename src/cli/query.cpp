#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cli/commands.h"
#include "core/logistic.h"
#include "reprise/catalogue.h"
#include "reprise/error.h"
#include "reprise/index.h"
#include "reprise/model.h"
#include "reprise/rerank.h"

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
  bool sure = false;                        ///< the matches' log odds are known
};

/// Re-ranks the first answers, whose chroma it knows where to find.
using Rerank = std::function<void(const Confidence&, std::vector<std::vector<Match>>&)>;

/// Places of the first k matches of all queries, ascending, each once.
std::vector<std::int64_t> first_places(const std::vector<std::vector<Match>>& matches, int k) {
  std::vector<std::int64_t> places;
  for (const std::vector<Match>& of_query : matches)
    for (std::size_t i = 0; i < of_query.size() && i < static_cast<std::size_t>(k); ++i)
      places.push_back(of_query[i].candidate);
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  return places;
}

struct Query {
  std::string catalogue, data, model;
  std::vector<std::string> ids;
  int top = 10, rerank = 0;
  double min_score = -2;  ///< below every cosine
  bool compact = false, json = false, tsv = false;
  ChromaOptions chroma;
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
      chroma.check(from.model(), from.path(), asked);
    } else {
      std::vector<CatalogueSong> songs;
      for (const std::string& id : ids) songs.push_back(from.song(id));
      asked = from.song_set(songs);
    }
    const auto backend = device.open();
    ModelMethod method(*backend, from.model(), from.identity().name);
    const std::vector<CatalogueSong> all = from.songs();
    const auto queries = first_numbers(asked.songs());
    const auto align = [&](const Confidence& confidence, std::vector<std::vector<Match>>& matches) {
      // Only the first answers' chroma is read; `loaded` says where it then is.
      const std::vector<std::int64_t> places = first_places(matches, rerank);
      std::vector<std::int64_t> loaded(all.size(), -1);
      std::vector<CatalogueSong> songs;
      for (const std::int64_t place : places) {
        loaded[place] = static_cast<std::int64_t>(songs.size());
        songs.push_back(all[place]);
      }
      reprise::rerank(*backend, asked, queries, from.song_set(songs), loaded, confidence, rerank,
                      matches);
    };
    return search(*backend, method, from.model(), from.identity().name, asked, queries,
                  {all, from.fingerprints(all, compact ? Precision::compact : Precision::exact)},
                  align);
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
    const Model trained = read_model(model);
    chroma.check(trained, model, set);
    chroma.check(trained, model, asked);
    ModelMethod method(*backend, trained, model);
    const auto all = first_numbers(set.songs());
    const auto align = [&](const Confidence& confidence, std::vector<std::vector<Match>>& matches) {
      reprise::rerank(*backend, asked, songs, set, all, confidence, rerank, matches);
    };
    return search(*backend, method, trained, model, asked, songs,
                  {songs_of(set), method.compute(set, all, Keys::candidate)}, align);
  }

  Answers search(Backend& backend, FingerprintMethod& method, const Model& trained,
                 const std::string& model_name, const SongSet& asked,
                 const std::vector<std::int64_t>& numbers, Candidates candidates,
                 const Rerank& align) const {
    const Confidence confidence = rerank > 0 ? confidence_of(trained, model_name)
                                             : Confidence{{}, trained.probability_weights};
    Answers answers;
    answers.sure = rerank > 0 || !confidence.cosine.empty();
    const std::vector<CatalogueSong> all = songs_of(asked);
    for (const std::int64_t number : numbers) answers.queries.push_back(all[number]);
    answers.songs = std::move(candidates.songs);
    const Index index(backend, std::move(candidates.fingerprints));
    // One more than asked for: a song is no answer to itself.
    answers.matches =
        index.search(method.compute(asked, numbers, Keys::query), std::max(top, rerank) + 1);
    for (std::size_t q = 0; q < numbers.size(); ++q) {
      auto& matches = answers.matches[q];
      std::erase_if(matches, [&](const Match& m) {
        return m.score < min_score ||
               answers.songs[m.candidate].song_id == answers.queries[q].song_id;
      });
      if (!confidence.cosine.empty())
        for (Match& m : matches) m.log_odds = confidence.of_cosine(double{m.score});
    }
    if (rerank > 0) align(confidence, answers.matches);
    for (std::vector<Match>& matches : answers.matches)
      if (matches.size() > static_cast<std::size_t>(top)) matches.resize(top);
    return answers;
  }

  static void print_json(const Answers& answers) {
    nlohmann::ordered_json out;
    out["queries"] = nlohmann::ordered_json::array();
    for (std::size_t q = 0; q < answers.queries.size(); ++q) {
      nlohmann::ordered_json matches = nlohmann::ordered_json::array();
      for (const Match& m : answers.matches[q]) {
        const CatalogueSong& song = answers.songs[m.candidate];
        matches.push_back(
            {{"song_id", song.song_id},
             {"work_id", song.work_id},
             {"title", song.title},
             {"score", m.score},
             {"probability", answers.sure ? nlohmann::ordered_json(probability_of(m.log_odds))
                                          : nlohmann::ordered_json(nullptr)},
             {"transposition", m.transposition}});
      }
      out["queries"].push_back(
          {{"query", answers.queries[q].song_id}, {"matches", std::move(matches)}});
    }
    fmt::print("{}\n", out.dump(1, ' ', false, nlohmann::json::error_handler_t::replace));
  }

  static void print_tsv(const Answers& answers) {
    fmt::print("query\trank\tsong_id\twork_id\ttitle\tartist\tscore\tprobability\ttransposition\n");
    for (std::size_t q = 0; q < answers.queries.size(); ++q)
      for (std::size_t i = 0; i < answers.matches[q].size(); ++i) {
        const Match& m = answers.matches[q][i];
        const CatalogueSong& song = answers.songs[m.candidate];
        fmt::print("{}\t{}\t{}\t{}\t{}\t{}\t{:.6f}\t{}\t{}\n",
                   tsv_field(answers.queries[q].song_id), i + 1, tsv_field(song.song_id),
                   tsv_field(song.work_id), tsv_field(song.title), tsv_field(song.artist), m.score,
                   answers.sure ? fmt::format("{:.6f}", probability_of(m.log_odds)) : "",
                   m.transposition);
      }
  }

  static void print_text(const Answers& answers) {
    for (std::size_t q = 0; q < answers.queries.size(); ++q) {
      const CatalogueSong& query = answers.queries[q];
      fmt::print("{}{}  {}  {}\n", q > 0 ? "\n" : "", query.song_id, query.title, query.artist);
      int rank = 0;
      for (const Match& m : answers.matches[q]) {
        const CatalogueSong& song = answers.songs[m.candidate];
        fmt::print(
            "{:>4}  {}  {:.3f}  {:>3}  {} {:<28}  {}  ({})\n", ++rank,
            answers.sure ? fmt::format("{:5.1f} %", 100 * probability_of(m.log_odds)) : "      -",
            m.score,
            m.transposition > 6 ? fmt::format("-{}", 12 - m.transposition)
                                : fmt::format("+{}", m.transposition),
            song.work_id == query.work_id ? "*" : " ", song.title, song.artist, song.song_id);
      }
    }
    fmt::print(
        "\ncolumns: rank, probability of a version, similarity, semitones the query must move to "
        "match; * same work\n");
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
  command
      ->add_option("--rerank", options->rerank,
                   "align this many first answers and order them by both scores")
      ->check(CLI::Range(1, 1000000));
  command->add_option("--min-score", options->min_score, "leave out answers of a lower similarity")
      ->check(CLI::Range(-1.0, 1.0));
  command->add_flag("--compact", options->compact,
                    "search the 8-bit copies of the fingerprints: a quarter to read from disk");
  command->add_flag("--json", options->json, "print JSON");
  command->add_flag("--tsv", options->tsv, "print tab-separated values");
  options->chroma.add_to(*command);
  options->device.add_to(*command);
  command->footer(
      "Example:\n  reprise query songs.reprise --id oneill-0714 --top 5\n"
      "  reprise query data/tunes.h5 --model model.safetensors --id oneill-0714 --top 5\n");
  command->callback([options, &action] { action = [options] { options->run(); }; });
}

}  // namespace reprise::cli
