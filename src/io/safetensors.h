#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace reprise {

/// A tensor of a safetensors file: F32 values, row-major, or I64/U8 kept as bytes.
struct Tensor {
  std::string type;  ///< "F32", "I64", "U8"
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> bytes;

  static Tensor of(std::vector<std::int64_t> shape, const float* values);
  static Tensor of(std::vector<std::int64_t> shape, const std::int64_t* values);
  std::int64_t size() const;          ///< product of the shape
  std::vector<float> floats() const;  ///< throws Error unless type is F32
  std::vector<std::int64_t> integers() const;
};

struct Safetensors {
  std::map<std::string, std::string> metadata;  ///< `__metadata__`
  std::map<std::string, Tensor> tensors;

  /// The tensor of this name, type F32. Throws Error naming the file and the tensor.
  const Tensor& at(const std::string& name, const std::string& path) const;
};

/// Reads a safetensors file (8-byte little-endian header length, JSON header, data). Every size and
/// offset is checked against the file before use. F32, I64 and U8 only. Throws Error.
Safetensors read_safetensors(const std::string& path);
/// The same from memory; `path` is for messages.
Safetensors parse_safetensors(const std::vector<std::uint8_t>& bytes, const std::string& path);

void write_safetensors(const std::string& path, const Safetensors& file);

}  // namespace reprise
