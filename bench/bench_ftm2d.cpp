// Songs a second through 2DFTM: as the 2016 experiment computes it (512
// frames, 8 patches of 64) and as Bertin-Mahieux & Ellis 2012 (patches of 75, every frame, median).
//
// Names are BENCH/PEER/THREADS, which bench/compare/run reads.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <functional>
#include <thread>

#include "op_cases.h"
#include "reprise/backend.h"

namespace reprise {
namespace {

constexpr int kSongs = 200;
constexpr int kFrames = 512;

using Op = std::function<void(Backend&, ChromaView, const std::vector<Excerpt>&, float*)>;

void run(benchmark::State& state, const Op& op, int keys, int dims, int threads) {
  const auto chroma = random_chroma(std::int64_t{kSongs} * kFrames, 1);
  const ChromaView view{chroma.data(), ChromaType::float32, std::int64_t{kSongs} * kFrames};
  std::vector<Excerpt> excerpts;
  for (int song = 0; song < kSongs; ++song)
    for (int key = 0; key < keys; ++key)
      excerpts.push_back({std::int64_t{song} * kFrames, kFrames, key});
  std::vector<float> out(excerpts.size() * dims);
  const auto backend = make_cpu_backend(threads);
  for (auto _ : state) op(*backend, view, excerpts, out.data());
  state.counters["songs"] =
      benchmark::Counter(double(kSongs) * double(state.iterations()), benchmark::Counter::kIsRate);
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  using namespace reprise;
  struct Shape {
    const char* name;
    Op op;
    int keys, dims;
  };
  const auto ftm2d = [](const Ftm2dParams& params) {
    return [params](Backend& backend, ChromaView chroma, const std::vector<Excerpt>& excerpts,
                    float* out) {
      backend.run(ops::Ftm2d{.songs = {chroma, excerpts.data(), std::int64_t(excerpts.size())},
                             .params = params,
                             .out = out});
    };
  };
  const Ftm2dParams seed{64, 64, 1, false, false, false};
  const Ftm2dParams original{};
  const std::vector<Shape> shapes{
      {"2DFTM, 8 patches of 64", ftm2d(seed), 1, seed.dims()},
      {"2DFTM, median of 438 patches of 75", ftm2d(original), 1, original.dims()}};
  const int cores = int(std::thread::hardware_concurrency());
  for (const Shape& shape : shapes)
    for (int threads = 1; threads <= cores; threads += std::max(1, cores - 1)) {
      auto* of_shape = benchmark::RegisterBenchmark(
          fmt::format("{}/reprise/{}", shape.name, threads).c_str(),
          [=](benchmark::State& state) { run(state, shape.op, shape.keys, shape.dims, threads); });
      of_shape->Unit(benchmark::kMillisecond)->Repetitions(7)->ReportAggregatesOnly(true);
      if (threads > 1) of_shape->UseRealTime();
    }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
