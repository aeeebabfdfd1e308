#pragma once

#include <stdexcept>
#include <string>

namespace reprise {

/// Work that failed: the message names the file or value, what was expected and what was found.
/// Command-line programs print it as one line and exit with 1.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A device has not the memory that was asked for; work on less at a time may find enough.
class OutOfMemory : public Error {
 public:
  using Error::Error;
};

/// A request that is wrong in itself (unknown option, value out of range): exit status 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

}  // namespace reprise
