// Chroma of audio. The transforms are cuFFT's, a fixed number of windows at a time, so that a
// song's result does not depend on the songs beside it; songs are taken in pieces.

#include <algorithm>
#include <vector>

#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/fourier.h"
#include "backend/cuda/scratch_arrays.h"
#include "check.h"
#include "launch.h"

namespace reprise::cuda {
namespace {

constexpr int kTransformSamples = 1 << 20;  // of one call: 8 MB with their spectra
constexpr std::int64_t kPieceSamples = std::int64_t{1} << 26;  // where songs allow
constexpr std::int64_t kPieceSongs = 1024;

class CudaChromaEngine final : public ChromaEngine {
 public:
  CudaChromaEngine(const Stream& stream, Staging& staging, const ChromaTables& tables)
      : stream_(stream),
        staging_(staging),
        bins_(tables.bins),
        tuned_(tables.tuned),
        notes_{tables.lowest, tables.notes, tables.stride, tables.updates, tables.floor} {
    std::vector<float> rows(tables.dictionary.size());  // of D
    for (int i = 0; i < tables.notes; ++i)
      for (int j = 0; j < tables.notes; ++j)
        rows[i * tables.stride + j] = tables.dictionary[j * tables.stride + i];
    notes_.dictionary = keep(rows);
    notes_.gram = keep(tables.gram);
    for (const ChromaTables::Resolution& r : tables.resolutions) {
      std::vector<std::int32_t> first, begin{0};
      std::vector<float> weights;
      for (const ChromaTables::Hat& hat : r.hats) {
        first.push_back(hat.first);
        weights.insert(weights.end(), hat.weights.begin(), hat.weights.end());
        begin.push_back(static_cast<std::int32_t>(weights.size()));
      }
      const int batch = std::max(1, kTransformSamples / r.window);
      resolutions_.push_back({keep(r.hann),
                              {r.window, r.first_bin, static_cast<int>(r.hats.size()), keep(first),
                               keep(begin), keep(weights)},
                              batch,
                              Fourier(stream_, {r.window}, r.window, batch)});
      windowed_size_ = std::max(windowed_size_, std::int64_t{batch} * r.window);
      spectra_size_ = std::max(spectra_size_, std::int64_t{batch} * (r.window + 2));
    }
  }
  ~CudaChromaEngine() override {
    cudaStreamSynchronize(stream_.get());  // before the plans, and their memory, go
  }

  std::vector<AudioChroma> chroma(std::span<const CutSong> songs) override {
    std::vector<AudioChroma> results(songs.size());
    for (std::size_t first = 0; first < songs.size();) {
      std::size_t count = 0;
      std::int64_t samples = 0;
      do {
        samples += std::ssize(songs[first + count].samples);
        ++count;
      } while (first + count < songs.size() && count < kPieceSongs &&
               samples + std::ssize(songs[first + count].samples) <= kPieceSamples);
      compute(songs.subspan(first, count), &results[first]);
      first += count;
    }
    return results;
  }

 private:
  struct Resolution {
    const float* hann;
    kernels::ChromaHats hats;
    int batch;
    Fourier fourier;
  };

  // A table on the device.
  template <typename T>
  const T* keep(const std::vector<T>& values) {
    const std::size_t bytes = values.size() * sizeof(T);
    tables_.emplace_back(stream_, bytes);
    staging_.upload(stream_, tables_.back().data(), values.data(), bytes);
    return static_cast<const T*>(tables_.back().data());
  }

  // Songs one after another, with the windows of all.
  struct Piece {
    struct Windows {
      std::vector<std::int64_t> starts, of_frame;
      std::size_t starts_at = 0, of_frame_at = 0;  // in scratch memory
    };
    std::vector<kernels::ChromaSong> songs;
    std::vector<Windows> windows;  // [resolution]
    std::int64_t samples = 0, frames = 0, longest = 0;
  };

  Piece lay_out(std::span<const CutSong> songs) const {
    Piece piece;
    piece.windows.resize(resolutions_.size());
    for (const CutSong& song : songs) {
      piece.songs.push_back({piece.frames, song.frames, song.tuning_frames});
      for (std::size_t r = 0; r < resolutions_.size(); ++r) {
        auto& [starts, of_frame, starts_at, of_frame_at] = piece.windows[r];
        const std::int64_t before = std::ssize(starts);
        for (const std::int64_t start : song.windows[r].starts)
          starts.push_back(piece.samples + start);
        for (std::int64_t t = 0; t < song.frames; ++t)
          of_frame.push_back(before + song.windows[r].frames[t]);
      }
      piece.samples += std::ssize(song.samples);
      piece.frames += song.frames;
      piece.longest = std::max(piece.longest, song.frames);
    }
    for (Piece::Windows& w : piece.windows) w.of_frame.push_back(std::ssize(w.starts));
    return piece;
  }

