#include "reprise/baselines.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "oracle_published.h"
#include "reprise/error.h"
#include "song_set_of.h"
#include "tolerance.h"

namespace reprise {
namespace {

using Settings = std::map<std::string, std::string>;

class Baselines : public testing::Test {
 protected:
  Baselines() : backend(make_cpu_backend(2)) {
    std::vector<TestSong> songs;
    for (int i = 0; i < 12; ++i)
      songs.push_back({fmt::format("s{}", i), fmt::format("w{}", i / 2), i < 8 ? "train" : "test",
                       random_chroma(30 + 15 * i, i)});
    set = song_set_of(songs);
    all.resize(12);
    std::iota(all.begin(), all.end(), 0);
  }

  std::unique_ptr<Fingerprinter> make(std::string_view name, const Settings& settings = {}) {
    return make_fingerprinter(name, *backend, set, settings);
  }

  std::unique_ptr<Backend> backend;
  SongSet set;
  std::vector<std::int64_t> all;
};

TEST_F(Baselines, SizesAndKeys) {
  struct Row {
    std::string_view name;
    int dims;
    int query_keys;
    Metric metric;
  };
  for (const Row& row :
       {Row{"cov", 576, 12, Metric::cosine}, Row{"corr", 66, 12, Metric::cosine},
        Row{"2dftm", 900, 1, Metric::cosine}, Row{"2dftm-seed", 768, 1, Metric::cosine},
        Row{"2dftm-pca", 7, 1, Metric::euclidean}, Row{"random", 64, 1, Metric::cosine}}) {
    const auto method = make(row.name);
    EXPECT_EQ(method->name(), row.name);
    EXPECT_EQ(method->dims(), row.dims) << row.name;
    EXPECT_EQ(method->metric(), row.metric) << row.name;
    for (const auto& [keys, count] :
         {std::pair{Keys::candidate, 1}, {Keys::query, row.query_keys}, {Keys::all, 12}}) {
      const Fingerprints f = method->compute(set, all, keys);
      EXPECT_EQ(f.songs, 12);
      EXPECT_EQ(f.keys, count) << row.name;
      EXPECT_EQ(f.values.size(), std::size_t(12) * count * row.dims) << row.name;
      ASSERT_EQ(f.rolls.size(), std::size_t(12) * count) << row.name;
      for (int i = 0; i < 12 * count; ++i) EXPECT_EQ(f.rolls[i], i % count);
    }
  }
  EXPECT_EQ(method_names().size(), 6u + 8u);
}

TEST_F(Baselines, EqualTheirDefinitions) {
  const std::vector<std::int64_t> songs = {7, 2};
  const Fingerprints cov = make("cov")->compute(set, songs, Keys::all);
  const Fingerprints corr = make("corr")->compute(set, songs, Keys::all);
  for (int i = 0; i < 2; ++i)
    for (int roll = 0; roll < kPitchClasses; ++roll) {
      const Excerpt song = set.whole(songs[i], roll);
      expect_close(std::span(cov.values).subspan((i * 12 + roll) * 576, 576),
                   oracle::covariance<double>(set.chroma(), song),
                   oracle::covariance<float>(set.chroma(), song), "cov");
      expect_close(std::span(corr.values).subspan((i * 12 + roll) * 66, 66),
                   oracle::correlation<double>(set.chroma(), song),
                   oracle::correlation<float>(set.chroma(), song), "corr");
    }
  const Ftm2dParams seed{64, 64, 2, false, false, false};
  const Ftm2dParams other{16, 4, 1.5f, false, true, true};
  const auto expect_ftm2d = [&](std::string_view name, const Settings& settings,
                                const Ftm2dParams& params) {
    const Fingerprints f = make(name, settings)->compute(set, songs, Keys::candidate);
    for (int i = 0; i < 2; ++i) {
      const Excerpt song = set.whole(songs[i]);
      expect_close(std::span(f.values).subspan(i * params.dims(), params.dims()),
                   oracle::ftm2d<double>(set.chroma(), song, params),
                   oracle::ftm2d<float>(set.chroma(), song, params), std::string(name));
    }
  };
  expect_ftm2d("2dftm", {}, {});
  expect_ftm2d("2dftm-seed", {}, seed);
  expect_ftm2d("2dftm", {{"patch", "16"}, {"hop", "4"}, {"power", "1.5"}, {"keep_norm", "false"}},
               other);
}

// Two pitch classes sound, C as 1 0 1 0 0 and D as 0 1 0 1 1. In the first four frames C about its
// mean 1/2 is (1, -1, 1, -1) / 2, and its change -1 1 -1 0 about its mean -1/4 is (-3, 5, -3, 1) /
// 4; D and its change are the opposite. Products: C.C = 1, C.dC = (-3 - 5 - 3 - 1) / 8 = -3/2. So
// the row of C is (C, D, dC, dD) = (1, -1, -3/2, 3/2), of squared length 13/2.
TEST_F(Baselines, CovarianceHandWorked) {
  std::vector<float> chroma(5 * kPitchClasses);
  for (const int t : {0, 2}) chroma[t * kPitchClasses] = 1;
  for (const int t : {1, 3, 4}) chroma[t * kPitchClasses + 2] = 1;
  set = song_set_of({{"a", "a", "test", chroma}});
  const std::vector<std::int64_t> songs = {0};
  const std::vector<float> cov = make("cov")->compute(set, songs, Keys::candidate).values;
  const float length = std::sqrt(6.5f);
  EXPECT_FLOAT_EQ(cov[0], 1 / length);
  EXPECT_FLOAT_EQ(cov[2], -1 / length);
  EXPECT_FLOAT_EQ(cov[12], -1.5f / length);
  EXPECT_FLOAT_EQ(cov[14], 1.5f / length);
  EXPECT_EQ(cov[1], 0);

  // Correlation of C and D is -1; pairs are in the order 01 02 03 ...
  const std::vector<float> corr = make("corr")->compute(set, songs, Keys::all).values;
  EXPECT_FLOAT_EQ(corr[1], -1);
  EXPECT_EQ(corr[0], 0);
  // Transposed up by one semitone they are C# and D#: pairs 01 .. 0B are 11 pairs, then 12, 13.
  EXPECT_FLOAT_EQ(corr[66 + 12], -1);
}

// Neither silence nor a song too short to change.
TEST_F(Baselines, CovarianceOfNoChangeIsZero) {
  set = song_set_of({{"a", "a", "test", std::vector<float>(40 * kPitchClasses, 0.0f)},
                     {"b", "b", "test", random_chroma(1, 4)}});
  const std::vector<std::int64_t> songs = {0, 1};
  for (const char* method : {"cov", "corr"})
    for (const float value : make(method)->compute(set, songs, Keys::candidate).values)
      ASSERT_EQ(value, 0) << method;
}

// With all components PCA is a rotation of the centred train vectors: distances stay.
TEST_F(Baselines, PcaKeepsDistancesOfTrainSongs) {
  const std::vector<std::int64_t> train = set.songs_of("train");
  const Fingerprints full = make("2dftm")->compute(set, train, Keys::candidate);
  const Fingerprints reduced = make("2dftm-pca")->compute(set, train, Keys::candidate);
  const auto distance = [](const Fingerprints& f, int a, int b) {
    double square = 0;
    for (int d = 0; d < f.dims; ++d)
      square += std::pow(double{f.values[a * f.dims + d]} - f.values[b * f.dims + d], 2);
    return std::sqrt(square);
  };
  for (int a = 0; a < 8; ++a)
    for (int b = 0; b < a; ++b) EXPECT_NEAR(distance(full, a, b), distance(reduced, a, b), 1e-5);
  EXPECT_EQ(make("2dftm-pca", {{"components", "3"}})->dims(), 3);
}

TEST_F(Baselines, PcaNeedsTrainSongs) {
  for (std::string& split : set.split) split = "test";
  try {
    make("2dftm-pca");
    FAIL();
  } catch (const SettingsError&) {
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(
        error.what(),
        "songs.h5: 2dftm-pca needs train songs to fit its components to: expected at least "
        "2, found 0");
  }
}

TEST_F(Baselines, RandomFollowsFromTheIdAlone) {
  const auto method = make("random");
  const Fingerprints a = method->compute(set, all, Keys::candidate);
  const std::vector<std::int64_t> one = {5};
  const Fingerprints b = method->compute(set, one, Keys::query);
  EXPECT_EQ(b.values, std::vector<float>(a.values.begin() + 5 * 64, a.values.begin() + 6 * 64));
  EXPECT_NE(a.values[0], a.values[64]);
}

TEST_F(Baselines, RefusesWhatItDoesNotKnow) {
  EXPECT_THROW(make("shazam"), SettingsError);
  EXPECT_THROW(make(""), SettingsError);
  EXPECT_THROW(make("cov", {{"patch", "3"}}), SettingsError);
  EXPECT_THROW(make("2dftm", {{"components", "3"}}), SettingsError);
  for (const auto& [key, value] :
       Settings{{"patch", "0"}, {"hop", "1.5"}, {"median", "maybe"}, {"unit_norm", ""}})
    EXPECT_THROW(make("2dftm", {{key, value}}), SettingsError) << key;
  for (const char* value : {"nan", "-1", "1e9", "2x", ""})
    EXPECT_THROW(make("2dftm", {{"power", value}}), SettingsError) << value;
  try {
    make("2dftm", {{"patch", "99999"}});
    FAIL();
  } catch (const SettingsError& error) {
    EXPECT_STREQ(error.what(), "patch: expected a whole number from 1 to 1024, found '99999'");
  }
}

TEST_F(Baselines, NoSongs) {
  EXPECT_TRUE(make("cov")->compute(set, {}, Keys::query).values.empty());
}

}  // namespace
}  // namespace reprise
