// Names of functions, for messages.
#pragma once

#include <string>

namespace reprise::emulation {

/// The function's name from the program's own symbol table, else its address.
std::string kernel_name(const void* function);

}  // namespace reprise::emulation
