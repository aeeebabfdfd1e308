#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

namespace reprise {

/// A track of a list of covers.
struct ShsTrack {
  std::string track_id;
  std::string artist_id;          ///< empty where the list does not say
  std::int64_t performance = -1;  ///< of secondhandsongs.com; -1: unknown
};

/// A clique of covers.
struct ShsWork {
  std::string work_id;  ///< unique in the list
  std::string title;
  std::vector<ShsTrack> tracks;
};

/// Lists of covers in the Million Song Dataset, all of one shape: lines of comments (#), of works
/// (%), and of tracks. Told apart by their lines:
///   SHS train and test    %72636,4253, My Sweet Lord      TRACK<SEP>ARTIST<SEP>PERFORMANCE
///   pruned (shs_pruned)   %…, title                       TRACK<SEP>…
///   pruned (shs_nodup)    %name                           TRACK
///   500 queries           %number                         TRACK, three a block: query, cover,
///   other
/// SHS's work ids, joined by +, name a work (some are negative: titles repeat and say nothing);
/// works without ids are named INDEX_name, the index counting from 0 in the list.
std::vector<ShsWork> read_shs_list(std::istream& in, const std::string& path);
std::vector<ShsWork> read_shs_list(const std::string& path);

/// The list of 500 queries as works: query and cover are one, the other song is alone; blocks that
/// share a track in these places are one work. `list` is as read_shs_list gives it.
std::vector<ShsWork> works_of_queries(const std::vector<ShsWork>& list, const std::string& path);

/// train, validation or test where the file's name says so, else empty.
std::string split_of_name(const std::string& path);

}  // namespace reprise
