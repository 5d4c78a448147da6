// LU and Cholesky factors and triangular systems for batches of small and middling matrices, by blocks of rows.
//
// A matrix is copied into a work array of whole vectors per row.  Inside a block of rows the steps are those of the textbook;
// what a finished block does to the rest of the matrix is one product of the register tile.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "tile.h"
#include "transpose.h"

namespace wengert::arrays {

constexpr ptrdiff_t LU_BLOCK = 32;

// W[i] += sum over k < depth of A[i * row + k * column] * B[k] for rows of `width` (whole vectors); B is negated beforehand.
template <class T>
struct Update {
  std::vector<ptrdiff_t> ra;
  std::vector<int32_t> ka, kb;
  std::vector<T> negated;

  void run(ptrdiff_t rows, ptrdiff_t depth, const T* A, ptrdiff_t row, ptrdiff_t column, const T* B, ptrdiff_t ldb, T* W,
           ptrdiff_t ldw, ptrdiff_t width) {
    if (rows <= 0 || width <= 0) return;
    ra.resize(rows), ka.resize(depth), kb.resize(depth);
    for (ptrdiff_t i = 0; i < rows; i++) ra[i] = i * row;
    for (ptrdiff_t k = 0; k < depth; k++) ka[k] = (int32_t)(k * column), kb[k] = (int32_t)(k * width);
    if ((ptrdiff_t)negated.size() < depth * width) negated.resize(depth * width);
    for (ptrdiff_t k = 0; k < depth; k++)
      for (ptrdiff_t j = 0; j < width; j++) negated[k * width + j] = -B[k * ldb + j];
    product<T, false>(rows, width, depth, A, ra.data(), ka.data(), negated.data(), kb.data(), W, ldw, true);
  }
};

// row -= factor * other
template <class T>
static inline void subtract(ptrdiff_t width, T factor, const T* __restrict other, T* __restrict row) {
  for (ptrdiff_t j = 0; j < width; j++) row[j] -= factor * other[j];
}

// A triangular matrix: element (i, k) at a[i * row + k * column].
template <class T>
struct Triangle {
  const T* a;
  ptrdiff_t row, column;
  bool upper, unit;
  T at(ptrdiff_t i, ptrdiff_t k) const { return a[i * row + k * column]; }
};

// VECTORS vectors of row i, less the multiples of the rows first to last - 1 of W.
template <int VECTORS, class T>
static void reduce_part(const Triangle<T>& t, ptrdiff_t i, ptrdiff_t first, ptrdiff_t last, T* W, ptrdiff_t width) {
  using V = typename Vec<T>::v;
  using U = typename Vec<T>::u;
  V sum[VECTORS];
  T* row = W + i * width;
#pragma GCC unroll 8
  for (int v = 0; v < VECTORS; v++) sum[v] = *(const U*)(row + v * Vec<T>::lanes);
  for (ptrdiff_t k = first; k < last; k++) {
    T factor = t.at(i, k);
#pragma GCC unroll 8
    for (int v = 0; v < VECTORS; v++) sum[v] -= factor * *(const U*)(W + k * width + v * Vec<T>::lanes);
  }
#pragma GCC unroll 8
  for (int v = 0; v < VECTORS; v++) *(U*)(row + v * Vec<T>::lanes) = sum[v];
}

template <class T>
static void reduce_row(const Triangle<T>& t, ptrdiff_t i, ptrdiff_t first, ptrdiff_t last, T* W, ptrdiff_t width) {
  constexpr ptrdiff_t L = Vec<T>::lanes;
  ptrdiff_t j = 0;
  for (; j + 8 * L <= width; j += 8 * L) reduce_part<8>(t, i, first, last, W + j, width);
  for (; j + 4 * L <= width; j += 4 * L) reduce_part<4>(t, i, first, last, W + j, width);
  for (; j + 2 * L <= width; j += 2 * L) reduce_part<2>(t, i, first, last, W + j, width);
  for (; j < width; j += L) reduce_part<1>(t, i, first, last, W + j, width);
}

// In place: the rows of W (n x width, whole vectors) become the solution.
template <class T>
void solve_rows(const Triangle<T>& t, ptrdiff_t n, ptrdiff_t width, T* W, Update<T>& update) {
  for (ptrdiff_t done = 0; done < n; done += LU_BLOCK) {
    ptrdiff_t size = std::min(LU_BLOCK, n - done), first = t.upper ? n - done - size : done;
    for (ptrdiff_t s = 0; s < size; s++) {
      ptrdiff_t i = t.upper ? first + size - 1 - s : first + s;
      T* row = W + i * width;
      if (s > 0) reduce_row(t, i, t.upper ? i + 1 : first, t.upper ? first + size : i, W, width);
      if (t.unit) continue;
      T pivot = t.at(i, i);
      for (ptrdiff_t j = 0; j < width; j++) row[j] /= pivot;
    }
    ptrdiff_t begin = t.upper ? 0 : first + size, rows = t.upper ? first : n - begin;
    update.run(rows, size, t.a + begin * t.row + first * t.column, t.row, t.column, W + first * width, width,
               W + begin * width, width, width);
  }
}

// b in rows or columns; x in columns: x[c * n + i].  Matrices lie `apart` elements from one another.  Where there are pivots,
// rows are exchanged first, or those of the solution last.
template <class T>
void solve_triangles(ptrdiff_t count, ptrdiff_t n, ptrdiff_t k, ptrdiff_t apart, const Triangle<T>* triangles, int steps,
                     const int32_t* pivots, bool exchange_last, bool in_rows, const T* b, T* x) {
  ptrdiff_t width = whole_vectors<T>(k);
  in_pieces(count, n * n * width, [&](ptrdiff_t m) {
    static thread_local Update<T> update;
    T* W = scratch<T>(n * width, 0);
    T* mine = x + m * n * k;
    for (ptrdiff_t i = 0; i < n; i++) std::fill(W + i * width + k, W + (i + 1) * width, T(0));
    if (in_rows)
      for (ptrdiff_t i = 0; i < n; i++) std::copy_n(b + (m * n + i) * k, k, W + i * width);
    else
      transpose_block(b + m * n * k, n, W, width, k, n);
    const int32_t* partner = pivots ? pivots + (apart ? m * n : 0) : nullptr;
    if (partner && !exchange_last)
      for (ptrdiff_t i = 0; i < n; i++) std::swap_ranges(W + i * width, W + (i + 1) * width, W + (partner[i] - 1) * width);
    for (int s = 0; s < steps; s++) {
      Triangle<T> t = triangles[s];
      t.a += m * apart;
      solve_rows(t, n, width, W, update);
    }
    if (partner && exchange_last)
      for (ptrdiff_t i = n - 1; i >= 0; i--)
        std::swap_ranges(W + i * width, W + (i + 1) * width, W + (partner[i] - 1) * width);
    transpose_block(W, width, mine, n, n, k);
  });
}

// One block of columns, begin to end, of the rows from `begin` on, with exchanges of whole rows.
template <class T>
void lu_block(ptrdiff_t m, ptrdiff_t width, ptrdiff_t begin, ptrdiff_t end, T* W, int32_t* pivots, int32_t* info) {
  for (ptrdiff_t j = begin; j < end; j++) {
    ptrdiff_t best = j;
    for (ptrdiff_t i = j + 1; i < m; i++)
      if (std::fabs(W[i * width + j]) > std::fabs(W[best * width + j])) best = i;
    pivots[j] = (int32_t)best + 1;
    if (best != j) std::swap_ranges(W + j * width, W + (j + 1) * width, W + best * width);
    T pivot = W[j * width + j];
    if (pivot == 0) {
      if (*info == 0) *info = (int32_t)j + 1;
      continue;
    }
    ptrdiff_t from = j + 1;
    for (ptrdiff_t i = j + 1; i < m; i++) {
      T factor = W[i * width + j] /= pivot;
      subtract(end - from, factor, W + j * width + from, W + i * width + from);
    }
  }
}

// Packed factors by columns (to[c * m + r]), pivots counted from 1, and 0 or the number of the first zero pivot.
template <class T>
void lu_factors(ptrdiff_t count, ptrdiff_t m, ptrdiff_t n, const T* a, T* to, int32_t* pivots, int32_t* info) {
  ptrdiff_t least = std::min(m, n), width = whole_vectors<T>(n);
  in_pieces(count, m * n * least, [&](ptrdiff_t index) {
    static thread_local Update<T> update;
    T* W = scratch<T>(m * width, 0);
    for (ptrdiff_t i = 0; i < m; i++) {
      std::copy_n(a + (index * m + i) * n, n, W + i * width);
      std::fill(W + i * width + n, W + (i + 1) * width, T(0));
    }
    info[index] = 0;
    for (ptrdiff_t begin = 0; begin < least; begin += LU_BLOCK) {
      ptrdiff_t end = std::min(least, begin + LU_BLOCK);
      lu_block(m, width, begin, end, W, pivots + index * least, info + index);
      if (end == n) break;
      for (ptrdiff_t i = begin + 1; i < end; i++)
        for (ptrdiff_t k = begin; k < i; k++)
          subtract(width - end, W[i * width + k], W + k * width + end, W + i * width + end);
      // Where rows are left, `end` is a multiple of LU_BLOCK and so of the vectors.
      update.run(m - end, end - begin, W + end * width + begin, width, 1, W + begin * width + end, width, W + end * width + end,
                 width, width - end);
    }
    transpose_block(W, width, to + index * m * n, m, m, n);
  });
}

// Lower factors by columns (to[c * n + r], zeros above), of the lower triangle of a; 0 or the order of the minor that is not
// positive, in which case what follows is not computed.
template <class T>
void cholesky_factors(ptrdiff_t count, ptrdiff_t n, const T* a, T* to, int32_t* info) {
  ptrdiff_t width = whole_vectors<T>(n);
  in_pieces(count, n * n * n / 2, [&](ptrdiff_t index) {
    static thread_local Update<T> update;
    T* W = scratch<T>(n * width, 0);  // the transposed factor: row k is column k of the factor
    transpose_block(a + index * n * n, n, W, width, n, n);
    for (ptrdiff_t i = 0; i < n; i++) std::fill(W + i * width + n, W + (i + 1) * width, T(0));
    info[index] = 0;
    for (ptrdiff_t begin = 0; begin < n && info[index] == 0; begin += LU_BLOCK) {
      ptrdiff_t end = std::min(n, begin + LU_BLOCK);
      for (ptrdiff_t j = begin; j < end; j++) {
        T* row = W + j * width;
        for (ptrdiff_t k = begin; k < j; k++) subtract(width - j, W[k * width + j], W + k * width + j, row + j);
        if (!(row[j] > 0)) {
          info[index] = (int32_t)j + 1;
          break;
        }
        T root = std::sqrt(row[j]);
        for (ptrdiff_t c = j; c < width; c++) row[c] /= root;
      }
      if (info[index]) break;
      update.run(n - end, end - begin, W + begin * width + end, 1, width, W + begin * width + end, width, W + end * width + end,
                 width, width - end);
    }
    for (ptrdiff_t i = 0; i < n; i++) std::fill_n(W + i * width, i, T(0));
    for (ptrdiff_t i = 0; i < n; i++) std::copy_n(W + i * width, n, to + (index * n + i) * n);
  });
}

}  // namespace wengert::arrays
