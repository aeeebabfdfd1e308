// The library's search as its user: a catalogue or a set, queries of every kind.

#include "reprise/searcher.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "catalogue_fixture.h"
#include "forwarding_backend.h"
#include "reprise/comparison.h"
#include "reprise/exports.h"
#include "reprise/groups.h"

namespace reprise {
namespace {

/// A catalogue of the small set, whose model is calibrated by hand: probabilities follow the
/// cosine.
class SearcherTest : public CatalogueTest {
 protected:
  SearcherTest() {
    model.probability_weights = {20, 15};
    model.rerank_weights = model.rerank_half_weights = {20, 1, 0, 0, 15};
    model.alignment = alignment_definition();
  }
  void SetUp() override {
    CatalogueTest::SetUp();
    set.path = path("set.h5");
    write_song_set(set.path, set);
    Catalogue(catalogue, Catalogue::Mode::write).add(*backend, set);
  }

  /// Bytes that reach 255 in every song: a catalogue keeps these as they are.
  static SongSet in_bytes(SongSet set) {
    for (std::int64_t song = 0; song < set.songs(); ++song) {
      const auto first = set.chroma_float.begin() + set.offsets[song] * set.width();
      const auto last = set.chroma_float.begin() + set.offsets[song + 1] * set.width();
      const float peak = *std::max_element(first, last);
      std::transform(first, last, std::back_inserter(set.chroma_uint8),
                     [&](float value) { return chroma_byte(value / peak); });
    }
    set.chroma_float.clear();
    set.type = ChromaType::uint8;
    return set;
  }

