// Files that are damaged, cut, forged or on bad disks: a clear error, or nothing is lost.

#include <gtest/gtest.h>
#include <sys/mount.h>

#include "catalogue_fixture.h"
#include "index/catalogue_schema.h"
#include "reprise/error.h"
#include "tiny_disk.h"

namespace reprise {
namespace {

class CatalogueDamage : public CatalogueTest {
 protected:
  /// What verify finds wrong with a file of these bytes, or why it cannot be opened.
  std::string problem_with(const std::string& bytes) const {
    const std::string damaged = path("damaged.reprise");
    for (const char* log : {"-wal", "-shm"}) std::filesystem::remove(damaged + log);
    write(damaged, bytes);
    try {
      const auto problems = verify_catalogue(damaged);
      return problems.empty() ? "" : problems.front();
    } catch (const Error& error) {
      return error.what();
    }
  }
  void forge(const std::string& sql) const {
    Database(catalogue, Database::Mode::write, 0).run(sql);
  }
};

// A flipped byte is reported, or it lies in space that holds nothing: then all that can be read is
// as it was.
TEST_F(CatalogueDamage, EveryFlippedByteIsFoundOrHoldsNothing) {
  add(small_set(30, 2));  // enough to fill most of the file
  const std::string whole = read(catalogue);
  const CatalogueContents contents = contents_of(catalogue);
  ASSERT_EQ(problem_with(whole), "");
  Random random(1);
  int found = 0, unused = 0;
  // Every byte of the file's header, then random ones all over the file.
  for (int i = 0; i < 800; ++i) {
    const std::size_t at = i < 100 ? i : random.bits() % whole.size();
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ (1u << random.below(8)));
    if (!problem_with(flipped).empty()) {
      ++found;
      continue;
    }
    ++unused;
    EXPECT_EQ(contents_of(path("damaged.reprise")), contents) << "byte " << at;
  }
  EXPECT_GT(found, 100);
  RecordProperty("found", found);
  RecordProperty("unused", unused);
}

// Where a row's bytes are known to lie, a flip of any of them is reported.
TEST_F(CatalogueDamage, EveryFlippedByteOfASongIsFound) {
  SongSet set = small_set(2, 1, 30);
  set.title[3] = "A title that occurs once";
  set.song_id[3] = "an-id-that-occurs-once-in-the-table";
  add(set);
  const std::string whole = read(catalogue);
  const Fingerprints fingerprints = candidates_of(model, set);
  const std::string vector(
      reinterpret_cast<const char*>(&fingerprints.values[3 * fingerprints.dims]),
      sizeof(float) * fingerprints.dims);
  for (const std::string& part : {set.title[3], set.song_id[3], vector}) {
    const std::size_t start = whole.find(part);
    ASSERT_NE(start, std::string::npos);
    for (std::size_t at = start; at < start + part.size(); ++at) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
      EXPECT_NE(problem_with(flipped), "") << "byte " << at - start << " of " << part;
    }
  }
}

TEST_F(CatalogueDamage, CutAnywhereItIsRefused) {
  add(small_set(2, 1, 30));
  const std::string whole = read(catalogue);
  for (std::size_t length = 0; length < whole.size(); length += length < 120 ? 1 : 4099)
    EXPECT_NE(problem_with(whole.substr(0, length)), "") << length << " of " << whole.size();
  EXPECT_NE(problem_with(whole.substr(0, whole.size() - 1)), "");
  EXPECT_NE(problem_with(whole.substr(0, whole.size() - 16384)), "");
}

TEST_F(CatalogueDamage, OtherFilesAreRefusedByName) {
  const auto message = [&](const std::string& bytes) { return problem_with(bytes); };
  EXPECT_NE(message("").find("expected an SQLite file, found an empty file"), std::string::npos);
  EXPECT_NE(message("notes of a meeting").find("expected an SQLite file, found something else"),
            std::string::npos);
  const std::string none = error_of([&] { Catalogue(path("none.reprise")); });
  EXPECT_NE(none.find("none.reprise: cannot open: No such file"), std::string::npos) << none;
  EXPECT_NE(error_of([&] { Catalogue(folder.string()); }).find("expected a file"),
            std::string::npos);
  const std::string other = path("other.db");
  Database(other, Database::Mode::create, 0).run("CREATE TABLE a(x)");
  EXPECT_NE(error_of([&] { Catalogue{other}; }).find("found another SQLite file"),
            std::string::npos);
}

