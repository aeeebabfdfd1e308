#include "reprise/baselines.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <optional>
#include <utility>

#include "baselines/definition.h"
#include "baselines/settings.h"
#include "core/files.h"
#include "core/linear_algebra.h"
#include "core/text.h"
#include "model/song_batches.h"
#include "reprise/error.h"
#include "reprise/random.h"

namespace reprise {
namespace {

constexpr std::int64_t kMaxDefinitionBytes = 1 << 20;
constexpr std::string_view kNames[] = {"cov", "corr", "2dftm", "2dftm-seed", "2dftm-pca", "random"};

// Methods that a shipped definition computes, their vectors as published, not scaled to length 1.
constexpr struct {
  std::string_view method, definition;
} kDefined[] = {{"cov", "delta-covariance"}, {"corr", "chroma-correlation"}};

// The keys [keys] of a song; a key-invariant method needs only one to look a song up.
std::vector<std::int32_t> rolls_of(Keys keys, bool key_invariant) {
  const bool twelve = keys == Keys::all || (keys == Keys::query && !key_invariant);
  std::vector<std::int32_t> rolls(twelve ? kPitchClasses : 1);
  std::iota(rolls.begin(), rolls.end(), 0);
  return rolls;
}

Fingerprints empty_fingerprints(std::size_t songs, int dims, std::span<const std::int32_t> rolls) {
  Fingerprints result;
  result.songs = static_cast<std::int64_t>(songs);
  result.keys = static_cast<int>(rolls.size());
  result.dims = dims;
  result.values.resize(songs * rolls.size() * dims);
  for (std::size_t i = 0; i < songs; ++i)
    result.rolls.insert(result.rolls.end(), rolls.begin(), rolls.end());
  return result;
}

// A fingerprint that one op of the back end computes, perhaps reduced by PCA.
class OpMethod : public Fingerprinter {
 public:
  // (songs, out [count, dims]), all in the back end's memory.
  using Op = std::function<void(const SongBatch&, float*)>;

  OpMethod(Backend& backend, std::string name, int bands, int dims, bool key_invariant, Op op)
      : backend_(backend),
        name_(std::move(name)),
        bands_(bands),
        op_dims_(dims),
        key_invariant_(key_invariant),
        op_(std::move(op)) {}

  void fit(const SongSet& set, int components) {
    const std::vector<std::int64_t> songs = set.songs_of("train");
    if (songs.size() < 2)
      throw InputError(
          fmt::format("{}: {} needs train songs to fit its components to: expected at least "
                      "2, found {}",
                      set.path, name_, songs.size()));
    const Fingerprints train = compute(set, songs, Keys::candidate);
    pca_ = fit_pca(train.values.data(), train.songs, op_dims_, components);
  }

  std::string name() const override { return name_; }
  int dims() const override { return pca_ ? pca_->components : op_dims_; }
  Metric metric() const override { return pca_ ? Metric::euclidean : Metric::cosine; }

  Fingerprints compute(const SongSet& set, std::span<const std::int64_t> songs,
                       Keys keys) override {
    check_bands(set, bands_, {}, name_ + " is of");
    const std::vector<std::int32_t> rolls = rolls_of(keys, key_invariant_);
    Fingerprints result = empty_fingerprints(songs.size(), dims(), rolls);
    for_each_song_batch(
        backend_, set, songs,
        [&](ChromaView chroma, std::span<const Excerpt> excerpts, std::size_t first) {
          const std::vector<float> values = run(chroma, excerpts, rolls);
          const std::size_t vectors = excerpts.size() * rolls.size();
          float* to = result.values.data() + first * rolls.size() * dims();
          if (pca_)
            pca_->project(values.data(), static_cast<std::int64_t>(vectors), to);
          else
            std::copy(values.begin(), values.end(), to);
        });
    return result;
  }

 private:
  // [songs, rolls, op_dims_].
  std::vector<float> run(ChromaView chroma, std::span<const Excerpt> songs,
                         std::span<const std::int32_t> rolls) {
    std::vector<Excerpt> excerpts;
    for (const Excerpt& song : songs)
      for (const std::int32_t roll : rolls) excerpts.push_back({song.first, song.frames, roll});
    const auto count = static_cast<std::int64_t>(excerpts.size());
    const Buffer<Excerpt> on_device(backend_, std::span<const Excerpt>(excerpts));
    Buffer<float> out(backend_, count * op_dims_);
    op_({chroma, on_device.data(), count}, out.data());
    return out.download();
  }

  Backend& backend_;
  std::string name_;
  int bands_;
  int op_dims_;
  bool key_invariant_;
  Op op_;
  std::optional<Pca> pca_;
};

// What chance gives: normally distributed values that follow from the song's id alone.
class RandomMethod : public Fingerprinter {
 public:
  std::string name() const override { return "random"; }
  int dims() const override { return 64; }

  Fingerprints compute(const SongSet& set, std::span<const std::int64_t> songs,
                       Keys keys) override {
    Fingerprints result = empty_fingerprints(songs.size(), dims(), rolls_of(keys, true));
    float* to = result.values.data();
    for (const std::int64_t song : songs)
      for (int key = 0; key < result.keys; ++key) {
        Random random(hash(set.song_id[song]));
        to = std::generate_n(to, dims(), [&] { return random.normal(); });
      }
    return result;
  }

 private:
  // FNV-1a, 64 bits.
  static std::uint64_t hash(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const unsigned char c : text) hash = (hash ^ c) * 0x100000001b3u;
    return hash;
  }
};

}  // namespace

std::vector<std::string_view> method_names() {
  std::vector<std::string_view> names{std::begin(kNames), std::end(kNames)};
  const auto definitions = definition_names();
  names.insert(names.end(), definitions.begin(), definitions.end());
  return names;
}

Model load_definition(const std::string& name) {
  if (!name.ends_with(".json")) return shipped_definition(name);
  const std::vector<std::uint8_t> bytes = read_file(name, kMaxDefinitionBytes);
  return parse_definition(
      std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), name);
}

std::unique_ptr<Fingerprinter> make_fingerprinter(
    std::string_view name, Backend& backend, const SongSet& fit,
    const std::map<std::string, std::string>& settings) {
  if (std::find(std::begin(kNames), std::end(kNames), name) == std::end(kNames)) {
    const auto known = method_names();
    if (!name.ends_with(".json") && std::find(known.begin(), known.end(), name) == known.end())
      throw SettingsError(fmt::format("unknown method {}: expected one of {}, or a FILE.json",
                                      quote(name), fmt::join(known, ", ")));
    if (!settings.empty())
      throw SettingsError(
          fmt::format("method {} has no setting {}", name, settings.begin()->first));
    return std::make_unique<ModelFingerprinter>(backend, load_definition(std::string(name)),
                                                std::string(name));
  }
  MethodSettings s = method_settings(name, settings);
  s.ftm2d.bands = fit.bands;
  if (name == "random") return std::make_unique<RandomMethod>();
  for (const auto& [method, definition] : kDefined)
    if (name == method) {
      Model model = shipped_definition(definition);
      model.config.unit_norm = false;
      return std::make_unique<ModelFingerprinter>(backend, std::move(model), std::string(name));
    }
  auto method = std::make_unique<OpMethod>(
      backend, std::string(name), fit.bands, s.ftm2d.dims(), true,
      [&backend, params = s.ftm2d](const SongBatch& songs, float* out) {
        backend.run(ops::Ftm2d{.songs = songs, .params = params, .out = out});
      });
  if (name == "2dftm-pca") method->fit(fit, s.components);
  return method;
}

}  // namespace reprise
