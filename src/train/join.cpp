#include "reprise/join.h"

#include <fmt/format.h>

#include "model/projection.h"
#include "reprise/calibrate.h"
#include "reprise/error.h"

namespace reprise {
namespace {

// Throws Error unless `other` can be joined with `first`.
void check_alike(const NamedModel& first, const NamedModel& other) {
  const auto refuse = [&](const std::string& expected) {
    throw InputError(
        fmt::format("{}: cannot be joined with {}: {}", other.name, first.name, expected));
  };
  const Config& a = first.model.config;
  const Config& b = other.model.config;
  for (const char* key : {"key_mode", "query_keys", "feature", "bands"})
    if (a.get(key) != b.get(key))
      refuse(fmt::format("expected {} {}, found {}", key, a.get(key), b.get(key)));
  if (a.key_mode == KeyMode::canonical && first.model.key_template != other.model.key_template)
    refuse("expected the same key template: train both on the same songs");
  if (first.model.chroma_source != other.model.chroma_source)
    refuse("expected models that learned from the same kind of chroma");
}

void check_bigrams(const std::string& name, const Config& config) {
  if (!config.unit_norm)
    throw InputError(
        fmt::format("{}: cannot be joined: expected unit_norm true, found false", name));
}

}  // namespace

Model join(Backend& backend, const SongSet& set, std::span<const NamedModel> models) {
  if (models.size() < 2) throw SettingsError("join: expected two or more models");
  Model joined = models[0].model;
  if (joined.config.projection == 0)
    throw InputError(
        fmt::format("{}: cannot be joined: expected a projection, found none", models[0].name));
  for (const NamedModel& named : models) {
    check_alike(models[0], named);
    check_bigrams(named.name, named.model.config);
    check_chroma_source(named.model, named.name, set);
    if (&named == &models[0]) continue;
    joined.joined.push_back({named.model.config, named.model.weights});
    joined.joined.insert(joined.joined.end(), named.model.joined.begin(), named.model.joined.end());
  }
  fit_projection(backend, set, joined);
  joined.rerank_weights = joined.rerank_half_weights = joined.probability_weights = {};
  joined.alignment.clear();
  joined.cohort.clear();
  if (!set.songs_of("validation").empty())
    calibrate(backend, set, make_protocol(set, "validation"), joined);
  return joined;
}

}  // namespace reprise
