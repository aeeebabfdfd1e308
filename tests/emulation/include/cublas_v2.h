// Stand-in for the toolkit's cublas_v2.h.
#pragma once

#include "cuda_runtime_api.h"
#include "emulation/blas_types.h"
//
#include "emulation/blas_functions.h"

#define cublasCreate cublasCreate_v2
#define cublasDestroy cublasDestroy_v2
#define cublasSetStream cublasSetStream_v2
#define cublasGetStream cublasGetStream_v2
#define cublasSetPointerMode cublasSetPointerMode_v2
#define cublasGetPointerMode cublasGetPointerMode_v2
#define cublasSetWorkspace cublasSetWorkspace_v2
#define cublasSgemm cublasSgemm_v2
#define cublasSgemv cublasSgemv_v2
#define cublasSsyrk cublasSsyrk_v2
