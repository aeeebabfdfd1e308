// Song sets that are written song by song, and read where they lie.

#include "reprise/song_set_writer.h"

#include <gtest/gtest.h>
#include <hdf5.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "core/files.h"
#include "core/scratch.h"
#include "random_chroma.h"
#include "reprise/error.h"
#include "tiny_disk.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

class SongSetWriting : public testing::Test {
 protected:
  SongSetWriting()
      : folder_(fs::temp_directory_path() / ("reprise-writer-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
    path_ = (folder_ / "songs.h5").string();
  }
  ~SongSetWriting() override { fs::remove_all(folder_); }

  /// Songs of uneven length; packed unless the limit is small.
  SongSet write(ChromaType type, std::int64_t packed_bytes, int songs = 9) {
    fs::remove(path_);
    SongSet expected;
    SongSetInfo info;
    info.source = "a test";
    info.chroma_source = "front end 1";
    info.frames_per_second = 2;
    info.type = type;
    SongSetWriter writer(path_, info, packed_bytes);
    for (int i = 0; i < songs; ++i) {
      const std::vector<float> chroma = random_chroma(1 + 997 * i, i + 1);
      const SongInfo song{"s" + std::to_string(i), "w" + std::to_string(i / 2),
                          i % 2 == 0 ? "train" : "test", i == 3 ? "Für Elise" : "", ""};
      writer.add(song, chroma);
      for (const float v : chroma)
        if (type == ChromaType::uint8)
          expected.chroma_uint8.push_back(static_cast<std::uint8_t>(v * 255 + 0.5f));
        else
          expected.chroma_float.push_back(v);
      expected.offsets.push_back(expected.offsets.back() + 1 + 997 * i);
      expected.song_id.push_back(song.song_id);
      expected.work_id.push_back(song.work_id);
      expected.split.push_back(song.split);
      expected.title.push_back(song.title);
    }
    EXPECT_EQ(writer.songs(), songs);
    EXPECT_EQ(writer.frames(), expected.frames());
    EXPECT_TRUE(fs::is_empty(folder_)) << "nothing has a name before finish()";
    writer.finish();
    return expected;
  }

  static void expect_same(const SongSet& found, const SongSet& expected, ChromaType type) {
    ASSERT_EQ(found.type, type);
    EXPECT_EQ(found.source, "a test");
    EXPECT_EQ(found.chroma_source, "front end 1");
    EXPECT_EQ(found.frames_per_second, 2);
    EXPECT_EQ(found.offsets, expected.offsets);
    EXPECT_EQ(found.song_id, expected.song_id);
    EXPECT_EQ(found.work_id, expected.work_id);
    EXPECT_EQ(found.split, expected.split);
    EXPECT_EQ(found.title, expected.title);
    EXPECT_TRUE(found.artist.empty());
    ASSERT_EQ(found.chroma().frames, expected.frames());
    const std::int64_t values = expected.frames() * kPitchClasses;
    if (type == ChromaType::uint8) {
      EXPECT_TRUE(std::equal(expected.chroma_uint8.begin(), expected.chroma_uint8.end(),
                             static_cast<const std::uint8_t*>(found.chroma().data)));
    } else {
      EXPECT_TRUE(std::equal(expected.chroma_float.begin(), expected.chroma_float.end(),
                             static_cast<const float*>(found.chroma().data)));
    }
    EXPECT_GT(values, 0);
  }

  /// Address of the set's chroma in its file; HADDR_UNDEF where it is packed.
  haddr_t place() const {
    const hid_t file = H5Fopen(path_.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t chroma = H5Dopen2(file, "/chroma", H5P_DEFAULT);
    const haddr_t at = H5Dget_offset(chroma);
    H5Dclose(chroma);
    H5Fclose(file);
    return at;
  }

  fs::path folder_;
  std::string path_;
};

TEST_F(SongSetWriting, PackedAndPlainSetsReadAlikeInMemoryAndMapped) {
  for (const ChromaType type : {ChromaType::float32, ChromaType::uint8})
    for (const std::int64_t packed_bytes : {kChromaInMemory, std::int64_t{0}}) {
      const SongSet expected = write(type, packed_bytes);
      EXPECT_EQ(place() != HADDR_UNDEF, packed_bytes == 0);
      for (const std::int64_t in_memory : {kChromaInMemory, std::int64_t{0}}) {
        const SongSet found = read_song_set(path_, in_memory);
        EXPECT_EQ(found.mapped_chroma != nullptr, in_memory == 0);
        expect_same(found, expected, type);
        for (std::int64_t i = 0; i < found.songs(); ++i) {
          EXPECT_EQ(found.chroma_of(i).frames, expected.frames(i));
          EXPECT_EQ(found.chroma_of(i).at(0, 7), found.chroma().at(found.offsets[i], 7));
        }
        const SongSet copy = found;  // shares the mapping
        expect_same(copy, expected, type);
      }
    }
}

TEST_F(SongSetWriting, MappedSetsOutliveTheirName) {
  const SongSet expected = write(ChromaType::uint8, 0);
  const SongSet found = read_song_set(path_, 0);
  fs::remove(path_);
  expect_same(found, expected, ChromaType::uint8);
}

TEST_F(SongSetWriting, MappedSetsMayBeWrittenAgain) {
  const SongSet expected = write(ChromaType::float32, 0);
  const SongSet found = read_song_set(path_, 0);
  const std::string other = (folder_ / "other.h5").string();
  write_song_set(other, found);
  expect_same(read_song_set(other), expected, ChromaType::float32);
}

TEST_F(SongSetWriting, WrongValuesInMappedFilesAreFound) {
  write(ChromaType::float32, 0);
  const auto at = static_cast<long>(place()) + 4 * (12 * (1 + 5) + 3);  // song 1, row 6, column 3
  std::FILE* file = std::fopen(path_.c_str(), "r+b");
  ASSERT_NE(file, nullptr);
  const float wrong = -1;
  std::fseek(file, at, SEEK_SET);
  std::fwrite(&wrong, sizeof wrong, 1, file);
  std::fclose(file);
  for (const std::int64_t in_memory : {kChromaInMemory, std::int64_t{0}}) try {
      read_song_set(path_, in_memory);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.what(),
                path_ +
                    ": /chroma: expected finite values from 0 up, found -1 in row 6, column 3 "
                    "(song 1, 's1')");
    }
}

TEST_F(SongSetWriting, UnfitSongsAreRefusedAndTheRestIsWritten) {
  SongSetWriter writer(path_, {});
  const std::vector<float> chroma = random_chroma(3, 1);
  std::vector<float> wrong = chroma;
  wrong[5] = -0.5f;
  EXPECT_THROW(writer.add({"a", "w", "test", "", ""}, wrong), UnfitSong);
  EXPECT_THROW(writer.add({"", "w", "test", "", ""}, chroma), UnfitSong);
  EXPECT_THROW(writer.add({"a", "w", "training", "", ""}, chroma), UnfitSong);
  EXPECT_THROW(writer.add({"a", "w", "test", "\xff", ""}, chroma), UnfitSong);
  EXPECT_THROW(writer.add({"a", "w", "test", "", ""}, std::span(chroma).first(11)), UnfitSong);
  EXPECT_THROW(writer.add({"a", "w", "test", "", ""}, std::span<const float>()), UnfitSong);
  writer.add({"a", "w", "test", "", ""}, chroma);
  writer.finish();
  EXPECT_EQ(read_song_set(path_).chroma_float, chroma);
}

TEST_F(SongSetWriting, TheSameIdTwiceIsFoundAtTheEnd) {
  SongSetWriter writer(path_, {});
  for (const char* id : {"a", "b", "c", "b"})
    writer.add({id, "w", "test", "", ""}, random_chroma(2, 1));
  try {
    writer.finish();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), path_ + ": /song_id: expected unique ids, found 'b' in songs 1 and 3");
  }
  EXPECT_TRUE(fs::is_empty(folder_));
  SongSetWriter none(path_, {});
  EXPECT_THROW(none.finish(), Error);
}

TEST_F(SongSetWriting, AFullDiskIsAnError) {
  const TinyDisk disk(folder_ / "disk", 256);
  if (!disk.mounted()) GTEST_SKIP() << "no small file system can be mounted here";
  const auto fill = [&] {
    SongSetWriter writer(disk.file("songs.h5"), {});
    for (int i = 0; i < 20; ++i)
      writer.add({std::to_string(i), "w", "test", "", ""}, random_chroma(400, i + 1));
    writer.finish();
  };
  EXPECT_THROW(fill(), Error);
  EXPECT_EQ(disk.entries(), 0);
  ::setenv("TMPDIR", disk.file("").c_str(), 1);
  try {
    scratch_memory(std::int64_t{1} << 20, "songs.h5");
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("songs.h5: cannot set 1048576 bytes aside in"),
              std::string::npos)
        << error.what();
  }
  ::unsetenv("TMPDIR");
}

}  // namespace
}  // namespace reprise
