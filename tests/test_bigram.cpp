#include <gtest/gtest.h>

#include "chroma_layouts.h"
#include "op_cases.h"
#include "oracle.h"
#include "reprise/backend.h"
#include "reprise/error.h"

namespace reprise {
namespace {

class Bigram : public testing::TestWithParam<BigramCase> {
 protected:
  void SetUp() override {
    const BigramCase& c = GetParam();
    excerpts = case_excerpts(c);
    chroma = random_chroma(excerpts.back().first + excerpts.back().frames, 1, c.params.bands);
    weights = bigram_case_weights(c.params, 2);
    out_gradient = random_values(std::int64_t(excerpts.size()) * c.params.dims(), 1.0f, 3);
  }
  ChromaView view() const {
    const BigramParams& p = GetParam().params;
    return {chroma.data(), ChromaType::float32, std::int64_t(chroma.size()) / p.width(), p.bands,
            p.width()};
  }
  std::vector<float> forward(Backend& backend, ChromaView songs, std::vector<float>* gradient) {
    const BigramParams& p = GetParam().params;
    std::int64_t longest = 0;
    for (const Excerpt& e : excerpts) longest = std::max<std::int64_t>(longest, e.frames);
    const auto count = std::int64_t(excerpts.size());
    std::vector<float> out(count * p.dims());
    std::vector<std::uint8_t> reserve(backend.bigram_reserve(p, count, longest));
    backend.run(ops::BigramForward{.songs = {songs, excerpts.data(), count, longest},
                                   .weights = weights.data(),
                                   .params = p,
                                   .out = out.data(),
                                   .reserve = gradient ? reserve.data() : nullptr});
    if (gradient) {
      gradient->resize(p.weights());
      backend.run(ops::BigramBackward{.songs = {songs, excerpts.data(), count, longest},
                                      .weights = weights.data(),
                                      .params = p,
                                      .out_gradient = out_gradient.data(),
                                      .reserve = reserve.data(),
                                      .gradient = gradient->data()});
    }
    return out;
  }

