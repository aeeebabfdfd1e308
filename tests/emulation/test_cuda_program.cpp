// The command-line program with an emulated device: what it computes there and on the CPU.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

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
  void train() const {
    const Result r = run_on("cpu",
                            "train --data set.h5 --out m.safetensors --set steps=4 --set "
                            "validate_every=4 --set works_per_batch=4 --set crop=50 --set "
                            "projection=4 --set projection_pca=6");
    ASSERT_EQ(r.status, 0) << r.err;
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

}  // namespace
}  // namespace reprise
