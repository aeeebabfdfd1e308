// Chroma of audio on the emulated device: against the definition, and against the CPU's.
#include "../audio_fixture.h"
#include "../oracle_chroma.h"
#include "../tolerance.h"
#include "audio/chroma.h"
#include "audio/frames.h"
#include "reprise/backend.h"
#include "reprise/random.h"
#include "test_kernels.h"

namespace reprise::emulation {
namespace {

class CudaChroma : public EmulationTest {
 protected:
  // A lower rate and shorter windows keep the plain loops quick.
  static ChromaSettings small() {
    ChromaSettings s;
    for (const auto& [key, value] : {std::pair{"rate", "4000"},
                                     {"longest_window", "2048"},
                                     {"shortest_window", "512"},
                                     {"lowest", "40"},
                                     {"highest", "88"}})
      s.set(key, value);
    return s;
  }
  static std::vector<float> noise(std::size_t samples, std::uint64_t seed) {
    Random random(seed);
    std::vector<float> x(samples);
    for (float& value : x) value = 0.1f * random.normal();
    return x;
  }
  static std::vector<AudioChroma> chroma(const std::vector<std::vector<float>>& songs,
                                         const ChromaSettings& settings) {
    const auto backend = make_cuda_backend();
    const ChromaTables tables = chroma_tables(settings);
    const auto engine = backend->chroma_engine(tables);
    std::vector<CutSong> cut;
    for (const std::vector<float>& song : songs) cut.push_back(cut_song(song, settings, tables));
    return engine->chroma(cut);
  }
  static AudioChroma of_cpu(const std::vector<float>& x, const ChromaSettings& settings) {
    return ChromaExtractor(settings).extract([&]() -> Samples::Source {
      return [left = std::span(x)](std::span<float> out) mutable {
        const std::size_t count = std::min(out.size(), left.size());
        std::copy_n(left.begin(), count, out.begin());
        left = left.subspan(count);
        return count;
      };
    });
  }
};

TEST_F(CudaChroma, IsWhatTheDefinitionSays) {
  ChromaSettings untuned = small(), plain = small();
  untuned.set("tuning", "0");
  plain.set("harmonics", "0");
  plain.set("frames_per_second", "1.3");
  const std::vector<std::vector<float>> songs = {melody({57.37, 61.37, 64.37}, 4000),
                                                 noise(5000, 7),
                                                 {0.5f},
                                                 noise(4444, 8),
                                                 melody({69, 72}, 4000, 0.4)};
  for (const ChromaSettings& settings : {small(), untuned, plain}) {
    const std::vector<AudioChroma> results = chroma(songs, settings);
    ASSERT_EQ(results.size(), songs.size());
    for (std::size_t i = 0; i < songs.size(); ++i) {
      const auto truth = oracle::chroma<double>(songs[i], settings);
      const auto single = oracle::chroma<float>(songs[i], settings);
      EXPECT_NEAR(results[i].tuning, truth.tuning, 1e-5) << i;
      EXPECT_DOUBLE_EQ(results[i].seconds, double(songs[i].size()) / 4000);
      expect_close(results[i].chroma, truth.chroma, single.chroma,
                   settings.description() + ", song " + std::to_string(i));
    }
  }
}

// A song of several calls of the transform, in the default settings' resolutions; frames of beats.
TEST_F(CudaChroma, EqualsTheCpus) {
  ChromaSettings beats;
  beats.set("beats", "1");
  ChromaSettings fine = small();
  fine.set("frames_per_second", "20");
  struct Case {
    ChromaSettings settings;
    std::vector<float> song;
  };
  for (const auto& [settings, song] :
       {Case{ChromaSettings(), melody(kMelody, 11025)}, Case{beats, melody(kMelody, 11025)},
        Case{fine, noise(400000, 9)}}) {
    const AudioChroma cpu = of_cpu(song, settings);
    const AudioChroma cuda = chroma({song}, settings).at(0);
    ASSERT_EQ(cuda.chroma.size(), cpu.chroma.size());
    EXPECT_NEAR(cuda.tuning, cpu.tuning, 1e-6);
    EXPECT_EQ(cuda.seconds, cpu.seconds);
    for (std::size_t i = 0; i < cpu.chroma.size(); ++i)
      ASSERT_NEAR(cuda.chroma[i], cpu.chroma[i], 1e-4) << settings.description() << " " << i;
  }
}

TEST_F(CudaChroma, DoesNotDependOnTheSongsBesideNorOnTheOrderOfThreads) {
  const std::vector<std::vector<float>> songs = {noise(9000, 1), melody({60.2, 64.2}, 4000),
                                                 noise(3000, 2)};
  const std::vector<AudioChroma> together = chroma(songs, small());
  for (const Schedule& schedule : orders()) {
    SCOPED_TRACE(to_string(schedule));
    cudaDeviceReset();
    set_schedule(schedule);
    for (std::size_t i = 0; i < songs.size(); ++i) {
      const AudioChroma alone = chroma({songs[i]}, small()).at(0);
      EXPECT_EQ(alone.chroma, together[i].chroma) << i;
      EXPECT_EQ(alone.tuning, together[i].tuning) << i;
    }
  }
}

// The tuning is that of the first ten minutes.
TEST_F(CudaChroma, TuningIsReadFromTheFirstTenMinutes) {
  ChromaSettings settings = small();
  settings.set("frames_per_second", "0.5");
  settings.set("harmonics", "0");
  std::vector<float> song = melody({64.2}, 4000, 602);
  const std::vector<float> later = melody({64.9}, 4000, 300);
  song.insert(song.end(), later.begin(), later.end());
  const AudioChroma cuda = chroma({song}, settings).at(0);
  EXPECT_NEAR(cuda.tuning, of_cpu(song, settings).tuning, 1e-6);
  EXPECT_NEAR(cuda.tuning, 0.2, 0.03);
}

TEST_F(CudaChroma, OfNoSongsIsNone) {
  EXPECT_TRUE(chroma({}, small()).empty());
}

TEST_F(CudaChroma, TheEnginesMemoryGoesWithIt) {
  const auto backend = make_cuda_backend();
  const std::size_t before = backend->free_memory();
  const ChromaSettings settings = small();
  const ChromaTables tables = chroma_tables(settings);
  {
    const auto engine = backend->chroma_engine(tables);
    const CutSong song = cut_song(noise(5000, 1), settings, tables);
    engine->chroma({&song, 1});
    EXPECT_LT(backend->free_memory(), before);
  }
  EXPECT_EQ(backend->free_memory(), before);
  EXPECT_EQ(make_cpu_backend(1)->chroma_engine(tables), nullptr) << "the front end is the CPU's";
}

TEST_F(CudaChroma, LittleMemorySaysWhatIsLeft) {
  const ChromaSettings settings = small();
  const ChromaTables tables = chroma_tables(settings);
  const CutSong song = cut_song(noise(5000000, 1), settings, tables);
  set_device_memory(std::size_t{20} << 20);
  const auto backend = make_cuda_backend();
  const auto engine = backend->chroma_engine(tables);
  EXPECT_CONTAINS(error_of([&] { engine->chroma({&song, 1}); }), "out of device memory");
}

}  // namespace
}  // namespace reprise::emulation
