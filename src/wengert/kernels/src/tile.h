// The register tile behind convolution: C[i][j] += sum over k of A[ra[i] + ka[k]] * B[kb[k] + j].
//
// The columns of a convolution (the windows of the image laid side by side) have separable addresses: element (k, p) of a
// padded image lies at koff[k] + poff[p].  So they are never built: the tile reads them where they are, by two tables.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "pool.h"

namespace wengert::arrays {

#if defined(__AVX512F__)
constexpr int VECTOR_BYTES = 64, TILE_ROWS = 8, TILE_VECTORS = 3;  // 24 sums + 3 columns + 1 factor of 32 registers
#elif defined(__AVX__)
constexpr int VECTOR_BYTES = 32, TILE_ROWS = 4, TILE_VECTORS = 3;  // 12 + 3 + 1 of 16
#elif defined(__aarch64__)
constexpr int VECTOR_BYTES = 16, TILE_ROWS = 8, TILE_VECTORS = 3;
#else
constexpr int VECTOR_BYTES = 16, TILE_ROWS = 4, TILE_VECTORS = 2;
#endif

template <class T>
struct Vec {
  typedef T v __attribute__((vector_size(VECTOR_BYTES)));
  typedef T u __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(T)), may_alias));  // unaligned, in memory
  static constexpr int lanes = VECTOR_BYTES / sizeof(T);
};

// Rows of B at a time: 128 rows of 3 vectors are 24 KB, half of a first-level cache.
constexpr ptrdiff_t TILE_DEPTH = 128;

template <class T>
constexpr ptrdiff_t whole_vectors(ptrdiff_t n) {
  return (n + Vec<T>::lanes - 1) / Vec<T>::lanes * Vec<T>::lanes;
}

// How many vectors the next panel of columns takes when so many are left: 4 = 2 + 2 is faster than 3 + 1.
inline int panel_vectors(ptrdiff_t left) {
  if (left == 2 || left == 4) return 2;
  return left >= TILE_VECTORS ? TILE_VECTORS : 1;
}

// ROWS x VECTORS sums.  B is read by the table kb, or, PACKED, row after row.
template <class T, int ROWS, int VECTORS, bool PACKED>
static __attribute__((noinline)) void tile(ptrdiff_t depth, const T* A, const ptrdiff_t* ra, const int32_t* ka, const T* B,
                                           const int32_t* kb, T* C, ptrdiff_t ldc, bool add) {
  using V = typename Vec<T>::v;
  using U = typename Vec<T>::u;
  constexpr int L = Vec<T>::lanes;
  V sum[ROWS][VECTORS];
  const T* a[ROWS];
#pragma GCC unroll 16
  for (int i = 0; i < ROWS; i++) {
    a[i] = A + ra[i];
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++) sum[i][v] = V{};
  }
  for (ptrdiff_t k = 0; k < depth; k++) {
    const T* b = PACKED ? B + k * VECTORS * L : B + kb[k];
    ptrdiff_t at = ka[k];
    V column[VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++) column[v] = *(const U*)(b + v * L);
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++) {
      T factor = a[i][at];
#pragma GCC unroll 4
      for (int v = 0; v < VECTORS; v++) sum[i][v] += factor * column[v];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < ROWS; i++) {
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++) {
      U* out = (U*)(C + i * ldc + v * L);
      *out = add ? *out + sum[i][v] : sum[i][v];
    }
  }
}

template <class T, int VECTORS, bool PACKED>
static void panel(ptrdiff_t rows, ptrdiff_t depth, const T* A, const ptrdiff_t* ra, const int32_t* ka, const T* B,
                  const int32_t* kb, T* C, ptrdiff_t ldc, bool add) {
  for (ptrdiff_t k = 0; k < depth; k += TILE_DEPTH) {
    ptrdiff_t n = depth - k < TILE_DEPTH ? depth - k : TILE_DEPTH, i = 0;
    bool more = add || k > 0;
    const T* b = PACKED ? B + k * VECTORS * Vec<T>::lanes : B;
    const int32_t* kbk = PACKED ? nullptr : kb + k;
    for (; i + TILE_ROWS <= rows; i += TILE_ROWS)
      tile<T, TILE_ROWS, VECTORS, PACKED>(n, A, ra + i, ka + k, b, kbk, C + i * ldc, ldc, more);
    if (TILE_ROWS > 4 && i + 4 <= rows) {
      tile<T, 4, VECTORS, PACKED>(n, A, ra + i, ka + k, b, kbk, C + i * ldc, ldc, more);
      i += 4;
    }
    if (i + 2 <= rows) {
      tile<T, 2, VECTORS, PACKED>(n, A, ra + i, ka + k, b, kbk, C + i * ldc, ldc, more);
      i += 2;
    }
    if (i < rows) tile<T, 1, VECTORS, PACKED>(n, A, ra + i, ka + k, b, kbk, C + i * ldc, ldc, more);
  }
}

// C (rows x columns, columns whole vectors) = or += the product.  PACKED: B as `pack` lays it out, kb unused.
template <class T, bool PACKED>
static void product(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const T* A, const ptrdiff_t* ra, const int32_t* ka,
                    const T* B, const int32_t* kb, T* C, ptrdiff_t ldc, bool add) {
  constexpr int L = Vec<T>::lanes;
  for (ptrdiff_t j = 0; j < columns;) {
    int n = panel_vectors((columns - j) / L);
    const T* b = PACKED ? B + j * depth : B + j;
    if (n == TILE_VECTORS)
      panel<T, TILE_VECTORS, PACKED>(rows, depth, A, ra, ka, b, kb, C + j, ldc, add);
    else if (n == 2)
      panel<T, 2, PACKED>(rows, depth, A, ra, ka, b, kb, C + j, ldc, add);
    else
      panel<T, 1, PACKED>(rows, depth, A, ra, ka, b, kb, C + j, ldc, add);
    j += (ptrdiff_t)n * L;
  }
}

// Memory of this thread for the length of one task, aligned to cache lines; grows, and is kept for the next call.
template <class T>
static T* scratch(ptrdiff_t n, int which) {
  static thread_local std::vector<T> kept[5];
  std::vector<T>& memory = kept[which];
  if ((ptrdiff_t)memory.size() < n + 64) memory.assign(n + 64, T(0));
  return (T*)(((uintptr_t)memory.data() + 63) & ~(uintptr_t)63);
}

}  // namespace wengert::arrays
