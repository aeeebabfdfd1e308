#include "reprise/import.h"

#include <fmt/format.h>

#include <unordered_set>
#include <utility>

#include "core/files.h"
#include "core/text.h"
#include "reprise/division.h"
#include "reprise/error.h"

namespace reprise {
namespace {

class Import : public SongSink {
 public:
  Import(const ImportOptions& options, const ImportObserver& observer)
      : options_(options), observer_(observer) {
    if (!options.divide.empty() && !options.split.empty())
      throw SettingsError("import: expected a split of all songs or a division, and not both");
    if (!options.divide.empty()) division_ = parse_division(options.divide, options.seed);
  }

  void begin(const SongSetInfo& info, std::int64_t expected) override {
    SongSetInfo kept = info;
    if (options_.type) kept.type = *options_.type;
    type_ = kept.type;
    counts_.chroma_source = info.chroma_source;
    counts_.expected = expected;
    writer_.emplace(options_.out, kept);
  }

  void add(SongInfo song, std::span<const float> chroma, const SongOrigin& origin) override {
    add_song(std::move(song), chroma, origin);
  }

  void add_set(SongSet set) override {
    if (!writer_)
      begin({set.source, set.chroma_source, set.frames_per_second, set.type, set.bands,
             set.band_names},
            0);
    else if (set.chroma_source != counts_.chroma_source)
      throw InputError(
          fmt::format("{}: expected chroma made as in the sets before it ({}), found {}", set.path,
                      quote(counts_.chroma_source, 500), quote(set.chroma_source, 500)));
    counts_.expected += set.songs();
    for (std::int64_t i = 0; i < set.songs(); ++i) {
      const auto text = [&](const std::vector<std::string>& field) {
        return field.empty() ? std::string() : field[i];
      };
      SongInfo song{set.song_id[i],  set.work_id[i],   set.split[i],
                    text(set.title), text(set.artist), text(set.tune_id)};
      const std::int64_t row = set.width();
      const void* data = set.chroma_of(i).data;
      const auto values = static_cast<std::size_t>(set.frames(i) * row);
      if (set.type == ChromaType::uint8 && type_ == ChromaType::uint8) {
        add_song(std::move(song), std::span(static_cast<const std::uint8_t*>(data), values), {});
      } else {
        std::vector<float> chroma(values);
        const ChromaView view = set.chroma_of(i);
        for (std::size_t at = 0; at < values; ++at)
          chroma[at] = view.at(static_cast<std::int64_t>(at) / row, static_cast<int>(at % row));
        add_song(std::move(song), std::span<const float>(chroma), {});
      }
    }
  }

  void leave_out(LeftOut why, const std::string& song_id, const std::string& work_id,
                 const std::string& detail) override {
    std::int64_t& count = why == LeftOut::missing   ? counts_.missing
                          : why == LeftOut::damaged ? counts_.damaged
                                                    : counts_.duplicates;
    if (++count == 1) first_[static_cast<int>(why)] = tsv_field(detail);
    if (!options_.report.empty())
      report_ += fmt::format("{}\t{}\t{}\t{}\n", name_of(why), tsv_field(song_id),
                             tsv_field(work_id), tsv_field(detail));
    if (observer_) observer_({why, song_id, work_id, detail}, counts_);
  }

  ImportCounts finish() {
    if (!options_.report.empty()) replace_file(options_.report, report_);
    if (counts_.songs == 0) {
      const std::string& first =
          first_[static_cast<int>(counts_.damaged > 0 ? LeftOut::damaged : LeftOut::missing)];
      throw InputError(fmt::format("{}: no song was imported: {} missing, {} damaged{}",
                                   options_.out, counts_.missing, counts_.damaged,
                                   first.empty() ? "" : ": " + first));
    }
    writer_->finish();
    return counts_;
  }

 private:
  template <class Values>
  void add_song(SongInfo song, Values chroma, const SongOrigin& origin) {
    if (!options_.split.empty()) song.split = options_.split;
    if (division_) song.split = division_->split_of(song.work_id);
    if (song.split.empty()) song.split = "test";
    if (ids_.contains(song.song_id))
      return leave_out(LeftOut::duplicate, song.song_id, song.work_id,
                       "the song set already has a song with this id");
    try {
      writer_->add(song, chroma);
    } catch (const UnfitSong& damage) {
      std::string what = damage.what();
      if (!origin.path.empty() && what.starts_with(options_.out))
        what.replace(0, options_.out.size(), origin.path);
      return leave_out(LeftOut::damaged, song.song_id, song.work_id, what);
    }
    ids_.insert(song.song_id);
    counts_.songs = writer_->songs();
    counts_.frames = writer_->frames();
    counts_.audio_seconds += origin.seconds;
    if (observer_) observer_({{}, song.song_id, song.work_id, origin.detail}, counts_);
  }

  const ImportOptions& options_;
  const ImportObserver& observer_;
  std::optional<Division> division_;
  std::optional<SongSetWriter> writer_;
  ChromaType type_ = ChromaType::float32;
  std::unordered_set<std::string> ids_;
  ImportCounts counts_;
  std::string first_[3];  // detail of the first song left out for each reason
  std::string report_ = "status\tsong_id\twork_id\tdetail\n";
};

}  // namespace

std::string_view name_of(LeftOut why) {
  constexpr std::string_view kNames[] = {"missing", "damaged", "duplicate"};
  return kNames[static_cast<int>(why)];
}

ImportCounts import_songs(const Reader& reader, const ReaderValues& values,
                          const ImportOptions& options, ReadContext context,
                          const ImportObserver& observer) {
  values.check();
  context.seed = options.seed;
  Import import(options, observer);
  reader.read(values, context, import);
  return import.finish();
}

}  // namespace reprise
