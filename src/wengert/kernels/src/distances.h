// Distances of the rows of two matrices, and their gradients, from the differences themselves: unlike the expansion of the
// square into products, this keeps all digits of small distances.
#pragma once
#include <cmath>

#include "tile.h"
#include "transpose.h"

namespace wengert::arrays {

// VECTORS vectors of distances of one point from points laid out by columns (features x width).
template <int ORDER, int VECTORS, class T>
static void distances_part(ptrdiff_t features, const T* x, const T* turned, ptrdiff_t width, T* out) {
  using V = typename Vec<T>::v;
  using U = typename Vec<T>::u;
  constexpr int L = Vec<T>::lanes;
  V sum[VECTORS];
#pragma GCC unroll 8
  for (int v = 0; v < VECTORS; v++) sum[v] = V{};
  for (ptrdiff_t d = 0; d < features; d++) {
    T place = x[d];
#pragma GCC unroll 8
    for (int v = 0; v < VECTORS; v++) {
      V step = place - *(const U*)(turned + d * width + v * L);
      if (ORDER == 2)
        sum[v] += step * step;
      else
        sum[v] += step < 0 ? -step : step;
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < VECTORS; v++) *(U*)(out + v * L) = sum[v];
}

// out (count x n x m): the p-norms, p = ORDER, of x[i] - y[j].
template <int ORDER, class T>
void distances(ptrdiff_t count, ptrdiff_t n, ptrdiff_t m, ptrdiff_t features, const T* x, const T* y, T* out) {
  constexpr ptrdiff_t L = Vec<T>::lanes, COLUMNS = 512, ROWS = 64;
  ptrdiff_t bands = (m + COLUMNS - 1) / COLUMNS, lots = (n + ROWS - 1) / ROWS;
  parallel_for(count * bands * lots, [&](ptrdiff_t task) {
    ptrdiff_t b = task / (bands * lots), j0 = task / lots % bands * COLUMNS, i0 = task % lots * ROWS;
    ptrdiff_t columns = std::min(COLUMNS, m - j0), width = whole_vectors<T>(columns);
    T* turned = scratch<T>((features + 1) * width, 0);
    T* row = turned + features * width;
    transpose_block(y + (b * m + j0) * features, features, turned, width, columns, features);
    for (ptrdiff_t d = 0; d < features; d++) std::fill(turned + d * width + columns, turned + (d + 1) * width, T(0));
    for (ptrdiff_t i = i0; i < std::min(n, i0 + ROWS); i++) {
      const T* point = x + (b * n + i) * features;
      ptrdiff_t j = 0;
      for (; j + 8 * L <= width; j += 8 * L) distances_part<ORDER, 8>(features, point, turned + j, width, row + j);
      for (; j < width; j += L) distances_part<ORDER, 1>(features, point, turned + j, width, row + j);
      T* to = out + (b * n + i) * m + j0;
      for (j = 0; j < columns; j++) to[j] = ORDER == 2 ? std::sqrt(row[j]) : row[j];
    }
  });
}

// One vector of features of ROWS points: sums over m others, which lie side by side as vectors, of weight times difference, or
// for ORDER 1 times its sign.
template <int ORDER, int ROWS, class T>
__attribute__((noinline)) void distance_sums_part(ptrdiff_t m, ptrdiff_t row, ptrdiff_t column, const T* points, const T* others,
                                                  const T* weight, T* out) {
  using V = typename Vec<T>::v;
  constexpr int L = Vec<T>::lanes;
  V sum[ROWS], point[ROWS];
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; r++) sum[r] = V{}, point[r] = *(const V*)(points + r * L);
  for (ptrdiff_t j = 0; j < m; j++) {
    const V other = *(const V*)(others + j * L);
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++) {
      const T w = weight[r * row + j * column];
      const V step = point[r] - other;
      if (ORDER == 2)
        sum[r] += w * step;
      else
        sum[r] += step > 0 ? V{} + w : step < 0 ? V{} - w : step * w;
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; r++) *(V*)(out + r * L) = sum[r];
}

// The vector of features from `first` on of so many points, one behind the other; what lies behind the last feature is 0.
template <class T>
static inline void pack_features(ptrdiff_t count, ptrdiff_t features, ptrdiff_t first, const T* points, T* packed) {
  constexpr ptrdiff_t L = Vec<T>::lanes;
  const ptrdiff_t width = std::min(L, features - first);
  if (width < L) std::fill_n(packed, count * L, T(0));
  for (ptrdiff_t i = 0; i < count; i++) {
    const T* from = points + i * features + first;
    if (width == L)
      std::copy_n(from, L, packed + i * L);
    else
      for (ptrdiff_t d = 0; d < width; d++) packed[i * L + d] = from[d];
  }
}

// out (count x n x features): sums over j of weight (x[i] - y[j]), or for ORDER 1 of its sign; the weight of a pair lies at
// i * row + j * column of its matrix.
template <int ORDER, class T>
void distance_sums(ptrdiff_t count, ptrdiff_t n, ptrdiff_t m, ptrdiff_t features, ptrdiff_t row, ptrdiff_t column,
                   const T* x, const T* y, const T* weight, T* out) {
  constexpr ptrdiff_t L = Vec<T>::lanes, ROWS = VECTOR_BYTES == 64 ? 8 : 4, LOT = 32;
  const ptrdiff_t lots = (n + LOT - 1) / LOT;
  parallel_for(count * lots, [=](ptrdiff_t task) {
    const ptrdiff_t b = task / lots, first = task % lots * LOT, last = std::min(n, first + LOT);
    T *others = scratch<T>(m * L, 0), *points = scratch<T>(ROWS * L, 1), *sums = scratch<T>(ROWS * L, 2);
    const T* weights = weight + b * n * m + first * row;
    ptrdiff_t apart = row, next = column;
    if (column != 1) {  // of a whole lot side by side: read across memory again and again, each would cost a cache line
      T* near = scratch<T>(m * LOT, 3);
      for (ptrdiff_t j = 0; j < m; j++)
        for (ptrdiff_t i = 0; i < last - first; i++) near[j * LOT + i] = weights[i * row + j * column];
      weights = near, apart = 1, next = LOT;
    }
    for (ptrdiff_t d = 0; d < features; d += L) {
      pack_features(m, features, d, y + b * m * features, others);
      for (ptrdiff_t i = first; i < last; i += ROWS) {
        const ptrdiff_t rows = std::min(ROWS, last - i), width = std::min(L, features - d);
        const T* w = weights + (i - first) * apart;
        pack_features(rows, features, d, x + (b * n + i) * features, points);
        if (rows == ROWS)
          distance_sums_part<ORDER, ROWS>(m, apart, next, points, others, w, sums);
        else
          for (ptrdiff_t r = 0; r < rows; r++)
            distance_sums_part<ORDER, 1>(m, apart, next, points + r * L, others, w + r * apart, sums + r * L);
        for (ptrdiff_t r = 0; r < rows; r++) std::copy_n(sums + r * L, width, out + (b * n + i + r) * features + d);
      }
    }
  });
}

}  // namespace wengert::arrays
