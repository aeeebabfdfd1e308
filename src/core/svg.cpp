#include "core/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/html.h"

namespace reprise {
namespace {

constexpr double kWidth = 720, kHeight = 400;
constexpr double kLeft = 64, kRight = 64, kTop = 44, kBottom = 52;
// Told apart by people with any colour vision (Okabe & Ito 2008).
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7"};

// The attributes that colour a line or an area of series i. The classes let an HTML page that holds
// the picture choose other colours (html.cpp).
std::string paint(std::size_t i, bool line) {
  const std::size_t colour = i % std::size(kColours);
  return fmt::format("class=\"{} s{}\" {}=\"{}\"", line ? "line" : "area", colour,
                     line ? "stroke" : "fill", kColours[colour]);
}

struct Axis {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  double step = 1;

  void include(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  // Ends on round numbers, 4 to 9 of them.
  void round() {
    if (!(low <= high)) low = 0, high = 1;
    if (low == high) low -= 0.5, high += 0.5;
    const double raw = (high - low) / 5;
    const double power = std::pow(10, std::floor(std::log10(raw)));
    const double digit = raw / power;
    step = power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
    low = std::floor(low / step + 1e-9) * step;
    high = std::ceil(high / step - 1e-9) * step;
  }
  double x(double value) const {
    return kLeft + (value - low) / (high - low) * (kWidth - kLeft - kRight);
  }
  double y(double value) const {
    return kHeight - kBottom - (value - low) / (high - low) * (kHeight - kTop - kBottom);
  }
};

std::string text(double x, double y, const char* anchor, const std::string& what,
                 const char* more = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y,
                     anchor, more, html_escaped(what));
}

std::string tick(double value, double step) {
  return fmt::format("{:.{}f}", value + 0.0,
                     std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9))));
}

std::string document(double width, double height) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "width=\"{0:.0f}\" height=\"{1:.0f}\" font-family=\"sans-serif\" font-size=\"12\" "
      "fill=\"#333\">\n<rect class=\"paper\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
      "fill=\"white\"/>\n",
      width, height);
}

std::string frame(const std::string& title, const std::string& x_label, const Axis& x,
                  const std::string& y_label, const Axis& y) {
  std::string out = document(kWidth, kHeight);
  out += text(kLeft, 22, "start", title, " font-size=\"15\" font-weight=\"bold\"");
  for (double v = y.low; v <= y.high + y.step / 2; v += y.step) {
    out += fmt::format(
        "<line x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\" class=\"grid\" stroke=\"#ddd\"/>\n",
        kLeft, kWidth - kRight, y.y(v), y.y(v));
    out += text(kLeft - 8, y.y(v) + 4, "end", tick(v, y.step));
  }
  for (double v = x.low; v <= x.high + x.step / 2; v += x.step)
    out += text(x.x(v), kHeight - kBottom + 18, "middle", tick(v, x.step));
  out += text((kLeft + kWidth - kRight) / 2, kHeight - 14, "middle", x_label);
  out += fmt::format("<g transform=\"translate(16 {}) rotate(-90)\">", kHeight / 2) +
         text(0, 0, "middle", y_label) + "</g>\n";
  return out;
}

// The end of a name, which tells files in one folder apart, in at most so many bytes.
std::string end_of(const std::string& name, std::size_t bytes) {
  if (name.size() <= bytes) return name;
  std::size_t first = name.size() - bytes;
  while (first < name.size() && (name[first] & 0xc0) == 0x80) ++first;  // within a character
  return "\u2026" + name.substr(first);
}

std::string legend(std::span<const Series> series) {
  const auto width = [](const std::string& name) {
    return 7.0 * static_cast<double>(name.size()) + 30;
  };
  double all = 0;
  for (const Series& s : series) all += width(s.name);
  const double room = kWidth - kRight - kLeft;
  const auto share = static_cast<std::size_t>(std::max(
      4.0, (room / static_cast<double>(std::max<std::size_t>(1, series.size())) - 37) / 7));
  std::string out;
  double x = kWidth - kRight;
  for (std::size_t i = series.size(); i-- > 0;) {
    const std::string name = all > room ? end_of(series[i].name, share) : series[i].name;
    x -= width(name);
    out += fmt::format("<rect x=\"{:.1f}\" y=\"31\" width=\"12\" height=\"5\" {}/>\n", x,
                       paint(i, false));
    out += text(x + 17, 38, "start", name);
  }
  return out;
}

}  // namespace

