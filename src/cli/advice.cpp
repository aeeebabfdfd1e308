#include "cli/advice.h"

#include <string_view>

namespace reprise::cli {
namespace {

struct Advice {
  std::string_view of;  // in the library's message
  std::string_view text;
};

constexpr Advice kAdvice[] = {
    {": import the songs again with those settings", "; --any-chroma goes on all the same"},
    {"out of device memory: ", ", or use --device cpu"},
    {"the CUDA back end has ", "; use --device cpu"},
    {"unknown chroma setting ", ": `reprise import audio --help` lists them all"},
    {"unknown parameter of made-up songs ", ": `reprise synth --help` lists them all"},
    {"unknown parameter ", ": `reprise train --help` lists them all"},
    {"or train from the start", ", without --resume"},
    {"lower the learning rate", " with --set"},
    {"lower projection and projection_pca", " with --set"},
    {"expected new songs, found ", "; --replace takes its place"},
    {"the first may be a time", " (--time)"},
    {"it may be transposed", " (--transposed)"},
    {"division: expected ", " (--divide)"},
    {"feature: expected ", " (--feature)"},
    {"expected audio files or folders, or a list of them", " (--list)"},
    {"or give ids in a list", " (reprise import audio --list)"},
    {"expected a calibrated model, found none", ": see `reprise calibrate`"},
    {"found none: calibrate it", " with `reprise calibrate`"},
    {": refit them",
     " with `reprise calibrate` and, for a catalogue, run `reprise index recalibrate`"},
};

}  // namespace

std::string with_advice(const std::string& message) {
  for (const Advice& advice : kAdvice)
    if (message.find(advice.of) != std::string::npos) return message + std::string(advice.text);
  return message;
}

}  // namespace reprise::cli
