#include "reprise/catalogue.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>
#include <optional>
#include <set>

#include "core/checksum.h"
#include "core/files.h"
#include "core/text.h"
#include "index/catalogue_rows.h"
#include "index/catalogue_schema.h"
#include "index/catalogue_writer.h"
#include "reprise/error.h"

namespace reprise {
namespace {

constexpr std::int64_t kLargestModel = 500'000'000;  // SQLite's limit on a value is twice that

const std::string& text_of(const std::vector<std::string>& texts, std::int64_t song) {
  static const std::string none;
  return texts.empty() ? none : texts[song];
}

std::string describe(const ModelIdentity& model) {
  return fmt::format("{} (configuration {}, weights {})", quote(model.name), model.config,
                     model.weights);
}

/// Reads rows of one table of vectors in ascending order.
class VectorReader {
 public:
  VectorReader(Database& database, StoredCopy copy, int dims)
      : path_(database.path()),
        exact_(copy == StoredCopy::exact),
        table_(exact_ ? "vectors" : "codes"),
        row_bytes_(static_cast<std::size_t>(dims) * (exact_ ? sizeof(float) : 1)),
        rows_(database, fmt::format("SELECT number, scale, bytes, checksum FROM {} "
                                    "WHERE number >= ? ORDER BY number",
                                    table_)) {
    rows_.bind(0, std::int64_t{0});
  }

  void read(std::int64_t number, std::span<float> vector) {
    bool any = rows_.step();
    if (any && rows_.integer(0) != number) {  // songs in between are not asked for
      rows_.reset();
      rows_.bind(0, number);
      any = rows_.step();
    }
    if (!any || rows_.integer(0) != number)
      throw InputError(
          fmt::format("{}: {} of song {}: expected a row, found none", path_, table_, number));
    const ByteRow row = byte_row(rows_, table_, path_);
    if (row.bytes.size() != row_bytes_)
      throw InputError(fmt::format("{}: {} of song {}: expected {} bytes, found {}", path_, table_,
                                   number, row_bytes_, row.bytes.size()));
    if (exact_)
      std::memcpy(vector.data(), row.bytes.data(), row_bytes_);
    else
      std::transform(row.bytes.begin(), row.bytes.end(), vector.begin(), [&](std::uint8_t code) {
        return static_cast<float>(static_cast<std::int8_t>(code) * row.scale);
      });
  }

 private:
  const std::string path_;
  const bool exact_;
  const std::string table_;
  const std::size_t row_bytes_;
  Statement rows_;
};

/// Multiplies the bytes of each song by its scale.
void scale_to_float(SongSet& set, std::span<const double> scales) {
  set.chroma_float.resize(set.chroma_uint8.size());
  for (std::int64_t song = 0; song < set.songs(); ++song)
    for (std::int64_t i = set.offsets[song] * set.width(); i < set.offsets[song + 1] * set.width();
         ++i)
      set.chroma_float[i] = static_cast<float>(set.chroma_uint8[i] * scales[song]);
  set.chroma_uint8 = {};
  set.type = ChromaType::float32;
}

}  // namespace

ModelIdentity ModelIdentity::of(const Model& model, const std::string& name) {
  const auto bytes = [](std::span<const float> values) {
    return std::span(reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes());
  };
  Checksum weights;
  weights.add(bytes(model.weights))
      .add(bytes(model.projection_weight))
      .add(bytes(model.projection_bias));
  if (model.config.key_mode == KeyMode::canonical) weights.add(bytes(model.key_template));
  for (const JoinedBigrams& j : model.joined)
    weights.add(std::string_view(j.config.hash())).add(bytes(j.weights));
  return {std::filesystem::path(name).filename().string(), model.config.hash(), weights.hex()};
}

bool ModelIdentity::same(const ModelIdentity& other) const {
  return config == other.config && weights == other.weights;
}

struct Catalogue::State {
  Database database;
  ModelRow model;

  const std::string& path() const { return database.path(); }

