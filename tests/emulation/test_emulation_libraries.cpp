// The stand-ins of cuBLAS and cuFFT against plain loops in double precision.
#include <cublas_v2.h>
#include <cufft.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "test_kernels.h"

namespace reprise::emulation {
namespace {

class EmulatedBlas : public EmulationTest {
 protected:
  void SetUp() override {
    EmulationTest::SetUp();
    ASSERT_EQ(cublasCreate(&handle_), CUBLAS_STATUS_SUCCESS);
  }
  void TearDown() override {
    cublasDestroy(handle_);
    EmulationTest::TearDown();
  }
  cublasHandle_t handle_ = nullptr;
};

std::vector<float> noise(int count) {
  std::vector<float> values(count);
  for (int i = 0; i < count; ++i) values[i] = static_cast<float>(std::sin(i * 12.9898 + 1));
  return values;
}

TEST_F(EmulatedBlas, GemmInAllTranspositions) {
  const int m = 5, n = 4, k = 7, lda = 9, ldb = 8, ldc = 6, batch = 2;
  const auto a = noise(lda * 8 * batch), b = noise(ldb * 8 * batch), c = noise(ldc * n * batch);
  const long long stride_a = lda * 8, stride_b = ldb * 8, stride_c = ldc * n;
  const float alpha = 1.5f, beta = -0.5f;
  const float *da = to_device(a), *db = to_device(b);
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      float* dc = to_device(c);
      ASSERT_EQ(
          cublasSgemmStridedBatched(handle_, ta ? CUBLAS_OP_T : CUBLAS_OP_N,
                                    tb ? CUBLAS_OP_T : CUBLAS_OP_N, m, n, k, &alpha, da, lda,
                                    stride_a, db, ldb, stride_b, &beta, dc, ldc, stride_c, batch),
          CUBLAS_STATUS_SUCCESS);
      const auto result = to_host(dc, c.size());
      for (int s = 0; s < batch; ++s) {
        for (int j = 0; j < n; ++j) {
          for (int i = 0; i < m; ++i) {
            double sum = 0;
            for (int p = 0; p < k; ++p) {
              sum += static_cast<double>(a[s * stride_a + (ta ? i * lda + p : p * lda + i)]) *
                     b[s * stride_b + (tb ? p * ldb + j : j * ldb + p)];
            }
            const long long at = s * stride_c + j * ldc + i;
            ASSERT_NEAR(result[at], alpha * sum + beta * c[at], 1e-5);
          }
        }
      }
    }
  }
}

TEST_F(EmulatedBlas, BadLeadingDimensionIsRefused) {
  const float one = 1, zero = 0;
  float* data = device_array<float>(64);
  EXPECT_EQ(cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 4, 4, 4, &one, data, 3, data, 4, &zero,
                        data, 4),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_CONTAINS(last_report(), "leading dimension of matrix A is 3 and must be at least 4");
}

TEST_F(EmulatedBlas, OperandsMustLieInDeviceMemory) {
  const float one = 1, zero = 0;
  float host[16] = {};
  float* data = device_array<float>(16);
  EXPECT_EQ(cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 4, 4, 4, &one, data, 4, host, 4, &zero,
                        data, 4),
            CUBLAS_STATUS_EXECUTION_FAILED);
  EXPECT_CONTAINS(last_report(), "matrix B of 64 bytes is not wholly in device memory");
  EXPECT_EQ(cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 4, 4, 5, &one, data, 4, data, 5, &zero,
                        data, 4),
            CUBLAS_STATUS_EXECUTION_FAILED);
}

