#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace reprise {

/// A line of a chart, or the values a histogram counts.
struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;  ///< of a line
  std::vector<double> values;                     ///< of a histogram
  bool right_axis = false;                        ///< lines only: measured on a second scale
};

/// A picture of lines over a common horizontal axis, as a complete SVG document.
std::string line_chart(const std::string& title, const std::string& x_label,
                       const std::string& left_label, const std::string& right_label,
                       std::span<const Series> series);

/// How the values of each series are distributed (shares that sum to 1), as overlaid bars.
std::string histogram(const std::string& title, const std::string& x_label,
                      std::span<const Series> series, int bins = 60);

}  // namespace reprise
