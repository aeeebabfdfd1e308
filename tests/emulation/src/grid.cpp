#include "grid.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "emulation/device_functions.h"
#include "sanitizer.h"
#include "warp_operation.h"

constinit thread_local uint3 threadIdx{};
constinit thread_local uint3 blockIdx{};
constinit thread_local dim3 blockDim{};
constinit thread_local dim3 gridDim{};

namespace reprise::emulation {
namespace {

Grid* running_grid = nullptr;
char launch_token, finish_token, fence_token;

std::string to_string(uint3 v) {
  return "(" + std::to_string(v.x) + "," + std::to_string(v.y) + "," + std::to_string(v.z) + ")";
}

bool same(const Site& a, const Site& b) {
  return a.line() == b.line() && a.column() == b.column() &&
         std::string_view(a.file_name()) == b.file_name();
}

uint3 position_of(std::uint64_t index, dim3 extent) {
  return {static_cast<unsigned int>(index % extent.x),
          static_cast<unsigned int>(index / extent.x % extent.y),
          static_cast<unsigned int>(index / extent.x / extent.y)};
}

std::uint32_t bit(int lane) {
  return std::uint32_t{1} << lane;
}

}  // namespace

Grid* Grid::running() {
  return running_grid;
}

std::string Grid::run(const KernelLaunch& launch, const std::string& name, Schedule schedule) {
  launch_ = &launch;
  name_ = name;
  schedule_ = schedule;
  random_.seed(schedule.seed);
  report_.clear();
  failure_ = {};
  const dim3 grid = launch.config.gridDim, block = launch.config.blockDim;
  gridDim = grid;
  blockDim = block;
  count_ = static_cast<int>(block.x * block.y * block.z);
  running_grid = this;
  std::uint64_t parity = 0;
  for (std::uint64_t index : block_order(std::uint64_t{grid.x} * grid.y * grid.z)) {
    threads_ = &sets_[parity++ % 2];
    run_block(position_of(index, grid));
    if (!report_.empty()) break;
  }
  acquire(&finish_token);
  running_grid = nullptr;
  return report_;
}

std::vector<std::uint64_t> Grid::block_order(std::uint64_t blocks) {
  std::vector<std::uint64_t> order(blocks);
  std::iota(order.begin(), order.end(), std::uint64_t{0});
  if (schedule_.order == Order::reverse) std::reverse(order.begin(), order.end());
  if (schedule_.order == Order::random || schedule_.order == Order::warp_skew) {
    std::shuffle(order.begin(), order.end(), random_);
  }
  return order;
}

void Grid::run_block(uint3 block) {
  blockIdx = block;
  shared_.start_block(launch_->config.dynamicSmemBytes);
  start_threads();
  release(&launch_token);
  while (live_ > 0 && report_.empty()) {
    const int next = next_thread();
    if (next < 0) {
      report_ = "kernel " + name_ + ", block " + to_string(blockIdx) + ": " + stuck();
      break;
    }
    current_ = next;
    warps_[next / kWarp].ready &= ~bit(next % kWarp);
    threadIdx = (*threads_)[next].position;
    (*threads_)[next].fiber->resume();
    if (failure_.fault != Fault::none) report_ = where() + ": " + describe(failure_);
  }
  current_ = -1;
  if (report_.empty()) {
    const std::string overrun = shared_.overrun();
    if (!overrun.empty()) {
      report_ = "kernel " + name_ + ", block " + to_string(blockIdx) + ": " + overrun;
    }
  }
  if (!report_.empty()) {
    for (int t = 0; t < count_; ++t) {
      if (warps_[t / kWarp].live & bit(t % kWarp)) (*threads_)[t].fiber->restart();
    }
  }
}

void Grid::start_threads() {
  threads_->reserve(kMaxThreads);  // fibers keep the address of their thread
  while (static_cast<int>(threads_->size()) < count_) {
    Thread& thread = threads_->emplace_back();
    thread.grid = this;
    thread.fiber = std::make_unique<Fiber>(&Grid::thread_main, &thread);
  }
  warps_.assign((count_ + kWarp - 1) / kWarp, Warp{});
  for (int t = 0; t < count_; ++t) {
    (*threads_)[t].position = position_of(t, launch_->config.blockDim);
    warps_[t / kWarp].live |= bit(t % kWarp);
  }
  for (Warp& warp : warps_) warp.ready = warp.live;
  warp_order_.resize(warps_.size());
  std::iota(warp_order_.begin(), warp_order_.end(), 0);
  std::shuffle(warp_order_.begin(), warp_order_.end(), random_);
  live_ = count_;
  arrived_ = 0;
  cursor_ = schedule_.order == Order::reverse ? count_ : -1;
}

int Grid::next_thread() {
  const int warps = static_cast<int>(warps_.size());
  const auto after = [&](int start) {  // the first ready thread from `start` on, going round
    for (int step = 0; step <= warps; ++step) {
      const int warp = (start / kWarp + step) % warps;
      std::uint32_t ready = warps_[warp].ready;
      if (step == 0) ready &= ~std::uint32_t{0} << (start % kWarp);
      if (ready != 0) return warp * kWarp + std::countr_zero(ready);
    }
    return -1;
  };
  const auto before = [&](int start) {
    for (int step = 0; step <= warps; ++step) {
      const int warp = (start / kWarp - step + 2 * warps) % warps;
      std::uint32_t ready = warps_[warp].ready;
      if (step == 0) ready &= ~std::uint32_t{0} >> (kWarp - 1 - start % kWarp);
      if (ready != 0) return warp * kWarp + kWarp - 1 - std::countl_zero(ready);
    }
    return -1;
  };
  switch (schedule_.order) {
    case Order::in_order:
      return cursor_ = after((cursor_ + 1) % count_);
    case Order::reverse:
      return cursor_ = before((cursor_ + count_ - 1) % count_);
    case Order::random:
      return after(static_cast<int>(random_() % count_));
    case Order::warp_skew:
      for (int warp : warp_order_) {
        const std::uint32_t ready = warps_[warp].ready;
        if (ready == 0) continue;
        const int turn = static_cast<int>(random_() % kWarp);
        return warp * kWarp + (turn + std::countr_zero(std::rotr(ready, turn))) % kWarp;
      }
      return -1;
  }
  return -1;
}

void Grid::thread_main(void* argument) {
  Thread& thread = *static_cast<Thread*>(argument);
  for (;;) {
    acquire(&launch_token);
    thread.grid->launch_->body();
    release(&finish_token);
    thread.grid->exit_thread();
    thread.fiber->yield();
  }
}

void Grid::exit_thread() {
  Warp& warp = warps_[current_ / kWarp];
  warp.live &= ~bit(lane());
  --live_;
  for (std::uint32_t rest = warp.waiting; rest != 0; rest &= rest - 1) {
    const WarpRequest& request = warp.requests[std::countr_zero(rest)];
    if (request.mask & bit(lane())) {
      failure_ = {.fault = Fault::exit, .there = request.site, .other = std::countr_zero(rest)};
      return;
    }
  }
  open_barrier_if_complete();
}

int Grid::barrier(Vote vote, int predicate, Site site) {
  if (arrived_ == 0) {
    vote_ = vote;
    barrier_site_ = site;
    first_arrival_ = current_;
    votes_ = 0;
    barrier_token_ = shared_.next_token();
  } else if (vote != vote_ || !same(site, barrier_site_)) {
    fail({.fault = Fault::divergent_barrier,
          .here = site,
          .there = barrier_site_,
          .other = first_arrival_});
  }
  void* token = barrier_token_;
  release(token);
  ++arrived_;
  votes_ += predicate != 0;
  Warp& warp = warps_[current_ / kWarp];
  warp.at_barrier |= bit(lane());
  open_barrier_if_complete();
  if (warp.at_barrier & bit(lane())) {
    (*threads_)[current_].fiber->yield();
  } else {
    warp.ready &= ~bit(lane());  // the last to arrive goes on at once
  }
  acquire(token);
  return outcome_;
}

void Grid::open_barrier_if_complete() {
  if (arrived_ == 0 || arrived_ < live_) return;
  outcome_ = vote_ == Vote::count ? votes_
             : vote_ == Vote::all ? votes_ == arrived_
             : vote_ == Vote::any ? votes_ > 0
                                  : 0;
  arrived_ = 0;
  for (Warp& warp : warps_) {
    warp.ready |= warp.at_barrier;
    warp.at_barrier = 0;
  }
}

std::uint64_t Grid::collective(const WarpRequest& request) {
  Warp& warp = warps_[current_ / kWarp];
  const int self = lane();
  if (!(request.mask & bit(self))) {
    fail({.fault = Fault::outside_mask, .here = request.site});
  }
  if (const std::uint32_t absent = request.mask & ~warp.live; absent != 0) {
    fail({.fault = Fault::absent_lane, .here = request.site, .other = std::countr_zero(absent)});
  }
  void* token = nullptr;
  for (std::uint32_t rest = warp.waiting; rest != 0; rest &= rest - 1) {
    const int other = std::countr_zero(rest);
    const WarpRequest& theirs = warp.requests[other];
    if (!(theirs.mask & request.mask)) continue;
    if (theirs.mask != request.mask || theirs.op != request.op ||
        !same(theirs.site, request.site)) {
      fail({.fault = Fault::divergent_warp,
            .here = request.site,
            .there = theirs.site,
            .other = other,
            .same_mask = theirs.mask == request.mask});
    }
    token = warp.tokens[other];
  }
  if (token == nullptr) token = shared_.next_token();
  if (request.op == WarpOp::sync) release(token);
  warp.requests[self] = request;
  warp.tokens[self] = token;
  warp.waiting |= bit(self);
  if ((warp.waiting & request.mask) == request.mask) {
    complete(warp, request.mask);
    warp.ready |= request.mask & ~bit(self);
  } else {
    (*threads_)[current_].fiber->yield();
  }
  if (request.op == WarpOp::sync) acquire(token);
  return warp.results[self];
}

void Grid::complete(Warp& warp, std::uint32_t mask) {
  warp.waiting &= ~mask;
  for (std::uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const int reader = std::countr_zero(rest);
    const WarpRequest& request = warp.requests[reader];
    if (request.op == WarpOp::shuffle && !(mask & bit(request.source & (kWarp - 1)))) {
      fail({.fault = Fault::foreign_source,
            .here = request.site,
            .other = request.source,
            .lane = reader});
    }
  }
  combine(warp.requests, mask, warp.results);
}

void* Grid::shared(const void* key, std::size_t bytes, std::size_t alignment) {
  void* array = shared_.find_or_make(key, bytes, alignment);
  if (array == nullptr) {
    fail({.fault = Fault::shared_memory});
  }
  return array;
}

std::string Grid::where() const {
  std::string text = "kernel " + name_ + ", block " + to_string(blockIdx);
  return current_ < 0 ? text : text + ", thread " + to_string((*threads_)[current_].position);
}

std::string Grid::stuck() const {
  std::string text = "stuck: ";
  if (arrived_ > 0) {
    text += std::to_string(arrived_) + " threads wait at the barrier at " +
            describe(barrier_site_) + "; ";
  }
  for (std::size_t w = 0; w < warps_.size(); ++w) {
    if (warps_[w].waiting == 0) continue;
    const int lane = std::countr_zero(warps_[w].waiting);
    text += std::to_string(std::popcount(warps_[w].waiting)) + " lanes of warp " +
            std::to_string(w) + " wait in the warp operation at " +
            describe(warps_[w].requests[lane].site) + "; ";
  }
  return text + "nobody can go on";
}

void Grid::fail(const Failure& failure) {
  failure_ = failure;
  (*threads_)[current_].fiber->yield();
  __builtin_unreachable();
}

// Hooks

int block_barrier(Vote vote, int predicate, Site site) {
  return running_grid->barrier(vote, predicate, site);
}

std::uint64_t warp_collective(const WarpRequest& request) {
  return running_grid->collective(request);
}

int lane_index() {
  return running_grid->lane();
}

void memory_fence() {
  acquire(&fence_token);
  release(&fence_token);
}

void* static_shared(const void* key, std::size_t bytes, std::size_t alignment) {
  return running_grid->shared(key, bytes, alignment);
}

void* dynamic_shared() {
  return running_grid->dynamic_shared();
}

void fail_kernel(const char* message, Site site) {
  running_grid->fail({.fault = Fault::message, .here = site, .text = message});
}

}  // namespace reprise::emulation
