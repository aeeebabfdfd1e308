// What the public headers allow on several threads at once, for ThreadSanitizer to watch.

#include <gtest/gtest.h>

#include <numeric>
#include <thread>
#include <vector>

#include "reprise/baselines.h"
#include "reprise/index.h"
#include "small_set.h"

extern "C" {
int openblas_get_num_threads(void);
void openblas_set_num_threads(int);
}

namespace reprise {
namespace {

constexpr int kCallers = 4;

template <class Call>
void at_once(Call&& call) {
  std::vector<std::jthread> callers;
  for (int caller = 0; caller < kCallers; ++caller) callers.emplace_back(call, caller);
}

TEST(ConcurrentSearch, ManyThreadsFingerprintAndSearchOneIndex) {
  const SongSet set = small_set(4, 3);
  std::vector<std::int64_t> songs(static_cast<std::size_t>(set.songs()));
  std::iota(songs.begin(), songs.end(), 0);
  const auto backend = make_cpu_backend(2);
  const auto method = make_fingerprinter("bihistogram", *backend, set, {});
  const Index index(*backend, method->compute(set, songs, Keys::candidate), ScanFormat::int8);
  const auto expected = index.search(method->compute(set, songs, Keys::query), 5);

  std::vector<std::vector<std::vector<Match>>> found(kCallers);
  at_once([&](int caller) {
    found[caller] = index.search(method->compute(set, songs, Keys::query), 5);
  });
  for (const auto& matches : found) {
    ASSERT_EQ(matches.size(), expected.size());
    for (std::size_t query = 0; query < expected.size(); ++query) {
      ASSERT_EQ(matches[query].size(), expected[query].size());
      for (std::size_t k = 0; k < expected[query].size(); ++k) {
        EXPECT_EQ(matches[query][k].candidate, expected[query][k].candidate);
        EXPECT_EQ(matches[query][k].score, expected[query][k].score);
      }
    }
  }
}

TEST(ConcurrentSearch, LeavesTheProgramsBlasThreadsAsTheyWere) {
  const int before = openblas_get_num_threads();
  openblas_set_num_threads(2);
  const auto backend = make_cpu_backend(2);
  at_once([&](int) {
    const std::vector<float> in(80 * 300, 0.5f), weight(40 * 300, 0.25f), bias(40);
    std::vector<float> out(80 * 40);
    for (int i = 0; i < 20; ++i)
      backend->run(ops::Project{.in = in.data(),
                                .rows = 80,
                                .in_dims = 300,
                                .weight = weight.data(),
                                .bias = bias.data(),
                                .out_dims = 40,
                                .out = out.data()});
  });
  EXPECT_EQ(openblas_get_num_threads(), 2);
  openblas_set_num_threads(before);
}

}  // namespace
}  // namespace reprise
