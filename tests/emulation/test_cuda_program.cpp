// The command-line program with an emulated device: what it computes there and on the CPU.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "../audio_fixture.h"
#include "../program_test.h"
#include "io/npy.h"

namespace reprise {
namespace {

class CudaProgram : public ProgramTest {
 protected:
  CudaProgram() : ProgramTest(REPRISE_EMULATED, small_set(6, 2, 60)) {}

  Result run_on(const std::string& device, const std::string& arguments) const {
    return run(arguments + " --precision fp32 --device " + device);
  }
  // On the CPU, unless the model is not there.
  void train(const std::string& more = "") const {
    const Result r = run_on("cpu",
                            "train --data set.h5 --out m.safetensors --set steps=4 --set "
                            "validate_every=4 --set works_per_batch=4 --set crop=50 --set "
                            "projection=4 --set projection_pca=6 " +
                                more);
    ASSERT_EQ(r.status, 0) << r.err;
  }

  void expect_same_fingerprints() const {
    for (const char* device : {"cpu", "cuda:0"}) {
      const Result r = run_on(device, "fingerprint --data set.h5 --model m.safetensors --out " +
                                          std::string(device).substr(0, 4) + ".npy");
      ASSERT_EQ(r.status, 0) << r.err;
      EXPECT_EQ(r.err.find("device: cuda:0, CUDA emulation") == 0, device[1] == 'u') << r.err;
    }
    const auto cpu = read_npy((folder / "cpu.npy").string());
    const auto cuda = read_npy((folder / "cuda.npy").string());
    ASSERT_EQ(cpu.values.size(), cuda.values.size());
    for (std::size_t i = 0; i < cpu.values.size(); ++i)
      ASSERT_NEAR(cpu.values[i], cuda.values[i], 2e-4) << i;
  }

