#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "op_cases.h"
#include "reprise/backend.h"

namespace reprise {
namespace {

struct SearchCase {
  std::int64_t queries;
  int keys;
  std::int64_t candidates;
  int dims;
  int k;
};

std::ostream& operator<<(std::ostream& out, const SearchCase& c) {
  return out << c.queries << "x" << c.keys << " of " << c.candidates << "x" << c.dims;
}

// Values on a coarse grid: products are exact, so that scores equal the definition's and ties
// abound.
std::vector<float> grid_values(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = float(int(random.below(5)) - 2) / 4;
  return values;
}

class Search : public testing::TestWithParam<SearchCase> {};

TEST_P(Search, TopKEqualsSortingEverything) {
  const SearchCase& c = GetParam();
  const auto q = grid_values(c.queries * c.keys * c.dims, 1);
  const auto vectors = grid_values(c.candidates * c.dims, 2);
  std::vector<std::int64_t> ids(c.queries * c.k);
  std::vector<float> scores(c.queries * c.k), all(c.queries * c.candidates);
  std::vector<std::int32_t> keys(c.queries * c.k);
  const auto backend = make_cpu_backend(3);
  backend->top_k(q.data(), c.queries, c.keys, vectors.data(), c.candidates, c.dims, c.k, ids.data(),
                 scores.data(), keys.data());
  backend->similarities(q.data(), c.queries, c.keys, vectors.data(), c.candidates, c.dims, nullptr,
                        all.data());
  const auto product = [&](std::int64_t row, std::int64_t candidate) {
    double sum = 0;
    for (int d = 0; d < c.dims; ++d)
      sum += double(q[row * c.dims + d]) * double(vectors[candidate * c.dims + d]);
    return sum;
  };
  for (std::int64_t query = 0; query < c.queries; ++query) {
    std::vector<double> best(c.candidates, -std::numeric_limits<double>::infinity());
    for (std::int64_t candidate = 0; candidate < c.candidates; ++candidate) {
      for (int key = 0; key < c.keys; ++key)
        best[candidate] = std::max(best[candidate], product(query * c.keys + key, candidate));
      ASSERT_EQ(all[query * c.candidates + candidate], best[candidate]);
    }
    std::vector<std::int64_t> order(c.candidates);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::int64_t a, std::int64_t b) { return best[a] > best[b]; });
    for (int r = 0; r < c.k; ++r) {
      const std::int64_t at = query * c.k + r;
      if (r >= c.candidates) {
        EXPECT_EQ(ids[at], -1);
        continue;
      }
      ASSERT_EQ(ids[at], order[r]) << "query " << query << ", rank " << r + 1;
      ASSERT_EQ(scores[at], best[order[r]]);
      ASSERT_EQ(product(query * c.keys + keys[at], ids[at]), best[order[r]]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Search,
                         testing::Values(SearchCase{1, 1, 1, 1, 1}, SearchCase{1, 12, 2500, 17, 10},
                                         SearchCase{200, 2, 1025, 8, 100},
                                         SearchCase{3, 5, 7, 3, 20},
                                         SearchCase{193, 1, 1024, 4, 1}));

TEST(Similarities, BiasIsAddedToEveryScore) {
  const std::vector<float> q{1, 2}, c{1, 0, 0, 1}, bias{10, -10};
  std::vector<float> out(2);
  make_cpu_backend(1)->similarities(q.data(), 1, 1, c.data(), 2, 2, bias.data(), out.data());
  EXPECT_EQ(out[0], 11.0f);
  EXPECT_EQ(out[1], -8.0f);
}

}  // namespace
}  // namespace reprise
