#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "reprise/error.h"
#include "reprise/song_set.h"

namespace reprise {

/// What a song set says of a song beside its chroma.
struct SongInfo {
  std::string song_id;
  std::string work_id;
  std::string split = "test";
  std::string title{};
  std::string artist{};
  std::string tune_id{};  ///< see SongSet
};

/// What a song set says of all its songs.
struct SongSetInfo {
  std::string source;
  std::string chroma_source;
  double frames_per_second = 0;
  ChromaType type = ChromaType::float32;
  int bands = 1;                          ///< see SongSet
  std::vector<std::string> band_names{};  ///< see SongSet
};

/// A song that read_song_set would refuse; the writer can go on without it.
class UnfitSong : public InputError {
 public:
  using InputError::InputError;
};

/// Writes a song set song by song in constant memory (16 bytes a song), so that it may be larger
/// than memory: what is added waits in files without a name beside `path`, which take as much disk
/// again until finish() has written the set. Nothing is left behind where finish() is not reached.
/// Threads: one at a time.
class SongSetWriter {
 public:
  /// Chroma of more than `packed_bytes` is stored unpacked, so that readers map it in place.
  SongSetWriter(const std::string& path, SongSetInfo info,
                std::int64_t packed_bytes = kChromaInMemory);
  ~SongSetWriter();

  /// chroma [frames, 12 * bands]; where the set's type is uint8 it is rounded to it (above 1 it is
  /// unfit). Throws UnfitSong, and Error where the disk is full.
  void add(const SongInfo& song, std::span<const float> chroma);
  void add(const SongInfo& song, std::span<const std::uint8_t> chroma);

  std::int64_t songs() const;
  std::int64_t frames() const;

  /// Writes beside the target and renames. Throws Error where no song was added or an id twice.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reprise
