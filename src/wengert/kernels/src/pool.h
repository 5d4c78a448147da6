// A fork-safe pool of threads.  parallel_for(n, f) calls f(i) for every i below n, on the caller and on workers.
//
// - Which pieces there are never depends on the number of threads, so results do not either.
// - Each thread begins with a range of pieces of its own, the same in every call: what one operator has written there is still
//   in the cache of this core when the next one reads it.  Then it takes what is left of the others' ranges.
// - The caller works too and never waits for a worker that has not begun: on a busy machine this is at worst a serial loop.
// - A call from inside a piece, or while another thread has the pool, runs serially.
// - Workers do not survive a fork.  The child starts its own, where a child of OpenMP's pool would wait for ever.
// - The pool is never destroyed: at the end of the process workers may still sleep in it.
#pragma once
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>
#ifndef _WIN32
#include <pthread.h>
#endif
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace wengert {

using Index = std::ptrdiff_t;

constexpr Index PIECE = 16384;  // elements worked on before a thread looks for more

inline Index pieces(Index count, Index per) { return (count + per - 1) / per; }

inline void cpu_relax() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Of the calling thread; no other has it or had it, even after this one is gone.
inline long number_of_thread() {
  static std::atomic<long> last{0};
  static thread_local const long own = ++last;
  return own;
}

class Pool {
 public:
  using Piece = void (*)(const void* context, Index i);

  void run(Index count, Piece piece, const void* context) {
    if (wanted_ < 2 || count < 2 || !job_.try_lock()) {
      for (Index i = 0; i < count; i++) piece(context, i);
      return;
    }
    start_workers();
    piece_ = piece;
    context_ = context;
    for (int t = 0; t < wanted_; t++) {
      ranges_[t].next.store(count * t / wanted_, std::memory_order_relaxed);
      ranges_[t].end = count * (t + 1) / wanted_;
    }
    open_.store(true);
    bool wake;
    {
      std::lock_guard<std::mutex> lock(sleep_);
      epoch_.fetch_add(1);
      wake = sleepers_ > 0;
    }
    if (wake) awake_.notify_all();
    drain(0);
    open_.store(false);
    while (inside_.load(std::memory_order_acquire)) cpu_relax();
    job_.unlock();
  }

  int threads() const { return wanted_; }

  void set_threads(int wanted) {
    std::lock_guard<std::mutex> job(job_);
    stop_workers();
    wanted_ = wanted < 1 ? 1 : wanted;
    ranges_ = std::vector<Range>(wanted_);
  }

 private:
  // About 50 us: longer than the gap between two operators of one program, shorter than a time slice.  Then so often again
  // with the core offered to others in between (BLAS has threads, too), since to be woken takes as long.
  static constexpr int spins_before_yield = 1000, yields_before_sleep = 10;

  void start_workers() {
    while (static_cast<int>(workers_.size()) < wanted_ - 1) {
      try {
        const int own = static_cast<int>(workers_.size()) + 1;
        workers_.emplace_back([this, own] { work(own); });
      } catch (const std::system_error&) {  // no more threads in this process: go on with those there are
        wanted_ = static_cast<int>(workers_.size()) + 1;
      }
    }
  }

  void stop_workers() {
    {
      std::lock_guard<std::mutex> lock(sleep_);
      stop_.store(true);
    }
    awake_.notify_all();
    for (auto& worker : workers_) worker.join();
    workers_.clear();
    stop_.store(false);
  }

  void drain(int own) {
    for (int t = 0; t < wanted_; t++) {
      Range& range = ranges_[(own + t) % wanted_];
      for (Index i; (i = range.next.fetch_add(1, std::memory_order_relaxed)) < range.end;) piece_(context_, i);
    }
  }

  void work(int own) {
    unsigned long seen = 0;
    for (;;) {
      for (int spin = 1; epoch_.load(std::memory_order_acquire) == seen && !stop_.load(); spin++) {
        if (spin % spins_before_yield != 0) {
          cpu_relax();
        } else if (spin < spins_before_yield * yields_before_sleep) {
          std::this_thread::yield();
        } else {
          std::unique_lock<std::mutex> lock(sleep_);
          sleepers_++;
          awake_.wait(lock, [&] { return epoch_.load() != seen || stop_.load(); });
          sleepers_--;
        }
      }
      if (stop_.load()) return;
      seen = epoch_.load(std::memory_order_acquire);
      // Entering before looking: whoever closes the job waits until nobody is inside.
      inside_.fetch_add(1);
      if (open_.load()) drain(own);
      inside_.fetch_sub(1, std::memory_order_release);
    }
  }

  struct alignas(64) Range {
    std::atomic<Index> next{0};
    Index end = 0;
  };

  std::mutex job_, sleep_;
  std::condition_variable awake_;
  std::vector<std::thread> workers_;
  int sleepers_ = 0;
  std::atomic<int> wanted_{static_cast<int>(std::thread::hardware_concurrency()) > 0
                               ? static_cast<int>(std::thread::hardware_concurrency())
                               : 1};
  std::vector<Range> ranges_ = std::vector<Range>(wanted_);
  std::atomic<Index> inside_{0};
  std::atomic<unsigned long> epoch_{0};
  std::atomic<bool> open_{false}, stop_{false};
  Piece piece_ = nullptr;
  const void* context_ = nullptr;
};

inline Pool*& pool_pointer() {
  static Pool* pool = nullptr;
  return pool;
}

// The child of a fork has no workers and maybe a locked mutex: it leaves the old pool where it is and makes another.
inline void replace_pool_after_fork() {
  int threads = pool_pointer()->threads();
  pool_pointer() = new Pool;
  pool_pointer()->set_threads(threads);
}

inline Pool& pool() {
  static bool ready = [] {
    pool_pointer() = new Pool;
#ifndef _WIN32
    pthread_atfork(nullptr, nullptr, replace_pool_after_fork);
#endif
    return true;
  }();
  (void)ready;
  return *pool_pointer();
}

template <class F> inline void parallel_for(Index count, const F& f) {
  if (count == 1) {
    f(Index(0));
    return;
  }
  pool().run(count, [](const void* context, Index i) { (*static_cast<const F*>(context))(i); }, &f);
}

// f(i) for every i below n, each of about so many steps: short ones are handed to a thread several at a time.
template <class F> inline void in_pieces(Index n, Index steps, const F& f) {
  const Index per = 1 + PIECE / (steps + 1);
  parallel_for(pieces(n, per), [&](Index task) {
    const Index end = std::min(n, (task + 1) * per);
    for (Index i = task * per; i < end; i++) f(i);
  });
}

}  // namespace wengert
