// Where the time of a training step goes: milliseconds of each op, for each preset, on a song set;
// for the default preset with products of bfloat16 too.
//
//   bench_train SET.h5 [THREADS] [STEPS]
//
// On one thread it is processor time, so that other programs count less; on several, time by the
// clock.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <map>
#include <string>
#include <vector>

#include "forwarding_backend.h"
#include "reprise/error.h"
#include "reprise/song_set.h"
#include "reprise/trainer.h"

namespace reprise {
namespace {

double milliseconds(int threads) {
  timespec now{};
  clock_gettime(threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

/// Notes how long each call of an op of the training step takes.
class TimingBackend final : public ForwardingBackend {
 public:
  TimingBackend(int threads, MathMode math) : ForwardingBackend(threads, math), threads_(threads) {}

  std::map<std::string, std::vector<double>> times;  ///< milliseconds of each call

 private:
#define REPRISE_OP(Op)                                                \
  void perform(const ops::Op& op) override {                          \
    timed(name_of(op, #Op), [&] { ForwardingBackend::perform(op); }); \
  }
  REPRISE_OPS(REPRISE_OP)
#undef REPRISE_OP

  template <class Op>
  static std::string name_of(const Op& op, const char* name) {
    if constexpr (requires {
                    op.out;
                    op.reserve;
                  })
      if (!op.reserve) return std::string(name) + ", validation";
    return name;
  }
  template <class Op>
  void timed(const std::string& name, Op&& op) {
    const double begin = milliseconds(threads_);
    op();
    times[name].push_back(milliseconds(threads_) - begin);
  }

  int threads_;
};

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + std::ptrdiff_t(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

void profile(const SongSet& set, const std::string& preset, int threads, std::int64_t steps,
             MathMode math) {
  Config config = Config::of_preset(preset);
  config.steps = steps;
  config.validate_every = steps + 1;
  TimingBackend backend(threads, math);
  std::vector<double> whole;
  double last = milliseconds(threads);
  std::atomic<bool> stop{false};
  const auto note = [&](const TrainingProgress& progress) {
    whole.push_back(milliseconds(threads) - last);
    stop = progress.step + 1 >= steps;  // before the validation and the projection of the end
    last = milliseconds(threads);
  };
  train(backend, set, config, {.report = note, .stop = &stop});

  const double step = median(whole);
  const double both =
      median(backend.times["BigramForward"]) + median(backend.times["BigramBackward"]);
  fmt::print(
      "{}{}: {:.2f} ms a step ({} thread{}, medians of {}), {:.2f} times forward + backward\n",
      preset, math == MathMode::bf16 ? ", bf16" : "", step, threads, threads == 1 ? "" : "s",
      whole.size(), step / both);
  double rest = step;
  for (const auto& [name, values] : backend.times) {
    rest -= median(values);
    fmt::print("  {:<12}{:8.3f} ms {:5.1f} %\n", name, median(values), 100 * median(values) / step);
  }
  fmt::print("  {:<12}{:8.3f} ms {:5.1f} %\n", "the rest", rest, 100 * rest / step);
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  using namespace reprise;
  const int threads = argc > 2 ? std::atoi(argv[2]) : 1;
  const int steps = argc > 3 ? std::atoi(argv[3]) : 60;
  if (argc < 2 || threads < 1 || steps < 3) {
    fmt::print(stderr, "usage: bench_train SET.h5 [THREADS] [STEPS, 3 or more]\n");
    return 2;
  }
  try {
    const SongSet set = read_song_set(argv[1]);
    for (const char* preset : {"reprise", "recipe-a", "seed2016"})
      profile(set, preset, threads, steps, MathMode::fp32);
    profile(set, "reprise", threads, steps, MathMode::bf16);
  } catch (const Error& error) {
    fmt::print(stderr, "reprise: {}\n", error.what());
    return 1;
  }
}
