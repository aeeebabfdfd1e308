// cuBLAS over OpenBLAS. Arguments are checked as cuBLAS checks them; beyond that, every operand
// must lie wholly in live device memory. Work runs on the handle's stream.
#include <cblas.h>

#include <cmath>
#include <functional>
#include <new>
#include <optional>
#include <string>

#include "cublas_v2.h"
#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "device.h"
#include "handles.h"

struct cublasContext {
  cudaStream_t stream = nullptr;
  cublasPointerMode_t pointer_mode = CUBLAS_POINTER_MODE_HOST;
  cublasMath_t math = CUBLAS_DEFAULT_MATH;
};

namespace {

using namespace reprise::emulation;

cublasStatus_t refuse(cublasStatus_t status, const std::string& text) {
  const Call call;
  Device::get().error(cudaErrorInvalidValue, "cuBLAS: " + text);
  return status;
}

/// Queues the work; it finds device memory open.
cublasStatus_t issue(cublasHandle_t handle, std::function<void()> work) {
  const Call call;
  Device& device = Device::get();
  const cudaError_t status =
      device.streams().issue(stream_of(handle->stream), [&device, work = std::move(work)] {
        const HeapOpen open(device.heap());
        work();
        return cudaSuccess;
      });
  return device.error(status) == cudaSuccess ? CUBLAS_STATUS_SUCCESS
                                             : CUBLAS_STATUS_EXECUTION_FAILED;
}

/// A scale factor: read now from the host, or when the work runs from the device.
template <typename T>
std::function<T()> scalar(cublasHandle_t handle, const void* address) {
  const T* typed = static_cast<const T*>(address);
  if (handle->pointer_mode == CUBLAS_POINTER_MODE_DEVICE) return [typed] { return *typed; };
  return [value = *typed] { return value; };
}

bool scalar_is_where_said(cublasHandle_t handle, const void* address) {
  const Call call;
  const DeviceHeap& heap = Device::get().heap();
  return handle->pointer_mode == CUBLAS_POINTER_MODE_DEVICE
             ? heap.holds(address, sizeof(float))
             : address != nullptr && !heap.owns(address);
}

std::size_t size_of(cudaDataType type) {
  return type == CUDA_R_8I ? 1 : type == CUDA_R_16F || type == CUDA_R_16BF ? 2 : 4;
}

/// A batch of column-major matrices in device memory.
struct Matrix {
  const char* name;
  const void* data;
  cudaDataType type;
  int rows, columns, leading;
  long long stride;
  int batch;

  std::size_t bytes() const {
    if (rows == 0 || columns == 0 || batch == 0) return 0;
    const long long last = (batch - 1) * stride + (columns - 1LL) * leading + rows;
    return static_cast<std::size_t>(last) * size_of(type);
  }
};

cublasStatus_t check(const Matrix& matrix) {
  const std::string name = std::string("matrix ") + matrix.name;
  if (matrix.leading < std::max(1, matrix.rows)) {
    return refuse(CUBLAS_STATUS_INVALID_VALUE,
                  "the leading dimension of " + name + " is " + std::to_string(matrix.leading) +
                      " and must be at least " + std::to_string(std::max(1, matrix.rows)));
  }
  if (matrix.stride < 0) return refuse(CUBLAS_STATUS_NOT_SUPPORTED, name + ": negative stride");
  const Call call;
  if (matrix.bytes() > 0 && !Device::get().heap().holds(matrix.data, matrix.bytes())) {
    return refuse(CUBLAS_STATUS_EXECUTION_FAILED, name + " of " + std::to_string(matrix.bytes()) +
                                                      " bytes is not wholly in device memory");
  }
  return CUBLAS_STATUS_SUCCESS;
}

float to_tf32(float value) {
  if (!std::isfinite(value)) return value;
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(value) + 0x1000u) & ~0x1fffu);
}

float element(const Matrix& m, long long index) {
  switch (m.type) {
    case CUDA_R_32F:
      return static_cast<const float*>(m.data)[index];
    case CUDA_R_16F:
      return static_cast<const __half*>(m.data)[index];
    case CUDA_R_16BF:
      return static_cast<const __nv_bfloat16*>(m.data)[index];
    default:
      return 0;
  }
}

