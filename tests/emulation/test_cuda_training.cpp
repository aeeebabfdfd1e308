// Training on the emulated device: the losses of the CPU back end, whole runs, and songs that the
// device has no room for.
#include <unistd.h>

#include <atomic>

#include "../small_set.h"
#include "emulation/engine.h"
#include "reprise/error.h"
#include "reprise/trainer.h"
#include "test_kernels.h"

namespace reprise::emulation {
namespace {

class CudaRun : public EmulationTest {
 protected:
  /// Loss and gradient norm of each step, and the learned weights; stopped before the end.
  std::vector<double> losses(Backend& backend, const Config& config, std::int64_t steps) {
    std::vector<double> values;
    std::atomic<bool> stop{false};
    const auto note = [&](const TrainingProgress& p) {
      was_resident = p.resident;
      values.push_back(p.loss);
      values.push_back(p.gradient_norm);
      stop = p.step == steps;
    };
    train(backend, set, config, {.report = note, .stop = &stop});
    return values;
  }

  static Config config(const std::string& preset) {
    Config c = Config::of_preset(preset);
    c.steps = 50;
    c.validate_every = 50;
    c.works_per_batch = 4;
    c.pairs_per_batch = 4;
    c.crop = 70;
    c.patches = 3;
    c.patch_frames = 24;
    c.projection = 0;  // there are too few songs to fit one
    return c;
  }

  bool was_resident = false;
  SongSet set = small_set(6, 2, 80);
};

class CudaTraining : public CudaRun, public ::testing::WithParamInterface<const char*> {};

// Adam's first steps follow the gradient's signs, also where it is next to nothing: the rate is
// kept low, so that rounding does not choose the weights.
TEST_P(CudaTraining, FirstLossesAreTheCpus) {
  Config c = config(GetParam());
  c.learning_rate = 1e-4;
  const std::int64_t steps = 4;
  const auto cpu = losses(*make_cpu_backend(1), c, steps);
  const auto cuda = losses(*make_cuda_backend(0, MathMode::fp32), c, steps);
  ASSERT_EQ(cpu.size(), 2u * steps);
  ASSERT_EQ(cuda.size(), cpu.size());
  for (std::size_t i = 0; i < cpu.size(); ++i)
    EXPECT_NEAR(cuda[i], cpu[i], (i % 2 == 0 ? 2e-4 : 2e-3) * std::abs(cpu[i]))
        << (i % 2 == 0 ? "loss" : "gradient norm") << " of step " << i / 2 + 1;
}

// Networks of event layers, before a dense layer and before bigrams.
TEST_F(CudaRun, NetworksLearnAsOnTheCpu) {
  for (const bool dense : {true, false}) {
    SCOPED_TRACE(dense ? "dense" : "bigrams");
    Config c = config("seed2016");
    c.learning_rate = 1e-4;
    c.layer_filters = {10};
    c.layer_frames = {3};
    c.num_filters = 12;
    c.event_length = 2;
    c.pools = {4, dense ? 6 : 1};
    if (dense) c.dense = {16, 9};
    const auto cpu = losses(*make_cpu_backend(1), c, 4);
    const auto cuda = losses(*make_cuda_backend(0, MathMode::fp32), c, 4);
    ASSERT_EQ(cpu.size(), 8u);
    ASSERT_EQ(cuda.size(), cpu.size());
    for (std::size_t i = 0; i < cpu.size(); ++i)
      EXPECT_NEAR(cuda[i], cpu[i], (i % 2 == 0 ? 2e-4 : 2e-3) * std::abs(cpu[i])) << i;
  }
}

// The second band is the first one two frames later.
TEST_F(CudaRun, SongsOfSeveralBandsLearnAsOnTheCpu) {
  const SongSet one = set;
  set.bands = 2;
  set.chroma_float.clear();
  for (std::int64_t song = 0; song < one.songs(); ++song)
    for (std::int64_t t = one.offsets[song]; t < one.offsets[song + 1]; ++t)
      for (const std::int64_t from : {t, std::min(t + 2, one.offsets[song + 1] - 1)})
        for (int c = 0; c < kPitchClasses; ++c)
          set.chroma_float.push_back(one.chroma().at(from, c));
  for (const char* preset : {"reprise", "seed2016"}) {
    SCOPED_TRACE(preset);
    Config c = config(preset);
    c.bands = 2;
    c.learning_rate = 1e-4;
    const auto cpu = losses(*make_cpu_backend(1), c, 3);
    const auto cuda = losses(*make_cuda_backend(0, MathMode::fp32), c, 3);
    ASSERT_EQ(cpu.size(), 6u);
    ASSERT_EQ(cuda.size(), cpu.size());
    for (std::size_t i = 0; i < cpu.size(); ++i)
      EXPECT_NEAR(cuda[i], cpu[i], (i % 2 == 0 ? 2e-4 : 2e-3) * std::abs(cpu[i])) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Presets, CudaTraining,
                         ::testing::Values("reprise", "recipe-a", "seed2016"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// Bytes, as large sets have them: resident, then copied batch by batch, then not even a batch fits.
TEST_F(CudaRun, SongsThatDoNotFitAreCopiedBatchByBatch) {
  set = small_set(4, 2, 4000);  // 1.4 MB
  set.type = ChromaType::uint8;
  for (const float value : set.chroma_float)
    set.chroma_uint8.push_back(static_cast<std::uint8_t>(std::min(1.0f, value) * 255));
  set.chroma_float.clear();
  Config c = config("reprise");
  c.works_per_batch = 2;
  const auto resident = losses(*make_cuda_backend(), c, 3);
  EXPECT_TRUE(was_resident);
  set_device_memory(std::size_t{2} << 20);
  EXPECT_EQ(losses(*make_cuda_backend(), c, 3), resident);
  EXPECT_FALSE(was_resident);
  set_device_memory(std::size_t{200} << 10);
  EXPECT_EQ(error_of([&] { losses(*make_cuda_backend(), c, 3); }).substr(0, 21),
            "out of device memory:");
}

}  // namespace
}  // namespace reprise::emulation
