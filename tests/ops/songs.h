#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "chroma_layouts.h"
#include "reprise/backend.h"

namespace reprise::ops_test {

/// Chroma of some songs on a back end, its rows further apart than their values where `apart` says.
class DeviceSongs {
 public:
  DeviceSongs(Backend& backend, const std::vector<float>& chroma, int bands,
              const std::vector<Excerpt>& excerpts, int apart,
              ChromaType type = ChromaType::float32)
      : layout_(chroma, bands, type, apart),
        values_(backend, std::span(static_cast<const std::uint8_t*>(layout_.view().data), bytes())),
        excerpts_(backend, std::span<const Excerpt>(excerpts)) {
    for (const Excerpt& e : excerpts) longest_ = std::max<std::int64_t>(longest_, e.frames);
  }
  SongBatch batch() const {
    ChromaView view = layout_.view();
    view.data = values_.data();
    return {view, excerpts_.data(), excerpts_.size(), longest_};
  }

 private:
  std::size_t bytes() const {
    const ChromaView view = layout_.view();
    const std::int64_t values = (view.frames - 1) * view.stride + view.width();
    return static_cast<std::size_t>(values) * (view.type == ChromaType::uint8 ? 1 : sizeof(float));
  }

  ChromaLayout layout_;
  Buffer<std::uint8_t> values_;
  Buffer<Excerpt> excerpts_;
  std::int64_t longest_ = 0;
};

}  // namespace reprise::ops_test
