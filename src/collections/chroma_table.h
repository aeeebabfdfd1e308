#pragma once

#include <cstdint>
#include <istream>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace reprise {

// A song's chroma as a table of twelve columns in a file of its own (or, .cly, of many songs). All
// return [frames, 12] as they are in the file, and throw Error naming the file and the line or
// dataset for anything else than finite numbers in twelve columns.

/// What the first line of comma-separated values is. cover_id read its files with pandas, which
/// takes it for a header whatever it holds: `header` gives the frames that it saw.
enum class FirstLine : std::uint8_t {
  automatic,  ///< a header where it is not all numbers
  frame,
  header,
};

/// Comma-separated values, a frame a line. With `time`, a column before the twelve is passed over.
std::vector<float> read_chroma_csv(std::istream& in, const std::string& path, FirstLine first,
                                   bool time);
std::vector<float> read_chroma_csv(const std::string& path, FirstLine first, bool time);

/// NumPy array of float32 or float64, [frames, 12], or [12, frames] where `transposed`.
std::vector<float> read_chroma_npy(const std::string& path, bool transposed);

/// A dataset [frames, 12] of an HDF5 file, as deepdish (Da-TACOS, acoss) and others write them.
std::vector<float> read_chroma_hdf5(const std::string& path, const std::string& dataset);
std::vector<float> parse_chroma_hdf5(std::span<const std::uint8_t> image, const std::string& path,
                                     const std::string& dataset);

/// `track,number` a line: which number stands for a track (msd_keys_mapping.cly,
/// uri_id_mapping.csv). By number. Throws Error for a number or a track that comes twice.
std::unordered_map<std::int64_t, std::string> read_track_numbers(std::istream& in,
                                                                 const std::string& path);

/// The songs of btchromas.cly (Osmalskyj): a line `chroma`, then for each song a line with its
/// number and one with its values, frame after frame.
class ClyChroma {
 public:
  ClyChroma(std::istream& in, const std::string& path);
  /// The next song; false at the end.
  bool next(std::int64_t& number, std::vector<float>& chroma);

 private:
  std::istream& in_;
  std::string path_;
  std::int64_t line_ = 1;
};

}  // namespace reprise
