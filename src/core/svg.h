#pragma once

#include <cstddef>
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

/// A number with its interval.
struct Estimate {
  std::string name;
  double value = 0;
  double low = 0;
  double high = 0;
};

/// A row an estimate: a dot on the line of its interval.
std::string interval_chart(const std::string& title, const std::string& x_label,
                           std::span<const Estimate> estimates);

/// A row a series: median, quartiles, and whiskers to the 5th and 95th percentile.
std::string box_plot(const std::string& title, const std::string& x_label,
                     std::span<const Series> series);

/// A matrix as a picture: the more of a colour, the further from zero.
struct Panel {
  struct Mark {
    double row = 0;
    double column = 0;
    std::size_t series = 0;  ///< chooses the colour
  };
  std::string name;
  int rows = 0;
  int columns = 0;
  std::vector<double> values;          ///< [rows, columns]
  std::vector<std::string> row_names;  ///< [rows], or empty
  double cell_width = 9;
  std::vector<Mark> marks;  ///< rings around cells
};

/// Matrices on one scale, `across` in a line: above zero in the first colour, below in the second.
std::string cell_panels(const std::string& title, std::span<const Panel> panels, int across);

}  // namespace reprise
