// Files of chroma, a song each, as other collections lay them out.

#include "collections/song_files.h"

#include <gtest/gtest.h>
#include <hdf5.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "collections/chroma_table.h"
#include "collections/da_tacos.h"
#include "collections/frames.h"
#include "io/npy.h"
#include "random_chroma.h"
#include "reprise/division.h"
#include "reprise/error.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

std::vector<float> csv(const std::string& text, FirstLine first = FirstLine::automatic,
                       bool time = false) {
  std::istringstream in(text);
  return read_chroma_csv(in, "x.csv", first, time);
}

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

const std::string kLine = "0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1,0.5\n";

TEST(ChromaTable, FirstLinesOfCsv) {
  EXPECT_EQ(csv(kLine + kLine).size(), 24u);
  EXPECT_EQ(csv(kLine + kLine, FirstLine::header).size(), 12u);  // what pandas makes of it
  EXPECT_EQ(csv("C,C#,D,D#,E,F,F#,G,G#,A,A#,B\n" + kLine).size(), 12u);
  EXPECT_EQ(csv(std::string("\xef\xbb\xbf") + kLine)[1], 0.1f);
  EXPECT_EQ(csv(std::string("0.25,") + kLine, FirstLine::frame, true)[1], 0.1f);
  const std::string no_end = kLine.substr(0, kLine.size() - 1);
  EXPECT_EQ(csv(kLine + "\n" + no_end).size(), 24u);
  EXPECT_EQ(csv(std::string("1e-50,") + kLine.substr(2))[0], 0);
}

TEST(ChromaTable, RefusesOtherCsv) {
  EXPECT_EQ(refusal([] { csv(""); }), "x.csv: expected frames, found none");
  EXPECT_EQ(refusal([] { csv(kLine + "1,2,3\n"); }), "x.csv: line 2: expected 12 columns, found 3");
  EXPECT_EQ(refusal([] { csv(std::string("1,") + kLine); }),
            "x.csv: line 1: expected 12 columns, found 13; the first may be a time");
  EXPECT_EQ(refusal([] { csv("a,b\n", FirstLine::frame); }),
            "x.csv: line 1: expected numbers between commas, found 'a,b'");
  for (const char* word : {"nan", "inf", "1e99", "1 2", "0x1"})
    EXPECT_NE(refusal([&] { csv(kLine + std::string(word) + kLine.substr(1)); }), "no error")
        << word;
}

TEST(ChromaTable, TrackNumbersAndCly) {
  std::istringstream keys("TRAAAAA,0\nTRBBBBB,7\n");
  const auto tracks = read_track_numbers(keys, "keys.cly");
  EXPECT_EQ(tracks.at(7), "TRBBBBB");
  for (const char* text : {"", "TRAAAAA\n", "TRAAAAA,x\n", "TRA,1\nTRB,1\n", "TRA,1\nTRA,2\n"})
    EXPECT_NE(refusal([&] {
                std::istringstream in(text);
                read_track_numbers(in, "keys.cly");
              }),
              "no error")
        << text;

  const std::string frame = kLine.substr(0, kLine.size() - 1);
  std::istringstream in("chroma\n7\n" + frame + "," + kLine + "0\n" + frame + ",\n");
  ClyChroma songs(in, "b.cly");
  std::int64_t number = 0;
  std::vector<float> chroma;
  ASSERT_TRUE(songs.next(number, chroma));
  EXPECT_EQ(number, 7);
  ASSERT_EQ(chroma.size(), 24u);
  EXPECT_EQ(chroma[12 + 10], 1);
  ASSERT_TRUE(songs.next(number, chroma));
  EXPECT_EQ(number, 0);
  EXPECT_EQ(chroma.size(), 12u);
  EXPECT_FALSE(songs.next(number, chroma));

  const auto wrong = [&](const std::string& text) {
    return refusal([&] {
      std::istringstream file(text);
      ClyChroma reader(file, "b.cly");
      while (reader.next(number, chroma)) {
      }
    });
  };
  EXPECT_EQ(wrong("chromas\n"), "b.cly: line 1: expected the line 'chroma', found 'chromas'");
  EXPECT_EQ(wrong("chroma\n1\n"), "b.cly: line 2: expected the values of song 1, found 'the end'");
  EXPECT_EQ(wrong("chroma\n1\n" + frame + ",1\n"),
            "b.cly: line 3: expected frames of 12 values, found '13 values'");
  EXPECT_EQ(wrong("chroma\nx\n"), "b.cly: line 2: expected the number of a song, found 'x'");
}

