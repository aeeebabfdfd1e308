// What the kernels of bigrams, of 2DFTM and of audio's chroma move and compute for a song, counted
// from how they cut their work, with the time that an H100's limits allow; then, where there is a
// device, its measured limits, songs a second, bigrams beside those of the unfused path, and
// training steps a second. Without a device it says so after the counts.

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <functional>

#include "audio/frames.h"
#include "backend/cuda/unfused.h"
#include "bigram_plan.h"
#include "op_cases.h"
#include "reprise/backend.h"
#include "reprise/error.h"

namespace {

using namespace reprise;

// NVIDIA H100 SXM, as its data sheet says, without sparsity.
constexpr double kH100Bytes = 3.35e12;
constexpr double kH100Fp32 = 67e12;
constexpr double kH100Tf32 = 495e12;
constexpr double kH100Host = 64e9;  // PCIe 5, one way

struct Counts {
  double bytes = 0;   // to and from device memory, caches aside
  double least = 0;   // chroma in, results out
  double scalar = 0;  // fp32 operations
  double tensor = 0;  // tf32 operations
  double seconds() const {
    return std::max(bytes / kH100Bytes, std::max(scalar / kH100Fp32, tensor / kH100Tf32));
  }
};

double events(const BigramShape& s, double rows) {
  return 2 * rows * s.filter_rows() * s.padded;
}

double chroma_bytes(const BigramShape& s, double rows, int value) {
  return (rows + s.p.event_length - 1) * kPitchClasses * value;
}

// `value`: bytes of a chroma value.
Counts forward_counts(const BigramParams& p, int frames, int value) {
  const BigramShape s = correlation_shape(p, frames, sizeof(float), 8);
  const int t = p.event_frames(frames), tiles = (t + kTimeTile - 1) / kTimeTile;
  Counts c;
  const auto compute = [&](double rows) {
    c.scalar += events(s, rows) * tiles;
    c.bytes += chroma_bytes(s, rows, value) * tiles;
  };
  if (p.centre_events) compute(kTimeTile);
  for (int g = 0; g < s.groups.count; ++g) {
    const int low = s.lags.lag[s.groups.first[g]], high = s.lags.lag[s.groups.first[g + 1] - 1];
    compute(round_up(kTimeTile + high - low, 2));
    if (low > 0) compute(kTimeTile);
  }
  c.tensor = 2.0 * tiles * kTimeTile * s.correlations();
  c.scalar += 2.0 * p.taps * p.dims();
  c.bytes += 4.0 * (2 * s.correlations() + (p.unit_norm ? 3 : 1) * p.dims());
  c.least = double(frames) * kPitchClasses * value + 4.0 * p.dims();
  return c;
}

Counts backward_counts(const BigramParams& p, int frames, int value) {
  const BigramShape s = gradient_shape(p, frames);
  const int t = p.event_frames(frames), tiles = (t + kTimeTile - 1) / kTimeTile;
  const int columns = round_up(s.filter_rows(), 16);
  Counts c;
  const auto compute = [&](double rows) {
    c.scalar += events(s, rows) * tiles;
    c.bytes += chroma_bytes(s, rows, value) * tiles;
  };
  compute(kTimeTile);
  for (int g = 0; g < s.groups.count; ++g) {
    const int low = s.lags.lag[s.groups.first[g]], high = s.lags.lag[s.groups.first[g + 1] - 1];
    for (int side = 0; side < 2; ++side) compute(round_up(kTimeTile + high - low, 2));
  }
  const double time = double(tiles) * kTimeTile;
  c.tensor = 4 * time * s.correlations() + (p.centre_events ? 4 : 2) * time * s.padded * columns;
  c.scalar += 6.0 * p.taps * p.dims();
  // Correlations and their gradients, the fingerprint's gradient and that of the pooled bigrams,
  // and the sums of each part.
  c.bytes += 4.0 * (3 * s.correlations() + 6 * p.dims() + 2 * (2 * columns + 3) * s.padded);
  c.least = double(frames) * kPitchClasses * value + 4.0 * (p.dims() + s.correlations());
  return c;
}

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

void print_counts() {
  fmt::print(
      "counted from the code, chroma as bytes; limits of an H100: {:.2f} TB/s, {:.0f} TFLOP/s "
      "fp32, {:.0f} tf32\n",
      kH100Bytes * 1e-12, kH100Fp32 * 1e-12, kH100Tf32 * 1e-12);
  fmt::print("{:<16} {:<9} {:>9} {:>9} {:>11} {:>11} {:>12} {:>13}\n", "bigrams", "", "kB/song",
             "least kB", "fp32 MFLOP", "tf32 MFLOP", "us on H100", "songs/s");
  for (const Work& w : works())
    for (const bool backward : {false, true}) {
      const Counts c =
          backward ? backward_counts(w.params, w.frames, 1) : forward_counts(w.params, w.frames, 1);
      fmt::print("{:<16} {:<9} {:>9.1f} {:>9.1f} {:>11.2f} {:>11.2f} {:>12.4f} {:>12.1f}M\n",
                 w.name, backward ? "backward" : "forward", c.bytes * 1e-3, c.least * 1e-3,
                 c.scalar * 1e-6, c.tensor * 1e-6, c.seconds() * 1e6, 1e-6 / c.seconds());
    }
}

// A song of audio, and what its chroma takes.
constexpr int kAudioSeconds = 180;

CutSong audio_song(std::uint64_t seed) {
  const ChromaSettings settings;
  return cut_song(random_values(std::int64_t(settings.rate) * kAudioSeconds, 0.1f, seed), settings,
                  chroma_tables(settings));
}

// A transform of W samples is taken to read and write its data once, and to be 2.5 W log2 W
// operations.
Counts chroma_counts(const CutSong& song) {
  const ChromaTables tables = chroma_tables({});
  const auto frames = double(song.frames);
  Counts c;
  for (std::size_t r = 0; r < tables.resolutions.size(); ++r) {
    const ChromaTables::Resolution& resolution = tables.resolutions[r];
    const auto windows = double(song.windows[r].starts.size());
    const double size = resolution.window;
    double taps = 0;
    for (const ChromaTables::Hat& hat : resolution.hats) taps += double(hat.weights.size());
    c.scalar += windows * (size + 2.5 * size * std::log2(size) + 5 * taps);
    c.bytes += windows * (4 * 4 * size + 8 * taps);
  }
  const double bins = tables.bins, notes = tables.notes;
  c.scalar += frames * (2.0 * notes * notes * (tables.updates + 1) + 20 * bins);
  // Power is written, and read for tuning and notes; of each eight frames, the two matrices.
  c.bytes += frames * (3 * 4 * bins + 4 * kPitchClasses + 2 * 4 * notes * tables.stride / 8);
  c.least = 4.0 * double(song.samples.size()) + 4.0 * frames * kPitchClasses;
  return c;
}

void print_chroma_counts() {
  const CutSong song = audio_song(1);
  const Counts c = chroma_counts(song);
  fmt::print("\n{:<16} {:>9} {:>9} {:>11} {:>12} {:>17} {:>15}\n", "chroma of audio", "MB/song",
             "least MB", "fp32 MFLOP", "us on H100", "us to the device", "x real time");
  fmt::print("{:<16} {:>9.1f} {:>9.1f} {:>11.1f} {:>12.1f} {:>17.1f} {:>14.1f}M\n",
             fmt::format("{} s", kAudioSeconds), c.bytes * 1e-6, c.least * 1e-6, c.scalar * 1e-6,
             c.seconds() * 1e6, c.least / kH100Host * 1e6,
             1e-6 * kAudioSeconds / std::max(c.seconds(), c.least / kH100Host));
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
  const double limit = chroma_counts(songs[0]).seconds();
  fmt::print(
      "\nchroma of {} s of audio: {:.1f} us, {:.2f}M x real time, {:.0f} % of the H100's limit\n",
      kAudioSeconds, least * 1e6, 1e-6 * kAudioSeconds / least, 100 * limit / least);
}

// 2DFTM as kernels/ftm2d.cu has it, chroma as bytes. A median takes a walk for the range, one for
// each part of the range that is told apart, some three here, and one to gather what is left.
Counts ftm2d_counts(const Ftm2dParams& p, int frames) {
  constexpr double kRun = 32, kBins = 7, kWalks = 5;
  const double patches = 1 + (frames - p.patch) / p.hop;
  const double together = std::min({kRun, 1.0 + (p.patch - 1) / p.hop, patches});
  // Frames that a run adds up, each a product of complex numbers and the next turn.
  const double added = patches / together * (p.patch + (together - 1) * p.hop);
  const double frequencies = 5.0 * p.patch + 2 * (p.patch / 2 + 1);
  Counts c;
  c.scalar = (p.median ? kWalks : 1) * frequencies * (14 * added + 10 * patches) +
             frames * (kPitchClasses * 20 + kBins * kPitchClasses * 4);
  const double transforms = 8 * kBins * frames, pooled = 4 * kBins * p.patch;
  c.bytes = double(frames) * kPitchClasses + 2 * transforms + 2 * pooled + 4.0 * p.dims();
  c.least = double(frames) * kPitchClasses + 4.0 * p.dims();
  return c;
}

struct Ftm2dWork {
  std::string name;
  Ftm2dParams params;
  int frames;
};

std::vector<Ftm2dWork> ftm2d_works() {
  return {{"hop 1, median", {}, 1000}, {"hop 64, mean", {64, 64, 2, false, false, false}, 1000}};
}

void print_ftm2d_counts() {
  fmt::print("\n{:<16} {:>9} {:>9} {:>11} {:>12} {:>13}\n", "2DFTM", "kB/song", "least kB",
             "fp32 MFLOP", "us on H100", "songs/s");
  for (const Ftm2dWork& w : ftm2d_works()) {
    const Counts c = ftm2d_counts(w.params, w.frames);
    fmt::print("{:<16} {:>9.1f} {:>9.1f} {:>11.2f} {:>12.4f} {:>12.1f}M\n", w.name, c.bytes * 1e-3,
               c.least * 1e-3, c.scalar * 1e-6, c.seconds() * 1e6, 1e-6 / c.seconds());
  }
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
    backend.bigram_forward(view(), excerpts.data(), count, frames, weights.data(), p, out.data(),
                           reserve.data());
  }
  void backward() {
    backend.bigram_backward(view(), excerpts.data(), count, frames, weights.data(), p, out.data(),
                            reserve.data(), gradient.data());
  }

