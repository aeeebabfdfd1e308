#include "reprise/model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <functional>
#include <numeric>

#include "core/text.h"
#include "io/safetensors.h"
#include "model/bigrams.h"
#include "model/feature.h"
#include "model/keys.h"
#include "reprise/error.h"
#include "reprise/op_params.h"

namespace reprise {

std::int64_t WeightTensor::size() const {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

std::vector<WeightTensor> weight_tensors(const Config& config) {
  const BigramParams p = bigram_params(config);
  const std::vector<EventLayerParams> layers = event_layers(config);
  std::vector<WeightTensor> tensors;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
    tensors.push_back({name + ".weight", std::move(shape)});
    tensors.push_back({name + ".bias", {tensors.back().shape.front()}});
  };
  if (layers.empty()) add("events", {p.events, p.event_length, p.width()});
  for (std::size_t k = 0; k < layers.size(); ++k) {
    const EventLayerParams& layer = layers[k];
    const std::size_t events = config.layer_filters.size();
    if (k < events) {
      add(fmt::format("layers.{}", k + 1), {layer.filters, layer.length, layer.channels});
    } else if (k == events) {
      add("events", {layer.filters, layer.length, layer.channels});
    } else {
      add(fmt::format("dense.{}", k - events), {layer.filters, layer.channels});
    }
  }
  if (config.dense.empty()) tensors.push_back({"windows.weight", {p.windows, p.taps}});
  return tensors;
}

std::int64_t weight_count(const Config& config) {
  std::int64_t count = 0;
  for (const WeightTensor& tensor : weight_tensors(config)) count += tensor.size();
  return count;
}

int Model::bigrams() const {
  int values = config.bigrams();
  for (const JoinedBigrams& j : joined) values += j.config.bigrams();
  return values;
}

int Model::dims() const {
  return projection_bias.empty() ? bigrams() : static_cast<int>(projection_bias.size());
}

namespace {

constexpr const char* kFormat = "reprise-model";
constexpr const char* kVersion = "1";
constexpr const char* kChroma = "chroma";
constexpr const char* kBandNames = "band_names";  // separated by commas
// Vectors of weights that a model may have, and their sizes.
constexpr struct {
  const char* name;
  std::int64_t size;
  std::vector<float> Model::*values;
} kOptional[] = {{"rerank.weights", 5, &Model::rerank_weights},
                 {"rerank_half.weights", 5, &Model::rerank_half_weights},
                 {"probability.weights", 2, &Model::probability_weights}};
constexpr const char* kCohort = "cohort.vectors";
constexpr const char* kAlignment = "alignment";

constexpr std::size_t kLongest = 500;  // of a description in a message

std::vector<float> read_tensor(const Safetensors& file, const std::string& path,
                               const std::string& name, const std::vector<std::int64_t>& shape) {
  const Tensor& tensor = file.at(name, path);
  if (tensor.shape != shape)
    throw InputError(fmt::format("{}: tensor {}: expected shape [{}], found [{}]", path, name,
                                 fmt::join(shape, ", "), fmt::join(tensor.shape, ", ")));
  std::vector<float> values = tensor.floats();
  for (const float value : values)
    if (!std::isfinite(value))
      throw InputError(
          fmt::format("{}: tensor {}: expected finite values, found {}", path, name, value));
  return values;
}

// Of the n-th bigrams joined with a model's own, counted from 1.
std::string joined_name(std::size_t n) {
  return fmt::format("joined.{}", n);
}

// `prefix` is of the tensors' names.
std::vector<float> read_weights(const Safetensors& file, const std::string& path,
                                const std::string& prefix, const Config& config) {
  std::vector<float> weights;
  for (const WeightTensor& tensor : weight_tensors(config)) {
    const auto values = read_tensor(file, path, prefix + tensor.name, tensor.shape);
    weights.insert(weights.end(), values.begin(), values.end());
  }
  return weights;
}

void add_weights(Safetensors& file, const std::string& prefix, const Config& config,
                 const std::vector<float>& values) {
  const float* next = values.data();
  for (const WeightTensor& tensor : weight_tensors(config)) {
    file.tensors[prefix + tensor.name] = Tensor::of(tensor.shape, next);
    next += tensor.size();
  }
}

const std::string& metadata(const Safetensors& file, const std::string& path,
                            const std::string& key) {
  const auto at = file.metadata.find(key);
  if (at == file.metadata.end())
    throw InputError(
        fmt::format("{}: expected a Reprise model, found no '{}' in __metadata__", path, key));
  return at->second;
}

std::vector<std::string> read_names(const std::string& text, int bands, const std::string& path) {
  std::vector<std::string> names = comma_separated(text);
  if (static_cast<int>(names.size()) != bands)
    throw InputError(
        fmt::format("{}: {}: expected {} names, found {}", path, kBandNames, bands, quote(text)));
  return names;
}

Model model_of(const Safetensors& file, const std::string& path) {
  if (metadata(file, path, "format") != kFormat)
    throw InputError(fmt::format("{}: expected format {}, found {}", path, kFormat,
                                 metadata(file, path, "format")));
  if (metadata(file, path, "version") != kVersion)
    throw InputError(fmt::format("{}: expected model version {}, found {}", path, kVersion,
                                 metadata(file, path, "version")));
  Model model;
  model.config = Config::from_json(metadata(file, path, "config"), path);
  if (file.metadata.contains(kChroma)) model.chroma_source = file.metadata.at(kChroma);
  if (file.metadata.contains(kAlignment)) model.alignment = file.metadata.at(kAlignment);
  if (file.metadata.contains(kBandNames))
    model.band_names = read_names(file.metadata.at(kBandNames), model.config.bands, path);
  model.weights = read_weights(file, path, "", model.config);
  for (std::size_t n = 1; file.metadata.contains(joined_name(n)); ++n) {
    const Config config = Config::from_json(file.metadata.at(joined_name(n)), path);
    model.joined.push_back({config, read_weights(file, path, joined_name(n) + ".", config)});
  }
  if (model.config.key_mode == KeyMode::canonical) {
    const auto key = read_tensor(file, path, "key.template", {kPitchClasses});
    std::copy(key.begin(), key.end(), model.key_template.begin());
  }
  if (model.config.projection > 0) {
    model.projection_weight =
        read_tensor(file, path, "projection.weight", {model.config.projection, model.bigrams()});
    model.projection_bias = read_tensor(file, path, "projection.bias", {model.config.projection});
  }
  for (const auto& [name, size, values] : kOptional)
    if (file.tensors.contains(name)) model.*values = read_tensor(file, path, name, {size});
  if (const auto cohort = file.tensors.find(kCohort); cohort != file.tensors.end()) {
    const std::vector<std::int64_t>& shape = cohort->second.shape;
    model.cohort =
        read_tensor(file, path, kCohort, {shape.empty() ? 1 : shape.front(), model.dims()});
  }
  return model;
}

}  // namespace

Model read_model(const std::string& path) {
  return model_of(read_safetensors(path), path);
}

Model parse_model(const std::vector<std::uint8_t>& bytes, const std::string& path) {
  return model_of(parse_safetensors(bytes, path), path);
}

void write_model(const std::string& path, const Model& model) {
  Safetensors file;
  file.metadata = {{"format", kFormat}, {"version", kVersion}, {"config", model.config.to_json()}};
  if (!model.chroma_source.empty()) file.metadata[kChroma] = model.chroma_source;
  if (!model.band_names.empty())
    file.metadata[kBandNames] = fmt::format("{}", fmt::join(model.band_names, ","));
  if (!model.alignment.empty()) file.metadata[kAlignment] = model.alignment;
  add_weights(file, "", model.config, model.weights);
  for (std::size_t n = 1; n <= model.joined.size(); ++n) {
    const JoinedBigrams& joined = model.joined[n - 1];
    file.metadata[joined_name(n)] = joined.config.to_json();
    add_weights(file, joined_name(n) + ".", joined.config, joined.weights);
  }
  if (model.config.key_mode == KeyMode::canonical)
    file.tensors["key.template"] = Tensor::of({kPitchClasses}, model.key_template.data());
  if (!model.projection_bias.empty()) {
    const auto dims = static_cast<std::int64_t>(model.projection_bias.size());
    file.tensors["projection.weight"] =
        Tensor::of({dims, model.bigrams()}, model.projection_weight.data());
    file.tensors["projection.bias"] = Tensor::of({dims}, model.projection_bias.data());
  }
  for (const auto& [name, size, values] : kOptional)
    if (!(model.*values).empty()) file.tensors[name] = Tensor::of({size}, (model.*values).data());
  if (!model.cohort.empty())
    file.tensors[kCohort] =
        Tensor::of({static_cast<std::int64_t>(model.cohort.size()) / model.dims(), model.dims()},
                   model.cohort.data());
  write_safetensors(path, file);
}

void check_chroma_source(const Model& model, const std::string& name, const SongSet& set) {
  if (model.chroma_source.empty() || set.chroma_source.empty() ||
      model.chroma_source == set.chroma_source)
    return;
  throw InputError(fmt::format(
      "{}: expected chroma made as {} learned it, {}, found {}: import the songs again "
      "with those settings",
      set.path, name, quote(model.chroma_source, kLongest), quote(set.chroma_source, kLongest)));
}

void check_bands(const Model& model, const std::string& name, const SongSet& set) {
  check_bands(set, model.config.bands, model.band_names, name + " has");
}

struct ModelFingerprinter::State {
  Backend& backend;
  std::string name;
  Config config;
  std::vector<std::string> band_names;
  PitchHistogram key_template;
  int dims;
  bool projected;
  ModelBigrams bigrams;
  Buffer<float> projection_weight;
  Buffer<float> projection_bias;

