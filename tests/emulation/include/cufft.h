// Stand-in for the toolkit's cufft.h.
#pragma once

#include "cuda_runtime_api.h"
#include "emulation/fft_types.h"
//
#include "emulation/fft_functions.h"
