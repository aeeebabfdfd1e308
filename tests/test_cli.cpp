// The real binary, end to end: what it prints, what it writes, how it fails.

#include <sys/stat.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "backend/cpu/row_products.h"
#include "cli_fixture.h"
#include "io/npy.h"
#include "io/safetensors.h"
#include "reprise/model.h"

namespace reprise {
namespace {

TEST_F(Cli, TrainEvaluateFingerprintQueryInfo) {
  train();
  for (const char* name : {"m.safetensors", "m.log.csv", "m.loss.svg", "m.checkpoint.safetensors"})
    EXPECT_TRUE(fs::exists(path(name))) << name;

  Result r =
      run("evaluate --data set.h5 --model m.safetensors --method cov --method corr --method "
          "2dftm --method 2dftm-seed --method 2dftm-pca --set patch=40 --method random "
          "--json e.json --histogram h.svg");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("30 queries among 40 candidates"), std::string::npos) << r.out;
  const auto json = nlohmann::json::parse(read(path("e.json")));
  EXPECT_EQ(json["split"], "test");
  EXPECT_EQ(json["queries"], 30);
  EXPECT_EQ(json["candidates"], 40);
  ASSERT_EQ(json["methods"].size(), 7u);
  for (const auto& method : json["methods"])
    for (const char* key :
         {"name", "dims", "map", "mr1", "p1", "p10", "r5", "fingerprint_seconds", "search_seconds"})
      EXPECT_TRUE(method.contains(key)) << key;
  EXPECT_NE(read(path("h.svg")).find("</svg>"), std::string::npos);

  r = run("fingerprint --data set.h5 --model m.safetensors --out f.npy");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(read_npy(path("f.npy")).shape, (std::vector<std::int64_t>{100, 12}));
  const std::string ids = read(path("f.ids.txt"));
  EXPECT_EQ(std::count(ids.begin(), ids.end(), '\n'), 100);
  EXPECT_EQ(ids.substr(0, ids.find('\n')), set.song_id[0]);

  r = run("fingerprint --data set.h5 --method cov --transpositions --out t.npy");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(read_npy(path("t.npy")).shape, (std::vector<std::int64_t>{100, 12, 576}));

  r = run("query set.h5 --model m.safetensors --id test-w0-0 --id noise-1 --top 3 --json");
  ASSERT_EQ(r.status, 0) << r.err;
  const auto answers = nlohmann::json::parse(r.out)["queries"];
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0]["query"], "test-w0-0");
  ASSERT_EQ(answers[0]["matches"].size(), 3u);
  double last = 2;
  for (const auto& match : answers[0]["matches"]) {
    EXPECT_NE(match["song_id"], "test-w0-0");
    EXPECT_LE(match["score"].get<double>(), last);
    last = match["score"];
    EXPECT_TRUE(match.contains("work_id") && match.contains("title"));
    EXPECT_GE(match["transposition"].get<int>(), 0);
    EXPECT_LT(match["transposition"].get<int>(), 12);
  }
  r = run("query set.h5 --model m.safetensors --data set.h5 --top 1");
  EXPECT_EQ(r.status, 0) << r.err;

  r = run("info set.h5");
  EXPECT_NE(r.out.find("noise"), std::string::npos);
  r = run("info m.safetensors");
  EXPECT_NE(r.out.find("query_keys"), std::string::npos);
  r = run("devices");
  EXPECT_EQ(r.out.find("cpu, "), 0u);
}

TEST_F(Cli, TransposedCopyOfASongIsFoundWithItsInterval) {
  train();
  // The query set: one song of the catalogue, three semitones lower.
  SongSet low;
  low.source = "test";
  const std::int64_t first = set.offsets[65], last = set.offsets[66];
  for (std::int64_t t = first; t < last; ++t)
    for (int c = 0; c < 12; ++c)
      low.chroma_float.push_back(set.chroma_float[t * 12 + (c + 3) % 12]);
  low.offsets = {0, last - first};
  low.song_id = low.work_id = {"low"};
  low.split = {"test"};
  write_song_set(path("low.h5"), low);
  const Result r = run("query set.h5 --model m.safetensors --data low.h5 --top 1 --json");
  ASSERT_EQ(r.status, 0) << r.err;
  const auto match = nlohmann::json::parse(r.out)["queries"][0]["matches"][0];
  EXPECT_EQ(match["song_id"], set.song_id[65]);
  EXPECT_EQ(match["transposition"], 3);
  EXPECT_NEAR(match["score"].get<double>(), 1, 1e-4);
}

