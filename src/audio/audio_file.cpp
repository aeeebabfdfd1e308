#include "audio/audio_file.h"

#include <fmt/format.h>
#include <samplerate.h>
#include <sndfile.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "audio/half_band.h"
#include "core/text.h"
#include "reprise/error.h"

namespace reprise {
namespace {

constexpr int kLowestRate = 1000, kHighestRate = 768000;
constexpr std::size_t kBlockFrames = 4096;

/// libsndfile's view of bytes in memory.
struct Memory {
  std::span<const std::uint8_t> bytes;
  sf_count_t at = 0;

  static Memory& of(void* self) { return *static_cast<Memory*>(self); }
  static sf_count_t length(void* self) { return static_cast<sf_count_t>(of(self).bytes.size()); }
  static sf_count_t seek(sf_count_t offset, int whence, void* self) {
    Memory& memory = of(self);
    const sf_count_t from = whence == SEEK_CUR ? memory.at : whence == SEEK_END ? length(self) : 0;
    if (offset < -from || offset > length(self) - from) return -1;
    return memory.at = from + offset;
  }
  static sf_count_t read(void* to, sf_count_t count, void* self) {
    Memory& memory = of(self);
    const sf_count_t given = std::clamp<sf_count_t>(count, 0, length(self) - memory.at);
    std::memcpy(to, memory.bytes.data() + memory.at, static_cast<std::size_t>(given));
    memory.at += given;
    return given;
  }
  static sf_count_t write(const void*, sf_count_t, void*) { return 0; }
  static sf_count_t tell(void* self) { return of(self).at; }
};

}  // namespace

struct AudioFile::State {
  std::string path;
  Memory memory;
  SNDFILE* file = nullptr;
  SF_INFO info{};
  SRC_STATE* resampler = nullptr;
  double ratio = 1;
  std::int64_t frames_read = 0;
  bool ended = false;

  std::vector<float> channels;  // as read, interleaved
  std::vector<HalfBand> halvings;
  std::vector<float> mono;  // from here to the resampler; not yet taken from `begin` on
  std::size_t begin = 0;
  std::vector<float> before;  // of a halving

  ~State() {
    if (resampler) src_delete(resampler);
    if (file) sf_close(file);
  }

  void open(int rate) {
    if (!file) {
      const int why = sf_error(nullptr);  // others of its texts mislead
      throw InputError(fmt::format(
          "{}: expected audio that libsndfile reads (WAV, FLAC, Ogg, MP3, AIFF, ...), found none{}",
          path,
          why == SF_ERR_MALFORMED_FILE || why == SF_ERR_UNSUPPORTED_ENCODING
              ? ": " + quote(sf_strerror(nullptr), 200)
              : ""));
    }
    if (info.samplerate < kLowestRate || info.samplerate > kHighestRate)
      throw InputError(fmt::format("{}: expected a sample rate of {} to {} Hz, found {}", path,
                                   kLowestRate, kHighestRate, info.samplerate));
    if (info.channels < 1)
      throw InputError(fmt::format("{}: expected channels, found {}", path, info.channels));
    channels.resize(kBlockFrames * static_cast<std::size_t>(info.channels));
    double left = info.samplerate;
    for (; left >= 2 * rate; left /= 2) halvings.emplace_back();
    ratio = rate / left;
    if (ratio == 1) return;
    int status = 0;
    resampler = src_new(SRC_SINC_FASTEST, 1, &status);
    if (!resampler)
      throw MachineError(fmt::format("{}: cannot resample: {}", path, src_strerror(status)));
  }

  /// Reads the next block into `mono`.
  void fill() {
    const sf_count_t count =
        sf_readf_float(file, channels.data(), static_cast<sf_count_t>(kBlockFrames));
    const auto got = static_cast<std::size_t>(std::clamp<sf_count_t>(count, 0, kBlockFrames));
    ended = got < kBlockFrames;
    frames_read += static_cast<std::int64_t>(got);
    if (ended && sf_error(file) != SF_ERR_NO_ERROR)
      throw InputError(fmt::format("{}: expected whole audio, found damage after {:.1f} s: {}",
                                   path, static_cast<double>(frames_read) / info.samplerate,
                                   quote(sf_strerror(file), 200)));
    const float share = 1.0f / static_cast<float>(info.channels);
    const float* in = channels.data();
    begin = 0;
    mono.resize(got);
    for (std::size_t i = 0; i < got; ++i) {
      float sum = 0;
      for (int c = 0; c < info.channels; ++c, ++in)
        if (std::isfinite(*in)) sum += std::clamp(*in, -kLoudest, kLoudest);
      mono[i] = sum * share;
    }
    for (HalfBand& halving : halvings) {
      before.swap(mono);
      mono.clear();
      halving.push(before, ended, mono);
    }
  }

  bool has_samples() const { return begin < mono.size(); }

  std::size_t copy(std::span<float> out) {
    if (!has_samples() && !ended) fill();
    const std::size_t count = std::min(out.size(), mono.size() - begin);
    std::copy_n(mono.begin() + static_cast<std::ptrdiff_t>(begin), count, out.begin());
    begin += count;
    return count;
  }

  std::size_t resample(std::span<float> out) {
    if (!has_samples() && !ended) fill();
    SRC_DATA step{};
    step.data_in = mono.data() + begin;
    step.input_frames = static_cast<long>(mono.size() - begin);
    step.data_out = out.data();
    step.output_frames = static_cast<long>(out.size());
    step.src_ratio = ratio;
    step.end_of_input = ended ? 1 : 0;
    if (const int status = src_process(resampler, &step); status != 0)
      throw MachineError(fmt::format("{}: cannot resample: {}", path, src_strerror(status)));
    begin += static_cast<std::size_t>(step.input_frames_used);
    return static_cast<std::size_t>(step.output_frames_gen);
  }
};

AudioFile::AudioFile(const std::string& path, int rate) : state_(new State) {
  state_->path = path;
  std::error_code status;
  if (std::filesystem::exists(path, status) && !std::filesystem::is_regular_file(path, status))
    throw InputError(fmt::format("{}: expected an audio file, found something else", path));
  state_->file = sf_open(path.c_str(), SFM_READ, &state_->info);
  if (!state_->file && sf_error(nullptr) == SF_ERR_SYSTEM)
    throw InputError(fmt::format("{}: cannot open: {}", path, std::strerror(errno)));
  state_->open(rate);
}

AudioFile::AudioFile(std::span<const std::uint8_t> bytes, const std::string& path, int rate)
    : state_(new State) {
  state_->path = path;
  state_->memory.bytes = bytes;
  SF_VIRTUAL_IO access{Memory::length, Memory::seek, Memory::read, Memory::write, Memory::tell};
  state_->file = sf_open_virtual(&access, SFM_READ, &state_->info, &state_->memory);
  state_->open(rate);
}

AudioFile::~AudioFile() = default;

std::size_t AudioFile::read(std::span<float> out) {
  std::size_t filled = 0;
  while (filled < out.size()) {
    const std::size_t count = state_->resampler ? state_->resample(out.subspan(filled))
                                                : state_->copy(out.subspan(filled));
    filled += count;
    if (count == 0 && state_->ended && !state_->has_samples()) break;
  }
  return filled;
}

}  // namespace reprise
