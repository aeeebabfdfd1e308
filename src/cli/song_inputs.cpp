#include "cli/commands.h"
#include "reprise/searcher.h"

namespace reprise::cli {

void SongInputs::add_to(CLI::App& command, const std::string& purpose) {
  command.add_option("files", files,
                     "song sets (HDF5), audio, CSV or NumPy files, or folders of them " + purpose);
  command.add_option("--data", data, "same as naming the file")->allow_extra_args(false);
}

std::vector<std::string> SongInputs::paths() const {
  std::vector<std::string> all = files;
  all.insert(all.end(), data.begin(), data.end());
  return all;
}

SongSet read_songs(const std::vector<std::string>& paths, const Model& model,
                   const std::string& name, const DeviceOptions& device, Backend& backend) {
  ProgressLine line;
  ReadContext context = reading_for(model, name, backend, line.observer());
  context.engine = device.engine_maker(backend);
  return reprise::read_songs(paths, context);
}

SongSet read_songs(const std::string& path) {
  ProgressLine line;
  ReadContext context;
  context.observer = line.observer();
  return reprise::read_songs(std::vector{path}, context);
}

}  // namespace reprise::cli
