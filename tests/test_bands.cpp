// Songs of several bands, from their file to the second stage of a query. The ops have cases of
// several bands in tests of their own.

#include <gtest/gtest.h>
#include <hdf5.h>

#include <cmath>
#include <fstream>
#include <numeric>
#include <sstream>

#include "baselines/definition.h"
#include "catalogue_fixture.h"
#include "model/keys.h"
#include "oracle_alignment.h"
#include "random_chroma.h"
#include "reprise/baselines.h"
#include "reprise/compare.h"
#include "reprise/evaluate.h"
#include "reprise/qmax.h"
#include "reprise/rerank.h"
#include "reprise/song_set_writer.h"
#include "reprise/trainer.h"

namespace reprise {
namespace {

/// Band b of a frame is the frame 2 b later.
SongSet with_bands(const SongSet& one, int bands) {
  SongSet set = one;
  set.bands = bands;
  set.chroma_float.clear();
  for (std::int64_t song = 0; song < one.songs(); ++song)
    for (std::int64_t t = one.offsets[song]; t < one.offsets[song + 1]; ++t)
      for (int b = 0; b < bands; ++b)
        for (int c = 0; c < 12; ++c)
          set.chroma_float.push_back(
              one.chroma().at(std::min(t + 2 * b, one.offsets[song + 1] - 1), c));
  return set;
}

SongSet as_bytes(SongSet set) {
  for (const float value : set.chroma_float)
    set.chroma_uint8.push_back(chroma_byte(std::min(value, 1.0f)));
  set.chroma_float.clear();
  set.type = ChromaType::uint8;
  return set;
}

std::vector<float> values_of(const SongSet& set) {
  std::vector<float> values;
  for (std::int64_t t = 0; t < set.frames(); ++t)
    for (int c = 0; c < set.width(); ++c) values.push_back(set.chroma().at(t, c));
  return values;
}

class Bands : public testing::Test {
 protected:
  void SetUp() override {
    folder = std::filesystem::temp_directory_path() /
             ("reprise-bands-" + std::to_string(::getpid()) + "-" +
              testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder);
    std::filesystem::create_directory(folder);
    set.band_names = {"treble", "bass"};
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  std::string path(const std::string& name) const { return (folder / name).string(); }

  static Config config(const std::string& preset) {
    Config c = Config::of_preset(preset);
    c.bands = 2;
    c.steps = 12;
    c.validate_every = 6;
    c.works_per_batch = c.pairs_per_batch = 8;
    c.crop = 64;
    c.patches = 4;
    c.patch_frames = 24;
    if (c.projection > 0) {
      c.projection = 12;
      c.projection_pca = 16;
    }
    return c;
  }
  Model trained(const Config& c, const SongSet& songs) const {
    const TrainingFiles files = TrainingFiles::beside(path("m.safetensors"));
    const TrainingOutcome outcome = train(*make_cpu_backend(2), songs, c, {.files = files});
    EXPECT_TRUE(outcome.finished);
    return read_model(files.model);
  }

  std::filesystem::path folder;
  SongSet set = with_bands(small_set(6, 3, 70), 2);
};

TEST_F(Bands, SetsReadBackAsTheyWereWritten) {
  for (const SongSet& songs : {set, as_bytes(set)}) {
    const std::string whole = path("whole.h5"), streamed = path("streamed.h5");
    write_song_set(whole, songs);
    SongSetInfo info;
    info.source = songs.source;
    info.type = songs.type;
    info.bands = 2;
    info.band_names = songs.band_names;
    SongSetWriter writer(streamed, info, 0);  // to be mapped
    for (std::int64_t i = 0; i < songs.songs(); ++i) {
      const SongInfo song{songs.song_id[i], songs.work_id[i], songs.split[i]};
      const auto values = static_cast<std::size_t>(songs.frames(i) * songs.width());
      const void* chroma = songs.chroma_of(i).data;
      if (songs.type == ChromaType::uint8)
        writer.add(song, std::span(static_cast<const std::uint8_t*>(chroma), values));
      else
        writer.add(song, std::span(static_cast<const float*>(chroma), values));
    }
    writer.finish();
    for (const std::string& file : {whole, streamed})
      for (const std::int64_t in_memory : {kChromaInMemory, std::int64_t{0}}) {
        const SongSet found = read_song_set(file, in_memory);
        EXPECT_EQ(found.mapped_chroma != nullptr, in_memory == 0);
        EXPECT_EQ(found.bands, 2);
        EXPECT_EQ(found.band_names, songs.band_names);
        EXPECT_EQ(found.offsets, songs.offsets);
        EXPECT_EQ(values_of(found), values_of(songs));
        EXPECT_EQ(found.chroma_of(3).band(1).at(5, 7),
                  found.chroma().at(found.offsets[3] + 5, 12 + 7));
      }
  }
}

TEST_F(Bands, FilesOfOneBandDoNotSayTheyAre) {
  write_song_set(path("one.h5"), small_set(2, 2, 20));
  write_song_set(path("two.h5"), set);
  for (const auto& [name, says] : {std::pair{"one.h5", false}, {"two.h5", true}}) {
    const hid_t file = H5Fopen(path(name).c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    EXPECT_EQ(H5Aexists(file, "bands") > 0, says) << name;
    EXPECT_EQ(H5Aexists(file, "band_names") > 0, says) << name;
    H5Fclose(file);
  }
  EXPECT_EQ(read_song_set(path("one.h5")).bands, 1);
}

TEST_F(Bands, WrongBandsAreNamed) {
  const auto refused = [&](int bands, std::vector<std::string> names) {
    SongSet wrong = set;
    wrong.bands = bands;
    wrong.band_names = std::move(names);
    return error_of([&] { write_song_set(path("wrong.h5"), wrong); });
  };
  const std::string at = path("wrong.h5") + ": ";
  EXPECT_EQ(refused(9, {}), at + "attribute bands: expected 1 to 8, found 9");
  EXPECT_EQ(refused(2, {"a"}), at + "attribute band_names: expected 2, one a band, found 1");
  EXPECT_EQ(refused(2, {"a", "a"}),
            at + "attribute band_names: expected different names, found 'a' twice");
  EXPECT_EQ(refused(2, {"a", "b,c"}), at + "attribute band_names: expected names of printable "
                                           "characters without a comma, found 'b,c'");
  EXPECT_NE(refused(3, {}).find("/chroma: expected "), std::string::npos) << refused(3, {});

  // A file whose attribute and chroma differ.
  write_song_set(path("wrong.h5"), set);
  for (const std::int64_t bands : {3, 0, 9}) {
    const hid_t file = H5Fopen(path("wrong.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t attribute = H5Aopen(file, "bands", H5P_DEFAULT);
    H5Awrite(attribute, H5T_NATIVE_INT64, &bands);
    H5Aclose(attribute);
    H5Fclose(file);
    const std::string found = error_of([&] { read_song_set(path("wrong.h5")); });
    EXPECT_NE(found.find(bands == 3 ? "/chroma" : "attribute bands: expected 1 to 8, found"),
              std::string::npos)
        << found;
  }
}

TEST_F(Bands, SetsOfOtherBandsAreNotJoined) {
  SongSet other = set;
  for (std::string& id : other.song_id) id += "-other";
  other.path = "other";
  other.band_names = {"bass", "treble"};
  EXPECT_EQ(error_of([&] {
              join_song_sets({set, other});
            }),
            "other: expected songs of 2 bands (treble, bass) as those of small set, found 2 bands "
            "(bass, treble)");
  other = with_bands(small_set(2, 2, 20), 3);
  for (std::string& id : other.song_id) id += "-other";
  EXPECT_EQ(error_of([&] {
              join_song_sets({set, other});
            }),
            "small set: expected songs of 2 bands (treble, bass) as those of small set, found 3 "
            "bands");
  other = as_bytes(set);
  for (std::string& id : other.song_id) id += "-other";
  other.band_names.clear();
  const SongSet both = join_song_sets({other, set});
  EXPECT_EQ(both.band_names, set.band_names);
  EXPECT_EQ(both.frames(), 2 * set.frames());
  EXPECT_EQ(both.chroma_float.size(), 2 * set.chroma_float.size());
  EXPECT_NEAR(both.chroma().at(7, 20), set.chroma().at(7, 20), 1 / 510.0 + 1e-6);
}

TEST(BandsConfig, OneBandKeepsItsNameAndText) {
  const Config one = Config::of_preset("reprise");
  EXPECT_EQ(one.hash(), "04bc7210d34aece0");  // as before there were bands
  EXPECT_EQ(one.to_json().find("bands"), std::string::npos);
  Config two = one;
  two.set("bands", "2");
  EXPECT_NE(two.hash(), one.hash());
  EXPECT_EQ(Config::from_json(two.to_json(), "here"), two);
  EXPECT_EQ(Config::from_json(one.to_json(), "here"), one);
  two.set("feature", "melody");
  EXPECT_EQ(error_of([&] { two.validate(); }),
            "feature: expected chroma with 2 bands, found melody");
  two.set("bands", "9");
  EXPECT_EQ(error_of([&] { two.validate(); }), "bands: expected 1 to 8, found 9");
}

TEST_F(Bands, TheKeyIsThatOfTheirSum) {
  const ChromaView song = set.chroma_of(4);
  std::vector<float> sum;
  for (std::int64_t t = 0; t < song.frames; ++t)
    for (int c = 0; c < 12; ++c) sum.push_back(song.at(t, c) + song.at(t, 12 + c));
  const PitchHistogram both = pitch_histogram(set, 4);
  const PitchHistogram summed =
      pitch_histogram(ChromaView{sum.data(), ChromaType::float32, song.frames});
  for (int c = 0; c < 12; ++c) EXPECT_NEAR(both[c], summed[c], 1e-6);
}

TEST_F(Bands, QmaxAndComparisonsSeeTheWholeFrame) {
  // Two bands alike: all distances are doubled, so the same states are the nearest.
  const std::vector<float> one = random_chroma(130, 3);
  std::vector<float> twice;
  for (std::size_t t = 0; t < 130; ++t)
    for (int b = 0; b < 2; ++b)
      twice.insert(twice.end(), one.begin() + t * 12, one.begin() + (t + 1) * 12);
  const ChromaView single{one.data(), ChromaType::float32, 130};
  const ChromaView both{twice.data(), ChromaType::float32, 130, 2, 24};
  const float expected = qmax(single, {0, 60, 3}, single, {20, 70, 0});
  EXPECT_GT(expected, 0);
  EXPECT_EQ(qmax(both, {0, 60, 3}, both, {20, 70, 0}), expected);
  EXPECT_THROW(qmax(both, {0, 60, 3}, single, {20, 70, 0}), Error);

  const ChromaView songs = set.chroma();
  const Excerpt a{set.offsets[0], 40, 4}, b{set.offsets[1], 30, 0};
  const AlignmentParams params;
  const SongAlignment alignment = align_songs(songs, a, songs, b, params, 1);
  const oracle::RowScores truth = oracle::row_scores(oracle::alignment_frames(songs, a),
                                                     oracle::alignment_frames(songs, b), 24);
  for (std::size_t i = 0; i < truth.z.size(); ++i)
    ASSERT_NEAR(alignment.scores[i], std::min(3.0, truth.z[i] - double{params.offset}), 2e-4) << i;
  EXPECT_THROW(align_songs(songs, a, single, {0, 30, 0}, params, 1), Error);
}

TEST_F(Bands, FromTrainingToTheSecondStage) {
  const Model model = trained(config("reprise"), set);
  EXPECT_EQ(model.config.bands, 2);
  EXPECT_EQ(model.band_names, set.band_names);
  EXPECT_EQ(weight_tensors(model.config)[0].shape, (std::vector<std::int64_t>{24, 4, 24}));

  const auto backend = make_cpu_backend(2);
  ModelFingerprinter method(*backend, model, "model");
  const Protocol protocol = make_protocol(set, "test");
  EXPECT_GT(evaluate(*backend, set, protocol, method).accuracy.map, 0.3);

  // Transposed within its bands, a song has the same fingerprint in its canonical key.
  SongSet higher = set;
  for (std::size_t i = 0; i < set.chroma_float.size(); ++i)
    higher.chroma_float[i / 12 * 12 + (i + 5) % 12] = set.chroma_float[i];
  const std::vector<std::int64_t> some{0, 7};
  const std::vector<float> here = method.compute(set, some, Keys::candidate).values;
  const std::vector<float> there = method.compute(higher, some, Keys::candidate).values;
  for (std::size_t i = 0; i < here.size(); ++i) ASSERT_NEAR(here[i], there[i], 1e-4) << i;

  const std::string file = path("c.reprise");
  Catalogue::create(file, path("m.safetensors"));
  std::vector<std::int64_t> all(set.songs());
  std::iota(all.begin(), all.end(), 0);
  Catalogue(file, Catalogue::Mode::write)
      .add(set, method.compute(set, all, Keys::candidate), false);
  EXPECT_EQ(verify_catalogue(file), std::vector<std::string>{});
  const Catalogue catalogue(file);
  const auto songs = catalogue.songs();
  const SongSet kept = catalogue.song_set(songs);
  EXPECT_EQ(kept.bands, 2);
  EXPECT_EQ(kept.band_names, set.band_names);
  const std::vector<float> expected = values_of(set), found = values_of(kept);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    ASSERT_NEAR(found[i], expected[i], 0.51 / 255) << i;

  // A song is looked up four semitones higher: itself comes first, in both stages.
  const std::vector<std::int64_t> asked{10};
  SongSet query = set;
  for (std::size_t i = 0; i < set.chroma_float.size(); ++i)
    query.chroma_float[i / 12 * 12 + (i + 4) % 12] = set.chroma_float[i];
  const Index index(*backend, catalogue.fingerprints(songs));
  auto matches = index.search(method.compute(query, asked, Keys::query), 10);
  EXPECT_EQ(matches[0][0].candidate, 10);
  EXPECT_EQ(matches[0][0].transposition, 8);
  for (const Aligner aligner : {Aligner::row_z, Aligner::row_z_half, Aligner::qmax}) {
    auto ranked = matches;
    const ScoreCalibration by_alignment{
        {{0, 1, 0, 0, 2}, {0, 1, 0, 0, 2}, {0, 1, 0, 0, 2}}, {1, 0}, {}, {}};
    rerank(*backend, query, asked, kept, all, by_alignment, {10, aligner}, ranked);
    EXPECT_EQ(ranked[0][0].candidate, 10) << name_of(aligner);
    EXPECT_GT(ranked[0][0].alignment, 20) << name_of(aligner);
  }

  // Songs of other bands are refused by name.
  const SongSet one = small_set(2, 2, 30);
  EXPECT_EQ(error_of([&] { method.compute(one, some, Keys::candidate); }),
            "small set: expected songs of 2 bands (treble, bass) as model has, found 1 band");
  const Fingerprints none{one.songs(), 1, model.dims(),
                          std::vector<float>(one.songs() * model.dims()),
                          std::vector<std::int32_t>(one.songs())};
  EXPECT_EQ(error_of([&] { Catalogue(file, Catalogue::Mode::write).add(one, none, false); }),
            "small set: expected songs of 2 bands (treble, bass) as m.safetensors has, found 1 "
            "band");
}

TEST_F(Bands, EveryPresetAndNetworksTrain) {
  Config network = config("seed2016");
  network.set("layer_filters", "8");
  network.set("layer_frames", "3");
  network.set("pools", "2,2");
  Config tied = config("plain");
  tied.set("tie_rotations", "true");
  for (Config c : {config("recipe-a"), config("seed2016"), network, tied}) {
    c.steps = c.validate_every = 3;
    const Model model = trained(c, as_bytes(set));
    const auto backend = make_cpu_backend(1);
    ModelFingerprinter method(*backend, model, "model");
    const std::vector<std::int64_t> some{0, 1};
    for (const float value : method.compute(set, some, Keys::query).values)
      ASSERT_TRUE(std::isfinite(value));
    if (!c.tie_rotations) continue;
    // Filter r is filter 0 rolled up by r in each band.
    for (int r = 0; r < 12; ++r)
      for (int b = 0; b < 2; ++b)
        for (int column = 0; column < 12; ++column)
          EXPECT_NEAR(model.weights[r * 24 + 12 * b + (column + r) % 12],
                      model.weights[12 * b + column], 1e-5);
  }
}

TEST_F(Bands, TrainingNeedsTheSetsBands) {
  Config c = config("reprise");
  c.bands = 3;
  EXPECT_EQ(error_of([&] { trained(c, set); }),
            "small set: expected songs of 3 bands as the parameter bands says, found 2 bands "
            "(treble, bass)");
}

TEST_F(Bands, PublishedFingerprints) {
  const auto backend = make_cpu_backend(1);
  std::vector<std::int64_t> some{0, 5};
  // Each band of 2DFTM by itself.
  const auto ftm = make_fingerprinter("2dftm", *backend, set, {});
  EXPECT_EQ(ftm->dims(), 2 * 900);
  const Fingerprints f = ftm->compute(set, some, Keys::candidate);
  EXPECT_EQ(f.values.size(), 2u * 2 * 900);
  EXPECT_EQ(make_fingerprinter("2dftm-pca", *backend, set, {{"components", "5"}})->dims(), 5);
  // What is defined on 12 pitch classes declines.
  for (const std::string name : {"landmarks", "bihistogram"})
    EXPECT_EQ(
        error_of([&] {
          make_fingerprinter(name, *backend, set, {})->compute(set, some, Keys::candidate);
        }),
        "small set: expected songs of 1 band as " + name + " has, found 2 bands (treble, bass)");
  // A formula of wider kernels: the correlation of pitch class 0 of band 0 with that of band 1.
  const Model wide = parse_definition(R"({"config": {"bands": 2, "pairs": "cross"}, "kernels": [
      [[1,0,0,0,0,0,0,0,0,0,0,0, 0,0,0,0,0,0,0,0,0,0,0,0]],
      [[0,0,0,0,0,0,0,0,0,0,0,0, 1,0,0,0,0,0,0,0,0,0,0,0]]]})",
                                      "wide.json");
  const Fingerprints w =
      ModelFingerprinter(*backend, wide, "wide").compute(set, some, Keys::candidate);
  std::vector<double> products(144, 0);
  double square = 0;
  const ChromaView song = set.chroma_of(5);
  for (std::int64_t t = 0; t < song.frames; ++t)
    for (int i = 0; i < 12; ++i)
      for (int j = 0; j < 12; ++j)
        products[i * 12 + j] += double{song.at(t, i)} * double{song.at(t, 12 + j)};
  for (const double product : products) square += product * product;
  ASSERT_EQ(w.dims, 144);
  for (int i = 0; i < 144; ++i)
    EXPECT_NEAR(w.values[144 + i], products[i] / std::sqrt(square), 1e-5) << i;
}

}  // namespace
}  // namespace reprise
