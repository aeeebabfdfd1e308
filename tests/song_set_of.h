#pragma once

#include <string>
#include <vector>

#include "random_chroma.h"
#include "reprise/song_set.h"

namespace reprise {

/// A song for song_set_of.
struct TestSong {
  std::string id;
  std::string work;
  std::string split = "test";
  std::vector<float> chroma;  ///< [frames, 12]; empty: 20 random frames that follow from the number
};

inline SongSet song_set_of(const std::vector<TestSong>& songs) {
  SongSet set;
  set.path = "songs.h5";
  for (const TestSong& song : songs) {
    const std::vector<float> chroma =
        song.chroma.empty() ? random_chroma(20, set.song_id.size() + 1) : song.chroma;
    set.chroma_float.insert(set.chroma_float.end(), chroma.begin(), chroma.end());
    set.offsets.push_back(static_cast<std::int64_t>(set.chroma_float.size()) / kPitchClasses);
    set.song_id.push_back(song.id);
    set.work_id.push_back(song.work);
    set.split.push_back(song.split);
  }
  return set;
}

/// Chroma rolled up by some semitones.
inline std::vector<float> transposed(const std::vector<float>& chroma, int roll) {
  std::vector<float> out(chroma.size());
  for (std::size_t i = 0; i < chroma.size(); ++i)
    out[i / kPitchClasses * kPitchClasses + (i + roll) % kPitchClasses] = chroma[i];
  return out;
}

}  // namespace reprise
