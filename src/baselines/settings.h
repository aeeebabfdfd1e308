#pragma once

#include <map>
#include <string>
#include <string_view>

#include "reprise/params.h"

namespace reprise {

/// What can be set of a published fingerprint.
struct MethodSettings {
  Ftm2dParams ftm2d;
  int components = 200;  ///< of `2dftm-pca` (Bertin-Mahieux & Ellis 2012 kept 50, 100 and 200)
};

/// The settings of a method with `values` in place of its own. Throws SettingsError for a setting
/// that the method does not have, and for a value that is no number or out of range.
MethodSettings method_settings(std::string_view method,
                               const std::map<std::string, std::string>& values);

}  // namespace reprise
