// Sums along the middle of three dimensions: of rows, where the last has size 1, and across memory.
//
// Up to a thousand numbers of a row, or 64 rows, are added up in the dtype, with lanes; these sums in double precision, always
// in the same order.
#pragma once
#include <algorithm>
#include <vector>

#include "pool.h"
#include "vm.h"

namespace wengert::arrays {

constexpr ptrdiff_t WIDE = 1024, FEW = 64;  // columns and rows that are added up in the dtype

// Rows of a few numbers, LINES of them at once: one after the other each would wait for its own additions.
template <class T>
void sum_short_rows(ptrdiff_t rows, ptrdiff_t n, const T* x, T* out) {
  constexpr ptrdiff_t LINES = 16;
  const ptrdiff_t per = LINES * pieces(PIECE, LINES * n);
  parallel_for(pieces(rows, per), [&](ptrdiff_t task) {
    const ptrdiff_t end = std::min(rows, (task + 1) * per);
    ptrdiff_t r = task * per;
    for (; r + LINES <= end; r += LINES) {
      T sum[LINES] = {};
      for (ptrdiff_t j = 0; j < n; j++)
        for (ptrdiff_t l = 0; l < LINES; l++) sum[l] += x[(r + l) * n + j];
      std::copy_n(sum, LINES, out + r);
    }
    for (; r < end; r++) {
      T sum = 0;
      for (ptrdiff_t j = 0; j < n; j++) sum += x[r * n + j];
      out[r] = sum;
    }
  });
}

// Long rows are split into pieces; the sum of a piece is kept in double precision.
template <class T>
void sum_rows(ptrdiff_t rows, ptrdiff_t n, const T* x, T* out) {
  if (n < 64) return sum_short_rows(rows, n, x, out);
  ptrdiff_t per = 1 + (PIECE - 1) / n, parts = pieces(n, 2 * PIECE);  // rows of a task, or tasks of a row
  if (parts > 1) per = 1;
  std::vector<double> partial(parts > 1 ? rows * parts : 0);
  parallel_for(pieces(rows, per) * parts, [&](ptrdiff_t task) {
    ptrdiff_t part = task % parts, from = part * 2 * PIECE, to = std::min(n, from + 2 * PIECE);
    for (ptrdiff_t r = task / parts * per; r < std::min(rows, (task / parts + 1) * per); r++) {
      double total = wengert::wide_sum(x + r * n + from, to - from);
      if (parts > 1)
        partial[r * parts + part] = total;
      else
        out[r] = static_cast<T>(total);
    }
  });
  if (parts == 1) return;
  for (ptrdiff_t r = 0; r < rows; r++) {
    double total = partial[r * parts];
    for (ptrdiff_t part = 1; part < parts; part++) total += partial[r * parts + part];
    out[r] = static_cast<T>(total);
  }
}

template <class T>
static inline void add_four(ptrdiff_t width, ptrdiff_t apart, const T* __restrict x, T* __restrict sum) {
  for (ptrdiff_t j = 0; j < width; j++) sum[j] += (x[j] + x[apart + j]) + (x[2 * apart + j] + x[3 * apart + j]);
}

template <class T>
static inline void add_one(ptrdiff_t width, const T* __restrict x, T* __restrict sum) {
  for (ptrdiff_t j = 0; j < width; j++) sum[j] += x[j];
}

// Adds the sums of so many rows, `apart` elements from one to the next, to `total`.
template <class T>
static void add_rows_wide(ptrdiff_t rows, ptrdiff_t width, ptrdiff_t apart, const T* x, double* total) {
  T few[WIDE];
  for (ptrdiff_t first = 0; first < rows; first += FEW) {
    ptrdiff_t i = first, last = std::min(rows, first + FEW);
    std::fill_n(few, width, T(0));
    for (; i + 4 <= last; i += 4) add_four(width, apart, x + i * apart, few);
    for (; i < last; i++) add_one(width, x + i * apart, few);
    for (ptrdiff_t j = 0; j < width; j++) total[j] += few[j];
  }
}

// out = sums of the rows of `total`, and of some of x that were left over.
template <class T>
static void join_rows(ptrdiff_t rows, ptrdiff_t width, double* total, ptrdiff_t rest, const T* x, T* out) {
  for (ptrdiff_t i = 1; i < rows; i++)
    for (ptrdiff_t j = 0; j < width; j++) total[j] += total[i * width + j];
  for (ptrdiff_t i = 0; i < rest; i++)
    for (ptrdiff_t j = 0; j < width; j++) total[j] += x[i * width + j];
  for (ptrdiff_t j = 0; j < width; j++) out[j] = static_cast<T>(total[j]);
}

// Narrow rows are taken several at a time: `fold` of them, one behind the other, are a row whose sums are joined at the end.
// Wide ones are cut into bands.  Where that does not make enough tasks, each has a part of the rows.
template <class T>
void sum_across(ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner, const T* x, T* out) {
  const ptrdiff_t fold = std::max<ptrdiff_t>(1, std::min(n / 4, 256 / inner)), wide = inner * fold;
  const ptrdiff_t rows = n / fold, rest = n - rows * fold, bands = pieces(wide, WIDE), blocks = outer * bands;
  const ptrdiff_t parts = std::max<ptrdiff_t>(1, std::min(rows * std::min(wide, WIDE) / PIECE, 32 / blocks));
  if (parts == 1) {
    const ptrdiff_t group = 1 + PIECE / (n * std::min(inner, WIDE));
    parallel_for(pieces(blocks, group), [&](ptrdiff_t task) {
      for (ptrdiff_t k = task * group; k < std::min(blocks, (task + 1) * group); k++) {
        const ptrdiff_t a = k / bands, first = k % bands * WIDE, width = std::min(WIDE, wide - first);
        const T* from = x + a * n * inner + first;
        double total[WIDE] = {};
        add_rows_wide(rows, width, wide, from, total);
        join_rows(fold, width / fold, total, rest, from + rows * wide, out + a * inner + first);
      }
    });
    return;
  }
  std::vector<double> partial(outer * parts * wide);
  const ptrdiff_t per = pieces(rows, parts);
  parallel_for(blocks * parts, [&](ptrdiff_t task) {
    const ptrdiff_t first = task % bands * WIDE, part = task / bands % parts, a = task / bands / parts;
    add_rows_wide(std::min(per, rows - part * per), std::min(WIDE, wide - first), wide,
                  x + (a * n + part * per * fold) * inner + first, partial.data() + (a * parts + part) * wide + first);
  });
  for (ptrdiff_t a = 0; a < outer; a++)
    join_rows(parts * fold, inner, partial.data() + a * parts * wide, rest, x + (a * n + rows * fold) * inner,
              out + a * inner);
}

template <class T>
void sum_middle(ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner, const T* x, T* out) {
  if (inner == 1)
    sum_rows(outer, n, x, out);
  else
    sum_across(outer, n, inner, x, out);
}

}  // namespace wengert::arrays
