#include "backend/cpu/search_panels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/search_panels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::CappedTag<float, 16>;
using U32 = hn::RebindToUnsigned<F32>;
using I32 = hn::RebindToSigned<F32>;
using Vector = hn::Vec<F32>;
constexpr F32 kF32{};
constexpr U32 kU32{};
constexpr I32 kI32{};
constexpr int kLanes = static_cast<int>(hn::MaxLanes(kF32));

// Rows of a register tile: two vectors wide, it fills the registers (32 with AVX-512 and NEON, 16
// otherwise) without spilling.
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int kTileRows = 12;
#else
constexpr int kTileRows = 6;
#endif

int tile_rows() {
  return kTileRows;
}

// --- products of a panel's body and a tile of queries

template <int kRows>
void float_tile(const std::uint32_t* HWY_RESTRICT body, const std::uint32_t* HWY_RESTRICT q,
                const std::int32_t*, std::int64_t depth, float* HWY_RESTRICT scores) {
  for (int column = 0; column < kPanel; column += 2 * kLanes) {
    Vector low[kRows], high[kRows];
    for (int r = 0; r < kRows; ++r) low[r] = high[r] = hn::Zero(kF32);
    const float* HWY_RESTRICT c = reinterpret_cast<const float*>(body) + column;
    const float* HWY_RESTRICT x = reinterpret_cast<const float*>(q);
    for (std::int64_t w = 0; w < depth; ++w, c += kPanel, x += kRows) {
      const Vector c0 = hn::LoadU(kF32, c);
      const Vector c1 = hn::LoadU(kF32, c + kLanes);
      HWY_UNROLL(12)
      for (int r = 0; r < kRows; ++r) {
        const Vector broadcast = hn::Set(kF32, x[r]);
        low[r] = hn::MulAdd(c0, broadcast, low[r]);
        high[r] = hn::MulAdd(c1, broadcast, high[r]);
      }
    }
    for (int r = 0; r < kRows; ++r) {
      hn::StoreU(low[r], kF32, scores + r * kPanel + column);
      hn::StoreU(high[r], kF32, scores + r * kPanel + column + kLanes);
    }
  }
}

template <std::size_t... kRows>
constexpr auto float_tiles(std::index_sequence<kRows...>) {
  return std::array<ProductTile, sizeof...(kRows)>{float_tile<static_cast<int>(kRows) + 1>...};
}

const ProductTile* tiles() {
  static constexpr auto kTiles = float_tiles(std::make_index_sequence<kTileRows>());
  return kTiles.data();
}

// --- panels

#if HWY_TARGET != HWY_SCALAR
// One vector of 128-bit parts: part b is of row 4 b of rows `stride` floats apart.
template <class D>
hn::Vec<D> load_parts(D d, const float* from, std::int64_t stride) {
  if constexpr (hn::MaxLanes(d) <= 4) {
    return hn::LoadU(d, from);
  } else {
    const hn::Half<D> half;
    return hn::Combine(
        d, load_parts(half, from + stride * static_cast<std::int64_t>(hn::Lanes(half)), stride),
        load_parts(half, from, stride));
  }
}

// Four columns of kLanes rows.
void transpose_four(const float* rows, std::int64_t stride, float* columns) {
  const hn::Repartition<double, F32> pairs;
  const Vector r0 = load_parts(kF32, rows, stride);
  const Vector r1 = load_parts(kF32, rows + stride, stride);
  const Vector r2 = load_parts(kF32, rows + 2 * stride, stride);
  const Vector r3 = load_parts(kF32, rows + 3 * stride, stride);
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(kF32, r0, r1));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(kF32, r2, r3));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(kF32, r0, r1));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(kF32, r2, r3));
  const auto store = [&](auto v, int column) HWY_ATTR {
    hn::StoreU(hn::BitCast(kF32, v), kF32, columns + column * kPanel);
  };
  store(hn::InterleaveLower(pairs, low01, low23), 0);
  store(hn::InterleaveUpper(pairs, low01, low23), 1);
  store(hn::InterleaveLower(pairs, high01, high23), 2);
  store(hn::InterleaveUpper(pairs, high01, high23), 3);
}
#endif

// Rows [32, dims] to columns [dims, 32].
void transpose(const float* rows, int dims, float* columns) {
  int d = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; d + 4 <= dims; d += 4)
    for (int lane = 0; lane < kPanel; lane += kLanes)
      transpose_four(rows + std::int64_t{lane} * dims + d, dims,
                     columns + std::int64_t{d} * kPanel + lane);
