#include "collections/read_files.h"

#include <filesystem>

#include "reprise/error.h"

namespace reprise {

void read_files(const SongSetInfo& info, const std::vector<SongFile>& files, const LoadChroma& load,
                SongSink& sink) {
  sink.begin(info, std::ssize(files));
  for (const SongFile& file : files) {
    std::vector<float> chroma;
    try {
      chroma = load(file.path);
    } catch (const Error& error) {
      sink.leave_out(std::filesystem::exists(file.path) ? LeftOut::damaged : LeftOut::missing,
                     file.song.song_id, file.song.work_id, error.what());
      continue;
    }
    sink.add(file.song, chroma, {.path = file.path});
  }
}

}  // namespace reprise
