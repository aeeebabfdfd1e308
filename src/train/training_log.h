#pragma once

#include <span>
#include <string>

#include "reprise/trainer.h"

namespace reprise {

/// Writes a training log for spreadsheets and, as SVG, its curves of loss and validation MAP. A
/// file without a name is not written.
void write_log(const TrainingFiles& files, std::span<const LoggedStep> log);

}  // namespace reprise