TEST_F(EmulatedBlas, HalfPrecisionAndIntegers) {
  const int n = 4;
  const float one = 1, zero = 0;
  std::vector<__half> halves;
  std::vector<__nv_bfloat16> brains;
  std::vector<signed char> bytes;
  for (float value : noise(n * n)) {
    halves.push_back(__float2half(value));
    brains.push_back(__float2bfloat16(value));
    bytes.push_back(static_cast<signed char>(value * 100));
  }
  const auto *dh = to_device(halves), *unused = dh;
  (void)unused;
  const auto* db = to_device(brains);
  const auto* di = to_device(bytes);
  float* out = device_array<float>(n * n);
  int* counts = device_array<int>(n * n);
  const auto product = [&](const void* x, cudaDataType type, void* y, cudaDataType out_type,
                           const void* alpha, const void* beta, cublasComputeType_t compute) {
    return cublasGemmEx(handle_, CUBLAS_OP_N, CUBLAS_OP_N, n, n, n, alpha, x, type, n, x, type, n,
                        beta, y, out_type, n, compute, CUBLAS_GEMM_DEFAULT);
  };
  const auto expected = [&](const auto& x, int i, int j) {
    double sum = 0;
    for (int p = 0; p < n; ++p) {
      sum +=
          static_cast<double>(static_cast<float>(x[p * n + i])) * static_cast<float>(x[j * n + p]);
    }
    return sum;
  };
  ASSERT_EQ(product(dh, CUDA_R_16F, out, CUDA_R_32F, &one, &zero, CUBLAS_COMPUTE_32F), 0);
  EXPECT_NEAR(to_host(out, n * n)[6], expected(halves, 2, 1), 1e-5);
  ASSERT_EQ(product(db, CUDA_R_16BF, out, CUDA_R_32F, &one, &zero, CUBLAS_COMPUTE_32F), 0);
  EXPECT_NEAR(to_host(out, n * n)[6], expected(brains, 2, 1), 1e-5);
  const int int_one = 1, int_zero = 0;
  ASSERT_EQ(product(di, CUDA_R_8I, counts, CUDA_R_32I, &int_one, &int_zero, CUBLAS_COMPUTE_32I), 0);
  EXPECT_EQ(to_host(counts, n * n)[6], static_cast<int>(expected(bytes, 2, 1)));
  EXPECT_EQ(product(dh, CUDA_R_16F, counts, CUDA_R_32I, &one, &zero, CUBLAS_COMPUTE_32F),
            CUBLAS_STATUS_NOT_SUPPORTED);
}

TEST_F(EmulatedBlas, VectorsAndRankUpdates) {
  const int m = 3, n = 5;
  const float one = 1, zero = 0;
  const auto a = noise(m * n), x = noise(2 * n);
  const float *da = to_device(a), *dx = to_device(x);
  float *dy = device_array<float>(m), *dc = device_array<float>(m * m);
  ASSERT_EQ(cublasSgemv(handle_, CUBLAS_OP_N, m, n, &one, da, m, dx, 2, &zero, dy, 1), 0);
  ASSERT_EQ(
      cublasSsyrk(handle_, CUBLAS_FILL_MODE_LOWER, CUBLAS_OP_N, m, n, &one, da, m, &zero, dc, m),
      0);
  const auto y = to_host(dy, m), c = to_host(dc, m * m);
  double vector = 0, product = 0;
  for (int j = 0; j < n; ++j) {
    vector += static_cast<double>(a[j * m + 1]) * x[2 * j];
    product += static_cast<double>(a[j * m + 2]) * a[j * m];
  }
  EXPECT_NEAR(y[1], vector, 1e-6);
  EXPECT_NEAR(c[2], product, 1e-6);
  EXPECT_TRUE(std::isnan(c[1 * m + 0]));  // the other triangle stays as it was
}

using EmulatedFft = EmulationTest;
using Complex = std::complex<double>;

/// The definition, for a real signal [rows][columns].
Complex spectrum_at(const std::vector<float>& signal, int rows, int columns, int u, int v) {
  Complex sum = 0;
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c) {
      const double turn = static_cast<double>(u) * r / rows + static_cast<double>(v) * c / columns;
      sum += std::polar<double>(signal[r * columns + c], -2 * std::numbers::pi * turn);
    }
  }
  return sum;
}

