#pragma once

#include <string>

#include "reprise/backend.h"
#include "reprise/catalogue.h"

namespace reprise::cli {

/// The fingerprints as float32 [songs, D], for NumPy; the ids beside them in NAME.ids.txt, one a
/// line. Returns the path of the ids.
std::string export_npy(const Catalogue& catalogue, const std::string& out);

/// The same as a flat index of FAISS, the vectors of length 1: inner products are cosines.
std::string export_faiss(const Catalogue& catalogue, const std::string& out);

/// The distance matrix of MIREX's audio cover song task: a title, a line `number<TAB>id` for each
/// song, a line `Q/R<TAB>1<TAB>2...`, then a row of distances (1 - similarity) for each query.
/// Every song is a query and a candidate.
void export_mirex(const Catalogue& catalogue, Backend& backend, const std::string& out);

}  // namespace reprise::cli
