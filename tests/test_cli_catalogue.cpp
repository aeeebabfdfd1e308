// The real binary on catalogues: from an empty one to answers, groups and exports.

#include <nlohmann/json.hpp>
#include <sstream>

#include "cli_fixture.h"
#include "io/npy.h"
#include "io/safetensors.h"
#include "reprise/model.h"

namespace reprise {
namespace {

using CliCatalogue = Cli;

TEST_F(CliCatalogue, FromCreationToGroups) {
  train();
  Result r = run("index create c.reprise --model m.safetensors");
  ASSERT_EQ(r.status, 0) << r.err;
  r = run("index add c.reprise --data set.h5 --model m.safetensors");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("100 songs added, 0 replaced, 100 in all"), std::string::npos) << r.out;
  r = run("index list c.reprise");
  EXPECT_EQ(std::count(r.out.begin(), r.out.end(), '\n'), 101);
  EXPECT_NE(r.out.find("test-w0-0\ttest-w0\tTitle of test-w0\tPlayer of test-w0-0\t"),
            std::string::npos);
  EXPECT_EQ(run("index verify c.reprise").status, 0);
  EXPECT_NE(run("info c.reprise").out.find("catalogue of 100 songs"), std::string::npos);

  // A catalogue answers as the song set it was made from does.
  const std::string ask = " --data set.h5 --top 2 --min-score 0.2 --tsv";
  const Result from_set = run("query set.h5 --model m.safetensors" + ask);
  const Result from_catalogue = run("query c.reprise" + ask);
  EXPECT_EQ(from_catalogue.status, 0) << from_catalogue.err;
  EXPECT_EQ(from_catalogue.out, from_set.out);
  r = run("query c.reprise --id test-w0-0 --id noise-1 --top 3 --json --compact");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(nlohmann::json::parse(r.out)["queries"][1]["matches"].size(), 3u);

  r = run("index export c.reprise --npy f.npy --faiss f.faiss --mirex d.txt");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(read(path("f.faiss")).size(), 45u + 100 * 12 * 4);
  EXPECT_EQ(read_npy(path("f.npy")).shape, (std::vector<std::int64_t>{100, 12}));
  std::istringstream matrix(read(path("d.txt")));
  std::string line;
  for (int i = 0; i < 102; ++i) std::getline(matrix, line);
  EXPECT_EQ(line.substr(0, 8), "Q/R\t1\t2\t");
  for (int query = 1; query <= 100; ++query) {
    int number = 0;
    double distance = 0;
    matrix >> number;
    EXPECT_EQ(number, query);
    for (int song = 1; song <= 100; ++song) {
      ASSERT_TRUE(matrix >> distance);
      if (song == query) {
        EXPECT_NEAR(distance, 0, 1e-3);
      }
    }
  }
  // Filters, by either kind of condition; files named as they are or by --data.
  r = run("query c.reprise set.h5 --where title=\"Title of test-w0\" --where artist~W0-1 --tsv");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(std::count(r.out.begin(), r.out.end(), '\n'), 1 + 100);
  EXPECT_EQ(r.out.find("test-w0-0\ttest-w0"), std::string::npos);
  // A song from outside may be in the catalogue; only a song of the catalogue is no answer to
  // itself.
  EXPECT_NE(run("query c.reprise set.h5 --top 1 --tsv").out.find("noise-1\t1\tnoise-1\t"),
            std::string::npos);
  EXPECT_EQ(run("query c.reprise --id noise-1 --tsv").out.find("\tnoise-1\t"), std::string::npos);
  expect_error("query c.reprise --id noise-1 --where year=1850", 2, "FIELD=TEXT");
  expect_error("query c.reprise set.h5 --id noise-1", 2, "not both");
  expect_error("query c.reprise set.h5 set.h5", 1, "expected ids that no other set has");

  r = run("groups c.reprise --min-score 0.99 --out g.csv");
  ASSERT_EQ(r.status, 0) << r.err;
  const std::string csv = read(path("g.csv"));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 101);