#endif
  for (; d < dims; ++d)
    for (int lane = 0; lane < kPanel; ++lane)
      columns[std::int64_t{d} * kPanel + lane] = rows[std::int64_t{lane} * dims + d];
}

// Nearest bfloat16, ties to even, in the high half of each lane.
hn::Vec<U32> bfloat16_bits(Vector x) {
  const auto bits = hn::BitCast(kU32, x);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(kU32, 1));
  return hn::And(hn::Add(bits, hn::Add(odd, hn::Set(kU32, 0x7fff))), hn::Set(kU32, 0xffff0000u));
}

// Fills in head and body from columns [dims + 3, 32], zeros after dims.
void quantise(const PanelLayout& layout, const float* columns, std::uint32_t* panel) {
  const int dims = layout.dims;
  float* head = reinterpret_cast<float*>(panel);
  std::uint32_t* body = panel + PanelLayout::kHead;
  const Vector grow = hn::Set(kF32, static_cast<float>(1 + rounding_bound(dims)));
  const Vector underflow = hn::Set(kF32, kUnderflow);
  for (int lane = 0; lane < kPanel; lane += kLanes) {
    const float* x = columns + lane;
    Vector square0 = hn::Zero(kF32), square1 = square0, largest = square0;
    for (int d = 0; d < dims; d += 2) {
      const Vector x0 = hn::LoadU(kF32, x + d * std::int64_t{kPanel});
      const Vector x1 = hn::LoadU(kF32, x + (d + 1) * std::int64_t{kPanel});
      square0 = hn::MulAdd(x0, x0, square0);
      square1 = hn::MulAdd(x1, x1, square1);
      largest = hn::Max(largest, hn::Max(hn::Abs(x0), hn::Abs(x1)));
    }
    const Vector norm = hn::MulAdd(hn::Sqrt(hn::Add(square0, square1)), grow, underflow);

    Vector scale = hn::Set(kF32, 1.0f);
    Vector square = hn::Zero(kF32);
    std::uint32_t* to = body + lane;
    if (layout.format == ScanFormat::int8) {
      scale = hn::Mul(largest, hn::Set(kF32, 1.0f / 127));
      const Vector inverse = hn::Div(hn::Set(kF32, 127.0f), largest);
      const auto least = hn::Set(kI32, -127);
      const auto most = hn::Set(kI32, 127);
      for (int d = 0; d < dims; d += 4, to += kPanel) {
        auto word = hn::Zero(kU32);
        for (int i = 3; i >= 0; --i) {
          const Vector v = hn::LoadU(kF32, x + (d + i) * std::int64_t{kPanel});
          // Whatever a division by zero makes of it, it ends in range, and the residual tells.
          const auto q = hn::Min(hn::Max(hn::NearestInt(hn::Mul(v, inverse)), least), most);
          const Vector rest = hn::NegMulAdd(scale, hn::ConvertTo(kF32, q), v);
          square = hn::MulAdd(rest, rest, square);
          word = hn::Or(hn::ShiftLeft<8>(word), hn::BitCast(kU32, hn::Add(q, hn::Set(kI32, 128))));
        }
        hn::StoreU(word, kU32, to);
      }
    } else if (layout.format == ScanFormat::bf16) {
      for (int d = 0; d < dims; d += 2, to += kPanel) {
        const Vector x0 = hn::LoadU(kF32, x + d * std::int64_t{kPanel});
        const Vector x1 = hn::LoadU(kF32, x + (d + 1) * std::int64_t{kPanel});
        const auto bits0 = bfloat16_bits(x0);
        const auto bits1 = bfloat16_bits(x1);
        const Vector rest0 = hn::Sub(x0, hn::BitCast(kF32, bits0));
        const Vector rest1 = hn::Sub(x1, hn::BitCast(kF32, bits1));
        square = hn::MulAdd(rest0, rest0, hn::MulAdd(rest1, rest1, square));
        hn::StoreU(hn::Or(hn::ShiftRight<16>(bits0), bits1), kU32, to);
      }
    }
    // Without fused multiply-adds a residual value is wrong by up to an ulp of the value.
    const Vector residual = layout.format == ScanFormat::fp32
                                ? hn::Zero(kF32)
                                : hn::MulAdd(norm, hn::Set(kF32, 0x1p-22f),
                                             hn::MulAdd(hn::Sqrt(square), grow, underflow));
    hn::StoreU(scale, kF32, head + lane);
    hn::StoreU(norm, kF32, head + kPanel + lane);
    hn::StoreU(residual, kF32, head + 2 * kPanel + lane);
  }
}

