#include "reprise/synth.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>

#include "reprise/error.h"

namespace reprise {
namespace {

TEST(Synth, SongsFollowFromSeedAndNumberAlone) {
  const SynthSettings settings;
  const auto one = synth_songs(settings, 5, 0, 50, 1);
  const auto three = synth_songs(settings, 5, 20, 30, 3);
  ASSERT_EQ(one.size(), 50u);
  for (std::size_t i = 0; i < three.size(); ++i) {
    EXPECT_EQ(three[i].info.song_id, one[20 + i].info.song_id);
    EXPECT_EQ(three[i].info.work_id, one[20 + i].info.work_id);
    EXPECT_EQ(three[i].chroma, one[20 + i].chroma);
  }
  EXPECT_NE(synth_song(settings, 6, 0).chroma, one[0].chroma);
  // Any number costs the same.
  const SynthSong far = synth_song(settings, 5, std::int64_t{1} << 40);
  EXPECT_EQ(far.chroma.size() % 12, 0u);
  EXPECT_FALSE(far.chroma.empty());
}

TEST(Synth, WorksHaveTheVersionsAskedFor) {
  SynthSettings settings;
  settings.set("seconds", "5");
  settings.set("versions", "4");
  settings.set("singles", "0.5");
  std::map<std::string, int> works;
  int songs_alone = 0;
  for (const SynthSong& song : synth_songs(settings, 1, 0, 4000, 2)) ++works[song.info.work_id];
  for (const auto& [work, size] : works) {
    EXPECT_TRUE(size == 1 || size == 4) << work;
    songs_alone += size == 1;
  }
  EXPECT_NEAR(songs_alone, 2000, 4 * 80);  // five deviations of 1,000 fair draws of groups of four
  settings.set("singles", "0");
  for (const SynthSong& song : synth_songs(settings, 1, 0, 8, 1))
    EXPECT_EQ(song.info.work_id, song.info.song_id <= "s000000003" ? "w000000000" : "w000000001");
}

/// Pitch classes of a song, each its share of the energy.
std::array<double, 12> shares(const SynthSong& song) {
  std::array<double, 12> sums{};
  double total = 0;
  for (std::size_t i = 0; i < song.chroma.size(); ++i) {
    sums[i % 12] += song.chroma[i];
    total += song.chroma[i];
  }
  for (double& sum : sums) sum /= total;
  return sums;
}

TEST(Synth, WithoutVariationCoversDifferInKeyAndMixOnly) {
  SynthSettings settings;
  for (const char* name : {"structure", "harmony", "ornament", "noise", "singles", "accompaniment"})
    settings.set(name, "0");
  settings.set("tempo", "1");
  const auto songs = synth_songs(settings, 3, 0, 3, 1);
  ASSERT_EQ(songs[0].chroma.size(), songs[1].chroma.size());
  ASSERT_EQ(songs[0].chroma.size(), songs[2].chroma.size());
  // A key and a loudness of partials apart, the histograms are one: their sorted shares agree.
  auto a = shares(songs[0]), b = shares(songs[1]);
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  for (int c = 0; c < 12; ++c) EXPECT_NEAR(a[c], b[c], 0.05);
  for (const SynthSong& song : songs)
    for (std::size_t t = 0; t < song.chroma.size(); t += 12)
      EXPECT_TRUE(*std::max_element(song.chroma.begin() + t, song.chroma.begin() + t + 12) == 255 ||
                  *std::max_element(song.chroma.begin() + t, song.chroma.begin() + t + 12) == 0);
}

TEST(Synth, ParametersAreCheckedAndTold) {
  SynthSettings settings;
  for (const SynthParameter& p : synth_parameters()) {
    EXPECT_EQ(settings.get(p.name), fmt::format("{:g}", p.initial)) << p.name;
    EXPECT_THROW(settings.set(p.name, fmt::format("{}", p.high + 1)), SettingsError) << p.name;
    EXPECT_THROW(settings.set(p.name, "x"), SettingsError);
    EXPECT_THROW(settings.set(p.name, "nan"), SettingsError);
    settings.set(p.name, fmt::format("{}", p.high));
    EXPECT_EQ(settings.get(p.name), fmt::format("{:g}", p.high));
  }
  EXPECT_THROW(settings.set("versions", "2.5"), SettingsError);
  EXPECT_THROW(settings.set("verses", "2"), SettingsError);
}

}  // namespace
}  // namespace reprise
