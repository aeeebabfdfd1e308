// Turns a fault on device memory into a message that says who touched what.
#pragma once

namespace reprise::emulation {

/// Installs the handler, once. A fault on device memory is fatal: the message goes to standard
/// error and the process ends with SIGSEGV. Other faults go to the handler that was there before.
void report_faults();

}  // namespace reprise::emulation
