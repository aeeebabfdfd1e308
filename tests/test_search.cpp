#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "every_instruction_set.h"
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

constexpr ScanFormat kPrecisions[] = {ScanFormat::fp32, ScanFormat::bf16, ScanFormat::int8};

struct Answer {
  std::vector<std::int64_t> ids;
  std::vector<float> scores;
  std::vector<std::int32_t> keys;
  bool operator==(const Answer&) const = default;
};

Answer top_k(const std::vector<float>& q, const std::vector<float>& vectors, const SearchCase& c,
             ScanFormat format, int threads) {
  const auto backend = make_cpu_backend(threads);
  const Buffer<float> on_device(*backend, std::span<const float>(vectors));
  Buffer<std::uint8_t> scan(
      *backend, static_cast<std::int64_t>(backend->scan_bytes(c.candidates, c.dims, format)));
  backend->run(ops::PrepareScan{.vectors = on_device.data(),
                                .count = c.candidates,
                                .dims = c.dims,
                                .format = format,
                                .scan = scan.data()});
  Answer a{std::vector<std::int64_t>(c.queries * c.k), std::vector<float>(c.queries * c.k),
           std::vector<std::int32_t>(c.queries * c.k)};
  backend->run(ops::TopK{.q = q.data(),
                         .queries = c.queries,
                         .keys = c.keys,
                         .candidates = {on_device.data(), scan.size() > 0 ? scan.data() : nullptr,
                                        format, c.candidates, c.dims},
                         .k = c.k,
                         .ids = a.ids.data(),
                         .scores = a.scores.data(),
                         .best_key = a.keys.data()});
  return a;
}

// The definition: every product in double precision, rounded to float, everything sorted.
Answer sorted(const std::vector<float>& q, const std::vector<float>& vectors, const SearchCase& c) {
  Answer a;
  for (std::int64_t query = 0; query < c.queries; ++query) {
    std::vector<float> best(c.candidates, -std::numeric_limits<float>::infinity());
    std::vector<std::int32_t> key_of(c.candidates, 0);
    for (std::int64_t candidate = 0; candidate < c.candidates; ++candidate)
      for (int key = 0; key < c.keys; ++key) {
        double sum = 0;
        for (int d = 0; d < c.dims; ++d)
          sum += double(q[(query * c.keys + key) * c.dims + d]) *
                 double(vectors[candidate * c.dims + d]);
        if (float(sum) > best[candidate]) best[candidate] = float(sum), key_of[candidate] = key;
      }
    std::vector<std::int64_t> order(c.candidates);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::int64_t i, std::int64_t j) { return best[i] > best[j]; });
    for (int r = 0; r < c.k; ++r) {
      const bool there = r < c.candidates;
      a.ids.push_back(there ? order[r] : -1);
      a.scores.push_back(there ? best[order[r]] : -std::numeric_limits<float>::infinity());
      a.keys.push_back(there ? key_of[order[r]] : 0);
    }
  }
  return a;
}

void expect_sorted(const std::vector<float>& q, const std::vector<float>& vectors,
                   const SearchCase& c, const std::string& what) {
  const Answer truth = sorted(q, vectors, c);
  for (const ScanFormat format : kPrecisions)
    for (const int threads : {1, 3}) {
      const Answer found = top_k(q, vectors, c, format, threads);
      const std::string where =
          fmt::format("{}, format {}, {} threads", what, int(format), threads);
      ASSERT_EQ(found.ids, truth.ids) << where;
      ASSERT_EQ(found.scores, truth.scores) << where;
      ASSERT_EQ(found.keys, truth.keys) << where;
    }
}

// Values on a coarse grid: products are exact and ties abound.
std::vector<float> grid_values(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = float(int(random.below(5)) - 2) / 4;
  return values;
}

class Search : public testing::TestWithParam<SearchCase> {};

TEST_P(Search, TopKEqualsSortingEverything) {
  const SearchCase& c = GetParam();
  expect_sorted(grid_values(c.queries * c.keys * c.dims, 1), grid_values(c.candidates * c.dims, 2),
                c, "grid");
  expect_sorted(random_values(c.queries * c.keys * c.dims, 1, 3),
                random_values(c.candidates * c.dims, 1, 4), c, "normal");
}

INSTANTIATE_TEST_SUITE_P(Cases, Search,
                         testing::Values(SearchCase{1, 1, 1, 1, 1}, SearchCase{1, 12, 2500, 17, 10},
                                         SearchCase{200, 2, 1025, 8, 100},
                                         SearchCase{3, 5, 7, 3, 20}, SearchCase{5, 13, 300, 31, 7},
                                         SearchCase{193, 1, 1024, 4, 1},
                                         SearchCase{2, 1, 700, 300, 600}));