  // Semitones to roll a song up, one for each key it is fingerprinted in.
  std::vector<int> rolls(const SongSet& set, std::int64_t song, Keys keys) const {
    if (keys == Keys::all || (keys == Keys::query && config.key_mode == KeyMode::all))
      return {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    if (config.key_mode != KeyMode::canonical) return {0};
    const auto best = rolls_by_fit(pitch_histogram(set, song), key_template);
    return {best.begin(), best.begin() + (keys == Keys::query ? config.query_keys : 1)};
  }

  // out (host) [excerpts, dims].
  void fingerprint(ChromaView chroma, std::span<const Excerpt> excerpts, float* out) const {
    const Buffer<float> bigram = bigrams.compute(chroma, excerpts);
    const auto count = static_cast<std::int64_t>(excerpts.size());
    const std::span<float> to(out, static_cast<std::size_t>(count) * dims);
    if (!projected) return bigram.download(to);
    Buffer<float> vectors(backend, count * dims);
    backend.run(ops::Project{.in = bigram.data(),
                             .rows = count,
                             .in_dims = bigrams.dims(),
                             .weight = projection_weight.data(),
                             .bias = projection_bias.data(),
                             .out_dims = dims,
                             .out = vectors.data()});
    vectors.download(to);
  }
};

ModelFingerprinter::ModelFingerprinter(Backend& backend, const Model& model, std::string name)
    : state_(new State{backend, std::move(name), model.config, model.band_names, model.key_template,
                       model.dims(), !model.projection_bias.empty(), ModelBigrams(backend, model),
                       Buffer<float>(backend, std::span<const float>(model.projection_weight)),
                       Buffer<float>(backend, std::span<const float>(model.projection_bias))}) {}

ModelFingerprinter::~ModelFingerprinter() = default;

std::string ModelFingerprinter::name() const {
  return state_->name;
}

int ModelFingerprinter::dims() const {
  return state_->dims;
}

Fingerprints ModelFingerprinter::compute(const SongSet& set, std::span<const std::int64_t> songs,
                                         Keys keys) {
  check_bands(set, state_->config.bands, state_->band_names, state_->name + " has");
  Fingerprints result;
  result.songs = static_cast<std::int64_t>(songs.size());
  result.dims = state_->dims;
  result.keys = songs.empty() ? 1 : static_cast<int>(state_->rolls(set, songs[0], keys).size());
  result.rolls.reserve(songs.size() * result.keys);
  result.values.resize(songs.size() * result.keys * result.dims);
  for_each_feature_batch(
      state_->backend, set, songs, state_->config.feature,
      [&](ChromaView chroma, std::span<const Excerpt> excerpts, std::size_t first) {
        std::vector<Excerpt> items;
        for (std::size_t i = 0; i < excerpts.size(); ++i)
          for (const int roll : state_->rolls(set, songs[first + i], keys))
            items.push_back({excerpts[i].first, excerpts[i].frames, roll});
        state_->fingerprint(chroma, items,
                            result.values.data() + first * result.keys * result.dims);
        for (const Excerpt& item : items) result.rolls.push_back(item.roll);
      });
  return result;
}

}  // namespace reprise
