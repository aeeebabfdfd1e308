// Stand-in for the toolkit's cuda_runtime_api.h: types and calls, without device code.
#pragma once

#include "emulation/runtime_types.h"
//
#include "emulation/runtime_functions.h"
