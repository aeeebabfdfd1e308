#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

#include "cli/commands.h"
#include "core/text.h"
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
  const Arithmetic arithmetic = precision == "fp32"   ? Arithmetic::fp32
                                : precision == "tf32" ? Arithmetic::tf32
                                                      : Arithmetic::bf16;
  if (device == "cpu") return make_cpu_backend(threads, arithmetic);
  const int number = device.starts_with("cuda:") ? std::stoi(device.substr(5)) : 0;
  try {
    auto backend = make_cuda_backend(number, arithmetic);
    fmt::print(stderr, "device: {}\n", backend->description());
    return backend;
  } catch (const Error& why) {
    if (device != "auto")
      throw Error(fmt::format("--device {}: {}; use --device cpu", device, why.what()));
    auto backend = make_cpu_backend(threads, arithmetic);
    if (::isatty(STDERR_FILENO) == 1)
      fmt::print(stderr, "device: {} ({})\n", backend->description(), why.what());
    return backend;
  }
}

std::unique_ptr<ChromaEngine> DeviceOptions::chroma_engine(Backend& backend,
                                                           const ChromaSettings& settings) const {
  try {
    return backend.chroma_engine(chroma_tables(settings));
  } catch (const UsageError&) {
    throw;
  } catch (const Error& why) {
    if (device != "auto")
      throw Error(fmt::format("--device {}: chroma of audio: {}", device, why.what()));
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
      throw UsageError(fmt::format("--set: expected key=value, found '{}'", setting));
    split.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
  }
  return split;
}

Aligner aligner_of(const std::string& name) {
  for (int i = 0; i < kAligners; ++i)
    if (name == name_of(static_cast<Aligner>(i))) return static_cast<Aligner>(i);
  throw UsageError(fmt::format("--aligner: expected row-z, row-z-half or qmax, found '{}'", name));
}

void require(const Confidence& confidence, Aligner aligner, const std::string& model_path) {
  if (confidence.outdated(aligner))
    throw Error(fmt::format(
        "{}: expected weights for re-ranking by {} ({}), found those of another version "
        "({}): refit them with reprise calibrate and, for a catalogue, run reprise index "
        "recalibrate",
        model_path, name_of(aligner), alignment_definition(), quote(confidence.other_alignment)));
  if (!confidence.knows(aligner))
    throw Error(
        fmt::format("{}: expected weights for re-ranking by {}, found none: see reprise calibrate",
                    model_path, name_of(aligner)));
}

std::string transposition_text(int semitones_up) {
  return fmt::format("{:+}", semitones_up > 6 ? semitones_up - 12 : semitones_up);
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
