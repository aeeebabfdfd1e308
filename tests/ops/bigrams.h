#pragma once

#include <algorithm>

#include "bigram_definition.h"
#include "op_cases.h"
#include "ops/engine.h"

namespace reprise::ops_test {

/// bigram_forward, then bigram_backward of what it left.
struct Bigrams {
  static constexpr const char* kName = "bigrams";

  struct Case : BigramCase {
    CaseSongs songs() const {
      CaseSongs songs(*this);
      if (params.given_events) songs.chroma = case_events(*this);
      return songs;
    }
  };

  static std::vector<Case> cases() {
    std::vector<Case> cases{{default_bigram_case()}};
    for (const auto& some : {bigram_cases(), banded_cases(), large_cases(), given_events_cases()})
      for (const BigramCase& c : some) cases.push_back({c});
    return cases;
  }

  /// Filters that no block's shared memory holds are for the CPU alone.
  static bool on_device(const Case& c) { return c.name != "eight_bands"; }

  struct On {
    On(Backend& on, const Case& c)
        : backend(on),
          host(c.songs()),
          values(on, host.chroma),
          weights(on, host.weights),
          out_gradient(on, host.out_gradient),
          out(on, out_gradient.size()),
          gradient(on, std::vector<float>(weights.size(), 7.0f)),
          events_gradient(on, std::vector<float>(host.p.given_events ? values.size() : 0, 7.0f)),
          excerpts(on, std::span<const Excerpt>(host.excerpts)),
          reserve(on, static_cast<std::int64_t>(
                          on.bigram_reserve(host.p, host.count(), host.longest))) {}
    void run() {
      const SongBatch songs{host.view(values.data()), excerpts.data(), host.count(), host.longest};
      backend.run(ops::BigramForward{.songs = songs,
                                     .weights = weights.data(),
                                     .params = host.p,
                                     .out = out.data(),
                                     .reserve = reserve.data()});
      backend.run(ops::BigramBackward{
          .songs = songs,
          .weights = weights.data(),
          .params = host.p,
          .out_gradient = out_gradient.data(),
          .reserve = reserve.data(),
          .gradient = gradient.data(),
          .events_gradient = host.p.given_events ? events_gradient.data() : nullptr});
    }
    Parts<float> results() const {
      return {{"forward", out.download()},
              {"gradient of the weights", gradient.download()},
              {"gradient of the events", events_gradient.download()}};
    }

    Backend& backend;
    CaseSongs host;
    Buffer<float> values, weights, out_gradient, out, gradient, events_gradient;
    Buffer<Excerpt> excerpts;
    Buffer<std::uint8_t> reserve;
  };

  /// By the worst of several orders of summation: see BigramDefinition.
  class Definition {
   public:
    explicit Definition(const Case& c) : name_(c.name), songs_(c.songs()) {}
    void expect(const Parts<float>& results, const std::string& where) const {
      const std::string what = name_ + (where.empty() ? "" : ", ") + where;
      definition_.expect_forward(results[0].values, what);
      definition_.expect_backward({{}, results[1].values, results[2].values}, what);
    }
    bool holds(const Parts<float>& results) const {
      return definition_.holds({results[0].values, results[1].values, results[2].values});
    }

   private:
    std::string name_;
    CaseSongs songs_;
    BigramDefinition definition_{songs_, songs_.view(songs_.chroma.data())};
  };
};

}  // namespace reprise::ops_test
