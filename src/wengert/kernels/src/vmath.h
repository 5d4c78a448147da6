// Elementary functions without branches, which gcc and clang turn into SIMD code by themselves.
//
// Written for -O3 -fno-math-errno -fno-trapping-math, never -ffast-math: NaN, infinities, signed zeros and subnormal numbers
// come out as in C.  All coefficients are Chebyshev interpolants of our own, computed with 40 digits; the maximal errors
// against long double are asserted in tests/kernels/test_vmath.py.  T is float or double everywhere.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#define WENGERT_INLINE static inline __attribute__((always_inline))

namespace wengert::vmath {

template <class T> struct Format;

template <> struct Format<float> {
  using Int = int32_t;
  static constexpr int mantissa_bits = 23, exponent_bias = 127;
  static constexpr float round_magic = 12582912.0f;  // 1.5 * 2**23: adding it leaves the nearest integer in the low bits
  static constexpr float log2e = 1.44269504088896341f;
  static constexpr float ln2_high = 0.693145751953125f, ln2_low = 1.42860682030941723e-6f;
  static constexpr float exp_lowest = -104.0f, exp_highest = 89.0f;   // beyond: 0 and infinity
  static constexpr float expm1_lowest = -30.0f, tanh_highest = 20.0f;  // beyond: -1 and 1
  static constexpr float smallest_normal = 1.17549435e-38f, lift = 33554432.0f;  // lift = 2**lift_bits
  static constexpr Int lift_bits = 25, sqrt_half_bits = 0x3f3504f3;
};

template <> struct Format<double> {
  using Int = int64_t;
  static constexpr int mantissa_bits = 52, exponent_bias = 1023;
  static constexpr double round_magic = 6755399441055744.0;  // 1.5 * 2**52
  static constexpr double log2e = 1.4426950408889634074;
  static constexpr double ln2_high = 0.69314718036912381649, ln2_low = 1.9082149292705877e-10;
  static constexpr double exp_lowest = -746.0, exp_highest = 710.0;
  static constexpr double expm1_lowest = -50.0, tanh_highest = 20.0;
  static constexpr double smallest_normal = 2.2250738585072014e-308, lift = 18014398509481984.0;
  static constexpr Int lift_bits = 54, sqrt_half_bits = 0x3fe6a09e667f3bcdLL;
};

template <class To, class From> WENGERT_INLINE To bits(From x) {
  static_assert(sizeof(To) == sizeof(From));
  To out;
  std::memcpy(&out, &x, sizeof out);
  return out;
}

// c0 + c1 u + c2 u**2...; a loop over the coefficients would keep gcc from vectorising the loop around it.
template <class T> WENGERT_INLINE T polynomial(T, T last) { return last; }
template <class T, class... More> WENGERT_INLINE T polynomial(T u, T first, T second, More... more) {
  return first + u * polynomial(u, second, more...);
}

// The first value where `mask`, without a jump: before a long computation gcc would split the paths, element by element.
template <class T> WENGERT_INLINE T choose(bool mask, T first, T second) {
  using Int = typename Format<T>::Int;
  const Int all = -static_cast<Int>(mask);
  return bits<T>(static_cast<Int>((bits<Int>(first) & all) | (bits<Int>(second) & ~all)));
}

// 2**n for n in the range of normal numbers.
template <class T> WENGERT_INLINE T power_of_two(typename Format<T>::Int n) {
  using F = Format<T>;
  return bits<T>(static_cast<typename F::Int>((n + F::exponent_bias) << F::mantissa_bits));
}

// (exp(r) - 1 - r) / r**2 for |r| <= ln(2)/2.
WENGERT_INLINE float exp_tail(float r) {
  return 0.5f + r * (0.16666573381900846f + r * (0.041666550110305124f + r * (0.0083637738744055735f
      + r * 0.0013926926614021906f)));
}
WENGERT_INLINE double exp_tail(double r) {
  return 0.5 + r * (0.16666666666666671438 + r * (0.041666666666666670074 + r * (0.0083333333333255446996
      + r * (0.0013888888888883326674 + r * (0.00019841269876864354929 + r * (0.000024801587307027186731
      + r * (2.7557252833516909748e-6 + r * (2.7557271810219799569e-7 + r * (2.5106274733573294687e-8
      + r * 2.0915442297780115216e-9)))))))));
}

// x = n ln(2) + r with |r| <= ln(2)/2: gives n and returns exp(r) - 1.
template <class T> WENGERT_INLINE T reduced_expm1(T x, typename Format<T>::Int& n) {
  using F = Format<T>;
  using Int = typename F::Int;
  T shifted = x * F::log2e + F::round_magic;
  n = bits<Int>(shifted) - bits<Int>(F::round_magic);
  T whole = shifted - F::round_magic;
  T r = (x - whole * F::ln2_high) - whole * F::ln2_low;
  return r + r * r * exp_tail(r);
}

template <class T> WENGERT_INLINE T exp(T x) {
  using F = Format<T>;
  x = x < F::exp_lowest ? F::exp_lowest : x;
  x = x > F::exp_highest ? F::exp_highest : x;
  typename F::Int n;
  T p = reduced_expm1(x, n);
  typename F::Int half = n >> 1;  // 2**n in two factors, since n may lie outside the normal exponents
  return (T(1) + p) * power_of_two<T>(half) * power_of_two<T>(n - half);
}

// exp(x) - 1 for x from about expm1_lowest to tanh_highest * 2; exact relative to the result near 0, except the sign of zero.
template <class T> WENGERT_INLINE T bounded_expm1(T x) {
  typename Format<T>::Int n;
  T p = reduced_expm1(x, n), scale = power_of_two<T>(n);
  return scale * p + (scale - T(1));
}

template <class T> WENGERT_INLINE T expm1(T x) {
  using F = Format<T>;
  T bounded = x < F::expm1_lowest ? F::expm1_lowest : x;
  bounded = bounded > F::exp_highest ? F::exp_highest : bounded;
  typename F::Int n;
  T p = reduced_expm1(bounded, n);
  T half_scale = power_of_two<T>(n - 1);  // 2**n itself overflows one step too early
  return std::copysign(T(2) * (half_scale * p + (half_scale - T(0.5))), x);
}

template <class T> WENGERT_INLINE T tanh(T x) {
  T a = x < 0 ? -x : x;
  a = a > Format<T>::tanh_highest ? Format<T>::tanh_highest : a;
  T e = bounded_expm1(T(2) * a);
  return std::copysign(e / (e + T(2)), x);
}

template <class T> WENGERT_INLINE T sigmoid(T x) { return T(1) / (T(1) + vmath::exp(-x)); }

// log(1 + f) for sqrt(1/2) - 1 <= f <= sqrt(2) - 1.  In single precision without a division, which costs more than the degree.
WENGERT_INLINE float log_near_one(float f) {
  float square = f * f;
  float tail = polynomial(f, 0.33333331141113911f, -0.24999996905108002f, 0.20000725768951815f, -0.16667817265214118f,
                          0.14248695588728349f, -0.12425031151817208f, 0.11688632791075399f, -0.1148643374542111f,
                          0.069710843685160879f);
  return f + (f * square * tail - 0.5f * square);
}
// By way of s = f / (2 + f): log(1 + f) = log((1 + s) / (1 - s)), an odd function of s.
WENGERT_INLINE double log_near_one(double f) {
  double s = f / (2 + f), square = s * s, half = 0.5 * f * f;
  double tail = polynomial(square, 0.66666666666666701414, 0.39999999999886612948, 0.2857142863176433463,
                           0.22222210199264211533, 0.18182956608063458865, 0.15329500754204177124, 0.1464362860190979757);
  return f - (half - s * (half + square * tail));
}

template <class T> WENGERT_INLINE T log(T x) {
  using F = Format<T>;
  using Int = typename F::Int;
  bool subnormal = x < F::smallest_normal;
  T lifted = subnormal ? x * F::lift : x;
  Int b = bits<Int>(lifted);
  Int k = (b - F::sqrt_half_bits) >> F::mantissa_bits;  // lifted = 2**k m with sqrt(1/2) <= m < sqrt(2)
  T m = bits<T>(static_cast<Int>(b - (k << F::mantissa_bits)));
  // Int to T by way of the magic number: AVX2 converts no 64-bit integers.
  T exponent = bits<T>(static_cast<Int>(k - (subnormal ? F::lift_bits : Int(0)) + bits<Int>(F::round_magic))) - F::round_magic;
  T out = exponent * F::ln2_low + log_near_one(m - T(1)) + exponent * F::ln2_high;
  out = x == T(0) ? -T(INFINITY) : out;
  out = x < T(0) ? T(NAN) : out;
  return x >= T(INFINITY) || x != x ? x : out;
}

template <class T> WENGERT_INLINE T log1p(T x) {
  T u = T(1) + x;
  T lost = (x - (u - T(1))) / u;  // what the rounding of 1 + x dropped, to first order
  T out = vmath::log(u) + lost;
  out = x == T(-1) ? -T(INFINITY) : out;
  out = x >= T(INFINITY) ? x : out;
  return x == T(0) ? x : out;  // keeps the sign of zero
}

// -log(erfc(a)) / a for 0 <= a <= 4.1, so that erf(a) = -expm1(-a q(a)).
WENGERT_INLINE float erf_exponent(float a) {
  return 1.1283791769631463297f + a * (0.63661921885531035281f + a * (0.10277656670644471425f
      + a * (-0.019132589930180214814f + a * (-0.00023851324213370146855f + a * (0.00180345008858185916f
      + a * (-0.00076008054152607412008f + a * (0.00018371720973956101729f + a * (-0.000027767970465433929545f
      + a * (2.4387974007171993191e-6f + a * -9.5149504526809690413e-8f)))))))));
}
// The same for 0.75 <= a <= 5.95, as a polynomial in u = 2 a / 5.95 - 1.
WENGERT_INLINE double erf_exponent(double u) {
  return polynomial(
      u, 3.55071174951291643, 2.70518621091167838, 0.141392598831748132, -0.0745812488603733802,
      0.0381283694527405557, -0.0183688272779525384, 0.00803435650625305194, -0.00295077650705706608,
      0.000681228825182649765, 0.000171804574326980362, -0.000377356544622413769, 0.000332486351188370215,
      -0.00022350871276401041, 0.000124899468377945062, -0.000057313567360931103, 0.0000188681979309501131,
      -2.90266337207323645e-7, -6.80843309668499828e-6, 6.6790793640377758e-6, -3.57927889999985645e-6,
      2.95210159708143424e-6, -3.68862077494520324e-6, 8.89498984577499856e-7, 2.15993230723487818e-6,
      -5.44924100884749933e-7, -1.48621488187445987e-6, 2.8535465532452101e-7, 8.50146313003139536e-7,
      -2.98514593298525099e-7, -1.60498630171027528e-7, 7.43523056958159101e-8);
}
// erf(x) / x for |x| < 0.75, as a polynomial in x**2.
WENGERT_INLINE double erf_near_zero(double s) {
  return 1.12837916709551257 + s * (-0.376126389031837169 + s * (0.112837916709525961 + s * (-0.0268661706444284841
      + s * (0.00522397761542053867 + s * (-0.000854832618875975266 + s * (0.000120552895675417067
      + s * (-0.0000149241963055696164 + s * (1.64306841797415471e-6 + s * (-1.59400668546617018e-7
      + s * 1.14724997010946388e-8)))))))));
}

WENGERT_INLINE float erf(float x) {
  float a = x < 0 ? -x : x;
  a = a > 4.1f ? 4.1f : a;
  return std::copysign(-bounded_expm1(-a * erf_exponent(a)), x);
}
WENGERT_INLINE double erf(double x) {
  double a = x < 0 ? -x : x;
  a = choose(a > 5.95, 5.95, a);
  double far = std::copysign(-bounded_expm1(-a * erf_exponent(a * (2 / 5.95) - 1)), x);
  double near = x * erf_near_zero(x * x);
  return choose(a < 0.75, near, far);
}

}  // namespace wengert::vmath
