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
  std::int64_t number = 0;  ///< its place in the catalogue: songs are kept in ascending order
  std::string song_id;
  std::string work_id;
  std::string title;
  std::string artist;
  std::int64_t frames = 0;
  int roll = 0;                  ///< semitones it was transposed up for its fingerprint
  double frames_per_second = 0;  ///< 0: unknown
};

/// What tells one model from another.
struct ModelIdentity {
  std::string name;     ///< of the file it was read from, without its folder
  std::string config;   ///< hash of its configuration, 16 hexadecimal digits
  std::string weights;  ///< hash of its learned values, 16 hexadecimal digits

  static ModelIdentity of(const Model& model, const std::string& name);
  /// Equal but for the name.
  bool same(const ModelIdentity& other) const;
};

/// Which copy of the fingerprints is read.
enum class Precision : std::uint8_t {
  exact,    ///< float32, as they were computed
  compact,  ///< int8 with one scale a vector: a quarter of the bytes
};

/// A collection of songs on disk, with the fingerprints and chroma of each and the model that made
/// them: one SQLite file. Whatever happens to a program that changes it, the file holds either the
/// state before or the state after. One program writes at a time, any number read meanwhile. Every
/// row carries a checksum, which is compared whenever the row is read.
///
/// All functions throw Error naming the file, what was expected and what was found: no such file,
/// not a catalogue, a later version, damage, no permission, a full disk, another writer that does
/// not finish.
///
/// Threads: one at a time for each object; each thread may have one of its own on the same file.
class Catalogue {
 public:
  enum class Mode : std::uint8_t { read, write };
  /// Counts songs done, of a number in all.
  using Progress = std::function<void(std::int64_t done, std::int64_t of)>;

  /// A new, empty catalogue for the fingerprints of the model in this file, which is copied into
  /// it. Without chroma, songs are found and looked up but not aligned.
  static void create(const std::string& path, const std::string& model_path,
                     bool keeps_chroma = true);

  /// A reader sees the songs as they are now, whatever is written while it lives.
  explicit Catalogue(const std::string& path, Mode mode = Mode::read, double wait_seconds = 30);
  ~Catalogue();

  const std::string& path() const;
  const ModelIdentity& identity() const;
  const Model& model() const;
  bool keeps_chroma() const;
  /// Throws Error saying what to do, where no chroma is kept.
  void check_chroma() const;
  /// Throws Error with the names and hashes of both, unless the models are the same.
  void check_model(const ModelIdentity& other) const;

  std::int64_t size() const;  ///< songs
  std::vector<CatalogueSong> songs() const;
  /// Throws Error where there is none of this id.
  CatalogueSong song(const std::string& id) const;
  /// The fingerprints of songs, one key each, some at a time: what an Index is filled from. Reads
  /// forward, past songs that are not asked for. songs: in ascending order, as songs() gave them;
  /// they and the catalogue must outlive the source.
  Index::Source vectors(std::span<const CatalogueSong> songs,
                        Precision precision = Precision::exact) const;
  /// The same, all at once.
  Fingerprints fingerprints(std::span<const CatalogueSong> songs,
                            Precision precision = Precision::exact) const;
  /// What songs are looked up by, Keys::query: computed by the catalogue's method from their chroma
  /// or, where none is kept, as they were added, to 8 bits.
  Fingerprints queries(std::span<const CatalogueSong> songs, Fingerprinter& method) const;
  /// The songs' chroma (to the nearest 1/255 of each song's peak; uint8 where all of them peak at
  /// 1, as chroma does) and what is known of them; of frames a second, what all of them have.
  /// Throws as check_chroma() does.
  SongSet song_set(std::span<const CatalogueSong> songs) const;

  /// Throws Error naming the first song that is already there.
  void check_new(std::span<const std::string> ids) const;
  /// Adds all songs of a set, or none. fingerprints: of these songs, Keys::candidate; queries: the
  /// same, Keys::query, only where no chroma is kept. A song whose id is already there takes that
  /// song's place where `replace` is true, and is an Error otherwise.
  void add(const SongSet& set, const Fingerprints& fingerprints, bool replace,
           const Progress& progress = {}, const Fingerprints& queries = {});
  /// The same, with the fingerprints of the catalogue's own model; returns how many songs are new.
  /// The observer is told of songs fingerprinted and written.
  std::int64_t add(Backend& backend, const SongSet& set, bool replace = false,
                   const Observer& observer = {});
  /// Takes over what the same model, calibrated again, says of how sure to be.
  void recalibrate(const std::string& model_path);
  /// Removes all songs of these ids, or none: an unknown id is an Error.
  void remove(std::span<const std::string> ids);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// True where the file begins as an SQLite file does. Throws Error where it cannot be read.
bool looks_like_catalogue(const std::string& path);

/// Everything that is wrong with a catalogue, a line each; empty where it is sound. Reads and
/// compares every byte that holds a song, a fingerprint, chroma or the model. Throws Error where
/// the file is not a catalogue at all.
std::vector<std::string> verify_catalogue(const std::string& path);

}  // namespace reprise
