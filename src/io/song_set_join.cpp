#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <unordered_set>
#include <utility>

#include "core/text.h"
#include "reprise/error.h"
#include "reprise/song_set.h"

namespace reprise {
namespace {

/// Appends a field of one set to that of another, both empty where no song has it.
template <class T>
void join_field(std::vector<T>& to, std::int64_t songs_before, std::vector<T> from,
                std::int64_t songs, const T& unknown) {
  if (to.empty() && from.empty()) return;
  to.resize(static_cast<std::size_t>(songs_before), unknown);
  from.resize(static_cast<std::size_t>(songs), unknown);
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

void make_float(SongSet& set) {
  if (set.type == ChromaType::float32) return;
  const ChromaView chroma = set.chroma();
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(chroma.frames * chroma.width()));
  for (std::int64_t t = 0; t < chroma.frames; ++t)
    for (int c = 0; c < chroma.width(); ++c) values.push_back(chroma.at(t, c));
  set.chroma_float = std::move(values);
  set.chroma_uint8 = {};
  set.type = ChromaType::float32;
}

/// Takes chroma that lies in a mapped file into memory.
void make_resident(SongSet& set) {
  if (!set.mapped_chroma) return;
  const auto count = static_cast<std::size_t>(set.frames() * set.width());
  const void* data = set.mapped_chroma.get();
  if (set.type == ChromaType::uint8)
    set.chroma_uint8.assign(static_cast<const std::uint8_t*>(data),
                            static_cast<const std::uint8_t*>(data) + count);
  else
    set.chroma_float.assign(static_cast<const float*>(data),
                            static_cast<const float*>(data) + count);
  set.mapped_chroma.reset();
}

void append(SongSet& to, SongSet from) {
  if (from.frames_per_second > 0 && to.frames_per_second > 0 &&
      from.frames_per_second != to.frames_per_second)
    throw InputError(fmt::format("{}: expected {:g} frames a second as in {}, found {:g}",
                                 from.path, to.frames_per_second, to.path, from.frames_per_second));
  if (to.frames_per_second <= 0) to.frames_per_second = from.frames_per_second;
  if (!from.chroma_source.empty() && !to.chroma_source.empty() &&
      from.chroma_source != to.chroma_source)
    throw InputError(fmt::format("{}: expected chroma made as in {} ({}), found {}", from.path,
                                 to.path, quote(to.chroma_source, 500),
                                 quote(from.chroma_source, 500)));
  if (to.chroma_source.empty()) to.chroma_source = std::move(from.chroma_source);
  check_bands(from, to.bands, to.band_names, "those of " + to.path);
  if (to.band_names.empty()) to.band_names = std::move(from.band_names);
  make_resident(to);
  make_resident(from);
  if (to.type != from.type) {
    make_float(to);
    make_float(from);
  }
  const std::int64_t before = to.songs(), songs = from.songs();
  const std::int64_t first = to.offsets.back();
  for (std::int64_t i = 0; i < songs; ++i) to.offsets.push_back(first + from.offsets[i + 1]);
  to.chroma_float.insert(to.chroma_float.end(), from.chroma_float.begin(), from.chroma_float.end());
  to.chroma_uint8.insert(to.chroma_uint8.end(), from.chroma_uint8.begin(), from.chroma_uint8.end());
  const std::string none;
  join_field(to.work_id, before, std::move(from.work_id), songs, none);
  join_field(to.split, before, std::move(from.split), songs, none);
  join_field(to.title, before, std::move(from.title), songs, none);
  join_field(to.artist, before, std::move(from.artist), songs, none);
  join_field(to.tune_id, before, std::move(from.tune_id), songs, none);
  join_field(to.melodic_similarity, before, std::move(from.melodic_similarity), songs,
             std::numeric_limits<float>::quiet_NaN());
  join_field(to.song_id, before, std::move(from.song_id), songs, none);
}

}  // namespace

SongSet join_song_sets(std::vector<SongSet> sets) {
  if (sets.empty()) return {};
  SongSet all = std::move(sets.front());
  std::unordered_set<std::string> ids(all.song_id.begin(), all.song_id.end());
  for (std::size_t i = 1; i < sets.size(); ++i) {
    for (const std::string& id : sets[i].song_id)
      if (!ids.insert(id).second)
        throw InputError(fmt::format("{}: expected ids that no other set has, found {} in {} too",
                                     sets[i].path, quote(id), all.path));
    append(all, std::move(sets[i]));
  }
  return all;
}

}  // namespace reprise
