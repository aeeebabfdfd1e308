#pragma once

#include "op_cases.h"
#include "ops/engine.h"
#include "ops/songs.h"
#include "oracle_published.h"

namespace reprise::ops_test {

struct Ftm2d {
  static constexpr const char* kName = "ftm2d";

  struct Case {
    std::string name;
    Ftm2dParams params;
    std::vector<int> lengths;
    int apart = 0;  ///< values between the rows

    /// Songs of an odd number of frames in several keys.
    std::vector<Excerpt> excerpts() const {
      std::vector<Excerpt> excerpts;
      std::int64_t first = 0;
      for (const int frames : lengths) {
        for (const int roll : {0, 1, 11})
          if (roll == 0 || frames % 2 == 1) excerpts.push_back({first, frames, roll});
        first += frames;
      }
      return excerpts;
    }
    /// One pitch class never changes: at 3/4, whose sums are exact, a plain loop in single
    /// precision sees that too.
    std::vector<float> chroma() const {
      const Excerpt last = excerpts().back();
      std::vector<float> chroma = random_chroma(last.first + last.frames, 1, params.bands);
      for (std::size_t at = 3; at < chroma.size(); at += std::size_t(12) * params.bands)
        chroma[at] = 0.75f;
      return chroma;
    }
  };

  static std::vector<Case> cases() {
    const std::vector<int> lengths{1, 2, 3, 63, 64, 65, 74, 75, 76, 127, 150, 190};
    const auto of_bands = [](Ftm2dParams p, int bands) {
      p.bands = bands;
      return p;
    };
    const Ftm2dParams original, seed{64, 64, 2, false, false, false};
    return {{"original", original, lengths},
            {"seed", seed, lengths},
            {"short_patches", {5, 3, 0.5f, true, true, false}, {1, 4, 5, 90}},
            {"hop_longer_than_patch", {33, 40, 1, false, true, true}, {20, 33, 150}},
            {"two_bands", of_bands(original, 2), {3, 75, 100}},
            {"three_bands_apart", of_bands(seed, 3), {63, 130}, 5},
            {"most_bands", of_bands({16, 5, 1.96f, true, true, true}, kMaxBands), {40, 15}}};
  }

  struct On {
    On(Backend& on, const Case& of)
        : backend(on),
          c(of),
          songs(on, c.chroma(), c.params.bands, c.excerpts(), c.apart),
          out(on, songs.batch().count * c.params.dims()) {}
    void run() {
      backend.run(ops::Ftm2d{.songs = songs.batch(), .params = c.params, .out = out.data()});
    }
    Parts<float> results() const {
      const std::vector<float> all = out.download();
      Parts<float> parts;
      for (std::int64_t i = 0; i < songs.batch().count; ++i)
        parts.push_back(
            {"excerpt " + std::to_string(i),
             {all.begin() + i * c.params.dims(), all.begin() + (i + 1) * c.params.dims()}});
      return parts;
    }

    Backend& backend;
    Case c;
    DeviceSongs songs;
    Buffer<float> out;
  };

  template <class Real>
  static Parts<Real> definition(const Case& c) {
    const std::vector<float> chroma = c.chroma();
    const int width = 12 * c.params.bands;
    const ChromaView view{chroma.data(), ChromaType::float32, std::ssize(chroma) / width,
                          c.params.bands, width};
    Parts<Real> parts;
    for (const Excerpt& e : c.excerpts())
      parts.push_back(
          {"excerpt " + std::to_string(parts.size()), oracle::ftm2d<Real>(view, e, c.params)});
    return parts;
  }
};

}  // namespace reprise::ops_test
