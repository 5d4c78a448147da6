// Rows of few elements, side by side.
//
// Note [Short rows]
//     The loops over a row of ten elements are all overhead: 90 ns.  TALL such rows are turned on their side, so that each is a
//     lane of the vectors that run down the columns.
#pragma once
#include <algorithm>

#include "transpose.h"

namespace wengert::arrays {

constexpr ptrdiff_t TALL = 16;

// The elements of TALL rows of n turned on their side, squares of them in registers; the last square overlaps the one before.
// to[j * ldt + r] = from[r * ldf + j].
template <class T>
static inline void turn_over(const T* from, ptrdiff_t ldf, T* to, ptrdiff_t ldt, ptrdiff_t rows, ptrdiff_t columns) {
  using W = typename Word<sizeof(T)>::type;
  constexpr ptrdiff_t N = 32 / sizeof(T);
  for (ptrdiff_t j = 0; j < columns; j += N)
    for (ptrdiff_t i = 0; i < rows; i += N) {
      const ptrdiff_t r = std::min(i, rows - N), c = std::min(j, columns - N);
      turn((const W*)(from + r * ldf + c), ldf, (W*)(to + c * ldt + r), ldt);
    }
}

// block[j * ld + r] = x[r * n + j] for up to TALL rows; lanes without a row hold zeros.
template <class T>
static inline void lay_down(const T* x, ptrdiff_t n, ptrdiff_t rows, T* block, ptrdiff_t ld = TALL) {
  if (rows == TALL && n * static_cast<ptrdiff_t>(sizeof(T)) >= 32) return turn_over(x, n, block, ld, TALL, n);
  for (ptrdiff_t j = 0; j < n; j++) {
    for (ptrdiff_t r = 0; r < rows; r++) block[j * ld + r] = x[r * n + j];
    std::fill_n(block + j * ld + rows, TALL - rows, T(0));
  }
}

template <class T>
static inline void stand_up(const T* block, ptrdiff_t ld, ptrdiff_t n, ptrdiff_t rows, T* y) {
  if (rows == TALL && n * static_cast<ptrdiff_t>(sizeof(T)) >= 32) return turn_over(block, ld, y, n, n, TALL);
  for (ptrdiff_t r = 0; r < rows; r++)
    for (ptrdiff_t j = 0; j < n; j++) y[r * n + j] = block[j * ld + r];
}

// f(first row, how many) for groups of rows.
template <class F>
static inline void each_group(ptrdiff_t rows, ptrdiff_t n, const F& f) {
  in_pieces(pieces(rows, TALL), n * TALL, [&](ptrdiff_t g) { f(g * TALL, std::min(TALL, rows - g * TALL)); });
}

}  // namespace wengert::arrays
