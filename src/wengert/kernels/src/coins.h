// Coins: one for every element, of two words of the generator each; masks made of them, and arrays times such masks (dropout).
//
// A block of the generator needs the one before it, which costs a quarter of the whole and is done on one thread. Stretches of
// blocks then become coins on all threads.
#pragma once
#include <algorithm>
#include <cmath>

#include "pool.h"
#include "random.h"
#include "tile.h"

namespace wengert::arrays {

constexpr ptrdiff_t COIN_BLOCKS = 210;        // of the generator at a time: half a megabyte
constexpr ptrdiff_t COIN_TASK = ptrdiff_t(1) << 14;  // coins of a task

// Two words as they leave the generator, first word low.
inline uint64_t tempered_pair(uint64_t y) {
  y ^= (y >> 11) & 0x001fffff001fffffu;
  y ^= (y << 7) & 0x9d2c56809d2c5680u;
  y ^= (y << 15) & 0xefc60000efc60000u;
  return y ^ ((y >> 18) & 0x00003fff00003fffu);
}

// The 53 bits that are a uniform number when divided by 2^53: of the first word 21, in front.
inline uint64_t coin_bits(const uint32_t* state) {
  uint64_t pair = tempered_pair((uint64_t)state[1] << 32 | state[0]);
  return (pair & 0x1fffffu) << 32 | pair >> 32;
}

// Elements start to start + n: mask = value where a coin is below the limit, else 0; if there is an x, out = x * mask.
template <class T>
void toss(ptrdiff_t start, ptrdiff_t n, const uint32_t* state, uint64_t limit, T value, T* mask, const T* x, T* out) {
  T* __restrict to = mask + start;
  for (ptrdiff_t i = 0; i < n; i++) to[i] = coin_bits(state + 2 * i) < limit ? value : T(0);
  if (!x) return;
#pragma GCC ivdep
  for (ptrdiff_t i = start; i < start + n; i++) out[i] = x[i] * mask[i];
}

// n coins that show `value` with probability p. `state` is the block of which `used` words are used up, and becomes the last
// one that was begun.
template <class T>
void coins(ptrdiff_t n, uint32_t* state, ptrdiff_t used, double p, T value, T* mask, const T* x, T* out) {
  const uint64_t limit = (uint64_t)std::ceil(p * 0x1p53);
  uint32_t* words = scratch<uint32_t>((COIN_BLOCKS + 1) * MT_WORDS, 0);
  memcpy(words, state, MT_WORDS * sizeof(uint32_t));
  for (ptrdiff_t done = 0, count; done < n; done += count) {
    ptrdiff_t missing = std::max<ptrdiff_t>(used + 2 * (n - done) - MT_WORDS, 0);
    ptrdiff_t blocks = std::min(COIN_BLOCKS, (missing + MT_WORDS - 1) / MT_WORDS);
    for (ptrdiff_t b = 0; b < blocks; b++) mt_next(words + b * MT_WORDS, words + (b + 1) * MT_WORDS);
    count = std::min(n - done, ((blocks + 1) * MT_WORDS - used) / 2);
    parallel_for((count + COIN_TASK - 1) / COIN_TASK, [=](ptrdiff_t task) {
      ptrdiff_t from = task * COIN_TASK;
      toss(done + from, std::min(COIN_TASK, count - from), words + used + 2 * from, limit, value, mask, x, out);
    });
    used += 2 * count - blocks * MT_WORDS;
    memmove(words, words + blocks * MT_WORDS, MT_WORDS * sizeof(uint32_t));
  }
  memcpy(state, words, MT_WORDS * sizeof(uint32_t));
}

}  // namespace wengert::arrays
