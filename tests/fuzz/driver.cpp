// Runs a fuzz target without libFuzzer: mutations of the target's seeds, the same ones for the same
// --random-seed. No coverage guides them; the sanitizers judge.
//
//   fuzz_NAME [--runs N] [--seconds S] [--random-seed R] [--truncations-only] [FILE ...]
//   fuzz_NAME --write-seeds FOLDER
//
// FILEs are run as they are, before the mutations (to see a finding again, give --runs 0). The
// input being run is kept in crash-NAME when the program dies from a signal or an exception.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <limits>
#include <random>
#include <string>

#include "fuzz.h"

/// The sanitizers' own, where the program is built with one: they report and exit by themselves.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

using reprise::fuzz::Bytes;

const Bytes* current_input = nullptr;
std::string crash_file;

/// Only calls that are allowed in a signal handler.
void keep_input() {
  const int file = ::open(crash_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0 || current_input == nullptr) return;
  if (::write(file, current_input->data(), current_input->size()) < 0) return;
  ::close(file);
}

[[noreturn]] void on_signal(int number) {
  keep_input();
  std::signal(number, SIG_DFL);
  std::raise(number);
  std::_Exit(1);
}

class Mutator {
 public:
  Mutator(std::vector<Bytes> seeds, std::uint32_t random_seed)
      : seeds_(std::move(seeds)), random_(random_seed) {}

  Bytes next(bool truncations_only) {
    Bytes input = seeds_[below(seeds_.size())];
    if (truncations_only) {
      input.resize(below(input.size() + 1));
      return input;
    }
    for (std::size_t changes = 1 + below(4); changes > 0; --changes) change(input);
    return input;
  }

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  void change(Bytes& input) {
    const std::size_t at = below(input.size());
    switch (below(6)) {
      case 0:
        if (!input.empty()) input[at] ^= static_cast<std::uint8_t>(1u << below(8));
        break;
      case 1:
        if (!input.empty()) input[at] = static_cast<std::uint8_t>(random_());
        break;
      case 2:
        write_integer(input, at);
        break;
      case 3:
        input.resize(at);
        break;
      case 4: {  // a piece of a seed over what is here
        const Bytes& seed = seeds_[below(seeds_.size())];
        const std::size_t from = below(seed.size());
        const std::size_t length = std::min({below(64), seed.size() - from, input.size() - at});
        std::copy_n(seed.begin() + static_cast<std::ptrdiff_t>(from), length,
                    input.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      }
      default: {  // a piece of the input once more
        const Bytes piece(
            input.begin() + static_cast<std::ptrdiff_t>(at),
            input.begin() + static_cast<std::ptrdiff_t>(
                                at + below(std::min<std::size_t>(64, input.size() - at + 1))));
        input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), piece.begin(), piece.end());
      }
    }
  }

  /// An integer at the edge of some range, little-endian, 1 to 8 bytes wide.
  void write_integer(Bytes& input, std::size_t at) {
    constexpr std::array<std::uint64_t, 12> kEdges = {0,
                                                      1,
                                                      0x7f,
                                                      0x80,
                                                      0xff,
                                                      0x7fff,
                                                      0xffff,
                                                      0x7fffffff,
                                                      0x80000000,
                                                      0xffffffff,
                                                      std::numeric_limits<std::int64_t>::max(),
                                                      std::numeric_limits<std::uint64_t>::max()};
    const std::uint64_t value = kEdges[below(kEdges.size())];
    const std::size_t width = std::min<std::size_t>(std::size_t{1} << below(4), input.size() - at);
    for (std::size_t i = 0; i < width; ++i)
      input[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
  }

  std::vector<Bytes> seeds_;
  std::mt19937 random_;
};

void run(const Bytes& input) {
  current_input = &input;
  LLVMFuzzerTestOneInput(input.data(), input.size());
  current_input = nullptr;  // leaks are looked for at the end, when it is gone
}

void write_seeds(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  int number = 0;
  for (const Bytes& seed : reprise::fuzz::seeds())
    reprise::replace_file(
        (folder / ("seed-" + std::to_string(number++))).string(),
        std::string_view(reinterpret_cast<const char*>(seed.data()), seed.size()));
}

void keep_input_of_crashes(const std::string& program) {
  crash_file = "crash-" + std::filesystem::path(program).filename().string();
  for (const int number : {SIGABRT, SIGALRM}) std::signal(number, on_signal);
  if (__sanitizer_set_death_callback)
    __sanitizer_set_death_callback(keep_input);
  else
    for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(number, on_signal);
}

}  // namespace

/// A library that asks for absurd amounts of memory is told that there is none.
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1";
}

int main(int argc, char** argv) {
  long runs = std::numeric_limits<long>::max();
  double seconds = 5;
  std::uint32_t random_seed = 1;
  bool truncations_only = false;
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const auto value = [&] { return i + 1 < argc ? argv[++i] : "0"; };
    if (option == "--runs")
      runs = std::atol(value());
    else if (option == "--seconds")
      seconds = std::atof(value());
    else if (option == "--random-seed")
      random_seed = static_cast<std::uint32_t>(std::atol(value()));
    else if (option == "--truncations-only")
      truncations_only = true;
    else if (option == "--write-seeds")
      return write_seeds(value()), 0;
    else
      files.push_back(option);
  }

  keep_input_of_crashes(argv[0]);
  for (const std::string& file : files) run(reprise::read_file(file, std::int64_t{1} << 30));
  const std::vector<Bytes> seeds = reprise::fuzz::seeds();
  for (const Bytes& seed : seeds) run(seed);
  Mutator mutator(seeds, random_seed);
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  long done = 0;
  constexpr unsigned kLongestRun = 30;  // seconds; longer is a finding
  for (; done < runs && elapsed() < seconds; ++done) {
    ::alarm(kLongestRun);
    run(mutator.next(truncations_only));
  }
  std::printf("%ld inputs in %.1f s\n", done, elapsed());
}
