#include "reprise/synth.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cmath>
#include <thread>

#include "core/text.h"
#include "reprise/error.h"
#include "reprise/random.h"
#include "reprise/view.h"

namespace reprise {
namespace {

constexpr SynthParameter kParameters[] = {
    {"versions", &SynthSettings::versions, nullptr, 3, 1, 1000, "songs per work"},
    {"singles", nullptr, &SynthSettings::singles, 0.5, 0, 1,
     "share of songs that have no other version"},
    {"seconds", nullptr, &SynthSettings::seconds, 90, 5, 3600, "length of a work as composed"},
    {"frames_per_second", nullptr, &SynthSettings::frames_per_second, 4.5, 0.5, 100,
     "chroma frames per second"},
    {"tempo", nullptr, &SynthSettings::tempo, 1.3, 1, 3,
     "largest tempo factor between a song and its work"},
    {"structure", nullptr, &SynthSettings::structure, 0.25, 0, 1,
     "share of sections that a song omits, repeats or moves"},
    {"harmony", nullptr, &SynthSettings::harmony, 0.25, 0, 1,
     "share of chords that a song replaces"},
    {"ornament", nullptr, &SynthSettings::ornament, 0.25, 0, 1,
     "share of melody notes that a song varies"},
    {"accompaniment", nullptr, &SynthSettings::accompaniment, 0.6, 0, 2,
     "largest level of the accompaniment relative to the melody"},
    {"noise", nullptr, &SynthSettings::noise, 0.25, 0, 2, "largest noise level in a song's chroma"},
};

constexpr int kSlots = 8;  // eighths of a bar
constexpr int kBars = 8;   // of a section
constexpr int kRest = -100;

/// Semitones of the degrees of major and of natural minor.
constexpr std::array<std::array<int, 7>, 2> kScales = {
    {{0, 2, 4, 5, 7, 9, 11}, {0, 2, 3, 5, 7, 8, 10}}};

struct Bar {
  int chord;                       // degree of its root
  std::array<int, kSlots> melody;  // degree, octaves counted; a repeated value is held
};

struct Work {
  int mode;
  double bar_seconds;
  std::vector<std::array<Bar, kBars>> sections;
  std::vector<int> form;
};

std::array<Bar, kBars> compose_section(Random& random) {
  // Where a chord tends to go: common root movements by fifths, fourths and thirds.
  constexpr std::array<std::array<int, 4>, 7> kNext = {{{3, 4, 5, 1},
                                                        {4, 6, 3, 4},
                                                        {5, 3, 5, 1},
                                                        {4, 0, 1, 0},
                                                        {0, 5, 0, 3},
                                                        {3, 1, 4, 2},
                                                        {0, 2, 0, 5}}};
  std::array<Bar, kBars> section;
  int chord = random.uniform() < 0.7f ? 0 : static_cast<int>(random.below(7));
  int note = static_cast<int>(random.below(7));
  for (Bar& bar : section) {
    bar.chord = chord;
    for (int slot = 0; slot < kSlots; ++slot) {
      const bool onset = slot == 0 || random.uniform() < (slot % 2 == 0 ? 0.6f : 0.3f);
      if (onset) {
        constexpr std::array<int, 8> kSteps = {-1, 1, -1, 1, -2, 2, 0, 3};
        note += kSteps[random.below(8)];
        if (slot == 0 && random.uniform() < 0.6f)
          note = chord + 2 * static_cast<int>(random.below(3));  // a note of the chord
        note = std::clamp(note, -4, 11);
      }
      bar.melody[slot] = note;
    }
    chord = kNext[chord][random.below(4)];
  }
  return section;
}

Work compose(const SynthSettings& settings, std::uint64_t seed) {
  Random random(seed);
  Work work;
  work.mode = random.uniform() < 0.65f ? 0 : 1;
  work.bar_seconds = std::exp(double{random.uniform(std::log(1.5f), std::log(2.8f))});
  const int kinds = 2 + static_cast<int>(random.below(3));
  for (int i = 0; i < kinds; ++i) work.sections.push_back(compose_section(random));
  const double sections = settings.seconds / (work.bar_seconds * kBars);
  const int length = std::max(1, static_cast<int>(std::lround(sections)));
  for (int i = 0; i < length; ++i)
    work.form.push_back(i < kinds && random.uniform() < 0.7f
                            ? i
                            : static_cast<int>(random.below(static_cast<std::uint32_t>(kinds))));
  return work;
}

/// The order of sections of one song: some left out, repeated or exchanged with the next.
std::vector<int> arranged(const std::vector<int>& form, double share, Random& random) {
  std::vector<int> order;
  for (const int section : form) {
    if (double{random.uniform()} >= share) {
      order.push_back(section);
      continue;
    }
    switch (random.below(3)) {
      case 0:
        break;
      case 1:
        order.insert(order.end(), 2, section);
        break;
      default:
        order.insert(order.end() - (order.empty() ? 0 : 1), section);
    }
  }
  if (order.empty()) order.push_back(form.front());
  return order;
}

/// One song's way with a bar: other chords of like function, notes varied.
Bar varied(Bar bar, const SynthSettings& settings, Random& random) {
  if (double{random.uniform()} < settings.harmony)
    bar.chord = (bar.chord + (random.uniform() < 0.5f ? 2 : 5)) % 7;  // a third up or down
  for (int slot = 0; slot < kSlots;) {
    int end = slot + 1;
    while (end < kSlots && bar.melody[end] == bar.melody[slot]) ++end;
    if (double{random.uniform()} < settings.ornament) {
      constexpr std::array<int, 4> kTurns = {-1, 1, 2, -2};
      const int turn = kTurns[random.below(4)];
      switch (random.below(3)) {
        case 0:  // a grace note
          bar.melody[slot] += turn;
          break;
        case 1:  // another note in its place
          for (int s = slot; s < end; ++s) bar.melody[s] += turn;
          break;
        default:  // left out
          for (int s = slot; s < end; ++s) bar.melody[s] = kRest;
      }
    }
    slot = end;
  }
  return bar;
}

int pitch_class(int degree, int mode, int key) {
  const int octave = degree >= 0 ? degree / 7 : -((6 - degree) / 7);
  return ((kScales[mode][degree - 7 * octave] + key) % kPitchClasses + kPitchClasses) %
         kPitchClasses;
}

/// How a song sounds.
struct Performance {
  int key;
  double bar_seconds;
  float melody, chords, bass, fifth, noise;
};

class Renderer {
 public:
  Renderer(const Performance& performance, int mode, double frames_per_second, Random& random,
           std::vector<std::uint8_t>& chroma)
      : performance_(performance),
        mode_(mode),
        frames_per_bar_(performance.bar_seconds * frames_per_second),
        random_(random),
        chroma_(chroma) {}

