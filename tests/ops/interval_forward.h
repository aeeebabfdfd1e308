#pragma once

#include "op_cases.h"
#include "ops/engine.h"
#include "ops/songs.h"
#include "oracle.h"

namespace reprise::ops_test {

struct IntervalForward {
  static constexpr const char* kName = "interval_forward";

  struct Case : BigramCase {
    CaseSongs songs() const { return CaseSongs(*this); }
  };

  static std::vector<Case> cases() {
    std::vector<Case> cases;
    for (const BigramCase& c : interval_cases()) cases.push_back({c});
    for (const BigramCase& c : banded_interval_cases()) cases.push_back({c});
    return cases;
  }

  struct On {
    On(Backend& on, const Case& c)
        : backend(on),
          host(c.songs()),
          songs(on, host.chroma, host.p.bands, host.excerpts, host.p.bands == 1 ? 0 : 5),
          weights(on, host.weights),
          out(on, host.count() * host.p.dims() / kPitchClasses) {}
    void run() {
      backend.run(ops::IntervalForward{
          .songs = songs.batch(), .weights = weights.data(), .params = host.p, .out = out.data()});
    }
    Parts<float> results() const { return {{"sums", out.download()}}; }

    Backend& backend;
    CaseSongs host;
    DeviceSongs songs;
    Buffer<float> weights, out;
  };

  /// The direct sum over the rotations.
  template <class Real>
  static Parts<Real> definition(const Case& c) {
    const CaseSongs songs = c.songs();
    std::vector<Real> all;
    for (const Excerpt& e : songs.excerpts) {
      const auto x = oracle::excerpt_chroma<Real>(songs.view(songs.chroma.data()), e);
      const auto sums =
          oracle::interval_sums(oracle::bigram_forward(x, songs.weights, songs.p).g, songs.p);
      all.insert(all.end(), sums.begin(), sums.end());
    }
    return {{"sums", all}};
  }
};

}  // namespace reprise::ops_test
