// The values of enumerators and flags, and the parts of structures that a program names. Compiled
// against the emulation and, where there is one, against the toolkit.
#include <cstddef>
#include <type_traits>

// runtime_types.h
static_assert(cudaSuccess == 0);
static_assert(cudaErrorInvalidValue == 1);
static_assert(cudaErrorMemoryAllocation == 2);
static_assert(cudaErrorInvalidConfiguration == 9);
static_assert(cudaErrorInvalidMemcpyDirection == 21);
static_assert(cudaErrorInsufficientDriver == 35);
static_assert(cudaErrorNoDevice == 100);
static_assert(cudaErrorInvalidDevice == 101);
static_assert(cudaErrorInvalidResourceHandle == 400);
static_assert(cudaErrorNotReady == 600);
static_assert(cudaErrorLaunchFailure == 719);
static_assert(cudaErrorNotSupported == 801);
static_assert(cudaErrorStreamCaptureUnsupported == 900);
static_assert(cudaErrorStreamCaptureInvalidated == 901);
static_assert(cudaErrorStreamCaptureUnmatched == 903);
static_assert(cudaErrorStreamCaptureUnjoined == 904);
static_assert(cudaErrorStreamCaptureImplicit == 906);
static_assert(cudaErrorUnknown == 999);
static_assert(cudaMemcpyHostToHost == 0);
static_assert(cudaMemcpyHostToDevice == 1);
static_assert(cudaMemcpyDeviceToHost == 2);
static_assert(cudaMemcpyDeviceToDevice == 3);
static_assert(cudaMemcpyDefault == 4);
static_assert(cudaMemoryTypeUnregistered == 0);
static_assert(cudaMemoryTypeHost == 1);
static_assert(cudaMemoryTypeDevice == 2);
static_assert(cudaMemoryTypeManaged == 3);
static_assert(cudaFuncAttributeMaxDynamicSharedMemorySize == 8);
static_assert(cudaFuncAttributePreferredSharedMemoryCarveout == 9);
static_assert(cudaDevAttrMaxThreadsPerBlock == 1);
static_assert(cudaDevAttrMaxSharedMemoryPerBlock == 8);
static_assert(cudaDevAttrWarpSize == 10);
static_assert(cudaDevAttrMultiProcessorCount == 16);
static_assert(cudaDevAttrComputeCapabilityMajor == 75);
static_assert(cudaDevAttrComputeCapabilityMinor == 76);
static_assert(cudaDevAttrMaxSharedMemoryPerBlockOptin == 97);
static_assert(cudaMemPoolAttrReleaseThreshold == 4);
static_assert(cudaMemPoolAttrReservedMemCurrent == 5);
static_assert(cudaMemPoolAttrUsedMemCurrent == 7);
static_assert(cudaStreamCaptureStatusNone == 0);
static_assert(cudaStreamCaptureStatusActive == 1);
static_assert(cudaStreamCaptureStatusInvalidated == 2);
static_assert(cudaStreamCaptureModeGlobal == 0);
static_assert(cudaStreamCaptureModeThreadLocal == 1);
static_assert(cudaStreamCaptureModeRelaxed == 2);
static_assert(cudaStreamDefault == 0x00);
static_assert(cudaStreamNonBlocking == 0x01);
static_assert(cudaEventDefault == 0x00);
static_assert(cudaEventBlockingSync == 0x01);
static_assert(cudaEventDisableTiming == 0x02);
static_assert(cudaHostAllocDefault == 0x00);
static_assert(cudaHostAllocPortable == 0x01);
static_assert(cudaHostAllocWriteCombined == 0x04);

// blas_types.h
static_assert(CUDA_R_32F == 0);
static_assert(CUDA_R_16F == 2);
static_assert(CUDA_R_8I == 3);
static_assert(CUDA_R_32I == 10);
static_assert(CUDA_R_16BF == 14);
static_assert(CUBLAS_STATUS_SUCCESS == 0);
static_assert(CUBLAS_STATUS_NOT_INITIALIZED == 1);
static_assert(CUBLAS_STATUS_INVALID_VALUE == 7);
static_assert(CUBLAS_STATUS_EXECUTION_FAILED == 13);
static_assert(CUBLAS_STATUS_NOT_SUPPORTED == 15);
static_assert(CUBLAS_OP_N == 0);
static_assert(CUBLAS_OP_T == 1);
static_assert(CUBLAS_OP_C == 2);
static_assert(CUBLAS_FILL_MODE_LOWER == 0);
static_assert(CUBLAS_FILL_MODE_UPPER == 1);
static_assert(CUBLAS_POINTER_MODE_HOST == 0);
static_assert(CUBLAS_POINTER_MODE_DEVICE == 1);
static_assert(CUBLAS_DEFAULT_MATH == 0);
static_assert(CUBLAS_PEDANTIC_MATH == 2);
static_assert(CUBLAS_TF32_TENSOR_OP_MATH == 3);
static_assert(CUBLAS_COMPUTE_32F == 68);
static_assert(CUBLAS_COMPUTE_32F_PEDANTIC == 69);
static_assert(CUBLAS_COMPUTE_32I == 72);
static_assert(CUBLAS_COMPUTE_32F_FAST_TF32 == 77);
static_assert(CUBLAS_GEMM_DEFAULT == -1);

// fft_types.h
static_assert(CUFFT_SUCCESS == 0x0);
static_assert(CUFFT_INVALID_PLAN == 0x1);
static_assert(CUFFT_INVALID_TYPE == 0x3);
static_assert(CUFFT_INVALID_VALUE == 0x4);
static_assert(CUFFT_EXEC_FAILED == 0x6);
static_assert(CUFFT_SETUP_FAILED == 0x7);
static_assert(CUFFT_INVALID_SIZE == 0x8);
static_assert(CUFFT_NOT_SUPPORTED == 0x10);
static_assert(CUFFT_R2C == 0x2a);
static_assert(CUFFT_C2R == 0x2c);
static_assert(CUFFT_C2C == 0x29);
static_assert(CUFFT_FORWARD == -1);
static_assert(CUFFT_INVERSE == 1);
static_assert(CUFFT_PLAN_NULL == -1);

static_assert(sizeof(dim3) == 12 && sizeof(uint3) == 12);
static_assert(sizeof(float4) == 16 && alignof(float4) == 16);
static_assert(sizeof(float2) == 8 && alignof(float2) == 8);
static_assert(sizeof(uchar4) == 4 && alignof(uchar4) == 4);
static_assert(std::is_same_v<cufftComplex, float2> && std::is_same_v<cufftReal, float>);
static_assert(sizeof(cudaLaunchConfig_t) == 56);
static_assert(offsetof(cudaLaunchConfig_t, gridDim) == 0);
static_assert(offsetof(cudaLaunchConfig_t, blockDim) == 12);
static_assert(offsetof(cudaLaunchConfig_t, dynamicSmemBytes) == 24);
static_assert(offsetof(cudaLaunchConfig_t, stream) == 32);
static_assert(std::is_same_v<decltype(cudaDeviceProp::totalGlobalMem), std::size_t>);
static_assert(std::is_same_v<decltype(cudaDeviceProp::sharedMemPerBlockOptin), std::size_t>);
static_assert(std::is_same_v<decltype(cudaDeviceProp::multiProcessorCount), int>);
static_assert(std::is_same_v<decltype(cudaPointerAttributes::type), cudaMemoryType>);
