// What the opaque handles of the runtime API point to.
#pragma once

#include <memory>

#include "stream.h"

struct CUstream_st {
  std::shared_ptr<reprise::emulation::Stream> stream;
};

struct CUevent_st {
  reprise::emulation::Event event;
};

struct CUgraph_st {
  std::shared_ptr<reprise::emulation::Graph> graph;
};

struct CUgraphExec_st {
  std::shared_ptr<reprise::emulation::Graph> graph;
};

namespace reprise::emulation {

/// The stream behind a handle; the null handle is the legacy default stream.
const std::shared_ptr<Stream>& stream_of(cudaStream_t handle);

}  // namespace reprise::emulation
