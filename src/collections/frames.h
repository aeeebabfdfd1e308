#pragma once

#include <cstdint>
#include <vector>

namespace reprise {

// What other programs' chroma needs to become a song's: matrices are [frames, 12].

/// Rolls chroma whose column 0 is `origin` semitones above C so that column 0 is C (A: 9).
void move_origin_to_c(std::vector<float>& chroma, int origin);

/// Means over frames of `to` a second, each input frame counting by the time it shares with the
/// result's; what is left at the end, shorter than a frame, is dropped, but for the only frame.
/// Throws Error where `to` is above `from`.
std::vector<float> average_frames(const std::vector<float>& chroma, double from, double to);

/// Scales every frame so that its maximum is 1; silent frames stay so.
void normalise_frames(std::vector<float>& chroma);

}  // namespace reprise
