#include "train/checkpoint.h"

#include <fmt/format.h>

#include <charconv>

#include "io/safetensors.h"
#include "reprise/error.h"

namespace reprise {
namespace {

constexpr const char* kFormat = "reprise-checkpoint";

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
  add("curve", c.curve);
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
  c.curve = file.at("curve", path).floats();
  if (c.step < 0 || c.moment1.size() != c.learned.size() || c.moment2.size() != c.learned.size() ||
      (!c.best.empty() && c.best.size() != c.learned.size()) ||
      c.curve.size() % Checkpoint::kCurveColumns != 0)
    throw InputError(
        fmt::format("{}: expected a training checkpoint, found tensors of unequal sizes", path));
  return c;
}

}  // namespace reprise
