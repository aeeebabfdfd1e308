#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reprise/song_set_writer.h"

namespace reprise {

/// A file of a song in a collection; the song's split is empty where the collection does not say.
struct SongFile {
  SongInfo song;
  std::string path;

  SongFile(std::string song_id, std::string work_id, std::string file)
      : song{.song_id = std::move(song_id), .work_id = std::move(work_id), .split = ""},
        path(std::move(file)) {}
};

/// acoss' list, `work_id,track_id`: the song of each line is ROOT + work_id + "/" + track_id + ext.
std::vector<SongFile> read_acoss_list(const std::string& path, const std::string& root,
                                      const std::string& extension);
std::vector<SongFile> parse_acoss_list(std::string_view text, const std::string& path,
                                       const std::string& root, const std::string& extension);

/// A list `song_id,work_id,path` (and split, title, artist, tune_id where there are such columns,
/// in any order); relative paths are taken from `folder`. Throws Error naming file and line: no
/// songs, a field of the first three that is empty, an unknown split.
std::vector<SongFile> read_song_list(const std::string& path, const std::string& folder);
std::vector<SongFile> parse_song_list(std::string_view text, const std::string& path,
                                      const std::string& folder);

/// The files with this extension at and below some paths, in order: a file, or one in a folder
/// itself, is a work of its own; those in one folder below are versions of one work, named after
/// it. Throws Error: no such path, no such files in a folder.
std::vector<SongFile> song_files_below(const std::vector<std::string>& paths,
                                       const std::string& extension);

}  // namespace reprise
