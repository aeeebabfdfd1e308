#include <fmt/format.h>

#include <algorithm>

#include "cli/answers.h"
#include "cli/commands.h"
#include "cli/searcher.h"
#include "reprise/catalogue.h"
#include "reprise/error.h"
#include "reprise/model.h"

namespace reprise::cli {
namespace {

struct Query {
  std::string catalogue, model, aligner = "row-z";
  SongInputs inputs;
  std::vector<std::string> ids;
  SongFilter filter;
  SearchOptions search;
  bool compact = false, json = false, tsv = false;
  ChromaOptions chroma;
  DeviceOptions device;

  void run() {
    if (inputs.any() != ids.empty())
      throw UsageError("query: expected files with songs, or --id, and not both");
    if (json && tsv) throw UsageError("query: expected one of --json and --tsv");
    search.rerank.aligner = aligner_of(aligner);
    if (looks_like_catalogue(catalogue))
      ask_catalogue();
    else
      ask_song_set();
  }

  void ask_catalogue() const {
    const Catalogue from(catalogue);
    if (!model.empty()) from.check_model(ModelIdentity::of(read_model(model), model));
    std::vector<CatalogueSong> own;
    for (const std::string& id : ids) own.push_back(from.song(id));
    const auto backend = device.open();
    SongSet asked;
    if (ids.empty()) {
      asked = inputs.read(from.model(), from.path(), device, *backend);
      chroma.check(from.model(), from.path(), asked);
    }
    Searcher searcher(*backend, from, filter, compact ? Precision::compact : Precision::exact);
    answer(searcher, own, asked);
  }

  void ask_song_set() const {
    if (model.empty()) throw UsageError("query: a song set is searched with --model");
    if (compact) throw UsageError("query: --compact is for catalogues");
    const SongSet set = read_song_set(catalogue);
    const Model trained = read_model(model);
    chroma.check(trained, model, set);
    std::vector<CatalogueSong> own;
    const std::vector<CatalogueSong> songs = songs_of(set);
    for (const std::string& id : ids) {
      const std::int64_t number = set.find(id);
      if (number < 0) throw Error(fmt::format("{}: has no song '{}'", catalogue, id));
      own.push_back(songs[number]);
    }
    const auto backend = device.open();
    SongSet asked;
    if (ids.empty()) {
      asked = inputs.read(trained, model, device, *backend);
      chroma.check(trained, model, asked);
    }
    Searcher searcher(*backend, set, trained, model, filter);
    answer(searcher, own, asked);
  }

  /// The queries are songs of what is searched, or else all songs of another set.
  void answer(Searcher& searcher, const std::vector<CatalogueSong>& own,
              const SongSet& other) const {
    const AnswerFormat format = json  ? AnswerFormat::json
                                : tsv ? AnswerFormat::tsv
                                      : AnswerFormat::text;
    const std::vector<CatalogueSong> queries = own.empty() ? songs_of(other) : own;
    const std::size_t at_once = Searcher::at_once(search);
    searcher.check(search.rerank);
    AnswerPrinter printer(format, searcher.is_sure(search.rerank));
    for (std::size_t first = 0; first < queries.size(); first += at_once) {
      const auto some =
          std::span(queries).subspan(first, std::min(at_once, queries.size() - first));
      std::vector<std::int64_t> numbers = first_numbers(static_cast<std::int64_t>(some.size()));
      for (std::int64_t& number : numbers) number += static_cast<std::int64_t>(first);
      const auto matches =
          own.empty() ? searcher.find(other, numbers, search) : searcher.find_own(some, search);
      for (std::size_t q = 0; q < some.size(); ++q)
        printer.print(some[q], matches[q], searcher.songs());
    }
    printer.finish();
  }
};

}  // namespace

void add_query(CLI::App& app, Action& action) {
  const auto options = std::make_shared<Query>();
  CLI::App* command = app.add_subcommand(
      "query", "Rank the songs of a catalogue or song set by similarity to a query");
  command->add_option("catalogue", options->catalogue, "catalogue or song set (HDF5) to search")
      ->required();
  command->add_option("--model", options->model,
                      "trained model (safetensors); a catalogue has its own");
  options->inputs.add_to(*command, "to use as queries");
  command
      ->add_option("--id", options->ids,
                   "id of a song in the catalogue to use as query; repeatable")
      ->allow_extra_args(false);
  command->add_option("--top", options->search.top, "answers per query")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  options->search.rerank.k = 0;
  command
      ->add_option("--rerank", options->search.rerank.k,
                   "re-rank this many top answers by local alignment")
      ->check(CLI::Range(1, 1000000));
  command
      ->add_option("--aligner", options->aligner,
                   "row-z, or row-z-half: half the frame rate, faster, slightly less accurate")
      ->check(CLI::IsMember({"row-z", "row-z-half"}))
      ->capture_default_str();
  command
      ->add_option("--min-score", options->search.min_score, "omit answers with a lower similarity")
      ->check(CLI::Range(-1.0, 1.0));
  options->filter.add_to(*command);
  command->add_flag("--compact", options->compact,
                    "search 8-bit copies of the fingerprints: a quarter of the disk reads");
  command->add_flag("--json", options->json, "print JSON");
  command->add_flag("--tsv", options->tsv, "print tab-separated values");
  options->chroma.add_to(*command);
  options->device.add_to(*command);
  command->footer(
      "Example:\n  reprise query songs.reprise --id oneill-0714 --top 5\n"
      "  reprise query songs.reprise song.flac\n"
      "  reprise query songs.reprise new.h5 --rerank 100 --where artist~ryan --json\n"
      "  reprise query data/tunes.h5 --model model.safetensors --id oneill-0714 --top 5\n");
  command->callback([options, &action] { action = [options] { options->run(); }; });
}

}  // namespace reprise::cli
