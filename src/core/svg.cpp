#include "core/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace reprise {
namespace {

constexpr double kWidth = 720, kHeight = 400;
constexpr double kLeft = 64, kRight = 64, kTop = 44, kBottom = 52;
// Told apart by people with any colour vision (Okabe & Ito 2008).
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7"};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text)
    out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return out;
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
                     anchor, more, escaped(what));
}

std::string tick(double value, double step) {
  return fmt::format("{:.{}f}", value + 0.0,
                     std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9))));
}

std::string frame(const std::string& title, const std::string& x_label, const Axis& x,
                  const std::string& y_label, const Axis& y) {
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">\n"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n",
      kWidth, kHeight);
  out += text(kLeft, 22, "start", title, " font-size=\"15\" font-weight=\"bold\"");
  for (double v = y.low; v <= y.high + y.step / 2; v += y.step) {
    out += fmt::format("<line x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#ddd\"/>\n",
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

std::string legend(std::span<const Series> series) {
  std::string out;
  double x = kWidth - kRight;
  for (std::size_t i = series.size(); i-- > 0;) {
    x -= 7.0 * static_cast<double>(series[i].name.size()) + 30;
    out += fmt::format("<rect x=\"{:.1f}\" y=\"31\" width=\"12\" height=\"5\" fill=\"{}\"/>\n", x,
                       kColours[i % std::size(kColours)]);
    out += text(x + 17, 38, "start", series[i].name);
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
    out += fmt::format("<polyline fill=\"none\" stroke-width=\"1.8\" stroke=\"{}\" points=\"",
                       kColours[i % std::size(kColours)]);
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
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\" "
          "fill-opacity=\"0.6\"/>\n",
          x.x(x.low + b * width), top, x.x(x.low + width) - x.x(x.low), y.y(0) - top,
          kColours[i % std::size(kColours)]);
    }
  return out + "</svg>\n";
}

}  // namespace reprise