TEST_F(Cli, RerankingSaysHowSureItIs) {
  train();
  Result r =
      run("evaluate --data set.h5 --model m.safetensors --rerank 10 --method cov "
          "--json e.json --reliability r.svg --report page");
  ASSERT_EQ(r.status, 0) << r.err;
  for (const char* name : {"r.svg", "page/index.html"})
    for (const char* line : {">m<", ">m + row-z of 10<"})
      EXPECT_NE(read(path(name)).find(line), std::string::npos) << name << line;
  EXPECT_NE(read(path("page/index.html")).find("m.safetensors: 1170 pairs, expected calibration"),
            std::string::npos);
  const auto methods = nlohmann::json::parse(read(path("e.json")))["methods"];
  ASSERT_EQ(methods.size(), 3u);
  EXPECT_EQ(methods[1]["name"], "m.safetensors + row-z of 10");
  EXPECT_GE(methods[1]["map"].get<double>(), methods[0]["map"].get<double>());
  EXPECT_EQ(methods[1]["calibration"]["pairs"], 300);
  // So is the first stage, on the first hundred answers: here all 39.
  EXPECT_EQ(methods[0]["calibration"]["pairs"], 30 * 39);
  double expected = 0;
  for (const auto& bin : methods[0]["calibration"]["bins"])
    if (bin["pairs"] > 0) expected += bin["expected"].get<double>() * bin["pairs"].get<double>();
  EXPECT_NEAR(expected, 60, 20);  // as many as there are versions, on songs like those fitted on
  EXPECT_FALSE(methods[2].contains("calibration"));
  EXPECT_NE(r.out.find("calibration on top answers"), std::string::npos) << r.out;
  // The paired gain is the difference, and its interval holds it.
  const auto gain = methods[1]["gain"];
  EXPECT_EQ(gain["over"], "m.safetensors");
  EXPECT_NEAR(gain["map"].get<double>(),
              methods[1]["map"].get<double>() - methods[0]["map"].get<double>(), 1e-9);
  EXPECT_LE(gain["map_interval"][0], gain["map"]);
  EXPECT_GE(gain["map_interval"][1], gain["map"]);
  r =
      run("evaluate --data set.h5 --model m.safetensors --rerank 5 --rerank 10 --aligner "
          "row-z-half --aligner qmax --json e.json");
  ASSERT_EQ(r.status, 0) << r.err;
  std::vector<std::string> names;
  const auto again = nlohmann::json::parse(read(path("e.json")));
  for (const auto& method : again["methods"]) names.push_back(method["name"]);
  EXPECT_EQ(names,
            (std::vector<std::string>{"m.safetensors", "m.safetensors + row-z-half of 5",
                                      "m.safetensors + row-z-half of 10",
                                      "m.safetensors + qmax of 5", "m.safetensors + qmax of 10"}));

  for (const char* option : {"", " --rerank 20"}) {
    r = run("query set.h5 --model m.safetensors --id test-w0-0 --top 3 --json" +
            std::string(option));
    ASSERT_EQ(r.status, 0) << r.err;
    const auto matches = nlohmann::json::parse(r.out)["queries"][0]["matches"];
    ASSERT_EQ(matches.size(), 3u);
    double last = 1;
    for (const auto& match : matches) {
      EXPECT_GE(match["probability"].get<double>(), 0);
      // The first stage's order is the cosine's, its probability that of the cosine standardised.
      if (*option) {
        EXPECT_LE(match["probability"].get<double>(), last);
      }
      last = match["probability"];
    }
  }
  r = run("query set.h5 --model m.safetensors --id test-w0-0 --top 3 --rerank 20");
  EXPECT_NE(r.out.find(" %  "), std::string::npos) << r.out;
}

