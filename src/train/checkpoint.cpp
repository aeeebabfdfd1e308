#include "train/checkpoint.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "io/safetensors.h"
#include "reprise/error.h"
#include "reprise/random.h"

namespace reprise {
namespace {

constexpr const char* kFormat = "reprise-checkpoint";
constexpr std::size_t kLogColumns = 5;

std::vector<float> table_of(const std::vector<LoggedStep>& log) {
  std::vector<float> table;
  for (const LoggedStep& s : log)
    table.insert(table.end(), {static_cast<float>(s.step), s.loss, s.gradient_norm, s.learning_rate,
                               s.validation_map});
  return table;
}

std::vector<LoggedStep> log_of(const std::vector<float>& table) {
  std::vector<LoggedStep> log;
  for (auto row = table.begin(); row != table.end(); row += kLogColumns)
    log.push_back({std::llround(row[0]), row[1], row[2], row[3], row[4]});
  return log;
}

std::string text(const Safetensors& file, const std::string& path, const std::string& key) {
  const auto at = file.metadata.find(key);
  if (at == file.metadata.end())
    throw InputError(fmt::format("{}: expected a training checkpoint, found no '{}'", path, key));
  return at->second;
}

template <class Number>
Number number(const Safetensors& file, const std::string& path, const std::string& key) {
  const std::string value = text(file, path, key);
  Number result{};
  const auto [end, status] = std::from_chars(value.data(), value.data() + value.size(), result);
  if (status != std::errc() || end != value.data() + value.size())
    throw InputError(fmt::format("{}: {}: expected a number, found '{}'", path, key, value));
  return result;
}

}  // namespace

void write_checkpoint(const std::string& path, const Checkpoint& c) {
  Safetensors file;
  // The shortest text that reads back as the same number.
  file.metadata = {{"format", kFormat},
                   {"config", c.config},
                   {"data", c.data},
                   {"step", fmt::format("{}", c.step)},
                   {"seconds", fmt::format("{}", c.seconds)},
                   {"best_map", fmt::format("{}", c.best_map)}};
  const auto add = [&](const char* name, const std::vector<float>& values) {
    file.tensors[name] = Tensor::of({static_cast<std::int64_t>(values.size())}, values.data());
  };
  add("learned", c.learned);
  add("moment1", c.moment1);
  add("moment2", c.moment2);
  add("best", c.best);
  add("curve", table_of(c.log));
  write_safetensors(path, file);
}

Checkpoint read_checkpoint(const std::string& path) {
  const Safetensors file = read_safetensors(path);
  if (text(file, path, "format") != kFormat)
    throw InputError(fmt::format("{}: expected a training checkpoint, found {}", path,
                                 text(file, path, "format")));
  Checkpoint c;
  c.config = text(file, path, "config");
  c.data = text(file, path, "data");
  c.step = number<std::int64_t>(file, path, "step");
  c.seconds = number<double>(file, path, "seconds");
  c.best_map = number<double>(file, path, "best_map");
  c.learned = file.at("learned", path).floats();
  c.moment1 = file.at("moment1", path).floats();
  c.moment2 = file.at("moment2", path).floats();
  c.best = file.at("best", path).floats();
  const std::vector<float> curve = file.at("curve", path).floats();
  if (c.step < 0 || c.moment1.size() != c.learned.size() || c.moment2.size() != c.learned.size() ||
      (!c.best.empty() && c.best.size() != c.learned.size()) || curve.size() % kLogColumns != 0)
    throw InputError(
        fmt::format("{}: expected a training checkpoint, found tensors of unequal sizes", path));
  c.log = log_of(curve);
  return c;
}

std::string data_name(const SongSet& set) {
  std::uint64_t hash = 0;
  for (std::int64_t i = 0; i < set.songs(); ++i) {
    for (const unsigned char c : set.song_id[i]) hash = Random::derive(hash, c);
    hash = Random::derive(hash, static_cast<std::uint64_t>(set.frames(i)));
  }
  return fmt::format("{} songs, {} frames, {:016x}", set.songs(), set.frames(), hash);
}

void check_resumable(const Checkpoint& checkpoint, const std::string& path, const Config& config,
                     const SongSet& set, std::size_t size) {
  const Config then = Config::from_json(checkpoint.config, path);
  for (const Parameter& p : parameters())
    if (then.get(p.name) != config.get(p.name))
      throw InputError(
          fmt::format("{}: was trained with {} = {}, asked for is {}: resume with the same "
                      "settings, or train from the start",
                      path, p.name, then.get(p.name), config.get(p.name)));
  if (const std::string data = data_name(set); checkpoint.data != data)
    throw InputError(fmt::format("{}: belongs to other data: expected {}, found {}", path, data,
                                 checkpoint.data));
  if (checkpoint.learned.size() != size)
    throw InputError(fmt::format("{}: expected {} learned values, found {}", path, size,
                                 checkpoint.learned.size()));
}

}  // namespace reprise
