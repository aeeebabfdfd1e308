#pragma once

#include <hdf5.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace reprise::hdf5 {

/// An HDF5 identifier, closed with its owner.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle() = default;
  Handle(hid_t id, Close close) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept { swap(other); }
  Handle& operator=(Handle&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  hid_t get() const { return id_; }
  explicit operator bool() const { return id_ >= 0; }

 private:
  void swap(Handle& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
  }
  hid_t id_ = H5I_INVALID_HID;
  Close close_ = nullptr;
};

/// While one lives, this thread alone uses HDF5 (its usual build is not thread-safe) and HDF5
/// prints no error stacks.
class Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

 private:
  std::unique_lock<std::recursive_mutex> lock_;
  H5E_auto2_t print_ = nullptr;
  void* print_data_ = nullptr;
};

/// The innermost cause of HDF5's last failure, on one line.
std::string last_failure();

/// The HDF5 type of a C++ number in memory.
template <class T>
hid_t native_type() {
  if constexpr (std::is_same_v<T, float>) return H5T_NATIVE_FLOAT;
  if constexpr (std::is_same_v<T, double>) return H5T_NATIVE_DOUBLE;
  if constexpr (std::is_same_v<T, std::uint8_t>) return H5T_NATIVE_UINT8;
  if constexpr (std::is_same_v<T, std::int32_t>) return H5T_NATIVE_INT32;
  if constexpr (std::is_same_v<T, std::int64_t>) return H5T_NATIVE_INT64;
}

/// Lengths of the axes; where a shape is expected, kAny stands for any length.
using Shape = std::vector<std::int64_t>;
inline constexpr std::int64_t kAny = -1;

enum class Kind : std::uint8_t { integer, real, text, other };

struct Element {
  Kind kind = Kind::other;
  std::size_t bytes = 0;   ///< in the file, of one element
  bool is_signed = false;  ///< of integers
  bool variable = false;   ///< of text: variable length

  std::string name() const;  ///< "float32", "uint8", "text", ...
};

/// The element type as far as it is a plain one: HDF5 also describes 13-bit integers, floats of any
/// make and records, which are Kind::other.
Element element_of(hid_t type);

/// Lengths of a dataspace, [] for a scalar; nothing where it holds no values at all.
std::optional<Shape> shape_of(hid_t space);

/// Number of values, or nothing where it does not fit.
std::optional<std::int64_t> count_of(const Shape& shape);

std::string to_string(const Shape& shape);

/// The string in a field of fixed width.
std::string without_padding(std::string_view field, H5T_str_t padding);

}  // namespace reprise::hdf5
