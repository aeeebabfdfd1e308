#include "reprise/song_set_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include "core/checksum.h"
#include "core/files.h"
#include "core/scratch.h"
#include "core/text.h"
#include "io/hdf5_writer.h"
#include "io/song_set_attributes.h"
#include "io/song_set_check.h"
#include "reprise/error.h"

namespace reprise {
namespace {

/// A column of strings that waits on disk.
class TextColumn {
 public:
  TextColumn(const std::string& folder, const std::string& what) : file_(folder, what) {}

  void add(const std::string& text) {
    const auto size = static_cast<std::uint32_t>(text.size());
    file_.write(&size, sizeof size);
    file_.write(text.data(), text.size());
    width_ = std::max(width_, text.size());
    ++count_;
  }
  void rewind() { file_.rewind(); }
  std::string next() {
    std::uint32_t size = 0;
    file_.read(&size, sizeof size);
    std::string text(size, '\0');
    file_.read(text.data(), size);
    return text;
  }
  void write(hdf5::Writer& file, const std::string& name) {
    rewind();
    file.texts(name, count_, width_, [this] { return next(); });
  }
  bool blank() const { return width_ == 0; }

 private:
  ScratchFile file_;
  std::int64_t count_ = 0;
  std::size_t width_ = 0;
};

}  // namespace

struct SongSetWriter::State {
  State(const std::string& target, SongSetInfo about, std::int64_t limit)
      : path(target),
        info(std::move(about)),
        packed_bytes(limit),
        chroma(folder_of(path), path),
        song_id(folder_of(path), path),
        work_id(folder_of(path), path),
        split(folder_of(path), path),
        title(folder_of(path), path),
        artist(folder_of(path), path),
        tune_id(folder_of(path), path) {}

  std::string path;
  SongSetInfo info;
  std::int64_t packed_bytes;
  ScratchFile chroma;
  TextColumn song_id, work_id, split, title, artist, tune_id;
  std::vector<std::int64_t> offsets{0};
  std::vector<std::uint64_t> id_hashes;
  std::vector<std::uint8_t> rounded;

  std::int64_t songs() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  int width() const { return info.bands * kPitchClasses; }

  template <class T>
  void add(const SongInfo& song, std::span<const T> values) {
    try {
      check_song(song, songs(), path);
      check_frames(values.size(), width(), song.song_id, path);
      if constexpr (std::is_same_v<T, float>)
        check_values(values, width(), songs(), song.song_id, path);
    } catch (const Error& error) {
      throw UnfitSong(error.what());
    }
    chroma.write(values.data(), values.size_bytes());
    offsets.push_back(offsets.back() + static_cast<std::int64_t>(values.size()) / width());
    song_id.add(song.song_id);
    work_id.add(song.work_id);
    split.add(song.split);
    title.add(song.title);
    artist.add(song.artist);
    tune_id.add(song.tune_id);
    id_hashes.push_back(Checksum().add(std::string_view(song.song_id)).value());
  }

  void check_unique() {
    std::vector<std::uint64_t> sorted = id_hashes;
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice == sorted.end()) return;
    const auto first = std::find(id_hashes.begin(), id_hashes.end(), *twice);
    const auto second = std::find(first + 1, id_hashes.end(), *twice);
    song_id.rewind();
    std::string id;
    for (auto at = id_hashes.begin(); at <= first; ++at) id = song_id.next();
    throw InputError(fmt::format("{}: /song_id: expected unique ids, found {} in songs {} and {}",
                                 path, quote(id), first - id_hashes.begin(),
                                 second - id_hashes.begin()));
  }

  template <class T>
  void write_chroma(hdf5::Writer& file) {
    const std::int64_t bytes = offsets.back() * width() * std::int64_t{sizeof(T)};
    chroma.rewind();
    file.numbers<T>(
        "/chroma", {offsets.back(), width()},
        bytes > packed_bytes ? hdf5::Writer::Layout::plain : hdf5::Writer::Layout::packed,
        [this](T* values, std::int64_t rows) {
          chroma.read(values, static_cast<std::size_t>(rows * width()) * sizeof(T));
        });
  }

  void write(hdf5::Writer& file) {
    write_song_set_attributes(file, info);
    if (info.type == ChromaType::uint8)
      write_chroma<std::uint8_t>(file);
    else
      write_chroma<float>(file);
    file.numbers("/offsets", {songs() + 1}, offsets.data());
    song_id.write(file, "/song_id");
    work_id.write(file, "/work_id");
    split.write(file, "/split");
    if (!title.blank()) title.write(file, "/title");
    if (!artist.blank()) artist.write(file, "/artist");
    if (!tune_id.blank()) tune_id.write(file, "/tune_id");
    file.finish();
  }
};

std::uint8_t chroma_byte(float value) {
  return static_cast<std::uint8_t>(std::lround(value * 255));
}

SongSetWriter::SongSetWriter(const std::string& path, SongSetInfo info, std::int64_t packed_bytes) {
  require_writable(path);
  check_info(info, path);
  state_ = std::make_unique<State>(path, std::move(info), packed_bytes);
}

SongSetWriter::~SongSetWriter() = default;

void SongSetWriter::add(const SongInfo& song, std::span<const float> chroma) {
  State& s = *state_;
  if (s.info.type == ChromaType::float32) return s.add(song, chroma);
  s.rounded.clear();
  for (const float value : chroma) {
    if (!(value >= 0 && value <= 1))
      throw UnfitSong(
          fmt::format("{}: song {}: expected chroma from 0 to 1 to keep as uint8, found {}", s.path,
                      quote(song.song_id), value));
    s.rounded.push_back(chroma_byte(value));
  }
  s.add(song, std::span<const std::uint8_t>(s.rounded));
}

void SongSetWriter::add(const SongInfo& song, std::span<const std::uint8_t> chroma) {
  State& s = *state_;
  if (s.info.type == ChromaType::uint8) return s.add(song, chroma);
  std::vector<float> values(chroma.size());
  std::transform(chroma.begin(), chroma.end(), values.begin(),
                 [](std::uint8_t value) { return static_cast<float>(value) / 255; });
  s.add(song, std::span<const float>(values));
}

std::int64_t SongSetWriter::songs() const {
  return state_->songs();
}

std::int64_t SongSetWriter::frames() const {
  return state_->offsets.back();
}

void SongSetWriter::finish() {
  State& s = *state_;
  if (s.songs() == 0)
    throw InputError(fmt::format("{}: /offsets: expected at least one song, found none", s.path));
  s.check_unique();
  replace_file(s.path, [&](const std::string& temporary) {
    hdf5::Writer file(temporary, s.path);
    s.write(file);
  });
}

}  // namespace reprise
