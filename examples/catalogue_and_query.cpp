// Makes a catalogue of songs and looks up a recording in it.
//
//   catalogue_and_query MODEL.safetensors CATALOGUE SONGS QUERY
//
// SONGS and QUERY: an audio file, a folder of them, or a song set. The catalogue is a new file.

#include <reprise/reprise.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 5) return std::fprintf(stderr, "expected MODEL CATALOGUE SONGS QUERY\n"), 2;
  try {
    const auto backend = reprise::make_cpu_backend();
    reprise::Catalogue::create(argv[2], argv[1]);
    reprise::Catalogue catalogue(argv[2], reprise::Catalogue::Mode::write);
    const auto context = reprise::reading_for(catalogue.model(), argv[1], *backend);
    catalogue.add(*backend, reprise::read_songs(std::vector<std::string>{argv[3]}, context));

    reprise::Searcher searcher(*backend, argv[2]);
    for (const auto& query : searcher.find_files({argv[4]}, {.top = 3}))
      for (const auto& song : query.found)
        std::printf("%s: %s, similarity %.3f, probability %.3f\n", query.song_id.c_str(),
                    song.song_id.c_str(), double(song.score), song.probability.value_or(-1));
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "%s\n", error.what()), 1;
  }
}
