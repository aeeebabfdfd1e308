// The losses of LossParams: each writes d(loss)/d(s) or weights of rows, then one product gives the
// gradient of the fingerprints.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/loss.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
// After it: the header of the functions relies on it.
#include <hwy/contrib/math/math-inl.h>
// clang-format on

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "backend/cpu/floats.h"
#include "backend/cpu/parallel.h"
#include "backend/cpu/row_products.h"
#include "backend/cpu/run.h"

HWY_BEFORE_NAMESPACE();
namespace reprise::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One row of softmax cross-entropy: the partner against all songs of other works. s, labels and ds
// have a vector of room behind the row.
double nt_xent_row(const float* HWY_RESTRICT s, const std::int32_t* HWY_RESTRICT labels,
                   std::int64_t rows, std::int64_t a, float scale, float* HWY_RESTRICT ds,
                   double* scale_gradient) {
  const hn::CappedTag<float, 16> f32;
  const hn::RebindToSigned<decltype(f32)> i32;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(f32));
  const std::int64_t partner = a ^ 1;
  const auto own = hn::Set(i32, labels[a]);
  const auto others = [&](std::int64_t b) HWY_ATTR {
    const auto inside = hn::FirstN(i32, static_cast<std::size_t>(std::min(lanes, rows - b)));
    return hn::RebindMask(f32, hn::And(inside, hn::Ne(hn::LoadU(i32, labels + b), own)));
  };
  auto most = hn::Set(f32, s[partner]);
  for (std::int64_t b = 0; b < rows; b += lanes)
    most = hn::IfThenElse(others(b), hn::Max(most, hn::LoadU(f32, s + b)), most);
  const float largest = hn::GetLane(hn::MaxOfLanes(f32, most));
  auto sum = hn::Zero(f32), weighted = sum;
  for (std::int64_t b = 0; b < rows; b += lanes) {
    const auto v = hn::LoadU(f32, s + b);
    const auto below = hn::Mul(hn::Set(f32, scale), hn::Sub(v, hn::Set(f32, largest)));
    const auto share = hn::IfThenElseZero(others(b), hn::Exp(f32, below));
    sum = hn::Add(sum, share);
    weighted = hn::MulAdd(share, v, weighted);
    hn::StoreU(share, f32, ds + b);
  }
  // The partner counts whatever its work is.
  const float partner_share = std::exp(scale * (s[partner] - largest));
  const double missing = double{partner_share} - double{ds[partner]};
  const double total = double{hn::GetLane(hn::SumOfLanes(f32, sum))} + missing;
  const double mean =
      (double{hn::GetLane(hn::SumOfLanes(f32, weighted))} + missing * double{s[partner]}) / total;
  ds[partner] = partner_share;
  const double factor = double{scale} / static_cast<double>(rows);
  const auto each = hn::Set(f32, static_cast<float>(factor / total));
  for (std::int64_t b = 0; b < rows; b += lanes)
    hn::StoreU(hn::Mul(each, hn::LoadU(f32, ds + b)), f32, ds + b);
  ds[partner] -= static_cast<float>(factor);
  *scale_gradient = mean - double{s[partner]};
  return std::log(total) + double{scale} * (double{largest} - double{s[partner]});
}

}  // namespace reprise::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace reprise::cpu {

HWY_EXPORT(nt_xent_row);

static void nt_xent(const ops::Loss& op, const Context& context) {
  const float* z = op.z;
  const std::int64_t rows = op.rows;
  const int dims = op.dims, threads = context.threads;
  const float raw = std::exp(*op.log_inverse_temperature);
  const float scale = std::min(raw, op.params.max_inverse_temperature);
  const std::int64_t stride = rows + kPad;  // of ds: rows may write behind themselves
  Floats s, ds, both;
  inner_products_of_rows(rows, dims, z, s.resize(rows * rows), threads, context.math);
  ds.resize(rows * stride);
  std::vector<std::int32_t> padded(op.labels, op.labels + rows);
  padded.resize(static_cast<std::size_t>(rows + kPad));
  std::vector<double> losses(rows), scales(rows);
  parallel_for(rows, threads, [&](std::int64_t a, int) {
    losses[a] = HWY_DYNAMIC_DISPATCH(nt_xent_row)(s.data() + a * rows, padded.data(), rows, a,
                                                  scale, ds.data() + a * stride, &scales[a]);
  });
  // s_ab = z_a . z_b has both rows' gradients.
  both.resize(rows * rows);
  parallel_for(rows, threads, [&](std::int64_t a, int) {
    for (std::int64_t b = 0; b < rows; ++b)
      both.data()[a * rows + b] = ds.data()[a * stride + b] + ds.data()[b * stride + a];
  });
  weighted_sums_of_rows(rows, dims, both.data(), z, op.z_gradient, threads, context.math);
  double total = 0, total_scale = 0;
  for (std::int64_t a = 0; a < rows; ++a) {
    total += losses[a];
    total_scale += scales[a];
  }
  *op.loss = static_cast<float>(total / static_cast<double>(rows));
  // d scale / d log scale = scale, and 0 where the limit holds.
  *op.log_inverse_temperature_gradient =
      raw < op.params.max_inverse_temperature
          ? static_cast<float>(total_scale / static_cast<double>(rows)) * scale
          : 0.0f;
}

