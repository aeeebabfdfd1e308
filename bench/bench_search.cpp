// Milliseconds to find the ten best of 100,000 vectors, for one vector, one song in 12 keys and 100
// songs in 12 keys, beside the peak of the arithmetic that the scan uses. Before it is timed each
// answer is compared with that of a float32 scan.
//
// Names are BENCH/PEER/THREADS, which bench/compare/run reads.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <thread>

#include "op_cases.h"
#include "reprise/backend.h"
#include "reprise/roofline.h"

namespace reprise {
namespace {

constexpr int kBest = 10;

struct Shape {
  std::string name;
  std::int64_t candidates;
  int dims;
  std::int64_t queries;
  int keys;
};

const char* precision_name(ScanFormat format) {
  return format == ScanFormat::fp32 ? "fp32" : format == ScanFormat::bf16 ? "bf16" : "int8";
}

double peak_of(ScanFormat format) {
  static const double peaks[] = {roofline::peak_flops(), roofline::peak_bfloat16_flops(),
                                 roofline::peak_byte_operations()};
  const double peak = peaks[static_cast<int>(format)];
  return peak > 0 ? peak : peaks[0];  // decoded to floats where there is no instruction for it
}

// Unit vectors [count, dims], made once.
const std::vector<float>& unit_vectors(std::int64_t count, int dims, std::uint64_t seed) {
  static std::map<std::tuple<std::int64_t, int, std::uint64_t>, std::vector<float>> made;
  std::vector<float>& values = made[{count, dims, seed}];
  if (!values.empty()) return values;
  values = random_values(count * dims, 1, seed);
  for (std::size_t first = 0; first < values.size(); first += dims) {
    double square = 0;
    for (int d = 0; d < dims; ++d) square += double(values[first + d]) * values[first + d];
    for (int d = 0; d < dims; ++d) values[first + d] /= float(std::sqrt(square));
  }
  return values;
}

void run(benchmark::State& state, const Shape& shape, ScanFormat format, int threads) {
  const auto& vectors = unit_vectors(shape.candidates, shape.dims, 1);
  const auto& q = unit_vectors(shape.queries * shape.keys, shape.dims, 2);
  const auto backend = make_cpu_backend(threads);
  Buffer<std::uint8_t> scan(
      *backend, std::int64_t(backend->scan_bytes(shape.candidates, shape.dims, format)));
  backend->run(ops::PrepareScan{.vectors = vectors.data(),
                                .count = shape.candidates,
                                .dims = shape.dims,
                                .format = format,
                                .scan = scan.data()});
  std::vector<std::int64_t> ids(shape.queries * kBest), truth = ids;
  std::vector<float> scores(ids.size());
  std::vector<std::int32_t> keys(ids.size());
  const auto search = [&](ScanFormat scanned, std::vector<std::int64_t>& found) {
    backend->run(ops::TopK{
        .q = q.data(),
        .queries = shape.queries,
        .keys = shape.keys,
        .candidates = {vectors.data(), scanned == ScanFormat::fp32 ? nullptr : scan.data(), scanned,
                       shape.candidates, shape.dims},
        .k = kBest,
        .ids = found.data(),
        .scores = scores.data(),
        .best_key = keys.data()});
  };
  search(ScanFormat::fp32, truth);
  search(format, ids);
  if (ids != truth) {
    state.SkipWithError("the answers differ from those of a float32 scan");
    return;
  }
  for (auto _ : state) search(format, ids);
  const double operations = 2.0 * double(shape.queries) * shape.keys * double(shape.candidates) *
                            shape.dims * double(state.iterations());
  state.counters["peak"] =
      benchmark::Counter(operations / (peak_of(format) * threads), benchmark::Counter::kIsRate);
  state.counters["queries"] = benchmark::Counter(double(shape.queries) * double(state.iterations()),
                                                 benchmark::Counter::kIsRate);
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  using namespace reprise;
  fmt::print(stderr, "{}\n", roofline::limits());
  const int cores = int(std::thread::hardware_concurrency());
  for (const Shape& shape :
       {Shape{"search 100k x 256, 1 vector", 100000, 256, 1, 1},
        Shape{"search 100k x 256, 1 song in 12 keys", 100000, 256, 1, 12},
        Shape{"search 100k x 256, 100 songs in 12 keys", 100000, 256, 100, 12},
        Shape{"search 10k x 1728, 100 songs in 12 keys", 10000, 1728, 100, 12}})
    for (const ScanFormat format : {ScanFormat::fp32, ScanFormat::bf16, ScanFormat::int8})
      for (int threads = 1; threads <= cores; threads += std::max(1, cores - 1))
        benchmark::RegisterBenchmark(
            fmt::format("{}/reprise {}/{}", shape.name, precision_name(format), threads).c_str(),
            [=](benchmark::State& state) { run(state, shape, format, threads); })
            ->Unit(benchmark::kMillisecond)
            ->UseRealTime()
            ->Repetitions(7)
            ->ReportAggregatesOnly(true);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
