#pragma once

#include <span>
#include <string>

#include "reprise/backend.h"
#include "reprise/catalogue.h"
#include "reprise/fingerprints.h"

// Fingerprints and distances as files of other programs.
namespace reprise {

// Each throws Error where a file cannot be written; none is left half-written.

/// Fingerprints as a NumPy file, float32 [songs, D] or, of several keys, [songs, keys, D]; the
/// songs' ids beside it in NAME.ids.txt, one a line. Returns the path of the ids.
std::string export_npy(const Fingerprints& fingerprints, std::span<const std::string> ids,
                       const std::string& out);
/// The same of a whole catalogue, one key a song.
std::string export_npy(const Catalogue& catalogue, const std::string& out);

/// The same as a flat index for faiss.read_index, the vectors of length 1: inner products are
/// cosines.
std::string export_faiss(const Catalogue& catalogue, const std::string& out);

/// The distance matrix of MIREX's audio cover song task: a title, a line `number<TAB>id` for each
/// song, a line `Q/R<TAB>1<TAB>2...`, then a row of distances (1 - similarity) for each query.
/// Every song is a query and a candidate.
void export_mirex(const Catalogue& catalogue, Backend& backend, const std::string& out);

}  // namespace reprise
