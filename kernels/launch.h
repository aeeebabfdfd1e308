// What host code may ask of the kernels. Every pointer is to device memory, every call only queues
// work on the stream, and results are bit-equal between runs.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include <reprise/chroma_engine.h>
#include <reprise/ops.h>

#include "search_plan.h"

namespace reprise::kernels {

/// The songs of a bigram op and the weights, as its kernels take them.
struct BigramBatch : SongBatch {
  const float* weights = nullptr;
};

/// Bytes that the forward keeps for the backward: the correlation matrices and the events' means.
std::size_t bigram_reserve_bytes(const BigramParams& params, std::int64_t count);

/// Bytes of scratch memory that a forward or a backward needs.
std::size_t bigram_forward_scratch_bytes(const BigramParams& params, std::int64_t count,
                                         std::int64_t longest);
std::size_t bigram_backward_scratch_bytes(const BigramParams& params, std::int64_t count,
                                          std::int64_t longest);

/// scratch: bigram_forward_scratch_bytes.
void bigram_forward(const ops::BigramForward& op, MathMode math, void* scratch,
                    cudaStream_t stream);
/// scratch: bigram_backward_scratch_bytes.
void bigram_backward(const ops::BigramBackward& op, MathMode math, void* scratch,
                     cudaStream_t stream);

/// out [count, F, K, K, 12] of bigrams m [count, F, N, N] (see ops::IntervalForward).
void sum_rotations(const float* m, std::int64_t count, const BigramParams& params, float* out,
                   cudaStream_t stream);

void event_layer_forward(const ops::EventLayerForward& op, cudaStream_t stream);
void event_layer_backward(const ops::EventLayerBackward& op, cudaStream_t stream);

// --- the unfused path: the steps around its convolution and its products over time

/// x [count, rows, 12 * bands]: the songs' chroma, zero past their ends.
void unfused_songs(const BigramBatch& batch, int rows, float* x, cudaStream_t stream);
/// events [count, rows, N], zero past the songs' ends, from responses [count, frames, N] of the
/// filters, without their biases.
void unfused_events(const BigramBatch& batch, const BigramParams& params, const float* responses,
                    int frames, int rows, float* events, cudaStream_t stream);
/// out [count, dims] from correlations [count, lags, N, N] at the distinct lags.
void unfused_finish(const BigramBatch& batch, const BigramParams& params, const float* correlations,
                    float* out, cudaStream_t stream);
/// Gradients of correlations [count, lags, N, N] and of the windows [count, F, L] from that of the
/// fingerprints [count, dims]; bigram_gradient [count, dims]: scratch.
void unfused_unmix(const BigramBatch& batch, const BigramParams& params, const float* correlations,
                   const float* out_gradient, float* bigram_gradient, float* correlation_gradient,
                   float* window_gradient, cudaStream_t stream);
/// gradient [count, frames, N]: of events, becomes that of responses, zero past the songs' ends;
/// bias_gradient [count, N].
void unfused_mask(const BigramBatch& batch, const BigramParams& params, const float* responses,
                  int frames, float* gradient, float* bias_gradient, cudaStream_t stream);
/// Adds to gradient [weights] that of filters [N, length, 12 * bands] and, of each of `songs`,
/// those of biases [songs, N] and windows [songs, F, L].
void unfused_sum(const BigramParams& params, std::int64_t songs, const float* filters,
                 const float* biases, const float* windows, float* gradient, cudaStream_t stream);

void patchwork(const ops::Patchwork& op, cudaStream_t stream);

/// Bytes of scratch memory that augment needs; 0 where none.
std::size_t augment_scratch_bytes(const AugmentParams& params, std::int64_t count);
void augment(const ops::Augment& op, void* scratch, cudaStream_t stream);

/// Bytes of scratch memory that loss needs.
std::size_t loss_scratch_bytes(std::int64_t rows, int dims);
void loss(const ops::Loss& op, void* scratch, cudaStream_t stream);

void adam(const ops::Adam& op, cudaStream_t stream);

/// values [rows, dims] = unit(values + bias [dims]); a row of zeros stays.
void unit_rows(float* values, std::int64_t rows, int dims, const float* bias, cudaStream_t stream);

// --- exact search (scan_rows.cuh says why it is exact)

/// Bytes that prepare_scan writes: quantised rows, a scale and two bounds each.
std::size_t scan_bytes(std::int64_t count, int dims, ScanFormat format);
void prepare_scan(const ops::PrepareScan& op, cudaStream_t stream);

/// One pass of a search: of each open query's candidates behind those that the last pass kept, the
/// `width` with the highest upper bounds. Ranks are of (bound descending, number ascending).
struct SearchPass {
  const float* queries = nullptr;    ///< [query_count, keys, dims]
  const void* query_scan = nullptr;  ///< what prepare_scan made of them, at `query_format`
  ScanFormat query_format = ScanFormat::fp32;
  std::int64_t query_count = 0;
  int keys = 1;
  int dims = 0;
  const std::int32_t* open = nullptr;  ///< [open_count], numbers of queries
  int open_count = 0;

  const float* vectors = nullptr;  ///< [count, dims]
  const void* scan = nullptr;      ///< null with fp32
  ScanFormat format = ScanFormat::fp32;
  std::int64_t first = 0;  ///< number of the first candidate
  std::int64_t count = 0;  ///< below 2^32 - 1: a larger catalogue is searched in slices