TEST_F(Cli, ComparesTwoSongs) {
  train();
  ASSERT_EQ(run("index create c.reprise --model m.safetensors").status, 0);
  ASSERT_EQ(run("index add c.reprise set.h5").status, 0);
  Result r = run("compare test-w0-0 test-w0-1 --in c.reprise --json --picture both.svg");
  ASSERT_EQ(r.status, 0) << r.err;
  const auto same = nlohmann::json::parse(r.out);
  EXPECT_EQ(same["a"], "test-w0-0");
  ASSERT_FALSE(same["stretches"].empty());
  EXPECT_GT(same["stretches"][0]["score"].get<double>(), 40);
  EXPECT_NE(read(path("both.svg")).find("</svg>"), std::string::npos);
  r = run("compare test-w0-0 test-w1-0 --in set.h5 --model m.safetensors --json");
  ASSERT_EQ(r.status, 0) << r.err;
  const auto other = nlohmann::json::parse(r.out);
  EXPECT_GT(same["probability"].get<double>(), other["probability"].get<double>());
  EXPECT_GT(same["alignment"].get<double>(), other["alignment"].get<double>());
  EXPECT_NE(run("compare test-w0-0 test-w0-1 --in c.reprise").out.find("semitones"),
            std::string::npos);
  expect_error("compare test-w0-0 nobody --in c.reprise", 1, "has no song 'nobody'");
  expect_error("compare test-w0-0 nobody --in set.h5 --model m.safetensors", 1,
               "has no song 'nobody'");
  expect_error("compare test-w0-0 test-w0-1 --in set.h5", 2, "--model");
  expect_error("compare set.h5 set.h5 --model m.safetensors", 1,
               "set.h5: expected one song, found 100");
  expect_error("compare test-w0-0 test-w0-1", 2, "--in for ids of songs, or --model");
  // Two files may hold songs of one id, or be one file.
  SongSet one = set;
  const std::int64_t song = set.find("test-w0-0");
  one.chroma_float.assign(set.chroma_float.begin() + set.offsets[song] * kPitchClasses,
                          set.chroma_float.begin() + set.offsets[song + 1] * kPitchClasses);
  one.offsets = {0, set.frames(song)};
  for (auto* texts : {&one.song_id, &one.work_id, &one.split, &one.title, &one.artist})
    *texts = {(*texts)[song]};
  write_song_set(path("one.h5"), one);
  r = run("compare one.h5 one.h5 --model m.safetensors --json");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_NEAR(nlohmann::json::parse(r.out)["score"].get<double>(), 1, 1e-4);
  expect_error("compare one two --model m.safetensors", 1, "one: cannot open");
}

TEST_F(Cli, TooFewSongsForTheProjectionAreFoundBeforeTraining) {
  expect_error("train --data set.h5 --out m.safetensors", 1, "to fit a projection to 256, found");
  EXPECT_EQ(run("train --data set.h5 --out m.safetensors").out.find("step "), std::string::npos);
  EXPECT_FALSE(fs::exists(path("m.checkpoint.safetensors"))) << "nor is an earlier one overwritten";
}

// Products of bfloat16 on the cpu: a model, or an error that says what is missing.
TEST_F(Cli, TrainsWithProductsOfBfloat16WhereTheProcessorHasThem) {
  const std::string train =
      "train --data set.h5 --out b.safetensors --device cpu --precision bf16 --set steps=3 --set "
      "projection=0";
  if (cpu::bfloat16_products()) {
    EXPECT_NE(run(train).out.find(", bf16"), std::string::npos);
    EXPECT_TRUE(fs::exists(path("b.safetensors")));
  } else {
    expect_error(train, 1, "bf16: expected a processor with AVX-512 BF16, found");
  }
}

