// The CUDA back end on the emulated device, op by op against the CPU back end, and its handling of
// memory, streams and missing devices.
#include "../op_cases.h"
#include "reprise/backend.h"
#include "test_kernels.h"

namespace reprise::emulation {
namespace {

class CudaBackend : public EmulationTest {};

std::vector<float> values(std::int64_t count) {
  return random_values(count, 1, 5);
}

TEST_F(CudaBackend, NamesDeviceArchitectureMemoryAndPrecision) {
  EXPECT_EQ(make_cuda_backend(0, MathMode::bf16)->description(),
            "cuda:0, CUDA emulation on the host, sm_80, 2.1 GB, bf16");
  EXPECT_EQ(cuda_devices(),
            std::vector<std::string>{"cuda:0, CUDA emulation on the host, sm_80, 2.1 GB"});
}

TEST_F(CudaBackend, ComputesOnTheDeviceThatIsAskedFor) {
  set_device_count(2);
  EXPECT_EQ(cuda_devices(),
            (std::vector<std::string>{"cuda:0, CUDA emulation on the host, sm_80, 2.1 GB",
                                      "cuda:1, CUDA emulation on the host, sm_80, 2.1 GB"}));
  for (const int device : {1, 0}) {
    const auto backend = make_cuda_backend(device);
    int current = -1;
    ASSERT_EQ(cudaGetDevice(&current), cudaSuccess);
    EXPECT_EQ(current, device);
    EXPECT_TRUE(backend->description().starts_with("cuda:" + std::to_string(device)));
    const std::vector<float> sent = values(100);
    EXPECT_EQ(Buffer<float>(*backend, sent).download(), sent);
  }
  EXPECT_EQ(error_of([] { make_cuda_backend(2); }),
            "there is no CUDA device 2: this machine has 2, numbered from 0");
}

TEST_F(CudaBackend, SaysWhyThereIsNone) {
  EXPECT_EQ(error_of([] { make_cuda_backend(3); }),
            "there is no CUDA device 3: this machine has 1, numbered from 0");
  set_device_count(0);
  EXPECT_EQ(error_of([] { make_cuda_backend(); }), "no CUDA device was found");
  EXPECT_EQ(error_of([] { cuda_devices(); }), "no CUDA device was found");
}

// The emulation runs copies when they are waited for: a host array that is changed meanwhile must
// have been copied before. The array is larger than both staging halves.
TEST_F(CudaBackend, HostMemoryIsFreeAfterAnUpload) {
  const auto backend = make_cuda_backend();
  const std::vector<float> sent = values(3 << 20);
  std::vector<float> host = sent;
  Buffer<float> small(*backend, 5), large(*backend, std::int64_t(host.size()));
  small.upload(std::span(host).first(5));
  large.upload(host);
  std::fill(host.begin(), host.end(), 0.0f);
  EXPECT_EQ(large.download(), sent);
  EXPECT_EQ(small.download(), std::vector<float>(sent.begin(), sent.begin() + 5));
}

TEST_F(CudaBackend, GivesItsMemoryBack) {
  {
    const auto backend = make_cuda_backend();
    const std::size_t before = backend->free_memory();
    {
      const Buffer<float> array(*backend, 1000);
      EXPECT_LE(backend->free_memory(), before - 4000);
    }
  }
  EXPECT_EQ(device_bytes_in_use(), 0u);
}

TEST_F(CudaBackend, OutOfMemorySaysWhatIsLeftAndGoesOn) {
  set_device_memory(std::size_t{100} << 20);
  const auto backend = make_cuda_backend();
  EXPECT_EQ(
      error_of([&] { backend->allocate(std::size_t{1} << 30); }),
      "out of device memory: 1.07 GB were asked for, 104.9 MB of 104.9 MB are left: work on fewer "
      "or shorter songs at once");
  const std::vector<float> sent = values(100);
  EXPECT_EQ(Buffer<float>(*backend, std::span<const float>(sent)).download(), sent);
}

/// Fingerprints, and the gradient of the weights where it is asked for.
std::vector<float> bigrams(Backend& backend, const CaseSongs& songs, bool backward) {
  const BigramParams& p = songs.p;
  const Buffer<float> chroma(backend, songs.chroma), weights(backend, songs.weights),
      out_gradient(backend, songs.out_gradient);
  const Buffer<Excerpt> excerpts(backend, songs.excerpts);
  const ChromaView view = songs.view(chroma.data());
  Buffer<float> out(backend, songs.count() * p.dims()), gradient(backend, p.weights());
  Buffer<std::uint8_t> reserve(
      backend, std::int64_t(backend.bigram_reserve(p, songs.count(), songs.longest)));
  backend.run(ops::BigramForward{.songs = {view, excerpts.data(), songs.count(), songs.longest},
                                 .weights = weights.data(),
                                 .params = p,
                                 .out = out.data(),
                                 .reserve = backward ? reserve.data() : nullptr});
  if (!backward) return out.download();
  backend.run(ops::BigramBackward{.songs = {view, excerpts.data(), songs.count(), songs.longest},
                                  .weights = weights.data(),
                                  .params = p,
                                  .out_gradient = out_gradient.data(),
                                  .reserve = reserve.data(),
                                  .gradient = gradient.data()});
  return gradient.download();
}

void expect_alike(const std::vector<float>& a, const std::vector<float>& b) {
  ASSERT_EQ(a.size(), b.size());
  double scale = 0, error = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    scale = std::max(scale, std::abs(double{b[i]}));
    error = std::max(error, std::abs(double{a[i]} - double{b[i]}));
  }
  EXPECT_LE(error, 1e-4 * scale);
}

TEST_F(CudaBackend, BigramsEqualTheCpus) {
  const auto cuda = make_cuda_backend(0, MathMode::fp32), cpu = make_cpu_backend(1);
  std::vector<BigramCase> cases = banded_cases();
  // Where the slope of the signed root is largest, two right gradients differ by more.
  std::erase_if(cases, [](const BigramCase& c) {
    return c.name == "eight_bands" || c.name == "three_bands";
  });
  for (const BigramCase& c : bigram_cases())
    if (c.name == "n12_default_lags" || c.name == "ragged") cases.push_back(c);
  for (const BigramCase& c : cases) {
    SCOPED_TRACE(c.name);
    const CaseSongs songs(c);
    expect_alike(bigrams(*cuda, songs, false), bigrams(*cpu, songs, false));
    expect_alike(bigrams(*cuda, songs, true), bigrams(*cpu, songs, true));
  }
}

TEST_F(CudaBackend, DeclinesBandsThatItHasNoRoomForOrThatDisagree) {
  const auto cuda = make_cuda_backend();
  const CaseSongs large(banded_cases().back());
  EXPECT_EQ(error_of([&] { bigrams(*cuda, large, true); }),
            "bigrams on a GPU: 64 filters of 16 frames and 8 bands need 491 kB of shared memory, "
            "there are 98 kB; use fewer or shorter filters, or the CPU");
  EXPECT_EQ(error_of([&] {
              BigramParams p = bigram_cases()[3].params;
              cuda->run(ops::BigramForward{
                  .songs = {{nullptr, ChromaType::float32, 9, 2, 24}, nullptr, 1, 9}, .params = p});
            }),
            "chroma: expected 1 bands of 12 pitch classes, found 2");
  EXPECT_EQ(
      error_of([&] {
        cuda->run(ops::Align{.queries = {{nullptr, ChromaType::float32, 9, 3, 36}, nullptr, 1},
                             .candidates = {{}, nullptr, 1},
                             .count = 1});
      }),
      "chroma: expected 1 bands of 12 pitch classes, found 3");
}

// CaseSongs of a call are taken in pieces where the memory does not hold the scratch of all: 2.4 MB
// are for arrays, 1.0 MB of scratch would be needed.
TEST_F(CudaBackend, LittleMemoryGivesTheSameFingerprints) {
  BigramCase c = bigram_cases()[2];
  c.frames.assign(60, 20);
  const CaseSongs songs(c);
  const std::vector<float> all = bigrams(*make_cuda_backend(), songs, false);
  set_device_memory(std::size_t{2600} << 10);
  EXPECT_EQ(bigrams(*make_cuda_backend(), songs, false), all);
}

TEST_F(CudaBackend, CapturedOpsReadTheValuesOfEachLaunch) {
  const auto backend = make_cuda_backend();
  const CaseSongs songs(bigram_cases()[3]);
  const BigramParams& p = songs.p;
  const Buffer<float> chroma(*backend, songs.chroma);
  Buffer<float> weights(*backend, p.weights()), out(*backend, songs.count() * p.dims());
  const Buffer<Excerpt> excerpts(*backend, songs.excerpts);
  const ChromaView view{chroma.data(), ChromaType::float32, chroma.size() / kPitchClasses};
  const auto run = [&] {
    backend->run(ops::BigramForward{.songs = {view, excerpts.data(), songs.count(), songs.longest},
                                    .weights = weights.data(),
                                    .params = p,
                                    .out = out.data()});
  };
  const auto graph = backend->capture(run);
  for (const int seed : {2, 7}) {
    weights.upload(bigram_case_weights(p, std::uint64_t(seed)));
    graph->launch();
    const std::vector<float> launched = out.download();
    run();
    EXPECT_EQ(launched, out.download());
    EXPECT_NE(launched, std::vector<float>(launched.size()));
  }
  EXPECT_THROW(backend->capture([] { throw Error("no"); }), Error);
  graph->launch();
  EXPECT_EQ(out.download().size(), std::size_t(songs.count() * p.dims()));
}

/// Chroma and excerpts that augment() gives.
std::vector<float> augmented(Backend& backend, const AugmentParams& p) {
  const std::vector<float> songs = random_chroma(600, 1);
  std::vector<TrainingExcerpt> takes;
  for (int i = 0; i < 3; ++i) takes.push_back({{i * 200, 200, i * 5}, std::uint64_t(i) + 40});
  const Buffer<float> chroma(backend, std::span<const float>(songs));
  const Buffer<TrainingExcerpt> on_device(backend, std::span<const TrainingExcerpt>(takes));
  const std::vector<float> blank(3 * std::size_t(p.crop) * 12, 0.0f);
  Buffer<float> out(backend, std::span<const float>(blank));
  Buffer<Excerpt> where(backend, 3);
  backend.run(ops::Augment{.chroma = {chroma.data(), ChromaType::float32, 600},
                           .excerpts = on_device.data(),
                           .count = 3,
                           .params = p,
                           .out = out.data(),
                           .out_excerpts = where.data()});
  std::vector<float> result = out.download();
  for (const Excerpt& e : where.download()) result.push_back(float(e.frames));
  return result;
}

TEST_F(CudaBackend, AugmentEqualsTheCpus) {
  AugmentParams p;
  p.crop = 150;
  p.stretch_low = 0.75f;
  p.stretch_high = 1.35f;
  p.drop = p.noise = 0.05f;
  p.power_low = 0.6f;
  p.power_high = 1.6f;
  p.power_share = 0.5f;
  expect_alike(augmented(*make_cuda_backend(), p), augmented(*make_cpu_backend(1), p));
}

TEST_F(CudaBackend, ProjectionsEqualTheCpus) {
  const int rows = 5, in_dims = 70, dims = 33;
  const auto project = [&](Backend& backend) {
    const Buffer<float> in(backend, random_values(rows * in_dims, 1, 1)),
        weight(backend, random_values(dims * in_dims, 1, 2)),
        bias(backend, random_values(dims, 1, 3));
    Buffer<float> out(backend, rows * dims);
    backend.run(ops::Project{.in = in.data(),
                             .rows = rows,
                             .in_dims = in_dims,
                             .weight = weight.data(),
                             .bias = bias.data(),
                             .out_dims = dims,
                             .out = out.data()});
    return out.download();
  };
  const std::vector<float> on_cpu = project(*make_cpu_backend(1));
  expect_alike(project(*make_cuda_backend(0, MathMode::fp32)), on_cpu);
  set_device_memory(std::size_t{16} << 20);  // less than cuBLAS likes to have for itself
  expect_alike(project(*make_cuda_backend(0, MathMode::fp32)), on_cpu);
}

}  // namespace
}  // namespace reprise::emulation
