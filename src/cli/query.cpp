#include <fmt/format.h>

#include "cli/answers.h"
#include "cli/commands.h"
#include "reprise/catalogue.h"
#include "reprise/error.h"
#include "reprise/searcher.h"

namespace reprise::cli {
namespace {

struct Query {
  std::string catalogue, model, aligner = "row-z";
  SongInputs inputs;
  std::vector<std::string> ids, where;
  SearchOptions search;
  bool compact = false, json = false, tsv = false;
  ChromaOptions chroma;
  DeviceOptions device;

  void run() {
    if (inputs.any() != ids.empty())
      throw SettingsError("query: expected files with songs, or --id, and not both");
    if (json && tsv) throw SettingsError("query: expected one of --json and --tsv");
    search.rerank.aligner = aligner_of(aligner);
    if (!looks_like_catalogue(catalogue)) {
      if (model.empty()) throw SettingsError("query: a song set is searched with --model");
      if (compact) throw SettingsError("query: --compact is for catalogues");
    }
    ProgressLine line;
    SearcherOptions options{.copy = compact ? StoredCopy::compact : StoredCopy::exact,
                            .any_chroma = chroma.any,
                            .engine = {},
                            .observer = line.observer()};
    for (const std::string& condition : where)
      options.where.push_back(parse_option("--where", condition, parse_condition));
    const auto backend = device.open();
    options.engine = device.engine_maker(*backend);
    Searcher searcher(*backend, catalogue, model, options);
    searcher.check(search.rerank);
    AnswerPrinter printer(json ? AnswerFormat::json : tsv ? AnswerFormat::tsv : AnswerFormat::text);
    const auto print = [&](const QueryResult& result) { printer.print(result); };
    if (ids.empty())
      searcher.find_files(inputs.paths(), search, print);
    else
      searcher.find_ids(ids, search, print);
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
  command
      ->add_option(
          "--where", options->where,
          "search only songs whose FIELD=TEXT (equal) or FIELD~TEXT (contains, ignoring case); "
          "FIELD is song_id, work_id, title or artist; repeatable")
      ->allow_extra_args(false);
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