// Calibrated again on the same songs, a model says the same.
TEST_F(Cli, CalibratesATrainedModel) {
  train();
  Safetensors bare = read_safetensors(path("m.safetensors"));
  for (const char* name :
       {"rerank.weights", "rerank_half.weights", "probability.weights", "cohort.vectors"})
    EXPECT_EQ(bare.tensors.erase(name), 1u) << name;
  write_safetensors(path("bare.safetensors"), bare);
  const Result r = run("calibrate --data set.h5 --model bare.safetensors --out again.safetensors");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(read(path("again.safetensors")), read(path("m.safetensors")));
  expect_error("calibrate --data none.h5 --model m.safetensors --out x.safetensors", 1,
               "none.h5: cannot open");
}

// A model trained where there was nothing to fit the odds on still answers, without probabilities.
TEST_F(Cli, ModelsWithoutOddsAreNotGuessedAt) {
  train();
  Safetensors model = read_safetensors(path("m.safetensors"));
  model.tensors.erase("rerank.weights");
  model.tensors.erase("probability.weights");
  write_safetensors(path("m.safetensors"), model);
  const char* part = "m.safetensors: expected weights for re-ranking by row-z, found none: ";
  expect_error("query set.h5 --model m.safetensors --id test-w0-0 --rerank 10", 1, part);
  const Result r = run("query set.h5 --model m.safetensors --id test-w0-0 --json");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_TRUE(nlohmann::json::parse(r.out)["queries"][0]["matches"][0]["probability"].is_null());
}

TEST_F(Cli, BenchNamesTheLimitsAndEachRate) {
  const Result r = run("bench --preset seed2016 --threads 1 --seconds 0");
  ASSERT_EQ(r.status, 0) << r.err;
  for (const char* part : {"GFLOP/s", "GB/s", "bigrams of 512 frames, forward ", "and backward",
                           "songs/s", "vectors of 1728, 12 keys", "queries/s"})
    EXPECT_NE(r.out.find(part), std::string::npos) << part << "\n" << r.out;
  EXPECT_EQ(run("bench --preset none").status, 2);
}

TEST_F(Cli, EveryCommandHasHelpWithAnExample) {
  for (const char* command :
       {"train", "evaluate", "join", "experiment", "query", "groups", "fingerprint", "info",
        "devices", "bench", "index", "index create", "index add", "index remove", "index list",
        "index recalibrate", "index verify", "index export"}) {
    const Result r = run(std::string(command) + " --help");
    EXPECT_EQ(r.status, 0);
    EXPECT_NE(r.out.find("Example:\n  reprise " + std::string(command)), std::string::npos)
        << r.out;
  }
  EXPECT_EQ(run("--help").status, 0);
  EXPECT_EQ(run("--version").status, 0);
  const std::string help = run("train --help").out;
  for (const Parameter& p : parameters())
    if (p.name != "preset") {
      EXPECT_NE(help.find(std::string(p.name)), std::string::npos) << p.name;
    }
}

TEST_F(Cli, ChromaMadeOtherwiseThanTheModelsIsRefused) {
  set.chroma_source = "audio rate=22050";
  write_song_set(path("set.h5"), set);
  train();
  EXPECT_EQ(read_model(path("m.safetensors")).chroma_source, set.chroma_source);
  EXPECT_NE(run("info set.h5").out.find("audio rate=22050"), std::string::npos);
  EXPECT_NE(run("info m.safetensors").out.find("audio rate=22050"), std::string::npos);
  SongSet other = set;
  other.chroma_source = "beat2012";
  write_song_set(path("other.h5"), other);
  other.chroma_source.clear();
  write_song_set(path("unknown.h5"), other);
  ASSERT_EQ(run("index create c.reprise --model m.safetensors").status, 0);
  for (const std::string command :
       {"evaluate --model m.safetensors --data ",
        "fingerprint --model m.safetensors --out f --data ",
        "query set.h5 --model m.safetensors --data ", "query --model m.safetensors --id noise-1 ",
        "index add c.reprise --replace --data ", "query c.reprise --data "}) {
    expect_error(command + "other.h5", 1,
                 "other.h5: expected chroma made as " +
                     std::string(command.find("c.reprise") == std::string::npos ? "m.safetensors"
                                                                                : "c.reprise") +
                     " learned it, 'audio rate=22050', found 'beat2012': ");
    for (const char* passes : {"other.h5 --any-chroma", "set.h5", "unknown.h5"}) {
      const Result r = run(command + passes);
      EXPECT_EQ(r.status, 0) << command << passes << "\n" << r.err;
    }
  }
}

