#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "backend/cpu/floats.h"
#include "backend/cpu/fourier_plan.h"
#include "reprise/params.h"

namespace reprise::cpu {

constexpr int kBlock = 16;  // time frequencies in a block of the running sums
constexpr int kPitchFrequencies = kPitchClasses / 2 + 1;

// Patches are transformed one by one from this hop on; at smaller ones the running sums take less
// (measured: as long at 3, a tenth less at 2, a tenth more at 6).
constexpr int kLongHop = 4;

// What all songs share.
struct Ftm2dTables {
  explicit Ftm2dTables(const Ftm2dParams& p) : params(p), plan(p.patch) {
    const int half = params.patch / 2 + 1;
    for (int k = 0; k < kPitchFrequencies; ++k) {
      start[k] = values;
      count[k] = k == 0 || k == kPitchFrequencies - 1 ? half : params.patch;
      values += count[k];
    }
    if (by_patch()) return;
    for (int first = 0; first < params.patch; first += kBlock)
      for (std::int64_t t = 0; t < params.patch; ++t)
        for (int part = 0; part < 2; ++part)
          for (int l = first; l < first + kBlock; ++l) {
            const double angle =
                -2 * std::numbers::pi * static_cast<double>(t * l % params.patch) / params.patch;
            turns.push_back(static_cast<float>(part == 0 ? std::cos(angle) : std::sin(angle)));
          }
  }

  bool by_patch() const { return params.hop >= kLongHop; }
  std::int64_t patches(std::int64_t frames) const {
    return frames < params.patch ? 1 : 1 + (frames - params.patch) / params.hop;
  }

  Ftm2dParams params;
  FourierPlan plan;
  int start[kPitchFrequencies];  // of the time frequencies of a pitch frequency
  int count[kPitchFrequencies];
  int values = 0;            // magnitudes of a patch that are computed
  std::vector<float> turns;  // of the running sums: [blocks, patch, re and im, kBlock]
};

// A run of excerpts of one song, one band of it, and where its magnitudes go.
struct Ftm2dSong {
  ChromaView chroma;
  Excerpt excerpt;
  float* out;
};

// Memory of one thread.
struct Ftm2dScratch {
  std::vector<Floats> rows, powered;  // of each song
  std::vector<const float*> patches;
  Floats lanes, spectrum, work, frequencies, squares, planes, re, im, tail, pooled, full, turned;
};

}  // namespace reprise::cpu