// Body to one float a dimension, columns [depth * per_word, 32].
void decode(const PanelLayout& layout, const std::uint32_t* body, float* columns) {
  const std::int64_t depth = layout.depth();
  for (std::int64_t w = 0; w < depth; ++w)
    for (int lane = 0; lane < kPanel; lane += kLanes) {
      const auto word = hn::LoadU(kU32, body + w * kPanel + lane);
      if (layout.format == ScanFormat::bf16) {
        float* to = columns + 2 * w * kPanel + lane;
        hn::StoreU(hn::BitCast(kF32, hn::ShiftLeft<16>(word)), kF32, to);
        hn::StoreU(hn::BitCast(kF32, hn::And(word, hn::Set(kU32, 0xffff0000u))), kF32, to + kPanel);
      } else {
        float* to = columns + 4 * w * kPanel + lane;
        const auto byte = hn::Set(kU32, 0xff);
        const auto store = [&](hn::Vec<U32> value, float* at) HWY_ATTR {
          const auto centred = hn::Sub(hn::BitCast(kI32, hn::And(value, byte)), hn::Set(kI32, 128));
          hn::StoreU(hn::ConvertTo(kF32, centred), kF32, at);
        };
        store(word, to);
        store(hn::ShiftRight<8>(word), to + kPanel);
        store(hn::ShiftRight<16>(word), to + 2 * kPanel);
        store(hn::ShiftRight<24>(word), to + 3 * kPanel);
      }
    }
}

// --- what becomes of scores

HWY_INLINE Vector pooled(const float* scores, int keys, int lane) {
  Vector best = hn::LoadU(kF32, scores + lane);
  for (int key = 1; key < keys; ++key)
    best = hn::Max(best, hn::LoadU(kF32, scores + key * kPanel + lane));
  return best;
}

void pool(const float* scores, int keys, float* to) {
  for (int lane = 0; lane < kPanel; lane += kLanes)
    hn::StoreU(pooled(scores, keys, lane), kF32, to + lane);
}

std::uint32_t reach(float threshold, const float* scores, int keys, const std::uint32_t* panel,
                    const QueryBound& bound, PanelBounds& bounds) {
  const float* head = reinterpret_cast<const float*>(panel);
  std::uint32_t left = 0;
  for (int lane = 0; lane < kPanel; lane += kLanes) {
    const Vector scale = hn::Mul(hn::Set(kF32, bound.scale), hn::LoadU(kF32, head + lane));
    const Vector norm = hn::LoadU(kF32, head + kPanel + lane);
    const Vector residual = hn::LoadU(kF32, head + 2 * kPanel + lane);
    const Vector by_residual = hn::Set(kF32, bound.by_residual);
    const Vector estimate = hn::Mul(pooled(scores, keys, lane), scale);
    // Where lengths are so large that a sum may have overflowed, this is infinity minus infinity,
    // and a candidate whose bound is no number stays.
    const Vector magnitude = hn::Mul(by_residual, hn::Add(norm, residual));
    const Vector error = hn::Add(
        hn::Sub(magnitude, magnitude),
        hn::MulAdd(by_residual, residual,
                   hn::MulAdd(hn::Set(kF32, bound.by_norm), norm, hn::Set(kF32, kUnderflow))));
    const Vector upper = hn::Add(estimate, error);
    const auto stays = hn::Not(hn::Lt(upper, hn::Set(kF32, threshold)));
    if (hn::AllFalse(kF32, stays)) continue;
    hn::StoreU(upper, kF32, bounds.upper + lane);
    hn::StoreU(hn::Sub(estimate, error), kF32, bounds.lower + lane);
    std::uint8_t bits[8] = {};
    hn::StoreMaskBits(kF32, stays, bits);
    left |= (bits[0] | std::uint32_t{bits[1]} << 8) << lane;
  }
  return left;
}

