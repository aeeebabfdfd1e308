#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <thread>

#include "cli/commands.h"
#include "reprise/config.h"
#include "reprise/op_params.h"
#include "reprise/random.h"
#include "reprise/roofline.h"

namespace reprise::cli {
namespace {

std::vector<float> uniform_values(std::int64_t count, float low, float high, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = random.uniform(low, high);
  return values;
}

struct BenchCommand {
  std::string preset = "reprise";
  int threads = 0;
  double seconds = 0.5;

  void run() const {
    const Config config = Config::of_preset(preset);
    const int team =
        threads > 0 ? threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    const auto backend = make_cpu_backend(team);
    fmt::print("{}\n{}\n\n", backend->description(), roofline::limits());
    fmt::print("{:<52}{:>18}{:>10}\n", "preset " + preset, "best", "of peak");
    bigrams(*backend, config, team);
    search(*backend, config, team);
  }

 private:
  // Shortest of many runs, at least three, that take `seconds` together: some fall between the
  // interruptions of a busy machine.
  double shortest(const std::function<void()>& work) const {
    using Clock = std::chrono::steady_clock;
    const auto since = [](Clock::time_point begin) {
      return std::chrono::duration<double>(Clock::now() - begin).count();
    };
    work();  // memory is touched, caches are warm
    double best = std::numeric_limits<double>::infinity();
    const Clock::time_point begin = Clock::now();
    for (int run = 0; run < 3 || since(begin) < seconds; ++run) {
      const Clock::time_point now = Clock::now();
      work();
      best = std::min(best, since(now));
    }
    return best;
  }

  static void row(const std::string& work, const std::string& rate, double share) {
    fmt::print("{:<52}{:>18}{:>8.0f} %\n", work, rate, 100 * share);
  }

  void bigrams(Backend& backend, const Config& config, int team) const {
    constexpr std::int64_t kSongs = 100;
    const BigramParams p = bigram_params(config);
    const int frames = training_frames(config);
    const auto chroma = uniform_values(kSongs * frames * kPitchClasses, 0, 1, 1);
    const auto weights = uniform_values(p.weights(), -0.2f, 0.2f, 2);
    const auto out_gradient = uniform_values(kSongs * p.dims(), -1, 1, 3);
    std::vector<Excerpt> excerpts;
    for (std::int64_t i = 0; i < kSongs; ++i) excerpts.push_back({i * frames, frames, 0});
    const SongBatch songs{
        {chroma.data(), ChromaType::float32, kSongs * frames}, excerpts.data(), kSongs, frames};
    std::vector<float> out(static_cast<std::size_t>(kSongs * p.dims())), gradient(p.weights());
    Buffer<std::uint8_t> reserve(
        backend, static_cast<std::int64_t>(backend.bigram_reserve(p, kSongs, frames)));
    const double peak = roofline::peak_flops() * team;
    for (const bool both : {false, true}) {
      const double time = shortest([&] {
        backend.run(ops::BigramForward{.songs = songs,
                                       .weights = weights.data(),
                                       .params = p,
                                       .out = out.data(),
                                       .reserve = both ? reserve.data() : nullptr});
        if (both)
          backend.run(ops::BigramBackward{.songs = songs,
                                          .weights = weights.data(),
                                          .params = p,
                                          .out_gradient = out_gradient.data(),
                                          .reserve = reserve.data(),
                                          .gradient = gradient.data()});
      });
      const double operations = roofline::forward_operations(p, frames) +
                                (both ? roofline::backward_operations(p, frames) : 0);
      row(fmt::format("bigrams of {} frames, forward{}", frames, both ? " and backward" : ""),
          fmt::format("{:.0f} songs/s", kSongs / time), operations * kSongs / time / peak);
    }
  }

  void search(Backend& backend, const Config& config, int team) const {
    constexpr std::int64_t kValues = 25'600'000;
    constexpr int kBest = 10;
    const int dims = config.projection > 0 ? config.projection : config.bigrams();
    const int keys = config.query_keys;
    const std::int64_t count = std::min<std::int64_t>(100'000, kValues / dims);
    const auto vectors = uniform_values(count * dims, -1, 1, 4);
    const auto query = uniform_values(std::int64_t{keys} * dims, -1, 1, 5);
    Buffer<std::uint8_t> scan(
        backend, static_cast<std::int64_t>(backend.scan_bytes(count, dims, ScanFormat::int8)));
    backend.run(ops::PrepareScan{.vectors = vectors.data(),
                                 .count = count,
                                 .dims = dims,
                                 .format = ScanFormat::int8,
                                 .scan = scan.data()});
    std::int64_t ids[kBest];
    float scores[kBest];
    std::int32_t best_keys[kBest];
    const double time = shortest([&] {
      backend.run(
          ops::TopK{.q = query.data(),
                    .queries = 1,
                    .keys = keys,
                    .candidates = {vectors.data(), scan.data(), ScanFormat::int8, count, dims},
                    .k = kBest,
                    .ids = ids,
                    .scores = scores,
                    .best_key = best_keys});
    });
    const double bytes = roofline::peak_byte_operations();
    const double peak = (bytes > 0 ? bytes : roofline::peak_flops()) * team;
    const double operations = 2.0 * keys * static_cast<double>(count) * dims;
    row(fmt::format("exact search of {} vectors of {}, {} key{}", count, dims, keys,
                    keys == 1 ? "" : "s"),
        fmt::format("{:.0f} queries/s", 1 / time), operations / time / peak);
  }
};

}  // namespace

void add_bench(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand(
      "bench", "Measure the speed of the CPU back end against the limits of this machine");
  const auto options = std::make_shared<BenchCommand>();
  command->add_option("--preset", options->preset, "preset whose shapes are measured")
      ->check(CLI::IsMember(preset_names()))
      ->capture_default_str();
  command->add_option("--threads", options->threads, "threads; 0: one per core")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  command->add_option("--seconds", options->seconds, "seconds to repeat each measurement for")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  command->footer(
      "Operations are counted after the lag identity, a multiply-add as two. The peak is that of\n"
      "fp32 multiply-adds (for the search, of bytes) times the number of threads.\n\n"
      "Example:\n  reprise bench --preset seed2016 --threads 1\n");
  command->callback([&action, options] { action = [options] { options->run(); }; });
}

}  // namespace reprise::cli
