// What a catalogue keeps, and what it refuses to take.

#include "reprise/catalogue.h"

#include <gtest/gtest.h>

#include <cmath>

#include "catalogue_fixture.h"
#include "core/checksum.h"
#include "index/catalogue_schema.h"
#include "reprise/error.h"
#include "reprise/index.h"

namespace reprise {
namespace {

std::vector<std::string> ids_of(const Catalogue& catalogue) {
  std::vector<std::string> ids;
  for (const CatalogueSong& song : catalogue.songs()) ids.push_back(song.song_id);
  return ids;
}

using Catalogues = CatalogueTest;

TEST_F(Catalogues, KeepWhatIsAdded) {
  SongSet set = small_set(3, 2);
  set.frames_per_second = 4.5;
  const Fingerprints fingerprints = candidates_of(model, set);
  add(set);
  const Catalogue reader(catalogue);
  EXPECT_EQ(reader.size(), set.songs());
  EXPECT_EQ(reader.identity().name, "m.safetensors");
  EXPECT_EQ(reader.model().weights, model.weights);
  EXPECT_EQ(reader.model().config, model.config);
  const auto songs = reader.songs();
  ASSERT_EQ(static_cast<std::int64_t>(songs.size()), set.songs());
  for (std::int64_t i = 0; i < set.songs(); ++i) {
    EXPECT_EQ(songs[i].song_id, set.song_id[i]);
    EXPECT_EQ(songs[i].work_id, set.work_id[i]);
    EXPECT_EQ(songs[i].title, set.title[i]);
    EXPECT_EQ(songs[i].artist, set.artist[i]);
    EXPECT_EQ(songs[i].frames, set.frames(i));
    EXPECT_EQ(songs[i].frames_per_second, 4.5);
  }
  EXPECT_EQ(reader.song_set(songs).frames_per_second, 4.5);
  const Fingerprints exact = reader.fingerprints(reader.songs());
  EXPECT_EQ(exact.values, fingerprints.values);
  EXPECT_EQ(exact.rolls, fingerprints.rolls);
  EXPECT_EQ(exact.keys, 1);
}

// A code is the nearest of 255 steps between plus and minus the largest magnitude.
TEST_F(Catalogues, CompactVectorsAreWithinHalfAStep) {
  const SongSet set = small_set(3, 2);
  add(set);
  const Fingerprints exact = candidates_of(model, set);
  const Catalogue reader(catalogue);
  const Fingerprints compact = reader.fingerprints(reader.songs(), StoredCopy::compact);
  EXPECT_EQ(compact.rolls, exact.rolls);
  for (std::int64_t song = 0; song < exact.songs; ++song) {
    const auto vector = std::span(exact.values).subspan(song * exact.dims, exact.dims);
    float largest = 0;
    for (const float value : vector) largest = std::max(largest, std::abs(value));
    for (int d = 0; d < exact.dims; ++d)
      EXPECT_NEAR(compact.values[song * exact.dims + d], vector[d], largest / 127 * 0.5001);
  }
}

// Chroma above 1, of silence and of one frame: each song has its own scale.
TEST_F(Catalogues, ChromaIsWithinHalfAStepOfItsPeak) {
  SongSet set = small_set(2, 2);
  for (std::int64_t i = 0; i < set.offsets[1] * kPitchClasses; ++i) set.chroma_float[i] *= 40;
  for (std::int64_t i = set.offsets[1] * kPitchClasses; i < set.offsets[2] * kPitchClasses; ++i)
    set.chroma_float[i] = 0;
  add(set);
  const Catalogue reader(catalogue);
  const auto songs = reader.songs();
  const SongSet back = reader.song_set(songs);
  EXPECT_EQ(back.song_id, set.song_id);
  ASSERT_EQ(back.offsets, set.offsets);
  for (std::int64_t song = 0; song < set.songs(); ++song) {
    float peak = 0;
    for (std::int64_t i = set.offsets[song] * 12; i < set.offsets[song + 1] * 12; ++i)
      peak = std::max(peak, set.chroma_float[i]);
    for (std::int64_t i = set.offsets[song] * 12; i < set.offsets[song + 1] * 12; ++i)
      ASSERT_NEAR(back.chroma_float[i], set.chroma_float[i], peak / 255 * 0.5001);
  }
  const auto last = std::span(songs).last(1);
  EXPECT_EQ(reader.song_set(last).frames(), last[0].frames);
}

// Half a step of 254 between plus and minus the largest magnitude over a song's keys.
TEST_F(Catalogues, WithoutChromaKeepWhatSongsAreLookedUpBy) {
  const SongSet set = small_set(2, 2);
  const auto backend = make_cpu_backend(1);
  ModelFingerprinter method(*backend, model, "m");
  std::vector<std::int64_t> all(set.songs());
  std::iota(all.begin(), all.end(), 0);
  const Fingerprints fingerprints = candidates_of(model, set);
  const Fingerprints queries = method.compute(set, all, Keys::query);
  const std::string bare = path("bare.reprise");
  Catalogue::create(bare, path("m.safetensors"), false);
  {
    Catalogue writer(bare, Catalogue::Mode::write);
    EXPECT_FALSE(writer.keeps_chroma());
    EXPECT_NE(error_of([&] { writer.add(set, fingerprints, false); }), "");
    writer.add(set, fingerprints, false, {}, queries);
    writer.add(set, fingerprints, true, {}, queries);
    const std::string gone[] = {set.song_id[0]};
    writer.remove(gone);
  }
  EXPECT_EQ(verify_catalogue(bare), std::vector<std::string>{});
  const Catalogue reader(bare);
  const auto songs = reader.songs();
  ASSERT_EQ(std::int64_t(songs.size()), set.songs() - 1);
  EXPECT_NE(error_of([&] { reader.song_set(songs); }).find("made without it"), std::string::npos);
  const Fingerprints kept = reader.queries(songs, method);
  ASSERT_EQ(kept.keys, queries.keys);
  EXPECT_TRUE(std::equal(kept.rolls.begin(), kept.rolls.end(), queries.rolls.begin() + kept.keys));
  const std::int64_t row = std::int64_t{queries.keys} * queries.dims;
  for (std::int64_t song = 1; song < set.songs(); ++song) {
    const auto exact = std::span(queries.values).subspan(song * row, row);
    float largest = 0;
    for (const float value : exact) largest = std::max(largest, std::abs(value));
    for (std::int64_t i = 0; i < row; ++i)
      EXPECT_NEAR(kept.values[(song - 1) * row + i], exact[i], largest / 127 * 0.5001);
  }
}

// A catalogue as version 1 left it: the steps after it undone by hand.
TEST_F(Catalogues, OfVersionOneAreBroughtUpToDate) {
  add(small_set(2, 2));
  const CatalogueContents before = contents_of(catalogue);
  {
    Database database(catalogue, Database::Mode::write, 1);
    database.run(
        "ALTER TABLE songs DROP COLUMN frames_per_second; ALTER TABLE model DROP COLUMN chroma; "
        "DROP TABLE queries; PRAGMA user_version = 1");
  }
  EXPECT_EQ(contents_of(catalogue), before);
  EXPECT_TRUE(Catalogue(catalogue).keeps_chroma());
  EXPECT_EQ(verify_catalogue(catalogue), std::vector<std::string>{});
  EXPECT_EQ(Database(catalogue, Database::Mode::read, 1).integer("PRAGMA user_version"), 3);
}

TEST_F(Catalogues, FindASongInAnotherKey) {
  const SongSet set = small_set(5, 2);
  add(set);
  const auto backend = make_cpu_backend(1);
  ModelFingerprinter method(*backend, model, "m");
  const Catalogue reader(catalogue);
  const Index index(*backend, reader.fingerprints(reader.songs()));
  SongSet raised = set;
  for (std::int64_t t = 0; t < set.frames(); ++t)
    for (int c = 0; c < 12; ++c)
      raised.chroma_float[t * 12 + (c + 5) % 12] = set.chroma_float[t * 12 + c];
  const std::int64_t song[] = {7};
  const auto matches = index.search(method.compute(raised, song, Keys::query), 1);
  EXPECT_EQ(matches[0][0].candidate, 7);
  EXPECT_EQ(matches[0][0].transposition, 7);
}

TEST_F(Catalogues, RefuseASongTwiceUnlessItIsReplaced) {
  const SongSet set = small_set(2, 2);
  add(set);
  const CatalogueContents before = contents_of(catalogue);
  const std::string message = error_of([&] { add(set); });
  EXPECT_NE(message.find(set.song_id[0]), std::string::npos) << message;
  EXPECT_NE(message.find("in it already"), std::string::npos) << message;
  EXPECT_EQ(contents_of(catalogue), before);

  SongSet changed = set;
  changed.title.assign(changed.title.size(), "Another title");
  for (float& value : changed.chroma_float) value *= value;
  add(changed, true);
  const Catalogue reader(catalogue);
  EXPECT_EQ(ids_of(reader), set.song_id);  // in their old places
  EXPECT_EQ(reader.songs()[3].title, "Another title");
  EXPECT_EQ(reader.fingerprints(reader.songs()).values, candidates_of(model, changed).values);
  EXPECT_TRUE(verify_catalogue(catalogue).empty());
}

TEST_F(Catalogues, RemoveAllNamedOrNone) {
  const SongSet set = small_set(2, 2);
  add(set);
  Catalogue writer(catalogue, Catalogue::Mode::write);
  const std::vector<std::string> some{set.song_id[1], set.song_id[4], set.song_id[1]};
  const std::vector<std::string> unknown{set.song_id[2], "nobody"};
  EXPECT_NE(error_of([&] { writer.remove(unknown); }).find("has no song 'nobody'"),
            std::string::npos);
  EXPECT_EQ(writer.size(), set.songs());
  writer.remove(some);
  auto left = set.song_id;
  left.erase(left.begin() + 4);
  left.erase(left.begin() + 1);
  EXPECT_EQ(ids_of(writer), left);
  EXPECT_EQ(writer.fingerprints(writer.songs()).songs, set.songs() - 2);
  EXPECT_NE(error_of([&] { writer.song(set.song_id[4]); }), "");
  EXPECT_TRUE(verify_catalogue(catalogue).empty());
  add(set, true);
  EXPECT_EQ(Catalogue(catalogue).size(), set.songs());
  EXPECT_TRUE(verify_catalogue(catalogue).empty());
}

TEST_F(Catalogues, KeepTextsOfAnyKind) {
  SongSet set = small_set(1, 1);
  set.song_id[0] = "';DROP TABLE songs;--";
  set.title[0] = "Ça\tira\n\xf0\x9f\x8e\xb5";
  set.artist[0] = "";
  set.work_id[0] = std::string(100'000, 'w');
  add(set);
  const CatalogueSong song = Catalogue(catalogue).song(set.song_id[0]);
  EXPECT_EQ(song.title, set.title[0]);
  EXPECT_EQ(song.artist, "");
  EXPECT_EQ(song.work_id, set.work_id[0]);
  EXPECT_TRUE(verify_catalogue(catalogue).empty());
}

TEST_F(Catalogues, RefuseAnotherModelWithBothNamesAndHashes) {
  const ModelIdentity other = ModelIdentity::of(random_model(2), "folder/other.safetensors");
  const Catalogue reader(catalogue);
  const std::string message = error_of([&] { reader.check_model(other); });
  for (const std::string& part :
       {std::string("'m.safetensors'"), std::string("'other.safetensors'"),
        reader.identity().config, reader.identity().weights, other.weights})
    EXPECT_NE(message.find(part), std::string::npos) << part << "\n" << message;
  EXPECT_EQ(error_of([&] { reader.check_model(ModelIdentity::of(model, "renamed")); }), "");
}

TEST_F(Catalogues, RefuseFingerprintsOfAnotherShapeOrNotFinite) {
  const SongSet set = small_set(1, 2);
  Catalogue writer(catalogue, Catalogue::Mode::write);
  Fingerprints wrong = candidates_of(model, set);
  wrong.values[5] = std::nanf("");
  EXPECT_NE(error_of([&] { writer.add(set, wrong, false); }).find("finite"), std::string::npos);
  wrong.dims = 1;
  EXPECT_NE(error_of([&] { writer.add(set, wrong, false); }).find("of 32 values"),
            std::string::npos);
  EXPECT_EQ(writer.size(), 0);
}

TEST_F(Catalogues, AreNotMadeOverOtherFiles) {
  const std::string message =
      error_of([&] { Catalogue::create(catalogue, path("m.safetensors")); });
  EXPECT_NE(message.find("c.reprise: expected a new file"), std::string::npos) << message;
  write(path("d.reprise-wal"), "log of a catalogue that was moved away");
  EXPECT_NE(error_of([&] {
              Catalogue::create(path("d.reprise"), path("m.safetensors"));
            }).find("d.reprise-wal"),
            std::string::npos);
  EXPECT_NE(error_of([&] { Catalogue::create(path("e.reprise"), catalogue); }), "");
  EXPECT_FALSE(std::filesystem::exists(path("e.reprise")));
}

TEST(CatalogueSchema, MigratesThroughEveryVersionOnce) {
  Database database(Database::kInMemory, Database::Mode::create, 0);
  const char* steps[] = {"CREATE TABLE a(x); INSERT INTO a VALUES(7)",
                         "ALTER TABLE a ADD COLUMN y DEFAULT 8"};
  migrate(database, std::span(steps, 1));
  EXPECT_EQ(database.integer("PRAGMA user_version"), 1);
  migrate(database, steps);
  migrate(database, steps);
  EXPECT_EQ(database.integer("PRAGMA user_version"), 2);
  EXPECT_EQ(database.integer("SELECT sum(x * 10 + y) FROM a"), 78);
  const char* failing[] = {steps[0], steps[1], "CREATE TABLE b(x)", "CREATE TABLE b(x)"};
  EXPECT_THROW(migrate(database, failing), Error);
  EXPECT_EQ(database.integer("PRAGMA user_version"), 2);
  EXPECT_EQ(database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'b'"), 0);
}

// Every change within eight bytes that enter together is seen, wherever it is.
TEST(Checksum, SeesEveryFlippedBit) {
  std::vector<std::uint8_t> bytes(37);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{200});
  const auto sum = [&] { return Checksum().add(bytes).value(); };
  const std::uint64_t right = sum();
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= std::uint8_t(1u << bit % 8);
    EXPECT_NE(sum(), right) << bit;
    bytes[bit / 8] ^= std::uint8_t(1u << bit % 8);
  }
  EXPECT_EQ(sum(), right);
  const auto pair = [](std::string_view a, std::string_view b) {
    return Checksum().add(a).add(b).value();
  };
  EXPECT_NE(pair("a", "bc"), pair("ab", "c"));
  EXPECT_NE(pair("", "a"), pair("a", ""));
}

}  // namespace
}  // namespace reprise
