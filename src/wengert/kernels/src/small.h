// Products of small matrices, where calling a library costs more than multiplying.
//
// C[i][j] = sum over k of A[i][k] * B[k][j], added up in the order of k.  Columns are taken in vectors; where they are not whole
// ones, the last vector begins earlier and computes some columns again.
#pragma once
#include <algorithm>
#include <type_traits>

#include "products.h"

namespace wengert::arrays {

template <class T, int L, int N, int R>
static inline void small_block(ptrdiff_t depth, Factor<T> a, Factor<T> b, T* c, ptrdiff_t ldc) {
  typedef T V __attribute__((vector_size(L * sizeof(T))));
  typedef T U __attribute__((vector_size(L * sizeof(T)), aligned(sizeof(T)), may_alias));
  V sum[R][N] = {};
  for (ptrdiff_t k = 0; k < depth; k++) {
    V column[N];
    for (int n = 0; n < N; n++) column[n] = *(const U*)(b.data + k * b.row + n * L);
    for (int r = 0; r < R; r++) {
      const T factor = a.data[r * a.row + k * a.column];
      for (int n = 0; n < N; n++) sum[r][n] += factor * column[n];
    }
  }
  for (int r = 0; r < R; r++)
    for (int n = 0; n < N; n++) *(U*)(c + r * ldc + n * L) = sum[r][n];
}

template <class T, int L, int N>
static void small_columns(ptrdiff_t rows, ptrdiff_t depth, Factor<T> a, Factor<T> b, T* c, ptrdiff_t ldc) {
  ptrdiff_t i = 0;
  auto block = [&](auto count) {
    constexpr int R = decltype(count)::value;
    small_block<T, L, N, R>(depth, {a.data + i * a.row, a.row, a.column}, b, c + i * ldc, ldc);
    i += R;
  };
  if constexpr (N == 1)  // eight sums hide the latency of one
    while (i + 8 <= rows) block(std::integral_constant<int, 8>());
  while (i + 4 <= rows) block(std::integral_constant<int, 4>());
  if (i + 2 <= rows) block(std::integral_constant<int, 2>());
  if (i < rows) block(std::integral_constant<int, 1>());
}

// The rows of B lie in memory without gaps between their elements.
template <class T, int L = VECTOR_BYTES / sizeof(T)>
static void small_product(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, Factor<T> a, Factor<T> b, T* c) {
  if constexpr (L > 1)
    if (columns < L) return small_product<T, L / 2>(rows, columns, depth, a, b, c);
  auto at = [&](ptrdiff_t j) { return Factor<T>{b.data + j, b.row, 1}; };
  if (columns >= 2 * L) {
    for (ptrdiff_t next = 0; next < columns; next += 2 * L) {
      const ptrdiff_t j = std::min(next, columns - 2 * L);
      small_columns<T, L, 2>(rows, depth, a, at(j), c + j, columns);
    }
  } else {
    for (ptrdiff_t next = 0; next < columns; next += L) {
      const ptrdiff_t j = std::min(next, columns - L);
      small_columns<T, L, 1>(rows, depth, a, at(j), c + j, columns);
    }
  }
}

// The same for matrices of any layout, added to a third one.
template <class T>
void multiply_small(const Pair& pair, T* c) {
  const ptrdiff_t rows = pair.rows, columns = pair.columns, depth = pair.depth;
  const Factor<T> start = pair.factor<T>(2);
  Factor<T> b = pair.factor<T>(1);
  if (b.column != 1) {
    T* copy = scratch<T>(depth * columns, 0);
    if (b.row == 1) {
      transpose_block(b.data, b.column, copy, columns, columns, depth);
    } else {
      for (ptrdiff_t k = 0; k < depth; k++)
        for (ptrdiff_t j = 0; j < columns; j++) copy[k * columns + j] = b.data[k * b.row + j * b.column];
    }
    b = {copy, columns, 1};
  }
  small_product<T>(rows, columns, depth, pair.factor<T>(0), b, c);
  if (!start.data) return;
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t j = 0; j < columns; j++) c[i * columns + j] += start.data[i * start.row + j * start.column];
}

}  // namespace wengert::arrays
