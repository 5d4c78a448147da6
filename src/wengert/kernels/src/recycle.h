// Memory of large arrays, kept for the next array of about its size instead of being given back to the system: a fresh
// page costs more than the arithmetic on it (Note [Recycled memory]).
//
// Note [Recycled memory]
//     The system hands out pages of zeros, and touching each for the first time takes longer than adding two numbers in it:
//     tanh(x*x+x)*2-x with its derivative, operation by operation over 1e6 numbers, takes 11 ms on fresh memory and 3.7 ms on
//     recycled (benchmarks/micro.py). Only arrays that this module makes come from here: NumPy keeps with every array who
//     frees it, so nobody else's arrays are touched.
//
// A block begins with one cache line that holds its size class; the data behind it is aligned to 64 bytes. Classes are four
// to a power of two, so at most a fifth of a block lies idle. Blocks begin at places of their own within a page, and large ones
// on pages of their own behind the boundary of 2 MiB: where all begin alike, operands at one index compete for the same lines
// of the caches and rows of the memory (x + y of 1e6 numbers took a seventh longer). Free blocks are stacks, newest first. Their
// bytes are bounded, and the block that has lain idle longest goes first: what a program did before must not cost what it does
// now its memory.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif
#ifndef _WIN32
#include <pthread.h>
#endif

namespace wengert {

class Recycler {
 public:
  static constexpr std::size_t line = 64;                      // bytes before the data, and its alignment
  static constexpr std::size_t smallest = std::size_t{1} << 16;  // below, malloc has memory at hand

  void* allocate(std::size_t bytes) {
    int place = class_of(bytes + line);
    Block* found = nullptr;
    {
      Guard guard(*this);
      found = free_[place];
      if (found != nullptr) take_out(found);
    }
    if (found == nullptr) found = fresh(place);
    if (found == nullptr) return nullptr;
    found->place = place;
    return reinterpret_cast<char*>(found) + line;
  }

  void release(void* data) {
    if (data == nullptr) return;
    Block* block = block_of(data);
    Block* leaving = nullptr;
    {
      Guard guard(*this);
      if (size_of(block->place) > limit_) {  // it would drive out all others
        leaving = block;
        block->below = nullptr;
      } else {
        put_in(block);
        leaving = shrink();
      }
    }
    free_all(leaving);
  }

  void* resize(void* data, std::size_t bytes) {
    if (data == nullptr) return allocate(bytes);
    std::size_t room = size_of(block_of(data)->place) - line;
    if (bytes <= room) return data;
    void* other = allocate(bytes);
    if (other == nullptr) return nullptr;
    std::memcpy(other, data, room);
    release(data);
    return other;
  }

  // Keep at most so many bytes; what is above is given back at once.
  void set_limit(std::size_t bytes) {
    Block* leaving = nullptr;
    {
      Guard guard(*this);
      limit_ = bytes;
      leaving = shrink();
    }
    free_all(leaving);
  }

  void hold() {
    while (lock_.test_and_set(std::memory_order_acquire)) {
    }
  }
  void let_go() { lock_.clear(std::memory_order_release); }

  std::size_t limit() const { return limit_; }
  std::size_t held() const { return held_; }

 private:
  // The neighbours of a free block in the stack of its class, and among all in the order of their release.
  struct Block {
    Block *above, *below, *older, *newer;
    int place, shift;
  };
  static_assert(sizeof(Block) <= line);
  static constexpr int shifts = 13;
  static constexpr int classes = 4 * 48;

  // Held for a few instructions, without the GIL in kernels: a fork waits for them.
  class Guard {
   public:
    explicit Guard(Recycler& of) : of_(of) { of_.hold(); }
    ~Guard() { of_.let_go(); }

   private:
    Recycler& of_;
  };

  void put_in(Block* block) {
    Block*& top = free_[block->place];
    block->above = nullptr;
    block->below = top;
    if (top != nullptr) top->above = block;
    top = block;
    block->newer = nullptr;
    block->older = newest_;
    (newest_ != nullptr ? newest_->newer : oldest_) = block;
    newest_ = block;
    held_ += size_of(block->place);
  }

  void take_out(Block* block) {
    (block->above != nullptr ? block->above->below : free_[block->place]) = block->below;
    if (block->below != nullptr) block->below->above = block->above;
    (block->newer != nullptr ? block->newer->older : newest_) = block->older;
    (block->older != nullptr ? block->older->newer : oldest_) = block->newer;
    held_ -= size_of(block->place);
  }

  // Takes out what is above the limit, the oldest first: a list by `below`, to be freed once the lock is given back.
  Block* shrink() {
    Block* leaving = nullptr;
    while (held_ > limit_) {
      Block* block = oldest_;
      take_out(block);
      block->below = leaving;
      leaving = block;
    }
    return leaving;
  }

  static void free_all(Block* leaving) {
    while (leaving != nullptr) {
      Block* next = leaving->below;
      std::free(reinterpret_cast<char*>(leaving) - leaving->shift);
      leaving = next;
    }
  }

  static Block* block_of(void* data) { return reinterpret_cast<Block*>(static_cast<char*>(data) - line); }

  // The smallest class that holds so many bytes: class 4 e + q has (4 + q) 2^(e + 14) bytes.
  static int class_of(std::size_t bytes) {
    int exponent = 0;
    std::size_t quarter = std::size_t{1} << 14;
    while (8 * quarter <= bytes) {
      quarter *= 2;
      ++exponent;
    }
    std::size_t quarters = (bytes + quarter - 1) / quarter;
    return quarters <= 4 ? 4 * exponent : 4 * exponent + static_cast<int>(quarters - 4);
  }

  static std::size_t size_of(int place) { return static_cast<std::size_t>(4 + place % 4) << (14 + place / 4); }

  Block* fresh(int place) {
    const int apart = (size_of(place) < (std::size_t{1} << 20) ? 0 : 4096) + 5 * line, shift = made_++ % shifts * apart;
    std::size_t size = size_of(place) + shift;
    constexpr std::size_t huge = std::size_t{1} << 21;
    void* memory = nullptr;
    if (posix_memalign(&memory, size >= 2 * huge ? huge : line, size) != 0) return nullptr;
#if defined(MADV_HUGEPAGE)
    if (size >= 2 * huge) madvise(memory, size, MADV_HUGEPAGE);
#endif
    Block* block = reinterpret_cast<Block*>(static_cast<char*>(memory) + shift);
    block->shift = shift;
    return block;
  }

  std::atomic_flag lock_ = ATOMIC_FLAG_INIT;
  std::atomic<unsigned> made_{0};
  Block* free_[classes] = {};
  Block *oldest_ = nullptr, *newest_ = nullptr;
  std::size_t held_ = 0;
  std::size_t limit_ = std::size_t{256} << 20;
};

inline Recycler& recycler() {
  static Recycler* one = [] {
#ifndef _WIN32
    pthread_atfork([] { recycler().hold(); }, [] { recycler().let_go(); }, [] { recycler().let_go(); });
#endif
    return new Recycler;  // never destroyed: arrays outlive the end of the interpreter
  }();
  return *one;
}

// Recycled memory of a kernel for the length of a call, uninitialised.
template <class T>
struct Loan {
  T* data = nullptr;

  Loan() = default;
  explicit Loan(std::ptrdiff_t count) { take(count); }
  Loan(const Loan&) = delete;
  ~Loan() { recycler().release(data); }

  void take(std::ptrdiff_t count) {
    data = static_cast<T*>(recycler().allocate(count * sizeof(T)));
    if (!data) throw std::bad_alloc();
  }
};

}  // namespace wengert
