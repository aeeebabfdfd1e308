#include "train/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string_view>

#include "reprise/error.h"
#include "reprise/random.h"

namespace reprise {
namespace {

// Streams of random numbers that must not meet.
enum Stream : std::uint64_t { kOrder = 1, kDistractorOrder, kPairs, kNonCovers };

}  // namespace

std::span<const std::int64_t> Sampler::Passes::pick(std::int64_t count, std::int64_t per_step,
                                                    std::int64_t step, std::uint64_t seed) {
  if (per_step == 0) return {};
  const std::int64_t steps_a_pass = count / per_step, pass = step / steps_a_pass;
  if (pass != pass_) {
    order_.resize(static_cast<std::size_t>(count));
    std::iota(order_.begin(), order_.end(), 0);
    Random random(Random::derive(seed, static_cast<std::uint64_t>(pass)));
    for (std::int64_t i = count - 1; i > 0; --i)
      std::swap(order_[i], order_[random.below(static_cast<std::uint32_t>(i + 1))]);
    pass_ = pass;
  }
  return std::span(order_).subspan(static_cast<std::size_t>(step % steps_a_pass * per_step),
                                   static_cast<std::size_t>(per_step));
}

Sampler::Sampler(const SongSet& set, const Config& config, const PitchHistogram& key_template)
    : set_(set), config_(config), songs_(set.songs_of("train")) {
  std::map<std::string_view, Work> works;
  for (std::size_t i = 0; i < songs_.size(); ++i) {
    const std::int64_t song = songs_[i];
    histogram_.push_back(pitch_histogram(set, song));
    key_.push_back(
        config.key_mode == KeyMode::canonical ? best_roll(histogram_.back(), key_template) : 0);
    const auto number = static_cast<std::int32_t>(works.size());
    Work& work = works.try_emplace(set.work_id[song], Work{number, {}}).first->second;
    work.songs.push_back(static_cast<std::int64_t>(i));
    work_.push_back(work.number);
  }
  for (auto& [id, work] : works) {
    const bool two = other_version(work, work.songs[0], 0) != work.songs[0];
    (two ? versions_ : distractors_).push_back(std::move(work));
  }
  if (versions_.empty())
    throw InputError(fmt::format(
        "{}: expected train works with two songs each to learn from, found none among {} train "
        "songs",
        set.path, songs_.size()));
  if (versions_.size() + distractors_.size() < 2)
    throw InputError(fmt::format("{}: expected at least two train works, found one", set.path));
  if (config.sampling != Sampling::pairs) return;
  for (const Work& work : versions_)
    for (const std::int64_t a : work.songs)
      for (const std::int64_t b : work.songs)
        if (a < b && (set.tune_id.empty() || set.tune_id[songs_[a]] != set.tune_id[songs_[b]]))
          cover_pairs_.emplace_back(a, b);
}

// A song of the work with another tune than `song` where there is one, else another performance,
// else `song` itself.
std::int64_t Sampler::other_version(const Work& work, std::int64_t song, std::uint32_t draw) const {
  std::vector<std::int64_t> choices;
  for (const std::int64_t other : work.songs)
    if (other != song &&
        (set_.tune_id.empty() || set_.tune_id[songs_[other]] != set_.tune_id[songs_[song]]))
      choices.push_back(other);
  return choices.empty() ? song : choices[draw % choices.size()];
}

void Sampler::add_pair(std::int64_t a, std::int64_t b, std::uint64_t seed,
                       TrainingBatch& batch) const {
  Random random(seed);
  const int roll_a = key_[a];
  const int roll_b = best_roll(histogram_[b], rolled(histogram_[a], roll_a));
  // Without a canonical key no key is special: both songs move by one random interval.
  const bool any_key = config_.key_mode == KeyMode::canonical
                           ? config_.random_keys > 0 && random.uniform() < config_.random_keys
                           : config_.sampling == Sampling::works;
  const int both = any_key ? static_cast<int>(random.below(kPitchClasses)) : 0;
  batch.takes.push_back({set_.whole(songs_[a], (roll_a + both) % kPitchClasses), random.bits()});
  batch.takes.push_back({set_.whole(songs_[b], (roll_b + both) % kPitchClasses), random.bits()});
  batch.works.push_back(work_[a]);
  batch.works.push_back(work_[b]);
}

TrainingBatch Sampler::draw_works(std::int64_t step) {
  const auto all_versions = static_cast<std::int64_t>(versions_.size());
  const auto all_distractors = static_cast<std::int64_t>(distractors_.size());
  // What one kind lacks the other makes up for.
  const std::int64_t wanted =
      std::llround(config_.distractors * static_cast<double>(config_.works_per_batch));
  std::int64_t distractors = std::min(wanted, all_distractors);
  const std::int64_t versions = std::min(config_.works_per_batch - distractors, all_versions);
  distractors = std::min(config_.works_per_batch - versions, all_distractors);

  const auto seed = static_cast<std::uint64_t>(config_.seed);
  std::uint64_t pair_seed =
      Random::derive(Random::derive(seed, kPairs), static_cast<std::uint64_t>(step));
  TrainingBatch batch;
  const auto add = [&](const Work& work) {
    Random random(pair_seed = Random::derive(pair_seed, 0));
    const std::int64_t a = work.songs[random.below(static_cast<std::uint32_t>(work.songs.size()))];
    std::int64_t b = other_version(work, a, random.below(1 << 30));
    if (b == a && work.songs.size() > 1) {  // one tune: another performance of it
      const auto at = std::find(work.songs.begin(), work.songs.end(), a) - work.songs.begin();
      const auto size = static_cast<std::uint32_t>(work.songs.size());
      b = work.songs[(static_cast<std::uint32_t>(at) + 1 + random.below(size - 1)) % size];
    }
    add_pair(a, b, random.bits(), batch);
  };
  for (const std::int64_t w :
       version_passes_.pick(all_versions, versions, step, Random::derive(seed, kOrder)))
    add(versions_[w]);
  for (const std::int64_t w : distractor_passes_.pick(all_distractors, distractors, step,
                                                      Random::derive(seed, kDistractorOrder)))
    add(distractors_[w]);
  return batch;
}

TrainingBatch Sampler::draw_pairs(std::int64_t step) const {
  const auto seed = static_cast<std::uint64_t>(config_.seed);
  TrainingBatch batch;
  for (std::int64_t i = 0; i < config_.pairs_per_batch; ++i) {
    // Cover pair, non-cover pair, cover pair, ...: each non-cover pair keeps the first song.
    const std::int64_t at = step * config_.pairs_per_batch + i;
    const auto pair = static_cast<std::uint64_t>(at / 2) % cover_pairs_.size();
    auto [a, b] = cover_pairs_[pair];
    const std::uint64_t pair_seed = Random::derive(Random::derive(seed, kNonCovers), pair);
    if (at % 2 == 1) {
      Random random(pair_seed);
      do {
        b = random.below(static_cast<std::uint32_t>(songs_.size()));
      } while (work_[b] == work_[a]);
    }
    add_pair(a, b, pair_seed, batch);
  }
  return batch;
}

std::int64_t Sampler::most_rows(const Config& config) {
  switch (config.sampling) {
    case Sampling::works:
      return 2 * std::int64_t{config.works_per_batch};
    case Sampling::pairs:
      return 2 * std::int64_t{config.pairs_per_batch};
  }
  return 0;
}

TrainingBatch Sampler::draw(std::int64_t step) {
  switch (config_.sampling) {
    case Sampling::works:
      return draw_works(step);
    case Sampling::pairs:
      return draw_pairs(step);
  }
  return {};
}

}  // namespace reprise
