#include "audio/chroma.h"

#include <fmt/format.h>

#include <algorithm>

#include "audio/audio_file.h"
#include "audio/frames.h"
#include "audio/notes.h"
#include "reprise/error.h"

namespace reprise {
namespace {

[[noreturn]] void refuse_empty(const std::string& path) {
  throw InputError(fmt::format("{}: expected audio, found a file without samples", path));
}

}  // namespace

struct ChromaExtractor::State {
  explicit State(const ChromaSettings& s)
      : settings(s), tables(chroma_tables(s)), spectrum(tables), notes(tables) {}

  ChromaSettings settings;
  ChromaTables tables;
  Spectrum spectrum;
  Notes notes;
  std::vector<float> waiting;  // power of the frames whose tuning is not known yet: [frames, bins]
};

ChromaExtractor::ChromaExtractor(const ChromaSettings& settings)
    : state_(std::make_unique<State>(settings)) {}

ChromaExtractor::~ChromaExtractor() = default;

AudioChroma ChromaExtractor::extract(const std::function<Samples::Source()>& open) {
  const ChromaSettings& s = state_->settings;
  const auto bins = static_cast<std::size_t>(state_->spectrum.bins());
  Frames frames(s, open);
  Samples samples(open(), static_cast<std::int64_t>(s.longest_window + 2 * frames.longest()));
  AudioChroma result;
  if (!samples.reaches(0)) return result;

  Tuning tuning(static_cast<int>(bins));
  bool tuned = false;
  std::vector<float>& waiting = state_->waiting;
  waiting.clear();
  std::vector<float> power(bins);
  const auto finish = [&](const float* frame) {
    result.chroma.resize(result.chroma.size() + kPitchClasses);
    state_->notes.chroma(frame, &result.chroma[result.chroma.size() - kPitchClasses]);
  };
  const auto tune = [&] {
    result.tuning = state_->tables.tuned ? tuning.semitones() : 0;
    state_->notes.tune(result.tuning);
    for (std::size_t at = 0; at < waiting.size(); at += bins) finish(&waiting[at]);
    tuned = true;
  };
  while (const auto frame =
             frames.next([&](std::int64_t sample) { return samples.reaches(sample); })) {
    state_->spectrum.average(samples, frame->begin, frame->end, power.data());
    if (tuned) {
      finish(power.data());
      continue;
    }
    tuning.add(power.data());
    waiting.insert(waiting.end(), power.begin(), power.end());
    if (ends_tuning(s, *frame)) tune();
  }
  if (!tuned) tune();
  result.seconds = static_cast<double>(samples.length()) / s.rate;
  return result;
}

AudioChroma ChromaExtractor::read(const std::string& path) {
  AudioChroma result = extract([&]() -> Samples::Source {
    const auto file = std::make_shared<AudioFile>(path, static_cast<int>(state_->settings.rate));
    return [file](std::span<float> out) { return file->read(out); };
  });
  if (result.chroma.empty()) refuse_empty(path);
  require_music(path, result);
  return result;
}

std::optional<CutSong> ChromaExtractor::cut(const std::string& path, std::size_t most) {
  constexpr std::size_t kBlock = std::size_t{1} << 18;
  AudioFile file(path, static_cast<int>(state_->settings.rate));
  std::vector<float> samples;
  for (std::size_t size = 0, got = kBlock; got == kBlock; size += got) {
    samples.resize(size + kBlock);
    got = file.read(std::span(samples).subspan(size));
    samples.resize(size + got);
    if (samples.size() > most) return std::nullopt;
  }
  if (samples.empty()) refuse_empty(path);
  return cut_song(std::move(samples), state_->settings, state_->tables);
}

void require_music(const std::string& path, const AudioChroma& song) {
  if (std::all_of(song.chroma.begin(), song.chroma.end(), [](float x) { return x == 0; }))
    throw InputError(fmt::format("{}: expected music, found silence", path));
}

AudioChroma chroma_of_audio(const std::string& path, const ChromaSettings& settings) {
  return ChromaExtractor(settings).read(path);
}

}  // namespace reprise
