#include "core/html.h"

#include <fmt/format.h>

namespace reprise {
namespace {

// Overrides what the pictures say of their own colours, so that one picture serves light and dark.
constexpr std::string_view kStyle = R"css(
:root { --paper: #ffffff; --ink: #1c2024; --soft: #5b6570; --rule: #d8dde2; --mark: #f2f5f8; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171a; --ink: #e6e9ec; --soft: #9aa5b0; --rule: #363d44; --mark: #1d2227; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 60rem; background: var(--paper);
  color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .6rem; padding-top: .9rem; border-top: 1px solid var(--rule); }
p.lead, figcaption { color: var(--soft); }
p { max-width: 46rem; }
figure { margin: 1rem 0 1.6rem; }
figcaption { font-size: .875rem; max-width: 46rem; margin-top: .3rem; }
svg { max-width: 100%; height: auto; fill: var(--ink); }
svg .paper { fill: var(--paper); }
svg .halo { stroke: var(--paper); }
svg .grid { stroke: var(--rule); }
svg .line { stroke: var(--series, currentcolor); }
svg .area { fill: var(--series, currentcolor); }
svg .s0 { --series: #0072b2; } svg .s1 { --series: #d55e00; }
svg .s2 { --series: #009e73; } svg .s3 { --series: #cc79a7; }
@media (prefers-color-scheme: dark) {
  svg .s0 { --series: #56b4e9; } svg .s1 { --series: #e69f00; } svg .s2 { --series: #2fc296; }
}
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .6rem; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
td:first-child { white-space: normal; overflow-wrap: anywhere; min-width: 12rem; }
thead th { border-bottom: 2px solid var(--rule); color: var(--soft); font-weight: 600; }
tbody td { border-bottom: 1px solid var(--rule); }
)css";

std::string row(std::span<const std::string> cells, std::string_view tag) {
  std::string out = "<tr>";
  for (const std::string& cell : cells)
    out += fmt::format("<{0}>{1}</{0}>", tag, html_escaped(cell));
  return out + "</tr>\n";
}

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string html_table(std::span<const std::string> header,
                       std::span<const std::vector<std::string>> rows) {
  std::string out =
      "<div class=\"scroll\"><table><thead>" + row(header, "th") + "</thead><tbody>\n";
  for (const std::vector<std::string>& cells : rows) out += row(cells, "td");
  return out + "</tbody></table></div>\n";
}

HtmlPage::HtmlPage(std::string_view title, std::string_view lead) : title_(html_escaped(title)) {
  body_ = fmt::format("<h1>{}</h1>\n<p class=\"lead\">{}</p>\n", title_, html_escaped(lead));
}

void HtmlPage::heading(std::string_view text) {
  body_ += fmt::format("<h2>{}</h2>\n", html_escaped(text));
}

void HtmlPage::paragraph(std::string_view text) {
  body_ += fmt::format("<p>{}</p>\n", html_escaped(text));
}

void HtmlPage::figure(const std::string& svg, std::string_view caption) {
  body_ +=
      fmt::format("<figure>{}<figcaption>{}</figcaption></figure>\n", svg, html_escaped(caption));
}

void HtmlPage::add(const std::string& html) {
  body_ += html;
}

std::string HtmlPage::finish() const {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n"
      "<style>{}</style>\n</head>\n<body>\n{}</body>\n</html>\n",
      title_, kStyle, body_);
}

}  // namespace reprise
