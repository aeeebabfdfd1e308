// Search, alignment and the published fingerprints of the CUDA back end on the emulated device,
// against the CPU back end.
#include <numeric>

#include "../op_cases.h"
#include "../small_set.h"
#include "reprise/backend.h"
#include "reprise/baselines.h"
#include "reprise/index.h"
#include "test_kernels.h"

namespace reprise::emulation {
namespace {

class CudaOps : public EmulationTest {
 protected:
  void TearDown() override {
    cuda.reset();  // before the device is
    EmulationTest::TearDown();
  }

  std::unique_ptr<Backend> cuda = make_cuda_backend(), cpu = make_cpu_backend(1);
  std::vector<Backend*> both{cuda.get(), cpu.get()};
};

struct Found {
  std::vector<std::int64_t> ids;
  std::vector<float> scores;
  std::vector<std::int32_t> keys;
  bool operator==(const Found&) const = default;
};

Found top_k(Backend& backend, const std::vector<float>& q, int keys,
            const std::vector<float>& vectors, int dims, ScanFormat format, int k) {
  const Buffer<float> queries(backend, q), candidates(backend, vectors);
  const auto count = std::int64_t(vectors.size()) / dims;
  const auto rows = std::int64_t(q.size()) / dims / keys;
  Buffer<std::uint8_t> scan(backend, std::int64_t(backend.scan_bytes(count, dims, format)));
  backend.run(ops::PrepareScan{.vectors = candidates.data(),
                               .count = count,
                               .dims = dims,
                               .format = format,
                               .scan = scan.data()});
  Buffer<std::int64_t> ids(backend, rows * k);
  Buffer<float> scores(backend, rows * k);
  Buffer<std::int32_t> best_key(backend, rows * k);
  backend.run(ops::TopK{
      .q = queries.data(),
      .queries = rows,
      .keys = keys,
      .candidates = {candidates.data(), format == ScanFormat::fp32 ? nullptr : scan.data(), format,
                     count, dims},
      .k = k,
      .ids = ids.data(),
      .scores = scores.data(),
      .best_key = best_key.data()});
  return {ids.download(), scores.download(), best_key.download()};
}

// Both give the same: scores are exact, and ties are in the order of numbers. Few queries and many;
// k beyond what a pass keeps.
TEST_F(CudaOps, SearchEqualsTheCpus) {
  struct Case {
    int queries, keys, candidates, dims, k;
  };
  for (const Case& c : {Case{1, 12, 700, 40, 10}, Case{5, 2, 90, 7, 3}, Case{30, 1, 150, 20, 5},
                        Case{3, 12, 70, 33, 100}, Case{1, 1, 700, 6, 300}, Case{2, 2, 0, 4, 3}}) {
    const auto q = random_values(std::int64_t{c.queries} * c.keys * c.dims, 1, 1);
    const auto vectors = random_values(std::int64_t{c.candidates} * c.dims, 1, 2);
    const Found truth = top_k(*cpu, q, c.keys, vectors, c.dims, ScanFormat::fp32, c.k);
    for (const auto format : {ScanFormat::fp32, ScanFormat::bf16, ScanFormat::int8}) {
      EXPECT_EQ(top_k(*cuda, q, c.keys, vectors, c.dims, format, c.k), truth)
          << c.queries << " queries, format " << int(format);
    }
  }
}

// `songs` vectors, of which every 1,500th is the same, so that slices hold equal scores.
Fingerprints repeated_vectors(std::int64_t songs, int dims) {
  const auto some = random_values(std::int64_t{1500} * dims, 1, 3);
  Fingerprints all;
  all.songs = songs;
  all.dims = dims;
  for (std::int64_t song = 0; song < songs; ++song) {
    const auto from = some.begin() + song % 1500 * dims;
    all.values.insert(all.values.end(), from, from + dims);
    all.rolls.push_back(static_cast<std::int32_t>(song % 12));
  }
  return all;
}

// The device has less memory than the vectors alone need.
TEST_F(CudaOps, CatalogueLargerThanTheDeviceIsSearchedInSlices) {
  const Fingerprints candidates = repeated_vectors(5000, 32);
  Fingerprints queries;
  queries.songs = 3;
  queries.keys = 2;
  queries.dims = 32;
  queries.values = random_values(3 * 2 * 32, 1, 4);
  queries.rolls = {0, 1, 2, 3, 4, 5};
  const Index whole(*cpu, candidates);
  const auto truth = whole.search(queries, 10);
  set_device_memory(600 << 10);
  ASSERT_GT(candidates.values.size() * sizeof(float), std::size_t{600} << 10);
  for (const auto format : {ScanFormat::fp32, ScanFormat::bf16, ScanFormat::int8}) {
    const Index sliced(*cuda, candidates, format);
    EXPECT_LT(sliced.songs_at_once(), 5000);
    for (int again = 0; again < 2; ++again) {
      const auto found = sliced.search(queries, 10);
      ASSERT_EQ(found.size(), truth.size());
      for (std::size_t query = 0; query < truth.size(); ++query) {
        ASSERT_EQ(found[query].size(), 10u);
        for (std::size_t i = 0; i < 10; ++i) {
          EXPECT_EQ(found[query][i].candidate, truth[query][i].candidate);
          EXPECT_EQ(found[query][i].score, truth[query][i].score);
          EXPECT_EQ(found[query][i].transposition, truth[query][i].transposition);
        }
      }
    }
    const std::vector<std::int64_t> positions{0, 2600, 4999};
    EXPECT_EQ(sliced.candidates(positions).values, whole.candidates(positions).values);
  }
}

TEST_F(CudaOps, ADeviceWithoutRoomForASliceSaysWhatFits) {
  const Fingerprints candidates = repeated_vectors(5000, 32);
  set_device_memory(64 << 10);
  EXPECT_EQ(error_of([&] { Index(*cuda, candidates); }),
            "index: out of device memory: expected room for two slices of 1024 of the 5000 songs, "
            "found 0.1 MB free, where 192 songs of 32 values fit twice: free memory of the device");
}

// Many queries, of which the results alone are larger than what the candidates leave.
TEST_F(CudaOps, QueriesThatDoNotFitAreSearchedForInSmallerBatches) {
  const Fingerprints candidates = repeated_vectors(1000, 32);
  Fingerprints queries;
  queries.songs = 300;
  queries.keys = 1;
  queries.dims = 32;
  queries.values = random_values(300 * 32, 1, 4);
  queries.rolls.assign(300, 0);
  const auto truth = Index(*cpu, candidates).search(queries, 100);
  set_device_memory(700 << 10);
  ASSERT_GT(300 * 100 * (sizeof(std::int64_t) + 2 * sizeof(float)) * 2, std::size_t{700} << 10);
  const Index index(*cuda, candidates, ScanFormat::int8);
  EXPECT_EQ(index.slices(), 1);
  const auto found = index.search(queries, 100);
  for (std::size_t query = 0; query < truth.size(); ++query) {
    ASSERT_EQ(found[query].size(), 100u);
    for (std::size_t i = 0; i < 100; ++i)
      ASSERT_EQ(found[query][i].candidate, truth[query][i].candidate) << query << ", " << i;
  }
}

void expect_alike(const std::vector<float>& a, const std::vector<float>& b, const char* what) {
  ASSERT_EQ(a.size(), b.size());
  double scale = 0, error = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    scale = std::max(scale, std::abs(double{b[i]}));
    error = std::max(error, std::abs(double{a[i]} - double{b[i]}));
  }
  EXPECT_LE(error, 2e-6 * scale) << what;
}

// More songs at once than the device has memory for.
TEST_F(CudaOps, SongsThatDoNotFitAreFingerprintedInSmallerBatches) {
  const SongSet set = small_set(20, 2, 400);
  std::vector<std::int64_t> songs(static_cast<std::size_t>(set.songs()));
  std::iota(songs.begin(), songs.end(), 0);
  set_device_memory(std::size_t{1} << 20);
  ASSERT_GT(set.frames() * kPitchClasses * sizeof(float), std::size_t{1} << 20);
  std::vector<Fingerprints> results;
  for (Backend* backend : both)
    results.push_back(
        make_fingerprinter("2dftm", *backend, set, {})->compute(set, songs, Keys::candidate));
  expect_alike(results[0].values, results[1].values, "2dftm");
  EXPECT_EQ(results[0].rolls, results[1].rolls);
}

TEST_F(CudaOps, AlignmentEqualsTheCpusToTheBit) {
  const std::vector<Excerpt> queries{{0, 60, 3}, {41, 300, 0}, {5, 1, 0}},
      candidates{{41, 280, 2}, {100, 64, 0}, {300, 600, 11}};
  std::vector<AlignmentPair> pairs;
  for (int i = 0; i < 9; ++i) pairs.push_back({i / 3, i % 3, i});
  for (const int bands : {1, 2, 3}) {
    SCOPED_TRACE(bands);
    const std::vector<float> songs = random_chroma(900, 4, bands);
    std::vector<std::vector<float>> results;
    for (Backend* backend : both) {
      const Buffer<float> chroma(*backend, songs);
      const ChromaView view{chroma.data(), ChromaType::float32, 900, bands, bands * kPitchClasses};
      const Buffer<Excerpt> q(*backend, queries), c(*backend, candidates);
      const Buffer<AlignmentPair> p(*backend, pairs);
      Buffer<float> scores(*backend, 9);
      backend->run(ops::Align{.queries = {view, q.data(), 3},
                              .candidates = {view, c.data(), 3},
                              .pairs = p.data(),
                              .count = 9,
                              .scores = scores.data()});
      results.push_back(scores.download());
    }
    EXPECT_EQ(results[0], results[1]);
    EXPECT_GT(*std::max_element(results[0].begin(), results[0].end()), 0);
  }
}

}  // namespace
}  // namespace reprise::emulation
