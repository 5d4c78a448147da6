// Softmax and its logarithm along contiguous rows, and their gradients.
//
// A row is read two or three times and stays in the first-level cache.  Exponentials and their sum are one loop: computing
// hides what memory takes, which instruction by instruction it does not.
#pragma once
#include <algorithm>
#include <cmath>

#include "pool.h"
#include "rows.h"
#include "sums.h"

namespace wengert::arrays {

constexpr ptrdiff_t LANES = 32;  // partial sums of a row

// The sum over a row of f(a[i], b[i]).  The rest of a row that fills no lanes is padded with `pad`, of which f must be 0.  A
// function of its own for each f: inlined side by side gcc leaves some of them scalar.
template <class T, class F>
__attribute__((noinline)) T row_total(const T* a, const T* b, ptrdiff_t n, T pad, const F& f) {
  double total = 0;
  for (ptrdiff_t start = 0; start < n; start += WIDE) {
    const ptrdiff_t end = std::min(n, start + WIDE);
    T lane[LANES] = {};
    ptrdiff_t i = start;
    for (; i + LANES <= end; i += LANES)
#pragma GCC ivdep
      for (ptrdiff_t l = 0; l < LANES; l++) lane[l] += f(a[i + l], b[i + l]);
    if (i < end) {
      T rest[LANES], other[LANES];
      std::fill_n(rest, LANES, pad);
      std::fill_n(other, LANES, pad);
      std::copy(a + i, a + end, rest);
      std::copy(b + i, b + end, other);
#pragma GCC ivdep
      for (ptrdiff_t l = 0; l < LANES; l++) lane[l] += f(rest[l], other[l]);
    }
    for (ptrdiff_t step = LANES / 2; step; step /= 2)
      for (ptrdiff_t l = 0; l < step; l++) lane[l] += lane[l + step];
    total += lane[0];
  }
  return static_cast<T>(total);
}

template <class F>
static inline void each_row(ptrdiff_t rows, ptrdiff_t n, const F& f) {
  const ptrdiff_t per = 1 + PIECE / n;
  parallel_for(pieces(rows, per), [&](ptrdiff_t task) {
    for (ptrdiff_t r = task * per; r < std::min(rows, (task + 1) * per); r++) f(r);
  });
}

template <class T>
static inline T top_of(const T* x, ptrdiff_t n) {
  return lanes(x, n, T(-INFINITY), [](T a, T b) { return nan_max(a, b); });
}

template <class T>
void softmax_rows(ptrdiff_t rows, ptrdiff_t n, const T* x, T* y) {
  each_row(rows, n, [=](ptrdiff_t r) {
    const T *from = x + r * n, top = top_of(from, n);
    T* to = y + r * n;
#pragma GCC ivdep
    for (ptrdiff_t i = 0; i < n; i++) to[i] = vmath::exp(from[i] - top);
    const T scale = T(1) / static_cast<T>(wide_sum(to, n));
#pragma GCC ivdep
    for (ptrdiff_t i = 0; i < n; i++) to[i] *= scale;
  });
}

template <class T>
void log_softmax_rows(ptrdiff_t rows, ptrdiff_t n, const T* x, T* y) {
  each_row(rows, n, [=](ptrdiff_t r) {
    const T *from = x + r * n, top = top_of(from, n);
    const T less = std::log(row_total(from, from, n, T(-INFINITY), [=](T a, T) { return vmath::exp(a - top); }));
    T* to = y + r * n;
#pragma GCC ivdep
    for (ptrdiff_t i = 0; i < n; i++) to[i] = (from[i] - top) - less;
  });
}

// y: results.  The slope may be written over the gradient.
template <class T>
void softmax_rows_slope(ptrdiff_t rows, ptrdiff_t n, const T* grad, const T* y, T* slope) {
  each_row(rows, n, [=](ptrdiff_t r) {
    const T *g = grad + r * n, *at = y + r * n;
    const T total = row_total(g, at, n, T(0), [](T a, T b) { return a * b; });
    T* to = slope + r * n;
#pragma GCC ivdep
    for (ptrdiff_t i = 0; i < n; i++) to[i] = (g[i] - total) * at[i];
  });
}

template <class T>
void log_softmax_rows_slope(ptrdiff_t rows, ptrdiff_t n, const T* grad, const T* y, T* slope) {
  each_row(rows, n, [=](ptrdiff_t r) {
    const T *g = grad + r * n, *at = y + r * n, total = row_total(g, g, n, T(0), [](T a, T) { return a; });
    T* to = slope + r * n;
#pragma GCC ivdep
    for (ptrdiff_t i = 0; i < n; i++) to[i] = g[i] - vmath::exp(at[i]) * total;
  });
}

// The same where the gradient of a row is `value` at one place and 0 elsewhere.
template <class T>
void log_softmax_rows_slope_picked(ptrdiff_t rows, ptrdiff_t n, const T* y, const int64_t* places, const T* values, T* slope,
                                   std::atomic<bool>& bad) {
  each_row(rows, n, [=, &bad](ptrdiff_t r) {
    const T *at = y + r * n, value = values[r];
    T* to = slope + r * n;
#pragma GCC ivdep
    for (ptrdiff_t i = 0; i < n; i++) to[i] = T(0) - vmath::exp(at[i]) * value;
    if (!outside(places[r], n, bad)) to[places[r]] += value;
  });
}

}  // namespace wengert::arrays
