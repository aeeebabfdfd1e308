#pragma once

#include <string>

namespace reprise::cli {

/// What an option of the command line can do about an error of the library, which knows of none:
/// the message with that behind it, or as it is.
std::string with_advice(const std::string& message);

}  // namespace reprise::cli
