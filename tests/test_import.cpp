// `reprise import`, `reprise synth` and the picture of `reprise info`, by the real program.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "collections/beat_chroma.h"
#include "core/files.h"
#include "io/npy.h"
#include "million_song_file.h"
#include "program_test.h"
#include "reprise/song_set.h"

namespace reprise {
namespace {

class ImportCommand : public ProgramFolder {
 protected:
  ImportCommand() : ProgramFolder(REPRISE_PROGRAM) {}

  /// The path of a file whose folder is there.
  std::string made_path(const std::string& name) const {
    fs::create_directories((folder / name).parent_path());
    return path(name);
  }
  void text(const std::string& name, const std::string& contents) const {
    std::ofstream(made_path(name)) << contents;
  }
};

TEST_F(ImportCommand, ShsWithMissingDamagedAndDuplicateSongs) {
  const MillionSong a = made_up_song("TRAAAAA000000000A1", 1);
  MillionSong again = a;  // another analysis of the same recording
  again.track_id = "TRAAAAA000000000A2";
  again.audio_md5 = "other";
  MillionSong same = made_up_song("TRAAAAA000000000A3", 5);
  same.audio_md5 = a.audio_md5;
  const MillionSong b = made_up_song("TRBBBBB000000000B1", 2);
  for (const MillionSong& song : {a, again, same, b})
    MillionSongWriter(made_path("msd/" + song.track_id + ".h5")).write({song});
  text("msd/TRCCCCC000000000C1.h5", "not HDF5");
  text("shs_dataset_train.txt",
       "%1,2, One\nTRAAAAA000000000A1<SEP>A<SEP>1\nTRAAAAA000000000A2<SEP>A<SEP>2\n"
       "TRAAAAA000000000A3<SEP>A<SEP>3\nTRMISSI000000000A1<SEP>A<SEP>4\n");
  text("shs_dataset_test.txt",
       "%-5, Two\nTRBBBBB000000000B1<SEP>A<SEP>1\nTRCCCCC000000000C1<SEP>A<SEP>2\n");
  ASSERT_EQ(run("import shs --list shs_dataset_train.txt --list shs_dataset_test.txt --msd msd "
                "--out set.h5 --report report.tsv")
                .status,
            0)
      << read("err.txt");
  const std::string out = read("out.txt");
  EXPECT_NE(out.find("shs_dataset_train.txt: 1 works, 4 tracks, split train"), std::string::npos)
      << out;
  EXPECT_NE(out.find("missing    1\ndamaged    1\nduplicates 2\n"), std::string::npos) << out;
  const std::string report = read("report.tsv");
  EXPECT_NE(report.find("missing\tTRMISSI000000000A1\t1+2\t"), std::string::npos) << report;
  EXPECT_NE(report.find("damaged\tTRCCCCC000000000C1\t-5\t"), std::string::npos) << report;
  EXPECT_NE(report.find("duplicate\tTRAAAAA000000000A2\t1+2\tthe frames of TRAAAAA000000000A1"),
            std::string::npos)
      << report;
  EXPECT_NE(report.find("duplicate\tTRAAAAA000000000A3\t1+2\tthe audio of TRAAAAA000000000A1"),
            std::string::npos)
      << report;
  const SongSet set = read_song_set(path("set.h5"));
  EXPECT_EQ(set.song_id, (std::vector<std::string>{"TRAAAAA000000000A1", "TRBBBBB000000000B1"}));
  EXPECT_EQ(set.work_id, (std::vector<std::string>{"1+2", "-5"}));
  EXPECT_EQ(set.split, (std::vector<std::string>{"train", "test"}));
  EXPECT_EQ(set.title[0], a.title);
  EXPECT_EQ(set.chroma_source, "beat2012");
  std::vector<float> expected = beat_chroma_2012(a);
  const std::vector<float> second = beat_chroma_2012(b);
  expected.insert(expected.end(), second.begin(), second.end());
  EXPECT_EQ(set.chroma_float, expected);

  ASSERT_EQ(run("info set.h5 --song TRBBBBB000000000B1 --picture b.svg").status, 0)
      << read("err.txt");
  EXPECT_NE(read("b.svg").find("</svg>"), std::string::npos);
  EXPECT_EQ(run("info set.h5 --song none --picture b.svg").status, 1);
}

TEST_F(ImportCommand, ClyAndCoverId) {
  const std::string frame = "0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1,0.5";
  text("shs_nodup.txt", "%One\nTRAAAAA\nTRBBBBB\n%Two\nTRCCCCC\n");
  text("keys.cly", "TRAAAAA,0\nTRCCCCC,5\nTRXXXXX,9\n");
  text("bt.cly", "chroma\n9\n" + frame + "\n5\n" + frame + "\n0\n" + frame + "," + frame + "\n");
  ASSERT_EQ(run("import shs --list shs_nodup.txt --cly bt.cly --keys keys.cly --out set.h5").status,
            0)
      << read("err.txt");
  SongSet set = read_song_set(path("set.h5"));
  EXPECT_EQ(set.song_id, (std::vector<std::string>{"TRCCCCC", "TRAAAAA"}));
  EXPECT_EQ(set.work_id, (std::vector<std::string>{"1_Two", "0_One"}));
  EXPECT_EQ(set.frames(1), 2);

  text("chroma/TRAAAAA.csv", frame + "\n" + frame + "\n");
  text("chroma/5.csv", frame + "\n" + frame + "\n");
  ASSERT_EQ(
      run("import cover-id chroma --list shs_nodup.txt --mapping keys.cly --out set.h5").status, 0);
  EXPECT_EQ(read_song_set(path("set.h5")).song_id, (std::vector<std::string>{"TRCCCCC"}));
  ASSERT_EQ(
      run("import cover-id chroma --list shs_nodup.txt --first-line header --out set.h5").status,
      0);
  set = read_song_set(path("set.h5"));
  EXPECT_EQ(set.song_id, (std::vector<std::string>{"TRAAAAA"}));
  EXPECT_EQ(set.frames(), 1);
}

TEST_F(ImportCommand, MatricesAndTheirDivision) {
  for (int i = 0; i < 40; ++i) {
    const std::vector<float> chroma = random_chroma(4, i + 1);
    write_npy(made_path("npy/w" + std::to_string(i / 2) + "/" + std::to_string(i) + ".npy"),
              {4, 12}, chroma.data());
  }
  text("npy/w0/bad.npy", "not NumPy");
  ASSERT_EQ(
      run("import npy npy --divide 50/20/30 --seed 1 --type uint8 --chroma mine --out a.h5").status,
      0)
      << read("err.txt");
  EXPECT_NE(read("out.txt").find("damaged    1"), std::string::npos);
  ASSERT_EQ(
      run("import npy npy --divide 50/20/30 --seed 1 --type uint8 --chroma mine --out b.h5").status,
      0);
  EXPECT_EQ(read("a.h5"), read("b.h5"));
  const SongSet set = read_song_set(path("a.h5"));
  EXPECT_EQ(set.songs(), 40);
  EXPECT_EQ(set.chroma_source, "mine");
  for (std::int64_t i = 1; i < 40; ++i)
    if (set.work_id[i] == set.work_id[i - 1]) {
      EXPECT_EQ(set.split[i], set.split[i - 1]);
    }
  EXPECT_EQ(run("import npy npy --divide 50/50 --out c.h5").status, 2);
  EXPECT_EQ(run("import npy npy --split train --divide 50/20/30 --out c.h5").status, 2);
  EXPECT_EQ(run("import npy --out c.h5").status, 2);
  EXPECT_EQ(run("import npy npy/w0/bad.npy --out c.h5").status, 1);
  EXPECT_FALSE(fs::exists(path("c.h5")));
  EXPECT_EQ(run("import npy npy --out none/c.h5").status, 1);
}

TEST_F(ImportCommand, EveryKindHasHelpWithAnExample) {
  for (const std::string command :
       {"import", "import shs", "import da-tacos", "import acoss", "import cover-id", "import csv",
        "import npy", "import chroma-h5", "synth"}) {
    EXPECT_EQ(run(command + " --help").status, 0);
    EXPECT_NE(read("out.txt").find("Example:\n  reprise " + command), std::string::npos) << command;
  }
  EXPECT_EQ(run("import").status, 2);
  EXPECT_EQ(run("import shs --list x.txt --out a.h5").status, 2);
}

TEST_F(ImportCommand, SynthIsTheSameForAnyNumberOfThreads) {
  const std::string small = "synth --songs 100 --seed 3 --set seconds=10 ";
  ASSERT_EQ(run(small + "--threads 1 --out a.h5").status, 0) << read("err.txt");
  ASSERT_EQ(run(small + "--threads 3 --out b.h5").status, 0);
  EXPECT_EQ(read("a.h5"), read("b.h5"));
  const SongSet set = read_song_set(path("a.h5"));
  EXPECT_EQ(set.songs(), 100);
  EXPECT_EQ(set.frames_per_second, 4.5);
  EXPECT_FALSE(set.songs_of("train").empty());
  EXPECT_EQ(run("synth --songs 0 --out a.h5").status, 2);
  EXPECT_EQ(run("synth --songs 1 --set noise=x --out a.h5").status, 2);
}

}  // namespace
}  // namespace reprise
