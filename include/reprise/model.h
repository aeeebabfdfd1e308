#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "reprise/backend.h"
#include "reprise/config.h"
#include "reprise/fingerprints.h"

namespace reprise {

/// Name and shape of a tensor of learned weights.
struct WeightTensor {
  std::string name;  ///< in the model file
  std::vector<std::int64_t> shape;
  std::int64_t size() const;
};

/// The learned weights of a configuration, in order and dense: `layers.K.weight` [filters, frames,
/// channels] and `layers.K.bias` of the convolutions before the events, `events.weight` [N,
/// event_length, 12 * bands or channels], `events.bias` [N], then `windows.weight` [F, L], or
/// `dense.K.weight` [units, values] and `dense.K.bias`.
std::vector<WeightTensor> weight_tensors(const Config& config);
/// Their total number.
std::int64_t weight_count(const Config& config);

/// Further bigrams that a joined model concatenates before its projection.
struct JoinedBigrams {
  Config config;
  std::vector<float> weights;  ///< as weight_tensors() lays them out
};

/// A trained fingerprint: one safetensors file.
struct Model {
  Config config;
  std::string chroma_source;            ///< SongSet::chroma_source of the songs it learned from
  std::vector<std::string> band_names;  ///< SongSet::band_names of the same; empty fits any
  std::vector<float> weights;           ///< as weight_tensors() lays them out
  std::vector<JoinedBigrams> joined;    ///< see join.h; the config above rules keys and projection
  std::array<float, kPitchClasses> key_template{};  ///< of canonical-key models
  std::vector<float> projection_weight;             ///< [projection, bigrams()], or empty
  std::vector<float> projection_bias;               ///< [projection], or empty
  /// The calibration (see ScoreCalibration), fitted on the validation split; empty without one:
  /// weights of the second stage [5], of the same at half the frame rate [5], of the first stage
  /// [2], and the cohort's fingerprints [songs, dims].
  std::vector<float> rerank_weights;
  std::vector<float> rerank_half_weights;
  std::vector<float> probability_weights;
  std::vector<float> cohort;
  /// alignment_definition() that the weights of the second stage were fitted to.
  std::string alignment;

  /// Values before the projection.
  int bigrams() const;
  /// Values of a fingerprint.
  int dims() const;
};

/// Throws InputError: not safetensors, wrong format or version, missing tensors, shapes that do not
/// match the configuration, weights that are not finite.
Model read_model(const std::string& path);
/// The same from memory; `path` is for messages.
Model parse_model(const std::vector<std::uint8_t>& bytes, const std::string& path);
void write_model(const std::string& path, const Model& model);

/// Throws InputError with both descriptions if the songs' chroma settings differ from those of the
/// model's training data, which would silently degrade results. Passes if either is unknown.
/// `name`: of the model, for the message.
void check_chroma_source(const Model& model, const std::string& name, const SongSet& set);

/// Throws InputError if the songs have other bands than the model. `name` as above.
void check_bands(const Model& model, const std::string& name, const SongSet& set);

/// Computes the fingerprints of a trained model.
/// Threads: as for Fingerprinter.
class ModelFingerprinter : public Fingerprinter {
 public:
  ModelFingerprinter(Backend& backend, const Model& model, std::string name);
  ~ModelFingerprinter() override;
  std::string name() const override;
  int dims() const override;
  Fingerprints compute(const SongSet& set, std::span<const std::int64_t> songs, Keys keys) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reprise
