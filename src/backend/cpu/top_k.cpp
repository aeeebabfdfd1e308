// Exact search: a scan of quantised vectors that bounds every score from above and below, and exact
// scores for those that the bounds leave.
//
// Let q be a query key and c a candidate, q' and c' what is scanned of them, and let the scan
// compute s for q' . c'. As q . c = q' . c' + q' . (c - c') + (q - q') . c, Cauchy and Schwarz give
//
//   |q . c - s| <= |q'| |c - c'| + |q - q'| |c| + g |q'| |c'|  =: e,     |c'| <= |c| + |c - c'|
//
// where g bounds the relative rounding error of the sum and of the bound itself (rounding_bound; a
// term kUnderflow does for values too small to round that way). With the largest s, |q'| and
// |q - q'| over the keys of a query, s - e <= score <= s + e holds for the score pooled over keys.
// The score that is returned is q . c in double precision, rounded to float; as the upper bound is
// a float, rounding does not lift a score over it.
//
// A query's threshold is the largest value that k candidates' scores are known to reach. A
// candidate whose upper bound is below the threshold is worse than k others and never looked at
// again. All others are kept; where they are too many, they are scored exactly, which leaves k of
// them and raises the threshold as far as it goes. At the end the rest are scored exactly, by
// descending upper bound, until the next upper bound is below the k-th best score. What is left out
// is so proven worse than k others, whatever the data, the precision, the number of threads and the
// order of work; ties are decided among exact scores, by ascending number.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "backend/cpu/candidate_panels.h"
#include "backend/cpu/parallel.h"
#include "backend/cpu/run.h"
#include "backend/cpu/search_panels.h"

namespace reprise::cpu {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Candidates that wait for an exact score, beyond those that are wanted.
constexpr std::size_t kWaiting = 256;
// Panels in a task, at least.
constexpr std::int64_t kPanelsAtLeast = 8;

struct Found {
  std::int64_t id;
  float score;
  std::int32_t key;
};

// Best first; ties by ascending number.
bool better(const Found& a, const Found& b) {
  return a.score > b.score || (a.score == b.score && a.id < b.id);
}

struct Waiting {
  std::int64_t id;
  float upper, lower;  // of its score
};

// Raises a threshold that several threads share.
void raise(std::atomic<float>& threshold, float to) {
  float was = threshold.load(std::memory_order_relaxed);
  while (was < to && !threshold.compare_exchange_weak(was, to, std::memory_order_relaxed)) {
  }
}

// One query of a search.
struct Query {
  const float* keys_at;  // [keys, dims]
  int keys;
  std::int64_t k;
  const Candidates* candidates;

  ExactScore score(std::int64_t id) const {
    return exact_score(keys_at, keys, candidates->vectors + id * candidates->dims,
                       candidates->dims);
  }
};

void drop_below(float threshold, std::vector<Waiting>& waiting) {
  std::erase_if(waiting, [&](const Waiting& w) { return w.upper < threshold; });
}

// Keeps those that may be among the k best, at most k and kWaiting / 2 more.
void narrow(const Query& query, std::atomic<float>& threshold, std::vector<Waiting>& waiting) {
  const auto kth = waiting.begin() + (query.k - 1);
  const auto by_lower = [](const Waiting& a, const Waiting& b) { return a.lower > b.lower; };
  std::nth_element(waiting.begin(), kth, waiting.end(), by_lower);
  raise(threshold, kth->lower);
  drop_below(threshold.load(std::memory_order_relaxed), waiting);
  if (waiting.size() <= static_cast<std::size_t>(query.k) + kWaiting / 2) return;
  for (Waiting& w : waiting)
    if (w.lower < w.upper) w.lower = w.upper = query.score(w.id).score;
  const auto exact_kth = waiting.begin() + (query.k - 1);
  std::nth_element(waiting.begin(), exact_kth, waiting.end(),
                   [](const Waiting& a, const Waiting& b) {
                     return a.lower > b.lower || (a.lower == b.lower && a.id < b.id);
                   });
  raise(threshold, exact_kth->lower);
  waiting.resize(query.k);
}

// The k best of those that wait, best first, into `best` [k].
void settle(const Query& query, std::vector<Waiting>& waiting, std::vector<Found>& best) {
  best.clear();
  std::sort(waiting.begin(), waiting.end(), [](const Waiting& a, const Waiting& b) {
    return a.upper > b.upper || (a.upper == b.upper && a.id < b.id);
  });
  for (const Waiting& w : waiting) {  // a heap, the worst of the best at its front
    const bool full = static_cast<std::int64_t>(best.size()) == query.k;
    if (full && w.upper < best.front().score) break;
    const ExactScore exact = query.score(w.id);
    const Found found{w.id, exact.score, exact.key};
    if (full) {
      if (!better(found, best.front())) continue;
      std::pop_heap(best.begin(), best.end(), better);
      best.back() = found;
    } else {
      best.push_back(found);
    }
    std::push_heap(best.begin(), best.end(), better);
  }
  std::sort_heap(best.begin(), best.end(), better);
  best.resize(query.k, {-1, -kInfinity, 0});
}

}  // namespace