  /// The number of the song with this id, or nothing.
  std::optional<std::int64_t> find(const std::string& id) {
    Statement statement(database, "SELECT number FROM songs WHERE song_id = ?");
    statement.bind(0, id);
    if (!statement.step()) return std::nullopt;
    return statement.integer(0);
  }
};

void Catalogue::create(const std::string& path, const std::string& model_path, bool keeps_chroma) {
  const std::vector<std::uint8_t> bytes = read_file(model_path, kLargestModel);
  const Model model = parse_model(bytes, model_path);
  if (std::filesystem::exists(path))
    throw InputError(fmt::format("{}: expected a new file, found one of this name", path));
  // SQLite would take a log of this name for the new file's own.
  if (std::filesystem::exists(path + "-wal"))
    throw InputError(
        fmt::format("{0}-wal: left from another catalogue; bring {0} back, or remove this", path));
  replace_file(path, [&](const std::string& temporary) {
    Database database(temporary, Database::Mode::create, 0);
    create_catalogue_tables(database);
    write_model_row(database, {ModelIdentity::of(model, model_path), model, keeps_chroma}, bytes);
    write_totals(database, {});
    // Last, as the file keeps this setting: readers go on while one program writes.
    database.run("PRAGMA journal_mode = WAL");
  });
}

Catalogue::Catalogue(const std::string& path, Mode mode, double wait_seconds) {
  const bool reads = mode == Mode::read;
  Database database =
      open_catalogue(path, reads ? Database::Mode::read : Database::Mode::write, wait_seconds);
  if (reads) database.run("BEGIN");  // the first read fixes what this reader sees
  ModelRow model = read_model_row(database);
  state_.reset(new State{std::move(database), std::move(model)});
}

Catalogue::~Catalogue() = default;

const std::string& Catalogue::path() const {
  return state_->path();
}

const ModelIdentity& Catalogue::identity() const {
  return state_->model.identity;
}

const Model& Catalogue::model() const {
  return state_->model.model;
}

bool Catalogue::keeps_chroma() const {
  return state_->model.keeps_chroma;
}

void Catalogue::check_chroma() const {
  if (!keeps_chroma())
    throw InputError(
        fmt::format("{}: expected the songs' chroma to align them by, found a catalogue made "
                    "without it: go on by fingerprints alone, or make one with chroma",
                    path()));
}

void Catalogue::check_model(const ModelIdentity& other) const {
  if (!identity().same(other))
    throw InputError(fmt::format("{}: expected the model of its fingerprints, {}, found {}", path(),
                                 describe(identity()), describe(other)));
}

std::int64_t Catalogue::size() const {
  return read_totals(state_->database).songs;
}

std::vector<CatalogueSong> Catalogue::songs() const {
  std::vector<CatalogueSong> songs;
  Statement statement(state_->database, std::string(kSelectSongs) + "ORDER BY number");
  while (statement.step()) songs.push_back(song_row(statement, path()).song);
  if (const std::int64_t expected = size(); expected != static_cast<std::int64_t>(songs.size()))
    throw InputError(
        fmt::format("{}: expected {} songs, found {}", path(), expected, songs.size()));
  return songs;
}

CatalogueSong Catalogue::song(const std::string& id) const {
  Statement statement(state_->database, std::string(kSelectSongs) + "WHERE song_id = ?");
  statement.bind(0, id);
  if (!statement.step()) throw InputError(fmt::format("{}: has no song {}", path(), quote(id)));
  return song_row(statement, path()).song;
}

Index::Source Catalogue::vectors(std::span<const CatalogueSong> songs, StoredCopy copy) const {
  const auto reader = std::make_shared<VectorReader>(state_->database, copy, model().dims());
  return
      [reader, songs](std::int64_t first, std::span<float> values, std::span<std::int32_t> rolls) {
        const std::size_t dims = rolls.empty() ? 0 : values.size() / rolls.size();
        for (std::size_t i = 0; i < rolls.size(); ++i) {
          const CatalogueSong& song = songs[static_cast<std::size_t>(first) + i];
          reader->read(song.number, values.subspan(i * dims, dims));
          rolls[i] = song.roll;
        }
      };
}

Fingerprints Catalogue::fingerprints(std::span<const CatalogueSong> songs, StoredCopy copy) const {
  Fingerprints result;
  result.songs = static_cast<std::int64_t>(songs.size());
  result.dims = model().dims();
  result.values.resize(songs.size() * static_cast<std::size_t>(result.dims));
  result.rolls.resize(songs.size());
  vectors(songs, copy)(0, result.values, result.rolls);
  return result;
}

Fingerprints Catalogue::queries(std::span<const CatalogueSong> songs, Fingerprinter& method) const {
  if (keeps_chroma()) {
    std::vector<std::int64_t> all(songs.size());
    std::iota(all.begin(), all.end(), 0);
    return method.compute(song_set(songs), all, Keys::query);
  }
  Fingerprints result;
  result.keys = model().config.query_keys;
  result.dims = model().dims();
  Statement statement(state_->database,
                      "SELECT number, scale, bytes, checksum FROM queries WHERE number = ?");
  for (const CatalogueSong& song : songs) {
    statement.bind(0, song.number);
    const std::string what = fmt::format("queries of song {}", quote(song.song_id));
    if (!statement.step())
      throw InputError(fmt::format("{}: {}: expected a row, found none", path(), what));
    const ByteRow row = byte_row(statement, "queries", path());
    if (!unpack_queries(row.scale, row.bytes, result))
      throw InputError(fmt::format("{}: {}: expected {} keys of {} values, found {} bytes", path(),
                                   what, result.keys, result.dims, row.bytes.size()));
    statement.reset();
  }
  return result;
}

SongSet Catalogue::song_set(std::span<const CatalogueSong> songs) const {
  check_chroma();
  SongSet set;
  set.path = path();
  set.bands = model().config.bands;
  set.band_names = model().band_names;
  set.type = ChromaType::uint8;
  std::vector<double> scales;
  Statement statement(state_->database,
                      "SELECT number, scale, bytes, checksum FROM chroma WHERE number = ?");
  for (const CatalogueSong& song : songs) {
    const std::string what = fmt::format("chroma of song {}", quote(song.song_id));
    statement.bind(0, song.number);
    if (!statement.step())
      throw InputError(fmt::format("{}: {}: expected a row, found none", path(), what));
    const ByteRow row = byte_row(statement, "chroma", path());
    const auto chroma = unpack_chroma(row.bytes, song.frames, set.width());
    if (!chroma || song.frames < 1)
      throw InputError(fmt::format("{}: {}: expected {} frames, found something else", path(), what,
                                   song.frames));
    scales.push_back(row.scale);
    statement.reset();
    set.chroma_uint8.insert(set.chroma_uint8.end(), chroma->begin(), chroma->end());
    set.offsets.push_back(set.offsets.back() + song.frames);
    set.song_id.push_back(song.song_id);
    set.work_id.push_back(song.work_id);
    set.split.emplace_back("test");
    set.title.push_back(song.title);
    set.artist.push_back(song.artist);
  }
  if (!songs.empty() && std::all_of(songs.begin(), songs.end(), [&](const CatalogueSong& song) {
        return song.frames_per_second == songs.front().frames_per_second;
      }))
    set.frames_per_second = songs.front().frames_per_second;
  // Bytes stay bytes where 255 stands for 1, as it does for songs of that peak.
  if (std::any_of(scales.begin(), scales.end(), [](double scale) { return scale != 1 / 255.0; }))
    scale_to_float(set, scales);
  return set;
}

void Catalogue::check_new(std::span<const std::string> ids) const {
  for (const std::string& id : ids)
    if (state_->find(id))
      throw InputError(
          fmt::format("{}: expected new songs, found {} in it already", path(), quote(id)));
}

void Catalogue::add(const SongSet& set, const Fingerprints& fingerprints, bool replace,
                    const Progress& progress, const Fingerprints& queries) {
  check_bands(model(), identity().name, set);
  const auto check = [&](const Fingerprints& some, int keys) {
    if (some.keys != keys || some.songs != set.songs() || some.dims != model().dims())
      throw InputError(
          fmt::format("{}: expected {} fingerprints of {} values in {} keys, found {} of {} in {}",
                      path(), set.songs(), model().dims(), keys, some.songs, some.dims, some.keys));
  };
  check(fingerprints, 1);
  if (!keeps_chroma()) check(queries, model().config.query_keys);
  Transaction transaction(state_->database);
  if (!replace) check_new(set.song_id);
  CatalogueWriter writer(state_->database, keeps_chroma());
  for (std::int64_t i = 0; i < set.songs(); ++i) {
    const auto dims = static_cast<std::size_t>(fingerprints.dims);
    const auto vector = std::span(fingerprints.values).subspan(i * dims, dims);
    if (!std::all_of(vector.begin(), vector.end(), [](float v) { return std::isfinite(v); }))
      throw InputError(fmt::format("{}: fingerprint of song {}: expected finite values", set.path,
                                   quote(set.song_id[i])));
    const auto existing = replace ? state_->find(set.song_id[i]) : std::nullopt;
    if (existing) writer.remove(*existing);
    const std::int64_t number = existing ? *existing : writer.next_number();
    const Packed packed[] = {pack_codes(vector), pack_vector(vector),
                             keeps_chroma() ? pack_chroma(set, i) : pack_queries(queries, i)};
    writer.insert(
        {number, set.song_id[i], set.work_id[i], text_of(set.title, i), text_of(set.artist, i),
         set.frames(i), fingerprints.rolls[i], set.frames_per_second},
        packed);
    if (progress) progress(i + 1, set.songs());
  }
  writer.finish();
  transaction.commit();
}

void Catalogue::recalibrate(const std::string& model_path) {
  const std::vector<std::uint8_t> bytes = read_file(model_path, kLargestModel);
  Model model = parse_model(bytes, model_path);
  check_model(ModelIdentity::of(model, model_path));
  ModelRow row{identity(), std::move(model), keeps_chroma()};
  Transaction transaction(state_->database);
  write_model_row(state_->database, row, bytes);
  transaction.commit();
  state_->model = std::move(row);
}

void Catalogue::remove(std::span<const std::string> ids) {
  Transaction transaction(state_->database);
  CatalogueWriter writer(state_->database, keeps_chroma());
  for (const std::string& id : std::set<std::string>(ids.begin(), ids.end())) {
    const auto number = state_->find(id);
    if (!number) throw InputError(fmt::format("{}: has no song {}", path(), quote(id)));
    writer.remove(*number);
  }
  writer.finish();
  transaction.commit();
}

bool looks_like_catalogue(const std::string& path) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  std::ifstream file(path, std::ios::binary);
  if (!file) throw InputError(fmt::format("{}: cannot open: {}", path, std::strerror(errno)));
  char start[kMagic.size()] = {};
  file.read(start, sizeof start);
  return std::string_view(start, sizeof start) == kMagic;
}

}  // namespace reprise
