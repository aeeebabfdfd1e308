#pragma once

#include <cstddef>
#include <cstdint>

namespace reprise::cuda {

/// Arrays laid out one after another in one piece of scratch memory: first each is add()ed, then,
/// the memory being there, found again by its offset.
class ScratchArrays {
 public:
  template <typename T>
  std::size_t add(std::int64_t count) {
    const std::size_t offset = bytes_;
    bytes_ +=
        (static_cast<std::size_t>(count) * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    return offset;
  }
  std::size_t bytes() const { return bytes_; }

  template <typename T>
  static T* at(void* memory, std::size_t offset) {
    return reinterpret_cast<T*>(static_cast<char*>(memory) + offset);
  }

 private:
  static constexpr std::size_t kAlignment = 256;
  std::size_t bytes_ = 0;
};

}  // namespace reprise::cuda
