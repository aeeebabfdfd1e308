#include <fmt/format.h>

#include "cli/commands.h"
#include "reprise/error.h"

namespace reprise::cli {

void add_devices(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "devices", "List the back ends of this build and the devices of this machine");
  command->footer("Example:\n  reprise devices\n");
  command->callback([&action] {
    action = [] {
      fmt::print("{}\n", make_cpu_backend()->description());
      try {
        for (const std::string& name : cuda_devices()) fmt::print("{}\n", name);
      } catch (const Error& why) {
        fmt::print("cuda: {}\n", why.what());
      }
    };
  });
}

}  // namespace reprise::cli
