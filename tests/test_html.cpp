#include "core/html.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

TEST(Html, EscapesMarkup) {
  EXPECT_EQ(html_escaped("<a href=\"x\">R&B</a>"), "&lt;a href=&quot;x&quot;&gt;R&amp;B&lt;/a&gt;");
  const std::vector<std::string> header{"<n>", "MAP"};
  const std::vector<std::vector<std::string>> rows{{"a&b", "0.5"}};
  EXPECT_NE(html_table(header, rows).find("<th>&lt;n&gt;</th><th>MAP</th>"), std::string::npos);
  EXPECT_NE(html_table(header, rows).find("<td>a&amp;b</td><td>0.5</td>"), std::string::npos);
}

TEST(Html, PageIsWholeAndAsksForNothing) {
  HtmlPage page("A <title>", "what it holds");
  page.heading("1 < 2");
  page.paragraph("\"so\"");
  page.figure("<svg/>", "a & b");
  page.add("<hr>");
  const std::string html = page.finish();
  EXPECT_TRUE(html.starts_with("<!DOCTYPE html>\n"));
  EXPECT_TRUE(html.ends_with("</html>\n"));
  EXPECT_NE(html.find("<title>A &lt;title&gt;</title>"), std::string::npos);
  EXPECT_NE(html.find("<h2>1 &lt; 2</h2>\n<p>&quot;so&quot;</p>\n"
                      "<figure><svg/><figcaption>a &amp; b</figcaption></figure>\n<hr></body>"),
            std::string::npos);
  for (const char* outside : {"http:", "https:", "src=", "url(", "@import", "<script"})
    EXPECT_EQ(html.find(outside), std::string::npos) << outside;
}

}  // namespace
}  // namespace reprise
