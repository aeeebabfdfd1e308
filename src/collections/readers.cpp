#include "reprise/readers.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

#include "collections/reader_list.h"
#include "core/files.h"
#include "core/text.h"
#include "reprise/error.h"

namespace reprise {
namespace {

const ReaderOption& option_of(const Reader& reader, std::string_view name) {
  for (const ReaderOption& option : reader.options)
    if (option.name == name) return option;
  throw SettingsError(fmt::format("{}: has no option {}", reader.name, quote(name)));
}

bool has_ending(const Reader& reader, const std::string& path) {
  std::string ending = std::filesystem::path(path).extension();
  for (char& c : ending)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return std::find(reader.endings.begin(), reader.endings.end(), ending) != reader.endings.end();
}

bool recognises(const Reader& reader, const std::string& path) {
  return has_ending(reader, path) && (reader.holds == nullptr || reader.holds(path));
}

/// Gathers songs in memory.
class Gathering : public SongSink {
 public:
  Gathering(std::string path, const Observer& observer)
      : path_(std::move(path)), observer_(observer) {}

  void begin(const SongSetInfo& info, std::int64_t expected) override {
    SongSet& set = sets_.emplace_back();
    set.path = path_;
    set.source = info.source;
    set.chroma_source = info.chroma_source;
    set.frames_per_second = info.frames_per_second;
    set.type = info.type;
    set.bands = info.bands;
    set.band_names = info.band_names;
    expected_ = expected;
  }
  void add(SongInfo song, std::span<const float> chroma, const SongOrigin&) override {
    SongSet& set = sets_.back();
    if (set.type == ChromaType::uint8)
      std::transform(chroma.begin(), chroma.end(), std::back_inserter(set.chroma_uint8),
                     chroma_byte);
    else
      set.chroma_float.insert(set.chroma_float.end(), chroma.begin(), chroma.end());
    set.offsets.push_back(set.offsets.back() +
                          static_cast<std::int64_t>(chroma.size()) / set.width());
    set.song_id.push_back(std::move(song.song_id));
    set.work_id.push_back(std::move(song.work_id));
    set.split.push_back(song.split.empty() ? "test" : std::move(song.split));
    set.title.push_back(std::move(song.title));
    set.artist.push_back(std::move(song.artist));
    show();
  }
  void leave_out(LeftOut, const std::string&, const std::string&,
                 const std::string& detail) override {
    problem_ = detail;
    if (expected_ > 1) observer_.tell("left out: " + detail);
    show();
  }
  void add_set(SongSet set) override { sets_.push_back(std::move(set)); }

  /// The songs; throws Error where there are none.
  std::vector<SongSet> finish() {
    for (const SongSet& set : sets_)
      if (set.song_id.empty())
        throw InputError(
            expected_ == 1
                ? problem_
                : fmt::format("{}: expected songs, found none in {} files that could be read",
                              path_, expected_));
    return std::move(sets_);
  }

 private:
  void show() { observer_.show(++done_, expected_, "files"); }

  std::string path_;
  const Observer& observer_;
  std::vector<SongSet> sets_;
  std::int64_t expected_ = 0, done_ = 0;
  std::string problem_;
};

}  // namespace

std::span<const Reader> readers() {
  static const std::vector<Reader> all = all_readers();
  return all;
}

const Reader& reader_named(std::string_view name) {
  for (const Reader& reader : readers())
    if (reader.name == name) return reader;
  throw SettingsError(fmt::format("there is no reader named {}", quote(name)));
}

const Reader& reader_of(const std::string& path) {
  std::error_code status;
  const bool folder = std::filesystem::is_directory(path, status);
  for (const Reader& reader : readers()) {
    if (reader.endings.empty()) continue;
    if (!folder && recognises(reader, path)) return reader;
    if (!folder) continue;
    const auto named = [&](const std::string& file) { return has_ending(reader, file); };
    if (const std::vector<std::string> files = files_below(path, named);
        !files.empty() && recognises(reader, files.front()))
      return reader;
  }
  return reader_named(folder ? "audio" : "song-set");
}

SongSet read_songs(std::span<const std::string> paths, const ReadContext& context) {
  // The files of a format are read together.
  std::vector<std::pair<const Reader*, std::vector<std::string>>> groups;
  for (const std::string& path : paths) {
    const Reader* reader = &reader_of(path);
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& known) { return known.first == reader; });
    if (group == groups.end()) group = groups.insert(groups.end(), {reader, {}});
    group->second.push_back(path);
  }
  std::vector<SongSet> sets;
  for (const auto& [reader, files] : groups) {
    ReaderValues values(*reader);
    for (const std::string& file : files) values.set("paths", file);
    Gathering gathering(files.front(), context.observer);
    reader->read(values, context, gathering);
    std::vector<SongSet> found = gathering.finish();
    std::move(found.begin(), found.end(), std::back_inserter(sets));
  }
  return join_song_sets(std::move(sets));
}

ReaderValues::ReaderValues(const Reader& reader) : reader_(&reader) {
  for (const ReaderOption& option : reader.options)
    if (option.kind == ReaderOption::Kind::texts)
      values_[std::string(option.name)] = {};
    else
      values_[std::string(option.name)] = {std::string(option.initial)};
}

void ReaderValues::set(std::string_view name, std::string_view value) {
  const ReaderOption& option = option_of(*reader_, name);
  std::vector<std::string>& values = values_.find(name)->second;
  if (option.kind == ReaderOption::Kind::texts) {
    values.emplace_back(value);
    return;
  }
  if (option.kind == ReaderOption::Kind::number) {
    const double number = parse_number<double>(name, value);
    if (!(number >= option.low && number <= option.high) ||
        (option.whole && number != static_cast<double>(static_cast<std::int64_t>(number))))
      throw SettingsError(fmt::format("{}: expected {}{:g} to {:g}, found {}", name,
                                      option.whole ? "a whole number from " : "", option.low,
                                      option.high, value));
  }
  const std::string_view choices =
      option.kind == ReaderOption::Kind::flag ? "true|false" : option.choices;
  if (!choices.empty() &&
      fmt::format("|{}|", choices).find(fmt::format("|{}|", value)) == std::string::npos)
    throw SettingsError(
        fmt::format("{}: expected one of {}, found {}", name, choices, quote(value)));
  values = {std::string(value)};
}

void ReaderValues::check() const {
  for (const ReaderOption& option : reader_->options)
    if (option.required && (texts(option.name).empty() || texts(option.name).front().empty()))
      throw SettingsError(fmt::format("{}: expected {}, found none", reader_->name, option.name));
}

const std::vector<std::string>& ReaderValues::texts(std::string_view name) const {
  option_of(*reader_, name);
  return values_.find(name)->second;
}

const std::string& ReaderValues::text(std::string_view name) const {
  static const std::string none;
  const std::vector<std::string>& values = texts(name);
  return values.empty() ? none : values.front();
}

double ReaderValues::number(std::string_view name) const {
  return text(name).empty() ? 0 : parse_number<double>(name, text(name));
}

}  // namespace reprise
