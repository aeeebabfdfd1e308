// The runtime API: streams, events and graphs.
#include "device.h"
#include "handles.h"
//
#include "emulation/runtime_functions.h"

using namespace reprise::emulation;

namespace reprise::emulation {

const std::shared_ptr<Stream>& stream_of(cudaStream_t handle) {
  return handle == nullptr ? Device::get().streams().legacy() : handle->stream;
}

namespace {

/// Waiting for a stream that captures is an error, and spoils the capture.
cudaError_t check_wait(const std::shared_ptr<Stream>& stream) {
  Device& device = Device::get();
  if (device.poisoned() != cudaSuccess) return device.poisoned();
  if (stream->capture == nullptr) return cudaSuccess;
  stream->capture->invalid = true;
  return device.error(cudaErrorStreamCaptureUnsupported, "waiting for a stream that captures");
}

}  // namespace
}  // namespace reprise::emulation

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* pStream, unsigned int flags) {
  const Call call;
  Device& device = Device::get();
  if (device.count == 0) return device.error(cudaErrorNoDevice);
  if (flags != cudaStreamDefault && flags != cudaStreamNonBlocking) {
    return device.error(cudaErrorInvalidValue);
  }
  *pStream = new CUstream_st{device.streams().create(flags == cudaStreamDefault)};
  return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t* pStream) {
  return cudaStreamCreateWithFlags(pStream, cudaStreamDefault);
}

// Pending work still completes, as on a device.
cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  const Call call;
  Device& device = Device::get();
  if (handle == nullptr) return device.error(cudaErrorInvalidResourceHandle);
  const auto stream = handle->stream;
  const cudaError_t status = device.streams().run_until({stream, stream->issued});
  device.streams().remove(stream);
  delete handle;
  return status;
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  const Call call;
  Device& device = Device::get();
  const auto stream = stream_of(handle);
  if (const cudaError_t status = check_wait(stream)) return status;
  return device.error(device.streams().run_until({stream, stream->issued}));
}

cudaError_t cudaDeviceSynchronize() {
  const Call call;
  Device& device = Device::get();
  if (device.poisoned() != cudaSuccess) return device.poisoned();
  if (device.streams().capturing()) {
    return device.error(cudaErrorStreamCaptureUnsupported,
                        "waiting for the device while a stream captures");
  }
  return device.error(device.streams().run_all());
}

// Asking moves the stream on by one operation, so that polling comes to an end.
cudaError_t cudaStreamQuery(cudaStream_t handle) {
  const Call call;
  Device& device = Device::get();
  const auto stream = stream_of(handle);
  if (const cudaError_t status = check_wait(stream)) return status;
  if (stream->queue.empty()) return cudaSuccess;
  const cudaError_t status = device.error(device.streams().run_one(stream));
  return status == cudaSuccess ? cudaErrorNotReady : status;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int) {
  const Call call;
  Device& device = Device::get();
  if (event == nullptr) return device.error(cudaErrorInvalidResourceHandle);
  return device.error(device.streams().wait(stream_of(stream), event->event));
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t fn, void* userData) {
  const Call call;
  Device& device = Device::get();
  return device.error(device.streams().issue(stream_of(stream), [=] {
    fn(userData);
    return cudaSuccess;
  }));
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int flags) {
  const Call call;
  Device& device = Device::get();
  if (device.count == 0) return device.error(cudaErrorNoDevice);
  *event = new CUevent_st;
  (*event)->event.timed = !(flags & cudaEventDisableTiming);
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const Call call;
  if (event == nullptr) return Device::get().error(cudaErrorInvalidResourceHandle);
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const Call call;
  Device& device = Device::get();
  if (event == nullptr) return device.error(cudaErrorInvalidResourceHandle);
  return device.error(device.streams().record(event->event, stream_of(stream)));
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const Call call;
  Device& device = Device::get();
  if (event->event.capture != nullptr) return device.error(cudaErrorStreamCaptureUnsupported);
  if (event->event.point.stream == nullptr) return cudaSuccess;
  return device.error(device.streams().run_until(event->event.point));
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  const Call call;
  Device& device = Device::get();
  const Point& point = event->event.point;
  if (event->event.capture != nullptr) return device.error(cudaErrorStreamCaptureUnsupported);
  if (point.stream == nullptr || point.stream->done >= point.count) return cudaSuccess;
  const cudaError_t status = device.error(device.streams().run_one(point.stream));
  return status == cudaSuccess ? cudaErrorNotReady : status;
}

cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t start, cudaEvent_t end) {
  const Call call;
  Device& device = Device::get();
  for (const cudaEvent_t event : {start, end}) {
    if (!event->event.timed || event->event.time == nullptr) {
      return device.error(cudaErrorInvalidResourceHandle);
    }
    if (event->event.point.stream->done < event->event.point.count) return cudaErrorNotReady;
  }
  *ms = std::chrono::duration<float, std::milli>(*end->event.time - *start->event.time).count();
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  const Call call;
  Device& device = Device::get();
  return device.error(
      device.streams().begin_capture(stream_of(stream), mode == cudaStreamCaptureModeRelaxed));
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* pGraph) {
  const Call call;
  Device& device = Device::get();
  std::shared_ptr<Graph> graph;
  *pGraph = nullptr;
  const cudaError_t status = device.streams().end_capture(stream_of(stream), &graph);
  if (status == cudaSuccess) *pGraph = new CUgraph_st{std::move(graph)};
  return device.error(status);
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* pCaptureStatus) {
  const Call call;
  const auto& capture = stream_of(stream)->capture;
  *pCaptureStatus = capture == nullptr ? cudaStreamCaptureStatusNone
                    : capture->invalid ? cudaStreamCaptureStatusInvalidated
                                       : cudaStreamCaptureStatusActive;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* pGraphExec, cudaGraph_t graph,
                                 unsigned long long flags) {
  const Call call;
  Device& device = Device::get();
  if (graph == nullptr) return device.error(cudaErrorInvalidValue);
  if (flags != 0) return device.error(cudaErrorNotSupported, "instantiation flags");
  *pGraphExec = new CUgraphExec_st{graph->graph};
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graphExec, cudaStream_t stream) {
  const Call call;
  Device& device = Device::get();
  if (graphExec == nullptr) return device.error(cudaErrorInvalidValue);
  return device.error(
      device.streams().issue(stream_of(stream), [graph = graphExec->graph]() -> cudaError_t {
        for (const Work& work : graph->work) {
          if (const cudaError_t status = work(); status != cudaSuccess) return status;
        }
        return cudaSuccess;
      }));
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  const Call call;
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graphExec) {
  const Call call;
  delete graphExec;
  return cudaSuccess;
}
