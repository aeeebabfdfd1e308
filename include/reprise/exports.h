#pragma once

#include <span>
#include <string>

#include "reprise/backend.h"
#include "reprise/catalogue.h"
#include "reprise/fingerprints.h"

// Fingerprints and distances in the formats of other programs.
namespace reprise {

// Each throws Error if a file cannot be written; no partial file is left.

/// Writes a NumPy file, float32 [songs, D] or, with several keys, [songs, keys, D], and the song
/// ids, one per line, in NAME.ids.txt beside it. Returns the path of the ids.
std::string export_npy(const Fingerprints& fingerprints, std::span<const std::string> ids,
                       const std::string& out);
/// The same for a whole catalogue, one key per song.
std::string export_npy(const Catalogue& catalogue, const std::string& out);

/// Writes a flat index for faiss.read_index. Vectors have unit length, so inner products are
/// cosines.
std::string export_faiss(const Catalogue& catalogue, const std::string& out);

/// The distance matrix of MIREX's audio cover song task: a title, a line `number<TAB>id` for each
/// song, a line `Q/R<TAB>1<TAB>2...`, then a row of distances (1 - similarity) for each query.
/// Every song is a query and a candidate.
void export_mirex(const Catalogue& catalogue, Backend& backend, const std::string& out);

}  // namespace reprise