TEST(Similarities, BiasIsAddedToEveryScore) {
  const std::vector<float> q{1, 2}, c{1, 0, 0, 1}, bias{10, -10};
  std::vector<float> out(2);
  make_cpu_backend(1)->run(ops::Similarities{.q = q.data(),
                                             .queries = 1,
                                             .keys = 1,
                                             .c = c.data(),
                                             .candidates = 2,
                                             .dims = 2,
                                             .bias = bias.data(),
                                             .out = out.data()});
  EXPECT_EQ(out[0], 11.0f);
  EXPECT_EQ(out[1], -8.0f);
}

// Candidates that differ by less than a scan can see, in an order that it cannot know: a search
// that scores a fixed number of the scan's best again would fail.
TEST(CertifiedSearch, NearDuplicates) {
  const SearchCase c{2, 12, 4000, 64, 5};
  const auto q = random_values(c.queries * c.keys * c.dims, 1, 5);
  const auto base = random_values(c.dims, 1, 6);
  const auto noise = random_values(c.candidates * c.dims, 1e-4f, 7);
  std::vector<float> vectors(c.candidates * c.dims);
  for (std::size_t i = 0; i < vectors.size(); ++i) vectors[i] = base[i % c.dims] + noise[i];
  expect_sorted(q, vectors, c, "near duplicates");
}

TEST(CertifiedSearch, ManyExactTies) {
  const SearchCase c{3, 2, 5000, 32, 40};
  const auto q = random_values(c.queries * c.keys * c.dims, 1, 8);
  const auto few = random_values(7 * c.dims, 1, 9);
  std::vector<float> vectors;
  for (std::int64_t i = 0; i < c.candidates; ++i)
    vectors.insert(vectors.end(), few.begin() + i % 7 * c.dims, few.begin() + (i % 7 + 1) * c.dims);
  expect_sorted(q, vectors, c, "ties");
}

// One large value leaves a byte nothing for the others, which decide here.
TEST(CertifiedSearch, OneLargeValueHidesTheOthers) {
  const SearchCase c{1, 1, 3000, 40, 10};
  auto q = random_values(c.dims, 1, 10);
  q[0] = 0;
  auto vectors = random_values(c.candidates * c.dims, 1, 11);
  for (std::int64_t i = 0; i < c.candidates; ++i) vectors[i * c.dims] = i % 2 == 0 ? 1e4f : -1e4f;
  expect_sorted(q, vectors, c, "outliers");
}

TEST(CertifiedSearch, ZeroVectors) {
  const SearchCase c{2, 3, 500, 9, 20};
  auto q = random_values(c.queries * c.keys * c.dims, 1, 12);
  std::fill_n(q.begin(), c.keys * c.dims, 0.0f);
  auto vectors = random_values(c.candidates * c.dims, 1, 13);
  for (std::int64_t i = 0; i < c.candidates; i += 2)
    std::fill_n(vectors.begin() + i * c.dims, c.dims, 0.0f);
  expect_sorted(q, vectors, c, "zero vectors");
  std::fill(vectors.begin(), vectors.end(), 0.0f);
  expect_sorted(q, vectors, c, "nothing but zeros");
}

// Lengths from the smallest to the largest floats, whose sums overflow or vanish in the scan.
TEST(CertifiedSearch, ExtremeLengths) {
  const SearchCase c{4, 2, 900, 12, 30};
  auto q = random_values(c.queries * c.keys * c.dims, 1, 14);
  auto vectors = random_values(c.candidates * c.dims, 1, 15);
  const float lengths[] = {1e-42f, 1e-38f, 1e-30f, 1e-20f, 1, 1e15f, 1e25f, 1e37f};
  for (std::size_t i = 0; i < vectors.size(); ++i) vectors[i] *= lengths[i / c.dims % 8];
  expect_sorted(q, vectors, c, "candidates");
  for (std::size_t i = 0; i < q.size(); ++i) q[i] *= lengths[i / c.dims % 8];
  expect_sorted(q, vectors, c, "queries and candidates");
}

// The best candidate's products overflow to minus infinity and then to no number in one key, and
// the other key says nothing of it.
TEST(CertifiedSearch, OverflowInOneKey) {
  const SearchCase c{1, 2, 1000, 4, 5};
  const std::vector<float> q{1e20f, 1e20f, 1e20f, 0, 0, 0, 0, 1};
  std::vector<float> vectors(c.candidates * c.dims);
  for (std::int64_t i = 0; i < c.candidates; ++i)
    vectors[i * c.dims + 3] = 1e36f * float(1 + i % 9);
  const float best[] = {-1e20f, 1e20f, 1e20f, 0};
  std::copy_n(best, 4, vectors.end() - 4);
  expect_sorted(q, vectors, c, "overflow");
}

TEST(CertifiedSearch, EveryInstructionSet) {
  const SearchCase c{7, 3, 333, 37, 9};
  const auto q = random_values(c.queries * c.keys * c.dims, 1, 16);
  const auto vectors = random_values(c.candidates * c.dims, 1, 17);
  with_every_instruction_set([&](const char* name) { expect_sorted(q, vectors, c, name); });
}

}  // namespace
}  // namespace reprise
