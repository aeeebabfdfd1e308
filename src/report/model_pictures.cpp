#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/svg.h"
#include "report/page.h"
#include "reprise/op_params.h"

namespace reprise {
namespace {

// Names of the natural pitch classes: rows are too close for all.
constexpr std::array<const char*, kPitchClasses> kPitchNames{"C", "",  "D", "",  "E", "F",
                                                             "",  "G", "",  "A", "",  "B"};
constexpr int kBigrams = 3;        // shown of a match, one colour each
constexpr int kPlaces = 4;         // of each bigram in each song
constexpr int kShownFrames = 160;  // of each song

// [12, frames] of the first band, C at the bottom.
Panel chroma_panel(ChromaView chroma, int roll, std::int64_t first, int frames) {
  Panel panel;
  panel.rows = kPitchClasses;
  panel.columns = frames;
  panel.cell_width = 5;
  for (int row = 0; row < kPitchClasses; ++row) {
    const int c = kPitchClasses - 1 - row;
    panel.row_names.emplace_back(kPitchNames[c]);
    for (int t = 0; t < frames; ++t)
      panel.values.push_back(chroma.at(first + t, (c - roll + kPitchClasses) % kPitchClasses));
  }
  return panel;
}

// Events [T', N] of a song rolled up, by the definition in params.h.
std::vector<float> events_of(const Model& model, const BigramParams& p, ChromaView chroma,
                             int roll) {
  const auto total = static_cast<int>(chroma.frames);
  const int frames = p.event_frames(total), n = p.events;
  std::vector<float> e(static_cast<std::size_t>(frames) * n);
  for (int i = 0; i < n; ++i) {
    double mean = 0;
    for (int t = 0; t < frames; ++t) {
      float sum = model.weights[p.bias_offset() + i];
      for (int q = 0; q < p.event_length && t + q < total; ++q)
        for (int c = 0; c < p.width(); ++c)
          sum += model.weights[(i * p.event_length + q) * p.width() + c] *
                 chroma.at(t + q, rolled_from(c, roll));
      e[t * n + i] = p.activation == Activation::none   ? sum
                     : p.activation == Activation::step ? (sum > 0 ? 1.0f : 0.0f)
                                                        : std::max(0.0f, sum);
      mean += e[t * n + i];
    }
    if (p.centre_events)
      for (int t = 0; t < frames; ++t) e[t * n + i] -= static_cast<float>(mean / frames);
  }
  return e;
}

// The frame of a filter and the pitch class that weigh most.
std::pair<int, int> heart_of(const Model& model, const BigramParams& p, int event) {
  const auto first = model.weights.begin() + event * p.filter_values();
  const auto at = static_cast<int>(std::max_element(first, first + p.filter_values()) - first);
  return {at / p.width(), at % kPitchClasses};
}

// Where a song has the bigram (f, i, j): marks of both events, in frames of the whole song.
void add_places(const Model& model, const BigramParams& p, const std::vector<float>& e, int f,
                int i, int j, float sign, std::size_t colour, std::vector<Panel::Mark>& marks) {
  struct Place {
    float strength;
    int later, earlier;
  };
  const int n = p.events, frames = static_cast<int>(e.size()) / n;
  std::vector<Place> places;
  for (int t = 0; t < frames; ++t) {
    Place best{0, 0, 0};
    for (int l = 0; l < p.taps; ++l) {
      const int s = t + p.lags[l];
      if (s < 0 || s >= frames) continue;
      const float strength =
          sign * model.weights[p.window_offset() + f * p.taps + l] * e[s * n + i] * e[t * n + j];
      if (strength > best.strength) best = {strength, s, t};
    }
    if (best.strength > 0) places.push_back(best);
  }
  const auto kept = std::min<std::size_t>(kPlaces, places.size());
  std::partial_sort(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(kept),
                    places.end(),
                    [](const Place& a, const Place& b) { return a.strength > b.strength; });
  for (std::size_t k = 0; k < kept; ++k)
    for (const auto& [event, t] : {std::pair{i, places[k].later}, {j, places[k].earlier}}) {
      const auto [frame, pitch] = heart_of(model, p, event);
      marks.push_back(
          {static_cast<double>(kPitchClasses - 1 - pitch), static_cast<double>(t + frame), colour});
    }
}

// The song's chroma with its marks, where most of them are.
Panel marked_panel(ChromaView chroma, int roll, std::vector<Panel::Mark> marks, std::string name) {
  const auto total = static_cast<int>(chroma.frames);
  const int frames = std::min(total, kShownFrames);
  const auto inside = [&](const Panel::Mark& m, int first) {
    return m.column >= first && m.column < first + frames;
  };
  int start = 0;
  std::ptrdiff_t most = -1;
  for (int first = 0; first + frames <= total; ++first) {
    const auto count = std::count_if(marks.begin(), marks.end(),
                                     [&](const Panel::Mark& m) { return inside(m, first); });
    if (count > most) start = first, most = count;
  }
  std::erase_if(marks, [&](const Panel::Mark& m) { return !inside(m, start); });
  for (Panel::Mark& m : marks) m.column -= start;
  Panel panel = chroma_panel(chroma, roll, start, frames);
  panel.name = fmt::format("{}, frames {} to {}", name, start, start + frames);
  panel.marks = std::move(marks);
  return panel;
}

}  // namespace

void Report::add_model(const Model& model) {
  const BigramParams p = bigram_params(model.config);
  // The filters that see chroma: of a network its first ones.
  const WeightTensor first = weight_tensors(model.config).front();
  const auto count = static_cast<int>(first.shape[0]), length = static_cast<int>(first.shape[1]);
  const auto width = static_cast<int>(first.shape[2]);  // the first band is shown
  std::vector<Panel> filters;
  for (int i = 0; i < count; ++i) {
    Panel panel;
    panel.name = fmt::format("{}: bias {:.2f}", i + 1, model.weights[first.size() + i]);
    panel.rows = kPitchClasses;
    panel.columns = length;
    panel.cell_width = length > 8 ? 5 : 14;
    for (int row = 0; row < kPitchClasses; ++row) {
      const int c = kPitchClasses - 1 - row;
      panel.row_names.emplace_back(kPitchNames[c]);
      for (int q = 0; q < length; ++q)
        panel.values.push_back(double{model.weights[(i * length + q) * width + c]});
    }
    filters.push_back(std::move(panel));
  }
  const bool bigrams = model.config.dense.empty();
  page_->html.heading(bigrams ? "Filters and windows" : "Filters");
  page_->html.figure(
      cell_panels(model.config.network() ? "Filters of the first layer" : "Event filters", filters,
                  6),
      fmt::format("{} filters of {} frames: time to the right, pitch class upward; "
                  "one colour above zero, the other below.",
                  count, length));
  if (!bigrams) return;
  Panel windows;
  windows.name = fmt::format("lags {} to {} frames", *std::min_element(p.lags, p.lags + p.taps),
                             *std::max_element(p.lags, p.lags + p.taps));
  windows.rows = p.windows;
  windows.columns = p.taps;
  windows.cell_width = std::min(20.0, 620.0 / p.taps);
  for (int f = 0; f < p.windows; ++f) windows.row_names.push_back(fmt::format("{}", f + 1));
  const auto weights =
      model.weights.begin() + (weight_count(model.config) - std::int64_t{p.windows} * p.taps);
  windows.values.assign(weights, weights + p.windows * p.taps);
  page_->html.figure(cell_panels("Co-occurrence windows", std::span(&windows, 1), 1),
                     "A row a window: how much each lag counts.");
}

void Report::add_match(Backend& backend, const SongSet& set, const Protocol& protocol,
                       const Evaluation& evaluation, const Model& model) {
  // The events of a network have no pitch class to mark.
  if (model.config.pairs != KeptPairs::all || model.config.feature != Feature::chroma ||
      model.config.network())
    return;
  std::vector<std::size_t> found;  // queries whose first answer is a version
  for (std::size_t i = 0; i < protocol.queries.size(); ++i)
    if (evaluation.ranks[i].front() == 1) found.push_back(i);
  if (found.empty()) return;
  const std::size_t query = found[found.size() / 2];
  const std::int64_t songs[] = {protocol.candidates[protocol.queries[query]],
                                protocol.candidates[evaluation.first_answers[query]]};

  Model plain = model;  // the first model's bigrams, not their projection
  plain.joined.clear();
  plain.config.projection = 0;
  plain.projection_weight.clear();
  plain.projection_bias.clear();
  ModelFingerprinter method(backend, plain, "bigrams");
  const Fingerprints q = method.compute(set, std::span(songs, 1), Keys::query);
  const Fingerprints c = method.compute(set, std::span(songs + 1, 1), Keys::candidate);
  int key = 0;
  double best = -2;
  for (int k = 0; k < q.keys; ++k) {
    const double along =
        std::inner_product(c.values.begin(), c.values.end(), q.values.begin() + k * q.dims, 0.0);
    if (along > best) best = along, key = k;
  }
  const float* of_query = q.values.data() + key * q.dims;
  std::vector<int> order(q.dims);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int a, int b) { return of_query[a] * c.values[a] > of_query[b] * c.values[b]; });

  const BigramParams p = bigram_params(plain.config);
  const int rolls[] = {q.rolls[key], c.rolls[0]};
  std::vector<Panel> panels;
  for (int side = 0; side < 2; ++side) {
    const ChromaView chroma = set.chroma_of(songs[side]);
    const std::vector<float> e = events_of(plain, p, chroma, rolls[side]);
    std::vector<Panel::Mark> marks;
    for (int k = 0; k < std::min(kBigrams, q.dims); ++k) {
      const int d = order[k], square = p.events * p.events;
      add_places(plain, p, e, d / square, d % square / p.events, d % p.events,
                 of_query[d] < 0 ? -1.0f : 1.0f, static_cast<std::size_t>(k) + 1, marks);
    }
    std::string name = set.song_id[songs[side]];
    if (!set.title.empty()) name += ", " + set.title[songs[side]];
    if (rolls[side] > 0) name += fmt::format(", {} semitones up", rolls[side]);
    panels.push_back(marked_panel(chroma, rolls[side], std::move(marks), std::move(name)));
  }
  page_->html.heading("A match");
  page_->html.figure(
      cell_panels("A song and the version it found", panels, 1),
      fmt::format("Rings mark the {} bigrams that add most to the similarity, a colour each, where "
                  "each song has them most strongly: both events, at the pitch class and frame "
                  "that weigh most in their filters.",
                  kBigrams));
}

}  // namespace reprise
