#pragma once

#include "ops/adam.h"
#include "ops/bigrams.h"
#include "ops/event_layer.h"
#include "ops/ftm2d.h"
#include "ops/interval_forward.h"
#include "ops/loss.h"
#include "ops/patchwork.h"
#include "ops/project.h"
#include "ops/similarities.h"

namespace reprise::ops_test {

/// The ops that are tested from their tables.
using AllOps = testing::Types<Patchwork, Bigrams, IntervalForward, EventLayer, Loss, Adam, Project,
                              Ftm2d, Similarities>;

}  // namespace reprise::ops_test
