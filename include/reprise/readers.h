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

// Files of songs: one row a format. Whatever is read here can be imported into a song set and given
// wherever songs are expected.
namespace reprise {

/// Why a song did not become one of a set.
enum class LeftOut : std::uint8_t {
  missing,    ///< there is no such file
  damaged,    ///< its file cannot be read
  duplicate,  ///< the same recording, or a song of the same id, is there already
};

/// Where a song comes from, for messages.
struct SongOrigin {
  std::string path{};    ///< its own file
  std::string detail{};  ///< what was found in it, in a few words
  double seconds = 0;    ///< of audio
};

/// Takes the songs that a reader finds.
class SongSink {
 public:
  virtual ~SongSink() = default;
  /// Before the first song: what is known of all of them, and how many may come.
  virtual void begin(const SongSetInfo& info, std::int64_t expected) = 0;
  /// chroma [frames, 12]. An empty split: the source does not say.
  virtual void add(SongInfo song, std::span<const float> chroma, const SongOrigin& origin) = 0;
  /// A song that is missing or damaged is no reason to stop.
  virtual void leave_out(LeftOut why, const std::string& song_id, const std::string& work_id,
                         const std::string& detail) = 0;
  /// All songs of a set that is there as a whole; without begin().
  virtual void add_set(SongSet set) = 0;
};

/// What a reader can be told: one row an option.
struct ReaderOption {
  enum class Kind : std::uint8_t { flag, number, text, texts, file, folder };
  std::string_view name;
  std::string_view meaning;
  Kind kind = Kind::text;         ///< texts: any number of them; file, folder: one that is there
  std::string_view initial = "";  ///< the default; of `choices` or numbers always given
  std::string_view choices = "";  ///< one|of|these
  double low = 0;                 ///< of numbers
  double high = 0;
  bool whole = false;  ///< of numbers
  bool required = false;
  bool positional = false;  ///< on a command line given without its name
};

struct Reader;

/// The options that a reader is given.
class ReaderValues {
 public:
  explicit ReaderValues(const Reader& reader);
  /// Flags take "true" or "false"; of `texts` each call adds one. Throws SettingsError: no such
  /// option, no number, out of range, not among the choices.
  void set(std::string_view name, std::string_view value);
  /// Throws SettingsError where an option that is required was not set.
  void check() const;

  bool flag(std::string_view name) const { return text(name) == "true"; }
  double number(std::string_view name) const;
  const std::string& text(std::string_view name) const;  ///< or empty
  const std::vector<std::string>& texts(std::string_view name) const;

 private:
  const Reader* reader_;
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

/// What reading needs beside the files.
struct ReadContext {
  /// How chroma is made from audio: asked where there is audio; empty: by default. Options of the
  /// reader change it.
  std::function<ChromaSettings()> chroma{};
  /// What computes the chroma of audio in place of the CPU; may be empty, or return null.
  std::function<std::unique_ptr<ChromaEngine>(const ChromaSettings&)> engine{};
  /// Random seed of splits that a reader makes.
  std::uint64_t seed = 0;
  Observer observer{};
};

/// A format.
struct Reader {
  std::string_view name;
  std::string_view what;     ///< it reads, in a line
  std::string_view example;  ///< arguments of `reprise import`
  std::vector<ReaderOption> options;
  /// Ends of the names of its files, in lower case; empty: never recognised, only asked for.
  std::vector<std::string_view> endings{};
  /// Whether a file of such a name is of this format; null: any is.
  bool (*holds)(const std::string& path) = nullptr;
  /// Throws Error and SettingsError; songs that are missing or damaged are left out instead.
  void (*read)(const ReaderValues& values, const ReadContext& context, SongSink& sink) = nullptr;
  ChromaType type = ChromaType::float32;  ///< in which chroma is kept, unless asked otherwise
  bool hears = false;                     ///< computes chroma from audio
  std::string (*notes)() = nullptr;       ///< more on its options, or null
};

/// All formats. A path is tried against them in this order.
std::span<const Reader> readers();
/// By name. Throws SettingsError.
const Reader& reader_named(std::string_view name);
/// The first that recognises a file, or a file below a folder; else, of a folder, the one for audio
/// and of a file the one for song sets, which say what is wrong with it.
const Reader& reader_of(const std::string& path);

/// The songs of files and folders, one after another, by whichever reader recognises each. Files
/// that cannot be read are left out, with a note. Throws Error where none of a format can, where
/// two songs have one id, or their chroma does not go together (see join_song_sets).
SongSet read_songs(std::span<const std::string> paths, const ReadContext& context = {});

}  // namespace reprise
