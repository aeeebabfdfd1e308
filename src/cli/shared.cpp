#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

#include "cli/commands.h"
#include "reprise/error.h"

namespace reprise::cli {

void DeviceOptions::add_to(CLI::App& command) {
  command.add_option("--device", device, "auto, cpu or cuda")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->capture_default_str();
  command.add_option("--threads", threads, "threads of the cpu back end; 0: one a core")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
}

std::string why_no_cuda() {
  return "this build has no CUDA back end";
}

std::unique_ptr<Backend> DeviceOptions::open() const {
  if (device == "cpu") return make_cpu_backend(threads);
  if (device == "cuda")
    throw Error(fmt::format("--device cuda: {}; use --device cpu", why_no_cuda()));
  return make_cpu_backend(threads);
}

void ChromaOptions::add_to(CLI::App& command) {
  command.add_flag("--any-chroma", any,
                   "go on where the songs' chroma was made otherwise than the model's");
}

void ChromaOptions::check(const Model& model, const std::string& name, const SongSet& set) const {
  if (!any) check_chroma_source(model, name, set);
}

std::vector<std::pair<std::string, std::string>> split_settings(
    const std::vector<std::string>& settings) {
  std::vector<std::pair<std::string, std::string>> split;
  for (const std::string& setting : settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos)
      throw UsageError(fmt::format("--set: expected key=value, found '{}'", setting));
    split.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
  }
  return split;
}

Confidence confidence_of(const Model& model, const std::string& path) {
  if (model.rerank_weights.empty())
    throw Error(
        fmt::format("{}: expected a tensor rerank.weights, found none: train the model again "
                    "on a song set with a validation split",
                    path));
  return {model.rerank_weights, model.probability_weights};
}

std::string tsv_field(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  return text;
}

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
  clear();
}

void ProgressLine::show(double share, const std::string& text) {
  if (!terminal_) return;
  constexpr int kWidth = 30;
  const int filled = static_cast<int>(std::lround(share * kWidth));
  std::string bar;
  for (int i = 0; i < kWidth; ++i) bar += i < filled ? "█" : "░";
  fmt::print(stderr, "\r\033[K{} {:3.0f} %  {}", bar, share * 100, text);
  std::fflush(stderr);
  shown_ = true;
}

void ProgressLine::clear() {
  if (shown_) fmt::print(stderr, "\r\033[K");
  shown_ = false;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(std::llround(std::max(0.0, seconds)));
  if (whole >= 3600) return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
  if (whole >= 60) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} s", whole);
}

}  // namespace reprise::cli
