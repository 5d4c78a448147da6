// The vectors of this instruction set, and rows of numbers reduced with them.
#pragma once
#include <cstddef>
#include <limits>
#include <type_traits>

#include "vmath.h"

namespace wengert {

#if defined(__AVX512F__)
constexpr int VECTOR_BYTES = 64;
#elif defined(__AVX__)
constexpr int VECTOR_BYTES = 32;
#else
constexpr int VECTOR_BYTES = 16;
#endif

template <class T>
struct Vec {
  typedef T v __attribute__((vector_size(VECTOR_BYTES)));
  typedef T u __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(T)), may_alias));  // unaligned, in memory
  static constexpr int lanes = VECTOR_BYTES / sizeof(T);
};

template <class T>
using Limits = std::numeric_limits<T>;

// Reductions: what of an element counts, and how two of those are joined.  X is a number or a vector, T a number.
struct Sum {
  template <class T> static constexpr T start() { return 0; }
  template <class X> static X value(X x) { return x; }
  template <class X> static X join(X x, X y) { return x + y; }
};
struct SumOfNumbers : Sum {
  template <class X> static X value(X x) { return x == x ? x : X{}; }
};
struct SumOfSizes : Sum {
  template <class X> static X value(X x) { return x <= X{} ? X{} - x : x; }
};
struct SumOfSquares : Sum {
  template <class X> static X value(X x) { return x * x; }
};
struct Product {
  template <class T> static constexpr T start() { return 1; }
  template <class X> static X value(X x) { return x; }
  template <class X> static X join(X x, X y) { return x * y; }
};
struct Largest {
  template <class T> static constexpr T start() { return std::is_integral_v<T> ? Limits<T>::lowest() : -Limits<T>::infinity(); }
  template <class X> static X value(X x) { return x; }
  template <class X> static X join(X x, X y) { return (x > y) | (x != x) ? x : y; }
};
struct LargestSize : Largest {
  template <class X> static X value(X x) { return SumOfSizes::value(x); }
};
struct Smallest {
  template <class T> static constexpr T start() { return std::is_integral_v<T> ? Limits<T>::max() : Limits<T>::infinity(); }
  template <class X> static X value(X x) { return x; }
  template <class X> static X join(X x, X y) { return (x < y) | (x != x) ? x : y; }
};

// The elements of a vector joined: its halves, theirs, and so on.  (Halves copied out would keep the vector in memory.)
template <class R, class T, int N, class V>
inline T folded(V x) {
  if constexpr (N == 16)
    return folded<R, T, 8>(R::join(__builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7),
                                   __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15)));
  else if constexpr (N == 8)
    return folded<R, T, 4>(
        R::join(__builtin_shufflevector(x, x, 0, 1, 2, 3), __builtin_shufflevector(x, x, 4, 5, 6, 7)));
  else if constexpr (N == 4)
    return folded<R, T, 2>(R::join(__builtin_shufflevector(x, x, 0, 1), __builtin_shufflevector(x, x, 2, 3)));
  else
    return R::join(T(x[0]), T(x[1]));
}

// n numbers reduced, in an order that depends on n alone.
template <class R, class T>
WENGERT_INLINE T reduced(const T* a, std::ptrdiff_t n) {
  using v = typename Vec<T>::v;
  using u = typename Vec<T>::u;
  constexpr int L = Vec<T>::lanes;
  if (n < L) {
    T total = R::template start<T>();
    for (std::ptrdiff_t i = 0; i < n; i++) total = R::join(total, R::value(a[i]));
    return total;
  }
  const auto at = [a](std::ptrdiff_t i) { return R::value(static_cast<v>(*reinterpret_cast<const u*>(a + i))); };
  const v start = v{} + R::template start<T>();
  v total = start;
  std::ptrdiff_t i = 0;
  if (n >= 4 * L) {  // four at once hide the latency of joining; an array of them would stay in memory
    v first = at(0), second = at(L), third = at(2 * L), fourth = at(3 * L);
    for (i = 4 * L; i + 4 * L <= n; i += 4 * L) {
      first = R::join(first, at(i)), second = R::join(second, at(i + L));
      third = R::join(third, at(i + 2 * L)), fourth = R::join(fourth, at(i + 3 * L));
    }
    total = R::join(R::join(first, second), R::join(third, fourth));
  }
  for (; i + L <= n; i += L) total = R::join(total, at(i));
  if (i < n) {  // the last vector, without what was counted before
    decltype(v{} == v{}) place;
    for (int l = 0; l < L; l++) place[l] = l;
    total = R::join(total, place >= static_cast<int>(L - (n - i)) ? at(n - L) : start);
  }
  return folded<R, T, L>(total);
}

constexpr std::ptrdiff_t BLOCK = 1024;  // elements that are joined in the dtype; a register of a staged program

// What keeps the results of blocks.
template <class R, class T>
using Total = std::conditional_t<std::is_base_of_v<Sum, R>, double, T>;

template <class R, class T>
inline Total<R, T> reduced_in_blocks(const T* a, std::ptrdiff_t n) {
  auto total = R::template start<Total<R, T>>();
  for (std::ptrdiff_t i = 0; i < n; i += BLOCK)
    total = R::join(total, static_cast<Total<R, T>>(reduced<R>(a + i, n - i < BLOCK ? n - i : BLOCK)));
  return total;
}

}  // namespace wengert