  void bar(const Bar& bar) {
    end_ += frames_per_bar_;
    std::array<float, kPitchClasses> chord{};
    for (const int third : {0, 2, 4}) chord[pitch(bar.chord + third)] += performance_.chords;
    chord[pitch(bar.chord)] += performance_.bass;
    for (; static_cast<double>(frame_) + 0.5 < end_; ++frame_) {
      const double at =
          (static_cast<double>(frame_) + 0.5 - (end_ - frames_per_bar_)) / frames_per_bar_ * kSlots;
      const int slot = std::clamp(static_cast<int>(at), 0, kSlots - 1);
      std::array<float, kPitchClasses> frame = chord;
      // What sounded before still rings.
      for (int c = 0; c < kPitchClasses; ++c) frame[c] += 0.35f * ringing_[c];
      ringing_ = chord;
      if (const int note = bar.melody[slot]; note != kRest) {
        const int p = pitch(note);
        frame[p] += performance_.melody;
        ringing_[p] += performance_.melody;
        frame[(p + 7) % kPitchClasses] += performance_.fifth;  // the third partial
      }
      write(frame);
    }
  }

 private:
  int pitch(int degree) const { return pitch_class(degree, mode_, performance_.key); }

  void write(std::array<float, kPitchClasses>& frame) {
    // Four draws of 16 bits at a time.
    for (int c = 0; c < kPitchClasses; c += 4) {
      std::uint64_t bits = random_.bits();
      for (int i = c; i < c + 4; ++i, bits >>= 16) {
        const float share = static_cast<float>(bits & 0xffff) * 0x1p-16f;
        frame[i] += performance_.noise * share * share;
      }
    }
    const float scale = 255 / std::max(1e-3f, *std::max_element(frame.begin(), frame.end()));
    for (const float value : frame)
      chroma_.push_back(static_cast<std::uint8_t>(std::min(255.0f, value * scale + 0.5f)));
  }

