#include "reprise/evaluate.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "reprise/error.h"
#include "reprise/random.h"
#include "song_set_of.h"

namespace reprise {
namespace {

// Given vectors: of each song for each key; candidates take the first.
class GivenMethod : public Fingerprinter {
 public:
  GivenMethod(int keys, int dims, std::vector<float> values, Metric metric = Metric::cosine)
      : keys_(keys), dims_(dims), values_(std::move(values)), metric_(metric) {}
  std::string name() const override { return "given"; }
  int dims() const override { return dims_; }
  Metric metric() const override { return metric_; }
  const float* vector(std::int64_t song, int key) const {
    return values_.data() + (song * keys_ + key) * dims_;
  }
  Fingerprints compute(const SongSet&, std::span<const std::int64_t> songs, Keys keys) override {
    Fingerprints f{static_cast<std::int64_t>(songs.size()),
                   keys == Keys::candidate ? 1 : keys_,
                   dims_,
                   {},
                   {}};
    for (const std::int64_t song : songs)
      for (int key = 0; key < f.keys; ++key) {
        f.values.insert(f.values.end(), vector(song, key), vector(song, key) + dims_);
        f.rolls.push_back(key);
      }
    return f;
  }

 private:
  int keys_, dims_;
  std::vector<float> values_;
  Metric metric_;
};

Evaluation evaluate_given(const SongSet& set, GivenMethod method,
                          const std::string& split = "test") {
  const auto backend = make_cpu_backend(2);
  return evaluate(*backend, set, make_protocol(set, split), method);
}

using Ranks = std::vector<std::vector<std::int64_t>>;

// Versions at ranks 1, 3 and 12: AP = (1/1 + 2/3 + 3/12) / 3 = 23/36.
TEST(QueryAccuracy, HandWorked) {
  const Accuracy three = query_accuracy(std::vector<std::int64_t>{1, 3, 12});
  EXPECT_DOUBLE_EQ(three.map, 23.0 / 36);
  EXPECT_EQ(three.mr1, 1);
  EXPECT_EQ(three.p1, 1);
  EXPECT_DOUBLE_EQ(three.p10, 0.2);
  EXPECT_DOUBLE_EQ(three.r5, 2.0 / 3);

  const Accuracy one = query_accuracy(std::vector<std::int64_t>{6});
  EXPECT_DOUBLE_EQ(one.map, 1.0 / 6);
  EXPECT_EQ(one.mr1, 6);
  EXPECT_EQ(one.p1, 0);
  EXPECT_DOUBLE_EQ(one.p10, 0.1);
  EXPECT_EQ(one.r5, 0);

  // Eleven versions first of all: AP 1, ten within ten, five of eleven within five.
  std::vector<std::int64_t> many;
  for (int rank = 1; rank <= 11; ++rank) many.push_back(rank);
  EXPECT_DOUBLE_EQ(query_accuracy(many).map, 1);
  EXPECT_DOUBLE_EQ(query_accuracy(many).p10, 1);
  EXPECT_DOUBLE_EQ(query_accuracy(many).r5, 5.0 / 11);
}

TEST(Protocol, QueriesHaveAnotherVersionAndNoiseIsNeverOne) {
  const SongSet set = song_set_of({{"a1", "a", "test", {}},
                                   {"n1", "a", "noise", {}},  // not a version of a1
                                   {"t1", "a", "train", {}},
                                   {"b1", "b", "test", {}},
                                   {"a2", "a", "test", {}},
                                   {"c1", "c", "test", {}},
                                   {"c2", "c", "noise", {}}});
  const Protocol protocol = make_protocol(set, "test");
  EXPECT_EQ(protocol.candidates, (std::vector<std::int64_t>{0, 1, 3, 4, 5, 6}));
  EXPECT_EQ(protocol.queries, (std::vector<std::int64_t>{0, 3}));
  EXPECT_EQ(protocol.versions, (Ranks{{3}, {0}}));
}

TEST(Protocol, Refuses) {
  const SongSet set = song_set_of({{"a1", "a", "test", {}},
                                   {"b1", "b", "test", {}},
                                   {"n1", "n", "noise", {}},
                                   {"n2", "n", "noise", {}}});
  const auto message = [&](std::string_view split) -> std::string {
    try {
      make_protocol(set, split);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message("validation"),
            "songs.h5: expected songs in the split 'validation', found none");
  EXPECT_EQ(message("noise"), "songs.h5: expected songs in the split 'noise', found none");
  EXPECT_EQ(
      message("test"),
      "songs.h5: expected works with two songs or more in the split 'test', found one song of "
      "each");
}

// Unit vectors at angles; a1 and a2 are versions, likewise b1 and b2, n is noise.
//   a1 (1, 0)  b1 (0, 1)  n (1, 0)  a2 (1, 0)  b2 (-1, 0)
// a1 to b1 0, n 1, a2 1, b2 -1: n ties with a2 and comes first in the file: rank 2.
// a2 to a1 1, b1 0, n 1, b2 -1: a1 comes first: rank 1.
// b1 to all 0: b2 is the last of four: rank 4.   b2 to a1 -1, b1 0, n -1, a2 -1: rank 1.
TEST(Evaluate, HandWorkedWithTiesAndNoise) {
  const SongSet set = song_set_of({{"a1", "a", "test", {}},
                                   {"b1", "b", "test", {}},
                                   {"n", "n", "noise", {}},
                                   {"a2", "a", "test", {}},
                                   {"b2", "b", "test", {}}});
  const Evaluation e = evaluate_given(set, GivenMethod(1, 2, {2, 0, 0, 3, 1, 0, 5, 0, -1, 0}));
  EXPECT_EQ(e.name, "given");
  EXPECT_EQ(e.dims, 2);
  EXPECT_EQ(e.queries, 4);
  EXPECT_EQ(e.candidates, 5);
  EXPECT_EQ(e.ranks, (Ranks{{2}, {4}, {1}, {1}}));
  EXPECT_DOUBLE_EQ(e.accuracy.map, (0.5 + 0.25 + 1 + 1) / 4);
  EXPECT_DOUBLE_EQ(e.accuracy.mr1, 2);
  EXPECT_DOUBLE_EQ(e.accuracy.p1, 0.5);
  EXPECT_DOUBLE_EQ(e.accuracy.p10, 0.1);
  EXPECT_DOUBLE_EQ(e.accuracy.r5, 1);
  EXPECT_EQ(e.version_scores, (std::vector<float>{1, 0, 1, 0}));
  EXPECT_EQ(e.average_precision, (std::vector<double>{0.5, 0.25, 1, 1}));
  EXPECT_EQ(e.first_answers, (std::vector<std::int64_t>{2, 0, 0, 1}));
  EXPECT_TRUE(e.buckets.empty());
}

TEST(Excerpts, CutQueriesOnly) {
  const SongSet set = song_set_of({{"a1", "a", "test", random_chroma(50, 1)},
                                   {"n", "n", "noise", random_chroma(40, 2)},
                                   {"a2", "a", "test", random_chroma(9, 3)},
                                   {"c", "c", "test", random_chroma(30, 4)}});
  const SongSet cut = with_excerpts(set, make_protocol(set, "test"), 10);
  EXPECT_EQ(cut.offsets, (std::vector<std::int64_t>{0, 10, 50, 59, 89}));
  EXPECT_EQ(cut.song_id, set.song_id);
  const auto& whole = set.chroma_float;
  EXPECT_NE(std::search(whole.begin(), whole.begin() + 600, cut.chroma_float.begin(),
                        cut.chroma_float.begin() + 120),
            whole.begin() + 600);
  EXPECT_TRUE(std::equal(cut.chroma_float.begin() + 120, cut.chroma_float.end(),
                         whole.begin() + 600, whole.end()));
  EXPECT_EQ(with_excerpts(set, make_protocol(set, "test"), 10).chroma_float, cut.chroma_float);
}

// All the same, and a zero vector: order in the file decides.
TEST(Evaluate, AllTied) {
  std::vector<TestSong> songs;
  for (int i = 0; i < 4; ++i) songs.push_back({fmt::format("s{}", i), "w", "test", {}});
  const SongSet set = song_set_of(songs);
  const Ranks expected{{1, 2, 3}, {1, 2, 3}, {1, 2, 3}, {1, 2, 3}};
  EXPECT_EQ(evaluate_given(set, GivenMethod(1, 1, {0, 0, 0, 0})).ranks, expected);
  EXPECT_EQ(evaluate_given(set, GivenMethod(1, 1, {1, 2, 3, 4})).ranks, expected);
}

// More songs than a block of queries. Vectors have four values of 1 or -1 among sixteen, so that
// cosines are exact multiples of a quarter and many are tied.
class Oracle : public testing::Test {
 protected:
  static constexpr int kSongs = 700, kDims = 16;

  Oracle() {
    Random random(1);
    std::vector<TestSong> songs;
    for (int i = 0; i < kSongs; ++i)
      songs.push_back({fmt::format("s{}", i),
                       fmt::format("w{}", random.below(200)),
                       i % 10 == 3   ? "noise"
                       : i % 10 == 7 ? "train"
                                     : "test",
                       {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}});
    set = song_set_of(songs);
  }

  static std::vector<float> vectors(int keys) {
    Random random(2);
    std::vector<float> values(kSongs * keys * kDims);
    for (int v = 0; v < kSongs * keys; ++v)
      for (int placed = 0; placed < 4;) {
        float& value = values[v * kDims + random.below(kDims)];
        if (value == 0) value = random.below(2) ? 1.0f : -1.0f, ++placed;
      }
    return values;
  }

  // Sorts all candidates and reads the versions' places.
  Ranks sorted_ranks(const std::function<double(std::int64_t, std::int64_t)>& similarity) const {
    Ranks all;
    for (std::int64_t q = 0; q < kSongs; ++q) {
      if (set.split[q] != "test") continue;
      std::vector<std::int64_t> others;
      for (std::int64_t c = 0; c < kSongs; ++c)
        if (c != q && set.split[c] != "train") others.push_back(c);
      std::stable_sort(others.begin(), others.end(), [&](std::int64_t a, std::int64_t b) {
        return similarity(q, a) > similarity(q, b);
      });
      std::vector<std::int64_t> ranks;
      for (std::size_t i = 0; i < others.size(); ++i)
        if (set.split[others[i]] == "test" && set.work_id[others[i]] == set.work_id[q])
          ranks.push_back(static_cast<std::int64_t>(i) + 1);
      if (!ranks.empty()) all.push_back(ranks);
    }
    return all;
  }

  SongSet set;
};

TEST_F(Oracle, Cosine) {
  for (const int keys : {1, 3}) {
    const GivenMethod method(keys, kDims, vectors(keys));
    const auto similarity = [&](std::int64_t q, std::int64_t c) {
      double best = -2;
      for (int key = 0; key < keys; ++key) {
        double sum = 0;
        for (int d = 0; d < kDims; ++d) sum += method.vector(q, key)[d] * method.vector(c, 0)[d];
        best = std::max(best, sum / 4);
      }
      return best;
    };
    const Evaluation e = evaluate_given(set, method);
    EXPECT_EQ(e.ranks, sorted_ranks(similarity));
    EXPECT_GT(e.queries, 512);
    EXPECT_GT(e.other_scores.size(), 14u * e.queries);
    EXPECT_EQ(e.other_scores, evaluate_given(set, method).other_scores);
  }
}

TEST_F(Oracle, Euclidean) {
  for (const int keys : {1, 3}) {
    std::vector<float> values = vectors(keys);
    for (std::size_t i = 0; i < values.size(); ++i)  // lengths that differ
      values[i] *= static_cast<float>(1 + i / kDims % 3);
    const GivenMethod method(keys, kDims, values, Metric::euclidean);
    const auto similarity = [&](std::int64_t q, std::int64_t c) {
      double best = -std::numeric_limits<double>::infinity();
      for (int key = 0; key < keys; ++key) {
        double sum = 0;
        for (int d = 0; d < kDims; ++d)
          sum += std::pow(double{method.vector(q, key)[d]} - method.vector(c, 0)[d], 2);
        best = std::max(best, -sum);
      }
      return best;
    };
    const Evaluation e = evaluate_given(set, method);
    EXPECT_EQ(e.ranks, sorted_ranks(similarity));
    EXPECT_LE(*std::max_element(e.version_scores.begin(), e.version_scores.end()), 0);
  }
}

TEST(Evaluate, RefusesFingerprintsThatAreNotFinite) {
  const SongSet set = song_set_of({{"a1", "a", "test", {}}, {"a2", "a", "test", {}}});
  try {
    evaluate_given(set, GivenMethod(1, 1, {1, std::numeric_limits<float>::quiet_NaN()}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "songs.h5: the fingerprint of song 'a2' by given is not finite");
  }
}

// Vectors as in HandWorked, AP .5, .25, 1, 1: similarities .25 and 1 lie in the second and the last
// bucket, one is unknown, and .39 is in the second too.
TEST(Evaluate, BucketsOfMelodicSimilarity) {
  SongSet set = song_set_of({{"a1", "a", "test", {}},
                             {"b1", "b", "test", {}},
                             {"n", "n", "noise", {}},
                             {"a2", "a", "test", {}},
                             {"b2", "b", "test", {}}});
  const float unknown = std::numeric_limits<float>::quiet_NaN();
  set.melodic_similarity = {0.25f, 0.39f, unknown, unknown, 1.0f};
  const Evaluation e = evaluate_given(set, GivenMethod(1, 2, {2, 0, 0, 3, 1, 0, 5, 0, -1, 0}));
  ASSERT_EQ(e.buckets.size(), 5u);
  const std::int64_t queries[] = {0, 2, 0, 0, 1};
  const double map[] = {0, 0.375, 0, 0, 1};
  for (int b = 0; b < 5; ++b) {
    EXPECT_EQ(e.buckets[b].queries, queries[b]) << b;
    EXPECT_DOUBLE_EQ(e.buckets[b].map, map[b]) << b;
    if (b > 0) {
      EXPECT_EQ(e.buckets[b].low, e.buckets[b - 1].high);
    }
  }
  EXPECT_EQ(e.buckets[0].low, 0);
  EXPECT_EQ(e.buckets[4].high, 1);
}

// Two works, of means 0 and 1: a resample has mean 0, 1/2 or 1 with shares 1/4, 1/2, 1/4.
TEST(Bootstrap, ResamplesWholeWorks) {
  const std::vector<double> values = {0, 0, 1, 1};
  const std::vector<std::string_view> works = {"a", "a", "b", "b"};
  const Interval two = bootstrap_interval(values, works);
  EXPECT_EQ(two.low, 0);
  EXPECT_EQ(two.high, 1);
  const std::vector<std::string_view> one(4, "a");
  EXPECT_EQ(bootstrap_interval(values, one).low, 0.5);
  EXPECT_EQ(bootstrap_interval(values, one).high, 0.5);
  EXPECT_EQ(bootstrap_interval({}, {}).high, 0);
}

// Of many works the mean is nearly normal: 1.96 deviations / sqrt(works) to each side.
TEST(Bootstrap, ApproachesTheNormalInterval) {
  Random random(3);
  std::vector<double> values;
  std::vector<std::string> names;
  double sum = 0, square = 0;
  for (int work = 0; work < 400; ++work) {
    const double value = random.uniform();
    sum += value;
    square += value * value;
    for (int song = 0; song < 3; ++song) {  // songs of a work add no information
      values.push_back(value);
      names.push_back(fmt::format("w{}", work));
    }
  }
  const std::vector<std::string_view> works(names.begin(), names.end());
  const double mean = sum / 400;
  const double half = 1.96 * std::sqrt((square / 400 - mean * mean) / 400);
  const Interval interval = bootstrap_interval(values, works);
  EXPECT_NEAR(interval.low, mean - half, 0.1 * half);
  EXPECT_NEAR(interval.high, mean + half, 0.1 * half);
  EXPECT_EQ(interval.low, bootstrap_interval(values, works).low);
}

// Odds of 1 (p = .5), two of three being versions, and odds of 3 (p = .75), which is none:
// Brier (3 * .25 + .5625) / 4, ECE (3 |.5 - 2/3| + .75) / 4.
TEST(Reliability, HandWorked) {
  const double three = std::log(3.0);
  const ScoredPair scored_pairs[] = {{0, true}, {0, true}, {0, false}, {three, false}};
  const Reliability c = reliability(scored_pairs);
  EXPECT_EQ(c.pairs, 4);
  EXPECT_NEAR(c.brier, (0.75 + 0.5625) / 4, 1e-12);
  EXPECT_NEAR(c.expected_error, (0.5 + 0.75) / 4, 1e-12);
  ASSERT_EQ(c.bins.size(), 10u);
  EXPECT_EQ(c.bins[5].pairs, 3);
  EXPECT_NEAR(c.bins[5].observed, 2.0 / 3, 1e-12);
  EXPECT_EQ(c.bins[7].pairs, 1);
  EXPECT_NEAR(c.bins[7].expected, 0.75, 1e-12);
  const ScoredPair sure[] = {{1000, true}};
  EXPECT_EQ(reliability(sure).bins[9].pairs, 1);
  EXPECT_EQ(reliability({}).pairs, 0);
}

TEST(EvaluationJson, HasTheFieldsThatScriptsRead) {
  const SongSet set = song_set_of({{"a1", "a", "test", {}}, {"a2", "a", "test", {}}});
  Evaluation e = evaluate_given(set, GivenMethod(1, 1, {1, 1}));
  e.buckets = {{0, 0.25, 0, 0}, {0.25, 1, 2, 0.5}};
  const auto json = nlohmann::json::parse(
      evaluation_json("songs.h5", make_protocol(set, "test"), std::vector{e}));
  EXPECT_EQ(json["data"], "songs.h5");
  EXPECT_EQ(json["split"], "test");
  EXPECT_EQ(json["queries"], 2);
  EXPECT_EQ(json["candidates"], 2);
  ASSERT_EQ(json["methods"].size(), 1u);
  const auto& method = json["methods"][0];
  EXPECT_EQ(method["name"], "given");
  EXPECT_EQ(method["dims"], 1);
  for (const char* field :
       {"map", "mr1", "p1", "p10", "r5", "fingerprint_seconds", "search_seconds"})
    EXPECT_TRUE(method[field].is_number()) << field;
  EXPECT_EQ(method["map_interval"], (nlohmann::json{1.0, 1.0}));
  EXPECT_TRUE(method["buckets"][0]["map"].is_null());
  EXPECT_EQ(method["buckets"][1]["map"], 0.5);
  EXPECT_NO_THROW(nlohmann::json::parse(
      evaluation_json("\xff.h5", make_protocol(set, "test"), std::vector{e})));
}

}  // namespace
}  // namespace reprise
