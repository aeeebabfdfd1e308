#pragma once

#include <string>
#include <vector>

#include "collections/song_files.h"
#include "reprise/audio.h"
#include "reprise/song_set.h"

namespace reprise::cli {

/// Whether a path is a folder, or its name ends as an audio file's does.
bool is_audio(const std::string& path);

/// The audio files of paths: files as they are, folders with all files below them whose names end
/// as audio files' do, in the order of their names. song_id is the path within the folder that was
/// named, or the file's name; work_id is the same. Throws Error: no such file, no audio in a
/// folder, two files of one id.
std::vector<SongFile> audio_files(const std::vector<std::string>& paths);

/// Throws Error where two files have one id, before hours of work.
void require_different_ids(const std::vector<SongFile>& files);

/// What a song set says of chroma made with these settings.
SongSetInfo info_of_audio(const ChromaSettings& settings);

/// The songs of audio files, with progress; files that cannot be read are named on standard error.
/// Throws Error where none can. `engine`: as read_audio_files has it.
SongSet read_audio(const std::vector<SongFile>& files, const ChromaSettings& settings,
                   ChromaEngine* engine);

}  // namespace reprise::cli
