#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/html.h"
#include "io/png.h"
#include "reprise/compare.h"

// Time runs down for the first song and to the right for the second. The pixels are PNG pictures
// inside the SVG, as one element for each pair of frames would be too many.
namespace reprise {
namespace {

constexpr double kSide = 620;   // of the longer side of the matrix
constexpr double kChroma = 72;  // height of twelve pitch classes
constexpr double kLeft = 56, kTop = 74, kGap = 6;
constexpr std::int32_t kMostPixels = 1000;  // a side

struct Colour {
  double red, green, blue;
};
constexpr Colour kPaper{255, 255, 255}, kInk{17, 34, 85};

void append_pixel(std::vector<std::uint8_t>& rgb, double shade) {
  shade = std::clamp(shade, 0.0, 1.0);
  for (const auto channel : {&Colour::red, &Colour::green, &Colour::blue})
    rgb.push_back(static_cast<std::uint8_t>(
        std::lround(kPaper.*channel + shade * (kInk.*channel - kPaper.*channel))));
}

// Pixels that stand for several frames show the darkest.
template <class Shade>
std::string image(double x, double y, double width, double height, std::int32_t columns,
                  std::int32_t rows, const Shade& shade) {
  const std::int32_t across = std::min(columns, kMostPixels), down = std::min(rows, kMostPixels);
  const auto from = [](std::int32_t pixel, std::int32_t pixels, std::int32_t frames) {
    return static_cast<std::int32_t>(std::int64_t{pixel} * frames / pixels);
  };
  std::vector<std::uint8_t> rgb;
  for (std::int32_t v = 0; v < down; ++v)
    for (std::int32_t u = 0; u < across; ++u) {
      double darkest = 0;
      for (std::int32_t i = from(v, down, rows); i < from(v + 1, down, rows); ++i)
        for (std::int32_t j = from(u, across, columns); j < from(u + 1, across, columns); ++j)
          darkest = std::max(darkest, shade(i, j));
      append_pixel(rgb, darkest);
    }
  return fmt::format(
      "<image x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
      "preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" href=\"{}\"/>\n",
      x, y, width, height, png_address(across, down, rgb));
}

std::string text(double x, double y, const char* anchor, const std::string& what,
                 const char* more = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y,
                     anchor, more, html_escaped(what));
}

double value_at(ChromaView chroma, const Excerpt& excerpt, std::int32_t frame, int pitch_class) {
  return double{chroma.at(excerpt.first + frame,
                          (pitch_class - excerpt.roll + kPitchClasses) % kPitchClasses)};
}

// Frames between labels of an axis: a round number of frames or seconds, some six of them.
double tick_step(std::int32_t frames, double frames_per_second) {
  const double unit = frames_per_second > 0 ? frames_per_second : 1;
  const double least = frames / unit / 6;
  for (const double step : {1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600})
    if (step >= least) return step * unit;
  return std::ceil(least / 3600) * 3600 * unit;
}

std::string time_label(double frame, double frames_per_second) {
  if (frames_per_second <= 0) return fmt::format("{:.0f}", frame);
  const auto seconds = std::lround(frame / frames_per_second);
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

}  // namespace

std::string comparison_svg(const ComparisonPicture& picture, const SongAlignment& alignment) {
  const double scale = kSide / std::max(alignment.rows, alignment.columns);
  const double width = alignment.columns * scale, height = alignment.rows * scale;
  const double x0 = kLeft + kChroma + kGap, y0 = kTop + kChroma + kGap;
  const double all_width = std::max(x0 + width + 24, 480.0), all_height = y0 + height + 46;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "width=\"{0:.0f}\" height=\"{1:.0f}\" font-family=\"sans-serif\" font-size=\"12\" "
      "fill=\"#333\">\n<rect width=\"{0:.0f}\" height=\"{1:.0f}\" fill=\"white\"/>\n",
      all_width, all_height);
  out += text(16, 24, "start",
              fmt::format("{} (down)  and  {} (across)", picture.a_name, picture.b_name),
              " font-size=\"15\" font-weight=\"bold\"");
  out += text(16, 44, "start", picture.summary);

  out += image(x0, kTop, width, kChroma, alignment.columns, kPitchClasses,
               [&](std::int32_t row, std::int32_t column) {
                 return value_at(picture.b_chroma, picture.b, column, kPitchClasses - 1 - row);
               });
  out += image(kLeft, y0, kChroma, height, kPitchClasses, alignment.rows,
               [&](std::int32_t row, std::int32_t column) {
                 return value_at(picture.a_chroma, picture.a, row, column);
               });
  // From no agreement to the most that a pair of frames can have.
  const float most = AlignmentParams{}.cap;
  out += image(
      x0, y0, width, height, alignment.columns, alignment.rows,
      [&](std::int32_t row, std::int32_t column) {
        return double{alignment.scores[std::int64_t{row} * alignment.columns + column] / most} *
               0.8;
      });
  out += fmt::format(
      "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"none\" "
      "stroke=\"#999\"/>\n",
      x0, y0, width, height);
  for (const Stretch& stretch : alignment.stretches) {
    out += "<polyline fill=\"none\" stroke=\"#d55e00\" stroke-width=\"2\" points=\"";
    for (const auto& [row, column] : stretch.path)
      out += fmt::format("{:.1f},{:.1f} ", x0 + (column + 0.5) * scale, y0 + (row + 0.5) * scale);
    out += "\"/>\n";
  }
  const double fps = picture.frames_per_second;
  for (double t = 0; t <= alignment.columns; t += tick_step(alignment.columns, fps))
    out += text(x0 + t * scale, y0 + height + 18, "middle", time_label(t, fps));
  for (double t = 0; t <= alignment.rows; t += tick_step(alignment.rows, fps))
    out += text(kLeft - 6, y0 + t * scale + 4, "end", time_label(t, fps));
  out += text(x0 + width / 2, y0 + height + 36, "middle", fps > 0 ? "minutes" : "frames");
  return out + "</svg>\n";
}

}  // namespace reprise
