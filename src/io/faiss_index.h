#pragma once

#include <cstdint>
#include <string>

namespace reprise {

/// A file that faiss.read_index gives back as an IndexFlatIP: exact search by inner product, which
/// is the cosine of vectors of length 1. vectors: [count, dims], found by their place, from 0.
/// Whole or not at all.
void write_faiss_flat(const std::string& path, std::int64_t count, int dims, const float* vectors);

}  // namespace reprise
