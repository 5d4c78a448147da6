// Sine and cosine: x = q pi/2 + r with |r| <= pi/4, and a polynomial of r, without branches.  Where |x| is too large for the
// three parts of pi/2 that q is multiplied by, the functions of the C library.
#pragma once
#include "vmath.h"

namespace wengert::trig {

constexpr double two_over_pi = 0.6366197723675814;
// pi/2 in parts of 33 bits, so that the products with q < 2**20 are exact, and the rest.
constexpr double first = 1.5707963267341256, second = 6.077100506303966e-11, third = 2.0222662487959506e-21;
constexpr double limit = 1.6e6;

// r + low = x - q pi/2; the quadrant is q modulo 4, in the low bits.
template <class T> struct Reduced {
  T r, low;
  typename vmath::Format<T>::Int quadrant;
};

WENGERT_INLINE Reduced<double> reduced(double x) {
  constexpr double magic = vmath::Format<double>::round_magic;
  double shifted = x * two_over_pi + magic, q = shifted - magic;
  double exact = x - q * first, less = q * second, head = exact - less;
  double tail = ((exact - head) - less) - q * third;
  double r = head + tail;
  return {r, (head - r) + tail, vmath::bits<int64_t>(shifted)};
}
WENGERT_INLINE Reduced<float> reduced(float x) {
  constexpr double magic = vmath::Format<double>::round_magic;
  double shifted = x * two_over_pi + magic, q = shifted - magic;
  double r = (x - q * first) - q * second;
  return {static_cast<float>(r), 0.0f, static_cast<int32_t>(vmath::bits<int64_t>(shifted))};
}

// (sin(r) / r - 1) / r**2 and (cos(r) - 1 + r**2 / 2) / r**4 as polynomials of u = r**2.
WENGERT_INLINE float sine_tail(float u) {
  return vmath::polynomial(u, -0.166666647f, 0.00833274804f, -0.000195878405f);
}
WENGERT_INLINE double sine_tail(double u) {
  return vmath::polynomial(u, -0.166666666666666646, 0.0083333333333309461, -0.0001984126983675497,
                           2.75573161006830291e-6, -2.50511314554279474e-8, 1.59181012302741203e-10);
}
WENGERT_INLINE float cosine_tail(float u) {
  return vmath::polynomial(u, 0.0416666647f, -0.00138883028f, 2.45478916e-5f);
}
WENGERT_INLINE double cosine_tail(double u) {
  return vmath::polynomial(u, 0.0416666666666666654, -0.00138888888888873957, 0.0000248015872987634332,
                           -2.75573172705603241e-7, 2.08761460246897466e-9, -1.13826148685563246e-11);
}

// sin(x + quarter pi/2) for |x| <= limit.
template <int quarter, class T> WENGERT_INLINE T near(T x) {
  using Int = typename vmath::Format<T>::Int;
  const Reduced<T> part = reduced(x);
  const T r = part.r, u = r * r, half = T(0.5) * u, whole = T(1) - half;
  const T sine = r + (r * u * sine_tail(u) + part.low);
  const T cosine = whole + (((T(1) - whole) - half) + (u * u * cosine_tail(u) - r * part.low));
  const Int quadrant = part.quadrant + quarter;
  const T value = vmath::choose((quadrant & 1) != 0, cosine, sine);
  const T out = vmath::choose((quadrant & 2) != 0, -value, value);
  return quarter == 0 ? vmath::choose(x == T(0), x, out) : out;  // keeps the sign of zero
}

template <int quarter, class T> WENGERT_INLINE T far(T x) { return quarter == 0 ? std::sin(x) : std::cos(x); }

// Sines (quarter = 0) or cosines (1) of n numbers.
template <int quarter, class T> void sines(T* out, const T* a, std::ptrdiff_t n) {
  constexpr std::ptrdiff_t part = 64;
  for (std::ptrdiff_t start = 0; start < n; start += part, a += part, out += part) {
    const std::ptrdiff_t count = n - start < part ? n - start : part;
    typename vmath::Format<T>::Int large = 0;  // as wide as T: of a bool gcc makes slow code
    for (std::ptrdiff_t i = 0; i < count; i++) large |= !(std::fabs(a[i]) <= T(limit));
    if (!large) {
#pragma GCC ivdep
      for (std::ptrdiff_t i = 0; i < count; i++) out[i] = near<quarter>(a[i]);
    } else {
      for (std::ptrdiff_t i = 0; i < count; i++)
        out[i] = std::fabs(a[i]) <= T(limit) ? near<quarter>(a[i]) : far<quarter>(a[i]);
    }
  }
}

}  // namespace wengert::trig
