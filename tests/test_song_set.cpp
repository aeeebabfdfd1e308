#include "reprise/song_set.h"

#include <gtest/gtest.h>
#include <hdf5.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "core/files.h"
#include "io/song_set_image.h"
#include "reprise/error.h"
#include "tiny_disk.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

/// A song set of two songs (2 and 3 frames) written with HDF5's own calls, so that the reader is
/// not held against the writer. Datasets named in `without` are left for the test to make.
class HandMade {
 public:
  HandMade(const std::string& path, std::set<std::string> without)
      : file_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)) {
    const auto wanted = [&](const char* name) { return without.count(name) == 0; };
    if (wanted("format")) attribute("format", "reprise-songs");
    if (wanted("version")) attribute("version", H5T_STD_U8LE, H5T_NATIVE_INT, 1);
    if (wanted("chroma")) chroma(std::vector<float>(60, 0.5f));
    if (wanted("offsets")) offsets({0, 2, 5});
    if (wanted("song_id")) texts("song_id", {"a", "b"});
    if (wanted("work_id")) texts("work_id", {"w", "w"});
  }
  ~HandMade() { H5Fclose(file_); }

  void attribute(const char* name, const std::string& value) {
    const hid_t type = text_type(value.size());
    attribute(name, type, value.data());
    H5Tclose(type);
  }
  void attribute(const char* name, hid_t file_type, hid_t memory_type, int value) {
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t id = H5Acreate2(file_, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(id, memory_type, &value);
    H5Aclose(id);
    H5Sclose(space);
  }
  void numbers(const char* name, hid_t file_type, hid_t memory_type,
               const std::vector<hsize_t>& lengths, const void* values,
               hid_t creation = H5P_DEFAULT) {
    const hid_t space = H5Screate_simple(static_cast<int>(lengths.size()), lengths.data(), nullptr);
    const hid_t id = H5Dcreate2(file_, name, file_type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    ASSERT_GE(id, 0);
    if (values) {
      ASSERT_GE(H5Dwrite(id, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
    }
    H5Dclose(id);
    H5Sclose(space);
  }
  void chroma(const std::vector<float>& values) {
    numbers("chroma", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, {values.size() / 12, 12}, values.data());
  }
  void offsets(const std::vector<std::int64_t>& values) {
    numbers("offsets", H5T_STD_I64LE, H5T_NATIVE_INT64, {values.size()}, values.data());
  }
  /// Variable length, UTF-8: what h5py writes.
  void texts(const char* name, const std::vector<const char*>& values) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    numbers(name, type, type, {values.size()}, values.data());
    H5Tclose(type);
  }
  /// Fixed length, ASCII.
  void fixed_texts(const char* name, std::size_t width, H5T_str_t padding,
                   const std::string& fields) {
    const hid_t type = text_type(width);
    H5Tset_strpad(type, padding);
    numbers(name, type, type, {fields.size() / width}, fields.data());
    H5Tclose(type);
  }
  hid_t file() const { return file_; }

 private:
  static hid_t text_type(std::size_t width) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, width);
    return type;
  }
  void attribute(const char* name, hid_t type, const void* value) {
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t id = H5Acreate2(file_, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(id, type, value);
    H5Aclose(id);
    H5Sclose(space);
  }
  hid_t file_;
};

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

SongSet example(ChromaType type) {
  SongSet set;
  set.source = "a test";
  set.frames_per_second = 2.5;
  set.chroma_source = "audio rate=22050";
  set.type = type;
  set.offsets = {0, 1, 5000, 5003};
  for (int i = 0; i < 5003 * 12; ++i) {
    if (type == ChromaType::uint8)
      set.chroma_uint8.push_back(static_cast<std::uint8_t>(i * 7 % 256));
    else
      set.chroma_float.push_back(static_cast<float>(i * 7 % 1000) / 999.0f);
  }
  set.song_id = {"one", "two", "three"};
  set.work_id = {"w", "w", "x"};
  set.split = {"train", "test", "noise"};
  set.title = {"Für Elise", "", "夜 "};
  set.artist = {"A", "B", std::string(70000 / 2, 'c')};
  set.tune_id = {"t1", "t1", "t2"};
  set.melodic_similarity = {0.25f, 1.0f, std::numeric_limits<float>::quiet_NaN()};
  return set;
}

class SongSetFile : public testing::Test {
 protected:
  SongSetFile() : folder_(fs::temp_directory_path() / ("reprise-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
    path_ = (folder_ / "songs.h5").string();
  }
  ~SongSetFile() override { fs::remove_all(folder_); }

  /// What reading says of a hand-made file in which `make` replaces the datasets `without`; the
  /// path and ": " are cut off.
  std::string refusal(
      const std::set<std::string>& without,
      const std::function<void(HandMade&)>& make = [](HandMade&) {}) {
    {
      HandMade file(path_, without);
      make(file);
    }
    const std::string message = message_of([&] { read_song_set(path_); });
    if (message == "no error") return message;
    EXPECT_EQ(message.rfind(path_ + ": ", 0), 0u) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    return message.substr(std::min(message.size(), path_.size() + 2));
  }

  fs::path folder_;
  std::string path_;
};

TEST_F(SongSetFile, ReadsHandMadeFile) {
  std::vector<float> values(60);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) / 64;
  {
    HandMade file(path_, {"chroma", "offsets", "work_id", "version"});
    file.attribute("version", H5T_STD_I64BE, H5T_NATIVE_INT, 1);
    const hid_t chunked = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk[] = {2, 5};
    H5Pset_chunk(chunked, 2, chunk);
    H5Pset_shuffle(chunked);
    H5Pset_deflate(chunked, 1);
    file.numbers("chroma", H5T_IEEE_F32BE, H5T_NATIVE_FLOAT, {5, 12}, values.data(), chunked);
    H5Pclose(chunked);
    const std::int64_t offsets[] = {0, 2, 5};
    file.numbers("offsets", H5T_STD_U16BE, H5T_NATIVE_INT64, {3}, offsets);
    file.fixed_texts("work_id", 4, H5T_STR_SPACEPAD, "w 1 w 2 ");
    file.fixed_texts("split", 5, H5T_STR_NULLTERM, std::string("test\0noise", 10));
    file.texts("title", {"Für Elise", ""});
  }
  const SongSet set = read_song_set(path_);
  EXPECT_EQ(set.path, path_);
  EXPECT_EQ(set.source, "");
  EXPECT_EQ(set.frames_per_second, 0);
  EXPECT_EQ(set.chroma_source, "");
  EXPECT_EQ(set.type, ChromaType::float32);
  EXPECT_EQ(set.chroma_float, values);
  EXPECT_EQ(set.offsets, (std::vector<std::int64_t>{0, 2, 5}));
  EXPECT_EQ(set.song_id, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(set.work_id, (std::vector<std::string>{"w 1", "w 2"}));
  EXPECT_EQ(set.split, (std::vector<std::string>{"test", "noise"}));
  EXPECT_EQ(set.title, (std::vector<std::string>{"Für Elise", ""}));
  EXPECT_TRUE(set.artist.empty());
  EXPECT_EQ(set.chroma().at(1, 4), 16.0f / 64);
  EXPECT_EQ(set.whole(1, 3).first, 2);
  EXPECT_EQ(set.whole(1, 3).frames, 3);
}

TEST_F(SongSetFile, SongsAreOfTheTestSplitWhereThereIsNone) {
  { HandMade file(path_, {}); }
  EXPECT_EQ(read_song_set(path_).split, (std::vector<std::string>{"test", "test"}));
}

TEST_F(SongSetFile, RoundTrip) {
  for (const ChromaType type : {ChromaType::float32, ChromaType::uint8}) {
    const SongSet set = example(type);
    write_song_set(path_, set);
    const SongSet back = read_song_set(path_);
    EXPECT_EQ(back.source, set.source);
    EXPECT_EQ(back.frames_per_second, set.frames_per_second);
    EXPECT_EQ(back.chroma_source, set.chroma_source);
    EXPECT_EQ(back.type, type);
    EXPECT_EQ(back.chroma_float, set.chroma_float);
    EXPECT_EQ(back.chroma_uint8, set.chroma_uint8);
    EXPECT_EQ(back.offsets, set.offsets);
    EXPECT_EQ(back.song_id, set.song_id);
    EXPECT_EQ(back.work_id, set.work_id);
    EXPECT_EQ(back.split, set.split);
    EXPECT_EQ(back.title, set.title);
    EXPECT_EQ(back.artist, set.artist);
    EXPECT_EQ(back.tune_id, set.tune_id);
    ASSERT_EQ(back.melodic_similarity.size(), 3u);
    EXPECT_EQ(back.melodic_similarity[0], 0.25f);
    EXPECT_TRUE(std::isnan(back.melodic_similarity[2]));

    const std::vector<std::uint8_t> bytes = read_file(path_, 1 << 24);
    EXPECT_EQ(parse_song_set(bytes, "memory").chroma_float, set.chroma_float);
    write_song_set(path_, set);
    EXPECT_EQ(read_file(path_, 1 << 24), bytes) << "the same set gives the same bytes";
  }
}

TEST_F(SongSetFile, WritesChunksThatOtherProgramsExpect) {
  write_song_set(path_, example(ChromaType::uint8));
  const hid_t file = H5Fopen(path_.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  const hid_t chroma = H5Dopen2(file, "/chroma", H5P_DEFAULT);
  const hid_t creation = H5Dget_create_plist(chroma);
  hsize_t chunk[2] = {};
  EXPECT_EQ(H5Pget_chunk(creation, 2, chunk), 2);
  EXPECT_EQ(chunk[0], 4096u);
  EXPECT_EQ(chunk[1], 12u);
  EXPECT_EQ(H5Pget_nfilters(creation), 2);
  H5Pclose(creation);
  H5Dclose(chroma);
  H5Fclose(file);
}

TEST(SongSet, FindsSongs) {
  const SongSet set = example(ChromaType::uint8);
  EXPECT_EQ(set.songs_of("test"), (std::vector<std::int64_t>{1}));
  EXPECT_TRUE(set.songs_of("validation").empty());
  EXPECT_EQ(set.find("three"), 2);
  EXPECT_EQ(set.find("four"), -1);
}

TEST_F(SongSetFile, RefusesWhatIsNotHdf5) {
  EXPECT_EQ(message_of([&] { read_song_set(path_); }),
            path_ + ": cannot open: No such file or directory");
  EXPECT_EQ(message_of([&] { read_song_set(folder_.string()); }),
            folder_.string() + ": expected a file, found something else");
  for (const char* contents : {"", "song_id,work_id\n"}) {
    replace_file(path_, std::string(contents));
    EXPECT_NE(message_of([&] { read_song_set(path_); }).find("expected a whole HDF5 file"),
              std::string::npos);
  }
  EXPECT_EQ(message_of([] { parse_song_set({}, "x"); }), "x: expected an HDF5 file, found nothing");
}

TEST_F(SongSetFile, RefusesEveryTruncation) {
  { HandMade file(path_, {}); }
  const std::vector<std::uint8_t> bytes = read_file(path_, 1 << 20);
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_THROW(parse_song_set({bytes.data(), length}, "cut"), Error) << length;
}

TEST_F(SongSetFile, RefusesOtherFormats) {
  EXPECT_EQ(refusal({"format"}), "attribute format: expected 'reprise-songs', found none");
  EXPECT_EQ(refusal({"format"}, [](HandMade& f) { f.attribute("format", "reprise-index"); }),
            "attribute format: expected 'reprise-songs', found 'reprise-index'");
  EXPECT_EQ(refusal({"version"}), "attribute version: expected 1, found none");
  EXPECT_EQ(refusal({"version"},
                    [](HandMade& f) { f.attribute("version", H5T_STD_I32LE, H5T_NATIVE_INT, 2); }),
            "attribute version: expected 1, found 2");
  EXPECT_EQ(refusal({"version"}, [](HandMade& f) { f.attribute("version", "1"); }),
            "attribute version: expected an integer, found text");
  EXPECT_EQ(refusal({}, [](HandMade& f) { f.attribute("frames_per_second", "ten"); }),
            "attribute frames_per_second: expected a number, found text");
  EXPECT_EQ(refusal({},
                    [](HandMade& f) {
                      f.attribute("frames_per_second", H5T_IEEE_F64LE, H5T_NATIVE_INT, -1);
                    }),
            "attribute frames_per_second: expected a rate, found -1");
  EXPECT_EQ(refusal({}, [](HandMade& f) { f.attribute("chroma", "two\nlines"); }),
            "attribute chroma: expected one line of UTF-8 text, found 'two\\x0alines'");
}

TEST_F(SongSetFile, RefusesMissingAndMisshapenDatasets) {
  for (const std::string name : {"chroma", "offsets", "song_id", "work_id"})
    EXPECT_EQ(refusal({name}), "/" + name + ": expected a dataset of this name, found none");
  const std::vector<float> values(60, 0.5f);
  EXPECT_EQ(refusal({"chroma"},
                    [&](HandMade& f) {
                      f.numbers("chroma", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, {12, 5}, values.data());
                    }),
            "/chroma: expected shape [any, 12], found [12, 5]");
  EXPECT_EQ(refusal({"chroma"},
                    [&](HandMade& f) {
                      f.numbers("chroma", H5T_IEEE_F64LE, H5T_NATIVE_FLOAT, {5, 12}, values.data());
                    }),
            "/chroma: expected float32 or uint8, found float64");
  EXPECT_EQ(refusal({"offsets"},
                    [&](HandMade& f) {
                      f.numbers("offsets", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, {3}, values.data());
                    }),
            "/offsets: expected integers, found float32");
  EXPECT_EQ(refusal({"song_id"},
                    [](HandMade& f) {
                      f.texts("song_id", {"a", "b", "c"});
                    }),
            "/song_id: expected shape [2], found [3]");
  EXPECT_EQ(refusal({"song_id"},
                    [&](HandMade& f) {
                      f.numbers("song_id", H5T_STD_I32LE, H5T_NATIVE_INT, {2}, values.data());
                    }),
            "/song_id: expected text, found int32");
  EXPECT_EQ(refusal({}, [](HandMade& f) { f.texts("title", {"a"}); }),
            "/title: expected shape [2], found [1]");
  EXPECT_NE(
      refusal({"chroma"},
              [](HandMade& f) {
                H5Gclose(H5Gcreate2(f.file(), "chroma", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
              })
          .find("/chroma: expected a dataset: "),
      std::string::npos);
}

TEST_F(SongSetFile, RefusesWrongOffsets) {
  const auto offsets = [&](const std::vector<std::int64_t>& values) {
    return refusal({"offsets"}, [&](HandMade& f) { f.offsets(values); });
  };
  EXPECT_EQ(offsets({0}), "/offsets: expected at least one song (2 values), found 1");
  EXPECT_EQ(offsets({}), "/offsets: expected at least one song (2 values), found 0");
  EXPECT_EQ(offsets({1, 2, 5}), "/offsets: expected the first to be 0, found 1");
  EXPECT_EQ(offsets({-1, 2, 5}), "/offsets: expected the first to be 0, found -1");
  EXPECT_EQ(offsets({0, 0, 5}), "/offsets: expected frames in every song, found none in song 0");
  EXPECT_EQ(offsets({0, 5, 5}), "/offsets: expected frames in every song, found none in song 1");
  EXPECT_EQ(offsets({0, 4, 3}), "/offsets: expected ascending values, found 3 after 4 (song 1)");
  EXPECT_EQ(offsets({0, 2, 6}),
            "/offsets: expected at most 5 (the rows of /chroma), found 6 (the end of song 1)");
  EXPECT_EQ(offsets({0, 2, std::numeric_limits<std::int64_t>::max()}),
            "/offsets: expected at most 5 (the rows of /chroma), found 9223372036854775807 "
            "(the end of song 1)");
  EXPECT_EQ(offsets({0, 2, 4}),
            "/offsets: expected the last to be 5 (the rows of /chroma), found 4");
}

TEST_F(SongSetFile, RefusesWrongValues) {
  const auto chroma = [&](float value) {
    return refusal({"chroma"}, [&](HandMade& f) {
      std::vector<float> values(60, 0.5f);
      values[3 * 12 + 4] = value;
      f.chroma(values);
    });
  };
  const std::string where = " in row 3, column 4 (song 1, 'b')";
  const std::string expected = "/chroma: expected finite values from 0 up, found ";
  EXPECT_EQ(chroma(std::nanf("")), expected + "nan" + where);
  EXPECT_EQ(chroma(HUGE_VALF), expected + "inf" + where);
  EXPECT_EQ(chroma(-0.25f), expected + "-0.25" + where);

  EXPECT_EQ(refusal({"song_id"},
                    [](HandMade& f) {
                      f.texts("song_id", {"a", "a"});
                    }),
            "/song_id: expected unique ids, found 'a' in songs 0 and 1");
  EXPECT_EQ(refusal({"song_id"},
                    [](HandMade& f) {
                      f.texts("song_id", {"a", ""});
                    }),
            "/song_id: expected an id of printable characters, found '' in song 1");
  EXPECT_EQ(refusal({"work_id"},
                    [](HandMade& f) {
                      f.texts("work_id", {"a\nb", "c"});
                    }),
            "/work_id: expected an id of printable characters, found 'a\\x0ab' in song 0");
  EXPECT_EQ(refusal({},
                    [](HandMade& f) {
                      f.texts("artist", {"ok", "caf\xe9"});
                    }),
            "/artist: expected UTF-8 text, found 'caf\\xe9' in song 1");
  EXPECT_EQ(refusal({},
                    [](HandMade& f) {
                      f.texts("split", {"test", "dev"});
                    }),
            "/split: expected train, validation, test or noise, found 'dev' in song 1");
  const float similarity[] = {0.5f, 1.5f};
  EXPECT_EQ(refusal({},
                    [&](HandMade& f) {
                      f.numbers("melodic_similarity", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, {2},
                                similarity);
                    }),
            "/melodic_similarity: expected values from 0 to 1 or NaN, found 1.5 in song 1");
}

TEST_F(SongSetFile, RefusesStorageThatIsNotPlain) {
  EXPECT_NE(refusal({"chroma"},
                    [](HandMade& f) {
                      H5Lcreate_external("other.h5", "/chroma", f.file(), "chroma", H5P_DEFAULT,
                                         H5P_DEFAULT);
                    })
                .find("/chroma: expected a dataset: "),
            std::string::npos);

  const hid_t elsewhere = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_external(elsewhere, "/etc/passwd", 0, 240);
  EXPECT_EQ(
      refusal({"chroma"},
              [&](HandMade& f) {
                f.numbers("chroma", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, {5, 12}, nullptr, elsewhere);
              }),
      "/chroma: expected values stored in this file, found them in another");
  H5Pclose(elsewhere);

  const hid_t filtered = H5Pcreate(H5P_DATASET_CREATE);
  const hsize_t chunk[] = {5, 12};
  H5Pset_chunk(filtered, 2, chunk);
  H5Pset_nbit(filtered);
  EXPECT_NE(
      refusal({"chroma"},
              [&](HandMade& f) {
                f.numbers("chroma", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, {5, 12}, nullptr, filtered);
              })
          .find("/chroma: expected the filters shuffle and deflate, each once, found"),
      std::string::npos);
  H5Pclose(filtered);

  // A few hundred bytes that claim 4.8e13.
  const hid_t huge = H5Pcreate(H5P_DATASET_CREATE);
  const hsize_t rows[] = {4096, 12};
  H5Pset_chunk(huge, 2, rows);
  EXPECT_NE(refusal({"chroma"},
                    [&](HandMade& f) {
                      f.numbers("chroma", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, {1000000000000, 12},
                                nullptr, huge);
                    })
                .find("/chroma: 12000000000000 values of 4 bytes are more than a file of"),
            std::string::npos);
  const hsize_t wide[] = {2000000, 12};
  H5Pset_chunk(huge, 2, wide);
  const hsize_t now[] = {5, 12};
  const hsize_t most[] = {H5S_UNLIMITED, 12};
  EXPECT_EQ(refusal({"chroma"},
                    [&](HandMade& f) {
                      const hid_t space = H5Screate_simple(2, now, most);
                      H5Dclose(H5Dcreate2(f.file(), "chroma", H5T_IEEE_F32LE, space, H5P_DEFAULT,
                                          huge, H5P_DEFAULT));
                      H5Sclose(space);
                    }),
            "/chroma: expected chunks of at most 67108864 bytes, found larger ones");
  H5Pclose(huge);
}

TEST_F(SongSetFile, RefusesDamagedChunks) {
  // One chunk of 5 x 12 float32 whose stored bytes, and the mask of filters it went without, are
  // given; HDF5 itself would copy 240 bytes out of whatever it finds.
  const auto chunk = [&](std::uint32_t skipped, const std::vector<std::uint8_t>& stored) {
    return refusal({"chroma"}, [&](HandMade& f) {
      const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
      const hsize_t lengths[] = {5, 12};
      const hsize_t first[] = {0, 0};
      H5Pset_chunk(creation, 2, lengths);
      H5Pset_shuffle(creation);
      H5Pset_deflate(creation, 6);
      f.numbers("chroma", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, {5, 12}, nullptr, creation);
      const hid_t dataset = H5Dopen2(f.file(), "chroma", H5P_DEFAULT);
      if (!stored.empty())
        H5Dwrite_chunk(dataset, H5P_DEFAULT, skipped, first, stored.size(), stored.data());
      H5Dclose(dataset);
      H5Pclose(creation);
    });
  };
  constexpr std::uint32_t kAll = 0xffffffff;
  constexpr std::uint32_t kDeflate = 2;
  EXPECT_EQ(chunk(kAll, std::vector<std::uint8_t>(239)),
            "/chroma: expected a chunk of 240 bytes, found 239");
  EXPECT_EQ(chunk(kDeflate, {1, 2, 3}), "/chroma: expected a chunk of 240 bytes, found 3");
  EXPECT_EQ(chunk(0, {1, 2, 3}),
            "/chroma: expected a chunk that inflates to 240 bytes, found damage");
  // A sound zlib stream of the single byte 0.
  EXPECT_EQ(chunk(0, {0x78, 0x9c, 0x63, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01}),
            "/chroma: expected a chunk that inflates to 240 bytes, found damage");
  EXPECT_EQ(chunk(0, {}), "/chroma: expected every chunk, found one missing");
  EXPECT_EQ(chunk(kAll, std::vector<std::uint8_t>(240)), "no error");
}

TEST_F(SongSetFile, RefusesToWriteWhatCouldNotBeRead) {
  SongSet set = example(ChromaType::float32);
  set.chroma_float[7] = -1;
  EXPECT_EQ(message_of([&] { write_song_set(path_, set); }),
            path_ +
                ": /chroma: expected finite values from 0 up, found -1 in row 0, column 7 "
                "(song 0, 'one')");
  set = example(ChromaType::float32);
  set.split.pop_back();
  EXPECT_EQ(message_of([&] { write_song_set(path_, set); }),
            path_ + ": /split: expected 3 values, found 2");
  set = example(ChromaType::float32);
  set.title[1] = std::string(70000, 'x');
  EXPECT_NE(message_of([&] {
              write_song_set(path_, set);
            }).find("/title: expected text of at most 65535 bytes without zeros, found 'xxx"),
            std::string::npos);
  EXPECT_NE(message_of([&] { write_song_set(path_, SongSet()); }).find("expected at least one"),
            std::string::npos);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(SongSetFile, FullDiskIsAnErrorAndLeavesTheOldFile) {
  const TinyDisk disk(folder_ / "disk", 256);
  if (!disk.mounted()) GTEST_SKIP() << "no small file system can be mounted here";
  const std::string path = disk.file("songs.h5");
  const std::string filler = disk.file("filler");

  SongSet set = example(ChromaType::uint8);
  std::uint32_t state = 1;  // bytes that do not compress
  for (auto& value : set.chroma_uint8)
    value = static_cast<std::uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
  replace_file(path, std::string("old"));
  // With less and less left the disk fills at different moments of writing.
  int refused = 0;
  int written = 0;
  for (std::size_t filled = 0; filled <= 248; filled += 4) {
    replace_file(filler, std::string(filled << 10, 'x'));
    const std::string message = message_of([&] { write_song_set(path, set); });
    if (message == "no error") {
      ++written;
      EXPECT_EQ(read_song_set(path).chroma_uint8, set.chroma_uint8);
      replace_file(path, std::string("old"));
    } else {
      ++refused;
      EXPECT_EQ(message.rfind(path + ": ", 0), 0u) << message;
      EXPECT_NE(message.find("No space left on device"), std::string::npos) << message;
      EXPECT_EQ(read_file(path, 100).size(), 3u);
    }
    EXPECT_EQ(disk.entries(), 2);
    fs::remove(filler);
  }
  EXPECT_GT(written, 5);
  EXPECT_GT(refused, 5);
}

}  // namespace
}  // namespace reprise
