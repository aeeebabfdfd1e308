// Turns a collection of your own into a song set: here made-up chroma, a triad a song.
//
//   collection_to_song_set SET.h5
//
// For files of a known format see readers.h; `reprise import --help` lists them.

#include <reprise/reprise.h>

#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "expected SET.h5\n"), 2;
  try {
    reprise::SongSetInfo info;
    info.source = "triads";
    info.chroma_source = "made up";  // sets and models of other chroma are told apart by this
    info.frames_per_second = 2;
    reprise::SongSetWriter writer(argv[1], info);
    for (int root = 0; root < 12; ++root) {
      std::vector<float> chroma(60 * 12);  // [frames, 12], each frame's maximum 1, C first
      for (int frame = 0; frame < 60; ++frame)
        for (const int interval : {0, 4, 7}) chroma[frame * 12 + (root + interval) % 12] = 1;
      reprise::SongInfo song;
      song.song_id = "triad-" + std::to_string(root);
      song.work_id = "triad";  // versions of one work
      song.title = "Major triad";
      writer.add(song, std::span<const float>(chroma));
    }
    writer.finish();
    std::printf("%s: %lld songs\n", argv[1], (long long)reprise::read_song_set(argv[1]).songs());
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "%s\n", error.what()), 1;
  }
}
