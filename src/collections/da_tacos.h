#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "collections/song_files.h"

namespace reprise {

/// A kind of chroma that Da-TACOS (Yesiler et al. 2019) and acoss distribute, a dataset of this
/// name [frames, 12] in each file, 44,100 / 512 frames a second.
struct DaTacosFeature {
  std::string name;
  int origin;  ///< semitones of column 0 above C
};

/// hpcp (Essentia: column 0 is A), crema or chroma_cens (column 0 is C). Throws SettingsError.
DaTacosFeature da_tacos_feature(const std::string& name);

inline constexpr double kDaTacosRate = 44100.0 / 512;

/// The feature of a file as a song's chroma: origin moved to C, averaged to `rate` frames a second
/// (0: as it is), each frame's maximum 1.
std::vector<float> read_da_tacos(const std::string& path, const DaTacosFeature& feature,
                                 double rate);

/// The songs below a folder, by path: W_14/P_15.h5, or one feature's W_14_crema/P_15_crema.h5.
/// Files of other names are passed over, as are those of other features.
std::vector<SongFile> da_tacos_files(const std::string& folder, const std::string& feature);

/// Titles and artists of the songs from the JSON file that comes with the features.
void add_da_tacos_titles(const std::string& json_path, std::vector<SongFile>& songs);
void add_da_tacos_titles(std::span<const std::uint8_t> json, const std::string& path,
                         std::vector<SongFile>& songs);

}  // namespace reprise
