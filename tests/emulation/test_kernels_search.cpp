// The search kernels: every precision, for few and for many queries, against sorting everything in
// double precision.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <sstream>

#include "../op_cases.h"
#include "../tolerance.h"
#include "launch.h"
#include "test_kernels.h"

namespace reprise::emulation {
namespace {

using kernels::SearchPass;
using kernels::SearchResults;
using enum ScanFormat;

enum class Kernel { scan, gemm };

struct SearchCase {
  int queries, keys, candidates, dims, k;
  int width = 32, lists = 3;
};

std::ostream& operator<<(std::ostream& out, const SearchCase& c) {
  return out << c.queries << "x" << c.keys << " of " << c.candidates << "x" << c.dims << " k "
             << c.k << " width " << c.width << " lists " << c.lists;
}

struct Found {
  std::vector<std::int64_t> ids;
  std::vector<float> scores;
  std::vector<std::int32_t> keys;
  int passes = 0;
  bool operator==(const Found&) const = default;
};

struct Problem {
  SearchCase c;
  std::vector<float> q, vectors;

  double product(int row, std::int64_t candidate) const {
    double sum = 0;
    for (int d = 0; d < c.dims; ++d) {
      sum += double(q[row * c.dims + d]) * double(vectors[candidate * c.dims + d]);
    }
    return sum;
  }
  double score(int query, std::int64_t candidate) const {
    double best = -std::numeric_limits<double>::infinity();
    for (int key = 0; key < c.keys; ++key) {
      best = std::max(best, product(query * c.keys + key, candidate));
    }
    return best;
  }
};

/// Values on a coarse grid: products are exact, and ties abound.
std::vector<float> grid_values(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = float(int(random.below(5)) - 2) / 4;
  return values;
}

Problem grid(const SearchCase& c) {
  return {c, grid_values(c.queries * c.keys * c.dims, 1), grid_values(c.candidates * c.dims, 2)};
}
Problem gaussian(const SearchCase& c) {
  return {c, random_values(c.queries * c.keys * c.dims, 1, 3),
          random_values(c.candidates * c.dims, 1, 4)};
}

SearchPass upload(const Problem& p, ScanFormat format, Kernel kernel) {
  SearchPass pass;
  pass.queries = to_device(p.q);
  pass.query_format = kernel == Kernel::scan ? kernels::scan_query_format(format)
                                             : kernels::gemm_query_format(format);
  pass.query_count = p.c.queries;
  pass.keys = p.c.keys;
  pass.dims = p.c.dims;
  const auto prepare = [&](const float* vectors, std::int64_t count, ScanFormat as) {
    void* scan = device_array<unsigned char>(kernels::scan_bytes(count, p.c.dims, as));
    kernels::prepare_scan(
        {.vectors = vectors, .count = count, .dims = p.c.dims, .format = as, .scan = scan},
        nullptr);
    return scan;
  };
  pass.query_scan = prepare(pass.queries, std::int64_t{p.c.queries} * p.c.keys, pass.query_format);
  pass.vectors = to_device(p.vectors);
  if (format != fp32) pass.scan = prepare(pass.vectors, p.c.candidates, format);
  pass.format = format;
  pass.count = p.c.candidates;
  pass.width = p.c.width;
  pass.lists = p.c.lists;
  pass.after = to_device(std::vector<unsigned long long>(p.c.queries, ~0ull));
  std::vector<std::int32_t> all(p.c.queries);
  std::iota(all.begin(), all.end(), 0);
  pass.open = to_device(all);
  pass.open_count = p.c.queries;
  return pass;
}

SearchResults results(int rows, int k) {
  return {device_array<std::int64_t>(rows * k), device_array<float>(rows * k),
          device_array<std::int32_t>(rows * k), k};
}

void run(Kernel kernel, const SearchPass& pass, unsigned long long* best) {
  kernel == Kernel::scan ? kernels::search_scan(pass, best, nullptr)
                         : kernels::search_gemm(pass, best, nullptr);
}

/// Passes until no query is open.
Found search(const Problem& p, ScanFormat format, Kernel kernel) {
  SearchPass pass = upload(p, format, kernel);
  auto* best = device_array<unsigned long long>(p.c.queries * p.c.lists * p.c.width);
  auto* still_open = device_array<std::int32_t>(p.c.queries);
  const SearchResults found = results(p.c.queries, p.c.k), next = results(p.c.queries, p.c.k);
  int passes = 0;
  for (bool fresh = true; pass.open_count > 0; fresh = false) {
    ++passes;
    run(kernel, pass, best);
    kernels::search_finish(pass, best, fresh, found, next, still_open, nullptr);
    const auto flags = to_host(still_open, pass.open_count);
    const auto open = to_host(pass.open, pass.open_count);
    std::vector<std::int32_t> left;
    for (int i = 0; i < pass.open_count; ++i) {
      if (flags[i] != 0) left.push_back(open[i]);
    }
    pass.open_count = static_cast<int>(left.size());
    if (!left.empty()) pass.open = to_device(left);
  }
  const std::size_t size = std::size_t(p.c.queries) * p.c.k;
  return {to_host(found.ids, size), to_host(found.scores, size), to_host(found.best_key, size),
          passes};
}

/// Scores are the sorted ones, rounded once; equal scores are in the order of numbers. Noted is the
/// share of ranks that another candidate of the same score took, of which none is allowed.
void expect_best(const Problem& p, const Found& found) {
  const int k = p.c.k;
  double disagree = 0;
  for (int query = 0; query < p.c.queries; ++query) {
    std::vector<float> truth;
    for (int i = 0; i < p.c.candidates; ++i) {
      truth.push_back(static_cast<float>(p.score(query, i)) + 0.f);
    }
    std::vector<std::int64_t> order(p.c.candidates);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](auto a, auto b) { return truth[a] > truth[b]; });
    for (int r = 0; r < k; ++r) {
      const int at = query * k + r;
      if (r >= p.c.candidates) {
        ASSERT_EQ(found.ids[at], -1);
        ASSERT_EQ(found.scores[at], -std::numeric_limits<float>::infinity());
        continue;
      }
      ASSERT_EQ(found.scores[at], truth[order[r]]) << "query " << query << ", rank " << r + 1;
      EXPECT_EQ(found.ids[at], order[r]) << "query " << query << ", rank " << r + 1;
      disagree += found.ids[at] != order[r];
      const int row = query * p.c.keys + found.keys[at];
      ASSERT_EQ(static_cast<float>(p.product(row, found.ids[at])) + 0.f, truth[order[r]]);
    }
  }
  std::ostringstream name;
  name << "ranks, " << p.c;
  note_error({disagree / p.c.queries / k, 0}, name.str());
}

