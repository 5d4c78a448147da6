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

// out (count x n x features): sums over j of weight (x[i] - y[j]), or for ORDER 1 of its sign; the weight of a pair lies at
// i * row + j * column of its matrix.
template <int ORDER, class T>
void distance_sums(ptrdiff_t count, ptrdiff_t n, ptrdiff_t m, ptrdiff_t features, ptrdiff_t row, ptrdiff_t column,
                   const T* x, const T* y, const T* weight, T* out) {
  constexpr ptrdiff_t ROWS = 16;
  ptrdiff_t lots = (n + ROWS - 1) / ROWS;
  parallel_for(count * lots, [&](ptrdiff_t task) {
    ptrdiff_t b = task / lots, i0 = task % lots * ROWS, last = std::min(n, i0 + ROWS);
    std::fill_n(out + (b * n + i0) * features, (last - i0) * features, T(0));
    for (ptrdiff_t j = 0; j < m; j++) {
      const T* other = y + (b * m + j) * features;
      for (ptrdiff_t i = i0; i < last; i++) {
        T w = weight[b * n * m + i * row + j * column];
        const T* point = x + (b * n + i) * features;
        T* __restrict to = out + (b * n + i) * features;
        for (ptrdiff_t d = 0; d < features; d++) {
          T step = point[d] - other[d];
          to[d] += ORDER == 2 ? w * step : step > 0 ? w : step < 0 ? -w : step * w;
        }
      }
    }
  });
}

}  // namespace wengert::arrays