TEST(Frames, OriginMovesToC) {
  std::vector<float> chroma(24);
  chroma[0] = 1;       // A
  chroma[12 + 3] = 1;  // C
  move_origin_to_c(chroma, 9);
  EXPECT_EQ(chroma[9], 1);
  EXPECT_EQ(chroma[12 + 0], 1);
  std::vector<float> same = random_chroma(2, 1);
  const std::vector<float> before = same;
  move_origin_to_c(same, 0);
  EXPECT_EQ(same, before);
}

TEST(Frames, AveragesWeighByTime) {
  // Three frames a second to two: [0, 1.5) and [1.5, 3) in units of an input frame.
  std::vector<float> chroma(36);
  for (int t = 0; t < 3; ++t) chroma[t * 12] = static_cast<float>(t + 1);
  const std::vector<float> mean = average_frames(chroma, 3, 2);
  ASSERT_EQ(mean.size(), 24u);
  EXPECT_FLOAT_EQ(mean[0], (1 + 0.5f * 2) / 1.5f);
  EXPECT_FLOAT_EQ(mean[12], (0.5f * 2 + 3) / 1.5f);
  EXPECT_EQ(average_frames(chroma, 3, 3), chroma);
  EXPECT_FLOAT_EQ(average_frames(chroma, 3, 0.5)[0], 2);  // one frame, of all there is
  EXPECT_EQ(average_frames(std::vector<float>(1000 * 12), 44100.0 / 512, 4.5).size(), 52u * 12);
  EXPECT_THROW(average_frames(chroma, 3, 4), Error);
}

TEST(Division, FollowsFromTheWorkAlone) {
  const Division division = parse_division("50/20/30", 7);
  int counts[3] = {};
  for (int i = 0; i < 20000; ++i) {
    const std::string work = std::to_string(i);
    const std::string split = division.split_of(work);
    EXPECT_EQ(split, division.split_of(work));
    ++counts[split == "train" ? 0 : split == "validation" ? 1 : 2];
  }
  // Five standard deviations of a binomial of 20,000.
  EXPECT_NEAR(counts[0], 10000, 354);
  EXPECT_NEAR(counts[1], 4000, 283);
  EXPECT_NEAR(counts[2], 6000, 325);
  for (const char* text : {"", "50/50", "50/20/31", "-10/60/50", "a/b/c", "50/20/30/0", "nan/0/0"})
    EXPECT_THROW(parse_division(text, 0), SettingsError) << text;
}

