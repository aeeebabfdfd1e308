#include "reprise/synth.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "cli/commands.h"
#include "reprise/division.h"

namespace reprise::cli {
namespace {

std::string parameter_table() {
  std::string text = "Parameters of --set:\n";
  for (const SynthParameter& p : synth_parameters())
    text += fmt::format("  {:<20}{}\n{:22}{:g} to {:g}; default {:g}\n", p.name, p.meaning, "",
                        p.low, p.high, p.initial);
  return text;
}

struct SynthCommand {
  std::int64_t songs = 0;
  std::string out, divide = "50/20/30";
  std::uint64_t seed = 0;
  std::vector<std::string> settings;
  int threads = 0;

  void run() const {
    SynthSettings chosen;
    for (const auto& [key, value] : split_settings(settings)) chosen.set(key, value);
    const Division division = parse_division(divide, seed);
    SongSetInfo info;
    info.source = fmt::format("made up by reprise synth, seed {}", seed);
    for (const SynthParameter& p : synth_parameters())
      info.source += fmt::format(" {}={}", p.name, chosen.get(p.name));
    info.chroma_source = "synth";
    info.frames_per_second = chosen.frames_per_second;
    info.type = ChromaType::uint8;
    const int team =
        threads > 0 ? threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    const auto start = std::chrono::steady_clock::now();
    const auto seconds = [&] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    SongSetWriter writer(out, info);
    ProgressLine line;
    constexpr std::int64_t kAtOnce = 2048;
    while (writer.songs() < songs) {
      for (SynthSong& song : synth_songs(chosen, seed, writer.songs(),
                                         std::min(kAtOnce, songs - writer.songs()), team)) {
        song.info.split = division.split_of(song.info.work_id);
        writer.add(song.info, song.chroma);
      }
      const double share = static_cast<double>(writer.songs()) / static_cast<double>(songs);
      line.show(share, fmt::format("{} songs  {} left", writer.songs(),
                                   duration_text(seconds() / share * (1 - share))));
    }
    writer.finish();
    line.clear();
    fmt::print("{}: {} songs, {} frames in {:.1f} s, {:.0f} songs a second\n", out, writer.songs(),
               writer.frames(), seconds(), static_cast<double>(writer.songs()) / seconds());
  }
};

}  // namespace

void add_synth(CLI::App& app, Action& action) {
  const auto synth = std::make_shared<SynthCommand>();
  CLI::App* command = app.add_subcommand(
      "synth", "Generate any number of synthetic songs with covers, for tests of scale");
  command->add_option("--songs", synth->songs, "number of songs")
      ->required()
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40));
  command->add_option("--out", synth->out, "song set to write (HDF5)")->required();
  command
      ->add_option("--divide", synth->divide, "percentages of the works for train/validation/test")
      ->capture_default_str();
  command->add_option("--seed", synth->seed, "random seed")->capture_default_str();
  command->add_option("--set", synth->settings, "key=value: change one parameter; repeatable");
  command->add_option("--threads", synth->threads, "threads; 0: one per core")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  command->footer(parameter_table() +
                  "\nExample:\n  reprise synth --songs 100000 --out made-up.h5 --set noise=0.5\n");
  command->callback([synth, &action] { action = [synth] { synth->run(); }; });
}

}  // namespace reprise::cli
