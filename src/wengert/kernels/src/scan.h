// Running sums and products along the middle of three dimensions, carried in float64 and rounded once at every place.
#pragma once
#include <algorithm>

#include "pool.h"
#include "tile.h"

namespace wengert::arrays {

struct Plus {
  static constexpr double neutral = 0.0;
  static double join(double a, double b) { return a + b; }
};
struct Times {
  static constexpr double neutral = 1.0;
  static double join(double a, double b) { return a * b; }
};

// LINES lines of elements at once: a sum waits four cycles for the one before it.  `step` is -1 for sums from the end.
template <class Op, int LINES, class T>
static void scan_lines(ptrdiff_t n, ptrdiff_t apart, ptrdiff_t step, const T* x, T* out) {
  double total[LINES];
  for (int l = 0; l < LINES; l++) total[l] = Op::neutral;
  for (ptrdiff_t i = 0; i < n; i++)
#pragma GCC unroll 8
    for (int l = 0; l < LINES; l++) {
      total[l] = Op::join(total[l], (double)x[l * apart + i * step]);
      out[l * apart + i * step] = (T)total[l];
    }
}

// Along the last dimension.
template <class Op, class T>
void scan_rows(ptrdiff_t rows, ptrdiff_t n, bool reversed, const T* x, T* out) {
  ptrdiff_t step = reversed ? -1 : 1, begin = reversed ? n - 1 : 0, group = 8 * (1 + 4096 / (n + 1));
  parallel_for((rows + group - 1) / group, [&](ptrdiff_t task) {
    ptrdiff_t r = task * group, end = std::min(rows, r + group);
    for (; r + 8 <= end; r += 8) scan_lines<Op, 8>(n, n, step, x + r * n + begin, out + r * n + begin);
    for (; r < end; r++) scan_lines<Op, 1>(n, n, step, x + r * n + begin, out + r * n + begin);
  });
}

template <class Op, class T>
void scan_middle(ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner, bool reversed, const T* x, T* out) {
  constexpr ptrdiff_t WIDE = 512;  // columns at a time
  ptrdiff_t bands = (inner + WIDE - 1) / WIDE;
  parallel_for(outer * bands, [&](ptrdiff_t task) {
    ptrdiff_t first = task % bands * WIDE, width = std::min(WIDE, inner - first);
    ptrdiff_t base = task / bands * n * inner + first;
    double total[WIDE];
    std::fill_n(total, width, Op::neutral);
    for (ptrdiff_t i = 0; i < n; i++) {
      ptrdiff_t at = base + (reversed ? n - 1 - i : i) * inner;
      const T* from = x + at;
      T* to = out + at;
      for (ptrdiff_t j = 0; j < width; j++) {
        total[j] = Op::join(total[j], (double)from[j]);
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

}  // namespace wengert::arrays
