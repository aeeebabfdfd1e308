// Any bytes as an audio file. What is found inside of libsndfile and the decoders below it is
// theirs.

#include <sndfile.h>

#include <algorithm>
#include <cmath>

#include "audio/audio_file.h"
#include "audio/chroma.h"
#include "fuzz.h"

using reprise::fuzz::Bytes;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static reprise::ChromaExtractor extractor{reprise::ChromaSettings()};
  reprise::fuzz::read_or_refuse([&] {
    constexpr int kRate = 11025;
    const auto song = extractor.extract([&]() -> reprise::Samples::Source {
      const auto file = std::make_shared<reprise::AudioFile>(std::span(data, size), "input", kRate);
      std::size_t left = 20 * kRate;  // a few bytes may stand for hours
      return [file, left](std::span<float> out) mutable {
        const std::size_t count = file->read(out.first(std::min(out.size(), left)));
        left -= count;
        return count;
      };
    });
    for (const float value : song.chroma)
      if (!(value >= 0 && value <= 1)) throw std::logic_error("chroma out of range");
  });
  return 0;
}

std::vector<Bytes> reprise::fuzz::seeds() {
  std::vector<float> x(2000);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(0.25f * static_cast<float>(i));
  std::vector<Bytes> files;
  for (const int format :
       {SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_WAV | SF_FORMAT_FLOAT,
        SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM, SF_FORMAT_AIFF | SF_FORMAT_PCM_24,
        SF_FORMAT_FLAC | SF_FORMAT_PCM_16, SF_FORMAT_OGG | SF_FORMAT_VORBIS,
        SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, SF_FORMAT_CAF | SF_FORMAT_ALAC_16})
    files.push_back(written_by([&](const std::string& path) {
      SF_INFO info{};
      info.samplerate = 8000;
      info.channels = 1;
      info.format = format;
      SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
      if (!file) throw std::runtime_error(sf_strerror(nullptr));
      sf_writef_float(file, x.data(), static_cast<sf_count_t>(x.size()));
      sf_close(file);
    }));
  return files;
}