constexpr ScanFormat kPrecisions[] = {fp32, bf16, int8};
constexpr Kernel kKernels[] = {Kernel::scan, Kernel::gemm};

class SearchKernels : public EmulationTest, public ::testing::WithParamInterface<SearchCase> {};

TEST_P(SearchKernels, EqualSortingEverything) {
  for (const Problem& p : {grid(GetParam()), gaussian(GetParam())}) {
    for (const ScanFormat format : kPrecisions) {
      for (const Kernel kernel : kKernels) {
        SCOPED_TRACE("format " + std::to_string(int(format)) + ", kernel " +
                     std::to_string(int(kernel)));
        cudaDeviceReset();
        expect_best(p, search(p, format, kernel));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, SearchKernels,
    ::testing::Values(SearchCase{1, 1, 1, 1, 1}, SearchCase{1, 12, 300, 17, 10, 32, 1},
                      SearchCase{3, 2, 33, 8, 5, 32, 1}, SearchCase{2, 1, 200, 100, 40, 64, 2},
                      SearchCase{20, 1, 65, 33, 3}, SearchCase{1, 1, 290, 5, 280, 256, 1},
                      SearchCase{11, 12, 70, 65, 9, 32, 2}, SearchCase{1, 12, 7, 3, 20}));

TEST_F(EmulationTest, SearchDoesNotDependOnTheOrderOfThreads) {
  for (const ScanFormat format : kPrecisions) {
    for (const Kernel kernel : kKernels) {
      const Problem p = grid({3, 2, 200, 20, 40});
      Found first;
      for (const Schedule& schedule : orders(1)) {
        SCOPED_TRACE(to_string(schedule));
        cudaDeviceReset();
        set_schedule(schedule);
        const Found found = search(p, format, kernel);
        expect_best(p, found);
        if (first.ids.empty()) first = found;
        EXPECT_EQ(found, first);
      }
    }
  }
}

// Candidates that quantisation cannot tell apart: only more passes find the best.
TEST_F(EmulationTest, SearchWidensUntilTheBoundProvesIt) {
  Problem p = gaussian({2, 1, 130, 16, 5});
  for (int i = 0; i < p.c.candidates; ++i) {
    for (int d = 0; d < p.c.dims; ++d) {
      p.vectors[i * 16 + d] = p.vectors[d] + 1e-4f * p.vectors[i * 16 + d];
    }
  }
  for (const Kernel kernel : kKernels) {
    for (const ScanFormat format : {bf16, int8}) {
      const Found found = search(p, format, kernel);
      expect_best(p, found);
      EXPECT_EQ(found.passes, (130 + 31) / 32);
    }
  }
  EXPECT_LE(search(p, fp32, Kernel::scan).passes, 2);
}

// Zero vectors, zero queries, and more copies of one vector than a pass keeps.
TEST_F(EmulationTest, SearchOfSilenceAndCopies) {
  Problem p = gaussian({3, 2, 200, 8, 6});
  std::fill(p.q.begin() + 16, p.q.begin() + 32, 0.f);  // query 1
  for (int i = 20; i < 100; ++i) {
    for (int d = 0; d < 8; ++d) p.vectors[i * 8 + d] = i < 60 ? 0.f : p.q[d];
  }
  for (const Kernel kernel : kKernels) {
    for (const ScanFormat format : kPrecisions) expect_best(p, search(p, format, kernel));
  }
}

// Each candidate's bound is above its score, and no further above than the theorem has it.
TEST_F(EmulationTest, SearchBoundsHoldAndAreTight) {
  const Problem p = gaussian({2, 2, 128, 70, 1, 128, 1});
  const auto length = [&](const float* x) {
    double square = 0;
    for (int d = 0; d < p.c.dims; ++d) square += double{x[d]} * x[d];
    return std::sqrt(square);
  };
  for (const Kernel kernel : kKernels) {
    for (const ScanFormat format : kPrecisions) {
      const SearchPass pass = upload(p, format, kernel);
      auto* best = device_array<unsigned long long>(2 * 128);
      run(kernel, pass, best);
      const auto keys = to_host(best, 2 * 128);
      for (int i = 0; i < 2 * 128; ++i) {
        const auto ordered = static_cast<unsigned>(keys[i] >> 32), number = ~unsigned(keys[i]);
        const float bound = std::bit_cast<float>(ordered >> 31 ? ordered & 0x7fffffffu : ~ordered);
        const double truth = p.score(i / 128, number);
        EXPECT_GE(double{bound}, truth);
        // What the theorem allows: twice the bound, as the product may be off by it as well.
        double longest = 0;
        for (int key = 0; key < 2; ++key) {
          longest = std::max(longest, length(&p.q[(i / 128 * 2 + key) * p.c.dims]));
        }
        const double most = longest * length(&p.vectors[number * p.c.dims]);
        const double step = format == int8   ? 2.0 * 4 / 127 / std::sqrt(12)
                            : format == bf16 ? 0x1p-7
                                             : 0x1p-10 + 70 * 0x1p-22;
        EXPECT_LE(double{bound} - truth, 2.1 * step * most);
      }
    }
  }
}

TEST_F(EmulationTest, SearchInSlicesEqualsSearchInOne) {
  const Problem p = grid({1, 2, 300, 12, 20});
  SearchPass pass = upload(p, fp32, Kernel::scan);
  auto* best = device_array<unsigned long long>(3 * 32);
  auto* still_open = device_array<std::int32_t>(1);
  const SearchResults found = results(1, 20), next = results(1, 20);
  const float* vectors = pass.vectors;
  for (pass.first = 0; pass.first < 300; pass.first += 100) {
    pass.vectors = vectors + pass.first * 12;
    pass.count = 100;
    pass.after = to_device(std::vector<unsigned long long>{~0ull});
    bool fresh = pass.first == 0;
    do {
      run(Kernel::scan, pass, best);
      kernels::search_finish(pass, best, fresh, found, next, still_open, nullptr);
      fresh = false;
    } while (to_host(still_open, 1)[0] != 0);
  }
  expect_best(p, {to_host(found.ids, 20), to_host(found.scores, 20), to_host(found.best_key, 20)});
}

}  // namespace
}  // namespace reprise::emulation
