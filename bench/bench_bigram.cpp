// Songs a second through the bigrams, forward and forward + backward, one core, beside the peak.
// `peak` is the share of the measured multiply-add peak, counting the operations of the lag
// identity (roofline.h).

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdlib>

#include "op_cases.h"
#include "reprise/backend.h"
#include "roofline/roofline.h"

namespace reprise {
namespace {

void run(benchmark::State& state, const BigramParams& p, int frames, bool backward) {
  const int songs = 100;
  const auto chroma = random_chroma(std::int64_t{songs} * frames, 1);
  const auto weights = bigram_case_weights(p, 2);
  std::vector<Excerpt> excerpts;
  for (int i = 0; i < songs; ++i) excerpts.push_back({std::int64_t{i} * frames, frames, 0});
  const auto backend = make_cpu_backend(1);
  const ChromaView view{chroma.data(), ChromaType::float32, std::int64_t{songs} * frames};
  std::vector<float> out(std::size_t(songs) * p.dims()), gradient(p.weights());
  const auto out_gradient = random_values(std::int64_t{songs} * p.dims(), 1, 3);
  Buffer<std::uint8_t> reserve(*backend, std::int64_t(backend->bigram_reserve(p, songs, frames)));
  for (auto _ : state) {
    backend->bigram_forward(view, excerpts.data(), songs, frames, weights.data(), p, out.data(),
                            backward ? reserve.data() : nullptr);
    if (backward)
      backend->bigram_backward(view, excerpts.data(), songs, frames, weights.data(), p,
                               out_gradient.data(), reserve.data(), gradient.data());
  }
  const double done = double(state.iterations()) * songs;
  const double operations = roofline::forward_operations(p, frames) +
                            (backward ? roofline::backward_operations(p, frames) : 0);
  state.counters["songs"] = benchmark::Counter(done, benchmark::Counter::kIsRate);
  static const double peak = roofline::peak_flops();
  state.counters["peak"] =
      benchmark::Counter(done * operations / peak, benchmark::Counter::kIsRate);
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  using namespace reprise;
  using enum Compression;
  fmt::print(stderr, "{}\n", roofline::limits());
  struct Shape {
    std::string name;
    BigramParams params;
    int frames;
  };
  const auto preset = [](int events) {
    return bigram_case_params(events, 4, 20, default_lags(), true, Pooling::mean, signed_root,
                              true);
  };
  std::vector<Shape> shapes{
      {"reprise", preset(24), 256},
      {"reprise/N12", preset(12), 256},
      {"recipe-a",
       bigram_case_params(24, 1, 12, lag_range(-7, 8), true, Pooling::mean, signed_root, true),
       256}};
  for (const int n : {12, 16, 24, 32, 48, 64})
    shapes.push_back(
        {"seed2016/N" + std::to_string(n),
         bigram_case_params(n, 1, 12, lag_range(-5, 6), false, Pooling::sum, tanh, false), 512});
  for (const Shape& shape : shapes)
    for (const bool backward : {false, true})
      benchmark::RegisterBenchmark(
          (shape.name + (backward ? "/forward+backward" : "/forward")).c_str(),
          [shape, backward](benchmark::State& state) {
            run(state, shape.params, shape.frames, backward);
          })
          ->Unit(benchmark::kMillisecond)
          ->Repetitions(5)
          ->ReportAggregatesOnly(true);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
