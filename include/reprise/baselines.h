#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "reprise/backend.h"
#include "reprise/fingerprints.h"

namespace reprise {

/// Published fingerprints: `cov` (Kim, Unal & Narayanan 2008), `corr`, `2dftm` (Bertin-Mahieux &
/// Ellis 2012), `2dftm-seed`, `2dftm-pca`, and `random`.
std::vector<std::string_view> method_names();

/// True where `settings` of the method may hold `name`.
bool method_has_setting(std::string_view method, std::string_view name);

/// `settings` override a method's own parameters (`2dftm*`: patch, hop, power, keep_norm, median,
/// unit_norm; `2dftm-pca`: components too). `2dftm-pca` is fitted on the train split of `fit`.
/// Throws UsageError for an unknown name or setting, Error where `fit` has too few train songs.
std::unique_ptr<FingerprintMethod> make_method(std::string_view name, Backend& backend,
                                               const SongSet& fit,
                                               const std::map<std::string, std::string>& settings);

}  // namespace reprise
