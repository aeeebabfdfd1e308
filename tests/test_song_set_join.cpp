#include <gtest/gtest.h>

#include <cmath>

#include "catalogue_fixture.h"
#include "random_chroma.h"
#include "reprise/song_set.h"
#include "song_set_of.h"

namespace reprise {
namespace {

SongSet one_song(const std::string& id, int frames, std::uint64_t seed) {
  SongSet set = song_set_of({{id, "work", "test", random_chroma(frames, seed)}});
  set.path = id + ".h5";
  return set;
}

TEST(SongSetJoin, SongsStayWhatTheyAre) {
  SongSet a = one_song("a", 7, 1), b = one_song("b", 5, 2);
  b.title = {"B"};
  b.melodic_similarity = {0.5f};
  a.frames_per_second = 4.5;
  const SongSet all = join_song_sets({a, b});
  EXPECT_EQ(all.song_id, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(all.offsets, (std::vector<std::int64_t>{0, 7, 12}));
  EXPECT_EQ(all.title, (std::vector<std::string>{"", "B"}));
  EXPECT_TRUE(all.artist.empty());
  EXPECT_TRUE(std::isnan(all.melodic_similarity[0]));
  EXPECT_EQ(all.melodic_similarity[1], 0.5f);
  EXPECT_EQ(all.frames_per_second, 4.5);
  std::vector<float> chroma = a.chroma_float;
  chroma.insert(chroma.end(), b.chroma_float.begin(), b.chroma_float.end());
  EXPECT_EQ(all.chroma_float, chroma);
}

TEST(SongSetJoin, BytesBecomeFloatsWhereTheyMeetFloats) {
  SongSet bytes = one_song("bytes", 1, 1);
  bytes.type = ChromaType::uint8;
  bytes.chroma_float.clear();
  for (int c = 0; c < kPitchClasses; ++c) bytes.chroma_uint8.push_back(255 - 51 * (c % 6));
  const SongSet floats = one_song("floats", 2, 2);
  for (const bool first : {true, false}) {
    const SongSet all = first ? join_song_sets({bytes, floats}) : join_song_sets({floats, bytes});
    ASSERT_EQ(all.type, ChromaType::float32);
    const std::int64_t at = all.offsets[all.find("bytes")];
    for (int c = 0; c < kPitchClasses; ++c)
      EXPECT_NEAR(all.chroma().at(at, c), 1 - 0.2 * (c % 6), 1e-6) << c;
  }
  SongSet more = bytes;
  more.song_id = {"more"};
  EXPECT_EQ(join_song_sets({bytes, more}).type, ChromaType::uint8);
}

TEST(SongSetJoin, RefusesTheSameIdOtherFrameRatesAndOtherChroma) {
  SongSet a = one_song("a", 3, 1), b = one_song("b", 3, 2);
  EXPECT_EQ(error_of([&] {
              join_song_sets({a, b, a});
            }),
            "a.h5: expected ids that no other set has, found 'a' in a.h5 too");
  a.frames_per_second = 4.5;
  b.frames_per_second = 10;
  EXPECT_EQ(error_of([&] {
              join_song_sets({a, b});
            }),
            "b.h5: expected 4.5 frames a second as in a.h5, found 10");
  b.frames_per_second = 0;
  a.chroma_source = "one";
  EXPECT_EQ(join_song_sets({b, a}).chroma_source, "one");
  b.chroma_source = "two";
  EXPECT_EQ(error_of([&] {
              join_song_sets({a, b});
            }),
            "b.h5: expected chroma made as in a.h5 ('one'), found 'two'");
  EXPECT_EQ(join_song_sets({}).songs(), 0);
}

}  // namespace
}  // namespace reprise
