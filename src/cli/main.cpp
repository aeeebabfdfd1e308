#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "cli/advice.h"
#include "cli/commands.h"
#include "reprise/error.h"
#include "reprise/text.h"
#include "reprise/version.h"

namespace {

int fail(const std::string& what, int status) {
  std::string line = what;
  std::replace(line.begin(), line.end(), '\n', ' ');
  std::fflush(stdout);
  fmt::print(stderr, "reprise: {}\n", line);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace reprise;
  CLI::App app{
      "Finds cover songs: learns fingerprints from chroma and searches collections by them."};
  app.set_version_flag("--version", std::string("reprise ") + kVersion);
  app.require_subcommand(1);
  app.footer("Each command has its own help with an example: reprise train --help");
  cli::Action action;
  cli::add_import(app, action);
  cli::add_synth(app, action);
  cli::add_train(app, action);
  cli::add_join(app, action);
  cli::add_calibrate(app, action);
  cli::add_evaluate(app, action);
  cli::add_experiment(app, action);
  cli::add_index(app, action);
  cli::add_query(app, action);
  cli::add_compare(app, action);
  cli::add_groups(app, action);
  cli::add_fingerprint(app, action);
  cli::add_info(app, action);
  cli::add_devices(app, action);
  cli::add_bench(app, action);
  try {
    app.parse(argc, argv);
    action();
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::string command;
    const CLI::App* at = &app;
    int words = 1;  // of the command line that were understood
    for (; !at->get_subcommands().empty(); ++words) {
      at = at->get_subcommands().front();
      command += at->get_name() + " ";
    }
    const bool unknown =
        at->get_require_subcommand_min() > 0 && words < argc && argv[words][0] != '-';
    return fail(
        fmt::format("{} (see reprise {}--help)",
                    unknown ? "there is no command " + quote(argv[words]) : error.what(), command),
        2);
  } catch (const SettingsError& error) {
    return fail(cli::with_advice(error.what()), 2);
  } catch (const std::bad_alloc&) {
    return fail("out of memory: free some, or work on fewer or shorter songs at once", 1);
  } catch (const InternalError& error) {
    return fail(fmt::format("{} (a fault of reprise; please report it)", error.what()), 1);
  } catch (const std::exception& error) {
    return fail(cli::with_advice(error.what()), 1);
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout)) return fail("cannot write the output", 1);
  return 0;
}
