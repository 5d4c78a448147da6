// Rows and elements by number: taking them, and adding them up where numbers repeat.
//
// A number that lies outside is left out and reported: a branch that is never taken costs nothing, a write to foreign memory
// everything.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstring>

#include "pool.h"

namespace wengert::arrays {

using Flag = std::atomic<bool>;

inline bool outside(int64_t index, ptrdiff_t size, Flag& bad) {
  if (__builtin_expect((uint64_t)index < (uint64_t)size, 1)) return false;
  bad = true;
  return true;
}

// out[i] = table[index[i]], rows of `width` bytes.
inline void take_rows(ptrdiff_t n, ptrdiff_t width, ptrdiff_t count, const char* table, const int64_t* index, char* out,
                      Flag& bad) {
  in_pieces(n, width / 4, [&](ptrdiff_t i) {
    if (!outside(index[i], count, bad)) memcpy(out + i * width, table + index[i] * width, width);
  });
}

template <class T>
static inline void add_row(ptrdiff_t width, const T* __restrict row, T* __restrict to) {
  for (ptrdiff_t j = 0; j < width; j++) to[j] += row[j];
}

// target[index[i]] += rows[i], in rising i for every row of the target.  A task has a range of target rows: no two write to
// one, and the order of a row's sum does not depend on the threads.
template <class T>
void add_rows(ptrdiff_t n, ptrdiff_t width, ptrdiff_t count, const int64_t* index, const T* rows, T* target,
              Flag& bad) {
  ptrdiff_t tasks = width < 16 || n * width < 4 * PIECE ? 1 : 8, each = (count + tasks - 1) / tasks;
  parallel_for(tasks, [&](ptrdiff_t task) {
    ptrdiff_t low = task * each, high = std::min(count, low + each);
    if (width == 1)
      for (ptrdiff_t i = 0; i < n; i++) {
        if (!outside(index[i], count, bad)) target[index[i]] += rows[i];
      }
    else
      for (ptrdiff_t i = 0; i < n; i++)
        if (!outside(index[i], count, bad) && index[i] >= low && index[i] < high)
          add_row(width, rows + i * width, target + index[i] * width);
  });
}

// Elements along the middle of three dimensions: out[a, i, b] = x[a, index[a, i, b], b].
template <class T>
void gather(ptrdiff_t outer, ptrdiff_t n, ptrdiff_t size, ptrdiff_t inner, const T* x, const int64_t* index, T* out,
            Flag& bad) {
  const ptrdiff_t row = inner == 1 ? n : inner;
  in_pieces(outer * n * inner / row, row, [&](ptrdiff_t r) {
    const T* from = x + r * row / (n * inner) * size * inner;
    const int64_t* at = index + r * row;
    T* to = out + r * row;
    if (inner == 1)
      for (ptrdiff_t i = 0; i < n; i++) to[i] = outside(at[i], size, bad) ? T(0) : from[at[i]];
    else
      for (ptrdiff_t b = 0; b < inner; b++) to[b] = outside(at[b], size, bad) ? T(0) : from[at[b] * inner + b];
  });
}

// target[a, index[a, i, b], b] += source[a, i, b], in rising i.  A task has a band of columns b.
template <class T>
void scatter_add(ptrdiff_t outer, ptrdiff_t n, ptrdiff_t size, ptrdiff_t inner, const T* source, const int64_t* index,
                 T* target, Flag& bad) {
  constexpr ptrdiff_t BAND = 512;
  const ptrdiff_t bands = pieces(inner, BAND);
  in_pieces(outer * bands, n * std::min(inner, BAND), [&](ptrdiff_t task) {
    const ptrdiff_t a = task / bands, first = task % bands * BAND, width = std::min(BAND, inner - first);
    const int64_t* at = index + a * n * inner + first;
    const T* from = source + a * n * inner + first;
    T* to = target + a * size * inner + first;
    if (inner == 1)
      for (ptrdiff_t i = 0; i < n; i++) {
        if (!outside(at[i], size, bad)) to[at[i]] += from[i];
      }
    else
      for (ptrdiff_t i = 0; i < n; i++, at += inner, from += inner)
        for (ptrdiff_t b = 0; b < width; b++)
          if (!outside(at[b], size, bad)) to[at[b] * inner + b] += from[b];
  });
}

// Sums of table rows, bag after bag: bag i has entries ends[i - 1] to ends[i].  Entries of the row `skipped` do not count.
template <class T>
void bag_sums(ptrdiff_t bags, ptrdiff_t width, ptrdiff_t count, ptrdiff_t skipped, const T* table, const int64_t* index,
              const int64_t* starts, const int64_t* ends, const T* factors, T* out, Flag& bad) {
  in_pieces(bags, 16 * width, [&](ptrdiff_t b) {
    T* to = out + b * width;
    std::fill_n(to, width, T(0));
    for (ptrdiff_t i = starts[b]; i < ends[b]; i++) {
      if (index[i] == skipped || outside(index[i], count, bad)) continue;
      const T* row = table + index[i] * width;
      if (factors) {
        T factor = factors[i];
        for (ptrdiff_t j = 0; j < width; j++) to[j] += factor * row[j];
      } else {
        add_row(width, row, to);
      }
    }
  });
}

// out[a, i, b] = sum over k of weight[i, k] x[a, index[i, k], b].
template <class T>
void weighted_rows(ptrdiff_t outer, ptrdiff_t size, ptrdiff_t fresh, ptrdiff_t taps, ptrdiff_t inner, const T* x,
                   const int64_t* index, const T* weight, T* out, Flag& bad) {
  for (ptrdiff_t i = 0; i < fresh * taps; i++)
    if (outside(index[i], size, bad)) return;
  in_pieces(outer, fresh * taps * inner, [&](ptrdiff_t a) {
    const T* from = x + a * size * inner;
    T* to = out + a * fresh * inner;
    for (ptrdiff_t i = 0; i < fresh; i++, to += inner) {
      const int64_t* at = index + i * taps;
      const T* w = weight + i * taps;
      if (inner == 1) {
        T sum = w[0] * from[at[0]];
        for (ptrdiff_t k = 1; k < taps; k++) sum += w[k] * from[at[k]];
        to[0] = sum;
        continue;
      }
      const T* row = from + at[0] * inner;
      for (ptrdiff_t b = 0; b < inner; b++) to[b] = w[0] * row[b];
      for (ptrdiff_t k = 1; k < taps; k++) {
        row = from + at[k] * inner;
        for (ptrdiff_t b = 0; b < inner; b++) to[b] += w[k] * row[b];
      }
    }
  });
}

}  // namespace wengert::arrays
