// Streams, events and captured graphs. Work is queued and runs only when the host waits for it, and
// then only as much as it waits for: a host buffer that is reused too early, or a missing wait
// between streams, shows in the results.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "emulation/runtime_types.h"

namespace reprise::emulation {

using Work = std::function<cudaError_t()>;

struct Stream;

/// "The first `count` operations of `stream` have run."
struct Point {
  std::shared_ptr<Stream> stream;
  std::uint64_t count = 0;
};

struct Operation {
  Work work;
  std::vector<Point> after;
};

/// What a capture recorded, in issue order, which respects every dependency.
struct Graph {
  struct Joined {
    std::shared_ptr<Stream> stream;
    std::uint64_t issued = 0;  // operations it added to the graph
    std::uint64_t waited = 0;  // of them, those that another captured stream waits for
  };
  std::shared_ptr<Stream> origin;
  std::vector<Joined> streams;
  std::vector<Work> work;
  bool invalid = false;
  bool relaxed = false;  // calls that might wait for the device are allowed meanwhile
};

struct Stream {
  bool blocking = true;  // synchronises with the legacy default stream
  std::deque<Operation> queue;
  std::uint64_t issued = 0;
  std::uint64_t done = 0;
  std::shared_ptr<Graph> capture;
};

struct Event {
  bool timed = true;
  Point point;                     // last recorded
  std::shared_ptr<Graph> capture;  // set if it was recorded in a capture
  std::shared_ptr<std::chrono::steady_clock::time_point> time;
};

class StreamSet {
 public:
  StreamSet();

  const std::shared_ptr<Stream>& legacy() const { return legacy_; }
  std::shared_ptr<Stream> create(bool blocking);
  void remove(const std::shared_ptr<Stream>& stream);

  /// Queues work on the stream, or adds it to the stream's capture.
  cudaError_t issue(const std::shared_ptr<Stream>& stream, Work work,
                    std::vector<Point> after = {});

  /// Runs what is needed for the point to be reached.
  cudaError_t run_until(Point point);
  cudaError_t run_one(const std::shared_ptr<Stream>& stream);
  cudaError_t run_all();
  void drop_all();

  bool capturing() const;
  bool capturing_strictly() const;  // in another mode than relaxed

  cudaError_t begin_capture(const std::shared_ptr<Stream>& stream, bool relaxed);
  cudaError_t end_capture(const std::shared_ptr<Stream>& stream, std::shared_ptr<Graph>* graph);

  cudaError_t record(Event& event, const std::shared_ptr<Stream>& stream);
  cudaError_t wait(const std::shared_ptr<Stream>& stream, const Event& event);

 private:
  std::shared_ptr<Stream> legacy_;
  std::vector<std::shared_ptr<Stream>> streams_;
};

}  // namespace reprise::emulation