  std::vector<Excerpt> excerpts;
  std::vector<float> chroma, weights, out_gradient;
};

TEST_P(Bigram, ForwardNeedsNoReserve) {
  const auto backend = make_cpu_backend(2);
  std::vector<float> gradient;
  EXPECT_EQ(forward(*backend, view(), nullptr), forward(*backend, view(), &gradient));
}

// The chain rule of the oracle against finite differences of its forward, in double precision. The
// step must keep clear of kinks: an event that is rectified on one side only.
TEST_P(Bigram, ChainRuleEqualsFiniteDifferences) {
  const BigramParams& p = GetParam().params;
  const Excerpt e = excerpts[0];
  const auto x = oracle::excerpt_chroma<double>(view(), e);
  const std::vector<float> dout(out_gradient.begin(), out_gradient.begin() + p.dims());
  std::vector<double> gradient(p.weights(), 0);
  std::vector<double> at(weights.begin(), weights.end());
  oracle::bigram_backward(x, at, p, dout, gradient);
  const auto value = [&](const std::vector<double>& w) {
    const auto b = oracle::bigram_forward(x, w, p);
    double sum = 0;
    for (int d = 0; d < p.dims(); ++d) sum += double(dout[d]) * b.out[d];
    return sum;
  };
  const auto kink = [&](const std::vector<double>& a, const std::vector<double>& b) {
    const auto fa = oracle::bigram_forward(x, a, p), fb = oracle::bigram_forward(x, b, p);
    for (std::size_t i = 0; i < fa.raw.size(); ++i)
      if ((fa.raw[i] > 0) != (fb.raw[i] > 0)) return true;
    return false;
  };
  Random random(4);
  int checked = 0;
  const double largest =
      std::abs(*std::max_element(gradient.begin(), gradient.end(),
                                 [](double a, double b) { return std::abs(a) < std::abs(b); }));
  for (int trial = 0; trial < 60 && checked < 20; ++trial) {
    // Every kind of weight gets its turn.
    const int parts[] = {0, p.bias_offset(), p.window_offset(), p.weights()};
    // The filters' gradient of a step is declared, not derived.
    const int part = p.activation == Activation::step ? 2 : trial % 3;
    const int w = parts[part] + int(random.below(std::uint32_t(parts[part + 1] - parts[part])));
    const double step = 1e-7;
    std::vector<double> up = at, down = at;
    up[w] += step;
    down[w] -= step;
    if (kink(up, down)) continue;
    EXPECT_NEAR((value(up) - value(down)) / (2 * step), gradient[w], 2e-5 * largest)
        << GetParam().name << " weight " << w;
    ++checked;
  }
  EXPECT_GE(checked, 6) << "too many kinks to check " << GetParam().name;
}

TEST_P(Bigram, BytesAreFractionsOf255) {
  std::vector<std::uint8_t> bytes(chroma.size());
  for (std::size_t i = 0; i < chroma.size(); ++i) {
    bytes[i] = std::uint8_t(chroma[i] * 255);
    chroma[i] = float(bytes[i]) * (1.0f / 255.0f);
  }
  const auto backend = make_cpu_backend(1);
  ChromaView of_bytes = view();
  of_bytes.data = bytes.data();
  of_bytes.type = ChromaType::uint8;
  EXPECT_EQ(forward(*backend, of_bytes, nullptr), forward(*backend, view(), nullptr));
}

// Wherever rows lie: the same bits as of dense rows of the same values.
TEST_P(Bigram, RowsMayLieApart) {
  const auto backend = make_cpu_backend(1);
  const int bands = GetParam().params.bands;
  for (const ChromaType type : {ChromaType::float32, ChromaType::uint8}) {
    std::vector<float> gradient, dense_gradient;
    const ChromaLayout dense(chroma, bands, type, 0);
    const std::vector<float> out = forward(*backend, dense.view(), &dense_gradient);
    for (const int apart : {1, 24}) {
      const ChromaLayout layout(chroma, bands, type, apart);
      EXPECT_EQ(forward(*backend, layout.view(), &gradient), out) << layout.name();
      EXPECT_EQ(gradient, dense_gradient) << layout.name();
    }
  }
}

std::vector<BigramCase> cases_and_default() {
  std::vector<BigramCase> cases = bigram_cases();
  for (const BigramCase& c : banded_cases()) cases.push_back(c);
  cases.push_back(default_bigram_case());
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Cases, Bigram, testing::ValuesIn(cases_and_default()),
                         [](const auto& info) { return info.param.name; });

// Events that were found before, by event layers.
class GivenEvents : public testing::TestWithParam<BigramCase> {
 protected:
  const BigramParams& p = GetParam().params;
  const std::vector<Excerpt> excerpts = case_excerpts(GetParam());
  const std::vector<float> events = case_events(GetParam());
  const std::vector<float> windows = random_values(p.weights(), 0.1f, 2);
  const std::vector<float> out_gradient =
      random_values(std::int64_t(excerpts.size()) * p.dims(), 1.0f, 3);

