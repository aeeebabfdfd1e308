// The alignment kernels against the definition in double precision; that they give the CPU back
// end's scores is for the back end's own test.
#include "../oracle_alignment.h"

#include "../random_chroma.h"
#include "../tolerance.h"
#include "launch.h"
#include "test_kernels.h"

namespace reprise::emulation {
namespace {

struct Songs {
  std::vector<float> chroma;
  std::vector<Excerpt> excerpts;

  explicit Songs(const std::vector<int>& lengths) {
    std::int64_t first = 0;
    for (const int frames : lengths) {
      excerpts.push_back({first, frames, static_cast<std::int32_t>(excerpts.size() % 12)});
      first += frames;
    }
    chroma = random_chroma(first, 3);
    // Later songs follow the first at another speed, so that there is something to find.
    for (std::size_t i = 1; i < excerpts.size(); ++i) {
      for (int t = 0; t < excerpts[i].frames; ++t) {
        const int from = t * 5 / 4 % excerpts[0].frames;
        for (int c = 0; c < kPitchClasses; ++c) {
          chroma[(excerpts[i].first + t) * kPitchClasses + c] *=
              0.3f + 0.7f * chroma[from * kPitchClasses + c];
        }
      }
    }
  }
  ChromaView view(const void* data) const {
    return {data, ChromaType::float32, static_cast<std::int64_t>(chroma.size()) / kPitchClasses};
  }
  kernels::AlignmentSongs upload() const {
    kernels::AlignmentSongs songs{view(to_device(chroma)), to_device(excerpts)};
    std::vector<std::int64_t> first;
    for (const Excerpt& e : excerpts) {
      first.push_back(songs.frames);
      songs.frames += e.frames;
      songs.longest = std::max<std::int64_t>(songs.longest, e.frames);
    }
    songs.first_frame = to_device(first);
    songs.count = static_cast<std::int64_t>(excerpts.size());
    return songs;
  }
};

std::vector<float> align(const Songs& queries, const Songs& candidates,
                         const std::vector<AlignmentPair>& pairs) {
  const auto q = queries.upload(), c = candidates.upload();
  const auto count = static_cast<std::int64_t>(pairs.size());
  void* scratch = device_array<unsigned char>(kernels::align_scratch_bytes(q, c, 7));
  float* scores = device_array<float>(pairs.size());
  kernels::align(q, c, to_device(pairs), count, 7, {}, scratch, scores, nullptr);
  return to_host(scores, pairs.size());
}

void expect_definition(const Songs& queries, const Songs& candidates,
                       const std::vector<AlignmentPair>& pairs, const std::vector<float>& scores) {
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    Excerpt query = queries.excerpts[pairs[i].query];
    query.roll = (query.roll + pairs[i].roll) % kPitchClasses;
    const double truth = oracle::alignment(
        oracle::row_scores(oracle::alignment_frames(queries.view(queries.chroma.data()), query),
                           oracle::alignment_frames(candidates.view(candidates.chroma.data()),
                                                    candidates.excerpts[pairs[i].candidate])),
        {});
    // Rounding errors of a path's cells have no preferred sign: see test_alignment.cpp.
    const Worst worst{std::abs(double{scores[i]} - truth), 0.01 * truth + 0.5};
    note_error(worst, "scores");
    EXPECT_LE(worst.error, worst.allowed) << "pair " << i;
  }
}

TEST_F(EmulationTest, AlignmentEqualsTheDefinitionInEveryOrder) {
  const Songs queries({70, 33, 1, 3}), candidates({64, 8, 1, 300, 520});
  std::vector<AlignmentPair> pairs;
  for (int q = 0; q < 4; ++q) {
    for (int c = 0; c < 5; ++c) pairs.push_back({q, c, (q * 5 + c) % 12});
  }
  std::vector<float> first;
#ifdef __SANITIZE_THREAD__
  const std::vector<Schedule> orders{Schedule{}};
#else
  const std::vector<Schedule> orders = schedules(1);
#endif
  for (const Schedule& schedule : orders) {
    SCOPED_TRACE(to_string(schedule));
    cudaDeviceReset();
    set_schedule(schedule);
    const auto scores = align(queries, candidates, pairs);
    if (first.empty()) {
      first = scores;
      expect_definition(queries, candidates, pairs, scores);
    }
    EXPECT_EQ(scores, first);
  }
}

// A song with itself matches in every frame, three standard deviations at most each.
TEST_F(EmulationTest, AlignmentOfASongWithItself) {
  const Songs songs({600, 255, 256, 257});
  std::vector<AlignmentPair> pairs;
  for (int i = 0; i < 4; ++i) pairs.push_back({i, i, 0});
  const auto scores = align(songs, songs, pairs);
  expect_definition(songs, songs, pairs, scores);
  for (int i = 0; i < 4; ++i) EXPECT_GT(scores[i], 0.8f * songs.excerpts[i].frames);
}

}  // namespace
}  // namespace reprise::emulation
