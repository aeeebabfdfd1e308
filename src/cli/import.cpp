#include "cli/import.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/files.h"
#include "reprise/error.h"

namespace reprise::cli {
namespace {

constexpr const char* kWhys[] = {"missing", "damaged", "duplicate"};

SongSetInfo with_type(SongSetInfo info, const std::string& type) {
  info.type = type == "uint8" ? ChromaType::uint8 : ChromaType::float32;
  return info;
}

}  // namespace

void ImportOptions::add_to(CLI::App& command) {
  command.add_option("--out", out, "song set to write (HDF5)")->required();
  command.add_option("--split", split, "split of all songs: train, validation, test or noise")
      ->check(CLI::IsMember({"train", "validation", "test", "noise"}));
  command.add_option("--divide", divide,
                     "percentages of the works for train/validation/test, such as 50/20/30");
  command.add_option("--seed", seed, "random seed of --divide")->capture_default_str();
  command
      .add_option("--type", type, "storage of chroma: float32, or uint8 (a quarter of the size)")
      ->check(CLI::IsMember({"float32", "uint8"}))
      ->capture_default_str();
  command.add_option("--report", report, "file to list missing, damaged and duplicate songs in");
  command.add_flag("--verbose", verbose, "print them too, and details of each audio file");
}

Import::Import(const ImportOptions& options, SongSetInfo info, std::int64_t expected)
    : options_(options),
      writer_(options.out, with_type(info, options.type)),
      chroma_source_(info.chroma_source),
      expected_(expected) {
  if (!options.divide.empty() && !options.split.empty())
    throw UsageError("import: expected one of --split and --divide");
  if (!options.divide.empty()) division_ = parse_division(options.divide, options.seed);
}

void Import::add(SongInfo song, std::span<const float> chroma, const std::string& path,
                 const std::string& detail) {
  if (!options_.split.empty()) song.split = options_.split;
  if (division_) song.split = division_->split_of(song.work_id);
  if (song.split.empty()) song.split = "test";
  if (ids_.contains(song.song_id))
    return skip(Why::duplicate, song.song_id, song.work_id,
                "the song set already has a song with this id");
  try {
    writer_.add(song, chroma);
    ids_.insert(song.song_id);
  } catch (const UnfitSong& damage) {
    std::string what = damage.what();
    if (!path.empty() && what.starts_with(options_.out)) what.replace(0, options_.out.size(), path);
    skip(Why::damaged, song.song_id, song.work_id, what);
    return;
  }
  if (options_.verbose && !detail.empty())
    list(fmt::format("imported\t{}\t{}\t{}\n", song.song_id, song.work_id, detail));
  show();
}

void Import::skip(Why why, const std::string& song_id, const std::string& work_id,
                  const std::string& detail) {
  constexpr std::int64_t kNamed = 10;
  const std::int64_t count = ++counts_[static_cast<int>(why)];
  const std::string line = fmt::format("{}\t{}\t{}\t{}\n", kWhys[static_cast<int>(why)],
                                       tsv_field(song_id), tsv_field(work_id), tsv_field(detail));
  if (!options_.report.empty()) report_ += line;
  if (count == 1) first_[static_cast<int>(why)] = tsv_field(detail);
  if (options_.verbose) {
    list(line);
  } else if (why == Why::damaged && expected_ > 1 && count <= kNamed + 1) {
    line_.clear();
    fmt::print(stderr, "left out: {}\n",
               count <= kNamed ? tsv_field(detail) : "more, which --report lists");
  }
  show();
}

void Import::list(const std::string& line) {
  line_.clear();
  fmt::print("{}", line);
}

void Import::show() {
  const std::int64_t done = writer_.songs() + counts_[0] + counts_[1] + counts_[2];
  const auto now = std::chrono::steady_clock::now();
  if (expected_ == 0 || now - shown_ < std::chrono::milliseconds(100)) return;
  shown_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(expected_));
  line_.show(share, fmt::format("{} of {} songs  {} missing  {} damaged  {} left", writer_.songs(),
                                expected_, counts_[0], counts_[1],
                                duration_text(seconds / std::max(share, 1e-9) * (1 - share))));
}

void Import::finish() {
  line_.clear();
  if (!options_.report.empty()) replace_file(options_.report, report_);
  if (writer_.songs() == 0) {
    const std::string& first = counts_[1] > 0 ? first_[1] : first_[0];
    throw Error(fmt::format("{}: no song was imported: {} missing, {} damaged{}", options_.out,
                            counts_[0], counts_[1], first.empty() ? "" : ": " + first));
  }
  writer_.finish();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  fmt::print("{}: {} songs, {} frames, chroma {}\n", options_.out, writer_.songs(),
             writer_.frames(), chroma_source_.empty() ? "of unknown origin" : chroma_source_);
  fmt::print("missing    {}\ndamaged    {}\nduplicates {}\n", counts_[0], counts_[1], counts_[2]);
  if (!options_.report.empty())
    fmt::print("listed in  {}\n", options_.report);
  else if (!options_.verbose && counts_[0] + counts_[1] + counts_[2] > 0)
    fmt::print("           (--report FILE lists them)\n");
  fmt::print("time       {:.1f} s, {:.1f} songs a second\n", seconds,
             static_cast<double>(writer_.songs()) / std::max(seconds, 1e-9));
}

void add_import(CLI::App& app, Action& action) {
  CLI::App* import =
      app.add_subcommand("import", "Convert another collection to a song set: reprise import KIND");
  import->require_subcommand(1);
  import->footer(
      "Each kind has its own help.\n\nExample:\n  reprise import csv folder --out songs.h5\n");
  add_import_audio(*import, action);
  add_import_shs(*import, action);
  add_import_features(*import, action);
}

}  // namespace reprise::cli
