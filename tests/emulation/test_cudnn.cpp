// What cuDNN is told of a convolution, and what it refuses. Built twice, with the stand-in and with
// the library: both must say the same. No call needs a device.
#include <gtest/gtest.h>

#include "backend/cuda/convolution.h"

namespace reprise::cuda {
namespace {

class CudnnDescriptors : public ::testing::Test {
 protected:
  void SetUp() override {
    cudnnBackendDescriptor_t tensor = nullptr;
    if (cudnnBackendCreateDescriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR, &tensor) ==
        CUDNN_STATUS_NOT_INITIALIZED)
      GTEST_SKIP() << cudnnGetErrorString(CUDNN_STATUS_NOT_INITIALIZED);
    cudnnBackendDestroyDescriptor(tensor);
  }

  // Of set(), or of cudnnBackendFinalize.
  static cudnnStatus_t set(const DnnDescriptor& d, cudnnBackendAttributeName_t name,
                           cudnnBackendAttributeType_t type, std::vector<std::int64_t> values) {
    return cudnnBackendSetAttribute(d.get(), name, type, std::ssize(values), values.data());
  }
  static DnnDescriptor tensor(std::vector<std::int64_t> extents, std::vector<std::int64_t> strides,
                              std::int64_t number = 1, std::int64_t alignment = 16) {
    DnnDescriptor d(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    const cudnnDataType_t type = CUDNN_DATA_FLOAT;
    d.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    d.set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, std::ssize(extents), extents.data());
    d.set(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, std::ssize(strides), strides.data());
    d.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &number);
    d.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
    return d;
  }
  static DnnDescriptor convolution() {
    DnnDescriptor d(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    const cudnnDataType_t type = CUDNN_DATA_FLOAT;
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    const std::int64_t two = 2, ones[] = {1, 1}, zeros[] = {0, 0};
    d.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    d.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    d.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &two);
    d.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, ones);
    d.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, ones);
    d.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, zeros);
    d.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, zeros);
    d.finalize();
    return d;
  }
  // Of five songs of 100 frames and 16 filters of 4, a response of `frames` frames.
  static cudnnStatus_t operation(ConvolutionResult result, std::int64_t frames,
                                 bool finalize_signal) {
    const DnnDescriptor x = tensor({5, 12, 100, 1}, {1200, 1, 12, 12}, 1),
                        w = tensor({16, 12, 4, 1}, {48, 1, 12, 12}, 2),
                        y = tensor({5, 16, frames, 1}, {frames * 16, 1, 16, 16}, 3),
                        c = convolution();
    if (finalize_signal) x.finalize();
    w.finalize();
    y.finalize();
    const OperationNames& names = names_of(result);
    const DnnDescriptor d(names.operation);
    const float one = 1, zero = 0;
    cudnnStatus_t worst = CUDNN_STATUS_SUCCESS;
    const auto link = [&](cudnnBackendAttributeName_t name, const DnnDescriptor& part) {
      const cudnnBackendDescriptor_t raw = part.get();
      const auto status =
          cudnnBackendSetAttribute(d.get(), name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &raw);
      if (status != CUDNN_STATUS_SUCCESS) worst = status;
    };
    link(names.signal, x);
    link(names.filter, w);
    link(names.response, y);
    link(names.convolution, c);
    d.set(names.alpha, CUDNN_TYPE_FLOAT, 1, &one);
    d.set(names.beta, CUDNN_TYPE_FLOAT, 1, &zero);
    return worst == CUDNN_STATUS_SUCCESS ? cudnnBackendFinalize(d.get()) : worst;
  }
};

constexpr ConvolutionResult kResults[] = {ConvolutionResult::responses,
                                          ConvolutionResult::filter_gradient};

TEST_F(CudnnDescriptors, GraphsOfEveryShapeAreAccepted) {
  for (const ConvolutionResult result : kResults)
    for (const std::int64_t filters : {1, 5, 12, 64})
      for (const std::int64_t length : {1, 4, 16})
        for (const std::int64_t frames : {16, 515})
          EXPECT_NO_THROW(ConvolutionGraph({3, frames, 12, filters, length, result}, nullptr))
              << filters << " filters of " << length << ", " << frames << " frames";
}

TEST_F(CudnnDescriptors, AResponseOfTheWrongLengthIsRefused) {
  for (const ConvolutionResult result : kResults) {
    EXPECT_EQ(operation(result, 97, true), CUDNN_STATUS_SUCCESS);
    EXPECT_NE(operation(result, 98, true), CUDNN_STATUS_SUCCESS);
    EXPECT_NE(operation(result, 96, true), CUDNN_STATUS_SUCCESS);
  }
}

TEST_F(CudnnDescriptors, WhatIsNotFinalisedCannotBeUsed) {
  for (const ConvolutionResult result : kResults)
    EXPECT_NE(operation(result, 97, false), CUDNN_STATUS_SUCCESS);
}

TEST_F(CudnnDescriptors, AttributesOfTheWrongTypeOrDescriptorAreRefused) {
  const DnnDescriptor d(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  EXPECT_NE(set(d, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_FLOAT, {1, 1, 1, 1}),
            CUDNN_STATUS_SUCCESS);
  EXPECT_NE(set(d, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, {1, 1}),
            CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(set(d, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, {1, 1, 1, 1}),
            CUDNN_STATUS_SUCCESS);
}

TEST_F(CudnnDescriptors, TensorsThatMakeNoSenseAreRefused) {
  const std::vector<std::int64_t> extents{5, 12, 100, 1}, strides{1200, 1, 12, 12};
  EXPECT_EQ(cudnnBackendFinalize(tensor(extents, strides).get()), CUDNN_STATUS_SUCCESS);
  EXPECT_NE(cudnnBackendFinalize(tensor({5, 12, -100, 1}, strides).get()), CUDNN_STATUS_SUCCESS);
  EXPECT_NE(cudnnBackendFinalize(tensor(extents, strides, 1, 3).get()), CUDNN_STATUS_SUCCESS);
  const DnnDescriptor incomplete(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  EXPECT_EQ(set(incomplete, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, {5, 12, 100, 1}),
            CUDNN_STATUS_SUCCESS);
  EXPECT_NE(cudnnBackendFinalize(incomplete.get()), CUDNN_STATUS_SUCCESS);
}

TEST_F(CudnnDescriptors, WhatIsFinalisedStaysAsItIs) {
  const DnnDescriptor d = tensor({5, 12, 100, 1}, {1200, 1, 12, 12});
  d.finalize();
  EXPECT_NE(set(d, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, {7}), CUDNN_STATUS_SUCCESS);
}

}  // namespace
}  // namespace reprise::cuda
