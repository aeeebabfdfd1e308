#pragma once

#include <string>

#include "reprise/random.h"
#include "reprise/song_set.h"

namespace reprise {

/// A small set whose works can be told apart: every work has a melody of its own, each of its songs
/// plays it in another key, at another speed, with other noise. Splits: train, validation, test of
/// `works` works each with `versions` songs, and as many noise songs as works.
inline SongSet small_set(int works, int versions, int frames = 120) {
  SongSet set;
  set.path = "small set";
  set.source = "test";
  const auto add = [&](const std::string& id, const std::string& work, const std::string& split,
                       std::uint64_t melody_seed, std::uint64_t song_seed) {
    Random song(song_seed);
    const int key = int(song.below(12));
    const float speed = song.uniform(0.8f, 1.25f);
    const int length = int(float(frames) / speed);
    for (int t = 0; t < length; ++t) {
      Random note(Random::derive(melody_seed, std::uint64_t(float(t) * speed / 3)));
      const int pitch = int(note.below(7)) * 2 % 12;  // few pitch classes: order matters
      for (int c = 0; c < 12; ++c)
        set.chroma_float.push_back((c == (pitch + key) % 12 ? 0.9f : 0.0f) + 0.1f * song.uniform());
    }
    set.offsets.push_back(set.offsets.back() + length);
    set.song_id.push_back(id);
    set.work_id.push_back(work);
    set.split.push_back(split);
    set.title.push_back("Title of " + work);
    set.artist.push_back("Player of " + id);
  };
  std::uint64_t seed = 1;
  for (const char* split : {"train", "validation", "test"})
    for (int w = 0; w < works; ++w) {
      const std::string work = std::string(split) + "-w" + std::to_string(w);
      const std::uint64_t melody = ++seed * 1000;
      for (int v = 0; v < versions; ++v)
        add(work + "-" + std::to_string(v), work, split, melody, ++seed * 77);
    }
  for (int w = 0; w < works; ++w) {
    const std::string id = "noise-" + std::to_string(w);
    const std::uint64_t melody = ++seed * 1000;
    add(id, id, "noise", melody, ++seed * 77);
  }
  return set;
}

}  // namespace reprise
