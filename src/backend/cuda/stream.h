#pragma once

#include <cuda_runtime_api.h>

#include <utility>

namespace reprise::cuda {

class Event;

/// A queue of work that waits for no other.
class Stream {
 public:
  Stream();
  Stream(Stream&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)) {}
  Stream& operator=(Stream&& other) noexcept {
    std::swap(stream_, other.stream_);
    return *this;
  }
  ~Stream();

  cudaStream_t get() const { return stream_; }
  /// Returns when all that was queued is done.
  void wait() const;
  /// What is queued from here on waits until `event` is reached.
  void wait(const Event& event) const;

 private:
  cudaStream_t stream_ = nullptr;
};

/// A place in a stream.
class Event {
 public:
  Event();
  Event(Event&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
  Event& operator=(Event&& other) noexcept {
    std::swap(event_, other.event_);
    return *this;
  }
  ~Event();

  cudaEvent_t get() const { return event_; }
  void record(const Stream& stream);
  /// Returns when the stream has come to where it was last recorded; at once if it never was.
  void wait() const;

 private:
  cudaEvent_t event_ = nullptr;
};

/// What a stream was asked for between begin_capture() and end_capture(), to be run again.
class Graph {
 public:
  Graph() = default;
  Graph(Graph&& other) noexcept : graph_(std::exchange(other.graph_, nullptr)) {}
  Graph& operator=(Graph&& other) noexcept {
    std::swap(graph_, other.graph_);
    return *this;
  }
  ~Graph();

  /// Calls `work`, which only queues work on the stream, and keeps what it queued.
  template <typename Work>
  static Graph capture(const Stream& stream, Work&& work) {
    Capture capture(stream);
    work();
    return capture.end();
  }

  void launch(const Stream& stream) const;

 private:
  // Ends the capture of a stream also where the work throws.
  class Capture {
   public:
    explicit Capture(const Stream& stream);
    ~Capture();
    Graph end();

   private:
    cudaStream_t stream_;
  };

  cudaGraphExec_t graph_ = nullptr;
};

}  // namespace reprise::cuda
