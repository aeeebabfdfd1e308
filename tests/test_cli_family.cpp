// The real binary on the family of bigrams: reports, the 2016 experiment, training that starts from
// fixed fingerprints, joined models.

#include <nlohmann/json.hpp>

#include "cli_fixture.h"
#include "reprise/model.h"

namespace reprise {
namespace {

// A page is one file that names nothing outside itself but the SVG namespace.
void expect_page(const std::string& html, std::initializer_list<const char*> parts) {
  EXPECT_TRUE(html.starts_with("<!DOCTYPE html>")) << html.substr(0, 100);
  EXPECT_TRUE(html.ends_with("</html>\n"));
  for (const char* part : parts) EXPECT_NE(html.find(part), std::string::npos) << part;
  for (const char* outside : {"src=", "href=", "url(", "@import", "<script", "nan"})
    EXPECT_EQ(html.find(outside), std::string::npos) << outside;
  for (std::size_t at = html.find("http"); at != std::string::npos; at = html.find("http", at + 1))
    EXPECT_EQ(html.compare(at, 26, "http://www.w3.org/2000/svg"), 0);
}

TEST_F(Cli, Reports) {
  Result r = run("train --data set.h5 --out m.safetensors --report training" + small_training());
  ASSERT_EQ(r.status, 0) << r.err;
  expect_page(read(path("training/index.html")),
              {"Loss and validation MAP", "Event filters", "Co-occurrence windows"});
  r =
      run("evaluate --data set.h5 --model m.safetensors --query-keys 12 --method landmarks "
          "--method intervalgram --excerpt 40 --report a/b --json e.json");
  ASSERT_EQ(r.status, 0) << r.err;
  expect_page(read(path("a/b/index.html")),
              {"excerpts of 40 frames", "m.safetensors, 12 keys", "Precision and recall",
               "The same as boxes", "Most confused works", "Event filters"});
  EXPECT_EQ(nlohmann::json::parse(read(path("e.json")))["methods"].size(), 4u);
  std::ofstream(path("file")) << "x";
  expect_error("evaluate --data set.h5 --method cov --report file/x", 1, "file/x: cannot make");
  expect_error("evaluate --data set.h5 --method landmarks --query-keys 0", 2, "--query-keys");
  expect_error("evaluate --data set.h5 --method none.json", 1, "none.json: cannot open");
}

TEST_F(Cli, Experiment) {
  const std::string small =
      " --set steps=20 --set pairs_per_batch=8 --set patches=2 --set patch_frames=32";
  const Result r = run("experiment seed2016-24x8 --data set.h5 --out e --set alpha=2" + small);
  ASSERT_EQ(r.status, 0) << r.err;
  const Model model = read_model(path("e/model.safetensors"));
  EXPECT_EQ(model.config.num_filters, 24);
  EXPECT_EQ(model.config.negative_weight, 2);
  EXPECT_NE(r.err.find("--set alpha: now called negative_weight\n"), std::string::npos) << r.err;
  std::ifstream csv(path("e/distances.csv"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(csv, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], "step,train_loss,test_loss,cover_distance,other_distance,bhattacharyya");
  EXPECT_EQ(lines[1].substr(0, 2), "1,");
  EXPECT_EQ(lines[2].substr(0, 3), "10,");
  EXPECT_EQ(lines[3].substr(0, 3), "20,");
  const auto json = nlohmann::json::parse(read(path("e/evaluation.json")));
  EXPECT_EQ(json["methods"][1]["name"], "cov");
  EXPECT_EQ(json["methods"][2]["name"], "2dftm-seed");
  expect_page(read(path("e/index.html")), {"Contrastive loss", "Bhattacharyya", "2dftm-seed"});
  expect_error("experiment none --data set.h5 --out e", 2, "none");
  expect_error("experiment seed2016 --data set.h5 --out e --set loss=nt-xent", 2, "");
}

TEST_F(Cli, ExperimentsOfTheLogWithEventNetworks) {
  const std::string small =
      " --set steps=10 --set pairs_per_batch=4 --set patches=2 --set patch_frames=64";
  Result r = run("experiment seed2016-3conv --data set.h5 --out d" + small);
  ASSERT_EQ(r.status, 0) << r.err;
  expect_page(read(path("d/index.html")), {"32 filters of 1 frames, pooled by 4", "dense layer of",
                                           "Filters of the first layer"});
  EXPECT_EQ(read(path("d/index.html")).find("Co-occurrence windows"), std::string::npos);
  Model model = read_model(path("d/model.safetensors"));
  EXPECT_EQ(model.dims(), 128);
  r = run("experiment seed2016-24-32x8 --data set.h5 --out b" + small);
  ASSERT_EQ(r.status, 0) << r.err;
  expect_page(read(path("b/index.html")), {"Filters of the first layer", "Co-occurrence windows"});
  model = read_model(path("b/model.safetensors"));
  EXPECT_EQ(model.dims(), 8 * 32 * 32);
  // As any other model.
  r =
      run("evaluate --data set.h5 --model d/model.safetensors --model b/model.safetensors "
          "--rerank 3");
  ASSERT_EQ(r.status, 0) << r.err;
  r = run("fingerprint --data set.h5 --model b/model.safetensors --out b.npy");
  ASSERT_EQ(r.status, 0) << r.err;
  ASSERT_EQ(run("index create n.reprise --model d/model.safetensors").status, 0);
  ASSERT_EQ(run("index add n.reprise --data set.h5").status, 0);
  r = run("query n.reprise --id test-w0-0 --json");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(nlohmann::json::parse(r.out)["queries"][0]["matches"].size(), 10u);
  r = run("info d/model.safetensors");
  EXPECT_NE(r.out.find("layer_filters          32,64"), std::string::npos) << r.out;
  r = run("experiment --help");
  EXPECT_NE(r.out.find("seed2016-2conv-192"), std::string::npos);
  expect_error("experiment seed2016-3conv --data set.h5 --out x --set dense=0", 2,
               "dense: expected");
  expect_error("experiment seed2016-3conv --data set.h5 --out x --set pools=4", 2,
               "pools: expected one for each of 3 convolutions, found 1");
  expect_error("experiment seed2016-3conv --data set.h5 --out x --set layer_frames=a", 2,
               "layer_frames");
}

TEST_F(Cli, TrainingStartsFromAFixedFingerprint) {
  Result r = run("train --data set.h5 --out l.safetensors --start landmarks" + small_training() +
                 "--set projection=0");
  ASSERT_EQ(r.status, 0) << r.err;
  const Model model = read_model(path("l.safetensors"));
  EXPECT_EQ(model.config.activation, Activation::step);
  EXPECT_EQ(model.dims(), 16 * 144);
  r = run("train --data set.h5 --out i.safetensors --start intervalgram" + small_training() +
          "--set projection=0");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(read_model(path("i.safetensors")).dims(), 6 * 12);
  for (const char* of_features : {"jumpcodes", "bihistogram"}) {  // not of chroma
    r = run(std::string("train --data set.h5 --out f.safetensors --start ") + of_features +
            small_training() + "--set projection=0");
    ASSERT_EQ(r.status, 0) << of_features << ": " << r.err;
  }
  expect_error("train --data set.h5 --out x.safetensors --start harmonisation", 2, "one stream");
  expect_error("train --data set.h5 --out x.safetensors --start landmarks --preset reprise", 2, "");
  expect_error("train --data set.h5 --out x.safetensors --start landmarks --set num_filters=6", 2,
               "num_filters: expected a multiple of 12 with tie_rotations, found 6");
  expect_error("train --data set.h5 --out x.safetensors --start landmarks --set num_filters=24", 1,
               "to start from");
}

TEST_F(Cli, JoinedModelsWorkAsAnyOther) {
  train();
  Result r = run("train --data set.h5 --out s.safetensors --set event_length=1" + small_training());
  ASSERT_EQ(r.status, 0) << r.err;
  r = run("join m.safetensors s.safetensors --data set.h5 --out both.safetensors");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("2 models joined, 23040 bigrams projected to 12 values"), std::string::npos)
      << r.out;
  r = run("evaluate --data set.h5 --model both.safetensors --rerank 10 --report page");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out.find("both.safetensors + row-z of 10"), std::string::npos) << r.out;
  r = run("index create c.reprise --model both.safetensors");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(run("index add c.reprise --data set.h5").status, 0);
  EXPECT_EQ(run("index verify c.reprise").status, 0);
  r = run("query c.reprise --id test-w0-0 --json");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(nlohmann::json::parse(r.out)["queries"][0]["matches"].size(), 10u);
  r = run("info both.safetensors");
  EXPECT_NE(r.out.find("joined with bigrams of"), std::string::npos) << r.out;

  expect_error("join m.safetensors --data set.h5 --out x.safetensors", 2, "models");
  r = run("train --data set.h5 --out k.safetensors --set query_keys=1" + small_training());
  ASSERT_EQ(r.status, 0) << r.err;
  expect_error(
      "join m.safetensors k.safetensors --data set.h5 --out x.safetensors", 1,
      "k.safetensors: cannot be joined with m.safetensors: expected query_keys 2, found 1");
  expect_error("train --data set.h5 --out x.safetensors --start both.safetensors", 1,
               "expected the bigrams of one model to start from, found 2 joined");
  EXPECT_FALSE(fs::exists(path("x.safetensors")));
}

}  // namespace
}  // namespace reprise
