#pragma once

#include <stdexcept>
#include <string>

namespace reprise {

/// Every error that the library throws, but std::bad_alloc. The message is one line that names the
/// file or value, what was expected and what was found; the kind says whose turn it is.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A file or the data given is not as it must be.
class InputError : public Error {
 public:
  using Error::Error;
};

/// An option or a parameter is wrong in itself: an unknown name, a value out of range.
class SettingsError : public Error {
 public:
  using Error::Error;
};

/// The machine does not do it: no such device, a full disk, no permission.
class MachineError : public Error {
 public:
  using Error::Error;
};

/// There is not the memory that was asked for; work on less at a time may find enough.
class OutOfMemory : public MachineError {
 public:
  using MachineError::MachineError;
};

/// The library contradicts itself: a fault of its own, to be reported.
class InternalError : public Error {
 public:
  using Error::Error;
};

}  // namespace reprise
