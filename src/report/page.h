#pragma once

#include <string>

#include "core/html.h"
#include "reprise/report.h"

namespace reprise {

/// What tells fingerprints apart in a legend: of a model's path the name alone.
std::string short_name(std::string name);

struct Report::Page {
  HtmlPage html;
};

}  // namespace reprise
