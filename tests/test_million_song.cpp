// Million Song files, the chroma published with them, and recordings that are there twice.

#include "collections/million_song.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "collections/beat_chroma.h"
#include "collections/duplicates.h"
#include "core/files.h"
#include "million_song_file.h"
#include "reprise/error.h"
#include "tolerance.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

class MillionSongFiles : public testing::Test {
 protected:
  MillionSongFiles()
      : folder_(fs::temp_directory_path() / ("reprise-msd-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~MillionSongFiles() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string written(const std::string& name, const std::vector<MillionSong>& songs,
                      bool summary = false) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    MillionSongWriter(path(name)).write(songs, summary);
    return path(name);
  }
  /// What opening the file and reading its first song says, without the path.
  std::string refusal(const std::string& name) const {
    try {
      MillionSongFile(path(name)).read(0);
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_EQ(message.find(path(name) + ": "), 0u) << message;
      return message.substr(path(name).size() + 2);
    }
    return "no error";
  }

  fs::path folder_;
};

void expect_same(const MillionSong& a, const MillionSong& b) {
  EXPECT_EQ(a.track_id, b.track_id);
  EXPECT_EQ(a.song_id, b.song_id);
  EXPECT_EQ(a.title, b.title);
  EXPECT_EQ(a.artist, b.artist);
  EXPECT_EQ(a.artist_id, b.artist_id);
  EXPECT_EQ(a.audio_md5, b.audio_md5);
  EXPECT_EQ(a.duration, b.duration);
  EXPECT_EQ(a.segment_start, b.segment_start);
  EXPECT_EQ(a.segment_loudness, b.segment_loudness);
  EXPECT_EQ(a.segment_pitches, b.segment_pitches);
  EXPECT_EQ(a.beat_start, b.beat_start);
}

TEST_F(MillionSongFiles, SingleAndAggregateFilesGiveTheSameSongs) {
  std::vector<MillionSong> songs;
  for (int i = 0; i < 45; ++i)  // more records than a chunk of the tables
    songs.push_back(made_up_song("TRAAA" + std::to_string(100 + i), i + 1, 20 + 7 * i));
  songs[3].title = "Für Elise";
  songs[4].audio_md5 = std::string(32, 'f');  // fills its field
  const MillionSongFile aggregate(written("all.h5", songs));
  ASSERT_EQ(aggregate.track_ids().size(), songs.size());
  for (std::size_t i = 0; i < songs.size(); ++i) expect_same(aggregate.read(i), songs[i]);
  const MillionSongFile single(written("one.h5", {songs[4]}));
  expect_same(single.read(0), songs[4]);
}

TEST_F(MillionSongFiles, SongsAreFoundInTreesFoldersAndAggregates) {
  const MillionSong a = made_up_song("TRAAABD128F429CF47", 1);
  const MillionSong b = made_up_song("TRBCDEF128F429CF48", 2);
  const MillionSong c = made_up_song("TRCCCCC128F429CF49", 3);
  const MillionSong d = made_up_song("TRDDDDD128F429CF4A", 4);
  written("tree/A/A/A/TRAAABD128F429CF47.h5", {a});
  written("tree/data/C/C/C/TRCCCCC128F429CF49.h5", {c});
  written("flat/TRBCDEF128F429CF48.h5", {b});
  const std::string many = written("many.h5", {d, made_up_song("TREEEEE128F429CF4B", 5)});
  const MillionSongs songs({path("tree"), path("flat"), many});
  for (const MillionSong* song : {&a, &b, &c, &d}) {
    const auto found = songs.find(song->track_id);
    ASSERT_TRUE(found) << song->track_id;
    expect_same(*found, *song);
  }
  EXPECT_FALSE(songs.find("TRXXXXX128F429CF47"));
  EXPECT_FALSE(songs.find("../../../etc/passwd"));
  EXPECT_FALSE(songs.find("TR"));
}

