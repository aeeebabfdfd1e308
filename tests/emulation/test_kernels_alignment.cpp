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
  int bands, width;

  explicit Songs(const std::vector<int>& lengths, int bands_ = 1)
      : bands(bands_), width(bands * kPitchClasses) {
    std::int64_t first = 0;
    for (const int frames : lengths) {
      excerpts.push_back({first, frames, static_cast<std::int32_t>(excerpts.size() % 12)});
      first += frames;
    }
    chroma = random_chroma(first, 3, bands);
    // Later songs follow the first at another speed, so that there is something to find.
    for (std::size_t i = 1; i < excerpts.size(); ++i) {
      for (int t = 0; t < excerpts[i].frames; ++t) {
        const int from = t * 5 / 4 % excerpts[0].frames;
        for (int c = 0; c < width; ++c) {
          chroma[(excerpts[i].first + t) * width + c] *= 0.3f + 0.7f * chroma[from * width + c];
        }
      }
    }
  }
  ChromaView view(const void* data) const {
    return {data, ChromaType::float32, std::ssize(chroma) / width, bands, width};
  }
  kernels::AlignmentSongs upload() const { return upload(view(to_device(chroma))); }
  kernels::AlignmentSongs upload(const ChromaView& view) const {
    kernels::AlignmentSongs songs{view, to_device(excerpts)};
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

std::vector<float> align(const kernels::AlignmentSongs& q, const kernels::AlignmentSongs& c,
                         const std::vector<AlignmentPair>& pairs) {
  const auto count = static_cast<std::int64_t>(pairs.size());
  void* scratch = device_array<unsigned char>(kernels::align_scratch_bytes(q, c, 7));
  float* scores = device_array<float>(pairs.size());
  kernels::align(q, c, to_device(pairs), count, 7, {}, scratch, scores, nullptr);
  return to_host(scores, pairs.size());
}

std::vector<float> align(const Songs& queries, const Songs& candidates,
                         const std::vector<AlignmentPair>& pairs) {
  return align(queries.upload(), candidates.upload(), pairs);
}

void expect_definition(const Songs& queries, const Songs& candidates,
                       const std::vector<AlignmentPair>& pairs, const std::vector<float>& scores) {
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    Excerpt query = queries.excerpts[pairs[i].query];
    query.roll = (query.roll + pairs[i].roll) % kPitchClasses;
    const double truth = oracle::alignment(
        oracle::row_scores(oracle::alignment_frames(queries.view(queries.chroma.data()), query),
                           oracle::alignment_frames(candidates.view(candidates.chroma.data()),
                                                    candidates.excerpts[pairs[i].candidate]),
                           queries.width),
        {});
    // Rounding errors of a path's cells have no preferred sign: see test_alignment.cpp.
    const Worst worst{std::abs(double{scores[i]} - truth), 0.01 * truth + 0.5};
    note_error(worst, "scores");
    EXPECT_LE(worst.error, worst.allowed) << "pair " << i;
  }
}

void expect_definition_in_every_order(int bands) {
  SCOPED_TRACE(std::to_string(bands) + " bands");
  const Songs queries({70, 33, 1, 3}, bands), candidates({64, 8, 1, 300, 520}, bands);
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

TEST_F(EmulationTest, AlignmentEqualsTheDefinitionInEveryOrder) {
  expect_definition_in_every_order(1);
}
TEST_F(EmulationTest, AlignmentOfTwoBandsEqualsTheDefinitionInEveryOrder) {
  expect_definition_in_every_order(2);
}

// One of the bands by itself is aligned as if there were no others.
TEST_F(EmulationTest, AlignmentIsTheSameInEveryLayout) {
  for (const int bands : {1, 3, kMaxBands}) {
    const Songs songs({60, 33, 7, 270}, bands);
    const std::vector<AlignmentPair> pairs{{0, 1, 0}, {0, 3, 5}, {2, 3, 11}, {1, 1, 2}};
    expect_same_in_every_layout(songs.chroma, bands, [&](const ChromaView& view) {
      const auto uploaded = songs.upload(view);
      return align(uploaded, uploaded, pairs);
    });
    expect_definition(songs, songs, pairs, align(songs, songs, pairs));

    Songs one({60, 33, 7, 270});
    for (std::int64_t t = 0; t < std::ssize(one.chroma) / kPitchClasses; ++t) {
      std::copy_n(&songs.chroma[t * songs.width + songs.width - kPitchClasses], kPitchClasses,
                  &one.chroma[t * kPitchClasses]);
    }
    const auto last = songs.upload(songs.view(to_device(songs.chroma)).band(bands - 1));
    EXPECT_EQ(align(last, last, pairs), align(one, one, pairs));
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
