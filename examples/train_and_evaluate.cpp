// Trains a fingerprint on a song set and measures how well it finds covers.
//
//   train_and_evaluate SET.h5 MODEL.safetensors [key=value ...]
//
// for example on data/tunes.h5; `reprise train --help` lists the keys.

#include <reprise/reprise.h>

#include <cstdio>
#include <exception>
#include <string>

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "expected SET.h5 MODEL.safetensors\n"), 2;
  try {
    const reprise::SongSet set = reprise::read_song_set(argv[1]);
    reprise::Config config = reprise::Config::of_preset("reprise");
    for (int i = 3; i < argc; ++i) {
      const std::string setting = argv[i];
      config.set(setting.substr(0, setting.find('=')), setting.substr(setting.find('=') + 1));
    }
    config.validate();

    const auto backend = reprise::make_cpu_backend();
    const auto progress = [](const reprise::TrainingProgress& p) {
      if (p.validation_map >= 0)
        std::printf("step %lld: validation MAP %.3f\n", (long long)p.step, p.validation_map);
    };
    const auto outcome =
        reprise::train(*backend, set, config,
                       {.files = reprise::TrainingFiles::beside(argv[2]), .report = progress});

    reprise::ModelFingerprinter method(*backend, outcome.model, argv[2]);
    const auto protocol = reprise::make_protocol(set, "test");
    const auto found = reprise::evaluate(*backend, set, protocol, method);
    std::printf("test MAP %.3f, %.0f %% of first answers are versions\n", found.accuracy.map,
                100 * found.accuracy.p1);
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "%s\n", error.what()), 1;
  }
}
