#pragma once

#include <string>
#include <vector>

#include "collections/million_song.h"

namespace reprise {

/// Chroma of a Million Song track as two papers and none compute it. Each returns float [frames,
/// 12] of values 0 to 1, each frame's maximum 1 (a frame where nothing sounds is all zeros), and
/// throws Error naming the track where the original gives nothing: too few segments or beats.

/// Bertin-Mahieux & Ellis 2012 (msd_beatchroma): segments weighted by 10^(loudness_start / 20),
/// then per beat the mean of the segments that overlap it, weighted by the length of the overlap; a
/// beat within one segment takes that segment, the last beat the segment it starts in. Three
/// segments and two beats at least.
std::vector<float> beat_chroma_2012(const MillionSong& song);

/// Bertin-Mahieux & Ellis 2011, WASPAA (get_btchromas): no loudness; a segment counts by the share
/// of it that lies inside the beat (the segment before the first one counts as it does there: by
/// the part after the beat's start); beats after the last segment's start are silent.
std::vector<float> beat_chroma_2011(const MillionSong& song);

/// The segments themselves: frames of uneven length, loudness not regarded.
std::vector<float> segment_chroma(const MillionSong& song);

/// By name: beat2012, beat2011 or segments. The name goes into the song set as its `chroma`.
std::vector<float> million_song_chroma(const MillionSong& song, const std::string& variant);

}  // namespace reprise