  r = run("groups c.reprise --confidence 0.5 --out g.csv --html g.html");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("100 songs in "), std::string::npos) << r.out;
  EXPECT_NE(read(path("g.html")).find("</html>"), std::string::npos);
  EXPECT_EQ(run("groups c.reprise --confidence 0.5 --no-alignment").status, 0);
  expect_error("groups c.reprise", 2, "--confidence and --min-score");

  r = run("index remove c.reprise noise-0 noise-1");
  EXPECT_NE(r.out.find("2 songs removed, 98 left"), std::string::npos) << r.out << r.err;
  expect_error("index remove c.reprise noise-0", 1, "c.reprise: has no song 'noise-0'");
  expect_error("index add c.reprise --data set.h5", 1, "'train-w0-0' in it already");
  expect_error("query c.reprise --id noise-0", 1, "has no song 'noise-0'");
  expect_error("index create c.reprise --model m.safetensors", 1, "expected a new file");
  EXPECT_EQ(run("index list none.reprise").out, "");
  expect_error("index list none.reprise", 1, "none.reprise: cannot open");
  expect_error("index verify set.h5", 1, "expected an SQLite file");
  expect_error("index", 2, "");
  expect_error("index export c.reprise", 2, "--npy, --faiss or --mirex");
  for (const char* command :
       {"index export c.reprise --npy c.reprise", "index export c.reprise --mirex c.reprise",
        "groups c.reprise --confidence 0.5 --out c.reprise",
        "fingerprint --data set.h5 --method cov --out c.reprise"})
    expect_error(command, 1, "c.reprise: expected the name of a file to write, found a catalogue");
  expect_error("query set.h5 --id test-w0-0", 2, "--model");
  expect_error("query c.reprise --id test-w0-0 --json --tsv", 2, "--json and --tsv");
  Model other = read_model(path("m.safetensors"));
  other.weights[0] += 1;
  write_model(path("other.safetensors"), other);
  expect_error("index add c.reprise --data set.h5 --replace --model other.safetensors", 1,
               "found 'other.safetensors'");
  expect_error("query c.reprise --id test-w0-0 --model other.safetensors", 1,
               "found 'other.safetensors'");
  std::string damaged = read(path("c.reprise"));
  damaged[damaged.find("Title of test-w3")] = 'X';
  std::ofstream(path("c.reprise"), std::ios::binary) << damaged;
  const Result verify = run("index verify c.reprise");
  EXPECT_EQ(verify.status, 1);
  EXPECT_NE(verify.out.find("expected the checksum of its contents"), std::string::npos);
}

TEST_F(CliCatalogue, WithoutChromaAnswersAlike) {
  train();
  for (const char* command : {"index create c.reprise --model m.safetensors",
                              "index create bare.reprise --model m.safetensors --no-chroma",
                              "index add c.reprise set.h5", "index add bare.reprise set.h5"})
    ASSERT_EQ(run(command).status, 0) << command;
  EXPECT_LT(std::filesystem::file_size(path("bare.reprise")),
            std::filesystem::file_size(path("c.reprise")));
  EXPECT_NE(run("info bare.reprise").out.find("chroma   not kept"), std::string::npos);
  EXPECT_EQ(run("index verify bare.reprise").status, 0);
  // Scores and odds move with what 8 bits lose.
  const auto ask = [&](const std::string& catalogue) {
    const Result r = run("query " + catalogue + " --id test-w0-0 --id noise-1 --top 5 --json");
    EXPECT_EQ(r.status, 0) << r.err;
    return nlohmann::json::parse(r.out)["queries"];
  };
  const auto whole = ask("c.reprise"), bare = ask("bare.reprise");
  for (std::size_t q = 0; q < 2; ++q) {
    EXPECT_EQ(bare[q]["matches"][0]["song_id"], whole[q]["matches"][0]["song_id"]);
    for (std::size_t i = 0; i < 5; ++i)
      for (const char* key : {"score", "probability"})
        EXPECT_NEAR(bare[q]["matches"][i][key], whole[q]["matches"][i][key], 0.03);
  }
  // What cannot be aligned is said to be less sure.
  const Result groups = run("groups bare.reprise --confidence 0.5 --html g.html");
  EXPECT_EQ(groups.status, 0);
  EXPECT_NE(groups.err.find("bare.reprise: keeps no chroma"), std::string::npos) << groups.err;
  EXPECT_NE(
      read(path("g.html")).find("by fingerprint alone form one work: probability of at least 0.5"),
      std::string::npos);
  EXPECT_EQ(run("groups c.reprise --confidence 0.5 --html g.html").err, "");
  EXPECT_NE(read(path("g.html")).find("by fingerprint and alignment form one work"),
            std::string::npos);
  EXPECT_EQ(run("index export bare.reprise --mirex d.txt").status, 0);
  for (const char* command : {"query bare.reprise --id test-w0-0 --rerank 10",
                              "compare test-w0-0 test-w0-1 --in bare.reprise"})
    expect_error(command, 1, "bare.reprise: expected the songs' chroma");
}