  void expect_same_answers() const {
    ASSERT_EQ(run("index create c.db --model m.safetensors").status, 0);
    ASSERT_EQ(run("index add c.db --data set.h5 --device cpu").status, 0);
    for (const std::string rerank : {"", " --rerank 5"}) {
      nlohmann::json answers[2];
      for (const bool cuda : {false, true}) {
        const Result r = run_on(cuda ? "cuda" : "cpu", "query c.db --data set.h5 --json" + rerank);
        ASSERT_EQ(r.status, 0) << r.err;
        answers[cuda] = nlohmann::json::parse(r.out)["queries"];
      }
      ASSERT_EQ(answers[0].size(), answers[1].size());
      for (std::size_t q = 0; q < answers[0].size(); ++q) {
        const auto &cpu = answers[0][q]["matches"], &cuda = answers[1][q]["matches"];
        ASSERT_EQ(cpu.size(), cuda.size());
        for (std::size_t m = 0; m < cpu.size(); ++m) {
          EXPECT_EQ(cpu[m]["song_id"], cuda[m]["song_id"]) << "query " << q << ", match " << m;
          EXPECT_EQ(cpu[m]["transposition"], cuda[m]["transposition"]);
          EXPECT_NEAR(cpu[m]["score"].get<double>(), cuda[m]["score"].get<double>(), 2e-4);
        }
      }
    }
  }
};

TEST_F(CudaProgram, DevicesListsIt) {
  const Result r = run("devices");
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("\ncuda:0, CUDA emulation on the host, sm_80, 2.1 GB\n"), std::string::npos)
      << r.out;
}

TEST_F(CudaProgram, TakesTheDeviceThatIsAskedFor) {
  ASSERT_EQ(::setenv("EMULATED_DEVICES", "2", 1), 0);
  const Result list = run("devices");
  const Result there = run_on("cuda:1", "evaluate --data set.h5 --method cov");
  const Result beyond = run_on("cuda:2", "evaluate --data set.h5 --method cov");
  ::unsetenv("EMULATED_DEVICES");
  EXPECT_NE(list.out.find("\ncuda:0, CUDA emulation on the host, sm_80, 2.1 GB\n"
                          "cuda:1, CUDA emulation on the host, sm_80, 2.1 GB\n"),
            std::string::npos)
      << list.out;
  EXPECT_EQ(there.status, 0) << there.err;
  EXPECT_EQ(there.err.substr(0, there.err.find('\n')),
            "device: cuda:1, CUDA emulation on the host, sm_80, 2.1 GB, fp32");
  EXPECT_EQ(beyond.status, 1);
  EXPECT_EQ(beyond.err,
            "reprise: --device cuda:2: there is no CUDA device 2: this machine has 2, numbered "
            "from 0; use --device cpu\n");
}

TEST_F(CudaProgram, RefusesADeviceThatIsNotThere) {
  const Result r = run("evaluate --data set.h5 --method cov --device cuda:2");
  EXPECT_EQ(r.status, 1);
  EXPECT_EQ(
      r.err,
      "reprise: --device cuda:2: there is no CUDA device 2: this machine has 1, numbered from "
      "0; use --device cpu\n");
  EXPECT_EQ(run("evaluate --data set.h5 --method cov --device cuda:x").status, 2);
}

TEST_F(CudaProgram, FingerprintsEqualTheCpus) {
  train();
  expect_same_fingerprints();
}

// Every method, re-ranking too: the same ranks, hence the same figures.
TEST_F(CudaProgram, EvaluateEqualsTheCpus) {
  train();
  nlohmann::json figures[2];
  for (const bool cuda : {false, true}) {
    const Result r =
        run_on(cuda ? "cuda" : "cpu",
               "evaluate --data set.h5 --model m.safetensors --rerank 5 --method cov --method corr "
               "--method 2dftm --method 2dftm-seed --method 2dftm-pca --json figures.json");
    ASSERT_EQ(r.status, 0) << r.err;
    figures[cuda] = nlohmann::json::parse(read(path("figures.json")))["methods"];
  }
  ASSERT_EQ(figures[0].size(), 7u);
  for (std::size_t m = 0; m < 7; ++m)
    for (const char* figure : {"map", "mr1", "p1", "p10", "r5"})
      EXPECT_EQ(figures[0][m][figure], figures[1][m][figure])
          << figures[0][m]["name"] << " " << figure;
}

TEST_F(CudaProgram, QueryEqualsTheCpus) {
  train();
  expect_same_answers();
}

// Bigrams of two models under one projection.
TEST_F(CudaProgram, JoinedModelsEqualTheCpus) {
  train("--set event_length=1 --set lags=0:3");
  fs::rename(path("m.safetensors"), path("short.safetensors"));
  train();
  fs::rename(path("m.safetensors"), path("long.safetensors"));
  const Result r =
      run_on("cpu", "join long.safetensors short.safetensors --data set.h5 --out m.safetensors");
  ASSERT_EQ(r.status, 0) << r.err;
  expect_same_fingerprints();
  expect_same_answers();
}

// Bigrams alike in all keys: the device sums over the rotations, the CPU transforms.
TEST_F(CudaProgram, InvariantModelsEqualTheCpus) {
  train(
      "--set key_mode=invariant --set query_keys=1 --set pairs=intervals --set num_filters=24 "
      "--set "
      "tie_rotations=true --set projection=0");
  expect_same_fingerprints();
}

// Event networks, before a dense layer and before bigrams.
TEST_F(CudaProgram, NetworksEqualTheCpus) {
  for (const std::string head : {"--set pools=4,8 --set dense=12", "--set pools=4,1"}) {
    SCOPED_TRACE(head);
    const Result r = run_on(
        "cpu",
        "train --data set.h5 --out m.safetensors --preset seed2016 --set steps=4 --set "
        "pairs_per_batch=4 --set patches=2 --set patch_frames=32 --set layer_filters=6 --set "
        "layer_frames=3 --set event_length=2 --set windows=2 " +
            head);
    ASSERT_EQ(r.status, 0) << r.err;
    expect_same_fingerprints();
    expect_same_answers();
    fs::remove(path("c.db"));
  }
}

// Decoded by threads, computed on the device: the same songs, and the same ones left out.
TEST_F(CudaProgram, AudioIsImportedAsOnTheCpu) {
  fs::create_directory(path("music"));
  for (int i = 0; i < 5; ++i) {
    std::vector<double> notes(kMelody.begin(), kMelody.begin() + 3 + i);
    for (double& note : notes) note += 0.9 * i - 2;
    write_audio(path("music/" + std::to_string(i) + ".wav"), melody(notes, 22050), 22050);
  }
  write_audio(path("music/silence.wav"), std::vector<float>(9000), 22050);
  std::ofstream(path("music/bad.flac")) << "no music";
  std::string said[2];
  SongSet sets[2];
  for (const bool cuda : {false, true}) {
    const Result r = run(std::string("import audio music --jobs 2 --verbose --type float32 --out "
                                     "music.h5 --device ") +
                         (cuda ? "cuda:0" : "cpu"));
    ASSERT_EQ(r.status, 0) << r.err;
    EXPECT_EQ(r.err.find("device: cuda:0, CUDA emulation") == 0, cuda) << r.err;
    said[cuda] = r.out.substr(0, r.out.find("time "));
    sets[cuda] = read_song_set(path("music.h5"));
  }
  EXPECT_NE(said[0].find("imported\t4.wav\t4.wav\t16 frames, -38 cents\n"), std::string::npos)
      << said[0];
  EXPECT_NE(said[0].find("music/silence.wav: expected music, found silence\n"), std::string::npos)
      << said[0];
  EXPECT_NE(said[0].find("damaged    2\n"), std::string::npos) << said[0];
  EXPECT_EQ(said[0], said[1]);
  EXPECT_EQ(sets[0].song_id, sets[1].song_id);
  EXPECT_EQ(sets[0].offsets, sets[1].offsets);
  EXPECT_EQ(sets[0].chroma_source, sets[1].chroma_source);
  ASSERT_EQ(sets[0].chroma_float.size(), sets[1].chroma_float.size());
  for (std::size_t i = 0; i < sets[0].chroma_float.size(); ++i)
    ASSERT_NEAR(sets[0].chroma_float[i], sets[1].chroma_float[i], 1e-4) << i;
}

// A driver without cuFFT: what was asked for fails, what was left to the program goes on.
TEST_F(CudaProgram, AudioWithoutCufftIsTheCpus) {
  write_audio(path("a.wav"), melody(kMelody, 22050), 22050);
  ASSERT_EQ(::setenv("EMULATED_WITHOUT_CUFFT", "1", 1), 0);
  const Result asked = run("import audio a.wav --out a.h5 --device cuda");
  const Result left = run("import audio a.wav --out b.h5");
  ::unsetenv("EMULATED_WITHOUT_CUFFT");
  EXPECT_EQ(asked.status, 1);
  EXPECT_NE(asked.err.find("\nreprise: --device cuda: chroma of audio: "), std::string::npos)
      << asked.err;
  EXPECT_NE(asked.err.find("cuFFT status 7: is the library installed?"), std::string::npos)
      << asked.err;
  EXPECT_FALSE(fs::exists(path("a.h5")));
  EXPECT_EQ(left.status, 0) << left.err;
  EXPECT_NE(left.err.find("\nchroma of audio on the CPU: "), std::string::npos) << left.err;
  EXPECT_EQ(read_song_set(path("b.h5")).songs(), 1);
}

// Audio where a song is expected: the model's frames, on the device of the command.
TEST_F(CudaProgram, AudioIsAskedAsOnTheCpu) {
  train();
  write_audio(path("a.wav"), melody(kMelody, 22050), 22050);
  nlohmann::json answers[2];
  for (const bool cuda : {false, true}) {
    const Result r = run_on(cuda ? "cuda" : "cpu",
                            "query set.h5 --model m.safetensors a.wav --any-chroma --json");
    ASSERT_EQ(r.status, 0) << r.err;
    answers[cuda] = nlohmann::json::parse(r.out)["queries"][0]["matches"];
  }
  ASSERT_EQ(answers[0].size(), answers[1].size());
  for (std::size_t m = 0; m < answers[0].size(); ++m)
    EXPECT_NEAR(answers[0][m]["score"].get<double>(), answers[1][m]["score"].get<double>(), 1e-3);
}

// The device has not the memory for the catalogue: the user is told, and the answers are the same.
TEST_F(CudaProgram, QuerySaysWhenItGoesThroughSlices) {
  const Result trained =
      run_on("cpu",
             "train --data set.h5 --out m.safetensors --set steps=2 --set "
             "validate_every=2 --set works_per_batch=4 --set crop=50 --set "
             "projection=0 --set projection_pca=0 --set num_filters=4 --set windows=2");
  ASSERT_EQ(trained.status, 0) << trained.err;
  write_song_set(path("many.h5"), small_set(640, 2, 12));
  ASSERT_EQ(run("index create c.db --model m.safetensors").status, 0);
  ASSERT_EQ(run("index add c.db --data many.h5 --device cpu").status, 0);
  const std::string query = "query c.db --id test-w0-0 --id noise-7 --json";
  const Result cpu = run_on("cpu", query);
  ASSERT_EQ(::setenv("EMULATED_MEMORY", "700000", 1), 0);
  const Result cuda = run_on("cuda", query);
  ::unsetenv("EMULATED_MEMORY");
  ASSERT_EQ(cuda.status, 0) << cuda.err;
  EXPECT_NE(cuda.err.find("device: 4480 songs do not fit in its memory; each search goes through "),
            std::string::npos)
      << cuda.err;
  const auto answers = nlohmann::json::parse(cpu.out)["queries"];
  const auto in_slices = nlohmann::json::parse(cuda.out)["queries"];
  for (std::size_t q = 0; q < 2; ++q)
    for (std::size_t m = 0; m < 10; ++m)
      EXPECT_EQ(in_slices[q]["matches"][m]["song_id"], answers[q]["matches"][m]["song_id"])
          << "query " << q << ", match " << m;
}

}  // namespace
}  // namespace reprise