  std::unique_ptr<Backend> backend = make_cpu_backend(2);
  SongSet set = in_bytes(small_set(6, 2));
};

std::vector<std::string> ids_of(const QueryResult& result) {
  std::vector<std::string> ids;
  for (const FoundSong& song : result.found) ids.push_back(song.song_id);
  return ids;
}

// Against a plain loop over the fingerprints.
TEST_F(SearcherTest, FindsWhatIsNearest) {
  Searcher searcher(*backend, catalogue);
  EXPECT_EQ(searcher.path(), catalogue);
  EXPECT_EQ(searcher.songs().size(), static_cast<std::size_t>(set.songs()));
  const std::vector<QueryResult> results = searcher.find(set, {.top = 4});
  ASSERT_EQ(results.size(), static_cast<std::size_t>(set.songs()));
  ModelFingerprinter method(*backend, model, "model");
  std::vector<std::int64_t> all(static_cast<std::size_t>(set.songs()));
  std::iota(all.begin(), all.end(), 0);
  const Fingerprints candidates = method.compute(set, all, Keys::candidate);
  const Fingerprints queries = method.compute(set, all, Keys::query);
  const auto norm = [&](const float* x) {
    double sum = 0;
    for (int d = 0; d < queries.dims; ++d) sum += double{x[d]} * double{x[d]};
    return std::sqrt(sum);
  };
  for (std::int64_t q = 0; q < set.songs(); ++q) {
    std::vector<double> scores;
    for (std::int64_t c = 0; c < set.songs(); ++c) {
      double best = -2;
      for (int key = 0; key < queries.keys; ++key) {
        const float* x = queries.values.data() + (q * queries.keys + key) * queries.dims;
        const float* y = candidates.values.data() + c * queries.dims;
        double dot = 0;
        for (int d = 0; d < queries.dims; ++d) dot += double{x[d]} * double{y[d]};
        best = std::max(best, dot / norm(x) / norm(y));
      }
      scores.push_back(best);
    }
    std::vector<std::int64_t> order = all;
    std::stable_sort(order.begin(), order.end(),
                     [&](auto a, auto b) { return scores[a] > scores[b]; });
    EXPECT_EQ(results[q].song_id, set.song_id[q]);
    ASSERT_EQ(results[q].found.size(), 4u);
    for (int i = 0; i < 4; ++i) {
      const FoundSong& found = results[q].found[i];
      EXPECT_NEAR(found.score, scores[order[i]], 1e-5);
      EXPECT_EQ(found.title, set.title[found.number]);
      EXPECT_EQ(found.work_id, set.work_id[found.number]);
      EXPECT_EQ(found.artist, set.artist[found.number]);
      ASSERT_TRUE(found.probability);
      EXPECT_NEAR(*found.probability, 1 / (1 + std::exp(15 - 20 * double{found.score})), 1e-9);
    }
  }
}

TEST_F(SearcherTest, QueriesComeAsFilesSetsOrIds) {
  Searcher searcher(*backend, catalogue);
  const std::vector<std::string> ids{"test-w0-0", "noise-3"};
  const SearchOptions one{.top = 1};
  const auto from_set = searcher.find(set, one), from_file = searcher.find_files({set.path}, one);
  ASSERT_EQ(from_set.size(), from_file.size());
  for (std::size_t q = 0; q < from_set.size(); ++q) {
    EXPECT_EQ(from_set[q].found[0].song_id, set.song_id[q]) << "a song of another set finds itself";
    EXPECT_EQ(from_file[q].found[0].score, from_set[q].found[0].score);
  }
  for (const QueryResult& own : searcher.find_ids(ids)) {
    const std::vector<std::string> found = ids_of(own);
    EXPECT_EQ(found.size(), 10u);
    EXPECT_EQ(std::count(found.begin(), found.end(), own.song_id), 0) << "not among its own";
  }
  EXPECT_NE(error_of([&] { searcher.find_ids(std::vector<std::string>{"none"}); }).find("'none'"),
            std::string::npos);
}

// A set answers as the catalogue made of it, in both stages.
TEST_F(SearcherTest, SetsAnswerAsCatalogues) {
  Searcher of_catalogue(*backend, catalogue);
  Searcher of_set(*backend, set, model, "m");
  const std::vector<std::string> ids{"test-w1-0", "train-w2-1"};
  for (const int k : {0, 12}) {
    const SearchOptions options{.top = 5, .rerank = {.k = k}};
    const auto a = of_catalogue.find_ids(ids, options), b = of_set.find_ids(ids, options);
    for (std::size_t q = 0; q < ids.size(); ++q) {
      EXPECT_EQ(ids_of(a[q]), ids_of(b[q]));
      for (std::size_t i = 0; i < a[q].found.size(); ++i) {
        EXPECT_EQ(a[q].found[i].score, b[q].found[i].score);
        EXPECT_EQ(a[q].found[i].alignment, b[q].found[i].alignment);
        EXPECT_EQ(a[q].found[i].alignment > 0, k > 0);
      }
    }
  }
  EXPECT_NE(error_of([&] { Searcher(*backend, set.path); }).find("expected a model"),
            std::string::npos);
}

// A back end with memory of its own reads copies of the songs.
TEST_F(SearcherTest, MemoryOfADeviceGivesTheSame) {
  ForwardingBackend device(1);
  ASSERT_FALSE(device.host_memory());
  ASSERT_TRUE(backend->host_memory());
  Searcher on_host(*backend, set, model, "m"), on_device(device, set, model, "m");
  for (const Aligner aligner : {Aligner::row_z, Aligner::row_z_half}) {
    const SearchOptions options{.top = 5, .rerank = {6, aligner}};
    const auto a = on_host.find(set, options), b = on_device.find(set, options);
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t q = 0; q < a.size(); ++q) {
      EXPECT_EQ(ids_of(a[q]), ids_of(b[q]));
      for (std::size_t i = 0; i < a[q].found.size(); ++i)
        EXPECT_EQ(a[q].found[i].alignment, b[q].found[i].alignment);
    }
  }
}

TEST_F(SearcherTest, ConditionsAndScoresLeaveOut) {
  SearcherOptions options;
  options.where = {parse_condition("work_id=test-w1"), parse_condition("artist~W1-0")};
  Searcher searcher(*backend, catalogue, "", options);
  ASSERT_EQ(searcher.songs().size(), 1u);
  EXPECT_EQ(ids_of(searcher.find_ids(std::vector<std::string>{"noise-0"})[0]),
            std::vector<std::string>{"test-w1-0"});
  EXPECT_TRUE(
      searcher.find_ids(std::vector<std::string>{"noise-0"}, {.min_score = 1})[0].found.empty());
  EXPECT_THROW(parse_condition("year=1850"), SettingsError);
  EXPECT_THROW(parse_condition("title"), SettingsError);
}

// More are aligned than are kept, and fewer.
TEST_F(SearcherTest, ProbabilitiesAreOfTheStageThatSaidThem) {
  Model first_only = model;
  first_only.probability_weights.clear();
  Searcher searcher(*backend, set, first_only, "m");
  EXPECT_FALSE(searcher.gives_probabilities());
  const auto found =
      searcher.find_ids(std::vector<std::string>{"test-w0-0"}, {.top = 5, .rerank = {.k = 2}})[0]
          .found;
  ASSERT_EQ(found.size(), 5u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(found[i].probability.has_value(), i < 2);
  const auto json = nlohmann::json::parse(
      query_json(searcher.find_ids(std::vector<std::string>{"test-w0-0"})[0]));
  EXPECT_EQ(json["query"], "test-w0-0");
  EXPECT_EQ(json["matches"].size(), 10u);
  EXPECT_TRUE(json["matches"][0]["probability"].is_null());
  first_only.rerank_weights.clear();
  Searcher neither(*backend, set, first_only, "m");
  EXPECT_THROW(neither.check({.k = 2}), Error);
}

TEST_F(SearcherTest, ChromaMadeOtherwiseIsRefused) {
  SongSet other = set;
  other.chroma_source = "another";
  Model made = model;
  made.chroma_source = "this";
  Searcher searcher(*backend, set, made, "m");
  EXPECT_NE(error_of([&] { searcher.find(other); }).find("another"), std::string::npos);
  SearcherOptions any;
  any.any_chroma = true;
  EXPECT_EQ(Searcher(*backend, other, made, "m", any).find(other).size(),
            static_cast<std::size_t>(set.songs()));
}

TEST_F(SearcherTest, GroupsAreWorks) {
  Searcher searcher(*backend, catalogue);
  std::int64_t shown = 0;
  const Observer observer{[&](std::int64_t done, std::int64_t, std::string_view) { shown = done; },
                          {}};
  const Groups groups = find_groups(searcher, {.min_score = 0.999}, observer);
  EXPECT_EQ(shown, set.songs());
  ASSERT_EQ(groups.songs.size(), static_cast<std::size_t>(set.songs()));
  std::int64_t last = 0;
  for (const GroupedSong& song : groups.songs) {
    EXPECT_GE(song.group, last);
    last = song.group;
    EXPECT_EQ(song.closest.empty(), !song.probability);
  }
  EXPECT_EQ(groups.all().size(), static_cast<std::size_t>(last) + 1);
  const std::string csv = groups_csv(groups.songs);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), set.songs() + 1);
  EXPECT_NE(groups_page("Works", groups).find("similarity of at least 0.999"), std::string::npos);
  EXPECT_THROW(find_groups(searcher, {}), SettingsError);
}