static void triplet(const ops::Loss& op, const Context& context) {
  const std::int32_t* labels = op.labels;
  const std::int64_t rows = op.rows;
  std::vector<float> s(rows * rows), weight(rows * rows, 0.0f);
  inner_products_of_rows(rows, op.dims, op.z, s.data(), context.threads);
  const auto distance = [&](std::int64_t a, std::int64_t b) {
    // The rows' own products, not 1: the gradient holds for any z.
    return std::sqrt(std::max(0.0f, s[a * rows + a] + s[b * rows + b] - 2 * s[a * rows + b]));
  };
  // From the products the distance of near rows has few digits left: enough to choose by.
  const auto exact_distance = [&](std::int64_t a, std::int64_t b) {
    const float *x = op.z + a * op.dims, *y = op.z + b * op.dims;
    float square = 0;
    for (int d = 0; d < op.dims; ++d) square += (x[d] - y[d]) * (x[d] - y[d]);
    return std::sqrt(square);
  };
  double total = 0;
  for (std::int64_t a = 0; a < rows; ++a) {
    std::int64_t positive = -1, negative = -1;
    float furthest = -1, nearest = std::numeric_limits<float>::infinity();
    for (std::int64_t b = 0; b < rows; ++b) {
      if (b == a) continue;
      const float d = distance(a, b);
      if (labels[b] == labels[a]) {
        if (d > furthest) furthest = d, positive = b;
      } else if (d < nearest) {
        nearest = d, negative = b;
      }
    }
    if (positive < 0 || negative < 0) continue;
    furthest = exact_distance(a, positive);
    nearest = exact_distance(a, negative);
    const float value = op.params.margin + furthest - nearest;
    if (value <= 0) continue;
    total += double{value};
    // d |z_a - z_b| = (z_a - z_b) . (dz_a - dz_b) / |z_a - z_b|; a pair at distance 0 has none.
    const float share = 1.0f / static_cast<float>(rows);
    if (furthest > 0) weight[a * rows + positive] += share / furthest;
    if (nearest > 0) weight[a * rows + negative] -= share / nearest;
  }
  // z_gradient_a = sum_b (w_ab + w_ba) (z_a - z_b).
  std::vector<float> both(rows * rows);
  for (std::int64_t a = 0; a < rows; ++a) {
    float own = 0;
    for (std::int64_t b = 0; b < rows; ++b) {
      const float w = weight[a * rows + b] + weight[b * rows + a];
      both[a * rows + b] = -w;
      own += w;
    }
    both[a * rows + a] += own;
  }
  weighted_sums_of_rows(rows, op.dims, both.data(), op.z, op.z_gradient, context.threads);
  *op.loss = static_cast<float>(total / static_cast<double>(rows));
}

static void contrastive(const ops::Loss& op, const Context& context) {
  const LossParams& params = op.params;
  const int dims = op.dims;
  const std::int64_t pairs = op.rows / 2;
  std::vector<double> losses(pairs);
  parallel_for(pairs, context.threads, [&](std::int64_t p, int) {
    const float* a = op.z + 2 * p * dims;
    const float* b = a + dims;
    float* da = op.z_gradient + 2 * p * dims;
    float* db = da + dims;
    double square = 0;
    for (int i = 0; i < dims; ++i) square += double{a[i] - b[i]} * double{a[i] - b[i]};
    const double d = std::sqrt(square);
    double slope;  // of the loss by z_a, as a multiple of z_a - z_b
    if (op.labels[2 * p] == op.labels[2 * p + 1]) {
      losses[p] = square;
      slope = 2;
    } else {
      const double short_of = std::max(0.0, double{params.margin} - d);
      losses[p] = double{params.negative_weight} * short_of * short_of;
      // The root has no derivative at d = 0: such a pair is left where it is.
      slope = d > 0 ? -2 * double{params.negative_weight} * short_of / d : 0;
    }
    const auto share = static_cast<float>(slope / static_cast<double>(pairs));
    for (int i = 0; i < dims; ++i) {
      da[i] = share * (a[i] - b[i]);
      db[i] = -da[i];
    }
  });
  double total = 0;
  for (const double value : losses) total += value;
  *op.loss = static_cast<float>(total / static_cast<double>(pairs));
}

void run(const ops::Loss& op, const Context& context) {
  *op.log_inverse_temperature_gradient = 0;
  switch (op.params.loss) {
    case Loss::nt_xent:
      return nt_xent(op, context);
    case Loss::triplet:
      return triplet(op, context);
    case Loss::contrastive:
      return contrastive(op, context);
  }
}

}  // namespace reprise::cpu
#endif  // HWY_ONCE
