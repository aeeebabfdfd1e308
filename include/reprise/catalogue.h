#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "reprise/fingerprints.h"
#include "reprise/index.h"
#include "reprise/model.h"
#include "reprise/observer.h"
#include "reprise/song_set.h"

namespace reprise {

/// A song of a catalogue.
struct CatalogueSong {
  std::int64_t number = 0;  ///< primary key; songs are stored in ascending order
  std::string song_id;
  std::string work_id;
  std::string title;
  std::string artist;
  std::int64_t frames = 0;
  int roll = 0;                  ///< transposition for its fingerprint, in semitones upwards
  double frames_per_second = 0;  ///< 0: unknown
};

/// Identifies a model.
struct ModelIdentity {
  std::string name;     ///< of the file it was read from, without its folder
  std::string config;   ///< hash of its configuration, 16 hexadecimal digits
  std::string weights;  ///< hash of its learned values, 16 hexadecimal digits

  static ModelIdentity of(const Model& model, const std::string& name);
  /// Whether all but the name is equal.
  bool same(const ModelIdentity& other) const;
};

/// Which of the two stored copies of a fingerprint to read.
enum class StoredCopy : std::uint8_t {
  exact,    ///< float32, as they were computed
  compact,  ///< int8 with one scale per vector: a quarter of the size
};

/// A collection of songs on disk, with the fingerprints and chroma of each and the model that made
/// them: one SQLite file. Every change is atomic, even if the program is killed. One program writes
/// at a time while any number read. Every row carries a checksum that is verified on reading.
///
/// All functions throw Error naming the file, what was expected and what was found: no such file,
/// not a catalogue, a later version, damage, no permission, a full disk, another writer that does
/// not finish.
///
/// Threads: one at a time per object; each thread may open its own on the same file.
class Catalogue {
 public:
  enum class Mode : std::uint8_t { read, write };
  /// Called with the number of songs done and the total.
  using Progress = std::function<void(std::int64_t done, std::int64_t of)>;

  /// Creates an empty catalogue for the model in this file, which is copied into it. Without chroma
  /// songs can be searched but not aligned.
  static void create(const std::string& path, const std::string& model_path,
                     bool keeps_chroma = true);

  /// A reader sees a snapshot: later writes do not show.
  explicit Catalogue(const std::string& path, Mode mode = Mode::read, double wait_seconds = 30);
  ~Catalogue();

  const std::string& path() const;
  const ModelIdentity& identity() const;
  const Model& model() const;
  bool keeps_chroma() const;
  /// Throws InputError if no chroma is stored.
  void check_chroma() const;
  /// Throws InputError with both names and hashes if the models differ.
  void check_model(const ModelIdentity& other) const;

  std::int64_t size() const;  ///< songs
  std::vector<CatalogueSong> songs() const;
  /// Throws InputError for an unknown id.
  CatalogueSong song(const std::string& id) const;
  /// A source of fingerprints, one key each, to fill an Index from. songs: any of songs(), in
  /// ascending order; they and the catalogue must outlive the source.
  Index::Source vectors(std::span<const CatalogueSong> songs,
                        StoredCopy copy = StoredCopy::exact) const;
  /// The same, all at once.
  Fingerprints fingerprints(std::span<const CatalogueSong> songs,
                            StoredCopy copy = StoredCopy::exact) const;
  /// Query fingerprints (Keys::query) of stored songs: computed from their chroma or, if none is
  /// stored, read back as they were added, quantised to 8 bits.
  Fingerprints queries(std::span<const CatalogueSong> songs, Fingerprinter& method) const;
  /// Stored songs as a song set. Chroma was rounded to 1/255 of each song's peak; it is uint8 if
  /// all songs peak at 1, as chroma usually does. frames_per_second is 0 if songs differ in it.
  /// Throws as check_chroma() does.
  SongSet song_set(std::span<const CatalogueSong> songs) const;

  /// Throws InputError naming the first id that the catalogue already has.
  void check_new(std::span<const std::string> ids) const;
  /// Adds all songs of a set, or none. fingerprints: Keys::candidate of these songs; queries:
  /// Keys::query, only if no chroma is stored. An id that the catalogue already has is replaced if
  /// `replace` is true, else InputError is thrown.
  void add(const SongSet& set, const Fingerprints& fingerprints, bool replace,
           const Progress& progress = {}, const Fingerprints& queries = {});
  /// The same, computing the fingerprints with the catalogue's model. Returns the number of new
  /// songs. The observer gets the progress of both steps.
  std::int64_t add(Backend& backend, const SongSet& set, bool replace = false,
                   const Observer& observer = {});
  /// Copies the calibration of the same model, calibrated again.
  void recalibrate(const std::string& model_path);
  /// Removes all songs with these ids, or none: throws InputError for an unknown id.
  void remove(std::span<const std::string> ids);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Whether the file has the header of an SQLite file. Throws InputError if it cannot be read.
bool looks_like_catalogue(const std::string& path);

/// Verifies a catalogue: reads every song, fingerprint, chroma and the model and compares their
/// checksums. Returns one line per problem. Throws InputError if the file is not a catalogue.
std::vector<std::string> verify_catalogue(const std::string& path);

}  // namespace reprise
