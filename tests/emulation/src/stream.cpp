#include "stream.h"

#include <algorithm>

namespace reprise::emulation {
namespace {

Graph::Joined& part_of(Graph& graph, const std::shared_ptr<Stream>& stream) {
  for (Graph::Joined& joined : graph.streams) {
    if (joined.stream == stream) return joined;
  }
  return graph.streams.emplace_back(Graph::Joined{stream});
}

}  // namespace

StreamSet::StreamSet() : legacy_(std::make_shared<Stream>()) {}

std::shared_ptr<Stream> StreamSet::create(bool blocking) {
  auto stream = std::make_shared<Stream>();
  stream->blocking = blocking;
  streams_.push_back(stream);
  return stream;
}

void StreamSet::remove(const std::shared_ptr<Stream>& stream) {
  std::erase(streams_, stream);
}

bool StreamSet::capturing() const {
  return std::any_of(streams_.begin(), streams_.end(),
                     [](const auto& stream) { return stream->capture != nullptr; });
}

bool StreamSet::capturing_strictly() const {
  return std::any_of(streams_.begin(), streams_.end(), [](const auto& stream) {
    return stream->capture != nullptr && !stream->capture->relaxed;
  });
}

cudaError_t StreamSet::issue(const std::shared_ptr<Stream>& stream, Work work,
                             std::vector<Point> after) {
  if (stream->capture != nullptr) {
    if (stream->capture->invalid) return cudaErrorStreamCaptureInvalidated;
    ++part_of(*stream->capture, stream).issued;
    stream->capture->work.push_back(std::move(work));
    return cudaSuccess;
  }
  if (stream == legacy_) {
    if (capturing()) return cudaErrorStreamCaptureImplicit;
    for (const auto& other : streams_) {
      if (other->blocking) after.push_back({other, other->issued});
    }
  } else if (stream->blocking) {
    after.push_back({legacy_, legacy_->issued});
  }
  stream->queue.push_back({std::move(work), std::move(after)});
  ++stream->issued;
  return cudaSuccess;
}

cudaError_t StreamSet::run_one(const std::shared_ptr<Stream>& stream) {
  if (stream->queue.empty()) return cudaSuccess;
  Operation operation = std::move(stream->queue.front());
  stream->queue.pop_front();
  for (const Point& point : operation.after) {
    if (const cudaError_t status = run_until(point); status != cudaSuccess) return status;
  }
  const cudaError_t status = operation.work();
  ++stream->done;
  return status;
}

cudaError_t StreamSet::run_until(Point point) {
  while (point.stream->done < point.count && !point.stream->queue.empty()) {
    if (const cudaError_t status = run_one(point.stream); status != cudaSuccess) return status;
  }
  return cudaSuccess;
}

cudaError_t StreamSet::run_all() {
  const auto streams = streams_;
  for (const auto& stream : streams) {
    const cudaError_t status = run_until({stream, stream->issued});
    if (status != cudaSuccess) return status;
  }
  return run_until({legacy_, legacy_->issued});
}

void StreamSet::drop_all() {
  for (const auto& stream : streams_) {
    stream->queue.clear();
    stream->done = stream->issued;
    stream->capture = nullptr;
  }
  legacy_->queue.clear();
  legacy_->done = legacy_->issued;
}

cudaError_t StreamSet::begin_capture(const std::shared_ptr<Stream>& stream, bool relaxed) {
  if (stream == legacy_) return cudaErrorStreamCaptureUnsupported;
  if (stream->capture != nullptr) return cudaErrorInvalidValue;
  stream->capture = std::make_shared<Graph>();
  stream->capture->origin = stream;
  stream->capture->relaxed = relaxed;
  return cudaSuccess;
}

cudaError_t StreamSet::end_capture(const std::shared_ptr<Stream>& stream,
                                   std::shared_ptr<Graph>* graph) {
  const std::shared_ptr<Graph> capture = stream->capture;
  if (capture == nullptr) return cudaErrorInvalidValue;
  if (capture->origin != stream) return cudaErrorStreamCaptureUnmatched;
  stream->capture = nullptr;
  bool joined = true;
  for (const Graph::Joined& part : capture->streams) {
    if (part.stream == stream) continue;
    part.stream->capture = nullptr;
    joined = joined && part.waited == part.issued;
  }
  capture->streams.clear();
  capture->origin = nullptr;
  if (capture->invalid) return cudaErrorStreamCaptureInvalidated;
  if (!joined) return cudaErrorStreamCaptureUnjoined;
  *graph = capture;
  return cudaSuccess;
}

cudaError_t StreamSet::record(Event& event, const std::shared_ptr<Stream>& stream) {
  event.capture = stream->capture;
  if (event.capture != nullptr) {
    event.point = {stream, part_of(*event.capture, stream).issued};
    return cudaSuccess;
  }
  auto time = std::make_shared<std::chrono::steady_clock::time_point>();
  const cudaError_t status = issue(stream, [time] {
    *time = std::chrono::steady_clock::now();
    return cudaSuccess;
  });
  event.time = std::move(time);
  event.point = {stream, stream->issued};
  return status;
}

cudaError_t StreamSet::wait(const std::shared_ptr<Stream>& stream, const Event& event) {
  if (event.capture != nullptr) {
    if (event.capture->origin == nullptr) return cudaErrorInvalidValue;  // its capture is over
    if (stream->capture != nullptr && stream->capture != event.capture) {
      return cudaErrorInvalidValue;
    }
    if (stream->capture == nullptr) {
      stream->capture = event.capture;
      ++part_of(*event.capture, stream).issued;  // the join itself must be waited for
    }
    Graph::Joined& source = part_of(*event.capture, event.point.stream);
    source.waited = std::max(source.waited, event.point.count);
    return cudaSuccess;
  }
  if (event.point.stream == nullptr) return cudaSuccess;  // never recorded: nothing to wait for
  if (stream->capture != nullptr) return cudaErrorStreamCaptureUnsupported;
  return issue(stream, [] { return cudaSuccess; }, {event.point});
}

}  // namespace reprise::emulation
