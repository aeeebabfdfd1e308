// Audio through the real binary: imported, and given where a song is expected.

#include <sys/stat.h>

#include "audio_fixture.h"
#include "program_test.h"
#include "reprise/audio.h"
#include "reprise/song_set.h"

namespace reprise {
namespace {

// A line that begins so: the MP3 decoder prints notes of its own.
bool has_line(const std::string& text, const std::string& beginning) {
  return ("\n" + text).find("\n" + beginning) != std::string::npos;
}

class CliAudio : public ProgramFolder {
 protected:
  CliAudio() : ProgramFolder(REPRISE_PROGRAM) {}

  void make_music() const {
    std::filesystem::create_directories(path("music/deep"));
    write_audio(path("music/b.wav"), melody(kMelody, 22050), 22050);
    write_audio(path("music/deep/a.FLAC"), melody({62, 66, 69, 74}, 44100), 44100, 2,
                SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
    std::ofstream(path("music/notes.txt")) << "no music";
  }
};

TEST_F(CliAudio, FoldersAreImported) {
  make_music();
  const Result r = run("import audio music --out a.h5");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.err, "");
  EXPECT_TRUE(has_line(r.out, "a.h5: 2 songs, 27 frames, chroma " + ChromaSettings().description()))
      << r.out;
  EXPECT_TRUE(has_line(r.out, "missing    0\ndamaged    0\nduplicates 0\ntime")) << r.out;
  const SongSet set = read_song_set(path("a.h5"));
  EXPECT_EQ(set.song_id, (std::vector<std::string>{"b.wav", "deep/a.FLAC"}));
  EXPECT_EQ(set.work_id, set.song_id);
  EXPECT_EQ(set.type, ChromaType::uint8);
  EXPECT_EQ(set.chroma_source, ChromaSettings().description());
  ASSERT_EQ(run("import audio music --jobs 3 --out b.h5").status, 0);
  EXPECT_EQ(read("a.h5"), read("b.h5")) << "the same bytes for any number of threads";
  ASSERT_EQ(run("import audio music/deep/a.FLAC --set frames_per_second=9 --out c.h5").status, 0);
  const SongSet fine = read_song_set(path("c.h5"));
  EXPECT_EQ(fine.song_id, std::vector<std::string>{"a.FLAC"});
  EXPECT_EQ(fine.frames_per_second, 9);
  EXPECT_EQ(fine.frames(), 18);
}

TEST_F(CliAudio, OddNamesAndPlacesAreNoObstacle) {
  make_music();
  std::filesystem::rename(path("music/b.wav"), path("music/b\xff\n.wav"));
  std::filesystem::create_symlink("..", path("music/loop"));
  std::filesystem::create_symlink("nowhere.wav", path("music/dangling.wav"));
  ASSERT_EQ(::mkfifo(path("music/pipe.wav").c_str(), 0600), 0);
  ASSERT_EQ(run("import audio music --out a.h5").status, 0) << read("err.txt");
  EXPECT_EQ(read_song_set(path("a.h5")).song_id,
            (std::vector<std::string>{"b\ufffd .wav", "deep/a.FLAC"}));
  const Result r = run("import audio music/pipe.wav --out b.h5");
  EXPECT_EQ(r.status, 1);
  EXPECT_EQ(r.err,
            "reprise: b.h5: no song was imported: 0 missing, 1 damaged: music/pipe.wav: "
            "expected an audio file, found something else\n");
}

TEST_F(CliAudio, ListsGiveWorksAndTitles) {
  make_music();
  std::ofstream(path("works.csv")) << "path,song_id,work_id,title,split,tune_id\r\nmusic/"
                                      "b.wav,s1,w1,\"One, \"\"the\"\" first\",train,t1\r\n"
                                      "music/deep/a.FLAC,s2,w1,,noise,\nmusic/none.wav,s3,w2,,,\n";
  const Result r = run("import audio --list works.csv --out a.h5");
  ASSERT_EQ(r.status, 0) << r.err;
  const SongSet set = read_song_set(path("a.h5"));
  EXPECT_EQ(set.song_id, (std::vector<std::string>{"s1", "s2"}));
  EXPECT_EQ(set.work_id, (std::vector<std::string>{"w1", "w1"}));
  EXPECT_EQ(set.title, (std::vector<std::string>{"One, \"the\" first", ""}));
  EXPECT_EQ(set.split, (std::vector<std::string>{"train", "noise"}));
  EXPECT_EQ(set.tune_id, (std::vector<std::string>{"t1", ""}));
  EXPECT_TRUE(has_line(r.out, "missing    1\n")) << r.out;
  ASSERT_EQ(run("import audio --list works.csv --divide 0/0/100 --out a.h5").status, 0);
  EXPECT_EQ(read_song_set(path("a.h5")).split, (std::vector<std::string>{"test", "test"}));
  std::ofstream(path("inside.csv")) << "song_id,work_id,path\ns1,w1,b.wav\n";
  EXPECT_EQ(run("import audio music --list inside.csv --out b.h5").status, 0) << read("err.txt");
}

TEST_F(CliAudio, BadFilesAreNamedAndLeftOut) {
  make_music();
  std::ofstream(path("music/bad.mp3")) << "no music";
  Result r = run("import audio music --out a.h5");
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_TRUE(has_line(r.out, "missing    0\ndamaged    1\n")) << r.out;
  EXPECT_TRUE(has_line(r.err, "left out: music/bad.mp3: expected audio")) << r.err;
  r = run("import audio music --verbose --report report.tsv --type float32 --out a.h5");
  EXPECT_TRUE(has_line(r.out, "imported\tb.wav\tb.wav\t18 frames, +0 cents\n")) << r.out;
  EXPECT_TRUE(has_line(read("report.tsv"), "damaged\tbad.mp3\tbad.mp3\tmusic/bad.mp3: expected"))
      << read("report.tsv");
  EXPECT_EQ(read_song_set(path("a.h5")).type, ChromaType::float32);
  std::filesystem::remove(path("a.h5"));

  const auto expect_error = [&](const std::string& arguments, int status, const std::string& part) {
    const Result failed = run("import audio " + arguments);
    EXPECT_EQ(failed.status, status) << arguments;
    EXPECT_TRUE(has_line(failed.err, "reprise: ")) << failed.err;
    EXPECT_NE(failed.err.find(part), std::string::npos) << failed.err;
    EXPECT_FALSE(std::filesystem::exists(path("a.h5"))) << arguments;
  };
  expect_error("music/bad.mp3 --out a.h5", 1, "music/bad.mp3: expected audio");
  expect_error("none --out a.h5", 1, "none: expected an audio file or a folder, found none");
  expect_error("--out a.h5", 2, "expected audio files or folders, or a list of them (--list)");
  expect_error("music --out no/a.h5", 1, "no/a.h5: the folder no does not exist");
  expect_error("music --set rate=1 --out a.h5", 2, "rate: expected");
  expect_error("music --set speed=1 --out a.h5", 2, "unknown chroma setting 'speed'");
  expect_error("music music --out a.h5", 1, "expected different song ids, found 'b.wav' for both");
  const auto list = [&](const std::string& text, const std::string& part) {
    std::ofstream(path("l.csv")) << text;
    expect_error("--list l.csv --out a.h5", 1, "l.csv: " + part);
  };
  list("", "expected a header line, found none");
  list("song_id,path\na,music/b.wav\n", "expected a column work_id, found 'song_id,path'");
  list("song_id,work_id,path\na,b\n", "line 2: expected 3 fields, as in the header, found 2");
  list("song_id,work_id,path\na,b,\"c\n", "line 2: expected a closing quote, found none");
  list("song_id,work_id,path\n\na,b,\n", "line 3: expected a path, found none");
  list("song_id,work_id,path\n", "expected songs, found none");
  list("song_id,song_id,path\n", "expected different columns, found 'song_id' twice");
  list("song_id,work_id,path,split\na,b,c,d\n",
       "line 2: expected split train, validation, test or noise, found 'd'");
}

TEST_F(CliAudio, AudioIsGivenWhereverASongIs) {
  std::filesystem::create_directory(path("music"));
  const std::vector<std::vector<double>> tunes = {kMelody,
                                                  {62, 66, 69, 74, 73, 71, 69, 66},
                                                  {55, 57, 59, 60, 62, 60, 59, 57},
                                                  {70, 68, 65, 63, 61, 63, 65, 68}};
  std::ofstream list(path("works.csv"));
  list << "song_id,work_id,path,split\n";
  for (std::size_t w = 0; w < tunes.size(); ++w)
    for (int version = 0; version < 2; ++version) {
      const std::string name = std::to_string(w) + (version == 0 ? "a.wav" : "b.flac");
      std::vector<double> notes = tunes[w];
      for (double& note : notes) note += 2 * version;  // another key, another speed
      write_audio(
          path("music/" + name), melody(notes, 22050, 0.5 + 0.1 * version), 22050, 1,
          version == 0 ? SF_FORMAT_WAV | SF_FORMAT_PCM_16 : SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
      list << name << ",w" << w << "," << name << ",train\n";
    }
  list.close();
  ASSERT_EQ(run("import audio music --list works.csv --set frames_per_second=9 --out s.h5").status,
            0);
  ASSERT_EQ(run("train --data s.h5 --out m.safetensors --set steps=20 --set validate_every=20 "
                "--set works_per_batch=4 --set crop=32 --set projection=4 --set projection_pca=6")
                .status,
            0)
      << read("err.txt");
  // In the model's nine frames a second, not the default's.
  Result r = run("query s.h5 --model m.safetensors music/1b.flac --top 8 --tsv");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(std::count(r.out.begin(), r.out.end(), '\n'), 9) << "8 songs: " << r.out;
  EXPECT_TRUE(has_line(r.out, "1b.flac\t1\t1b.flac\tw1\t")) << "itself first: " << r.out;
  ASSERT_EQ(run("index create c.reprise --model m.safetensors").status, 0);
  r = run("index add c.reprise music");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("8 songs added"), std::string::npos) << r.out;
  EXPECT_EQ(run("query c.reprise music/1b.flac --top 3").status, 0) << read("err.txt");
  EXPECT_EQ(run("fingerprint --data music --model m.safetensors --out f.npy").status, 0)
      << read("err.txt");
  r = run("query c.reprise none.wav");
  EXPECT_EQ(r.status, 1);
  EXPECT_EQ(r.err, "reprise: none.wav: expected an audio file or a folder, found none\n");
}

}  // namespace
}  // namespace reprise
