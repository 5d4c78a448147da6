// Running sums and products along the middle of three dimensions: of integers as they are, otherwise carried in float64 and
// rounded once at every place.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "pool.h"
#include "tile.h"

namespace wengert::arrays {

struct Plus {
  static constexpr int neutral = 0;
  template <class C> static C join(C a, C b) { return a + b; }
};
struct Times {
  static constexpr int neutral = 1;
  template <class C> static C join(C a, C b) { return a * b; }
};
struct LogPlus {  // the logarithm of the sum of exponentials
  static constexpr double neutral = -std::numeric_limits<double>::infinity();
  static double join(double a, double b) {
    const double high = a < b ? b : a, low = a < b ? a : b;
    return high == low && !std::isfinite(high) ? a : std::log1p(std::exp(low - high)) + high;
  }
};

template <class T>
using Carried = std::conditional_t<std::is_integral_v<T>, uint64_t, double>;  // whose sums wrap around

// LINES lines of elements at once: a sum waits four cycles for the one before it.  `step` is -1 for sums from the end.
template <class Op, int LINES, class T>
static void scan_lines(ptrdiff_t n, ptrdiff_t apart, ptrdiff_t step, const T* x, T* out) {
  Carried<T> total[LINES];
  for (int l = 0; l < LINES; l++) total[l] = Op::neutral;
  for (ptrdiff_t i = 0; i < n; i++)
#pragma GCC unroll 8
    for (int l = 0; l < LINES; l++) {
      total[l] = Op::join(total[l], (Carried<T>)x[l * apart + i * step]);
      out[l * apart + i * step] = (T)total[l];
    }
}

// One line of integers, whose sum waits a single cycle.
template <class T>
static void sum_line(ptrdiff_t n, ptrdiff_t step, const T* x, T* out) {
  uint64_t total = 0;
#pragma GCC unroll 8
  for (ptrdiff_t i = 0; i < n; i++) {
    total += (uint64_t)x[i * step];
    out[i * step] = (T)total;
  }
}

// Along the last dimension.
template <class Op, class T>
void scan_rows(ptrdiff_t rows, ptrdiff_t n, bool reversed, const T* x, T* out) {
  ptrdiff_t step = reversed ? -1 : 1, begin = reversed ? n - 1 : 0, group = 8 * (1 + 4096 / (n + 1));
  parallel_for((rows + group - 1) / group, [&](ptrdiff_t task) {
    ptrdiff_t r = task * group, end = std::min(rows, r + group);
    if constexpr (std::is_same_v<Op, Plus> && std::is_integral_v<T>) {
      for (; r < end; r++) sum_line(n, step, x + r * n + begin, out + r * n + begin);
    } else {
      for (; r + 8 <= end; r += 8) scan_lines<Op, 8>(n, n, step, x + r * n + begin, out + r * n + begin);
      for (; r < end; r++) scan_lines<Op, 1>(n, n, step, x + r * n + begin, out + r * n + begin);
    }
  });
}

template <class Op, class T>
void scan_middle(ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner, bool reversed, const T* x, T* out) {
  constexpr ptrdiff_t WIDE = 512;  // columns at a time
  ptrdiff_t bands = (inner + WIDE - 1) / WIDE;
  parallel_for(outer * bands, [&](ptrdiff_t task) {
    ptrdiff_t first = task % bands * WIDE, width = std::min(WIDE, inner - first);
    ptrdiff_t base = task / bands * n * inner + first;
    Carried<T> total[WIDE];
    std::fill_n(total, width, Carried<T>(Op::neutral));
    for (ptrdiff_t i = 0; i < n; i++) {
      ptrdiff_t at = base + (reversed ? n - 1 - i : i) * inner;
      const T* from = x + at;
      T* to = out + at;
      for (ptrdiff_t j = 0; j < width; j++) {
        total[j] = Op::join(total[j], (Carried<T>)from[j]);
        to[j] = (T)total[j];
      }
    }
  });
}

template <class Op, class T>
void scan(ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner, bool reversed, const T* x, T* out) {
  if (inner == 1)
    scan_rows<Op, T>(outer, n, reversed, x, out);
  else
    scan_middle<Op, T>(outer, n, inner, reversed, x, out);
}

// Whether an element takes over from the extreme before it: a later one of equal ones, and what is not a number.
template <bool LARGEST, class T>
static inline bool takes_over(T x, T best) {
  return (LARGEST ? x >= best : x <= best) | (x != x);
}

template <bool LARGEST, int LINES, class T>
static void extreme_lines(ptrdiff_t n, const T* x, T* values, int64_t* places) {
  T best[LINES];
  int64_t at[LINES];
  for (int l = 0; l < LINES; l++) best[l] = x[l * n], at[l] = 0;
  for (ptrdiff_t i = 0; i < n; i++)
#pragma GCC unroll 4
    for (int l = 0; l < LINES; l++) {
      const T value = x[l * n + i];
      const bool newer = takes_over<LARGEST>(value, best[l]);
      values[l * n + i] = best[l] = newer ? value : best[l];
      places[l * n + i] = at[l] = newer ? i : at[l];
    }
}

// Running extremes along the middle of three dimensions, and where they were met last.
template <bool LARGEST, class T>
void running_extreme(ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner, const T* x, T* values, int64_t* places) {
  if (inner == 1) {
    const ptrdiff_t group = 4 * (1 + 4096 / (n + 1));
    parallel_for((outer + group - 1) / group, [&](ptrdiff_t task) {
      ptrdiff_t r = task * group, end = std::min(outer, r + group);
      for (; r + 4 <= end; r += 4) extreme_lines<LARGEST, 4>(n, x + r * n, values + r * n, places + r * n);
      for (; r < end; r++) extreme_lines<LARGEST, 1>(n, x + r * n, values + r * n, places + r * n);
    });
    return;
  }
  constexpr ptrdiff_t WIDE = 512;  // columns at a time
  const ptrdiff_t bands = (inner + WIDE - 1) / WIDE;
  parallel_for(outer * bands, [&](ptrdiff_t task) {
    const ptrdiff_t first = task % bands * WIDE, width = std::min(WIDE, inner - first);
    ptrdiff_t at = task / bands * n * inner + first;
    std::copy_n(x + at, width, values + at);
    std::fill_n(places + at, width, int64_t(0));
    for (ptrdiff_t i = 1; i < n; i++, at += inner) {
      const T *from = x + at + inner, *best = values + at;
      T* to = values + at + inner;
      const int64_t* before = places + at;
      int64_t* here = places + at + inner;
#pragma GCC ivdep
      for (ptrdiff_t j = 0; j < width; j++) {
        const bool newer = takes_over<LARGEST>(from[j], best[j]);
        to[j] = newer ? from[j] : best[j];
        here[j] = newer ? i : before[j];
      }
    }
  });
}

}  // namespace wengert::arrays
