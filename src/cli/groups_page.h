#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "reprise/catalogue.h"

namespace reprise::cli {

/// A song's place among the works of a catalogue.
struct GroupedSong {
  CatalogueSong song;
  std::int64_t group = 0;  ///< from 0
  std::string closest;     ///< id of the song of its group most likely a version; or empty
  double probability = 0;  ///< of that song
};

/// Comma-separated values with a head line, in the order given (RFC 4180).
std::string groups_csv(std::span<const GroupedSong> songs);

/// One HTML page that needs no other file: the groups of more than one song, the largest first,
/// then how many songs are alone. how: a sentence on what makes a group; songs: those of a group
/// one after another.
std::string groups_page(const std::string& title, const std::string& how,
                        std::span<const GroupedSong> songs);

}  // namespace reprise::cli