  template <class Real>
  std::vector<Real> song(const Excerpt& e) const {
    const auto first = events.begin() + e.first * p.events;
    return std::vector<Real>(first, first + std::ptrdiff_t{e.frames} * p.events);
  }
};

TEST_P(GivenEvents, ChainRuleEqualsFiniteDifferences) {
  const auto at = song<double>(excerpts.back());
  const std::vector<float> dout(out_gradient.end() - p.dims(), out_gradient.end());
  std::vector<double> unused(p.weights(), 0), gradient;
  oracle::bigram_backward(at, windows, p, dout, unused, &gradient);
  Random random(4);
  for (int trial = 0; trial < 20; ++trial) {
    const auto which = random.below(std::uint32_t(at.size()));
    const auto value = [&](double by) {
      auto moved = at;
      moved[which] += by;
      const auto b = oracle::bigram_forward(moved, windows, p);
      double sum = 0;
      for (int d = 0; d < p.dims(); ++d) sum += double(dout[d]) * b.out[d];
      return sum;
    };
    EXPECT_NEAR((value(1e-6) - value(-1e-6)) / 2e-6, gradient[which],
                1e-5 * (1 + std::abs(gradient[which])))
        << which;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, GivenEvents, testing::ValuesIn(given_events_cases()),
                         [](const auto& info) { return info.param.name; });

// A filter that sees the second of two bands, rolled up by two, by hand: as one frame below.
TEST(BigramBands, ARollStaysWithinItsBand) {
  BigramParams p = bigram_case_params(1, 1, 1, {0}, false, Pooling::sum, Compression::none, false);
  p.bands = 2;
  std::vector<float> weights(24 + 2, 0.0f);
  weights[12 + 1] = 2;  // pitch class 1 of band 1
  weights[25] = 3;      // window
  std::vector<float> chroma(24, 0.0f);
  chroma[12 + 11] = 0.5f;  // rolled up by two: pitch class 1
  chroma[11] = 0.25f;      // would get there if it left its band
  const Excerpt e{0, 1, 2};
  float out = 0;
  make_cpu_backend(1)->run(
      ops::BigramForward{.songs = {{chroma.data(), ChromaType::float32, 1, 2, 24}, &e, 1, 1},
                         .weights = weights.data(),
                         .params = p,
                         .out = &out});
  EXPECT_EQ(out, 3.0f);
}

TEST(BigramBands, OfViewAndParametersMustAgree) {
  const BigramParams p = banded_cases()[0].params;  // two bands
  const std::vector<float> chroma(36 * 5), weights = bigram_case_weights(p, 1);
  const Excerpt e{0, 5, 0};
  std::vector<float> out(p.dims());
  try {
    make_cpu_backend(1)->run(
        ops::BigramForward{.songs = {{chroma.data(), ChromaType::float32, 5, 3, 36}, &e, 1, 5},
                           .weights = weights.data(),
                           .params = p,
                           .out = out.data()});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "chroma: expected 2 bands of 12 pitch classes, found 3");
  }
}

TEST(BigramValues, SilenceGivesZerosNotNaN) {
  const BigramParams p = bigram_case_params(12, 4, 20, default_lags(), true, Pooling::mean,
                                            Compression::signed_root, true);
  const auto weights = bigram_case_weights(p, 1);
  const std::vector<float> silence(100 * 12, 0.0f);
  const Excerpt e{0, 100, 0};
  std::vector<float> out(p.dims(), 1.0f), gradient(p.weights(), 1.0f), ones(p.dims(), 1.0f);
  const auto backend = make_cpu_backend(1);
  std::vector<std::uint8_t> reserve(backend->bigram_reserve(p, 1, 100));
  const ChromaView view{silence.data(), ChromaType::float32, 100};
  backend->run(ops::BigramForward{.songs = {view, &e, 1, 100},
                                  .weights = weights.data(),
                                  .params = p,
                                  .out = out.data(),
                                  .reserve = reserve.data()});
  backend->run(ops::BigramBackward{.songs = {view, &e, 1, 100},
                                   .weights = weights.data(),
                                   .params = p,
                                   .out_gradient = ones.data(),
                                   .reserve = reserve.data(),
                                   .gradient = gradient.data()});
  // All frames alike: centred, nothing is left.
  for (const float value : out) EXPECT_EQ(value, 0.0f);
  for (const float value : gradient) EXPECT_EQ(value, 0.0f);
}

// One frame, one event, by hand: E = max(0, 0.5 + 2 * 0.25) = 1, M = w * E * E = 3.
TEST(BigramValues, OneFrameByHand) {
  const BigramParams p =
      bigram_case_params(1, 1, 1, {0}, false, Pooling::sum, Compression::none, false);
  std::vector<float> weights(14, 0.0f);
  weights[3] = 2;      // filter, pitch class 3
  weights[12] = 0.5f;  // bias
  weights[13] = 3;     // window
  std::vector<float> chroma(12, 0.0f);
  chroma[1] = 0.25f;  // rolled up by two: pitch class 3
  const Excerpt e{0, 1, 2};
  float out = 0;
  make_cpu_backend(1)->run(
      ops::BigramForward{.songs = {{chroma.data(), ChromaType::float32, 1}, &e, 1, 1},
                         .weights = weights.data(),
                         .params = p,
                         .out = &out});
  EXPECT_EQ(out, 3.0f);
}

}  // namespace
}  // namespace reprise
