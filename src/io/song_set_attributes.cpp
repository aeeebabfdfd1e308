#include "io/song_set_attributes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/text.h"
#include "reprise/error.h"

namespace reprise {
namespace {

constexpr const char* kFormat = "reprise-songs";
constexpr std::int64_t kVersion = 1;

void check_format(const hdf5::Reader& file) {
  const auto format = file.text_attribute("/", "format");
  if (format != kFormat)
    throw InputError(fmt::format("{}: attribute format: expected '{}', found {}", file.path(),
                                 kFormat, format ? quote(*format) : "none"));
  const auto version = file.integer_attribute("/", "version");
  if (version != kVersion)
    throw InputError(fmt::format("{}: attribute version: expected {}, found {}", file.path(),
                                 kVersion, version ? std::to_string(*version) : "none"));
}

}  // namespace

SongSetInfo read_song_set_attributes(const hdf5::Reader& file) {
  check_format(file);
  SongSetInfo info;
  info.source = file.text_attribute("/", "source").value_or("");
  info.chroma_source = file.text_attribute("/", "chroma").value_or("");
  info.frames_per_second = file.real_attribute("/", "frames_per_second").value_or(0);
  const std::int64_t bands = file.integer_attribute("/", "bands").value_or(1);
  if (bands < 1 || bands > kMaxBands)
    throw InputError(fmt::format("{}: attribute bands: expected 1 to {}, found {}", file.path(),
                                 kMaxBands, bands));
  info.bands = static_cast<int>(bands);
  if (const auto names = file.text_attribute("/", "band_names"))
    info.band_names = comma_separated(*names);
  return info;
}

void write_song_set_attributes(hdf5::Writer& file, const SongSetInfo& info) {
  file.attribute("format", std::string(kFormat));
  file.attribute("version", kVersion);
  file.attribute("source", info.source);
  if (!info.chroma_source.empty()) file.attribute("chroma", info.chroma_source);
  if (info.frames_per_second > 0) file.attribute("frames_per_second", info.frames_per_second);
  if (info.bands != 1) file.attribute("bands", std::int64_t{info.bands});
  if (!info.band_names.empty())
    file.attribute("band_names", fmt::format("{}", fmt::join(info.band_names, ",")));
}

}  // namespace reprise
