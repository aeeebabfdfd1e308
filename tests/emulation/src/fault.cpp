#include "fault.h"

#include <signal.h>
#include <unistd.h>

#include <string>

#include "device.h"

namespace reprise::emulation {
namespace {

struct sigaction previous;
alignas(16) char handler_stack[64 << 10];

void on_fault(int signal, siginfo_t* info, void*) {
  Device& device = Device::get();
  if (device.heap().owns(info->si_addr)) {
    Grid* grid = Grid::running();
    const std::string who = device.heap().is_open() && grid != nullptr ? grid->where()
                            : device.heap().is_open() ? std::string("a copy or library call")
                                                      : std::string("host code");
    const std::string text =
        "emulation: " + who + " touches " + device.heap().describe(info->si_addr) + "\n";
    [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), text.size());
    ::signal(signal, SIG_DFL);  // the access is tried again, and is fatal
    return;
  }
  sigaction(signal, &previous, nullptr);
}

}  // namespace

void report_faults() {
  static const bool installed = [] {
    stack_t stack{};
    stack.ss_sp = handler_stack;
    stack.ss_size = sizeof(handler_stack);
    sigaltstack(&stack, nullptr);
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, &previous);
    return true;
  }();
  (void)installed;
}

}  // namespace reprise::emulation
