// Every case of every op in tests/ops on the CPU, on one core and on all. Each is checked against
// its definition before it is timed; the time includes what a case uploads between its steps.
//
// Names are OP/CASE/THREADS.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <set>
#include <thread>

#include "ops/all.h"

namespace reprise::ops_test {
namespace {

template <class Op>
void run(benchmark::State& state, const typename Op::Case& c, int threads) {
  const auto backend = make_cpu_backend(threads);
  if (!Definition<Op>(c).holds(results_of<Op>(*backend, c)))
    return state.SkipWithError("not what it should be");
  typename Op::On on(*backend, c);
  for (auto _ : state) on.run();
}

template <class Op>
void add() {
  for (const auto& c : Op::cases())
    for (const int threads :
         std::set<int>{1, static_cast<int>(std::thread::hardware_concurrency())})
      benchmark::RegisterBenchmark(fmt::format("{}/{}/{}", Op::kName, c.name, threads).c_str(),
                                   [=](benchmark::State& state) { run<Op>(state, c, threads); })
          ->Unit(benchmark::kMicrosecond)
          ->UseRealTime();
}

template <class... Ops>
void add_all(testing::Types<Ops...>) {
  (add<Ops>(), ...);
}

}  // namespace
}  // namespace reprise::ops_test

int main(int argc, char** argv) {
  reprise::ops_test::add_all(reprise::ops_test::AllOps{});
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
