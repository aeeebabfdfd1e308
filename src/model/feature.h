#pragma once

#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "model/song_batches.h"
#include "reprise/choices.h"
#include "reprise/song_set.h"

namespace reprise {

/// A feature of a song's chroma [frames, 12]:
///   chroma          as it is
///   melody          1 at the strongest pitch class of each frame that sounds, else 0
///   melody+chroma   two streams: frame t becomes the three frames melody, chroma, zero. Filters
///                   of two frames then see melody at the first and chroma at the second, and the
///                   block of co-occurrences of the one with the other (pairs = cross) at a lag of
///                   3 k is theirs at k frames: all other products in it are with zeros.
///   peaks           1 where the chroma passes a threshold that decays with time, in both
///                   directions, at most three a frame (Bertin-Mahieux & Ellis 2011), else 0
std::vector<float> song_feature(ChromaView chroma, Feature feature);

/// The songs [songs] as a set of their own, in the same order, with their ids, splits and features,
/// these as chroma.
SongSet with_feature(const SongSet& set, std::span<const std::int64_t> songs, Feature feature);

/// for_each_song_batch over the songs' features.
template <class Body>
void for_each_feature_batch(Backend& backend, const SongSet& set,
                            std::span<const std::int64_t> songs, Feature feature, Body&& body) {
  if (feature == Feature::chroma) return for_each_song_batch(backend, set, songs, body);
  const SongSet features = with_feature(set, songs, feature);
  std::vector<std::int64_t> all(songs.size());
  std::iota(all.begin(), all.end(), 0);
  for_each_song_batch(backend, features, all, body);
}

}  // namespace reprise
