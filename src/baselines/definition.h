#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reprise/model.h"

namespace reprise {

/// Names of the fixed fingerprints that come with the program (definitions/NAME.json).
std::vector<std::string_view> definition_names();

/// The one of that name. Throws SettingsError for an unknown name.
Model shipped_definition(std::string_view name);

/// A fixed fingerprint from JSON text; `where` is for messages. Throws Error.
///   source    where it comes from (text)
///   config    values of parameters(), by name; those it leaves out are the preset's
///   kernels   [K][length]: a frame is one number (of pitch class 0) or 12 of them. Each kernel is
///   a
///             filter in all 12 rotations, so that transposing a song permutes its events; events
///             and event_length follow.
///   biases    [K], zeros where left out
///   windows   [F][up to L], zeros after; a window for each lag alone where left out
Model parse_definition(std::string_view json, const std::string& where);

}  // namespace reprise
