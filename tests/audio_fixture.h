#pragma once

#include <gtest/gtest.h>
#include <sndfile.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <string>
#include <vector>

namespace reprise {

/// Notes (MIDI numbers) of `seconds` each, with five partials, at a rate.
inline std::vector<float> melody(const std::vector<double>& notes, double rate,
                                 double seconds = 0.5) {
  std::vector<float> x(std::size_t(double(notes.size()) * seconds * rate));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto n = std::min(notes.size() - 1, std::size_t(double(i) / rate / seconds));
    const double hz = 440 * std::exp2((notes[n] - 69) / 12);
    for (int h = 1; h <= 5 && h * hz < rate / 2; ++h)
      x[i] += float(0.2 * std::pow(0.6, h - 1) *
                    std::sin(2 * std::numbers::pi * h * hz * double(i) / rate));
  }
  return x;
}

/// Writes with libsndfile; the same samples on every channel.
inline void write_audio(const std::string& path, const std::vector<float>& x, int rate,
                        int channels = 1, int format = SF_FORMAT_WAV | SF_FORMAT_PCM_16) {
  SF_INFO info{};
  info.samplerate = rate;
  info.channels = channels;
  info.format = format;
  SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
  ASSERT_NE(file, nullptr) << path << ": " << sf_strerror(nullptr);
  std::vector<float> frames;
  for (const float value : x) frames.insert(frames.end(), std::size_t(channels), value);
  sf_writef_float(file, frames.data(), sf_count_t(x.size()));
  sf_close(file);
}

/// A folder of its own for every test.
class AudioFolder : public testing::Test {
 protected:
  AudioFolder()
      : folder(std::filesystem::temp_directory_path() /
               ("reprise-audio-" + std::to_string(::getpid()) + "-" +
                testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::create_directories(folder);
  }
  ~AudioFolder() override { std::filesystem::remove_all(folder); }
  std::string path(const std::string& name) const { return (folder / name).string(); }

  std::filesystem::path folder;
};

inline const std::vector<double> kMelody = {60, 64, 67, 65, 62, 71, 69, 60};

}  // namespace reprise
