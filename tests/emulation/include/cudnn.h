// Stand-in for cuDNN's cudnn.h: the part of its graph interface that describes and runs one
// convolution.
#pragma once

#include "cuda_runtime_api.h"
#include "emulation/dnn_types.h"
//
#include "emulation/dnn_functions.h"
