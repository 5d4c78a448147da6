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
#include "vectors.h"

namespace wengert::arrays {

#if defined(__AVX512F__)
constexpr int TILE_ROWS = 8, TILE_VECTORS = 3;  // 24 sums + 3 columns + 1 factor of 32 registers
#elif defined(__AVX__)
constexpr int TILE_ROWS = 4, TILE_VECTORS = 3;  // 12 + 3 + 1 of 16
#elif defined(__aarch64__)
constexpr int TILE_ROWS = 8, TILE_VECTORS = 3;
#else
constexpr int TILE_ROWS = 4, TILE_VECTORS = 2;
#endif

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

// C (rows x columns, columns whole vectors) = or += the product.  PACKED: B as `pack` lays it out, kb unused.  Compiled once, in
// products.cpp.
template <class T, bool PACKED>
void product(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const T* A, const ptrdiff_t* ra, const int32_t* ka, const T* B,
             const int32_t* kb, T* C, ptrdiff_t ldc, bool add);

// Memory of this thread for the length of one task, aligned to cache lines; grows, and is kept for the next call.
template <class T>
static T* scratch(ptrdiff_t n, int which) {
  static thread_local std::vector<T> kept[6];
  std::vector<T>& memory = kept[which];
  if ((ptrdiff_t)memory.size() < n + 64) memory.assign(n + 64, T(0));
  return (T*)(((uintptr_t)memory.data() + 63) & ~(uintptr_t)63);
}

}  // namespace wengert::arrays
