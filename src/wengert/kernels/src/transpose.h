// Transposing copies: blocks of 8 x 8 (4 bytes) or 4 x 4 (8 bytes) elements turn in registers.
#pragma once
#include <cstddef>
#include <cstdint>

#include "pool.h"

namespace wengert::arrays {

template <class T, int N>
struct Square {
  typedef T v __attribute__((vector_size(N * sizeof(T))));
  typedef T u __attribute__((vector_size(N * sizeof(T)), aligned(sizeof(T)), may_alias));
};

template <int BYTES>
struct Word;
template <>
struct Word<4> {
  typedef uint32_t type __attribute__((may_alias));
};
template <>
struct Word<8> {
  typedef uint64_t type __attribute__((may_alias));
};

// to[c * ldt + r] = from[r * ldf + c] for a square of 8 x 8.
static inline void turn(const Word<4>::type* from, ptrdiff_t ldf, Word<4>::type* to, ptrdiff_t ldt) {
  using V = Square<uint32_t, 8>::v;
  using U = Square<uint32_t, 8>::u;
  V a[8], b[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) a[i] = *(const U*)(from + i * ldf);
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    b[i] = __builtin_shufflevector(a[i], a[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    b[i + 1] = __builtin_shufflevector(a[i], a[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
#pragma GCC unroll 2
    for (int j = i; j < i + 2; j++) {
      a[j] = __builtin_shufflevector(b[j], b[j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      a[j + 2] = __builtin_shufflevector(b[j], b[j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    *(U*)(to + i * ldt) = __builtin_shufflevector(a[i], a[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    *(U*)(to + (i + 4) * ldt) = __builtin_shufflevector(a[i], a[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

// The same for 4 x 4 elements of 8 bytes.
static inline void turn(const Word<8>::type* from, ptrdiff_t ldf, Word<8>::type* to, ptrdiff_t ldt) {
  using V = Square<uint64_t, 4>::v;
  using U = Square<uint64_t, 4>::u;
  V a[4], b[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) a[i] = *(const U*)(from + i * ldf);
#pragma GCC unroll 2
  for (int i = 0; i < 4; i += 2) {
    b[i] = __builtin_shufflevector(a[i], a[i + 1], 0, 4, 2, 6);
    b[i + 1] = __builtin_shufflevector(a[i], a[i + 1], 1, 5, 3, 7);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; i++) {
    *(U*)(to + i * ldt) = __builtin_shufflevector(b[i], b[i + 2], 0, 1, 4, 5);
    *(U*)(to + (i + 2) * ldt) = __builtin_shufflevector(b[i], b[i + 2], 2, 3, 6, 7);
  }
}

// to[c * ldt + r] = from[r * ldf + c] for r < rows, c < columns, of elements of 4 or 8 bytes.
template <class T>
static void transpose_block(const T* source, ptrdiff_t ldf, T* target, ptrdiff_t ldt, ptrdiff_t rows, ptrdiff_t columns) {
  using W = typename Word<sizeof(T)>::type;
  constexpr ptrdiff_t N = 32 / sizeof(T);
  const W* from = (const W*)source;
  W* to = (W*)target;
  ptrdiff_t whole = rows / N * N;
  for (ptrdiff_t c = 0; c < columns; c += 2 * N) {  // whole lines of the source, and the target row after row
    for (ptrdiff_t r = 0; r < whole; r += N)
      for (ptrdiff_t j = c; j < columns && j < c + 2 * N; j += N) {
        if (j + N <= columns) {
          turn(from + r * ldf + j, ldf, to + j * ldt + r, ldt);
          continue;
        }
        for (ptrdiff_t i = r; i < r + N; i++)
          for (ptrdiff_t k = j; k < columns; k++) to[k * ldt + i] = from[i * ldf + k];
      }
    for (ptrdiff_t i = whole; i < rows; i++)
      for (ptrdiff_t j = c; j < columns && j < c + 2 * N; j++) to[j * ldt + i] = from[i * ldf + j];
  }
}

}  // namespace wengert::arrays
