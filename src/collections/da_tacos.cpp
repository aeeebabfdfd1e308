#include "collections/da_tacos.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "collections/chroma_table.h"
#include "collections/frames.h"
#include "core/files.h"
#include "core/text.h"
#include "reprise/error.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kLongestMetadata = std::int64_t{1} << 30;

std::string text_of(const nlohmann::json& song, const char* key) {
  const auto found = song.find(key);
  return found != song.end() && found->is_string() ? to_utf8(found->get<std::string>()) : "";
}

/// "W_14_crema" is work W_14 where `feature` is crema; other endings are none of ours.
std::string without_feature(const std::string& name, const std::string& feature) {
  const std::string ending = "_" + feature;
  return name.ends_with(ending) ? name.substr(0, name.size() - ending.size()) : name;
}

/// W_ or P_ and a number.
bool is_id(const std::string& name, char kind) {
  return name.size() > 2 && name[0] == kind && name[1] == '_' &&
         std::all_of(name.begin() + 2, name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

DaTacosFeature da_tacos_feature(const std::string& name) {
  constexpr int kA = 9;
  if (name == "hpcp") return {name, kA};
  if (name == "crema" || name == "chroma_cens") return {name, 0};
  throw SettingsError(
      fmt::format("feature: expected hpcp, crema or chroma_cens, found {}", quote(name)));
}

std::vector<float> read_da_tacos(const std::string& path, const DaTacosFeature& feature,
                                 double rate) {
  std::vector<float> chroma = read_chroma_hdf5(path, "/" + feature.name);
  move_origin_to_c(chroma, feature.origin);
  if (rate > 0) chroma = average_frames(chroma, kDaTacosRate, rate);
  normalise_frames(chroma);
  return chroma;
}

std::vector<SongFile> da_tacos_files(const std::string& folder, const std::string& feature) {
  std::vector<SongFile> songs;
  for (const fs::path path :
       files_below(folder, [](const fs::path& name) { return name.extension() == ".h5"; })) {
    const std::string song = without_feature(path.stem().string(), feature);
    const std::string work = without_feature(path.parent_path().filename().string(), feature);
    if (is_id(song, 'P') && is_id(work, 'W')) songs.emplace_back(song, work, path.string());
  }
  if (songs.empty())
    throw InputError(fmt::format("{}: expected files W_…/P_….h5 or W_…_{}/P_…_{}.h5, found none",
                                 folder, feature, feature));
  return songs;
}

void add_da_tacos_titles(const std::string& json_path, std::vector<SongFile>& songs) {
  add_da_tacos_titles(read_file(json_path, kLongestMetadata), json_path, songs);
}

void add_da_tacos_titles(std::span<const std::uint8_t> text, const std::string& path,
                         std::vector<SongFile>& songs) {
  const auto json = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
  if (!json.is_object())
    throw InputError(
        fmt::format("{}: expected a JSON object of works, found something else", path));
  for (SongFile& file : songs) {
    const auto work = json.find(file.song.work_id);
    if (work == json.end() || !work->is_object()) continue;
    const auto found = work->find(file.song.song_id);
    if (found == work->end() || !found->is_object()) continue;
    file.song.title = text_of(*found, "perf_title");
    file.song.artist = text_of(*found, "perf_artist");
  }
}

}  // namespace reprise
