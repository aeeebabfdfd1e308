// The toolkit's headers first, then the emulation's prototypes: a signature or return type that
// differs is an error here. Default arguments stand in the toolkit's declarations already.
#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cufft.h>
#ifdef CONFORMANCE_CUDNN
#include <cudnn.h>
#endif

#define EMULATION_DEFAULT(value)
#include "emulation/blas_functions.h"
#ifdef CONFORMANCE_CUDNN
#include "emulation/dnn_functions.h"
#endif
#include "emulation/fft_functions.h"
#include "emulation/runtime_functions.h"
