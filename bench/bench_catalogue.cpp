// A catalogue of many synthetic songs: how fast songs are added, how large the file is, how long it
// takes to open, how many queries a second it answers, and the most memory that took. As anybody
// would use it: through the public interface, with exact answers.
//
//   bench_catalogue [--songs 1000000] [--frames 40] [--threads 0] [--keep FILE]

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "reprise/op_params.h"
#include "reprise/random.h"
#include "reprise/reprise.h"

namespace {

using namespace reprise;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double peak_gib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / (1 << 20);
}

/// A model of the default preset's size without its projection learned: the search does not care.
Model synthetic_model() {
  Model model;
  model.config = Config::of_preset("reprise");
  Random random(1);
  const auto fill = [&](std::vector<float>& values, std::size_t count) {
    values.resize(count);
    for (float& value : values) value = random.normal();
  };
  fill(model.weights, static_cast<std::size_t>(bigram_params(model.config).weights()));
  const auto dims = static_cast<std::size_t>(model.config.projection);
  fill(model.projection_weight,
       dims * static_cast<std::size_t>(bigram_params(model.config).dims()));
  fill(model.projection_bias, dims);
  for (float& value : model.key_template) value = random.uniform();
  return model;
}

/// Songs with ids from `first` on, and fingerprints in 20,000 clusters, as songs are not all alike.
struct Batch {
  SongSet songs;
  Fingerprints fingerprints;
};

Batch batch_of(std::int64_t first, std::int64_t count, int frames, int dims) {
  Batch batch;
  batch.songs.type = ChromaType::uint8;
  batch.fingerprints.songs = count;
  batch.fingerprints.dims = dims;
  for (std::int64_t i = first; i < first + count; ++i) {
    Random random(static_cast<std::uint64_t>(i) + 1);
    for (int t = 0; t < frames * kPitchClasses; ++t) {
      const float value = random.uniform();
      batch.songs.chroma_uint8.push_back(static_cast<std::uint8_t>(255 * value * value * value));
    }
    batch.songs.offsets.push_back(batch.songs.offsets.back() + frames);
    batch.songs.song_id.push_back(fmt::format("song-{:08}", i));
    batch.songs.work_id.push_back(fmt::format("work-{:07}", i / 3));
    batch.songs.split.emplace_back("test");
    batch.songs.title.push_back(fmt::format("Title number {}", i / 3));
    batch.songs.artist.push_back(fmt::format("Artist {}", i % 5000));
    Random cluster(static_cast<std::uint64_t>(i % 20'000) + 7'000'000'000);
    for (int d = 0; d < dims; ++d)
      batch.fingerprints.values.push_back(cluster.normal() + random.normal());
    batch.fingerprints.rolls.push_back(static_cast<std::int32_t>(i % kPitchClasses));
  }
  return batch;
}

void measure(std::int64_t songs, int frames, int threads, const std::string& path) {
  constexpr std::int64_t kBatch = 10'000;
  const Model model = synthetic_model();
  const std::string model_path = path + ".model.safetensors";
  write_model(model_path, model);
  double adding = 0;
  if (!std::filesystem::exists(path)) {
    Catalogue::create(path, model_path);
    Catalogue to(path, Catalogue::Mode::write);
    for (std::int64_t first = 0; first < songs; first += kBatch) {
      const Batch batch = batch_of(first, std::min(kBatch, songs - first), frames, model.dims());
      const auto start = Clock::now();
      to.add(batch.songs, batch.fingerprints, false);
      adding += seconds_since(start);
    }
    fmt::print("added       {:10.0f} songs/s, {} a transaction ({:.1f} s)\n", songs / adding,
               kBatch, adding);
  }
  fmt::print("file        {:10.3f} GB, {:.0f} bytes a song\n",
             static_cast<double>(std::filesystem::file_size(path)) / 1e9,
             static_cast<double>(std::filesystem::file_size(path)) / static_cast<double>(songs));

  const double before = peak_gib();
  auto start = Clock::now();
  const Catalogue from(path);
  const std::vector<CatalogueSong> all = from.songs();
  const double listing = seconds_since(start);
  const auto backend = make_cpu_backend(threads);
  const Index index(*backend, from.size(), model.dims(), ScanFormat::int8, from.vectors(all));
  fmt::print("opened      {:10.2f} s, of which the list of songs {:.2f} s\n", seconds_since(start),
             listing);
  fmt::print("memory      {:10.2f} GiB at most ({:.2f} before opening)\n", peak_gib(), before);

  // Looked up in two keys, as the default model does; one of each batch's songs, changed a little.
  const auto queries_of = [&](std::int64_t count) {
    Fingerprints queries;
    queries.songs = count;
    queries.keys = 2;
    queries.dims = model.dims();
    for (std::int64_t q = 0; q < count; ++q) {
      const Fingerprints song = batch_of(q * 97 % songs, 1, 1, model.dims()).fingerprints;
      Random random(static_cast<std::uint64_t>(q) + 99);
      for (int key = 0; key < 2; ++key)
        for (const float value : song.values)
          queries.values.push_back((key == 0 ? value : 0) + random.normal());
      queries.rolls.insert(queries.rolls.end(), {0, 5});
    }
    return queries;
  };
  std::int64_t found = 0;
  for (const std::int64_t count : {1, 100, 10'000}) {
    const Fingerprints queries = queries_of(count);
    std::vector<double> times;
    for (int repeat = 0; repeat < (count == 1 ? 21 : count == 100 ? 5 : 1); ++repeat) {
      start = Clock::now();
      const auto matches = index.search(queries, 10);
      times.push_back(seconds_since(start));
      found = 0;
      for (std::int64_t q = 0; q < count; ++q)
        found += matches[q].front().candidate == q * 97 % songs;
    }
    std::sort(times.begin(), times.end());
    const double median = times[times.size() / 2];
    fmt::print(
        "queries     {:10.1f} a second, {} at once ({:.4f} s, best {:.4f}; {:.1f} % first)\n",
        static_cast<double>(count) / median, count, median, times.front(),
        100.0 * static_cast<double>(found) / static_cast<double>(count));
  }
  fmt::print("memory      {:10.2f} GiB at most\n", peak_gib());
  std::filesystem::remove(model_path);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Measures a catalogue of many synthetic songs."};
  std::int64_t songs = 1'000'000;
  int frames = 40, threads = 0;
  std::string keep;
  app.add_option("--songs", songs, "songs to add")->check(CLI::Range(1, 100'000'000));
  app.add_option("--frames", frames, "frames of chroma a song")->check(CLI::Range(1, 10'000));
  app.add_option("--threads", threads, "threads of the search; 0: one a core");
  app.add_option("--keep", keep, "catalogue to keep, or to use again; else a temporary file");
  CLI11_PARSE(app, argc, argv);
  const std::string path = keep.empty() ? (std::filesystem::temp_directory_path() /
                                           fmt::format("bench-catalogue-{}.reprise", ::getpid()))
                                              .string()
                                        : keep;
  try {
    measure(songs, frames, threads, path);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_catalogue: {}\n", error.what());
    return 1;
  }
  if (keep.empty()) std::filesystem::remove(path);
  return 0;
}
