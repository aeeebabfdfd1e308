#include <fmt/format.h>

#include "cli/commands.h"

namespace reprise::cli {

void add_devices(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "devices", "List the back ends of this build and what this machine offers");
  command->footer("Example:\n  reprise devices\n");
  command->callback([&action] {
    action = [] {
      fmt::print("{}\n", make_cpu_backend()->description());
      fmt::print("cuda: {}\n", why_no_cuda());
    };
  });
}

}  // namespace reprise::cli
