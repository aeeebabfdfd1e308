#include "backend/cuda/stream.h"

#include "check.h"

namespace reprise::cuda {

Stream::Stream() {
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
}

Stream::~Stream() {
  if (stream_) cudaStreamDestroy(stream_);
}

void Stream::wait() const {
  check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
}

void Stream::wait(const Event& event) const {
  check(cudaStreamWaitEvent(stream_, event.get()), "cudaStreamWaitEvent");
}

Event::Event() {
  check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "cudaEventCreateWithFlags");
}

Event::~Event() {
  if (event_) cudaEventDestroy(event_);
}

void Event::record(const Stream& stream) {
  check(cudaEventRecord(event_, stream.get()), "cudaEventRecord");
}

void Event::wait() const {
  check(cudaEventSynchronize(event_), "cudaEventSynchronize");
}

Graph::~Graph() {
  if (graph_) cudaGraphExecDestroy(graph_);
}

void Graph::launch(const Stream& stream) const {
  check(cudaGraphLaunch(graph_, stream.get()), "cudaGraphLaunch");
}

// Relaxed: scratch memory may be taken meanwhile, on another stream.
Graph::Capture::Capture(const Stream& stream) : stream_(stream.get()) {
  check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeRelaxed), "cudaStreamBeginCapture");
}

Graph::Capture::~Capture() {
  if (!stream_) return;
  cudaGraph_t unfinished = nullptr;
  cudaStreamEndCapture(stream_, &unfinished);
  if (unfinished) cudaGraphDestroy(unfinished);
}

Graph Graph::Capture::end() {
  cudaGraph_t captured = nullptr;
  check(cudaStreamEndCapture(std::exchange(stream_, nullptr), &captured), "cudaStreamEndCapture");
  Graph result;
  const cudaError_t status = cudaGraphInstantiate(&result.graph_, captured, 0);
  cudaGraphDestroy(captured);
  check(status, "cudaGraphInstantiate");
  return result;
}

}  // namespace reprise::cuda
