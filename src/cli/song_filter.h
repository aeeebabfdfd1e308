#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "reprise/catalogue.h"

namespace reprise::cli {

/// `--where`: which songs of a catalogue or set are searched.
struct SongFilter {
  std::vector<std::string> conditions;
  void add_to(CLI::App& command);
  /// The songs that meet all conditions. Throws UsageError for a condition that is none.
  std::vector<CatalogueSong> of(std::vector<CatalogueSong> songs) const;
};

}  // namespace reprise::cli