// What SQLite allows and the catalogue does not.
TEST_F(CatalogueDamage, ForgedRowsAreRefused) {
  const SongSet set = small_set(2, 1, 30);
  const auto after = [&](const std::string& sql) {
    std::filesystem::remove(catalogue);
    Catalogue::create(catalogue, path("m.safetensors"));
    add(set);
    forge(sql);
    try {
      const auto problems = verify_catalogue(catalogue);
      return problems.empty() ? std::string() : problems.front();
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  EXPECT_EQ(after(""), "");
  const std::pair<const char*, const char*> cases[] = {
      {"PRAGMA user_version = 99", "expected a catalogue of version 1 to 3, found version 99"},
      {"PRAGMA application_id = 1", "found another SQLite file"},
      {"CREATE TABLE extra(x)", "expected the tables"},
      {"CREATE VIEW extra AS SELECT 1", "expected the tables"},
      {"UPDATE songs SET title = 'x' WHERE number = 2", "song 2 "},
      {"UPDATE songs SET frames = 1 << 60 WHERE number = 2", "song 2 "},
      {"UPDATE songs SET frames_per_second = 9 WHERE number = 2", "song 2 "},
      {"UPDATE vectors SET bytes = zeroblob(1000000) WHERE number = 2", "vectors of song 2"},
      {"UPDATE codes SET scale = 1e300 WHERE number = 2", "codes of song 2"},
      {"UPDATE model SET chroma = 0", "model: expected the checksum"},
      {"PRAGMA foreign_keys = OFF; UPDATE codes SET number = 99 WHERE number = 2",
       "foreign_key_check"},
      {"DELETE FROM songs WHERE number = 2", "expected 8 songs of digest"},
      {"DELETE FROM chroma WHERE number = 2", "expected 8 songs of digest"},
      {"DELETE FROM totals", "expected a row of totals"},
      {"UPDATE totals SET songs = 1 << 60", "totals"},
      {"DELETE FROM model", "expected a model, found none"},
      {"UPDATE model SET bytes = zeroblob(10)", "model: expected the checksum"},
      {"UPDATE model SET name = 'other'", "model: expected the checksum"},
  };
  for (const auto& [sql, part] : cases) {
    const std::string problem = after(sql);
    EXPECT_NE(problem.find(part), std::string::npos) << sql << "\n" << problem;
    EXPECT_EQ(problem.find(catalogue + ": "), 0u) << problem;
    EXPECT_EQ(problem.find('\n'), std::string::npos) << problem;
  }
}

// Damage is seen where it is read, not only where it is looked for.
TEST_F(CatalogueDamage, IsSeenByEveryReader) {
  add(small_set(2, 1, 30));
  forge(
      "UPDATE vectors SET bytes = zeroblob(length(bytes)) WHERE number = 3;"
      "UPDATE chroma SET bytes = zeroblob(length(bytes)) WHERE number = 4");
  const Catalogue reader(catalogue);
  EXPECT_NE(error_of([&] { reader.fingerprints(reader.songs()); }).find("vectors of song 3"),
            std::string::npos);
  EXPECT_EQ(error_of([&] { reader.fingerprints(reader.songs(), StoredCopy::compact); }), "");
  const auto songs = reader.songs();
  EXPECT_EQ(error_of([&] { reader.song_set(std::span(songs).first(3)); }), "");
  EXPECT_NE(error_of([&] { reader.song_set(songs); }).find("chroma of song 4"), std::string::npos);
}

TEST_F(CatalogueDamage, FullDiskKeepsTheOldState) {
  const TinyDisk disk(folder / "disk", 600);
  if (!disk.mounted()) GTEST_SKIP() << "mounting takes root";
  catalogue = disk.file("c.reprise");
  Catalogue::create(catalogue, path("m.safetensors"));
  add(small_set(2, 1, 30));
  const CatalogueContents before = contents_of(catalogue);
  SongSet large = small_set(60, 3);
  for (std::string& id : large.song_id) id = "large-" + id;
  const std::string message = error_of([&] { add(large); });
  EXPECT_NE(message.find("c.reprise: cannot write: the disk is full"), std::string::npos)
      << message;
  EXPECT_EQ(contents_of(catalogue), before);
  EXPECT_TRUE(verify_catalogue(catalogue).empty());

  const TinyDisk tiny(folder / "tiny", 64);
  const std::string none =
      error_of([&] { Catalogue::create(tiny.file("d.reprise"), path("m.safetensors")); });
  EXPECT_NE(none.find("the disk is full"), std::string::npos) << none;
  EXPECT_EQ(tiny.entries(), 0);
}

TEST_F(CatalogueDamage, ReadOnlyDisksAreReadAndNotWritten) {
  const TinyDisk disk(folder / "disk", 4000);
  if (!disk.mounted()) GTEST_SKIP() << "mounting takes root";
  catalogue = disk.file("c.reprise");
  Catalogue::create(catalogue, path("m.safetensors"));
  add(small_set(2, 1, 30));
  const CatalogueContents before = contents_of(catalogue);
  ASSERT_EQ(::mount("tmpfs", (folder / "disk").c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr),
            0);
  EXPECT_EQ(contents_of(catalogue), before);
  EXPECT_TRUE(verify_catalogue(catalogue).empty());
  const std::string message = error_of([&] { add(small_set(1, 1, 30), true); });
  EXPECT_NE(message.find("c.reprise: cannot write: Read-only file system"), std::string::npos)
      << message;

  // One of an earlier version would have to be changed first.
  ASSERT_EQ(::mount("tmpfs", (folder / "disk").c_str(), "tmpfs", MS_REMOUNT, nullptr), 0);
  forge("ALTER TABLE songs DROP COLUMN frames_per_second; PRAGMA user_version = 2");
  ASSERT_EQ(::mount("tmpfs", (folder / "disk").c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr),
            0);
  const std::string old = error_of([&] { Catalogue{catalogue}; });
  EXPECT_NE(old.find("Read-only file system (a catalogue of version 2 is brought up to 3 when it"),
            std::string::npos)
      << old;
}

}  // namespace
}  // namespace reprise