class FeatureFiles : public testing::Test {
 protected:
  FeatureFiles()
      : folder_(fs::temp_directory_path() / ("reprise-features-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~FeatureFiles() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const {
    fs::create_directories((folder_ / name).parent_path());
    return (folder_ / name).string();
  }
  void text(const std::string& name, const std::string& contents) const {
    std::ofstream(path(name)) << contents;
  }

  enum class How { deepdish, small, link, blosc, transposed };
  /// A file as deepdish writes it: arrays of more than 300 elements as chunks with shuffle and
  /// zlib 9, smaller ones in one piece; an object that is there already as a soft link.
  void feature(const std::string& name, const std::string& dataset,
               const std::vector<float>& chroma, How how = How::deepdish) const {
    const hid_t file = H5Fcreate(path(name).c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hsize_t lengths[2] = {chroma.size() / 12, 12};
    if (how == How::transposed) std::swap(lengths[0], lengths[1]);
    const hid_t space = H5Screate_simple(2, lengths, nullptr);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    if (how != How::small) {
      H5Pset_chunk(creation, 2, lengths);
      H5Pset_shuffle(creation);
      if (how == How::blosc)
        H5Pset_filter(creation, 32001, H5Z_FLAG_OPTIONAL, 0, nullptr);
      else
        H5Pset_deflate(creation, 9);
    }
    const std::string target = how == How::link ? "/first" : "/" + dataset;
    const hid_t id = H5Dcreate2(file, target.c_str(), H5T_NATIVE_FLOAT, space, H5P_DEFAULT,
                                creation, H5P_DEFAULT);
    if (how != How::blosc)
      H5Dwrite(id, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, chroma.data());
    H5Dclose(id);
    if (how == How::link) H5Lcreate_soft("/first", file, dataset.c_str(), H5P_DEFAULT, H5P_DEFAULT);
    H5Pclose(creation);
    H5Sclose(space);
    H5Fclose(file);
  }

  fs::path folder_;
};

TEST_F(FeatureFiles, DaTacosInBothLayouts) {
  const std::vector<float> chroma = random_chroma(200, 1);
  feature("single/W_14/P_15.h5", "hpcp", chroma);
  feature("single/W_14/P_3.h5", "hpcp", chroma);
  feature("single/W_2/P_1.h5", "hpcp", chroma);
  text("single/W_2/notes.txt", "");
  feature("per/W_14_crema/P_15_crema.h5", "crema", chroma);
  feature("per/W_14_mfcc/P_15_mfcc.h5", "mfcc", chroma);
  auto songs = da_tacos_files(path("single"), "hpcp");
  ASSERT_EQ(songs.size(), 3u);
  EXPECT_EQ(songs[0].song.song_id, "P_15");
  EXPECT_EQ(songs[0].song.work_id, "W_14");
  EXPECT_EQ(songs[2].song.work_id, "W_2");
  songs = da_tacos_files(path("per"), "crema");
  ASSERT_EQ(songs.size(), 1u);
  EXPECT_EQ(songs[0].song.song_id, "P_15");
  EXPECT_EQ(songs[0].song.work_id, "W_14");
  text("meta.json", R"({"W_14": {"P_15": {"perf_title": "Yes", "perf_artist": "It Is"}}})");
  add_da_tacos_titles(path("meta.json"), songs);
  EXPECT_EQ(songs[0].song.title, "Yes");
  EXPECT_EQ(songs[0].song.artist, "It Is");
  text("meta.json", "[1, 2");
  EXPECT_THROW(add_da_tacos_titles(path("meta.json"), songs), Error);
  fs::create_directories(folder_ / "empty");
  EXPECT_THROW(da_tacos_files(path("empty"), "hpcp"), Error);
}

TEST_F(FeatureFiles, DaTacosFeaturesBecomeChroma) {
  const std::vector<float> chroma = random_chroma(200, 1);
  for (const How how : {How::deepdish, How::small, How::link}) {
    feature("f.h5", "hpcp", chroma, how);
    const std::vector<float> read = read_da_tacos(path("f.h5"), da_tacos_feature("hpcp"), 0);
    ASSERT_EQ(read.size(), chroma.size());
    for (int t = 0; t < 200; ++t)  // column 0 of hpcp is A, which is column 9 of ours
      for (int c = 0; c < 12; ++c)
        ASSERT_EQ(read[t * 12 + (c + 9) % 12], chroma[t * 12 + c]) << t << " " << c;
  }
  feature("f.h5", "crema", chroma);
  EXPECT_EQ(read_da_tacos(path("f.h5"), da_tacos_feature("crema"), 0), chroma);
  EXPECT_EQ(read_da_tacos(path("f.h5"), da_tacos_feature("crema"), 4.5).size(), 10u * 12);
  EXPECT_THROW(da_tacos_feature("mfcc_htk"), SettingsError);

  feature("f.h5", "hpcp", chroma, How::blosc);
  EXPECT_NE(refusal([&] { read_chroma_hdf5(path("f.h5"), "/hpcp"); }).find("found number 32001"),
            std::string::npos);
  feature("f.h5", "hpcp", chroma, How::transposed);
  EXPECT_NE(refusal([&] {
              read_chroma_hdf5(path("f.h5"), "/hpcp");
            }).find("/hpcp: expected shape [any, 12], found [12, 200]"),
            std::string::npos);
  EXPECT_NE(refusal([&] {
              read_chroma_hdf5(path("f.h5"), "/crema");
            }).find("/crema: expected a dataset of this name, found none"),
            std::string::npos);
}

TEST_F(FeatureFiles, NumPyArrays) {
  const std::vector<float> chroma = random_chroma(5, 1);
  write_npy(path("a.npy"), {5, 12}, chroma.data());
  EXPECT_EQ(read_chroma_npy(path("a.npy"), false), chroma);
  EXPECT_EQ(refusal([&] { read_chroma_npy(path("a.npy"), true); }),
            path("a.npy") + ": expected shape (12, frames), found (5, 12); it may be transposed");
  std::vector<float> turned(60);
  for (int t = 0; t < 5; ++t)
    for (int c = 0; c < 12; ++c) turned[c * 5 + t] = chroma[t * 12 + c];
  write_npy(path("t.npy"), {12, 5}, turned.data());
  EXPECT_EQ(read_chroma_npy(path("t.npy"), true), chroma);
}

TEST_F(FeatureFiles, ListsAndFolders) {
  text("acoss.csv", "work_id,track_id\nw1,a\nw1,b\n");
  const auto acoss = read_acoss_list(path("acoss.csv"), "root", ".h5");
  ASSERT_EQ(acoss.size(), 2u);
  EXPECT_EQ(acoss[1].path, "root/w1/b.h5");
  text("acoss.csv", "work_id,track_id,more\nw1,a,x\n");
  EXPECT_THROW(read_acoss_list(path("acoss.csv"), "root", ".h5"), Error);
  text("acoss.csv", "work_id,track_id\n../..,a\n");
  EXPECT_THROW(read_acoss_list(path("acoss.csv"), "root", ".h5"), Error);

  text("list.csv", "path,song_id,work_id,title\nx/a.csv,a,w,\"One, two\"\n/b.csv,b,w,\n");
  const auto list = read_song_list(path("list.csv"), "folder");
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].path, "folder/x/a.csv");
  EXPECT_EQ(list[0].song.title, "One, two");
  EXPECT_EQ(list[1].path, "/b.csv");
  EXPECT_EQ(list[1].song.split, "");
  text("list.csv", "\xef\xbb\xbfsplit,tune_id,song_id,work_id,path\r\nnoise,t,a,w,x\r\n");
  const auto crlf = read_song_list(path("list.csv"), "");
  ASSERT_EQ(crlf.size(), 1u);
  EXPECT_EQ(crlf[0].song.split, "noise");
  EXPECT_EQ(crlf[0].song.tune_id, "t");
  EXPECT_EQ(crlf[0].path, "x");
  const auto refused = [&](const std::string& contents) {
    text("list.csv", contents);
    return refusal([&] { read_song_list(path("list.csv"), ""); }).substr(path("list.csv").size());
  };
  EXPECT_EQ(refused("song_id,path\na,b\n"), ": expected a column work_id, found 'song_id,path'");
  EXPECT_EQ(refused("song_id,work_id,path\n"), ": expected songs, found none");
  EXPECT_EQ(refused("song_id,work_id,path\n\na,b,\n"), ": line 3: expected a path, found none");
  EXPECT_EQ(refused("song_id,work_id,path\na,,b\n"), ": line 2: expected a work_id, found none");
  EXPECT_EQ(refused("song_id,work_id,path,split\na,b,c,d\n"),
            ": line 2: expected split train, validation, test or noise, found 'd'");

  text("tree/alone.csv", "");
  text("tree/work/one.csv", "");
  text("tree/work/two.csv", "");
  text("tree/work/two.txt", "");
  const auto below = song_files_below({path("tree"), path("tree/work/two.txt")}, ".csv");
  ASSERT_EQ(below.size(), 4u);
  EXPECT_EQ(below[0].song.song_id, "alone");
  EXPECT_EQ(below[0].song.work_id, "alone");
  EXPECT_EQ(below[1].song.song_id, "work/one");
  EXPECT_EQ(below[1].song.work_id, "work");
  EXPECT_EQ(below[2].song.work_id, "work");
  EXPECT_EQ(below[3].song.song_id, "two");
  EXPECT_EQ(refusal([&] { song_files_below({path("none")}, ".csv"); }),
            path("none") + ": expected a file or a folder, found none");
  EXPECT_EQ(refusal([&] { song_files_below({path("tree")}, ".npy"); }),
            path("tree") + ": expected .npy files in this folder, found none");
}

}  // namespace
}  // namespace reprise
