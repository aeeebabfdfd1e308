#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

#include "cli/commands.h"
#include "reprise/error.h"

namespace reprise::cli {

void DeviceOptions::add_device_to(CLI::App& command) {
  command.add_option("--device", device, "auto, cpu, cuda, or cuda:N for the N-th CUDA device")
      ->check([](const std::string& text) {
        const bool known = text == "auto" || text == "cpu" || text == "cuda";
        const bool numbered = text.starts_with("cuda:") && text.size() > 5 && text.size() < 9 &&
                              text.find_first_not_of("0123456789", 5) == std::string::npos;
        return known || numbered
                   ? std::string()
                   : fmt::format("expected auto, cpu, cuda or cuda:N, found '{}'", text);
      })
      ->capture_default_str();
}

void DeviceOptions::add_to(CLI::App& command) {
  add_device_to(command);
  command
      .add_option("--precision", precision,
                  "precision of products: fp32; tf32 (on CUDA devices; same as fp32 on the CPU); "
                  "bf16 (bigrams on CUDA devices; the training loss on the CPU)")
      ->check(CLI::IsMember({"fp32", "tf32", "bf16"}))
      ->capture_default_str();
  command.add_option("--threads", threads, "threads of the CPU back end; 0: one per core")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
}

std::unique_ptr<Backend> DeviceOptions::open() const {
  const MathMode math = precision == "fp32"   ? MathMode::fp32
                        : precision == "tf32" ? MathMode::tf32
                                              : MathMode::bf16;
  if (device == "cpu") return make_cpu_backend(threads, math);
  const int number = device.starts_with("cuda:") ? std::stoi(device.substr(5)) : 0;
  try {
    auto backend = make_cuda_backend(number, math);
    fmt::print(stderr, "device: {}\n", backend->description());
    return backend;
  } catch (const Error& why) {
    if (device != "auto")
      throw MachineError(fmt::format("--device {}: {}; use --device cpu", device, why.what()));
    auto backend = make_cpu_backend(threads, math);
    if (::isatty(STDERR_FILENO) == 1)
      fmt::print(stderr, "device: {} ({})\n", backend->description(), why.what());
    return backend;
  }
}

std::unique_ptr<ChromaEngine> DeviceOptions::chroma_engine(Backend& backend,
                                                           const ChromaSettings& settings) const {
  try {
    return backend.chroma_engine(chroma_tables(settings));
  } catch (const SettingsError&) {
    throw;
  } catch (const Error& why) {
    if (device != "auto")
      throw MachineError(fmt::format("--device {}: chroma of audio: {}", device, why.what()));
    fmt::print(stderr, "chroma of audio on the CPU: {}\n", why.what());
    return nullptr;
  }
}

void ChromaOptions::add_to(CLI::App& command) {
  command.add_flag("--any-chroma", any,
                   "accept songs whose chroma settings differ from the model's");
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
      throw SettingsError(fmt::format("--set: expected key=value, found '{}'", setting));
    split.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
  }
  return split;
}

void change(Config& config, const std::vector<std::string>& settings) {
  for (const auto& [key, value] : split_settings(settings)) {
    if (key == "preset") throw SettingsError("--set preset: use --preset");
    if (const Parameter& p = parameter(key); p.name != key)
      fmt::print(stderr, "--set {}: now called {}\n", key, p.name);
    config.set(key, value);
  }
}

Aligner aligner_of(const std::string& name) {
  for (int i = 0; i < kAligners; ++i)
    if (name == name_of(static_cast<Aligner>(i))) return static_cast<Aligner>(i);
  throw SettingsError(
      fmt::format("--aligner: expected row-z, row-z-half or qmax, found '{}'", name));
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

bool ProgressLine::due(bool end) {
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ || (!end && now - last_ < std::chrono::milliseconds(100))) return false;
  last_ = now;
  return true;
}

Observer ProgressLine::observer() {
  const auto progress = [this](std::int64_t done, std::int64_t of, std::string_view what) {
    if (!due(done == of)) return;
    show(static_cast<double>(done) / static_cast<double>(of),
         fmt::format("{} of {} {}", done, of, what));
  };
  const auto note = [this](const std::string& line) {
    clear();
    fmt::print(stderr, "{}\n", tsv_field(line));
  };
  return {progress, note};
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(std::llround(std::max(0.0, seconds)));
  if (whole >= 3600) return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
  if (whole >= 60) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} s", whole);
}

}  // namespace reprise::cli