TEST_F(EmulatedFft, BatchOfTwoDimensionalRealTransforms) {
  const int rows = 12, columns = 10, half = columns / 2 + 1, batch = 3;
  int extents[] = {rows, columns};
  const auto signal = noise(batch * rows * columns);
  float* in = to_device(signal);
  float2* spectrum = device_array<float2>(batch * rows * half);
  cufftHandle forward = CUFFT_PLAN_NULL, backward = CUFFT_PLAN_NULL;
  ASSERT_EQ(cufftPlanMany(&forward, 2, extents, nullptr, 1, 0, nullptr, 1, 0, CUFFT_R2C, batch), 0);
  ASSERT_EQ(cufftPlanMany(&backward, 2, extents, nullptr, 1, 0, nullptr, 1, 0, CUFFT_C2R, batch),
            0);
  ASSERT_EQ(cufftExecR2C(forward, in, spectrum), CUFFT_SUCCESS);
  const auto result = to_host(spectrum, batch * rows * half);
  for (int b = 0; b < batch; ++b) {
    const std::vector<float> one(signal.begin() + b * rows * columns,
                                 signal.begin() + (b + 1) * rows * columns);
    for (int u = 0; u < rows; ++u) {
      for (int v = 0; v < half; ++v) {
        const Complex expected = spectrum_at(one, rows, columns, u, v);
        const float2 value = result[(b * rows + u) * half + v];
        ASSERT_NEAR(value.x, expected.real(), 2e-5);
        ASSERT_NEAR(value.y, expected.imag(), 2e-5);
      }
    }
  }
  float* back = device_array<float>(signal.size());
  ASSERT_EQ(cufftExecC2R(backward, spectrum, back), CUFFT_SUCCESS);
  const auto restored = to_host(back, signal.size());
  for (std::size_t i = 0; i < signal.size(); ++i) {
    ASSERT_NEAR(restored[i], signal[i] * rows * columns, 1e-3);  // not normalised
  }
  EXPECT_TRUE(std::isnan(to_host(spectrum, 1)[0].x));  // its input is destroyed
  cufftDestroy(forward);
  cufftDestroy(backward);
}

TEST_F(EmulatedFft, StridedComplexTransform) {
  const int n = 15, stride = 2, distance = 40, batch = 2;
  int extents[] = {n}, embed[] = {n};
  const auto values = noise(2 * distance * batch);
  std::vector<float2> signal(distance * batch);
  for (std::size_t i = 0; i < signal.size(); ++i) signal[i] = {values[2 * i], values[2 * i + 1]};
  float2 *in = to_device(signal), *out = device_array<float2>(n * batch);
  cufftHandle plan = CUFFT_PLAN_NULL;
  ASSERT_EQ(
      cufftPlanMany(&plan, 1, extents, embed, stride, distance, embed, 1, n, CUFFT_C2C, batch), 0);
  ASSERT_EQ(cufftExecC2C(plan, in, out, CUFFT_INVERSE), CUFFT_SUCCESS);
  const auto result = to_host(out, n * batch);
  for (int b = 0; b < batch; ++b) {
    for (int u = 0; u < n; ++u) {
      Complex expected = 0;
      for (int t = 0; t < n; ++t) {
        const float2 x = signal[b * distance + t * stride];
        expected += Complex(x.x, x.y) * std::polar(1.0, 2 * std::numbers::pi * u * t / n);
      }
      ASSERT_NEAR(result[b * n + u].x, expected.real(), 2e-5);
      ASSERT_NEAR(result[b * n + u].y, expected.imag(), 2e-5);
    }
  }
  cufftDestroy(plan);
}

TEST_F(EmulatedFft, WrongTypeAndHostMemoryAreRefused) {
  cufftHandle plan = CUFFT_PLAN_NULL;
  ASSERT_EQ(cufftPlan1d(&plan, 8, CUFFT_R2C, 1), CUFFT_SUCCESS);
  float host[8] = {};
  float2* out = device_array<float2>(5);
  EXPECT_EQ(cufftExecC2C(plan, out, out, CUFFT_FORWARD), CUFFT_INVALID_TYPE);
  EXPECT_EQ(cufftExecR2C(plan, host, out), CUFFT_EXEC_FAILED);
  EXPECT_CONTAINS(last_report(), "not wholly in device memory");
  cufftDestroy(plan);
  EXPECT_EQ(cufftExecR2C(plan, host, out), CUFFT_INVALID_PLAN);
}

}  // namespace
}  // namespace reprise::emulation
