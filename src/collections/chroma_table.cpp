#include "collections/chroma_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <unordered_set>

#include "core/files.h"
#include "core/lines.h"
#include "core/text.h"
#include "io/hdf5_reader.h"
#include "io/npy.h"
#include "reprise/error.h"
#include "reprise/view.h"

namespace reprise {
namespace {

// A song of ten hours at a hundred frames a second, and a few of them a line.
constexpr std::size_t kLongestSong = std::size_t{1} << 30;

std::vector<float> parse_hdf5(const hdf5::Reader& file, const std::string& name) {
  const hdf5::Dataset source = file.dataset(name, {hdf5::kAny, kPitchClasses});
  if (source.shape[0] == 0)
    throw InputError(fmt::format("{}: {}: expected frames, found none", file.path(), name));
  return file.rows<float>(source, 0, source.shape[0]);
}

}  // namespace

std::vector<float> read_chroma_csv(std::istream& in, const std::string& path, FirstLine first,
                                   bool time) {
  Lines lines(in, path);
  std::vector<float> chroma, values;
  const std::size_t ahead = time ? 1 : 0;
  for (std::string line; lines.next(line);) {
    if (lines.number() == 1 && first == FirstLine::header) continue;
    if (line.empty()) continue;
    const bool numbers = parse_numbers(line, ',', values);
    if (!numbers && lines.number() == 1 && first == FirstLine::automatic) continue;
    if (!numbers) lines.fail("numbers between commas", line);
    if (values.size() != kPitchClasses + ahead)
      throw InputError(fmt::format(
          "{}: line {}: expected {} columns, found {}{}", path, lines.number(),
          kPitchClasses + ahead, values.size(),
          !time && values.size() == kPitchClasses + 1 ? "; the first may be a time" : ""));
    chroma.insert(chroma.end(), values.begin() + static_cast<std::ptrdiff_t>(ahead), values.end());
    if (chroma.size() > kLongestSong) lines.fail("a song", "more frames than one has");
  }
  if (chroma.empty()) throw InputError(fmt::format("{}: expected frames, found none", path));
  return chroma;
}

std::vector<float> read_chroma_csv(const std::string& path, FirstLine first, bool time) {
  std::ifstream file = open_text(path);
  return read_chroma_csv(file, path, first, time);
}

std::vector<float> read_chroma_npy(const std::string& path, bool transposed) {
  Npy array = read_npy(path);
  const std::size_t axis = transposed ? 0 : 1;
  if (array.shape.size() != 2 || array.shape[axis] != kPitchClasses || array.values.empty())
    throw InputError(fmt::format(
        "{}: expected shape ({}), found ({}){}", path, transposed ? "12, frames" : "frames, 12",
        fmt::join(array.shape, ", "),
        array.shape.size() == 2 && array.shape[1 - axis] == kPitchClasses ? "; it may be transposed"
                                                                          : ""));
  if (!transposed) return std::move(array.values);
  const auto frames = static_cast<std::size_t>(array.shape[1]);
  std::vector<float> chroma(array.values.size());
  for (std::size_t t = 0; t < frames; ++t)
    for (std::size_t c = 0; c < kPitchClasses; ++c)
      chroma[t * kPitchClasses + c] = array.values[c * frames + t];
  return chroma;
}

std::vector<float> read_chroma_hdf5(const std::string& path, const std::string& dataset) {
  return parse_hdf5(hdf5::Reader(path), dataset);
}

std::vector<float> parse_chroma_hdf5(std::span<const std::uint8_t> image, const std::string& path,
                                     const std::string& dataset) {
  return parse_hdf5(hdf5::Reader(image, path), dataset);
}

std::unordered_map<std::int64_t, std::string> read_track_numbers(std::istream& in,
                                                                 const std::string& path) {
  std::unordered_map<std::int64_t, std::string> tracks;
  std::unordered_set<std::string> seen;
  Lines lines(in, path);
  for (std::string line; lines.next(line);) {
    if (line.empty()) continue;
    const std::size_t comma = line.find(',');
    std::int64_t number = 0;
    const char* const end = line.data() + line.size();
    const auto [stop, status] =
        std::from_chars(line.data() + std::min(comma + 1, line.size()), end, number);
    if (comma == 0 || comma == line.npos || status != std::errc() || stop != end)
      lines.fail("a track, a comma and a whole number", line);
    const std::string track = line.substr(0, comma);
    if (!seen.insert(track).second || !tracks.emplace(number, track).second)
      lines.fail("each track and each number once", line);
  }
  if (tracks.empty())
    throw InputError(fmt::format("{}: expected tracks and numbers, found none", path));
  return tracks;
}

ClyChroma::ClyChroma(std::istream& in, const std::string& path) : in_(in), path_(path) {
  Lines lines(in_, path_);
  std::string line;
  if (!lines.next(line) || line != "chroma") lines.fail("the line 'chroma'", line);
}

bool ClyChroma::next(std::int64_t& number, std::vector<float>& chroma) {
  // Lines counts from 1; the whole file's count is kept here.
  Lines lines(in_, path_, kLongestSong, line_);
  std::string line;
  do {
    if (!lines.next(line)) return false;
  } while (line.empty());
  const char* const end = line.data() + line.size();
  const auto [stop, status] = std::from_chars(line.data(), end, number);
  if (status != std::errc() || stop != end) lines.fail("the number of a song", line);
  if (!lines.next(line)) lines.fail("the values of song " + std::to_string(number), "the end");
  if (!parse_numbers(line, ',', chroma)) lines.fail("numbers between commas", line);
  if (chroma.empty() || chroma.size() % kPitchClasses != 0)
    lines.fail("frames of 12 values", fmt::format("{} values", chroma.size()));
  line_ = lines.number();
  return true;
}

}  // namespace reprise