  const Performance& performance_;
  int mode_;
  double frames_per_bar_;
  Random& random_;
  std::vector<std::uint8_t>& chroma_;
  std::int64_t frame_ = 0;
  double end_ = 0;
  std::array<float, kPitchClasses> ringing_{};
};

const SynthParameter& parameter(std::string_view name) {
  for (const SynthParameter& p : kParameters)
    if (p.name == name) return p;
  throw SettingsError(fmt::format("unknown parameter of made-up songs {}", quote(name)));
}

}  // namespace

std::span<const SynthParameter> synth_parameters() {
  return kParameters;
}

SynthSettings::SynthSettings() {
  for (const SynthParameter& p : kParameters)
    if (p.whole)
      this->*p.whole = static_cast<int>(p.initial);
    else
      this->*p.real = p.initial;
}

void SynthSettings::set(std::string_view name, std::string_view text) {
  const SynthParameter& p = parameter(name);
  double value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size() ||
      !(value >= p.low && value <= p.high) || (p.whole && value != std::floor(value)))
    throw SettingsError(fmt::format("{}: expected a {} from {:g} to {:g}, found {}", name,
                                    p.whole ? "whole number" : "number", p.low, p.high,
                                    quote(text)));
  if (p.whole)
    this->*p.whole = static_cast<int>(value);
  else
    this->*p.real = value;
}

std::string SynthSettings::get(std::string_view name) const {
  const SynthParameter& p = parameter(name);
  return p.whole ? fmt::format("{}", this->*p.whole) : fmt::format("{:g}", this->*p.real);
}

SynthSong synth_song(const SynthSettings& settings, std::uint64_t seed, std::int64_t index) {
  // Songs come in groups of `versions`: the songs of one work, or of as many works.
  const std::int64_t group = index / settings.versions;
  const std::int64_t version = index % settings.versions;
  Random kind(Random::derive(seed, 2 * static_cast<std::uint64_t>(group)));
  const bool single = settings.versions == 1 || double{kind.uniform()} < settings.singles;
  const std::uint64_t work_seed =
      Random::derive(Random::derive(seed, 2 * static_cast<std::uint64_t>(group) + 1),
                     single ? static_cast<std::uint64_t>(version) + 1 : 0);
  const Work work = compose(settings, work_seed);

  Random random(Random::derive(work_seed, 1000 + static_cast<std::uint64_t>(version)));
  const auto tempo = static_cast<float>(std::log(settings.tempo));
  const auto accompaniment = static_cast<float>(settings.accompaniment);
  Performance how;
  how.key = static_cast<int>(random.below(kPitchClasses));
  how.bar_seconds = work.bar_seconds * std::exp(double{random.uniform(-tempo, tempo)});
  how.melody = random.uniform(0.7f, 1.0f);
  how.chords = accompaniment * random.uniform(0.4f, 1.0f);
  how.bass = accompaniment * random.uniform(0.0f, 0.8f);
  how.fifth = random.uniform(0.05f, 0.3f);
  how.noise = random.uniform(0.2f, 1.0f) * static_cast<float>(settings.noise) * 2;

  // A section that comes back is performed alike.
  std::vector<std::array<Bar, kBars>> sections = work.sections;
  for (auto& section : sections)
    for (Bar& bar : section) bar = varied(bar, settings, random);
  SynthSong song;
  song.info.song_id = fmt::format("s{:09}", index);
  song.info.work_id =
      single ? fmt::format("w{:09}-{}", group, version) : fmt::format("w{:09}", group);
  Renderer renderer(how, work.mode, settings.frames_per_second, random, song.chroma);
  for (const int section : arranged(work.form, settings.structure, random))
    for (const Bar& bar : sections[static_cast<std::size_t>(section)]) renderer.bar(bar);
  return song;
}

std::vector<SynthSong> synth_songs(const SynthSettings& settings, std::uint64_t seed,
                                   std::int64_t first, std::int64_t count, int threads) {
  std::vector<SynthSong> songs(static_cast<std::size_t>(count));
  std::atomic<std::int64_t> next{0};
  const auto work = [&] {
    constexpr std::int64_t kAtOnce = 16;
    for (std::int64_t from; (from = next.fetch_add(kAtOnce)) < count;)
      for (std::int64_t i = from; i < std::min(count, from + kAtOnce); ++i)
        songs[static_cast<std::size_t>(i)] = synth_song(settings, seed, first + i);
  };
  std::vector<std::jthread> team;
  for (int i = 1; i < threads; ++i) team.emplace_back(work);
  work();
  team.clear();
  return songs;
}

}  // namespace reprise
