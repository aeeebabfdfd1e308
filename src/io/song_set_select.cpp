#include "reprise/song_set.h"

namespace reprise {
namespace {

template <class T>
void select_field(const std::vector<T>& from, std::span<const std::int64_t> numbers,
                  std::vector<T>& to) {
  if (from.empty()) return;
  to.reserve(numbers.size());
  for (const std::int64_t song : numbers) to.push_back(from[song]);
}

}  // namespace

SongSet SongSet::select(std::span<const std::int64_t> numbers,
                        std::span<const Excerpt> parts) const {
  SongSet some;
  some.path = path;
  some.source = source;
  some.frames_per_second = frames_per_second;
  some.chroma_source = chroma_source;
  some.type = type;
  some.bands = bands;
  some.band_names = band_names;
  const auto rows_of = [&](std::size_t i) { return parts.empty() ? whole(numbers[i]) : parts[i]; };
  for (std::size_t i = 0; i < numbers.size(); ++i)
    some.offsets.push_back(some.offsets.back() + rows_of(i).frames);
  const auto copy = [&]<class T>(std::vector<T>& to) {
    to.reserve(static_cast<std::size_t>(some.frames()) * width());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const Excerpt rows = rows_of(i);
      const T* first = static_cast<const T*>(chroma().from(rows.first).data);
      to.insert(to.end(), first, first + std::int64_t{rows.frames} * width());
    }
  };
  if (type == ChromaType::uint8)
    copy(some.chroma_uint8);
  else
    copy(some.chroma_float);
  select_field(song_id, numbers, some.song_id);
  select_field(work_id, numbers, some.work_id);
  select_field(split, numbers, some.split);
  select_field(title, numbers, some.title);
  select_field(artist, numbers, some.artist);
  select_field(tune_id, numbers, some.tune_id);
  select_field(melodic_similarity, numbers, some.melodic_similarity);
  return some;
}

}  // namespace reprise
