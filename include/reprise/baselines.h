#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/backend.h"
#include "reprise/fingerprints.h"
#include "reprise/model.h"

namespace reprise {

/// Published fingerprints: `cov` (Kim, Unal & Narayanan 2008), `corr`, `2dftm` (Bertin-Mahieux &
/// Ellis 2012), `2dftm-seed`, `2dftm-pca`, `random`, and the fixed members of the family of audio
/// bigrams (src/baselines/definitions).
std::vector<std::string_view> method_names();

/// A fixed member of the family, by its name or from a file NAME.json (see
/// src/baselines/definition.h), as an untrained model: something to run, or to train from. Throws
/// SettingsError for an unknown name, Error for a file that is not as expected.
Model load_definition(const std::string& name);

/// True where `settings` of the method may hold `name`.
bool method_has_setting(std::string_view method, std::string_view name);

/// `settings` override a method's own parameters (`2dftm*`: patch, hop, power, keep_norm, median,
/// unit_norm; `2dftm-pca`: components too). `2dftm-pca` is fitted on the train split of `fit`.
/// A name that ends in .json is a file's. Throws SettingsError for an unknown name or setting,
/// Error where `fit` has too few train songs.
std::unique_ptr<Fingerprinter> make_fingerprinter(
    std::string_view name, Backend& backend, const SongSet& fit,
    const std::map<std::string, std::string>& settings);

}  // namespace reprise