void run(const ops::TopK& op, const Context& context) {
  const Candidates& candidates = op.candidates;
  const int keys = op.keys, k = op.k, threads = context.threads;
  const std::int64_t size = std::int64_t{keys} * candidates.dims;
  const std::int64_t at_once = std::max<std::int64_t>(1, kRowsAtOnce / keys);
  const std::int64_t panels = panels_of(candidates.count);
  const std::int64_t tasks =
      std::clamp(panels / kPanelsAtLeast, std::int64_t{1}, threads > 1 ? kTasksEach * threads : 1);
  const std::size_t room = static_cast<std::size_t>(k) + kWaiting;

  for (std::int64_t first = 0; first < op.queries; first += at_once) {
    const std::int64_t count = std::min(at_once, op.queries - first);
    const auto query = [&](std::int64_t i) {
      return Query{op.q + (first + i) * size, keys, k, &candidates};
    };
    const PackedQueries packed =
        pack_queries({candidates.format, candidates.dims}, op.q + first * size, count, keys);
    std::vector<std::atomic<float>> thresholds(count);
    for (auto& threshold : thresholds) threshold.store(-kInfinity, std::memory_order_relaxed);
    std::vector<std::vector<std::vector<Waiting>>> left(tasks);

    parallel_for(tasks, threads, [&](std::int64_t task, int) {
      CandidatePanels from(candidates);
      std::vector<float> block(packed.rows * kPanel);
      std::vector<std::vector<Waiting>>& waiting = left[task];
      waiting.resize(count);
      PanelBounds bounds;
      for (std::int64_t p = panels * task / tasks; p < panels * (task + 1) / tasks; ++p) {
        const std::uint32_t* panel = from.get(p);
        score_panel(from.layout(), panel, packed, from.scratch(), block.data());
        for (std::int64_t i = 0; i < count; ++i) {
          std::uint32_t reach =
              may_reach(thresholds[i].load(std::memory_order_relaxed),
                        block.data() + i * keys * kPanel, keys, panel, packed.bounds[i], bounds);
          for (; reach != 0; reach &= reach - 1) {
            const int lane = __builtin_ctz(reach);
            const std::int64_t id = p * kPanel + lane;
            if (id >= candidates.count) break;
            const bool known = bounds.lower[lane] <= bounds.upper[lane];
            waiting[i].push_back({id, known ? bounds.upper[lane] : kInfinity,
                                  known ? bounds.lower[lane] : -kInfinity});
            if (waiting[i].size() >= room) narrow(query(i), thresholds[i], waiting[i]);
          }
        }
      }
      for (std::int64_t i = 0; i < count; ++i) waiting[i].shrink_to_fit();
    });

    parallel_for(count, threads, [&](std::int64_t i, int) {
      std::vector<Waiting> all;
      for (auto& of_task : left)
        if (!of_task.empty()) all.insert(all.end(), of_task[i].begin(), of_task[i].end());
      drop_below(thresholds[i].load(std::memory_order_relaxed), all);
      std::vector<Found> best;
      settle(query(i), all, best);
      for (int rank = 0; rank < k; ++rank) {
        const std::int64_t at = (first + i) * k + rank;
        op.ids[at] = best[rank].id;
        op.scores[at] = best[rank].score;
        op.best_key[at] = best[rank].key;
      }
    });
  }
}

}  // namespace reprise::cpu