std::string line_chart(const std::string& title, const std::string& x_label,
                       const std::string& left_label, const std::string& right_label,
                       std::span<const Series> series) {
  Axis x, left, right;
  bool two = false;
  for (const Series& s : series)
    for (const auto& [at, value] : s.points) {
      x.include(at);
      (s.right_axis ? right : left).include(value);
      two |= s.right_axis;
    }
  left.include(0);
  right.include(0);
  x.round();
  left.round();
  right.round();
  std::string out = frame(title, x_label, x, left_label, left) + legend(series);
  if (two) {
    for (double v = right.low; v <= right.high + right.step / 2; v += right.step)
      out += text(kWidth - kRight + 8, right.y(v) + 4, "start", tick(v, right.step));
    out += fmt::format("<g transform=\"translate({} {}) rotate(-90)\">", kWidth - 10, kHeight / 2) +
           text(0, 0, "middle", right_label) + "</g>\n";
  }
  for (std::size_t i = 0; i < series.size(); ++i) {
    out += fmt::format("<polyline fill=\"none\" stroke-width=\"1.8\" {} points=\"", paint(i, true));
    const Axis& y = series[i].right_axis ? right : left;
    for (const auto& [at, value] : series[i].points)
      if (std::isfinite(value)) out += fmt::format("{:.1f},{:.1f} ", x.x(at), y.y(value));
    out += "\"/>\n";
  }
  return out + "</svg>\n";
}

std::string histogram(const std::string& title, const std::string& x_label,
                      std::span<const Series> series, int bins) {
  Axis x, y;
  for (const Series& s : series)
    for (const double value : s.values) x.include(value);
  x.round();
  std::vector<std::vector<double>> shares;
  for (const Series& s : series) {
    std::vector<double>& share = shares.emplace_back(bins, 0.0);
    for (const double value : s.values) {
      const auto bin = static_cast<int>((value - x.low) / (x.high - x.low) * bins);
      share[std::clamp(bin, 0, bins - 1)] += 1.0 / static_cast<double>(s.values.size());
    }
    for (const double value : share) y.include(value);
  }
  y.include(0);
  y.round();
  std::string out = frame(title, x_label, x, "share", y) + legend(series);
  const double width = (x.high - x.low) / bins;
  for (std::size_t i = 0; i < shares.size(); ++i)
    for (int b = 0; b < bins; ++b) {
      if (shares[i][b] == 0) continue;
      const double top = y.y(shares[i][b]);
      out += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" {} "
          "fill-opacity=\"0.6\"/>\n",
          x.x(x.low + b * width), top, x.x(x.low + width) - x.x(x.low), y.y(0) - top,
          paint(i, false));
    }
  return out + "</svg>\n";
}

namespace {

// The start of a picture of named rows over a common horizontal axis, and where each row lies.
struct Rows {
  Rows(const std::string& title, const std::string& x_label, const Axis& axis,
       std::span<const std::string> names)
      : x(axis) {
    std::size_t longest = 0;
    for (const std::string& name : names) longest = std::max(longest, name.size());
    left = std::min(0.4 * kWidth, 24 + 6.6 * static_cast<double>(longest));
    const double bottom = kTop + kRow * static_cast<double>(names.size());
    out = document(kWidth, bottom + kBottom) +
          text(16, 22, "start", title, " font-size=\"15\" font-weight=\"bold\"");
    for (double v = x.low; v <= x.high + x.step / 2; v += x.step) {
      out += fmt::format(
          "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\" "
          "class=\"grid\" stroke=\"#ddd\"/>\n",
          at(v), kTop, bottom);
      out += text(at(v), bottom + 18, "middle", tick(v, x.step));
    }
    out += text((left + kWidth - 24) / 2, bottom + 38, "middle", x_label);
    for (std::size_t i = 0; i < names.size(); ++i)
      out += text(left - 12, centre(i) + 4, "end", names[i]);
  }
  double at(double value) const {
    return left + (value - x.low) / (x.high - x.low) * (kWidth - 24 - left);
  }
  static double centre(std::size_t row) { return kTop + kRow * (static_cast<double>(row) + 0.5); }

  static constexpr double kRow = 26;
  Axis x;
  double left;
  std::string out;
};

std::string segment(double x1, double x2, double y, double width, std::size_t colour) {
  return fmt::format(
      "<line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\" "
      "stroke-width=\"{}\" {}/>\n",
      x1, x2, y, y, width, paint(colour, true));
}

}  // namespace

