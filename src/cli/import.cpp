#include "reprise/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <sstream>

#include "cli/commands.h"
#include "reprise/error.h"
#include "reprise/readers.h"

namespace reprise::cli {
namespace {

using Kind = ReaderOption::Kind;

/// One kind of import, by one reader.
struct ImportCommand {
  const Reader& reader;
  ImportOptions options;
  std::map<std::string_view, std::vector<std::string>> given;  // of the reader's options
  std::string type;
  bool verbose = false;
  DeviceOptions device;

  explicit ImportCommand(const Reader& r)
      : reader(r), type(r.type == ChromaType::uint8 ? "uint8" : "float32") {}

  void add_option(CLI::App& command, const ReaderOption& row) {
    std::vector<std::string>& values = given[row.name];
    const std::string name = (row.positional ? "" : "--") + std::string(row.name);
    const std::string meaning(row.meaning);
    if (row.kind == Kind::flag) {
      command.add_flag_callback(
          name, [&values] { values = {"true"}; }, meaning);
      return;
    }
    CLI::Option* option = command.add_option(name, values, meaning);
    if (row.kind != Kind::texts)
      option->expected(1);
    else if (!row.positional)
      option->allow_extra_args(false);
    if (row.required) option->required();
    if (row.kind == Kind::file) option->check(CLI::ExistingFile);
    if (row.kind == Kind::folder) option->check(CLI::ExistingDirectory);
    if (row.kind == Kind::number) option->check(CLI::Range(row.low, row.high));
    if (!row.choices.empty()) {
      std::vector<std::string> choices;
      std::istringstream words{std::string(row.choices)};
      for (std::string word; std::getline(words, word, '|');) choices.push_back(word);
      option->check(CLI::IsMember(choices));
    }
    if (!row.initial.empty()) option->default_str(std::string(row.initial));
  }

  void add_common(CLI::App& command) {
    command.add_option("--out", options.out, "song set to write (HDF5)")->required();
    command
        .add_option("--split", options.split,
                    "split of all songs: train, validation, test or noise")
        ->check(CLI::IsMember({"train", "validation", "test", "noise"}));
    command.add_option("--divide", options.divide,
                       "percentages of the works for train/validation/test, such as 50/20/30");
    command.add_option("--seed", options.seed, "random seed of --divide")->capture_default_str();
    command
        .add_option("--type", type, "storage of chroma: float32, or uint8 (a quarter of the size)")
        ->check(CLI::IsMember({"float32", "uint8"}))
        ->capture_default_str();
    command.add_option("--report", options.report,
                       "file to list missing, damaged and duplicate songs in");
    command.add_flag("--verbose", verbose, "print them too, and details of each audio file");
  }

  void run() {
    options.type = type == "uint8" ? ChromaType::uint8 : ChromaType::float32;
    ReaderValues values(reader);
    for (const auto& [name, texts] : given)
      for (const std::string& text : texts) values.set(name, text);
    std::unique_ptr<Backend> backend;
    ProgressLine line;
    ReadContext context;
    context.observer = {{}, [&](const std::string& note) { fmt::print("{}\n", note); }};
    if (reader.reads_audio) {
      backend = device.open();
      context.engine = device.engine_maker(*backend);
    }
    const auto start = std::chrono::steady_clock::now();
    const auto seconds = [&] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    const ImportCounts counts = import_songs(
        reader, values, options, context, [&](const ImportEvent& event, const ImportCounts& now) {
          tell(event, now, seconds(), line);
        });
    line.clear();
    print(counts, seconds());
  }

  /// The first damaged songs are named on standard error.
  void tell(const ImportEvent& event, const ImportCounts& counts, double seconds,
            ProgressLine& line) const {
    constexpr std::int64_t kNamed = 10;
    if (verbose && (event.left_out || !event.detail.empty())) {
      line.clear();
      fmt::print("{}\t{}\t{}\t{}\n", event.left_out ? name_of(*event.left_out) : "imported",
                 tsv_field(event.song_id), tsv_field(event.work_id), tsv_field(event.detail));
    } else if (event.left_out == LeftOut::damaged && counts.expected > 1 &&
               counts.damaged <= kNamed + 1) {
      line.clear();
      fmt::print(stderr, "left out: {}\n",
                 counts.damaged <= kNamed ? tsv_field(event.detail) : "more, which --report lists");
    }
    const std::int64_t done = counts.songs + counts.missing + counts.damaged + counts.duplicates;
    if (counts.expected == 0 || !line.due(done == counts.expected)) return;
    const double share =
        std::min(1.0, static_cast<double>(done) / static_cast<double>(counts.expected));
    line.show(share, fmt::format("{} of {} songs  {} missing  {} damaged  {} left", counts.songs,
                                 counts.expected, counts.missing, counts.damaged,
                                 duration_text(seconds / std::max(share, 1e-9) * (1 - share))));
  }

  void print(const ImportCounts& counts, double seconds) const {
    seconds = std::max(seconds, 1e-9);
    fmt::print("{}: {} songs, {} frames, chroma {}\n", options.out, counts.songs, counts.frames,
               counts.chroma_source.empty() ? "of unknown origin" : counts.chroma_source);
    fmt::print("missing    {}\ndamaged    {}\nduplicates {}\n", counts.missing, counts.damaged,
               counts.duplicates);
    if (!options.report.empty())
      fmt::print("listed in  {}\n", options.report);
    else if (!verbose && counts.missing + counts.damaged + counts.duplicates > 0)
      fmt::print("           (--report FILE lists them)\n");
    fmt::print("time       {:.1f} s, {:.1f} songs a second\n", seconds,
               static_cast<double>(counts.songs) / seconds);
    if (reader.reads_audio)
      fmt::print("music      {}, {:.0f} x real time\n", duration_text(counts.audio_seconds),
                 counts.audio_seconds / seconds);
  }
};

}  // namespace

void add_import(CLI::App& app, Action& action) {
  CLI::App* import =
      app.add_subcommand("import", "Convert another collection to a song set: reprise import KIND");
  import->require_subcommand(1);
  import->footer(
      "Each kind has its own help.\n\nExample:\n  reprise import csv folder --out songs.h5\n");
  for (const Reader& reader : readers()) {
    const auto kind = std::make_shared<ImportCommand>(reader);
    CLI::App* command =
        import->add_subcommand(std::string(reader.name), std::string(reader.summary));
    for (const ReaderOption& row : reader.options) kind->add_option(*command, row);
    if (reader.reads_audio) kind->device.add_device_to(*command);
    kind->add_common(*command);
    command->footer((reader.notes ? reader.notes() + "\n" : "") + "Example:\n  reprise import " +
                    std::string(reader.example) + "\n");
    command->callback([kind, &action] { action = [kind] { kind->run(); }; });
  }
}

}  // namespace reprise::cli
