// The calls of cuFFT that the back end makes, passed on to the library where the machine has it.

#include <cufft.h>

#include "backend/cuda/imported_library.h"

#define TEXT_OF(value) #value
#define LIBRARY_FILE(version) "libcufft.so." TEXT_OF(version)

namespace {

const reprise::cuda::ImportedLibrary& library() {
  static const reprise::cuda::ImportedLibrary cufft(LIBRARY_FILE(CUFFT_VER_MAJOR));
  return cufft;
}

}  // namespace

#define IMPORT(name, parameters, arguments)                                        \
  cufftResult name parameters {                                                    \
    static const auto imported = library().find<cufftResult(*) parameters>(#name); \
    return imported ? imported arguments : CUFFT_SETUP_FAILED;                     \
  }

extern "C" {

IMPORT(cufftPlanMany,
       (cufftHandle * plan, int rank, int* n, int* inembed, int istride, int idist, int* onembed,
        int ostride, int odist, cufftType type, int batch),
       (plan, rank, n, inembed, istride, idist, onembed, ostride, odist, type, batch))
IMPORT(cufftDestroy, (cufftHandle plan), (plan))
IMPORT(cufftSetStream, (cufftHandle plan, cudaStream_t stream), (plan, stream))
IMPORT(cufftExecR2C, (cufftHandle plan, cufftReal* idata, cufftComplex* odata),
       (plan, idata, odata))

}  // extern "C"