  Backend& backend;
  BigramParams p;
  std::int32_t frames;
  std::int64_t count;
  Buffer<std::uint8_t> chroma;
  Buffer<Excerpt> excerpts;
  Buffer<float> weights, out, gradient;
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
    const double limit = forward_counts(w.params, w.frames, 1).seconds();
    const double limits = limit + backward_counts(w.params, w.frames, 1).seconds();
    fmt::print("{:<16} {:>15.2f}M {:>21.2f}M {:>9.0f} % {:>6.0f} %\n", w.name, 1e-6 / forward,
               1e-6 / both, 100 * limit / forward, 100 * limits / both);
  }
}

// The same forward through cuDNN and cuBLAS, after it was seen to give the same.
void measure_unfused(Backend& fused, Backend& unfused) {
  constexpr int kSongs = 2000;
  fmt::print("\n{:<16} {:>16} {:>22} {:>20}\n", "unfused", "forward songs/s", "fused is faster by",
             "largest difference");
  for (const Work& w : works()) {
    Songs a(fused, w.params, w.frames, kSongs), b(unfused, w.params, w.frames, kSongs);
    a.forward();
    b.forward();
    const std::vector<float> x = a.out.download(), y = b.out.download();
    double difference = 0, scale = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      difference = std::max(difference, std::abs(double{x[i]} - double{y[i]}));
      scale = std::max(scale, std::abs(double{x[i]}));
    }
    const double one = seconds(fused, [&] { a.forward(); }) / kSongs;
    const double other = seconds(unfused, [&] { b.forward(); }) / kSongs;
    fmt::print("{:<16} {:>15.2f}M {:>20.1f} x {:>20.1e}\n", w.name, 1e-6 / other, other / one,
               difference / scale);
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
      backend.ftm2d({chroma.data(), ChromaType::uint8, kSongs * w.frames}, excerpts.data(), kSongs,
                    w.params, out.data());
      last.download();
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
      if (run > 0) least = std::min(least, took.count() / double(kSongs));
    }
    fmt::print("{:<16} {:>15.2f}M {:>18.0f} %\n", w.name, 1e-6 / least,
               100 * ftm2d_counts(w.params, w.frames).seconds() / least);
  }
}

