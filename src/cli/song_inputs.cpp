#include <utility>

#include "cli/commands.h"
#include "reprise/song_set.h"

namespace reprise::cli {

void SongInputs::add_to(CLI::App& command, const std::string& purpose) {
  command.add_option("files", files, "song sets (HDF5) " + purpose);
  command.add_option("--data", data, "the same as naming the file")->allow_extra_args(false);
}

SongSet SongInputs::read() const {
  std::vector<SongSet> sets;
  for (const std::vector<std::string>* named : {&files, &data})
    for (const std::string& file : *named) sets.push_back(read_song_set(file));
  return join_song_sets(std::move(sets));
}

}  // namespace reprise::cli
