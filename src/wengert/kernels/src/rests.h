// Remainder of a division with the sign of the dividend, exactly as in C, for many pairs at a time: one division and one
// product where the quotient is a number that the type holds exactly, the function of the C library for the other pairs.
#pragma once
#include <limits>

#include "vmath.h"

namespace wengert::rests {

// x - y * quotient, rounded once: float products are exact in double, double ones need the instruction.
#ifdef __FMA__
template <class T> WENGERT_INLINE T less_product(T x, T y, T quotient) { return std::fma(-quotient, y, x); }
constexpr bool exact_double = true;
#else
template <class T> WENGERT_INLINE T less_product(T x, T y, T quotient) {
  return static_cast<T>(static_cast<double>(x) - static_cast<double>(quotient) * static_cast<double>(y));
}
constexpr bool exact_double = false;
#endif

// Whether `near` gives the result: y is finite, and the quotient below 2**mantissa_bits.
template <class T> WENGERT_INLINE bool is_near(T x, T y) {
  constexpr T limit = static_cast<T>(int64_t(1) << vmath::Format<T>::mantissa_bits);
  return (std::fabs(x / y) < limit) & (std::fabs(y) <= std::numeric_limits<T>::max());
}

template <class T> WENGERT_INLINE T near(T x, T y) {
  const T a = std::fabs(x), b = std::fabs(y);
  const T rest = less_product(a, b, std::trunc(a / b));
  return std::copysign(vmath::choose(rest < T(0), rest + b, rest), x);  // a quotient just below a whole number is rounded up to it
}

// Remainders of n pairs; an operand that does not vary is one number.
template <class T> void fmods(T* out, const T* a, bool va, const T* b, bool vb, std::ptrdiff_t n) {
  constexpr std::ptrdiff_t part = 64;
  T x[part], y[part];
  for (std::ptrdiff_t start = 0; start < n; start += part) {
    const std::ptrdiff_t count = n - start < part ? n - start : part;
    for (std::ptrdiff_t i = 0; i < count; i++) x[i] = a[va ? start + i : 0];
    for (std::ptrdiff_t i = 0; i < count; i++) y[i] = b[vb ? start + i : 0];
    T* to = out + start;
    typename vmath::Format<T>::Int far = sizeof(T) == 8 && !exact_double;
    for (std::ptrdiff_t i = 0; i < count; i++) far |= !is_near(x[i], y[i]);
    if (!far) {
#pragma GCC ivdep
      for (std::ptrdiff_t i = 0; i < count; i++) to[i] = near(x[i], y[i]);
    } else {
      for (std::ptrdiff_t i = 0; i < count; i++) to[i] = std::fmod(x[i], y[i]);
    }
  }
}

}  // namespace wengert::rests
