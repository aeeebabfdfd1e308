// Long songs of bigrams, cut into segments that threads share.

#include <gtest/gtest.h>

#include "backend/cpu/run.h"
#include "bigram_definition.h"
#include "every_instruction_set.h"
#include "op_cases.h"

namespace reprise {
namespace {

/// Forward and backward of songs, cut into segments of at most `segment` event frames.
BigramResults run(const BigramParams& p, ChromaView chroma, const std::vector<Excerpt>& excerpts,
                  const std::vector<float>& weights, const std::vector<float>& out_gradient,
                  std::int64_t segment, int threads) {
  const auto count = std::int64_t(excerpts.size());
  std::int64_t longest = 0;
  for (const Excerpt& e : excerpts) longest = std::max<std::int64_t>(longest, e.frames);
  BigramResults r{std::vector<float>(count * p.dims()), std::vector<float>(p.weights(), 7.0f), {}};
  if (p.given_events) r.events_gradient.assign(chroma.frames * p.events, 7.0f);
  std::vector<std::uint8_t> reserve(cpu::bigram_reserve(p, count, longest));
  const cpu::Context context{.threads = threads, .segment_frames = segment};
  ops::BigramForward forward{.songs = {chroma, excerpts.data(), count, longest},
                             .weights = weights.data(),
                             .params = p,
                             .out = r.out.data(),
                             .reserve = reserve.data()};
  cpu::run(forward, context);
  cpu::run(ops::BigramBackward{.songs = forward.songs,
                               .weights = weights.data(),
                               .params = p,
                               .out_gradient = out_gradient.data(),
                               .reserve = reserve.data(),
                               .gradient = r.gradient.data(),
                               .events_gradient = r.events_gradient.data()},
           context);
  std::vector<float> alone(r.out.size());
  forward.out = alone.data();
  forward.reserve = nullptr;
  cpu::run(forward, context);
  EXPECT_EQ(alone, r.out) << "without a reserve";
  return r;
}

class Segments : public testing::TestWithParam<BigramCase> {
 protected:
  static ChromaView input(const CaseSongs& songs, const std::vector<float>& events) {
    const auto frames = std::int64_t(songs.chroma.size()) / kPitchClasses;
    return {(songs.p.given_events ? events : songs.chroma).data(), ChromaType::float32, frames};
  }
};

TEST_P(Segments, EqualTheDefinition) {
  const CaseSongs songs(GetParam());
  const std::vector<float> events = case_events(GetParam());
  const ChromaView view = input(songs, events);
  const BigramDefinition definition(songs, view);
  with_every_instruction_set([&](const std::string& set) {
    for (const std::int64_t segment : {6, 38, 64}) {
      const BigramResults r =
          run(songs.p, view, songs.excerpts, songs.weights, songs.out_gradient, segment, 3);
      const std::string what = GetParam().name + ", " + set + ", " + std::to_string(segment);
      definition.expect_forward(r.out, what);
      definition.expect_backward(r, what);
    }
  });
}

TEST_P(Segments, SameBitsForAnyNumberOfThreads) {
  const CaseSongs songs(GetParam());
  const std::vector<float> events = case_events(GetParam());
  const ChromaView view = input(songs, events);
  for (const std::int64_t segment : {2, 64}) {
    const auto with = [&](int threads) {
      return run(songs.p, view, songs.excerpts, songs.weights, songs.out_gradient, segment,
                 threads);
    };
    const BigramResults one = with(1);
    EXPECT_TRUE(one == with(2)) << segment;
    EXPECT_TRUE(one == with(5)) << segment;
  }
}

std::vector<BigramCase> all_cases() {
  std::vector<BigramCase> cases = bigram_cases();
  cases.push_back(default_bigram_case());
  for (const BigramCase& c : given_events_cases()) cases.push_back(c);
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Cases, Segments, testing::ValuesIn(all_cases()),
                         [](const auto& info) { return info.param.name; });

// Songs that the back end itself cuts: the same bits for any number of threads, alone and in a
// batch.
TEST(LongSongs, SameBitsForAnyThreadsAndBatch) {
  const BigramParams p = bigram_case_params(12, 4, 20, default_lags(), true, Pooling::mean,
                                            Compression::signed_root, true);
  const std::vector<Excerpt> excerpts{{0, 30001, 3}, {30001, 300, 0}, {30301, 9000, 11}};
  const std::int64_t frames = 39301;
  const auto chroma = random_chroma(frames, 5);
  const ChromaView view{chroma.data(), ChromaType::float32, frames};
  const auto weights = bigram_case_weights(p, 2);
  auto out_gradient = random_values(3 * std::int64_t{p.dims()}, 1, 3);
  const auto with = [&](int threads) {
    return run(p, view, excerpts, weights, out_gradient, cpu::kSegmentFrames, threads);
  };
  const BigramResults one = with(1);
  EXPECT_TRUE(one == with(2));
  EXPECT_TRUE(one == with(3));
  // Songs whose fingerprints have no gradient add none to the batch's.
  for (std::size_t i = 0; i < excerpts.size(); ++i) {
    const auto first = std::ptrdiff_t(i) * p.dims();
    const std::vector<float> mine(out_gradient.begin() + first,
                                  out_gradient.begin() + first + p.dims());
    std::vector<float> only(out_gradient.size());
    std::copy(mine.begin(), mine.end(), only.begin() + first);
    const BigramResults alone = run(p, view, {excerpts[i]}, weights, mine, cpu::kSegmentFrames, 2);
    const BigramResults batch = run(p, view, excerpts, weights, only, cpu::kSegmentFrames, 3);
    EXPECT_EQ(alone.out,
              std::vector<float>(one.out.begin() + first, one.out.begin() + first + p.dims()));
    EXPECT_EQ(alone.gradient, batch.gradient);
    EXPECT_NE(alone.gradient, std::vector<float>(p.weights(), 0.0f));
  }
}

// Against the definition where the back end cuts: a song of three segments.
TEST(LongSongs, EqualTheDefinition) {
  const BigramCase c{"long",
                     bigram_case_params(5, 3, 2, {-7, 0, 3, 40}, true, Pooling::mean,
                                        Compression::signed_root, true),
                     {2 * int(cpu::kSegmentFrames) + 11}};
  const CaseSongs songs(c);
  const ChromaView view{songs.chroma.data(), ChromaType::float32, c.frames[0]};
  const BigramDefinition definition(songs, view);
  const BigramResults r = run(c.params, view, songs.excerpts, songs.weights, songs.out_gradient,
                              cpu::kSegmentFrames, 2);
  definition.expect_forward(r.out, c.name);
  definition.expect_backward(r, c.name);
}

}  // namespace
}  // namespace reprise
