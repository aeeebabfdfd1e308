#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "reprise/audio.h"
#include "reprise/backend.h"
#include "reprise/error.h"
#include "reprise/model.h"
#include "reprise/observer.h"
#include "reprise/rerank.h"
#include "reprise/text.h"

namespace reprise::cli {

/// Work to do once the command line is understood.
using Action = std::function<void()>;

// Each adds one subcommand that sets `action` when it is chosen.
void add_info(CLI::App& app, Action& action);
void add_import(CLI::App& app, Action& action);
void add_synth(CLI::App& app, Action& action);
void add_train(CLI::App& app, Action& action);
void add_fingerprint(CLI::App& app, Action& action);
void add_evaluate(CLI::App& app, Action& action);
void add_experiment(CLI::App& app, Action& action);
void add_query(CLI::App& app, Action& action);
void add_index(CLI::App& app, Action& action);
void add_groups(CLI::App& app, Action& action);
void add_compare(CLI::App& app, Action& action);
void add_calibrate(CLI::App& app, Action& action);
void add_join(CLI::App& app, Action& action);
void add_devices(CLI::App& app, Action& action);
void add_bench(CLI::App& app, Action& action);

/// `--device`, `--precision` and `--threads`, on every command that computes.
struct DeviceOptions {
  std::string device = "auto";
  std::string precision = "tf32";
  int threads = 0;
  void add_to(CLI::App& command);
  void add_device_to(CLI::App& command);  ///< `--device` alone
  /// Throws Error where --device cuda cannot be had. Names the CUDA device it took; where auto fell
  /// back to the CPU it says why, on a terminal.
  std::unique_ptr<Backend> open() const;
  /// What computes the chroma of audio on the device; null: the CPU. Throws Error where --device
  /// cuda cannot (there is no cuFFT, say), where auto says so and goes on with the CPU.
  std::unique_ptr<ChromaEngine> chroma_engine(Backend& backend,
                                              const ChromaSettings& settings) const;
  /// The same, for who will know the settings. Both must outlive it.
  std::function<std::unique_ptr<ChromaEngine>(const ChromaSettings&)> engine_maker(
      Backend& backend) const {
    return [this, &backend](const ChromaSettings& settings) {
      return chroma_engine(backend, settings);
    };
  }
};

/// `--any-chroma`, on every command that gives songs to a model.
struct ChromaOptions {
  bool any = false;
  void add_to(CLI::App& command);
  /// Throws Error where the songs' chroma was made otherwise than the model's, unless any will do.
  void check(const Model& model, const std::string& name, const SongSet& set) const;
};

/// `key=value` texts, split. Throws SettingsError.
std::vector<std::pair<std::string, std::string>> split_settings(
    const std::vector<std::string>& settings);

/// Changes a configuration by the `key=value` texts of --set. Says on standard error which of the
/// keys have a new name. Throws SettingsError.
void change(Config& config, const std::vector<std::string>& settings);

/// Songs named on a command line: positional files and `--data`, which mean the same.
struct SongInputs {
  std::vector<std::string> files, data;
  void add_to(CLI::App& command, const std::string& purpose);
  bool any() const { return !files.empty() || !data.empty(); }
  std::vector<std::string> paths() const;
};

/// The songs of files of any format (see readers.h) for a model, whose `name` is for messages. The
/// chroma of audio is made on the back end that `device` opened.
SongSet read_songs(const std::vector<std::string>& paths, const Model& model,
                   const std::string& name, const DeviceOptions& device, Backend& backend);

/// The same for commands that ask for no model: of audio, chroma by default settings.
SongSet read_songs(const std::string& path);

/// A value of an option as `parse` reads it; its SettingsError then names the option.
template <class Parse>
auto parse_option(const char* name, const std::string& text, Parse parse) {
  try {
    return parse(text);
  } catch (const SettingsError& error) {
    throw SettingsError(std::string(name) + ": " + error.what());
  }
}

/// `--aligner` and what it stands for. Throws SettingsError for another name.
Aligner aligner_of(const std::string& name);

/// One line that is rewritten while work goes on, on a terminal only.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  bool on_terminal() const { return terminal_; }
  /// share: 0 to 1.
  void show(double share, const std::string& text);
  void clear();
  /// Whether to show now: ten times a second, and at the end.
  bool due(bool end);
  /// Shows the library's progress here when it is due, and prints its notes on
  /// standard error. The line must outlive it.
  Observer observer();

 private:
  bool terminal_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point last_{};
};

/// "1 h 02 min", "3 min 05 s", "12 s".
std::string duration_text(double seconds);

}  // namespace reprise::cli
