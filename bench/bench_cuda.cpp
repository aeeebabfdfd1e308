// What each kernel moves and computes for a song, a query or a batch, counted from how it cuts its
// work, with the time that an H100's limits allow; then, where there is a device, its measured
// limits, songs a second, bigrams beside those of the unfused path, and training steps a second.
// Without a device it says so after the counts. bench_cuda_search has more of searches.

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <string_view>

#include "backend/cuda/unfused.h"
#include "cuda_counts.h"
#include "op_cases.h"
#include "reprise/backend.h"
#include "reprise/error.h"

namespace {

using namespace reprise;
using counts::Counts;

struct Work {
  std::string name;
  BigramParams params;
  int frames;
};

std::vector<Work> works() {
  const auto params = [](int events) {
    return bigram_case_params(events, 1, 12, lag_range(-5, 6), false, Pooling::sum,
                              Compression::tanh, false);
  };
  const BigramParams preset = bigram_case_params(24, 4, 20, default_lags(), true, Pooling::mean,
                                                 Compression::signed_root, true);
  return {{"seed2016 N=12", params(12), 512},
          {"seed2016 N=24", params(24), 512},
          {"seed2016 N=64", params(64), 512},
          {"reprise", preset, 256}};
}

// A song of audio, and what its chroma takes.
constexpr int kAudioSeconds = 180;

CutSong audio_song(std::uint64_t seed) {
  const ChromaSettings settings;
  return cut_song(random_values(std::int64_t(settings.rate) * kAudioSeconds, 0.1f, seed), settings,
                  chroma_tables(settings));
}

struct Ftm2dWork {
  std::string name;
  Ftm2dParams params;
  int frames;
};

std::vector<Ftm2dWork> ftm2d_works() {
  return {{"hop 1, median", {}, 1000}, {"hop 64, mean", {64, 64, 2, false, false, false}, 1000}};
}

// The default preset's, of training.
constexpr int kStepPairs = 48, kStepFrames = 300;

AugmentParams step_augment() {
  AugmentParams augment;
  augment.crop = works().back().frames;
  augment.stretch_low = 0.75f;
  augment.stretch_high = 1.35f;
  augment.drop = augment.noise = 0.05f;
  augment.power_low = 0.6f;
  augment.power_high = 1.6f;
  augment.power_share = 0.5f;
  return augment;
}

void print_row(const std::string& kernel, const std::string& of, const Counts& c) {
  const auto limit = c.limit(), least = c.least_limit();
  fmt::print("| {} | {} | {:.4g} | {:.4g} | {:.4g} | {:.3g} | {:.3g} | {} |\n", kernel, of,
             c.bytes * 1e-3, c.least * 1e-3, c.operations() * 1e-6, limit.seconds * 1e6,
             least.seconds * 1e6,
             std::string_view(limit.name) == least.name
                 ? std::string(limit.name)
                 : fmt::format("{}, cached {}", limit.name, least.name));
}

void print_counts() {
  fmt::print(
      "counted from the code, chroma as bytes; limits of an H100: {:.2f} TB/s, {:.0f} TFLOP/s "
      "fp32, {:.0f} fp64, {:.0f} tf32, {:.0f} bf16, {:.0f} TOP/s int8, {:.1f} of other "
      "instructions\n\n",
      counts::kMemory * 1e-12, counts::kFp32 * 1e-12, counts::kFp64 * 1e-12, counts::kTf32 * 1e-12,
      counts::kBf16 * 1e-12, counts::kInt8 * 1e-12, counts::kInstructions * 1e-12);
  fmt::print(
      "| kernels | of | kB | least kB | M operations | us | least us | limit |\n"
      "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |\n");
  for (const Work& w : works()) {
    const std::string song = fmt::format("{}, {} frames", w.name, w.frames);
    print_row("bigrams, forward", song, counts::bigram_forward(w.params, w.frames, 1));
    print_row("the same, unfused", song, counts::unfused_forward(w.params, w.frames, 1));
    print_row("bigrams, backward", song, counts::bigram_backward(w.params, w.frames, 1));
    print_row("the same, unfused", song, counts::unfused_backward(w.params, w.frames, 1));
  }
  const BigramParams preset = works().back().params;
  print_row("intervals", "reprise", counts::interval_sums(preset));
  for (const EventLayerCase& c : event_layer_cases()) {
    if (c.name != "first_of_2conv" && c.name != "second_of_2conv") continue;
    print_row("event layer, forward", c.name, counts::event_layer_forward(c.params));
    print_row("event layer, backward", c.name, counts::event_layer_backward(c.params));
  }
  print_row("patchwork", "a song", counts::patchwork({}));
  print_row("augment", fmt::format("an excerpt of {} frames", kStepFrames),
            counts::augment(step_augment(), kStepFrames));
  const std::string batch = fmt::format("{} pairs of {} values", kStepPairs, preset.dims());
  for (const auto& [name, kind] : {std::pair{"nt_xent", Loss::nt_xent},
                                   {"triplet", Loss::triplet},
                                   {"contrastive", Loss::contrastive}})
    print_row(fmt::format("loss, {}", name), batch,
              counts::loss(kind, 2 * kStepPairs, preset.dims()));
  print_row("adam", fmt::format("{} weights", preset.weights()), counts::adam(preset.weights()));
  print_row("unit rows", "a row of 256", counts::unit_row(256));

  constexpr std::int64_t kCatalogue = 1'000'000;
  const std::pair<const char*, ScanFormat> precisions[] = {
      {"fp32", ScanFormat::fp32}, {"bf16", ScanFormat::bf16}, {"int8", ScanFormat::int8}};
  for (const auto& [name, format] : precisions)
    if (format != ScanFormat::fp32)
      print_row(fmt::format("quantise, {}", name), "a row of 256",
                counts::prepare_scan(256, format));
  for (const counts::Search& s :
       {counts::Search{1, 12, kCatalogue, 256}, counts::Search{1200, 1, kCatalogue, 256}})
    for (const auto& [name, format] : precisions)
      print_row(fmt::format("search, {}, {}", s.streams() ? "streaming" : "tiled", name),
                fmt::format("{} x {} keys, 1e6 x 256", s.queries, s.keys),
                counts::search(s, format));
  print_row("topk", "a query, 264 lists of 64", counts::search_finish(12, 256, 264, 64, 10));
  print_row("similarities", "1200 queries, 1e5 x 256",
            counts::similarities({1200, 1, 100'000, 256}));

  for (const Ftm2dWork& w : ftm2d_works())
    print_row("2DFTM", fmt::format("{} frames, {}", w.frames, w.name),
              counts::ftm2d(w.params, w.frames));
  const Counts audio = counts::chroma(audio_song(1));
  print_row("chroma, with cuFFT", fmt::format("{} s of audio", kAudioSeconds), audio);
  print_row("alignment, preparing", "a song of 1000 frames", counts::alignment_song(1000));
  print_row("alignment", "a pair of 1000 frames", counts::alignment(1000));
  fmt::print("\nPCIe 5 brings the {} s of audio to the device in {:.0f} us\n", kAudioSeconds,
             audio.least / counts::kHost * 1e6);
}

// From samples in host memory to chroma in host memory.
void measure_chroma(Backend& backend) {
  const auto engine = backend.chroma_engine(chroma_tables({}));
  std::vector<CutSong> songs;
  for (std::uint64_t seed = 0; seed < 32; ++seed) songs.push_back(audio_song(seed));
  double least = 1e9;
  for (int run = 0; run < 6; ++run) {  // the first makes room
    const auto begin = std::chrono::steady_clock::now();
    engine->chroma(songs);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (run > 0) least = std::min(least, took.count() / double(songs.size()));
  }
  const double limit = counts::chroma(songs[0]).seconds();
  fmt::print(
      "\nchroma of {} s of audio: {:.1f} us, {:.2f}M x real time, {:.0f} % of the H100's limit\n",
      kAudioSeconds, least * 1e6, 1e-6 * kAudioSeconds / least, 100 * limit / least);
}

// Seconds of one call of `ops`, captured: the least of five runs of at least 0.1 s.
double seconds(Backend& backend, const std::function<void()>& ops) {
  const auto graph = backend.capture(ops);
  const Buffer<float> last(backend, 1);
  const auto run = [&](int times) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < times; ++i) graph->launch();
    last.download();  // waits for all
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  int times = 1;
  while (run(times) < 0.1) times *= 2;
  double least = run(times);
  for (int i = 0; i < 4; ++i) least = std::min(least, run(times));
  return least / times;
}

// Songs on the device with all that bigrams need.
struct Songs {
  Songs(Backend& b, const BigramParams& params, int song_frames, std::int64_t songs)
      : backend(b),
        p(params),
        frames(song_frames),
        count(songs),
        chroma(b, count * frames * kPitchClasses),
        excerpts(b, count),
        weights(b, std::span<const float>(bigram_case_weights(p, 2))),
        out_gradient(b, std::span<const float>(random_values(count * p.dims(), 1, 3))),
        out(b, count * p.dims()),
        gradient(b, p.weights()),
        reserve(b, std::int64_t(b.bigram_reserve(p, count, frames))) {
    std::vector<std::uint8_t> bytes;
    for (const float value : random_chroma(count * frames, 1))
      bytes.push_back(std::uint8_t(value * 255));
    chroma.upload(bytes);
    std::vector<Excerpt> all;
    for (std::int64_t i = 0; i < count; ++i) all.push_back({i * frames, frames, 0});
    excerpts.upload(all);
  }
  ChromaView view() const { return {chroma.data(), ChromaType::uint8, count * frames}; }
  void forward() {
    backend.run(ops::BigramForward{.songs = {view(), excerpts.data(), count, frames},
                                   .weights = weights.data(),
                                   .params = p,
                                   .out = out.data(),
                                   .reserve = reserve.data()});
  }
  void backward() {
    backend.run(ops::BigramBackward{.songs = {view(), excerpts.data(), count, frames},
                                    .weights = weights.data(),
                                    .params = p,
                                    .out_gradient = out_gradient.data(),
                                    .reserve = reserve.data(),
                                    .gradient = gradient.data()});
  }

  Backend& backend;
  BigramParams p;
  std::int32_t frames;
  std::int64_t count;
  Buffer<std::uint8_t> chroma;
  Buffer<Excerpt> excerpts;
  Buffer<float> weights, out_gradient, out, gradient;
  Buffer<std::uint8_t> reserve;
};

void measure_songs(Backend& backend) {
  constexpr int kSongs = 2000;
  fmt::print("\n{:<16} {:>16} {:>22} {:>20}\n", "bigrams", "forward songs/s",
             "with backward songs/s", "of the H100's limit");
  for (const Work& w : works()) {
    Songs songs(backend, w.params, w.frames, kSongs);
    const double forward = seconds(backend, [&] { songs.forward(); }) / kSongs;
    const double both = seconds(backend,
                                [&] {
                                  songs.forward();
                                  songs.backward();
                                }) /
                        kSongs;
    const double limit = counts::bigram_forward(w.params, w.frames, 1).seconds();
    const double limits = limit + counts::bigram_backward(w.params, w.frames, 1).seconds();
    fmt::print("{:<16} {:>15.2f}M {:>21.2f}M {:>9.0f} % {:>6.0f} %\n", w.name, 1e-6 / forward,
               1e-6 / both, 100 * limit / forward, 100 * limits / both);
  }
}

// Largest difference of two arrays as a share of the largest value.
double difference(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = std::max(difference, std::abs(double{a[i]} - double{b[i]}));
    scale = std::max(scale, std::abs(double{a[i]}));
  }
  return difference / scale;
}

// The same through cuDNN and cuBLAS, after it was seen to give the same.
void measure_unfused(Backend& fused, Backend& unfused) {
  constexpr int kSongs = 2000;
  fmt::print("\n{:<16} {:<13} {:>12} {:>20} {:>20}\n", "unfused", "", "songs/s",
             "fused is faster by", "largest difference");
  for (const Work& w : works()) {
    Songs a(fused, w.params, w.frames, kSongs), b(unfused, w.params, w.frames, kSongs);
    for (Songs* songs : {&a, &b}) {
      songs->forward();
      songs->backward();
    }
    const double of_out = difference(a.out.download(), b.out.download()),
                 of_gradient = difference(a.gradient.download(), b.gradient.download());
    const auto print = [&](const char* what, double worst, const std::function<void(Songs&)>& run) {
      const double one = seconds(fused, [&] { run(a); }) / kSongs;
      const double other = seconds(unfused, [&] { run(b); }) / kSongs;
      fmt::print("{:<16} {:<13} {:>11.2f}M {:>18.1f} x {:>20.1e}\n", w.name, what, 1e-6 / other,
                 other / one, worst);
    };
    print("forward", of_out, [](Songs& songs) { songs.forward(); });
    print("with backward", of_gradient, [](Songs& songs) {
      songs.forward();
      songs.backward();
    });
  }
}

void measure_unfused(Backend& fused) {
  try {
    const auto unfused = make_unfused_cuda_backend();
    measure_unfused(fused, *unfused);
  } catch (const Error& error) {
    fmt::print("\nthe unfused path was not measured: {}\n", error.what());
  }
}

// Not captured, as the op asks for the songs' lengths: seconds by the clock, the least of five.
void measure_ftm2d(Backend& backend) {
  constexpr std::int64_t kSongs = 10'000;
  fmt::print("\n{:<16} {:>16} {:>20}\n", "2DFTM", "songs/s", "of the H100's limit");
  for (const Ftm2dWork& w : ftm2d_works()) {
    std::vector<std::uint8_t> bytes;
    for (const float value : random_chroma(kSongs * w.frames, 1))
      bytes.push_back(std::uint8_t(value * 255));
    std::vector<Excerpt> all;
    for (std::int64_t i = 0; i < kSongs; ++i) all.push_back({i * w.frames, w.frames, 0});
    const Buffer<std::uint8_t> chroma(backend, std::span<const std::uint8_t>(bytes));
    const Buffer<Excerpt> excerpts(backend, std::span<const Excerpt>(all));
    Buffer<float> out(backend, kSongs * w.params.dims());
    const Buffer<float> last(backend, 1);
    double least = 1e9;
    for (int run = 0; run < 6; ++run) {  // the first makes room
      const auto begin = std::chrono::steady_clock::now();
      backend.run(ops::Ftm2d{
          .songs = {{chroma.data(), ChromaType::uint8, kSongs * w.frames}, excerpts.data(), kSongs},
          .params = w.params,
          .out = out.data()});
      last.download();
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
      if (run > 0) least = std::min(least, took.count() / double(kSongs));
    }
    fmt::print("{:<16} {:>15.2f}M {:>18.0f} %\n", w.name, 1e-6 / least,
               100 * counts::ftm2d(w.params, w.frames).seconds() / least);
  }
}

// A training step of the default preset: 48 pairs, cut to 256 frames.
void measure_step(Backend& backend) {
  const Work w = works().back();
  const std::int64_t rows = 2 * kStepPairs;
  const AugmentParams augment = step_augment();
  Songs songs(backend, w.params, kStepFrames, rows);
  std::vector<TrainingExcerpt> takes;
  std::vector<std::int32_t> numbers;
  for (std::int64_t i = 0; i < rows; ++i) {
    takes.push_back({{i * kStepFrames, kStepFrames, 0}, std::uint64_t(i)});
    numbers.push_back(std::int32_t(i / 2));
  }
  const Buffer<TrainingExcerpt> drawn(backend, std::span<const TrainingExcerpt>(takes));
  const Buffer<std::int32_t> work_numbers(backend, std::span<const std::int32_t>(numbers));
  const AdamParams adam;
  const AdamStep now(adam, 1e-4, 1);
  const Buffer<AdamStep> step(backend, std::span(&now, 1));
  const std::vector<float> zeros(w.params.weights() + 1, 0.0f);
  std::vector<float> start = bigram_case_weights(w.params, 2);
  start.push_back(2.5f);
  Buffer<float> learned(backend, std::span<const float>(start)),
      moment1(backend, std::span<const float>(zeros)),
      moment2(backend, std::span<const float>(zeros)), values(backend, 2),
      gradient(backend, std::span<const float>(zeros)), z(backend, rows * w.params.dims()),
      z_gradient(backend, rows * w.params.dims()), cut(backend, rows * w.frames * kPitchClasses);
  Buffer<Excerpt> where(backend, rows);
  const ChromaView view{cut.data(), ChromaType::float32, rows * w.frames};
  const auto run = [&] {
    backend.run(ops::Augment{.chroma = songs.view(),
                             .excerpts = drawn.data(),
                             .count = rows,
                             .params = augment,
                             .out = cut.data(),
                             .out_excerpts = where.data()});
    backend.run(ops::BigramForward{.songs = {view, where.data(), rows, w.frames},
                                   .weights = learned.data(),
                                   .params = w.params,
                                   .out = z.data(),
                                   .reserve = songs.reserve.data()});
    backend.run(
        ops::Loss{.z = z.data(),
                  .labels = work_numbers.data(),
                  .rows = rows,
                  .dims = w.params.dims(),
                  .log_inverse_temperature = learned.data() + w.params.weights(),
                  .loss = values.data(),
                  .z_gradient = z_gradient.data(),
                  .log_inverse_temperature_gradient = gradient.data() + w.params.weights()});
    backend.run(ops::BigramBackward{.songs = {view, where.data(), rows, w.frames},
                                    .weights = learned.data(),
                                    .params = w.params,
                                    .out_gradient = z_gradient.data(),
                                    .reserve = songs.reserve.data(),
                                    .gradient = gradient.data()});
    backend.run(ops::Adam{.weights = learned.data(),
                          .moment1 = moment1.data(),
                          .moment2 = moment2.data(),
                          .gradient = gradient.data(),
                          .count = gradient.size(),
                          .params = adam,
                          .step = step.data(),
                          .gradient_norm = values.data() + 1});
  };
  fmt::print("\ntraining step of {} pairs, {} frames: {:.1f} us\n", kStepPairs, w.frames,
             seconds(backend, run) * 1e6);
}

// Large products on the tensor cores, and a copy by an op that reads and writes as much.
void measure_limits(Backend& backend) {
  const std::int64_t rows = 8192;
  const int side = 4096;
  Buffer<float> a(backend, rows * side), b(backend, std::int64_t{side} * side), bias(backend, side),
      c(backend, rows * side);
  const std::vector<float> ones(std::size_t(rows) * side, 1.0f);
  a.upload(ones);
  b.upload(std::span(ones).first(std::size_t(side) * side));
  bias.upload(std::span(ones).first(side));
  const double product = seconds(backend, [&] {
    backend.run(ops::Project{.in = a.data(),
                             .rows = rows,
                             .in_dims = side,
                             .weight = b.data(),
                             .bias = bias.data(),
                             .out_dims = side,
                             .out = c.data()});
  });
  fmt::print("\nproduct of {} x {} x {}: {:.0f} TFLOP/s\n", rows, side, side,
             2e-12 * double(rows) * side * side / product);
  // One patch a song is a copy.
  const std::int64_t songs = 4096;
  const int frames = 4096;
  Buffer<float> from(backend, songs * frames * kPitchClasses), to(backend, from.size());
  std::vector<Excerpt> all;
  for (std::int64_t i = 0; i < songs; ++i) all.push_back({i * frames, frames + 2, 0});
  all.back().frames = frames;
  const Buffer<Excerpt> excerpts(backend, std::span<const Excerpt>(all));
  const double copy = seconds(backend, [&] {
    backend.run(ops::Patchwork{
        .songs = {{from.data(), ChromaType::float32, songs * frames}, excerpts.data(), songs},
        .params = {1, frames},
        .out = to.data()});
  });
  fmt::print("copy of chroma: {:.2f} TB/s\n", 8e-12 * double(from.size()) / copy);
}

}  // namespace

int main() {
  print_counts();
  try {
    const auto backend = make_cuda_backend();
    fmt::print("\n{}\n", backend->description());
    measure_limits(*backend);
    measure_songs(*backend);
    measure_unfused(*backend);
    measure_ftm2d(*backend);
    measure_step(*backend);
    measure_chroma(*backend);
  } catch (const Error& error) {
    fmt::print("\nno CUDA device was measured: {}\n", error.what());
  }
}
