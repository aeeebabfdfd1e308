// The beats of audio files, a file a line: its path, then the times in seconds, with tabs between.
// bench/compare/chroma.py compares them with those that were played.

#include <fmt/format.h>

#include "audio/audio_file.h"
#include "audio/beats.h"
#include "reprise/audio.h"

int main(int argc, char** argv) try {
  using namespace reprise;
  const double rate = ChromaSettings().rate;
  for (int i = 1; i < argc; ++i) {
    AudioFile file(argv[i], static_cast<int>(rate));
    Samples samples([&](std::span<float> out) { return file.read(out); },
                    static_cast<std::int64_t>(rate));
    const std::vector<float> onsets = onset_strength(samples, rate);
    fmt::print("{}", argv[i]);
    for (const std::int64_t beat : track_beats(onsets, beat_period(onsets)))
      fmt::print("\t{:.3f}", static_cast<double>(beat) / kOnsetRate);
    fmt::print("\n");
  }
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "bench_beats: {}\n", error.what());
  return 1;
}