  int width = 32;  ///< a multiple of 32
  int lists = 1;   ///< pieces that the candidates are cut into for each query
  /// [query_count], the last that was kept; all ones: none.
  unsigned long long* after = nullptr;
};

/// The format of query_scan that a kernel needs.
ScanFormat scan_query_format(ScanFormat candidates);
ScanFormat gemm_query_format(ScanFormat candidates);

/// The best of each piece: best [open_count, lists, width]. search_scan streams the candidates for
/// a few queries (keys is at most kMaxStreamRows); search_gemm is for many, on tensor cores.
void search_scan(const SearchPass& pass, unsigned long long* best, cudaStream_t stream);
void search_gemm(const SearchPass& pass, unsigned long long* best, cudaStream_t stream);

/// The best k so far of each query, best first: [query_count, k]; id -1 where there are fewer.
struct SearchResults {
  std::int64_t* ids = nullptr;
  float* scores = nullptr;
  std::int32_t* best_key = nullptr;
  int k = 0;
};

/// Scores what the pass kept in double precision and merges it into `results`. still_open
/// [open_count]: 1 where a candidate that is not among the results might still be better.
/// next: as `results`, for open_count queries, scratch. fresh: nothing was found before.
void search_finish(const SearchPass& pass, const unsigned long long* best, bool fresh,
                   const SearchResults& results, const SearchResults& next,
                   std::int32_t* still_open, cudaStream_t stream);

/// In fp32.
void similarities(const ops::Similarities& op, cudaStream_t stream);

// --- 2-D Fourier transform magnitudes

/// Songs of a 2DFTM call, one after another in an array of frames, each of a patch at least; each
/// may stand for several excerpts in a row, as the key does not matter.
struct Ftm2dSongs {
  const Excerpt* excerpts = nullptr;
  const std::int64_t* excerpt_of = nullptr;  ///< [count + 1] first excerpt of each, and the end
  const std::int64_t* start = nullptr;       ///< [count + 1] first frame of each, and the end
  std::int64_t count = 0;
  std::int64_t frames = 0;   ///< of all: start[count]
  std::int64_t longest = 0;  ///< largest difference of neighbouring starts
};

std::size_t ftm2d_scratch_bytes(std::int64_t songs, std::int64_t frames, const Ftm2dParams& params);
/// out [excerpts, dims]; scratch: ftm2d_scratch_bytes.
void ftm2d(ChromaView chroma, const Ftm2dSongs& songs, const Ftm2dParams& params, void* scratch,
           float* out, cudaStream_t stream);

// --- chroma of audio (definition in audio.h; tables as ChromaTables has them)

/// windowed [count, window]: samples [starts[w] + i] times hann [window].
void chroma_windows(const float* samples, const std::int64_t* starts, std::int64_t count,
                    int window, const float* hann, float* windowed, cudaStream_t stream);

/// The hats of one resolution.
struct ChromaHats {
  int window = 0;
  int first_bin = 0;
  int count = 0;
  const std::int32_t* first = nullptr;  ///< [count] of the transform's bins
  const std::int32_t* begin = nullptr;  ///< [count + 1] into weights
  const float* weights = nullptr;
};
/// Adds to power [frames, bins], at the hats' fine bins, what windows [first, first + count) bring,
/// whose spectra are complex [count, window / 2 + 1]. window_of [all frames + 1]: the first window
/// of each frame; frames [first_frame, last_frame] are those with windows among these. A frame's
/// first window finds nothing there.
struct ChromaSpectra {
  const float* spectra = nullptr;
  std::int64_t first = 0, count = 0;
  const std::int64_t* window_of = nullptr;
  std::int64_t first_frame = 0, last_frame = 0;
};
void chroma_power(const ChromaSpectra& spectra, const ChromaHats& hats, int bins, float* power,
                  cudaStream_t stream);

/// A song's frames among those of a call.
struct ChromaSong {
  std::int64_t first_frame = 0;
  std::int64_t frames = 0;
  std::int64_t tuning_frames = 0;
};
/// tuning [songs], in semitones, from power [frames, bins].
void chroma_tuning(const float* power, int bins, const ChromaSong* songs, std::int64_t count,
                   double* tuning, cudaStream_t stream);

/// What turns power into chroma.
struct ChromaNotes {
  int lowest = 0, notes = 0, stride = 0, updates = 0;
  float floor = 0;
  const float* dictionary = nullptr;  ///< D [notes, stride]: the transpose of ChromaTables'
  const float* gram = nullptr;        ///< [notes, stride]
};
/// chroma [frames, 12] from power [frames, bins]; no song has more than `longest` frames. tuning
/// [songs]; null: 0.
void chroma_notes(const float* power, int bins, const ChromaSong* songs, std::int64_t count,
                  std::int64_t longest, const double* tuning, const ChromaNotes& notes,
                  float* chroma, cudaStream_t stream);

// --- alignment

/// Songs of an alignment call, prepared once for all their pairs.
struct AlignmentSongs {
  ChromaView chroma;
  const Excerpt* excerpts = nullptr;          ///< [count]
  const std::int64_t* first_frame = nullptr;  ///< [count] sums of the frames before each
  std::int64_t count = 0;
  std::int64_t frames = 0;   ///< of all
  std::int64_t longest = 0;  ///< frames
};

std::size_t align_scratch_bytes(const AlignmentSongs& queries, const AlignmentSongs& candidates,
                                std::int64_t count);
/// scores [count]; pairs [count], of which `at_once` are aligned at a time. scratch:
/// align_scratch_bytes, for as many.
void align(const AlignmentSongs& queries, const AlignmentSongs& candidates,
           const AlignmentPair* pairs, std::int64_t count, std::int64_t at_once,
           const AlignmentParams& params, void* scratch, float* scores, cudaStream_t stream);

}  // namespace reprise::kernels
