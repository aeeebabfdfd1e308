#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reprise {

/// The text with what HTML would take for markup escaped.
std::string html_escaped(std::string_view text);

/// A table: the first column holds names, the others numbers. Cells are text.
std::string html_table(std::span<const std::string> header,
                       std::span<const std::vector<std::string>> rows);

/// A page in one file that asks the network for nothing, readable in light and in dark. Pictures
/// are the SVG documents of svg.h, inline.
class HtmlPage {
 public:
  /// title, lead: text.
  HtmlPage(std::string_view title, std::string_view lead);

  void heading(std::string_view text);
  void paragraph(std::string_view text);
  /// A picture with a caption (text) under it.
  void figure(const std::string& svg, std::string_view caption);
  /// Markup, as it is.
  void add(const std::string& html);

  std::string finish() const;

 private:
  std::string title_;
  std::string body_;
};

}  // namespace reprise