void set_element(const Matrix& m, long long index, float value) {
  void* data = const_cast<void*>(m.data);
  switch (m.type) {
    case CUDA_R_32F:
      static_cast<float*>(data)[index] = value;
      break;
    case CUDA_R_16F:
      static_cast<__half*>(data)[index] = __half(value);
      break;
    case CUDA_R_16BF:
      static_cast<__nv_bfloat16*>(data)[index] = __nv_bfloat16(value);
      break;
    default:
      break;
  }
}

/// One matrix of the batch as dense floats, rounded to tf32 if asked.
std::vector<float> dense(const Matrix& m, int batch, bool tf32) {
  std::vector<float> values(static_cast<std::size_t>(m.rows) * m.columns);
  for (int c = 0; c < m.columns; ++c) {
    for (int r = 0; r < m.rows; ++r) {
      const float value = element(m, batch * m.stride + static_cast<long long>(c) * m.leading + r);
      values[static_cast<std::size_t>(c) * m.rows + r] = tf32 ? to_tf32(value) : value;
    }
  }
  return values;
}

struct Product {
  bool transpose_a, transpose_b;
  int m, n, k;
  Matrix a, b, c;
};

void multiply_float(const Product& p, float alpha, float beta, bool tf32) {
  openblas_set_num_threads(1);
  for (int batch = 0; batch < p.c.batch; ++batch) {
    const std::vector<float> a = dense(p.a, batch, tf32), b = dense(p.b, batch, tf32);
    // With beta = 0 the old values are not read, and may be NaN.
    std::vector<float> c =
        beta == 0 ? std::vector<float>(std::size_t(p.m) * p.n) : dense(p.c, batch, false);
    cblas_sgemm(CblasColMajor, p.transpose_a ? CblasTrans : CblasNoTrans,
                p.transpose_b ? CblasTrans : CblasNoTrans, p.m, p.n, p.k, alpha, a.data(),
                std::max(1, p.a.rows), b.data(), std::max(1, p.b.rows), beta, c.data(), p.m);
    for (int column = 0; column < p.n; ++column) {
      for (int row = 0; row < p.m; ++row) {
        set_element(p.c, batch * p.c.stride + static_cast<long long>(column) * p.c.leading + row,
                    c[static_cast<std::size_t>(column) * p.m + row]);
      }
    }
  }
}

void multiply_integer(const Product& p, std::int32_t alpha, std::int32_t beta) {
  const auto* a = static_cast<const std::int8_t*>(p.a.data);
  const auto* b = static_cast<const std::int8_t*>(p.b.data);
  auto* c = static_cast<std::int32_t*>(const_cast<void*>(p.c.data));
  for (long long batch = 0; batch < p.c.batch; ++batch) {
    for (long long j = 0; j < p.n; ++j) {
      for (long long i = 0; i < p.m; ++i) {
        std::int32_t sum = 0;
        for (long long q = 0; q < p.k; ++q) {
          sum +=
              a[batch * p.a.stride + (p.transpose_a ? i * p.a.leading + q : q * p.a.leading + i)] *
              b[batch * p.b.stride + (p.transpose_b ? q * p.b.leading + j : j * p.b.leading + q)];
        }
        std::int32_t& out = c[batch * p.c.stride + j * p.c.leading + i];
        out = alpha * sum + (beta == 0 ? 0 : beta * out);
      }
    }
  }
}

bool types_are_supported(cudaDataType a, cudaDataType b, cudaDataType c,
                         cublasComputeType_t compute) {
  if (compute == CUBLAS_COMPUTE_32I) {
    return a == CUDA_R_8I && b == CUDA_R_8I && c == CUDA_R_32I;
  }
  if (a != b || (c != a && c != CUDA_R_32F)) return false;
  if (compute == CUBLAS_COMPUTE_32F_FAST_TF32) return a == CUDA_R_32F;
  if (compute != CUBLAS_COMPUTE_32F && compute != CUBLAS_COMPUTE_32F_PEDANTIC) return false;
  return a == CUDA_R_32F || a == CUDA_R_16F || a == CUDA_R_16BF;
}

}  // namespace

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  const Call call;
  if (Device::get().count == 0) return CUBLAS_STATUS_NOT_INITIALIZED;
  *handle = new cublasContext;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