std::string interval_chart(const std::string& title, const std::string& x_label,
                           std::span<const Estimate> estimates) {
  Axis x;
  x.include(0);
  std::vector<std::string> names;
  for (const Estimate& e : estimates) {
    for (const double value : {e.value, e.low, e.high}) x.include(value);
    names.push_back(e.name);
  }
  x.round();
  Rows rows(title, x_label, x, names);
  for (std::size_t i = 0; i < estimates.size(); ++i) {
    const Estimate& e = estimates[i];
    const double y = Rows::centre(i);
    rows.out += segment(rows.at(e.low), rows.at(e.high), y, 2, 0);
    rows.out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4.5\" {}/>\n",
                            rows.at(e.value), y, paint(0, false));
  }
  return rows.out + "</svg>\n";
}

std::string box_plot(const std::string& title, const std::string& x_label,
                     std::span<const Series> series) {
  Axis x;
  std::vector<std::string> names;
  for (const Series& s : series) {
    for (const double value : s.values) x.include(value);
    names.push_back(s.name);
  }
  x.round();
  Rows rows(title, x_label, x, names);
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (series[i].values.empty()) continue;
    std::vector<double> sorted = series[i].values;
    std::sort(sorted.begin(), sorted.end());
    const auto quantile = [&](double share) {
      return rows.at(sorted[static_cast<std::size_t>(
          std::lround(share * static_cast<double>(sorted.size() - 1)))]);
    };
    const double y = Rows::centre(i);
    rows.out += segment(quantile(0.05), quantile(0.95), y, 1.5, i);
    rows.out += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"16\" {} "
        "fill-opacity=\"0.45\"/>\n",
        quantile(0.25), y - 8, quantile(0.75) - quantile(0.25), paint(i, false));
    rows.out += fmt::format(
        "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\" "
        "stroke-width=\"2.5\" {3}/>\n",
        quantile(0.5), y - 8, y + 8, paint(i, true));
  }
  return rows.out + "</svg>\n";
}

std::string cell_panels(const std::string& title, std::span<const Panel> panels, int across) {
  constexpr double kCell = 9, kGap = 34, kMargin = 16;
  double wide = 0, high = 0, largest = 0;
  for (const Panel& p : panels) {
    wide = std::max(wide, p.cell_width * p.columns);
    high = std::max(high, kCell * p.rows);
    for (const double value : p.values) largest = std::max(largest, std::abs(value));
  }
  const auto count = static_cast<int>(panels.size());
  const int columns = std::min(across, std::max(count, 1));
  const int lines = (count + columns - 1) / columns;
  const double name_width = 44;
  std::string out =
      document(2 * kMargin + columns * (wide + name_width), kTop + lines * (high + kGap));
  out += text(kMargin, 22, "start", title, " font-size=\"15\" font-weight=\"bold\"");
  for (int i = 0; i < count; ++i) {
    const Panel& p = panels[i];
    const int row = i / columns, column = i % columns;
    const double x = kMargin + name_width + column * (wide + name_width);
    const double y = kTop + row * (high + kGap);
    out += text(x, y + high + 14, "start", p.name, " font-size=\"11\"");
    for (std::size_t r = 0; r < p.row_names.size(); ++r)
      out += text(x - 5, y + kCell * (static_cast<double>(r) + 0.9), "end", p.row_names[r],
                  " font-size=\"9\"");
    for (int r = 0; r < p.rows; ++r)
      for (int c = 0; c < p.columns; ++c) {
        const double value = largest > 0 ? p.values[r * p.columns + c] / largest : 0;
        if (std::abs(value) < 0.02) continue;
        out += fmt::format(
            "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" {} "
            "fill-opacity=\"{:.2f}\"/>\n",
            x + c * p.cell_width, y + r * kCell, p.cell_width, kCell,
            paint(value > 0 ? 0 : 1, false), std::abs(value));
      }
    out += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"none\" "
        "class=\"grid\" stroke=\"#ddd\"/>\n",
        x, y, p.cell_width * p.columns, kCell * p.rows);
    for (const Panel::Mark& mark : p.marks) {
      const double cx = x + (mark.column + 0.5) * p.cell_width, cy = y + (mark.row + 0.5) * kCell;
      for (const std::string& stroke :
           {std::string("stroke-width=\"5\" class=\"halo\" stroke=\"white\""),
            "stroke-width=\"2.2\" " + paint(mark.series, true)})
        out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4.4\" fill=\"none\" {}/>\n", cx,
                           cy, stroke);
    }
  }
  return out + "</svg>\n";
}

}  // namespace reprise
