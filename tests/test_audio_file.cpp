#include "audio/audio_file.h"

#include <cstring>
#include <functional>
#include <limits>

#include "audio/chroma.h"
#include "audio_fixture.h"
#include "core/files.h"
#include "reprise/audio.h"
#include "reprise/error.h"

namespace reprise {
namespace {

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::vector<float> read_all(AudioFile file, std::size_t block = 1000) {
  std::vector<float> all, part(block);
  while (const std::size_t count = file.read(part)) {
    all.insert(all.end(), part.begin(), part.begin() + std::ptrdiff_t(count));
    if (count < block) break;
  }
  return all;
}

using AudioFiles = AudioFolder;

void expect_melody(const AudioChroma& song, const std::string& what) {
  ASSERT_EQ(song.chroma.size(), 18u * 12) << what;
  for (std::size_t i = 0; i < kMelody.size(); ++i) {
    const float* frame = &song.chroma[std::size_t((double(i) * 0.5 + 0.25) * 4.5) * 12];
    EXPECT_EQ(std::max_element(frame, frame + 12) - frame, int(kMelody[i]) % 12)
        << what << ", note " << i;
  }
}

TEST_F(AudioFiles, EveryRateGivesTheSameChroma) {
  std::vector<float> first;
  for (const int rate : {8000, 11025, 16000, 22050, 32000, 44100, 48000, 88200, 96000}) {
    write_audio(path("a.wav"), melody(kMelody, rate), rate);
    ChromaSettings settings;
    if (rate == 8000) settings.set("highest", "100");
    const AudioChroma song = chroma_of_audio(path("a.wav"), settings);
    expect_melody(song, std::to_string(rate));
    EXPECT_NEAR(song.tuning, 0, 0.02) << rate;
    EXPECT_NEAR(song.seconds, 4, 0.01) << rate;
    if (rate < 11025) continue;
    if (first.empty()) first = song.chroma;
    double dot = 0, a = 0, b = 0;
    for (std::size_t i = 0; i < first.size(); ++i) {
      dot += double{first[i]} * song.chroma[i];
      a += double{first[i]} * first[i];
      b += double{song.chroma[i]} * song.chroma[i];
    }
    EXPECT_GT(dot / std::sqrt(a * b), 0.995) << rate;
  }
}

TEST_F(AudioFiles, EveryFormatAndAnyNumberOfChannels) {
  const std::vector<float> x = melody(kMelody, 44100);
  for (const auto& [name, format] : {std::pair{"a.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT},
                                     {"b.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_U8},
                                     {"a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16},
                                     {"a.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS},
                                     {"a.opus", SF_FORMAT_OGG | SF_FORMAT_OPUS},
                                     {"a.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III},
                                     {"a.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_24}})
    for (const int channels : {1, 2, 6}) {
      const int rate = std::string(name) == "a.opus" ? 48000 : 44100;
      if (channels > 2 && std::string(name) == "a.mp3") continue;
      write_audio(path(name), rate == 44100 ? x : melody(kMelody, rate), rate, channels, format);
      const AudioChroma song = chroma_of_audio(path(name), {});
      AudioChroma cut = song;  // codecs may add some samples at the end
      cut.chroma.resize(18 * 12);
      expect_melody(cut, name + std::string(", channels ") + std::to_string(channels));
    }
}

TEST_F(AudioFiles, ChannelsAreAveraged) {
  std::vector<float> left(1000), right(1000);
  SF_INFO info{};
  info.samplerate = 11025;
  info.channels = 2;
  info.format = SF_FORMAT_WAV | SF_FORMAT_FLOAT;
  SNDFILE* file = sf_open(path("a.wav").c_str(), SFM_WRITE, &info);
  std::vector<float> frames;
  for (int i = 0; i < 1000; ++i) frames.insert(frames.end(), {float(i) / 1024, float(i) / 2048});
  sf_writef_float(file, frames.data(), 1000);
  sf_close(file);
  const std::vector<float> x = read_all(AudioFile(path("a.wav"), 11025), 77);
  ASSERT_EQ(x.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(x[std::size_t(i)], float(i) * 3 / 4096);
}

TEST_F(AudioFiles, ResamplingKeepsLengthAndPlace) {
  for (const int rate : {8000, 44100, 48000}) {
    std::vector<float> x(std::size_t(rate), 0.0f);  // a smooth bump around .5 s
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double t = double(i) / rate - 0.5;
      x[i] = float(0.5 * std::exp(-t * t / 2e-4));
    }
    write_audio(path("a.wav"), x, rate, 1, SF_FORMAT_WAV | SF_FORMAT_FLOAT);
    const std::vector<float> y = read_all(AudioFile(path("a.wav"), 11025));
    EXPECT_NEAR(double(y.size()), 11025, 2) << rate;
    for (std::size_t i = 0; i < y.size(); ++i) {
      const double t = double(i) / 11025 - 0.5;
      EXPECT_NEAR(y[i], 0.5 * std::exp(-t * t / 2e-4), 2e-3) << rate << ", sample " << i;
    }
  }
}

TEST_F(AudioFiles, SamplesThatAreNoNumbersCountAsSilence) {
  std::vector<float> x = melody(kMelody, 11025);
  for (std::size_t i = 0; i < x.size(); i += 997) x[i] = std::numeric_limits<float>::quiet_NaN();
  x[5] = std::numeric_limits<float>::infinity();
  x[6] = 1e30f;
  write_audio(path("a.wav"), x, 11025, 1, SF_FORMAT_WAV | SF_FORMAT_FLOAT);
  const std::vector<float> y = read_all(AudioFile(path("a.wav"), 11025));
  EXPECT_EQ(y[0], 0.0f);
  EXPECT_EQ(y[5], 0.0f);
  EXPECT_EQ(y[6], AudioFile::kLoudest);
  for (const float value : chroma_of_audio(path("a.wav"), {}).chroma)
    EXPECT_TRUE(value >= 0 && value <= 1);
}

TEST_F(AudioFiles, OddFilesAreReadOrRefusedInOneLine) {
  const auto refusal = [&](const std::string& name) {
    return message_of([&] { chroma_of_audio(path(name), {}); });
  };
  EXPECT_EQ(refusal("none.wav"), path("none.wav") + ": cannot open: No such file or directory");
  EXPECT_EQ(refusal("").find(folder.string()), 0u);
  for (const std::string text : {"", "RIFF", "not audio at all"}) {
    std::ofstream(path("text.wav")) << text;
    EXPECT_EQ(refusal("text.wav").find(path("text.wav") + ": expected audio that libsndfile reads"),
              0u)
        << refusal("text.wav");
  }
  write_audio(path("silent.wav"), std::vector<float>(44100), 44100);
  EXPECT_EQ(refusal("silent.wav"), path("silent.wav") + ": expected music, found silence");
  write_audio(path("empty.wav"), {}, 44100);
  EXPECT_EQ(refusal("empty.wav"),
            path("empty.wav") + ": expected audio, found a file without samples");
  write_audio(path("one.wav"), {0.5f}, 44100);
  EXPECT_EQ(chroma_of_audio(path("one.wav"), {}).chroma.size(), 12u);
  write_audio(path("slow.wav"), std::vector<float>(100, 0.5f), 500);
  EXPECT_EQ(refusal("slow.wav"),
            path("slow.wav") + ": expected a sample rate of 1000 to 768000 Hz, found 500");

  // A header that promises more than there is, and files cut short anywhere.
  write_audio(path("whole.wav"), melody(kMelody, 11025), 11025);
  std::vector<std::uint8_t> bytes = read_file(path("whole.wav"), 1 << 24);
  const std::uint32_t huge = 0xfffffff0;
  std::memcpy(&bytes[40], &huge, 4);
  std::ofstream(path("huge.wav"), std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
  EXPECT_EQ(chroma_of_audio(path("huge.wav"), {}).chroma.size(), 18u * 12);
  for (const int format : {SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                           SF_FORMAT_OGG | SF_FORMAT_VORBIS}) {
    write_audio(path("whole"), melody(kMelody, 11025), 11025, 1, format);
    const std::vector<std::uint8_t> whole = read_file(path("whole"), 1 << 24);
    for (std::size_t length = 0; length < whole.size(); length += whole.size() / 19 + 1) {
      const std::string message =
          message_of([&] { read_all(AudioFile(std::span(whole.data(), length), "cut", 11025)); });
      EXPECT_TRUE(message == "no error" || message.find("cut: expected") == 0) << message;
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    }
  }
}

TEST_F(AudioFiles, ComeInOrderAndAlikeForAnyNumberOfThreads) {
  std::vector<std::string> paths;
  for (int i = 0; i < 40; ++i) {
    paths.push_back(path(std::to_string(i) + ".wav"));
    // The first is the longest, so that others wait for it.
    if (i != 4)
      write_audio(paths[i], melody(std::vector<double>(i == 0 ? 40 : 1, 60.0 + i), 11025), 11025);
  }
  std::vector<std::vector<float>> first;
  for (const int threads : {1, 2, 5}) {
    std::vector<std::vector<float>> songs;
    read_audio_files(paths, {}, threads, [&](std::size_t i, const AudioResult& result) {
      EXPECT_EQ(i, songs.size());
      songs.push_back(result.song.chroma);
      EXPECT_EQ(result.problem,
                i == 4 ? path("4.wav") + ": cannot open: No such file or directory" : "");
    });
    EXPECT_EQ(songs.size(), paths.size());
    EXPECT_EQ(songs[0].size(), 90u * kPitchClasses);
    if (threads == 1) first = songs;
    EXPECT_EQ(songs, first);
    std::size_t taken = 0;
    EXPECT_THROW(read_audio_files(paths, {}, threads,
                                  [&](std::size_t, const AudioResult&) {
                                    if (++taken == 3) throw std::runtime_error("enough");
                                  }),
                 std::runtime_error);
    EXPECT_EQ(taken, 3u);
  }
  read_audio_files({}, {}, 2, [](std::size_t, const AudioResult&) { FAIL() << "there is none"; });
}

/// Every frame of a song is its first sample, in all columns.
class FirstSampleEngine final : public ChromaEngine {
 public:
  std::size_t calls = 0, songs = 0, limit = std::numeric_limits<std::size_t>::max();

  std::vector<AudioChroma> chroma(std::span<const CutSong> cut) override {
    ++calls;
    songs += cut.size();
    if (songs > limit) throw Error("the device is gone");
    EXPECT_LE(cut.size(), 16u) << "a device has not room for any number";
    std::vector<AudioChroma> results;
    for (const CutSong& song : cut) {
      const float value = song.samples[std::size_t(ChromaSettings().longest_window) / 2];
      results.push_back(
          {std::vector<float>(std::size_t(song.frames) * kPitchClasses, value), song.seconds, 0});
    }
    return results;
  }
};

TEST_F(AudioFiles, AnEngineComputesWhatThreadsRead) {
  std::vector<std::string> paths;
  for (int i = 0; i < 40; ++i) {
    paths.push_back(path(std::to_string(i) + ".wav"));
    // The first is the longest; of silence, and of what is no file, an engine makes nothing.
    if (i != 4)
      write_audio(paths[i], std::vector<float>(i == 0 ? 800000 : 3000, float(i % 9) / 8), 11025, 1,
                  SF_FORMAT_WAV | SF_FORMAT_FLOAT);
  }
  for (const int threads : {1, 2, 5}) {
    FirstSampleEngine engine;
    std::size_t next = 0;
    read_audio_files(
        paths, {}, threads,
        [&](std::size_t i, const AudioResult& result) {
          EXPECT_EQ(i, next++);
          EXPECT_EQ(result.problem, i == 4 ? paths[4] + ": cannot open: No such file or directory"
                                    : i % 9 == 0 ? paths[i] + ": expected music, found silence"
                                                 : "");
          if (result.problem.empty()) {
            EXPECT_EQ(result.song.chroma, std::vector<float>(12, float(i % 9) / 8)) << i;
            EXPECT_DOUBLE_EQ(result.song.seconds, 3000.0 / 11025);
          }
        },
        &engine);
    EXPECT_EQ(next, paths.size());
    EXPECT_EQ(engine.songs, paths.size() - 1);
    // Whoever fails, all stop, and it is said.
    EXPECT_THROW(read_audio_files(
                     paths, {}, threads,
                     [](std::size_t i, const AudioResult&) {
                       if (i == 20) throw std::runtime_error("enough");
                     },
                     &engine),
                 std::runtime_error);
    engine.limit = engine.songs + 20;
    EXPECT_THROW(read_audio_files(
                     paths, {}, threads, [](std::size_t, const AudioResult&) {}, &engine),
                 Error);
  }
  FirstSampleEngine engine;
  const auto none = [](std::size_t, const AudioResult&) { FAIL() << "there is none"; };
  read_audio_files({}, {}, 2, none, &engine);
  EXPECT_EQ(engine.calls, 0u);
}

TEST_F(AudioFiles, LongSongsAreNotCutForAnEngine) {
  write_audio(path("a.wav"), melody(kMelody, 11025), 11025);
  ChromaExtractor extractor{ChromaSettings()};
  const std::size_t length = kMelody.size() * 11025 / 2;
  EXPECT_TRUE(extractor.cut(path("a.wav"), length));
  EXPECT_FALSE(extractor.cut(path("a.wav"), length - 1));
}

}  // namespace
}  // namespace reprise
