// The calls of cuDNN that the back end makes, passed on to the library where the machine has it.

#include <cudnn.h>

#include "backend/cuda/imported_library.h"

#define TEXT_OF(value) #value
#define LIBRARY_FILE(version) "libcudnn.so." TEXT_OF(version)

namespace {

const reprise::cuda::ImportedLibrary& library() {
  static const reprise::cuda::ImportedLibrary cudnn(LIBRARY_FILE(CUDNN_MAJOR));
  return cudnn;
}

}  // namespace

#define IMPORT(name, parameters, arguments)                                          \
  cudnnStatus_t name parameters {                                                    \
    static const auto imported = library().find<cudnnStatus_t(*) parameters>(#name); \
    return imported ? imported arguments : CUDNN_STATUS_NOT_INITIALIZED;             \
  }

extern "C" {

const char* cudnnGetErrorString(cudnnStatus_t status) {
  static const auto imported =
      library().find<const char* (*)(cudnnStatus_t)>("cudnnGetErrorString");
  return imported ? imported(status)
                  : "the library " LIBRARY_FILE(CUDNN_MAJOR) " was not found: install cuDNN, or add "
                    "its folder to LD_LIBRARY_PATH";
}

IMPORT(cudnnCreate, (cudnnHandle_t * handle), (handle))
IMPORT(cudnnDestroy, (cudnnHandle_t handle), (handle))
IMPORT(cudnnSetStream, (cudnnHandle_t handle, cudaStream_t stream), (handle, stream))
IMPORT(cudnnBackendCreateDescriptor,
       (cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t* descriptor),
       (type, descriptor))
IMPORT(cudnnBackendDestroyDescriptor, (cudnnBackendDescriptor_t descriptor), (descriptor))
IMPORT(cudnnBackendFinalize, (cudnnBackendDescriptor_t descriptor), (descriptor))
IMPORT(cudnnBackendSetAttribute,
       (cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
        cudnnBackendAttributeType_t type, int64_t count, const void* values),
       (descriptor, name, type, count, values))
IMPORT(cudnnBackendGetAttribute,
       (cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
        cudnnBackendAttributeType_t type, int64_t requested, int64_t* count, void* values),
       (descriptor, name, type, requested, count, values))
IMPORT(cudnnBackendExecute,
       (cudnnHandle_t handle, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t pack),
       (handle, plan, pack))

}  // extern "C"