TEST_F(MillionSongFiles, RefusesWhatIsNoSong) {
  MillionSong song = made_up_song("TRAAABD128F429CF47", 1);
  written("summary.h5", {song}, true);
  EXPECT_EQ(refusal("summary.h5"),
            "expected songs with their segments, found a summary file, which has none");
  std::ofstream(path("text.h5")) << "track,beat\n";
  EXPECT_NE(refusal("text.h5").find("expected a whole HDF5 file"), std::string::npos);
  { H5Fclose(H5Fcreate(path("other.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)); }
  EXPECT_NE(refusal("other.h5").find("expected a Million Song file"), std::string::npos);

  MillionSong wrong = song;
  wrong.segment_start[5] = 1000;
  written("times.h5", {wrong});
  EXPECT_NE(refusal("times.h5").find("/analysis/segments_start: expected ascending times"),
            std::string::npos);
  wrong = song;
  wrong.segment_pitches[17] = std::numeric_limits<double>::quiet_NaN();
  written("nan.h5", {wrong});
  EXPECT_EQ(refusal("nan.h5"),
            "/analysis/segments_pitches: expected finite values, found nan at 17");
  wrong = song;
  wrong.segment_pitches[17] = -0.5;
  written("negative.h5", {wrong});
  EXPECT_EQ(refusal("negative.h5"),
            "/analysis/segments_pitches: expected values from 0 to 1, found -0.5");
  wrong = song;
  wrong.segment_loudness.pop_back();
  written("lengths.h5", {wrong});
  EXPECT_NE(refusal("lengths.h5").find("of equal length, found 120, 119 and 120"),
            std::string::npos);
  wrong = song;
  wrong.track_id = "TR../../..";
  written("id.h5", {wrong});
  EXPECT_NE(refusal("id.h5").find("expected a track id of letters and digits"), std::string::npos);
}

TEST_F(MillionSongFiles, RefusesAnotherSongsFile) {
  written("TRAAABD128F429CF47.h5", {made_up_song("TRBBBBB128F429CF47", 1)});
  const MillionSongs songs({folder_.string()});
  EXPECT_THROW(songs.find("TRAAABD128F429CF47"), Error);
}

TEST_F(MillionSongFiles, RefusesEveryTruncation) {
  const std::string whole = written("whole.h5", {made_up_song("TRAAABD128F429CF47", 1, 9)});
  const std::vector<std::uint8_t> bytes = read_file(whole, 1 << 24);
  for (std::size_t length = 0; length < bytes.size(); length += 61)
    EXPECT_THROW(MillionSongFile({bytes.data(), length}, "cut").read(0), Error) << length;
}

// The definitions as plain double loops over every pair of beat and segment.

double overlap(double a0, double a1, double b0, double b1) {
  return std::max(0.0, std::min(a1, b1) - std::max(a0, b0));
}

std::vector<double> normalised(const std::vector<double>& frames) {
  std::vector<double> out;
  for (std::size_t t = 0; t < frames.size(); t += 12) {
    const double largest = *std::max_element(frames.begin() + t, frames.begin() + t + 12);
    for (int c = 0; c < 12; ++c) out.push_back(largest > 0 ? frames[t + c] / largest : 0);
  }
  return out;
}

template <class T>
std::vector<double> reference_2012(const MillionSong& song) {
  std::vector<double> frames;
  const std::size_t n = song.segment_start.size();
  for (std::size_t b = 0; b < song.beat_start.size(); ++b) {
    const bool last = b + 1 == song.beat_start.size();
    for (int c = 0; c < 12; ++c) {
      T sum = 0;
      for (std::size_t s = 0; s < n; ++s) {
        const double begin = song.segment_start[s];
        const double end = s + 1 < n ? song.segment_start[s + 1] : 1e9;
        const double weight =
            last ? (begin <= song.beat_start[b] && song.beat_start[b] < end ? 1.0 : 0.0)
                 : overlap(begin, end, song.beat_start[b], song.beat_start[b + 1]);
        sum += static_cast<T>(weight) *
               static_cast<T>(std::pow(10.0, song.segment_loudness[s] / 20)) *
               static_cast<T>(song.segment_pitches[s * 12 + c]);
      }
      frames.push_back(static_cast<double>(sum));
    }
  }
  return normalised(frames);
}

template <class T>
std::vector<double> reference_2011(const MillionSong& song) {
  std::vector<double> frames;
  const std::size_t n = song.segment_start.size();
  for (std::size_t b = 0; b < song.beat_start.size(); ++b) {
    const double begin = song.beat_start[b];
    const double end = b + 1 < song.beat_start.size() ? song.beat_start[b + 1] : song.duration;
    const double latest = song.segment_start.back();
    for (int c = 0; c < 12; ++c) {
      T sum = 0;
      for (std::size_t s = 0; s < n && begin <= latest; ++s) {
        const double from = song.segment_start[s];
        const double to = s + 1 < n ? song.segment_start[s + 1] : song.duration;
        if (end > latest && from > begin) continue;  // the original takes the first segment alone
        sum += static_cast<T>(overlap(from, to, begin, end) / (to - from)) *
               static_cast<T>(song.segment_pitches[s * 12 + c]);
      }
      frames.push_back(static_cast<double>(sum));
    }
  }
  return normalised(frames);
}

std::vector<float> as_float(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

TEST(BeatChroma, IsThatOfTheDefinitions) {
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u, 5u}) {
    const MillionSong song = made_up_song("TRAAABD128F429CF47", seed);
    expect_close(beat_chroma_2012(song), reference_2012<double>(song),
                 as_float(reference_2012<float>(song)), "2012");
    expect_close(beat_chroma_2011(song), reference_2011<double>(song),
                 as_float(reference_2011<float>(song)), "2011");
    const std::vector<float> segments = segment_chroma(song);
    EXPECT_EQ(segments,
              std::vector<float>(song.segment_pitches.begin(), song.segment_pitches.end()));
  }
}

MillionSong hand_made() {
  MillionSong song;
  song.track_id = "TRHANDMADE";
  song.duration = 4;
  song.segment_start = {0, 1, 2};
  song.segment_loudness = {0, -20, 0};
  song.segment_pitches.assign(36, 0);
  song.segment_pitches[0 * 12 + 0] = 1;
  song.segment_pitches[1 * 12 + 1] = 1;
  song.segment_pitches[2 * 12 + 2] = 1;
  song.beat_start = {0.5, 1.5, 2.5};
  return song;
}

TEST(BeatChroma, HandWorkedBeats) {
  // Beat 0 spans half of segment 0 (gain 1) and half of segment 1 (gain 0.1): 0.5 against 0.05.
  const std::vector<float> c2012 = beat_chroma_2012(hand_made());
  ASSERT_EQ(c2012.size(), 36u);
  EXPECT_FLOAT_EQ(c2012[0], 1);
  EXPECT_FLOAT_EQ(c2012[1], 0.1f);
  EXPECT_FLOAT_EQ(c2012[12 + 1], 0.1f);
  EXPECT_FLOAT_EQ(c2012[12 + 2], 1);
  EXPECT_FLOAT_EQ(c2012[24 + 2], 1);  // the last beat: the segment under it
  // Without loudness both halves count the same; no segment starts after 2.5, so beat 2 is silent,
  // and none after the end of beat 1 (2.5), so that it is segment 1 alone.
  const std::vector<float> c2011 = beat_chroma_2011(hand_made());
  EXPECT_FLOAT_EQ(c2011[0], 1);
  EXPECT_FLOAT_EQ(c2011[1], 1);
  EXPECT_FLOAT_EQ(c2011[12 + 1], 1);
  EXPECT_FLOAT_EQ(c2011[12 + 2], 0);
  for (int c = 0; c < 12; ++c) EXPECT_EQ(c2011[24 + c], 0);
}

TEST(BeatChroma, SilentBeatsAreZeroAndTooShortSongsAreRefused) {
  MillionSong song = hand_made();
  std::fill(song.segment_pitches.begin(), song.segment_pitches.end(), 0.0);
  for (const float value : beat_chroma_2012(song)) EXPECT_EQ(value, 0);
  for (const float value : beat_chroma_2011(song)) EXPECT_EQ(value, 0);
  song = hand_made();
  song.beat_start = {0.5};
  EXPECT_THROW(beat_chroma_2012(song), Error);
  EXPECT_EQ(beat_chroma_2011(song).size(), 12u);
  song.beat_start.clear();
  EXPECT_THROW(beat_chroma_2011(song), Error);
  song = MillionSong();
  EXPECT_THROW(segment_chroma(song), Error);
}

RecordingSketch sketch(const std::string& artist, const std::string& md5, double duration,
                       const std::vector<float>& chroma) {
  return {artist, md5, duration, chroma};
}

TEST(Duplicates, SameAudioOrSameArtistWithTheSameFrames) {
  const std::vector<float> a = random_chroma(100, 1);
  const std::vector<float> b = random_chroma(100, 2);
  std::vector<float> late(a.begin() + 36, a.end());  // three frames less at the start
  for (float& value : late) value *= 0.97f;          // and softer
  std::vector<float> noisy = a;
  Random random(9);
  for (float& value : noisy) value = 0.4f * value + 0.6f * random.uniform();
  const auto found = find_duplicates(
      {sketch("A", "1", 200, a), sketch("B", "1", 100, b), sketch("A", "2", 201, late),
       sketch("B", "3", 200, a), sketch("A", "4", 200, noisy), sketch("A", "5", 203, a),
       sketch("A", "", 200, b), sketch("A", "", 200, b)},
      DuplicateRules());
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].song, 1u);  // the same checksum, whatever else
  EXPECT_EQ(found[0].of, 0u);
  EXPECT_TRUE(found[0].same_checksum);
  EXPECT_EQ(found[1].song, 2u);
  EXPECT_EQ(found[1].of, 0u);
  EXPECT_FALSE(found[1].same_checksum);
  EXPECT_GT(found[1].cosine, 0.9999);
  EXPECT_EQ(found[2].song, 7u);
  EXPECT_EQ(found[2].of, 6u);
}

TEST(Duplicates, AgreementIsTheMeanCosineAtTheBestOffset) {
  const std::vector<float> a = random_chroma(40, 1);
  const std::vector<float> b = random_chroma(40, 2);
  double mean = 0;
  for (int t = 0; t < 40; ++t) {
    double product = 0, aa = 0, bb = 0;
    for (int c = 0; c < 12; ++c) {
      product += double{a[t * 12 + c]} * double{b[t * 12 + c]};
      aa += double{a[t * 12 + c]} * double{a[t * 12 + c]};
      bb += double{b[t * 12 + c]} * double{b[t * 12 + c]};
    }
    mean += product / std::sqrt(aa * bb) / 40;
  }
  EXPECT_NEAR(frame_agreement(a, b, 0), mean, 1e-12);
  EXPECT_EQ(frame_agreement(a, std::span(b).first(12), 8), 0);  // too short to be the same
  EXPECT_EQ(frame_agreement({}, {}, 8), 0);
  const std::vector<float> silence(120, 0.0f);
  EXPECT_EQ(frame_agreement(silence, silence, 0), 1);
}

}  // namespace
}  // namespace reprise
