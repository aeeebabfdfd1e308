#pragma once

#include <cmath>

#include "op_cases.h"
#include "ops/engine.h"
#include "ops/songs.h"

namespace reprise::ops_test {

struct Patchwork {
  static constexpr const char* kName = "patchwork";

  struct Case {
    std::string name;
    PatchworkParams params;
    int bands;
    int apart;  ///< values between the rows
    ChromaType type = ChromaType::float32;

    /// Songs of lengths around the patch's, each with another roll.
    std::vector<Excerpt> excerpts() const {
      const int f = params.frames;
      std::vector<Excerpt> excerpts;
      std::int64_t first = 0;
      for (const int frames : {1, f - 1, f, f + 1, f + 2, 4 * f - 2, 4 * f - 1, 12 * f + 4}) {
        if (frames < 1) continue;
        excerpts.push_back({first, frames, static_cast<std::int32_t>(excerpts.size() * 5 % 12)});
        first += frames;
      }
      return excerpts;
    }
    std::vector<float> chroma() const {
      const Excerpt last = excerpts().back();
      std::vector<float> chroma = random_chroma(last.first + last.frames, 1, bands);
      if (type == ChromaType::uint8)
        for (float& value : chroma) value = std::round(value * 255) * (1.0f / 255.0f);
      return chroma;
    }
  };

  static std::vector<Case> cases() {
    return {
        {"small", {5, 8}, 1, 0},     {"rows_apart", {5, 8}, 1, 7},
        {"two_bands", {5, 8}, 2, 0}, {"three_bands_apart", {5, 8}, 3, 5},
        {"of_2016", {8, 64}, 1, 0},  {"one_patch", {1, 9}, 1, 0},
        {"one_frame", {3, 1}, 1, 0}, {"bytes_of_two_bands_apart", {5, 8}, 2, 3, ChromaType::uint8}};
  }

  struct On {
    On(Backend& on, const Case& of)
        : backend(on),
          c(of),
          songs(on, c.chroma(), c.bands, c.excerpts(), c.apart, c.type),
          out(on, songs.batch().count * c.params.patches * c.params.frames * 12 * c.bands) {}
    void run() {
      backend.run(ops::Patchwork{.songs = songs.batch(), .params = c.params, .out = out.data()});
    }
    Parts<float> results() const { return {{"patches", out.download()}}; }

    Backend& backend;
    Case c;
    DeviceSongs songs;
    Buffer<float> out;
  };

  /// Patch i starts at round-half-even(i (T - frames) / (patches - 1)) of the song repeated until
  /// it is longer than a patch and a frame.
  template <class Real>
  static Parts<Real> definition(const Case& c) {
    const std::vector<float> chroma = c.chroma();
    const auto& [patches, frames] = c.params;
    std::vector<Real> out;
    for (const Excerpt& e : c.excerpts()) {
      const int repeats = e.frames <= frames + 1 ? (frames + 1) / e.frames + 1 : 1;
      for (int patch = 0; patch < patches; ++patch) {
        const double room = double(e.frames) * repeats - frames;
        const double at = patches == 1 ? 0 : double(patch) * room / (patches - 1);
        const auto start = static_cast<std::int64_t>(std::nearbyint(at));
        for (int t = 0; t < frames; ++t)
          for (int band = 0; band < c.bands; ++band)
            for (int p = 0; p < 12; ++p)
              out.push_back(Real(chroma[((e.first + (start + t) % e.frames) * c.bands + band) * 12 +
                                        (p - e.roll + 12) % 12]));
      }
    }
    return {{"patches", out}};
  }
};

}  // namespace reprise::ops_test