TEST_F(SearcherTest, ComparesTwoSongs) {
  const std::int64_t two[] = {set.find("test-w0-0"), set.find("test-w0-1")};
  const Comparison c = compare_songs(*backend, model, "m", set.select(two));
  EXPECT_EQ(c.second.song_id, "test-w0-1");
  Searcher searcher(*backend, set, model, "m");
  const auto found =
      searcher.find_ids(std::vector<std::string>{"test-w0-0"}, {.top = 99, .rerank = {.k = 99}})[0]
          .found;
  const auto same = std::find_if(found.begin(), found.end(),
                                 [](const FoundSong& f) { return f.song_id == "test-w0-1"; });
  ASSERT_NE(same, found.end());
  EXPECT_NEAR(c.second.score, same->score, 1e-6);
  EXPECT_EQ(c.second.alignment, same->alignment);
  const auto json = nlohmann::json::parse(comparison_json(c));
  EXPECT_EQ(json["a"], "test-w0-0");
  EXPECT_EQ(json["cover"], c.cover());
  EXPECT_NE(comparison_svg(c).find("</svg>"), std::string::npos);
  EXPECT_THROW(compare_songs(*backend, model, "m", set), Error);
}

TEST_F(SearcherTest, ExportsNameTheirSongs) {
  const Catalogue from(catalogue);
  EXPECT_EQ(export_npy(from, path("f.npy")), path("f.ids.txt"));
  const std::string ids = read(path("f.ids.txt"));
  EXPECT_EQ(ids.substr(0, ids.find('\n')), set.song_id[0]);
  export_faiss(from, path("f.faiss"));
  EXPECT_EQ(std::filesystem::file_size(path("f.faiss")),
            45u + static_cast<std::size_t>(set.songs() * from.model().dims()) * sizeof(float));
  export_mirex(from, *backend, path("d.txt"));
  const std::string matrix = read(path("d.txt"));
  EXPECT_EQ(std::count(matrix.begin(), matrix.end(), '\n'), 2 + 2 * set.songs());
}

}  // namespace
}  // namespace reprise