// A training step of the default preset: 48 pairs, cut to 256 frames.
void measure_step(Backend& backend) {
  const Work w = works().back();
  const std::int64_t rows = 96;
  AugmentParams augment;
  augment.crop = w.frames;
  augment.stretch_low = 0.75f;
  augment.stretch_high = 1.35f;
  augment.drop = augment.noise = 0.05f;
  augment.power_low = 0.6f;
  augment.power_high = 1.6f;
  augment.power_share = 0.5f;
  Songs songs(backend, w.params, 300, rows);
  std::vector<Take> takes;
  std::vector<std::int32_t> numbers;
  for (std::int64_t i = 0; i < rows; ++i) {
    takes.push_back({{i * 300, 300, 0}, std::uint64_t(i)});
    numbers.push_back(std::int32_t(i / 2));
  }
  const Buffer<Take> drawn(backend, std::span<const Take>(takes));
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
    backend.augment(songs.view(), drawn.data(), rows, augment, cut.data(), where.data());
    backend.bigram_forward(view, where.data(), rows, w.frames, learned.data(), w.params, z.data(),
                           songs.reserve.data());
    backend.loss(z.data(), work_numbers.data(), rows, w.params.dims(),
                 learned.data() + w.params.weights(), {}, values.data(), z_gradient.data(),
                 gradient.data() + w.params.weights());
    backend.bigram_backward(view, where.data(), rows, w.frames, learned.data(), w.params,
                            z_gradient.data(), songs.reserve.data(), gradient.data());
    backend.adam(learned.data(), moment1.data(), moment2.data(), gradient.data(), gradient.size(),
                 adam, step.data(), values.data() + 1);
  };
  fmt::print("\ntraining step of 48 pairs, 256 frames: {:.1f} us\n", seconds(backend, run) * 1e6);
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
    backend.project(a.data(), rows, side, b.data(), bias.data(), side, c.data());
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
    backend.patchwork({from.data(), ChromaType::float32, songs * frames}, excerpts.data(), songs,
                      {1, frames}, to.data());
  });
  fmt::print("copy of chroma: {:.2f} TB/s\n", 8e-12 * double(from.size()) / copy);
}

}  // namespace

int main() {
  print_counts();
  print_chroma_counts();
  print_ftm2d_counts();
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
