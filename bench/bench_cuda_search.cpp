// What searches move and compute over batch x catalogue x precision, counted from how the kernels
// cut their work, with the time that an H100's limits allow; then, where there is a device, queries
// a second beside its measured limits. Without a device it says so after the counts.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>

#include "cuda_counts.h"
#include "op_cases.h"
#include "reprise/backend.h"
#include "reprise/error.h"

namespace {

using namespace reprise;

using counts::Counts;
using counts::Search;

constexpr const char* kNames[] = {"fp32", "bf16", "int8"};
constexpr ScanFormat kPrecisions[] = {ScanFormat::fp32, ScanFormat::bf16, ScanFormat::int8};

const std::vector<Search>& searches() {
  static const std::vector<Search> all{
      {1, 1, 1'000'000, 256},     {1, 12, 1'000'000, 256},   {6, 2, 1'000'000, 256},
      {100, 2, 1'000'000, 256},   {1200, 1, 1'000'000, 256}, {1200, 2, 1'000'000, 256},
      {1200, 12, 1'000'000, 256}, {1, 12, 100'000, 1728},    {1200, 12, 100'000, 1728}};
  return all;
}

// Operations of the products.
double products(const Search& s) {
  return 2.0 * double(s.rows()) * double(s.candidates) * s.dims;
}

void print_counts() {
  fmt::print(
      "counted from the code; limits of an H100: {:.2f} TB/s, {:.0f} TFLOP/s fp32, {:.0f} tf32, "
      "{:.0f} bf16, {:.0f} TOP/s int8 on tensor cores and {:.0f} beside them\n",
      counts::kMemory * 1e-12, counts::kFp32 * 1e-12, counts::kTf32 * 1e-12, counts::kBf16 * 1e-12,
      counts::kInt8 * 1e-12, 8 * counts::kInstructions * 1e-12);
  fmt::print("{:>7} {:>4} {:>10} {:>5} {:<5} {:>9} {:>9} {:>9} {:>9} {:>10} {:>12}\n", "queries",
             "keys", "catalogue", "dims", "scan", "GB", "least GB", "TOP", "ms alone", "ms shared",
             "queries/s");
  for (const Search& s : searches())
    for (const ScanFormat format : kPrecisions) {
      const Counts c = counts::search(s, format);
      fmt::print(
          "{:>7} {:>4} {:>10} {:>5} {:<5} {:>9.3f} {:>9.3f} {:>9.4f} {:>9.3f} {:>10.3f} "
          "{:>12.0f}\n",
          s.queries, s.keys, s.candidates, s.dims, kNames[int(format)], c.bytes * 1e-9,
          c.least * 1e-9, products(s) * 1e-12, c.seconds() * 1e3, c.least_seconds() * 1e3,
          double(s.queries) / c.least_seconds());
    }
}

// Median seconds of a call, which waits for its results.
double seconds(const std::function<void()>& call) {
  call();
  std::vector<double> times;
  for (int i = 0; i < 15; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    call();
    times.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  std::nth_element(times.begin(), times.begin() + 7, times.end());
  return times[7];
}

void measure(Backend& backend, const Search& s, ScanFormat format) {
  constexpr int kTop = 10;
  const auto candidates = random_values(s.candidates * s.dims, 1, 1);
  const auto queries = random_values(s.rows() * s.dims, 1, 2);
  const Buffer<float> vectors(backend, std::span<const float>(candidates)),
      q(backend, std::span<const float>(queries));
  Buffer<std::uint8_t> scan(backend,
                            std::int64_t(backend.scan_bytes(s.candidates, s.dims, format)));
  backend.run(ops::PrepareScan{.vectors = vectors.data(),
                               .count = s.candidates,
                               .dims = s.dims,
                               .format = format,
                               .scan = scan.data()});
  Buffer<std::int64_t> ids(backend, s.queries * kTop);
  Buffer<float> scores(backend, s.queries * kTop);
  Buffer<std::int32_t> keys(backend, s.queries * kTop);
  const Candidates all{vectors.data(), format == ScanFormat::fp32 ? nullptr : scan.data(), format,
                       s.candidates, s.dims};
  const double time = seconds([&] {
    backend.run(ops::TopK{.q = q.data(),
                          .queries = s.queries,
                          .keys = s.keys,
                          .candidates = all,
                          .k = kTop,
                          .ids = ids.data(),
                          .scores = scores.data(),
                          .best_key = keys.data()});
    ids.download();
  });
  const Counts c = counts::search(s, format);
  fmt::print("{:>7} {:>4} {:>10} {:>5} {:<5} {:>9.3f} {:>12.0f} {:>8.2f} {:>8.1f} {:>10.0f} %\n",
             s.queries, s.keys, s.candidates, s.dims, kNames[int(format)], time * 1e3,
             double(s.queries) / time, c.least * 1e-12 / time, products(s) * 1e-12 / time,
             100 * c.least_seconds() / time);
}

// What a copy reaches, as the sum of what it reads and writes.
double copy_bandwidth(Backend& backend) {
  const std::int64_t songs = 2048;
  const int frames = 4096;
  const Buffer<float> from(backend, songs * frames * kPitchClasses);
  Buffer<float> to(backend, from.size());
  std::vector<Excerpt> all;
  for (std::int64_t i = 0; i < songs; ++i) all.push_back({i * frames, frames + 2, 0});
  all.back().frames = frames;
  const Buffer<Excerpt> excerpts(backend, std::span<const Excerpt>(all));
  const Buffer<float> last(backend, 1);
  const double time = seconds([&] {
    backend.run(ops::Patchwork{
        .songs = {{from.data(), ChromaType::float32, songs * frames}, excerpts.data(), songs},
        .params = {1, frames},
        .out = to.data()});
    last.download();
  });
  return 8.0 * double(from.size()) / time;
}

double tensor_rate(Backend& backend) {
  constexpr int kSide = 8192;
  Buffer<float> a(backend, std::int64_t{kSide} * kSide), b(backend, a.size()), bias(backend, kSide),
      c(backend, a.size());
  a.upload(std::vector<float>(std::size_t(a.size()), 1.0f));
  b.upload(std::vector<float>(std::size_t(b.size()), 1.0f));
  bias.upload(std::vector<float>(kSide, 1.0f));
  const Buffer<float> last(backend, 1);
  const double time = seconds([&] {
    backend.run(ops::Project{.in = a.data(),
                             .rows = kSide,
                             .in_dims = kSide,
                             .weight = b.data(),
                             .bias = bias.data(),
                             .out_dims = kSide,
                             .out = c.data()});
    last.download();
  });
  return 2.0 * kSide * kSide * kSide / time;
}

}  // namespace

int main() {
  print_counts();
  try {
    const auto backend = make_cuda_backend();
    fmt::print("\n{}\nmeasured: copy {:.2f} TB/s, tf32 products {:.0f} TFLOP/s\n",
               backend->description(), copy_bandwidth(*backend) * 1e-12,
               tensor_rate(*backend) * 1e-12);
    fmt::print("{:>7} {:>4} {:>10} {:>5} {:<5} {:>9} {:>12} {:>8} {:>8} {:>12}\n", "queries",
               "keys", "catalogue", "dims", "scan", "ms", "queries/s", "TB/s", "TOP/s",
               "of the limit");
    for (const Search& s : searches())
      for (const ScanFormat format : kPrecisions) measure(*backend, s, format);
  } catch (const Error& error) {
    fmt::print("\nno CUDA device was measured: {}\n", error.what());
  }
}