TEST_F(Cli, WrongCommandLinesExitWithTwo) {
  expect_error("", 2, "");
  expect_error("dance", 2, "there is no command 'dance' (see reprise --help)");
  expect_error("import dance", 2, "there is no command 'dance' (see reprise import --help)");
  expect_error("train --data set.h5", 2, "--out");
  expect_error("train --data set.h5 --out m.safetensors --preset none", 2, "unknown preset 'none'");
  expect_error("train --data set.h5 --out m.safetensors --set events", 2, "key=value");
  expect_error("train --data set.h5 --out m.safetensors --set num_filters=0", 2,
               "expected 1 to 512");
  expect_error("train --data set.h5 --out m.safetensors --set colour=red", 2, "colour");
  expect_error("evaluate --data set.h5", 2, "--model or --method");
  expect_error("evaluate --data set.h5 --method guess", 2, "guess");
  expect_error("evaluate --data set.h5 --method 2dftm --set patch=x", 2, "patch");
  expect_error("evaluate --data set.h5 --method cov --set patch=9", 2, "patch");
  expect_error("fingerprint --data set.h5 --out f.npy", 2, "--model and --method");
  expect_error("query set.h5 --model m.safetensors", 2, "files with songs, or --id");
  expect_error("evaluate --data set.h5 --method cov --device tpu", 2, "tpu");
}

TEST_F(Cli, FailedWorkExitsWithOneAndNamesTheFile) {
  train();
  expect_error("evaluate --data none.h5 --method cov", 1, "none.h5");
  expect_error("info none", 1, "none");
  std::ofstream(path("text.h5")) << "this is no HDF5 file";
  expect_error("evaluate --data text.h5 --method cov", 1, "text.h5");
  expect_error("evaluate --data set.h5 --model text.h5", 1, "text.h5");
  expect_error("evaluate --data set.h5 --model set.h5", 1, "set.h5");
  const std::string whole = read(path("set.h5"));
  std::ofstream(path("cut.h5"), std::ios::binary) << whole.substr(0, whole.size() / 2);
  expect_error("evaluate --data cut.h5 --method cov", 1, "cut.h5");
  const std::string model = read(path("m.safetensors"));
  std::ofstream(path("cut.safetensors"), std::ios::binary) << model.substr(0, model.size() - 9);
  expect_error("info cut.safetensors", 1, "cut.safetensors");
  expect_error("query set.h5 --model m.safetensors --id nobody", 1, "has no song 'nobody'");
  expect_error("fingerprint --data set.h5 --method cov --out none/f.npy", 1, "none");
  expect_error("train --data set.h5 --out none/m.safetensors --set projection=0", 1, "none");
  expect_error("evaluate --data set.h5 --method cov --device cuda", 1, "cuda");
  expect_error("train --data set.h5 --out n.safetensors --resume --set projection=0", 1,
               "n.checkpoint.safetensors");
  expect_error("train --data set.h5 --out n.safetensors", 1, "projection");  // 30 songs to train on
  EXPECT_FALSE(fs::exists(path("n.safetensors")));
}