// Weights for another alignment are not used: what to do is said, and it helps.
TEST_F(CliCatalogue, WeightsOfAnotherVersionAreFittedAgain) {
  train();
  ASSERT_EQ(run("index create c.reprise --model m.safetensors").status, 0);
  ASSERT_EQ(run("index add c.reprise set.h5").status, 0);
  const std::string answers = run("query c.reprise --id test-w0-0 --rerank 20 --tsv").out;
  for (const char* alignment : {"", "states of 7 frames"}) {
    Model old = read_model(path("m.safetensors"));
    old.alignment = alignment;
    for (float& weight : old.rerank_weights) weight = -weight;
    write_model(path("old.safetensors"), old);
    const std::string found = alignment[0] ? "'states of 7 frames'" : "'states of 1 frame'";
    const std::string message = "(" + found + "): refit them with `reprise calibrate`";
    for (const char* command : {"query set.h5 --model old.safetensors --id test-w0-0 --rerank 9",
                                "evaluate --data set.h5 --model old.safetensors --rerank 9",
                                "compare test-w0-0 test-w0-1 --in set.h5 --model old.safetensors"})
      expect_error(command, 1, message);
    EXPECT_EQ(run("evaluate --data set.h5 --model old.safetensors").status, 0);
    EXPECT_EQ(run("query set.h5 --model old.safetensors --id test-w0-0").status, 0);

    // The same song by song in a catalogue, which takes over the new weights.
    Result r = run("index recalibrate c.reprise --model old.safetensors");
    ASSERT_EQ(r.status, 0) << r.err;
    expect_error("query c.reprise --id test-w0-0 --rerank 20", 1, message);
    expect_error("groups c.reprise --confidence 0.9", 1, message);
    r = run("calibrate --data set.h5 --model old.safetensors --out again.safetensors");
    ASSERT_EQ(r.status, 0) << r.err;
    EXPECT_EQ(read(path("again.safetensors")), read(path("m.safetensors")));
    r = run("index recalibrate c.reprise --model again.safetensors");
    ASSERT_EQ(r.status, 0) << r.err;
    EXPECT_EQ(run("query c.reprise --id test-w0-0 --rerank 20 --tsv").out, answers);
    EXPECT_EQ(run("index verify c.reprise").status, 0);
  }
  Model other = read_model(path("m.safetensors"));
  other.weights[0] += 1;
  write_model(path("other.safetensors"), other);
  expect_error("index recalibrate c.reprise --model other.safetensors", 1,
               "found 'other.safetensors'");
  EXPECT_EQ(run("query c.reprise --id test-w0-0 --rerank 20 --tsv").out, answers);
}

// Songs of a known rate are timed, in a catalogue as in their set.
TEST_F(CliCatalogue, KnowsHowLongFramesAre) {
  set.frames_per_second = 4;
  write_song_set(path("set.h5"), set);
  train();
  ASSERT_EQ(run("index create c.reprise --model m.safetensors").status, 0);
  ASSERT_EQ(run("index add c.reprise set.h5").status, 0);
  const std::string from_set =
      run("compare test-w0-0 test-w0-1 --in set.h5 --model m.safetensors").out;
  EXPECT_NE(from_set.find("minutes of the first"), std::string::npos) << from_set;
  // What a catalogue keeps of chroma moves scores a little, no stretch.
  const auto stretches = [](const std::string& out) { return out.substr(out.find("score ")); };
  EXPECT_EQ(stretches(run("compare test-w0-0 test-w0-1 --in c.reprise").out), stretches(from_set));
  set.frames_per_second = 0;
  set.song_id[0] = "no rate";
  write_song_set(path("set.h5"), set);
  ASSERT_EQ(run("index add c.reprise set.h5 --replace").status, 0);
  EXPECT_NE(run("compare test-w0-0 test-w0-1 --in c.reprise").out.find("frames  of the first"),
            std::string::npos);
}

// Columns line up whatever titles are, and a title is one line.
TEST_F(CliCatalogue, LongTitlesKeepTheColumns) {
  set.title[set.find("test-w0-1")] = std::string(300, 'x');
  set.title[set.find("test-w0-2")] = "Ça\n" + std::string(60, 'y');
  write_song_set(path("set.h5"), set);
  train();
  const Result r = run("query set.h5 --model m.safetensors --id test-w0-0 --top 99");
  ASSERT_EQ(r.status, 0) << r.err;
  std::istringstream lines(r.out);
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "test-w0-0  Title of test-w0  Player of test-w0-0");
  for (int rank = 1; rank <= 99; ++rank) {
    std::getline(lines, line);
    // 40 characters of the title, each of which is one byte or, in UTF-8, begins with one.
    std::size_t columns = 0, at = 0;
    while (at < line.find("Player of")) columns += (line[at++] & 0xc0) != 0x80;
    EXPECT_EQ(columns, 29u + 40 + 2) << line;
  }
  EXPECT_NE(r.out.find(std::string(39, 'x') + "…  Player"), std::string::npos);
  const Result none =
      run("query set.h5 --model m.safetensors --id test-w0-0 --min-score 1 --where title=none");
  EXPECT_NE(none.out.find("no answers"), std::string::npos) << none.out << none.err;
}

}  // namespace
}  // namespace reprise
