#pragma once

#include "ops/adam.h"
#include "ops/loss.h"
#include "ops/project.h"

namespace reprise::ops_test {

/// The ops that are tested from their tables.
using AllOps = testing::Types<Project, Adam, Loss>;

}  // namespace reprise::ops_test
