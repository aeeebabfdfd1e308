#include "reprise/exports.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "core/files.h"
#include "core/linear_algebra.h"
#include "io/faiss_index.h"
#include "io/npy.h"
#include "reprise/error.h"
#include "reprise/model.h"

namespace reprise {
namespace {

std::string write_ids(std::span<const std::string> ids, const std::string& out) {
  std::string lines;
  for (const std::string& id : ids) lines += id + "\n";
  const std::string path = std::filesystem::path(out).replace_extension(".ids.txt");
  replace_file(path, lines);
  return path;
}

std::vector<std::string> ids_of(std::span<const CatalogueSong> songs) {
  std::vector<std::string> ids;
  for (const CatalogueSong& song : songs) ids.push_back(song.song_id);
  return ids;
}

}  // namespace

std::string export_npy(const Fingerprints& fingerprints, std::span<const std::string> ids,
                       const std::string& out) {
  std::vector<std::int64_t> shape{fingerprints.songs, fingerprints.dims};
  if (fingerprints.keys > 1) shape.insert(shape.begin() + 1, fingerprints.keys);
  write_npy(out, shape, fingerprints.values.data());
  return write_ids(ids, out);
}

std::string export_npy(const Catalogue& catalogue, const std::string& out) {
  const std::vector<CatalogueSong> songs = catalogue.songs();
  return export_npy(catalogue.fingerprints(songs), ids_of(songs), out);
}

std::string export_faiss(const Catalogue& catalogue, const std::string& out) {
  const std::vector<CatalogueSong> songs = catalogue.songs();
  Fingerprints f = catalogue.fingerprints(songs);
  scale_to_unit(f.values, f.dims);
  write_faiss_flat(out, f.songs, f.dims, f.values.data());
  return write_ids(ids_of(songs), out);
}

void export_mirex(const Catalogue& catalogue, Backend& backend, const std::string& out) {
  constexpr std::size_t kQueriesAtOnce = 64;
  const std::vector<CatalogueSong> songs = catalogue.songs();
  Fingerprints candidates = catalogue.fingerprints(songs);
  scale_to_unit(candidates.values, candidates.dims);
  const Buffer<float> vectors(backend, std::span<const float>(candidates.values));
  ModelFingerprinter method(backend, catalogue.model(), catalogue.identity().name);

  replace_file(out, [&](const std::string& temporary) {
    std::ofstream file(temporary, std::ios::binary);
    file << "Reprise " << catalogue.identity().name << '\n';
    std::string header = "Q/R";
    for (std::size_t i = 0; i < songs.size(); ++i) {
      file << i + 1 << '\t' << songs[i].song_id << '\n';
      header += fmt::format("\t{}", i + 1);
    }
    file << header << '\n';
    for (std::size_t first = 0; first < songs.size(); first += kQueriesAtOnce) {
      const auto part =
          std::span(songs).subspan(first, std::min(kQueriesAtOnce, songs.size() - first));
      Fingerprints queries = catalogue.queries(part, method);
      scale_to_unit(queries.values, queries.dims);
      const Buffer<float> q(backend, std::span<const float>(queries.values));
      Buffer<float> similarity(backend, queries.songs * candidates.songs);
      backend.run(ops::Similarities{.q = q.data(),
                                    .queries = queries.songs,
                                    .keys = queries.keys,
                                    .c = vectors.data(),
                                    .candidates = candidates.songs,
                                    .dims = candidates.dims,
                                    .out = similarity.data()});
      const std::vector<float> row = similarity.download();
      for (std::size_t i = 0; i < part.size(); ++i) {
        std::string line = fmt::format("{}", first + i + 1);
        for (std::size_t j = 0; j < songs.size(); ++j)
          line += fmt::format("\t{:.6f}", 1 - row[i * songs.size() + j]);
        file << line << '\n';
      }
    }
    file.close();
    if (!file) throw MachineError(fmt::format("{}: cannot write: {}", out, std::strerror(errno)));
  });
}

}  // namespace reprise
