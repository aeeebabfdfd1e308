#pragma once

#include <string>
#include <vector>

#include "reprise/audio.h"
#include "reprise/song_set.h"

namespace reprise::cli {

/// Whether a path is a folder, or its name ends as an audio file's does.
bool is_audio(const std::string& path);

/// The audio files of paths: files as they are, folders with all files below them whose names end
/// as audio files' do, in the order of their names. song_id is the path within the folder that was
/// named, or the file's name; work_id is the same. Throws Error: no such file, no audio in a
/// folder.
std::vector<AudioSong> audio_files(const std::vector<std::string>& paths);

/// The songs of audio files, with progress; files that cannot be read are named on standard error.
/// verbose: a line on standard output for every file that can. Throws Error where none can.
SongSet read_audio(const std::vector<AudioSong>& files, const ChromaSettings& settings, int threads,
                   bool verbose = false);

}  // namespace reprise::cli
