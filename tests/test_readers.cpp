// The registry of formats: how a path is recognised, and what comes of it.

#include "reprise/readers.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "io/npy.h"
#include "reprise/error.h"
#include "reprise/import.h"
#include "small_set.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

class Readers : public testing::Test {
 protected:
  Readers() { fs::create_directories(folder / "music"); }
  ~Readers() override { fs::remove_all(folder); }
  std::string path(const std::string& name) const { return folder / name; }
  std::string text(const std::string& name, const std::string& contents) const {
    std::ofstream(path(name)) << contents;
    return path(name);
  }
  std::string npy(const std::string& name) const {
    write_npy(path(name), {2, 12}, frames.data());
    return path(name);
  }
  std::string csv(const std::string& name) const { return text(name, "0,0,0,0,0,0,0,0,0,0,0,1\n"); }
  std::string set(const std::string& name) const {
    write_song_set(path(name), small_set(1, 2));
    return path(name);
  }

  const fs::path folder =
      fs::temp_directory_path() / ("reprise-readers-" + std::to_string(::getpid()));
  const std::vector<float> frames = std::vector<float>(24, 0.5f);
};

TEST_F(Readers, RecogniseTheirFiles) {
  const auto name = [](const std::string& file) { return reader_of(file).name; };
  EXPECT_EQ(name(text("a.FLAC", "")), "audio");
  EXPECT_EQ(name(csv("a.csv")), "csv");
  EXPECT_EQ(name(npy("a.npy")), "npy");
  EXPECT_EQ(name(set("a.h5")), "song-set");
  EXPECT_EQ(name(path("none.h5")), "song-set") << "which says that there is none";
  EXPECT_EQ(name(path("music")), "audio") << "empty: which says so";
  npy("music/a.npy");
  EXPECT_EQ(name(path("music")), "npy");
  text("music/a.wav", "");
  EXPECT_EQ(name(path("music")), "audio") << "the first of the table";
}

TEST_F(Readers, RowsAreNamedOnceAndSayWhatTheyDo) {
  std::set<std::string_view> names;
  for (const Reader& reader : readers()) {
    EXPECT_TRUE(names.insert(reader.name).second) << reader.name;
    EXPECT_EQ(&reader_named(reader.name), &reader);
    EXPECT_NE(reader.read, nullptr) << reader.name;
    EXPECT_TRUE(reader.example.starts_with(reader.name)) << reader.name;
    // Only files that are named are recognised.
    if (!reader.endings.empty()) ReaderValues(reader).set("paths", "x");
    ReaderValues values(reader);
    std::set<std::string_view> options;
    for (const ReaderOption& option : reader.options) {
      EXPECT_TRUE(options.insert(option.name).second) << reader.name << " " << option.name;
      EXPECT_FALSE(option.meaning.empty());
      if (!option.initial.empty()) values.set(option.name, option.initial);  // in range
    }
  }
  EXPECT_THROW(reader_named("none"), SettingsError);
}

TEST_F(Readers, OptionsAreChecked) {
  ReaderValues values(reader_named("npy"));
  EXPECT_THROW(values.set("none", "1"), SettingsError);
  EXPECT_THROW(values.set("origin", "12"), SettingsError);
  EXPECT_THROW(values.set("origin", "1.5"), SettingsError);
  EXPECT_THROW(values.set("origin", "x"), SettingsError);
  EXPECT_THROW(values.set("transposed", "maybe"), SettingsError);
  EXPECT_THROW(ReaderValues(reader_named("csv")).set("first-line", "last"), SettingsError);
  EXPECT_THROW(ReaderValues(reader_named("acoss")).check(), SettingsError);
  values.set("origin", "9");
  EXPECT_EQ(values.number("origin"), 9);
  EXPECT_FALSE(values.flag("transposed"));
}

TEST_F(Readers, SongsOfAllFormatsBecomeOneSet) {
  const std::vector<std::string> files{npy("one.npy"), csv("two.csv"), set("three.h5")};
  std::vector<std::string> notes;
  ReadContext context;
  context.observer.note = [&](const std::string& line) { notes.push_back(line); };
  const SongSet songs = read_songs(files, context);
  const SongSet three = read_song_set(files[2]);
  ASSERT_EQ(songs.songs(), 2 + three.songs());
  EXPECT_EQ(songs.song_id[0], "one");
  EXPECT_EQ(songs.song_id[1], "two");
  EXPECT_EQ(songs.frames(0), 2);
  EXPECT_EQ(songs.chroma().at(0, 3), 0.5f);
  EXPECT_EQ(songs.chroma().at(2, 11), 1.0f);
  EXPECT_EQ(songs.song_id[2], three.song_id[0]);
  EXPECT_TRUE(notes.empty());

  text("bad.npy", "not NumPy");
  const std::vector<std::string> bad{path("bad.npy"), path("one.npy")};
  EXPECT_EQ(read_songs(bad, context).songs(), 1);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_TRUE(notes[0].starts_with("left out: " + path("bad.npy"))) << notes[0];
  EXPECT_THROW(read_songs(std::span(bad).first(1)), Error);
}

// Two sets with a song of one id: imported, it is counted.
TEST_F(Readers, SetsAreImported) {
  const Reader& reader = reader_named("song-set");
  ReaderValues values(reader);
  values.set("paths", set("a.h5"));
  values.set("paths", path("a.h5"));
  std::int64_t told = 0;
  const ImportCounts counts = import_songs(
      reader, values, {.out = path("b.h5"), .split = "noise", .divide = {}, .report = {}}, {},
      [&](const ImportEvent& event, const ImportCounts&) { told += event.left_out.has_value(); });
  const SongSet a = read_song_set(path("a.h5")), b = read_song_set(path("b.h5"));
  EXPECT_EQ(counts.songs, a.songs());
  EXPECT_EQ(counts.duplicates, a.songs());
  EXPECT_EQ(told, a.songs());
  EXPECT_EQ(b.song_id, a.song_id);
  EXPECT_EQ(b.chroma_float, a.chroma_float);
  EXPECT_EQ(b.title, a.title);
  EXPECT_EQ(b.split, std::vector<std::string>(a.songs(), "noise"));
}

// The songs asked for, with all that is known of them, in memory of their own.
TEST(SongSetSelect, KeepsAllFields) {
  SongSet set = small_set(2, 2);
  set.tune_id.assign(set.songs(), "t");
  set.melodic_similarity.assign(set.songs(), 0.25f);
  set.frames_per_second = 4;
  const std::int64_t numbers[] = {5, 0, 5};
  const SongSet some = set.select(numbers);
  ASSERT_EQ(some.songs(), 3);
  EXPECT_EQ(some.frames_per_second, 4);
  for (int i = 0; i < 3; ++i) {
    const std::int64_t song = numbers[i];
    EXPECT_EQ(some.song_id[i], set.song_id[song]);
    EXPECT_EQ(some.work_id[i], set.work_id[song]);
    EXPECT_EQ(some.split[i], set.split[song]);
    EXPECT_EQ(some.title[i], set.title[song]);
    EXPECT_EQ(some.artist[i], set.artist[song]);
    ASSERT_EQ(some.frames(i), set.frames(song));
    for (std::int64_t t = 0; t < some.frames(i); ++t)
      for (int c = 0; c < 12; ++c)
        ASSERT_EQ(some.chroma_of(i).at(t, c), set.chroma_of(song).at(t, c));
  }
  EXPECT_EQ(some.tune_id.size(), 3u);
  EXPECT_EQ(some.melodic_similarity.size(), 3u);
  EXPECT_EQ(set.select({}).songs(), 0);
}

}  // namespace
}  // namespace reprise