TEST_F(Cli, ModelsWithMissingTensorsOrAbsurdSizesAreRefused) {
  train();
  const Safetensors good = read_safetensors(path("m.safetensors"));
  for (const auto& [name, tensor] : good.tensors) {
    if (name.starts_with("rerank") || name == "probability.weights" || name == "cohort.vectors")
      continue;  // optional
    Safetensors bad = good;
    bad.tensors.erase(name);
    write_safetensors(path("bad.safetensors"), bad);
    expect_error("info bad.safetensors", 1, name);
  }
  Safetensors bad = good;
  bad.tensors["events.weight"].shape = {24, 12, 4};
  write_safetensors(path("bad.safetensors"), bad);
  expect_error("info bad.safetensors", 1, "expected shape [24, 4, 12], found [24, 12, 4]");
  bad = good;
  bad.metadata["config"] = R"({"preset": "reprise", "events": 64, "windows": 64})";
  write_safetensors(path("bad.safetensors"), bad);
  expect_error("info bad.safetensors", 1, "events.weight");
  bad = good;
  bad.metadata["config"] = R"({"events": 1000000000})";
  write_safetensors(path("bad.safetensors"), bad);
  expect_error("info bad.safetensors", 1, "num_filters: expected 1 to 512");
  bad = good;
  bad.metadata.erase("format");
  write_safetensors(path("bad.safetensors"), bad);
  expect_error("info bad.safetensors", 1, "format");
  bad = good;
  const float nan = std::nanf("");
  std::memcpy(bad.tensors["windows.weight"].bytes.data() + 8, &nan, 4);
  write_safetensors(path("bad.safetensors"), bad);
  expect_error("info bad.safetensors", 1, "finite");
}

TEST_F(Cli, FullDiskLeavesNothingBehind) {
  train();
  const int status = std::system(("cd '" + folder.string() + "' && " + REPRISE_PROGRAM +
                                  " query set.h5 --model m.safetensors --data set.h5 --json "
                                  ">/dev/full 2>err.txt")
                                     .c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_NE(read(path("err.txt")).find("reprise: cannot write"), std::string::npos);
  // A file-size limit stands in for a full disk: the write of the file itself fails.
  const int limited = std::system(("cd '" + folder.string() +
                                   "' && bash -c 'trap \"\" XFSZ; ulimit -f 8; " + REPRISE_PROGRAM +
                                   " fingerprint --data set.h5 --method cov --out big.npy' "
                                   ">out.txt 2>err.txt")
                                      .c_str());
  EXPECT_EQ(WEXITSTATUS(limited), 1) << read(path("err.txt"));
  EXPECT_NE(read(path("err.txt")).find("big.npy"), std::string::npos) << read(path("err.txt"));
  for (const auto& entry : fs::directory_iterator(folder))
    EXPECT_EQ(entry.path().filename().string().find("big"), std::string::npos) << entry.path();
}

// Starts training for real and sends it a signal once its checkpoint is there.
TEST_F(Cli, SignalsDuringTrainingLoseNothing) {
  const std::string settings =
      " --set steps=400 --set validate_every=20 --set works_per_batch=8 --set crop=96 "
      "--set projection=12 --set projection_pca=16 ";
  const auto signalled = [&](const std::string& name, int signal, bool resume) {
    const std::string command = "cd '" + folder.string() + "' && exec " + REPRISE_PROGRAM +
                                " train --data set.h5 --out " + name + settings +
                                (resume ? " --resume" : "") + " >>" + name + ".txt 2>&1";
    const pid_t child = ::fork();
    if (child == 0) {
      ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
      ::_exit(127);
    }
    const std::string checkpoint = path(name.substr(0, name.find('.')) + ".checkpoint.safetensors");
    for (int wait = 0; wait < 6000 && !fs::exists(checkpoint); ++wait)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    ::kill(child, signal);
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
  };
  const Result whole = run("train --data set.h5 --out whole.safetensors" + settings);
  ASSERT_EQ(whole.status, 0) << whole.err;

  const int interrupted = signalled("int.safetensors", SIGINT, false);
  EXPECT_TRUE(WIFEXITED(interrupted) && WEXITSTATUS(interrupted) == 0);
  const int killed = signalled("kill.safetensors", SIGKILL, false);
  EXPECT_TRUE(WIFSIGNALED(killed) || (WIFEXITED(killed) && WEXITSTATUS(killed) == 0));
  for (const std::string name : {"int.safetensors", "kill.safetensors"}) {
    const Result r = run("train --data set.h5 --out " + name + settings + " --resume");
    ASSERT_EQ(r.status, 0) << r.err;
    EXPECT_EQ(read(path(name)), read(path("whole.safetensors"))) << name;
  }
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".tmp") fs::remove(entry.path());
}

}  // namespace
}  // namespace reprise