// Eight partial sums whatever the lanes, added in one order, so that every instruction set gives
// the same: a product of floats is exact in double precision.
double inner_product(const float* a, const float* b, int dims) {
  using D = hn::CappedTag<double, 8>;
  constexpr D d;
  constexpr int kParts = 8 / static_cast<int>(hn::MaxLanes(d));
  const hn::Rebind<float, D> narrow;
  hn::Vec<D> sums[kParts];
  for (auto& sum : sums) sum = hn::Zero(d);
  int i = 0;
  for (; i + 8 <= dims; i += 8)
    for (int part = 0; part < kParts; ++part) {
      const int at = i + part * static_cast<int>(hn::Lanes(d));
      sums[part] = hn::MulAdd(hn::PromoteTo(d, hn::LoadU(narrow, a + at)),
                              hn::PromoteTo(d, hn::LoadU(narrow, b + at)), sums[part]);
    }
  double parts[8];
  for (int part = 0; part < kParts; ++part)
    hn::StoreU(sums[part], d, parts + part * static_cast<int>(hn::Lanes(d)));
  for (; i < dims; ++i) parts[i % 8] += double{a[i]} * b[i];
  return ((parts[0] + parts[1]) + (parts[2] + parts[3])) +
         ((parts[4] + parts[5]) + (parts[6] + parts[7]));
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace reprise::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::cpu {
namespace {

HWY_EXPORT(tile_rows);
HWY_EXPORT(tiles);
HWY_EXPORT(transpose);
HWY_EXPORT(quantise);
HWY_EXPORT(decode);
HWY_EXPORT(pool);
HWY_EXPORT(reach);
HWY_EXPORT(inner_product);

// Dimensions of which a sum of products of bytes fits 32 bits.
constexpr int kLargestByteSum = 131072;

float to_bfloat16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return std::bit_cast<float>((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u);
}

float round_up(double x) {
  return std::nextafter(static_cast<float>(x), std::numeric_limits<float>::infinity());
}

// The values of one query's keys [keys, dims] as they are scanned, and how wrong that may be.
QueryBound quantise_query(const PanelLayout& layout, const float* q, int keys, float* values) {
  const int dims = layout.dims;
  const std::int64_t size = std::int64_t{keys} * dims;
  QueryBound bound;
  if (layout.format == ScanFormat::int8) {
    float largest = 0;
    for (std::int64_t i = 0; i < size; ++i) largest = std::max(largest, std::abs(q[i]));
    bound.scale = largest / 127;
  }
  for (std::int64_t i = 0; i < size; ++i) {
    values[i] = q[i];
    if (layout.format == ScanFormat::bf16) values[i] = to_bfloat16(q[i]);
    if (layout.format == ScanFormat::int8)
      values[i] =
          bound.scale > 0 ? std::clamp(std::nearbyint(q[i] / bound.scale), -127.0f, 127.0f) : 0;
  }
  const double rounding = rounding_bound(dims);
  double by_residual = 0, by_norm = 0;
  for (int key = 0; key < keys; ++key) {
    double norm = 0, residual = 0;
    for (std::int64_t i = std::int64_t{key} * dims; i < (key + std::int64_t{1}) * dims; ++i) {
      const double value = double{bound.scale} * values[i];
      norm += value * value;
      residual += (q[i] - value) * (q[i] - value);
    }
    norm = std::sqrt(norm);
    by_residual = std::max(by_residual, norm * (1 + rounding));
    by_norm = std::max(by_norm, (std::sqrt(residual) + norm * rounding) * (1 + 0x1p-20));
  }
  bound.by_residual = round_up(by_residual);
  bound.by_norm = round_up(by_norm);
  return bound;
}

}  // namespace

void pack_panel(const PanelLayout& layout, const float* vectors, std::int64_t lanes, float* scratch,
                std::uint32_t* panel) {
  const std::int64_t dims = layout.dims;
  std::fill_n(scratch + dims * kPanel, 3 * kPanel, 0.0f);
  if (lanes == kPanel) {
    HWY_DYNAMIC_DISPATCH(transpose)(vectors, layout.dims, scratch);
  } else {
    std::vector<float> rows(static_cast<std::size_t>(dims) * kPanel);
    std::copy_n(vectors, lanes * dims, rows.data());
    HWY_DYNAMIC_DISPATCH(transpose)(rows.data(), layout.dims, scratch);
  }
  HWY_DYNAMIC_DISPATCH(quantise)(layout, scratch, panel);
  if (layout.format == ScanFormat::fp32)
    std::memcpy(panel + PanelLayout::kHead, scratch, dims * kPanel * sizeof(float));
}

PackedQueries pack_queries(const PanelLayout& layout, const float* q, std::int64_t queries,
                           int keys) {
  const int dims = layout.dims;
  PackedQueries packed;
  std::int64_t most = kAvx512TileRows;
  if (hwy::SupportedTargets() & HWY_AVX3) {  // a test may switch it off
    if (layout.format == ScanFormat::int8 && dims <= kLargestByteSum)
      packed.products = avx512_byte_tiles();
    if (layout.format == ScanFormat::bf16) packed.products = avx512_bfloat16_tiles();
  }
  packed.decoded = !packed.products;
  if (packed.decoded) {
    packed.products = HWY_DYNAMIC_DISPATCH(tiles)();
    most = HWY_DYNAMIC_DISPATCH(tile_rows)();
  }
  packed.rows = queries * keys;
  packed.depth = packed.decoded ? layout.depth() * layout.per_word() : layout.depth();
  packed.words.resize(static_cast<std::size_t>(packed.rows * packed.depth));
  packed.start.resize(static_cast<std::size_t>(packed.rows));

  std::vector<float> values(static_cast<std::size_t>(packed.rows) * dims);
  const std::int64_t size = std::int64_t{keys} * dims;
  for (std::int64_t i = 0; i < queries; ++i)
    packed.bounds.push_back(quantise_query(layout, q + i * size, keys, values.data() + i * size));

  // Even tiles: 16 rows are 8 + 8, not 12 + 4.
  const std::int64_t tiles = (packed.rows + most - 1) / most;
  for (std::int64_t t = 0; t <= tiles; ++t) packed.tiles.push_back(packed.rows * t / tiles);
  for (std::int64_t t = 0; t < tiles; ++t) {
    const std::int64_t first = packed.tiles[t], rows = packed.tiles[t + 1] - first;
    std::uint32_t* to = packed.words.data() + first * packed.depth;
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* value = values.data() + (first + r) * dims;
      std::int32_t sum = 0;
      for (int d = 0; d < dims; ++d) {
        if (packed.decoded) {
          to[d * rows + r] = std::bit_cast<std::uint32_t>(value[d]);
        } else if (layout.format == ScanFormat::bf16) {
          to[d / 2 * rows + r] |= std::bit_cast<std::uint32_t>(value[d]) >> 16 << 16 * (d % 2);
        } else {
          const auto byte = static_cast<std::int32_t>(value[d]);
          to[d / 4 * rows + r] |= (static_cast<std::uint32_t>(byte) & 0xff) << 8 * (d % 4);
          sum += byte;
        }
      }
      packed.start[first + r] = -128 * sum;  // the panels' bytes are 128 too large
    }
  }
  return packed;
}

void score_panel(const PanelLayout& layout, const std::uint32_t* panel,
                 const PackedQueries& queries, float* scratch, float* scores) {
  const std::uint32_t* body = panel + PanelLayout::kHead;
  if (queries.decoded && layout.format != ScanFormat::fp32) {
    HWY_DYNAMIC_DISPATCH(decode)(layout, body, scratch);
    body = reinterpret_cast<const std::uint32_t*>(scratch);
  }
  for (std::size_t t = 0; t + 1 < queries.tiles.size(); ++t) {
    const std::int64_t first = queries.tiles[t];
    const ProductTile product = queries.products[queries.tiles[t + 1] - first - 1];
    product(body, queries.words.data() + first * queries.depth, queries.start.data() + first,
            queries.depth, scores + first * kPanel);
  }
}

std::uint32_t may_reach(float threshold, const float* scores, int keys, const std::uint32_t* panel,
                        const QueryBound& bound, PanelBounds& bounds) {
  return HWY_DYNAMIC_DISPATCH(reach)(threshold, scores, keys, panel, bound, bounds);
}

void pool_keys(const float* scores, int keys, float* to) {
  HWY_DYNAMIC_DISPATCH(pool)(scores, keys, to);
}

ExactScore exact_score(const float* q, int keys, const float* candidate, int dims) {
  ExactScore best{-std::numeric_limits<float>::infinity(), 0};
  for (int key = 0; key < keys; ++key) {
    const auto score = static_cast<float>(
        HWY_DYNAMIC_DISPATCH(inner_product)(q + std::int64_t{key} * dims, candidate, dims));
    if (score > best.score) best = {score, key};
  }
  return best;
}

}  // namespace reprise::cpu
#endif  // HWY_ONCE
