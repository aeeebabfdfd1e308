#include <utility>

#include "cli/audio_inputs.h"
#include "cli/commands.h"
#include "reprise/song_set.h"

namespace reprise::cli {

void SongInputs::add_to(CLI::App& command, const std::string& purpose) {
  command.add_option("files", files,
                     "song sets (HDF5), audio files or folders of audio " + purpose);
  command.add_option("--data", data, "same as naming the file")->allow_extra_args(false);
}

SongSet SongInputs::read(const Model& model, const std::string& name, const DeviceOptions& device,
                         Backend& backend) const {
  std::vector<SongSet> sets;
  std::vector<std::string> audio;
  for (const std::vector<std::string>* named : {&files, &data})
    for (const std::string& file : *named)
      if (is_audio(file))
        audio.push_back(file);
      else
        sets.push_back(read_song_set(file));
  if (!audio.empty()) {
    const ChromaSettings settings = model.chroma_source.empty()
                                        ? ChromaSettings()
                                        : ChromaSettings::of_description(model.chroma_source, name);
    const auto engine = device.chroma_engine(backend, settings);
    sets.push_back(read_audio(audio_files(audio), settings, engine.get()));
    sets.back().path = audio.front();
  }
  return join_song_sets(std::move(sets));
}

}  // namespace reprise::cli
