// Songs a second through the bigrams, forward and forward + backward, one core and all, beside the
// peak. `peak` is the share of the cores' measured multiply-add peak, counting the operations of
// the lag identity (roofline.h).
//
// Names are BENCH/PEER/THREADS, which bench/compare/run reads. Rates on one core are by processor
// time.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <thread>

#include "op_cases.h"
#include "reprise/backend.h"
#include "reprise/roofline.h"

namespace reprise {
namespace {

void run(benchmark::State& state, const BigramParams& p, int songs, int frames, bool backward,
         int threads) {
  const auto chroma = random_chroma(std::int64_t{songs} * frames, 1);
  const auto weights = bigram_case_weights(p, 2);
  std::vector<Excerpt> excerpts;
  for (int i = 0; i < songs; ++i) excerpts.push_back({std::int64_t{i} * frames, frames, 0});
  const auto backend = make_cpu_backend(threads);
  const ChromaView view{chroma.data(), ChromaType::float32, std::int64_t{songs} * frames};
  std::vector<float> out(std::size_t(songs) * p.dims()), gradient(p.weights());
  const auto out_gradient = random_values(std::int64_t{songs} * p.dims(), 1, 3);
  Buffer<std::uint8_t> reserve(*backend, std::int64_t(backend->bigram_reserve(p, songs, frames)));
  for (auto _ : state) {
    backend->run(ops::BigramForward{.songs = {view, excerpts.data(), songs, frames},
                                    .weights = weights.data(),
                                    .params = p,
                                    .out = out.data(),
                                    .reserve = backward ? reserve.data() : nullptr});
    if (backward)
      backend->run(ops::BigramBackward{.songs = {view, excerpts.data(), songs, frames},
                                       .weights = weights.data(),
                                       .params = p,
                                       .out_gradient = out_gradient.data(),
                                       .reserve = reserve.data(),
                                       .gradient = gradient.data()});
  }
  const double done = double(state.iterations()) * songs;
  const double operations = roofline::forward_operations(p, frames) +
                            (backward ? roofline::backward_operations(p, frames) : 0);
  state.counters["songs"] = benchmark::Counter(done, benchmark::Counter::kIsRate);
  static const double peak = roofline::peak_flops();
  state.counters["peak"] =
      benchmark::Counter(done * operations / (peak * threads), benchmark::Counter::kIsRate);
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
    int songs, frames;
  };
  const auto preset = [](int events) {
    return bigram_case_params(events, 4, 20, default_lags(), true, Pooling::mean, signed_root,
                              true);
  };
  const auto seed2016 = [](int events) {
    return bigram_case_params(events, 1, 12, lag_range(-5, 6), false, Pooling::sum, tanh, false);
  };
  std::vector<Shape> shapes{
      {"reprise", preset(24), 100, 256},
      {"reprise with N = 12", preset(12), 100, 256},
      {"recipe-a",
       bigram_case_params(24, 1, 12, lag_range(-7, 8), true, Pooling::mean, signed_root, true), 100,
       256},
      {"seed2016", seed2016(12), 100, 512}};
  for (const int n : {16, 24, 32, 48, 64})
    shapes.push_back({fmt::format("seed2016 with N = {}", n), seed2016(n), 100, 512});
  shapes.push_back({"reprise, one song of a million frames", preset(24), 1, 1'000'000});
  const int cores = int(std::thread::hardware_concurrency());
  for (const Shape& shape : shapes)
    for (const bool backward : {false, true})
      for (int threads = 1; threads <= cores; threads += std::max(1, cores - 1)) {
        auto* of_shape = benchmark::RegisterBenchmark(
            fmt::format("bigrams, {}, {}/reprise/{}", shape.name,
                        backward ? "forward + backward" : "forward", threads)
                .c_str(),
            [=](benchmark::State& state) {
              run(state, shape.params, shape.songs, shape.frames, backward, threads);
            });
        of_shape->Unit(benchmark::kMillisecond)->Repetitions(5)->ReportAggregatesOnly(true);
        if (threads > 1) of_shape->UseRealTime();
      }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
