#pragma once

#include "core/html.h"
#include "reprise/report.h"

namespace reprise {

struct Report::Page {
  HtmlPage html;
};

}  // namespace reprise