  void compute(std::span<const CutSong> songs, AudioChroma* results) {
    Piece piece = lay_out(songs);
    const auto count = std::ssize(songs);
    ScratchArrays arrays;
    const auto samples_at = arrays.add<float>(piece.samples);
    const auto songs_at = arrays.add<kernels::ChromaSong>(count);
    for (Piece::Windows& w : piece.windows) {
      w.starts_at = arrays.add<std::int64_t>(std::ssize(w.starts));
      w.of_frame_at = arrays.add<std::int64_t>(std::ssize(w.of_frame));
    }
    const auto windowed_at = arrays.add<float>(windowed_size_);
    const auto spectra_at = arrays.add<float>(spectra_size_);
    const auto power_at = arrays.add<float>(piece.frames * bins_);
    const auto tuning_at = arrays.add<double>(count);
    const auto chroma_at = arrays.add<float>(piece.frames * kPitchClasses);
    void* memory = workspace_.take(arrays.bytes());
    auto* samples = ScratchArrays::at<float>(memory, samples_at);
    auto* places = ScratchArrays::at<kernels::ChromaSong>(memory, songs_at);
    auto* power = ScratchArrays::at<float>(memory, power_at);
    auto* tuning = ScratchArrays::at<double>(memory, tuning_at);
    auto* chroma = ScratchArrays::at<float>(memory, chroma_at);

    std::int64_t put_samples = 0;
    for (const CutSong& song : songs) {
      put(samples + put_samples, song.samples);
      put_samples += std::ssize(song.samples);
    }
    put(places, piece.songs);
    for (std::size_t r = 0; r < resolutions_.size(); ++r)
      add_power(resolutions_[r], piece.windows[r], memory, samples,
                ScratchArrays::at<float>(memory, windowed_at),
                ScratchArrays::at<float>(memory, spectra_at), power);
    if (tuned_) kernels::chroma_tuning(power, bins_, places, count, tuning, stream_.get());
    kernels::chroma_notes(power, bins_, places, count, piece.longest, tuned_ ? tuning : nullptr,
                          notes_, chroma, stream_.get());

    std::vector<double> tunings(songs.size(), 0.0);
    if (tuned_) get(tuning, tunings);
    for (std::size_t i = 0; i < songs.size(); ++i) {
      results[i].chroma.resize(static_cast<std::size_t>(songs[i].frames) * kPitchClasses);
      get(chroma + piece.songs[i].first_frame * kPitchClasses, results[i].chroma);
    }
    stream_.wait();
    for (std::size_t i = 0; i < songs.size(); ++i) {
      results[i].tuning = tunings[i];
      results[i].seconds = songs[i].seconds;
    }
  }

  // What the windows of one resolution bring to `power`.
  void add_power(const Resolution& r, const Piece::Windows& w, void* memory, const float* samples,
                 float* windowed, float* spectra, float* power) {
    auto* starts = ScratchArrays::at<std::int64_t>(memory, w.starts_at);
    auto* of_frame = ScratchArrays::at<std::int64_t>(memory, w.of_frame_at);
    put(starts, w.starts);
    put(of_frame, w.of_frame);
    const auto frame_of = [&](std::int64_t window) {
      return std::upper_bound(w.of_frame.begin(), w.of_frame.end(), window) - w.of_frame.begin() -
             1;
    };
    const std::int64_t all = std::ssize(w.starts);
    for (std::int64_t first = 0; first < all; first += r.batch) {
      const std::int64_t count = std::min<std::int64_t>(r.batch, all - first);
      kernels::chroma_windows(samples, starts + first, count, r.hats.window, r.hann, windowed,
                              stream_.get());
      r.fourier.transform(windowed, spectra);
      kernels::chroma_power(
          {spectra, first, count, of_frame, frame_of(first), frame_of(first + count - 1)}, r.hats,
          bins_, power, stream_.get());
    }
  }

  template <typename T>
  void put(T* to, const std::vector<T>& values) {
    staging_.upload(stream_, to, values.data(), values.size() * sizeof(T));
  }
  template <typename T>
  void get(const T* from, std::vector<T>& values) {
    check(cudaMemcpyAsync(values.data(), from, values.size() * sizeof(T), cudaMemcpyDeviceToHost,
                          stream_.get()),
          "cudaMemcpyAsync");
  }

  const Stream& stream_;
  Staging& staging_;
  Workspace workspace_{stream_};  // goes with the engine: it is large
  std::vector<DeviceMemory> tables_;
  int bins_;
  bool tuned_;
  kernels::ChromaNotes notes_;
  std::vector<Resolution> resolutions_;
  std::int64_t windowed_size_ = 0, spectra_size_ = 0;  // floats of a call of the transforms
};

}  // namespace

std::unique_ptr<ChromaEngine> CudaBackend::chroma_engine(const ChromaTables& tables) {
  return std::make_unique<CudaChromaEngine>(stream_, staging_, tables);
}

}  // namespace reprise::cuda
