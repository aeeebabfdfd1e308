#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace reprise {

/// A NumPy array of float32, C order.
struct Npy {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// Reads format versions 1 to 3 with dtype <f4 or <f8 (rounded); matrices in Fortran order, as
/// NumPy saves a transposed one, are brought to C order. Throws Error.
Npy read_npy(const std::string& path);
Npy parse_npy(const std::vector<std::uint8_t>& bytes, const std::string& path);

/// Whole or not at all.
void write_npy(const std::string& path, const std::vector<std::int64_t>& shape,
               const float* values);

}  // namespace reprise
