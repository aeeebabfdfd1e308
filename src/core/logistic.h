#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace reprise {

/// Logistic regression: weights [columns + 1], the last one the constant, that make
/// P(label) = 1 / (1 + exp(-w . [row, 1])) most likely for rows [labels, columns].
///
/// Newton's method (iteratively reweighted least squares; Hastie, Tibshirani & Friedman
/// 2009, 4.4.1) in standardised columns, with a penalty of |w|^2 / 2 on all but the constant: as
/// much as one observation or so says, it keeps weights finite where the labels can be separated. A
/// column that does not vary has weight 0. Empty where the labels are all alike. Deterministic.
std::vector<double> fit_logistic(std::span<const double> rows, int columns,
                                 std::span<const std::uint8_t> labels);

/// 1 / (1 + exp(-log_odds)).
double probability_of(double log_odds);

}  // namespace reprise
