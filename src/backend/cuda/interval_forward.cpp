#include <algorithm>

#include "backend/cuda/cuda_backend.h"
#include "launch.h"

namespace reprise::cuda {

namespace {

// Songs whose bigrams are held at once to be summed over the rotations.
constexpr std::int64_t kIntervalSongs = 256;

}  // namespace

void CudaBackend::perform(const ops::IntervalForward& op) {
  BigramParams plain = op.params;
  plain.compression = Compression::none;
  plain.unit_norm = false;
  const std::int64_t at_once = std::min(op.songs.count, kIntervalSongs), dims = plain.dims();
  const DeviceMemory all(stream_, static_cast<std::size_t>(at_once * dims) * sizeof(float));
  auto* bigrams = static_cast<float*>(all.data());
  for (std::int64_t first = 0; first < op.songs.count; first += at_once) {
    SongBatch songs = op.songs;
    songs.excerpts += first;
    songs.count = std::min(at_once, op.songs.count - first);
    run(ops::BigramForward{.songs = songs, .weights = op.weights, .params = plain, .out = bigrams});
    kernels::sum_rotations(bigrams, songs.count, plain, op.out + first * (dims / kPitchClasses),
                           stream_.get());
  }
}

}  // namespace reprise::cuda
