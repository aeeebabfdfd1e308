// The calls of cuBLAS that the back end makes, passed on to the library where the machine has it.

#include <cublas_v2.h>

#include "backend/cuda/imported_library.h"

#define TEXT_OF(value) #value
#define LIBRARY_FILE(version) "libcublas.so." TEXT_OF(version)

namespace {

constexpr const char* kFile = LIBRARY_FILE(CUBLAS_VER_MAJOR);

const reprise::cuda::ImportedLibrary& library() {
  static const reprise::cuda::ImportedLibrary cublas(kFile);
  return cublas;
}

}  // namespace

#define IMPORT(name, parameters, arguments)                                           \
  cublasStatus_t name parameters {                                                    \
    static const auto imported = library().find<cublasStatus_t(*) parameters>(#name); \
    return imported ? imported arguments : CUBLAS_STATUS_NOT_INITIALIZED;             \
  }

extern "C" {

const char* cublasGetStatusString(cublasStatus_t status) {
  static const auto imported =
      library().find<const char* (*)(cublasStatus_t)>("cublasGetStatusString");
  return imported ? imported(status)
                  : "the library " LIBRARY_FILE(CUBLAS_VER_MAJOR) " was not found: install cuBLAS, or "
                    "add its folder to LD_LIBRARY_PATH";
}

IMPORT(cublasCreate_v2, (cublasHandle_t * handle), (handle))
IMPORT(cublasDestroy_v2, (cublasHandle_t handle), (handle))
IMPORT(cublasSetStream_v2, (cublasHandle_t handle, cudaStream_t stream), (handle, stream))
IMPORT(cublasSetWorkspace_v2, (cublasHandle_t handle, void* workspace, size_t bytes),
       (handle, workspace, bytes))
IMPORT(cublasGemmEx,
       (cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m, int n,
        int k, const void* alpha, const void* A, cudaDataType Atype, int lda, const void* B,
        cudaDataType Btype, int ldb, const void* beta, void* C, cudaDataType Ctype, int ldc,
        cublasComputeType_t computeType, cublasGemmAlgo_t algo),
       (handle, transa, transb, m, n, k, alpha, A, Atype, lda, B, Btype, ldb, beta, C, Ctype, ldc,
        computeType, algo))
IMPORT(cublasGemmStridedBatchedEx,
       (cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m, int n,
        int k, const void* alpha, const void* A, cudaDataType Atype, int lda, long long int strideA,
        const void* B, cudaDataType Btype, int ldb, long long int strideB, const void* beta,
        void* C, cudaDataType Ctype, int ldc, long long int strideC, int batchCount,
        cublasComputeType_t computeType, cublasGemmAlgo_t algo),
       (handle, transa, transb, m, n, k, alpha, A, Atype, lda, strideA, B, Btype, ldb, strideB,
        beta, C, Ctype, ldc, strideC, batchCount, computeType, algo))

}  // extern "C"
