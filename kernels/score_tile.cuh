// Products of many query keys with many candidates: a tile of scores that a block computes through
// shared memory on tensor cores.
//
// 64 bytes of every row are staged at a time, in one of two buffers: the next bytes are on their
// way while these are multiplied. They lie in slabs of one product's depth, so that every tile
// starts at a multiple of 32 bytes and the rows of a slab fall into different banks. Eight warps
// share 128 x 64 sums, 32 x 32 each. The sums then take the place of the operands.
#pragma once

#include "scan_rows.cuh"
#include "tile_mma.cuh"

namespace reprise {

inline constexpr int kScoreThreads = 256;
inline constexpr int kScoreRows = kernels::kGemmRows;     // query keys
inline constexpr int kScoreColumns = kernels::kGemmTile;  // candidates
inline constexpr unsigned kNoRow = ~0u;
inline constexpr int kScoreStride = kScoreColumns + 4;  // of a row of sums

template <typename Precision>
class ScoreTile {
 public:
  using Storage = typename Precision::Storage;
  using Sum = typename Precision::Sum;
  static constexpr bool kFloat = std::is_same_v<Storage, float>;

  REPRISE_HOST_DEVICE static constexpr int bytes() {
    constexpr int staged = 2 * kSlabs * (kScoreRows + kScoreColumns) * kSlabBytes;
    constexpr int scores = kScoreRows * kScoreStride * static_cast<int>(sizeof(Sum));
    return staged > scores ? staged : scores;
  }

  __device__ explicit ScoreTile(unsigned char* memory) : memory_(memory) {}

  /// The sum of key `row` and candidate `column` of the last product.
  __device__ Sum at(int row, int column) const { return scores()[row * kScoreStride + column]; }

  /// Multiplies the rows that query(row) numbers, kNoRow being none, with candidates `first` to
  /// `first + kScoreColumns`. squares: shared, [kScoreColumns], gets the candidates' squared
  /// lengths in float; may be null. Has a barrier before it overwrites the last scores and one
  /// after the new.
  template <typename QueryOf>
  __device__ void multiply(const ScanRows& queries, QueryOf query, int rows,
                           const ScanRows& candidates, std::int64_t first, std::int64_t count,
                           float* squares) {
    constexpr unsigned kStepBytes = kPieces * kPieceBytes;
    const int piece = threadIdx.x % kPieces, line = threadIdx.x / kPieces;
    unsigned number[kHeld];  // of rows
#pragma unroll
    for (int i = 0; i < kHeld; ++i) {
      if (i < kHeldQueries) {
        number[i] = query(line + i * kLines);
      } else {
        const std::int64_t candidate = first + line + (i - kHeldQueries) * kLines;
        number[i] = candidate < count ? static_cast<unsigned>(candidate) : kNoRow;
      }
    }
    int4 coming[kHeld];
    const auto fetch = [&](unsigned at) {
#pragma unroll
      for (int i = 0; i < kHeld; ++i) {
        const bool of_query = i < kHeldQueries;
        coming[i] = make_int4(0, 0, 0, 0);
        if (number[i] == kNoRow) continue;
        coming[i] = of_query ? queries.piece<kFloat>(number[i], at + piece * kPieceBytes)
                             : candidates.piece<kFloat>(number[i], at + piece * kPieceBytes);
      }
    };
    TileSums<Precision> sums[2][2];
    for (auto& pair : sums) {
      for (auto& sum : pair) sum.clear();
    }
    float square[kHeld - kHeldQueries] = {};
    const auto put_all = [&](int buffer) {
#pragma unroll
      for (int i = 0; i < kHeld; ++i) {
        const int row =
            i < kHeldQueries ? line + i * kLines : kScoreRows + line + (i - kHeldQueries) * kLines;
        if (squares != nullptr && i >= kHeldQueries) {
          add_square(coming[i], square[i - kHeldQueries]);
        }
        put(coming[i], buffer, row, piece * kPieceBytes);
      }
    };
    fetch(0);
    __syncthreads();  // all have read the last scores
    put_all(0);
    __syncthreads();
    const unsigned length = queries.stride > candidates.stride ? queries.stride : candidates.stride;
    int buffer = 0;
    for (unsigned at = 0; at < length; at += kStepBytes) {
      const bool more = at + kStepBytes < length;
      if (more) fetch(at + kStepBytes);
      add_products(sums, buffer, rows);
      buffer = 1 - buffer;
      if (more) put_all(buffer);
      __syncthreads();  // the other buffer is complete; nobody reads this one
    }
    if (squares != nullptr) {
#pragma unroll
      for (int i = 0; i < kHeld - kHeldQueries; ++i) {
        for (int offset = kPieces / 2; offset > 0; offset /= 2) {
          square[i] += __shfl_xor_sync(kAllLanes, square[i], offset);
        }
        if (piece == 0) squares[line + i * kLines] = square[i];
      }
    }
    for_each_tile(rows, [&](int r, int c, int row, int column) {
      sums[r][c].store(scores() + row * kScoreStride + column, kScoreStride);
    });
    __syncthreads();
  }

