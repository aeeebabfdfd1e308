// Exact search: blocks of queries against blocks of candidates through BLAS, the keys of a query
// pooled at once, the best k kept in a heap.

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "backend/cpu/gemm.h"
#include "backend/cpu/ops.h"

namespace reprise::cpu {
namespace {

constexpr std::int64_t kCandidateBlock = 1024;
constexpr std::int64_t kQueryRows = 192;  // query keys in a block of scores

// scores [rows, count] of query keys against candidates first .. first + count.
void score_block(const float* q, std::int64_t rows, const float* c, std::int64_t first,
                 std::int64_t count, int dims, const float* bias, std::vector<float>& scores) {
  scores.resize(rows * count);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<blasint>(rows),
              static_cast<blasint>(count), dims, 1.0f, q, dims, c + first * dims, dims, 0.0f,
              scores.data(), static_cast<blasint>(count));
  if (!bias) return;
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t i = 0; i < count; ++i) scores[r * count + i] += bias[first + i];
}

struct Found {
  float score;
  std::int64_t id;
  std::int32_t key;
};

// Best first; ties by ascending number.
bool better(const Found& a, const Found& b) {
  return a.score > b.score || (a.score == b.score && a.id < b.id);
}

}  // namespace

void similarities(const float* q, std::int64_t queries, int keys, const float* c,
                  std::int64_t candidates, int dims, const float* bias, int threads, float* out) {
  const std::int64_t blocks = (candidates + kCandidateBlock - 1) / kCandidateBlock;
  const std::int64_t per_block = std::max<std::int64_t>(1, kQueryRows / keys);
  const std::int64_t query_blocks = (queries + per_block - 1) / per_block;
  std::vector<std::vector<float>> scratch(threads);
  parallel_for(blocks * query_blocks, threads, [&](std::int64_t task, int member) {
    const std::int64_t first = task % blocks * kCandidateBlock;
    const std::int64_t count = std::min(kCandidateBlock, candidates - first);
    const std::int64_t query = task / blocks * per_block;
    const std::int64_t some = std::min(per_block, queries - query);
    std::vector<float>& scores = scratch[member];
    score_block(q + query * keys * dims, some * keys, c, first, count, dims, bias, scores);
    for (std::int64_t i = 0; i < some; ++i) {
      float* to = out + (query + i) * candidates + first;
      std::memcpy(to, &scores[i * keys * count], count * sizeof(float));
      for (int key = 1; key < keys; ++key) {
        const float* from = &scores[(i * keys + key) * count];
        for (std::int64_t j = 0; j < count; ++j) to[j] = std::max(to[j], from[j]);
      }
    }
  });
}

void top_k(const float* q, std::int64_t queries, int keys, const float* c, std::int64_t candidates,
           int dims, int k, int threads, std::int64_t* ids, float* scores, std::int32_t* best_key) {
  const std::int64_t per_block = std::max<std::int64_t>(1, kQueryRows / keys);
  const std::int64_t query_blocks = (queries + per_block - 1) / per_block;
  parallel_for(query_blocks, threads, [&](std::int64_t task, int) {
    const std::int64_t query = task * per_block;
    const std::int64_t some = std::min(per_block, queries - query);
    std::vector<float> block;
    std::vector<std::vector<Found>> heaps(some);  // worst of the best at the front
    for (std::int64_t first = 0; first < candidates; first += kCandidateBlock) {
      const std::int64_t count = std::min(kCandidateBlock, candidates - first);
      score_block(q + query * keys * dims, some * keys, c, first, count, dims, nullptr, block);
      for (std::int64_t i = 0; i < some; ++i) {
        std::vector<Found>& heap = heaps[i];
        for (std::int64_t j = 0; j < count; ++j) {
          Found found{-std::numeric_limits<float>::infinity(), first + j, 0};
          for (int key = 0; key < keys; ++key) {
            const float score = block[(i * keys + key) * count + j];
            if (score > found.score) found.score = score, found.key = key;
          }
          if (static_cast<int>(heap.size()) < k) {
            heap.push_back(found);
            std::push_heap(heap.begin(), heap.end(), better);
          } else if (better(found, heap.front())) {
            std::pop_heap(heap.begin(), heap.end(), better);
            heap.back() = found;
            std::push_heap(heap.begin(), heap.end(), better);
          }
        }
      }
    }
    for (std::int64_t i = 0; i < some; ++i) {
      std::vector<Found>& heap = heaps[i];
      std::sort_heap(heap.begin(), heap.end(), better);
      heap.resize(k, {-std::numeric_limits<float>::infinity(), -1, 0});
      for (int r = 0; r < k; ++r) {
        const std::int64_t at = (query + i) * k + r;
        ids[at] = heap[r].id;
        scores[at] = heap[r].score;
        best_key[at] = heap[r].key;
      }
    }
  });
}

}  // namespace reprise::cpu
