// Reductions along the middle of three dimensions: of rows, where the last has size 1, and across memory.
//
// Up to a thousand numbers of a row, or 64 rows, are joined in the dtype, with lanes; sums of these in double precision, always
// in the same order.
#pragma once
#include <algorithm>
#include <vector>

#include "pool.h"
#include "short_rows.h"
#include "vm.h"

namespace wengert::arrays {

constexpr ptrdiff_t WIDE = BLOCK, FEW = 64;  // columns and rows that are joined in the dtype

// total[j] = f(total, j): j is a place of a vector, then of single elements.  (gcc leaves loops of Largest::join scalar.)
template <class T, class F>
static inline void join_along(ptrdiff_t width, T* total, const F& f) {
  ptrdiff_t j = 0;
  for (; j + Vec<T>::lanes <= width; j += Vec<T>::lanes) {
    typename Vec<T>::u& sum = *reinterpret_cast<typename Vec<T>::u*>(total + j);
    sum = f(static_cast<typename Vec<T>::v>(sum), j);
  }
  for (; j < width; j++) total[j] = f(total[j], j);
}

// What is at x, as a number or a vector.
template <class X, class R, class T>
static inline X counted(const T* x) {
  if constexpr (std::is_same_v<X, T>)
    return R::value(*x);
  else
    return R::value(static_cast<X>(*reinterpret_cast<const typename Vec<T>::u*>(x)));
}

template <class R, class T>
static inline void join_four(ptrdiff_t width, ptrdiff_t apart, const T* x, T* total) {
  join_along(width, total, [=](auto sum, ptrdiff_t j) {
    const auto at = [=](ptrdiff_t row) { return counted<decltype(sum), R>(x + row * apart + j); };
    return R::join(sum, R::join(R::join(at(0), at(1)), R::join(at(2), at(3))));
  });
}

template <class R, class T>
static inline void join_one(ptrdiff_t width, const T* x, T* total) {
  join_along(width, total, [=](auto sum, ptrdiff_t j) { return R::join(sum, counted<decltype(sum), R>(x + j)); });
}

constexpr ptrdiff_t SHORT_ROW = 32;

// Rows of less than SHORT_ROW numbers: see Note [Short rows].
template <class R, class T>
void reduce_short_rows(ptrdiff_t rows, ptrdiff_t n, const T* x, T* out) {
  each_group(rows, n, [=](ptrdiff_t first, ptrdiff_t count) {
    using V = typename Vec<T>::v;
    T block[SHORT_ROW * TALL], total[TALL];
    lay_down(x + first * n, n, count, block);
    for (ptrdiff_t l = 0; l < TALL; l += Vec<T>::lanes) {
      V down = V{} + R::template start<T>();
      for (ptrdiff_t j = 0; j < n; j++) down = R::join(down, counted<V, R>(block + j * TALL + l));
      std::memcpy(total + l, &down, sizeof down);
    }
    std::copy_n(total, count, out + first);
  });
}

// Long rows are split into pieces.
template <class R, class T>
void reduce_rows(ptrdiff_t rows, ptrdiff_t n, const T* x, T* out) {
  if (n < SHORT_ROW) return reduce_short_rows<R>(rows, n, x, out);
  if (n <= WIDE) return in_pieces(rows, n, [=](ptrdiff_t r) { out[r] = wengert::reduced<R>(x + r * n, n); });
  ptrdiff_t per = 1 + (PIECE - 1) / n, parts = pieces(n, 2 * PIECE);  // rows of a task, or tasks of a row
  if (parts > 1) per = 1;
  std::vector<Total<R, T>> partial(parts > 1 ? rows * parts : 0);
  parallel_for(pieces(rows, per) * parts, [&](ptrdiff_t task) {
    ptrdiff_t part = task % parts, from = part * 2 * PIECE, to = std::min(n, from + 2 * PIECE);
    for (ptrdiff_t r = task / parts * per; r < std::min(rows, (task / parts + 1) * per); r++) {
      const auto total = wengert::reduced_in_blocks<R>(x + r * n + from, to - from);
      if (parts > 1)
        partial[r * parts + part] = total;
      else
        out[r] = static_cast<T>(total);
    }
  });
  if (parts == 1) return;
  for (ptrdiff_t r = 0; r < rows; r++) {
    auto total = partial[r * parts];
    for (ptrdiff_t part = 1; part < parts; part++) total = R::join(total, partial[r * parts + part]);
    out[r] = static_cast<T>(total);
  }
}

// Joins so many rows, `apart` elements from one to the next, to `total`.
template <class R, class T>
static void join_rows_wide(ptrdiff_t rows, ptrdiff_t width, ptrdiff_t apart, const T* x, Total<R, T>* total) {
  T few[WIDE];
  for (ptrdiff_t first = 0; first < rows; first += FEW) {
    ptrdiff_t i = first, last = std::min(rows, first + FEW);
    std::fill_n(few, width, R::template start<T>());
    for (; i + 4 <= last; i += 4) join_four<R>(width, apart, x + i * apart, few);
    for (; i < last; i++) join_one<R>(width, x + i * apart, few);
    for (ptrdiff_t j = 0; j < width; j++) total[j] = R::join(total[j], static_cast<Total<R, T>>(few[j]));
  }
}

// out = the rows of `total` joined, and some of x that were left over.
template <class R, class T>
static void join_rows(ptrdiff_t rows, ptrdiff_t width, Total<R, T>* total, ptrdiff_t rest, const T* x, T* out) {
  for (ptrdiff_t i = 1; i < rows; i++)
    for (ptrdiff_t j = 0; j < width; j++) total[j] = R::join(total[j], total[i * width + j]);
  for (ptrdiff_t i = 0; i < rest; i++)
    for (ptrdiff_t j = 0; j < width; j++)
      total[j] = R::join(total[j], static_cast<Total<R, T>>(R::value(x[i * width + j])));
  for (ptrdiff_t j = 0; j < width; j++) out[j] = static_cast<T>(total[j]);
}

// Narrow rows are taken several at a time: `fold` of them, one behind the other, are a row whose results are joined at the end.
// Wide ones are cut into bands.  Where that does not make enough tasks, each has a part of the rows.
template <class R, class T>
void reduce_across(ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner, const T* x, T* out) {
  const ptrdiff_t fold = std::max<ptrdiff_t>(1, std::min(n / 4, 256 / inner)), wide = inner * fold;
  const ptrdiff_t rows = n / fold, rest = n - rows * fold, bands = pieces(wide, WIDE), blocks = outer * bands;
  const ptrdiff_t parts = std::max<ptrdiff_t>(1, std::min(rows * std::min(wide, WIDE) / PIECE, 32 / blocks));
  const auto start = R::template start<Total<R, T>>();
  if (parts == 1) {
    const ptrdiff_t group = 1 + PIECE / (n * std::min(inner, WIDE));
    parallel_for(pieces(blocks, group), [&](ptrdiff_t task) {
      for (ptrdiff_t k = task * group; k < std::min(blocks, (task + 1) * group); k++) {
        const ptrdiff_t a = k / bands, first = k % bands * WIDE, width = std::min(WIDE, wide - first);
        const T* from = x + a * n * inner + first;
        Total<R, T> total[WIDE];
        std::fill_n(total, width, start);
        join_rows_wide<R>(rows, width, wide, from, total);
        join_rows<R>(fold, width / fold, total, rest, from + rows * wide, out + a * inner + first);
      }
    });
    return;
  }
  std::vector<Total<R, T>> partial(outer * parts * wide, start);
  const ptrdiff_t per = pieces(rows, parts);
  parallel_for(blocks * parts, [&](ptrdiff_t task) {
    const ptrdiff_t first = task % bands * WIDE, part = task / bands % parts, a = task / bands / parts;
    join_rows_wide<R>(std::min(per, rows - part * per), std::min(WIDE, wide - first), wide,
                      x + (a * n + part * per * fold) * inner + first, partial.data() + (a * parts + part) * wide + first);
  });
  for (ptrdiff_t a = 0; a < outer; a++)
    join_rows<R>(parts * fold, inner, partial.data() + a * parts * wide, rest, x + (a * n + rows * fold) * inner,
                 out + a * inner);
}

template <class R, class T>
void reduce_as(ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner, const T* x, T* out) {
  if (inner == 1)
    reduce_rows<R>(outer, n, x, out);
  else
    reduce_across<R>(outer, n, inner, x, out);
}

// By number: see KNOWN in reductions.py.
template <class T>
void reduce_middle(ptrdiff_t reduction, ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner, const T* x, T* out) {
  using Reduce = void (*)(ptrdiff_t, ptrdiff_t, ptrdiff_t, const T*, T*);
  static constexpr Reduce known[] = {reduce_as<Sum, T>,          reduce_as<SumOfNumbers, T>, reduce_as<SumOfSizes, T>,
                                     reduce_as<SumOfSquares, T>, reduce_as<Product, T>,      reduce_as<Largest, T>,
                                     reduce_as<Smallest, T>,     reduce_as<LargestSize, T>};
  known[reduction](outer, n, inner, x, out);
}

}  // namespace wengert::arrays