 private:
  static constexpr int kPieces = 4;  // of a row, staged at a time
  static constexpr int kLines = kScoreThreads / kPieces;
  static constexpr int kHeldQueries = kScoreRows / kLines;
  static constexpr int kHeld = kHeldQueries + kScoreColumns / kLines;
  static constexpr int kDepthBytes = Precision::kDepth * static_cast<int>(sizeof(Storage));
  static constexpr int kSlabBytes = kDepthBytes == 16 ? 16 : kDepthBytes + 16;  // of a row
  static constexpr int kSlabs = kPieces * kPieceBytes / kDepthBytes;

  __device__ Sum* scores() const {
    return reinterpret_cast<Sum*>(memory_);
  }

  /// Staged rows: kScoreRows of queries, then kScoreColumns of candidates.
  __device__ unsigned char* staged(int buffer, int slab, int row) const {
    return memory_ + ((buffer * kSlabs + slab) * (kScoreRows + kScoreColumns) + row) * kSlabBytes;
  }

  __device__ void put(int4 piece, int buffer, int row, int at) const {
    if constexpr (kFloat) {
      const auto round = [](int& word) {
        word = __float_as_int(Precision::round(__int_as_float(word)));
      };
      round(piece.x), round(piece.y), round(piece.z), round(piece.w);
    }
    *reinterpret_cast<int4*>(staged(buffer, at / kDepthBytes, row) + at % kDepthBytes) = piece;
  }

  static __device__ void add_square(const int4& piece, float& sum) {
    for (const int word : {piece.x, piece.y, piece.z, piece.w}) {
      sum = fmaf(__int_as_float(word), __int_as_float(word), sum);
    }
  }

  /// Calls use(r, c, row, column) for the tiles of this warp that hold any of `rows` rows.
  template <typename Use>
  static __device__ void for_each_tile(int rows, Use use) {
    const int warp = threadIdx.x / kWarpThreads;
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const int row = warp / 2 * 2 * kTile + r * kTile;
      if (row >= rows) continue;
#pragma unroll
      for (int c = 0; c < 2; ++c) use(r, c, row, warp % 2 * 2 * kTile + c * kTile);
    }
  }

  __device__ void add_products(TileSums<Precision> (&sums)[2][2], int buffer, int rows) const {
    constexpr int kStride = kSlabBytes / static_cast<int>(sizeof(Storage));
    const int warp = threadIdx.x / kWarpThreads;
#pragma unroll
    for (int slab = 0; slab < kSlabs; ++slab) {
      RightTile<Precision, ByColumns> right[2];
#pragma unroll
      for (int c = 0; c < 2; ++c) {
        const int column = warp % 2 * 2 * kTile + c * kTile;
        right[c].load(reinterpret_cast<const Storage*>(staged(buffer, slab, kScoreRows + column)),
                      kStride);
      }
      LeftTile<Precision, ByRows> left;
      for_each_tile(rows, [&](int r, int c, int row, int) {
        if (c == 0) left.load(reinterpret_cast<const Storage*>(staged(buffer, slab, row)), kStride);
        sums[r][c].add_product(left, right[c]);
      });
    }
  }

  unsigned char* memory_;
};

}  // namespace reprise
