#include <algorithm>
#include <numeric>

#include "reprise/catalogue.h"

namespace reprise {
namespace {

/// In parts, so that progress shows.
Fingerprints fingerprints_of(Fingerprinter& method, const SongSet& set, Keys keys,
                             const Observer& observer) {
  constexpr std::int64_t kSongsAtOnce = 4096;
  Fingerprints all;
  all.songs = set.songs();
  all.dims = method.dims();
  std::vector<std::int64_t> songs;
  for (std::int64_t first = 0; first < set.songs(); first += kSongsAtOnce) {
    observer.show(first, set.songs(), "songs fingerprinted");
    songs.resize(std::min(kSongsAtOnce, set.songs() - first));
    std::iota(songs.begin(), songs.end(), first);
    const Fingerprints part = method.compute(set, songs, keys);
    if (first == 0) all.values.reserve(part.values.size() / songs.size() * set.songs());
    all.keys = part.keys;
    all.values.insert(all.values.end(), part.values.begin(), part.values.end());
    all.rolls.insert(all.rolls.end(), part.rolls.begin(), part.rolls.end());
  }
  return all;
}

}  // namespace

std::int64_t Catalogue::add(Backend& backend, const SongSet& set, bool replace,
                            const Observer& observer) {
  if (!replace) check_new(set.song_id);
  const std::int64_t before = size();
  ModelFingerprinter method(backend, model(), identity().name);
  const Fingerprints fingerprints = fingerprints_of(method, set, Keys::candidate, observer);
  const Fingerprints queries =
      keeps_chroma() ? Fingerprints() : fingerprints_of(method, set, Keys::query, observer);
  add(
      set, fingerprints, replace,
      [&](std::int64_t done, std::int64_t of) { observer.show(done, of, "songs written"); },
      queries);
  return size() - before;
}

}  // namespace reprise