#define EMULATION_ACCESSOR(setter, getter, type, field)          \
  cublasStatus_t setter(cublasHandle_t handle, type value) {     \
    if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED; \
    handle->field = value;                                       \
    return CUBLAS_STATUS_SUCCESS;                                \
  }                                                              \
  cublasStatus_t getter(cublasHandle_t handle, type* value) {    \
    if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED; \
    *value = handle->field;                                      \
    return CUBLAS_STATUS_SUCCESS;                                \
  }

EMULATION_ACCESSOR(cublasSetStream_v2, cublasGetStream_v2, cudaStream_t, stream)
EMULATION_ACCESSOR(cublasSetPointerMode_v2, cublasGetPointerMode_v2, cublasPointerMode_t,
                   pointer_mode)
EMULATION_ACCESSOR(cublasSetMathMode, cublasGetMathMode, cublasMath_t, math)
#undef EMULATION_ACCESSOR

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, size_t bytes) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  const Call call;
  const bool valid = bytes == 0 || Device::get().heap().holds(workspace, bytes);
  return valid ? CUBLAS_STATUS_SUCCESS
               : refuse(CUBLAS_STATUS_INVALID_VALUE, "the workspace is not device memory");
}

const char* cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "the operation completed successfully";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "the library was not initialized";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "an unsupported value or parameter was passed";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "the program failed to execute";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "the functionality requested is not supported";
  }
  return "unknown cuBLAS status";
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t transa,
                                          cublasOperation_t transb, int m, int n, int k,
                                          const void* alpha, const void* A, cudaDataType Atype,
                                          int lda, long long int strideA, const void* B,
                                          cudaDataType Btype, int ldb, long long int strideB,
                                          const void* beta, void* C, cudaDataType Ctype, int ldc,
                                          long long int strideC, int batchCount,
                                          cublasComputeType_t computeType, cublasGemmAlgo_t algo) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (m < 0 || n < 0 || k < 0 || batchCount < 0) {
    return refuse(CUBLAS_STATUS_INVALID_VALUE, "a negative extent");
  }
  if (algo != CUBLAS_GEMM_DEFAULT || !types_are_supported(Atype, Btype, Ctype, computeType)) {
    return refuse(CUBLAS_STATUS_NOT_SUPPORTED, "this mix of types, or this algorithm");
  }
  const bool ta = transa != CUBLAS_OP_N, tb = transb != CUBLAS_OP_N;
  const Product product{ta,
                        tb,
                        m,
                        n,
                        k,
                        {"A", A, Atype, ta ? k : m, ta ? m : k, lda, strideA, batchCount},
                        {"B", B, Btype, tb ? n : k, tb ? k : n, ldb, strideB, batchCount},
                        {"C", C, Ctype, m, n, ldc, strideC, batchCount}};
  for (const Matrix* matrix : {&product.a, &product.b, &product.c}) {
    if (const cublasStatus_t status = check(*matrix)) return status;
  }
  if (batchCount > 1 && product.c.bytes() > 0 && strideC < (n - 1LL) * ldc + m) {
    return refuse(CUBLAS_STATUS_INVALID_VALUE, "the matrices C of the batch overlap");
  }
  if (!scalar_is_where_said(handle, alpha) || !scalar_is_where_said(handle, beta)) {
    return refuse(CUBLAS_STATUS_INVALID_VALUE, "alpha or beta is not where the pointer mode says");
  }
  if (m == 0 || n == 0 || batchCount == 0) return CUBLAS_STATUS_SUCCESS;
  if (computeType == CUBLAS_COMPUTE_32I) {
    return issue(handle, [product, alpha = scalar<std::int32_t>(handle, alpha),
                          beta = scalar<std::int32_t>(handle, beta)] {
      multiply_integer(product, alpha(), beta());
    });
  }
  const bool tf32 = computeType == CUBLAS_COMPUTE_32F_FAST_TF32 ||
                    (handle->math == CUBLAS_TF32_TENSOR_OP_MATH && Atype == CUDA_R_32F &&
                     computeType == CUBLAS_COMPUTE_32F);
  return issue(handle, [product, tf32, alpha = scalar<float>(handle, alpha),
                        beta = scalar<float>(handle, beta)] {
    multiply_float(product, alpha(), beta(), tf32);
  });
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t transa,
                            cublasOperation_t transb, int m, int n, int k, const void* alpha,
                            const void* A, cudaDataType Atype, int lda, const void* B,
                            cudaDataType Btype, int ldb, const void* beta, void* C,
                            cudaDataType Ctype, int ldc, cublasComputeType_t computeType,
                            cublasGemmAlgo_t algo) {
  return cublasGemmStridedBatchedEx(handle, transa, transb, m, n, k, alpha, A, Atype, lda, 0, B,
                                    Btype, ldb, 0, beta, C, Ctype, ldc, 0, 1, computeType, algo);
}

cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t handle, cublasOperation_t transa,
                                         cublasOperation_t transb, int m, int n, int k,
                                         const float* alpha, const float* A, int lda,
                                         long long int strideA, const float* B, int ldb,
                                         long long int strideB, const float* beta, float* C,
                                         int ldc, long long int strideC, int batchCount) {
  return cublasGemmStridedBatchedEx(handle, transa, transb, m, n, k, alpha, A, CUDA_R_32F, lda,
                                    strideA, B, CUDA_R_32F, ldb, strideB, beta, C, CUDA_R_32F, ldc,
                                    strideC, batchCount, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
}

cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t transa,
                              cublasOperation_t transb, int m, int n, int k, const float* alpha,
                              const float* A, int lda, const float* B, int ldb, const float* beta,
                              float* C, int ldc) {
  return cublasSgemmStridedBatched(handle, transa, transb, m, n, k, alpha, A, lda, 0, B, ldb, 0,
                                   beta, C, ldc, 0, 1);
}

cublasStatus_t cublasSgemv_v2(cublasHandle_t handle, cublasOperation_t trans, int m, int n,
                              const float* alpha, const float* A, int lda, const float* x, int incx,
                              const float* beta, float* y, int incy) {
  if (incx <= 0 || incy <= 0) {
    return refuse(CUBLAS_STATUS_INVALID_VALUE, "the emulation takes positive increments only");
  }
  // A vector with an increment is a matrix of one row: op(x) = x^T, y^T = x^T op(A)^T.
  const bool t = trans != CUBLAS_OP_N;
  return cublasSgemm_v2(handle, CUBLAS_OP_N, t ? CUBLAS_OP_N : CUBLAS_OP_T, 1, t ? n : m, t ? m : n,
                        alpha, x, incx, A, lda, beta, y, incy);
}

cublasStatus_t cublasSsyrk_v2(cublasHandle_t handle, cublasFillMode_t uplo, cublasOperation_t trans,
                              int n, int k, const float* alpha, const float* A, int lda,
                              const float* beta, float* C, int ldc) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (n < 0 || k < 0) return refuse(CUBLAS_STATUS_INVALID_VALUE, "a negative extent");
  const bool t = trans != CUBLAS_OP_N;
  for (const Matrix& matrix : {Matrix{"A", A, CUDA_R_32F, t ? k : n, t ? n : k, lda, 0, 1},
                               Matrix{"C", C, CUDA_R_32F, n, n, ldc, 0, 1}}) {
    if (const cublasStatus_t status = check(matrix)) return status;
  }
  if (!scalar_is_where_said(handle, alpha) || !scalar_is_where_said(handle, beta)) {
    return refuse(CUBLAS_STATUS_INVALID_VALUE, "alpha or beta is not where the pointer mode says");
  }
  return issue(
      handle, [=, alpha = scalar<float>(handle, alpha), beta = scalar<float>(handle, beta)] {
        openblas_set_num_threads(1);
        cblas_ssyrk(CblasColMajor, uplo == CUBLAS_FILL_MODE_LOWER ? CblasLower : CblasUpper,
                    t ? CblasTrans : CblasNoTrans, n, k, alpha(), A, lda, beta(), C, ldc);
      });
}
