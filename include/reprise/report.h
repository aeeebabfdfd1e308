#pragma once

#include <memory>
#include <span>
#include <string>

#include "reprise/backend.h"
#include "reprise/evaluate.h"
#include "reprise/model.h"
#include "reprise/trainer.h"

namespace reprise {

/// Distances of the 2016 experiment in the course of its training.
struct DistancePoint {
  std::int64_t step = 0;
  double train_loss = 0;
  double test_loss = 0;
  double covers = 0;         ///< mean distance of cover pairs
  double others = 0;         ///< mean distance of non-cover pairs
  double bhattacharyya = 0;  ///< distance of the two distributions of distances
};

/// How often answers were versions, by the probability said of them: a line for each of the first
/// evaluations that have scored_pairs, as an SVG document.
std::string reliability_chart(std::span<const Evaluation> evaluations);

/// Distances of an evaluation's covers and non-covers, as an SVG document.
std::string distances_chart(const Evaluation& evaluation);

/// The chroma of a song in lines of a quarter of a thousand frames, C at the bottom, as an SVG
/// document.
std::string chroma_picture(const SongSet& set, std::int64_t song);

/// A page about a training run or an evaluation: one HTML file that needs nothing beside itself.
/// Threads: one at a time.
class Report {
 public:
  /// title, lead: text.
  Report(const std::string& title, const std::string& lead);
  ~Report();

  /// Loss and validation MAP by step.
  void add_training(std::span<const LoggedStep> log);
  /// Losses and distances by step.
  void add_distances(std::span<const DistancePoint> points);
  /// The methods' table, MAP with intervals, precision and recall; the distances of the first; the
  /// works that it takes for one another.
  void add_evaluations(const SongSet& set, const Protocol& protocol,
                       std::span<const Evaluation> evaluations);
  /// How far the probabilities said of answers hold, of the evaluations that have scored_pairs.
  void add_calibrations(std::span<const Evaluation> evaluations);
  /// Filters and windows.
  void add_model(const Model& model);
  /// A query that found its version, as two chromas with the events that agree; nothing where no
  /// query did, or where the model keeps not all pairs of events.
  void add_match(Backend& backend, const SongSet& set, const Protocol& protocol,
                 const Evaluation& evaluation, const Model& model);

  /// Writes FOLDER/index.html, and makes the folder where there is none. Throws Error.
  void write(const std::string& folder) const;

 private:
  struct Page;
  std::unique_ptr<Page> page_;
};

}  // namespace reprise
