#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/audio.h"
#include "reprise/chroma_engine.h"
#include "reprise/observer.h"
#include "reprise/song_set.h"
#include "reprise/song_set_writer.h"

// File formats, one row each. Every format can be imported into a song set and given wherever a
// command or a Searcher takes songs.
namespace reprise {

/// Why a song was skipped.
enum class LeftOut : std::uint8_t {
  missing,    ///< there is no such file
  damaged,    ///< its file cannot be read
  duplicate,  ///< the set already has this recording or this id
};

/// Where a song comes from, for messages.
struct SongOrigin {
  std::string path{};    ///< its own file
  std::string detail{};  ///< a few words on its contents
  double seconds = 0;    ///< of audio
};

/// Receives the songs of a reader.
class SongSink {
 public:
  virtual ~SongSink() = default;
  /// Called before the first song, with what they have in common and how many to expect.
  virtual void begin(const SongSetInfo& info, std::int64_t expected) = 0;
  /// chroma [frames, 12]. The split is empty if the source has none.
  virtual void add(SongInfo song, std::span<const float> chroma, const SongOrigin& origin) = 0;
  /// Called for a missing or damaged song; reading continues.
  virtual void leave_out(LeftOut why, const std::string& song_id, const std::string& work_id,
                         const std::string& detail) = 0;
  /// Called with a complete set, without begin().
  virtual void add_set(SongSet set) = 0;
};

/// An option of a reader.
struct ReaderOption {
  enum class Kind : std::uint8_t { flag, number, text, texts, file, folder };
  std::string_view name;
  std::string_view meaning;
  Kind kind = Kind::text;         ///< texts: any number of values; file, folder: must exist
  std::string_view initial = "";  ///< default; required for choices and numbers
  std::string_view choices = "";  ///< one|of|these
  double low = 0;                 ///< of numbers
  double high = 0;
  bool whole = false;  ///< of numbers
  bool required = false;
  bool positional = false;  ///< given without its name on a command line
};

struct Reader;

/// Values for the options of a reader.
class ReaderValues {
 public:
  explicit ReaderValues(const Reader& reader);
  /// Flags take "true" or "false"; each call appends to `texts`. Throws SettingsError for an
  /// unknown option, a malformed number, a value out of range or not among the choices.
  void set(std::string_view name, std::string_view value);
  /// Throws SettingsError if a required option was not set.
  void check() const;

  bool flag(std::string_view name) const { return text(name) == "true"; }
  double number(std::string_view name) const;
  const std::string& text(std::string_view name) const;  ///< or empty
  const std::vector<std::string>& texts(std::string_view name) const;

 private:
  const Reader* reader_;
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

/// What readers need besides the files.
struct ReadContext {
  /// Chroma settings for audio, called only if there is audio; empty: the defaults. Options of the
  /// reader override them.
  std::function<ChromaSettings()> chroma{};
  /// Makes the engine that computes chroma from audio; empty, or returning null: the CPU.
  std::function<std::unique_ptr<ChromaEngine>(const ChromaSettings&)> engine{};
  /// Random seed for splits drawn by a reader.
  std::uint64_t seed = 0;
  Observer observer{};
};

/// A file format.
struct Reader {
  std::string_view name;
  std::string_view summary;  ///< one line for the help text
  std::string_view example;  ///< arguments of `reprise import`
  std::vector<ReaderOption> options;
  /// File name extensions, in lower case; empty: the format must be named.
  std::vector<std::string_view> endings{};
  /// Whether the contents of such a file are of this format; null: always.
  bool (*holds)(const std::string& path) = nullptr;
  /// Throws Error; missing and damaged songs go to SongSink::leave_out() instead.
  void (*read)(const ReaderValues& values, const ReadContext& context, SongSink& sink) = nullptr;
  ChromaType type = ChromaType::float32;  ///< default storage of chroma
  bool reads_audio = false;               ///< computes chroma from audio
  std::string (*notes)() = nullptr;       ///< further help text, or null
};

/// All formats, in the order in which a path is tried against them.
std::span<const Reader> readers();
/// The format of this name. Throws SettingsError if there is none.
const Reader& reader_named(std::string_view name);
/// The first format that recognises a file, or a file below a folder; else the audio reader for a
/// folder and the song-set reader for a file, whose error messages explain the problem.
const Reader& reader_of(const std::string& path);

/// Reads the songs of files and folders, each with the reader that recognises it. Unreadable files
/// are skipped with a note to the observer. Throws InputError if no file of a format can be read,
/// if two songs share an id, or if their chroma is incompatible (see join_song_sets).
SongSet read_songs(std::span<const std::string> paths, const ReadContext& context = {});

}  // namespace reprise
