// Elementary functions without branches, which gcc and clang turn into SIMD code by themselves.
//
// Written for -O3 -fno-math-errno -fno-trapping-math, never -ffast-math: NaN, infinities, signed zeros and subnormal numbers
// come out as in C.  All coefficients are Chebyshev interpolants of our own, computed with 40 digits; the maximal errors
// against long double are asserted in tests/kernels/test_vmath.py.  T is float or double everywhere.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#define WENGERT_INLINE static inline __attribute__((always_inline))

namespace wengert::vmath {

template <class T> struct Format;

template <> struct Format<float> {
  using Int = int32_t;
  static constexpr int mantissa_bits = 23, exponent_bias = 127;
  static constexpr float round_magic = 12582912.0f;  // 1.5 * 2**23: adding it leaves the nearest integer in the low bits
  static constexpr float log2e = 1.44269504088896341f;
  static constexpr float ln2_high = 0.693145751953125f, ln2_low = 1.42860682030941723e-6f;
  static constexpr float exp_lowest = -104.0f, exp_highest = 89.0f, exp2_lowest = -150.0f;  // beyond: 0 and infinity
  static constexpr float expm1_lowest = -30.0f, one_highest = 40.0f;  // beyond: exp(x) - 1 is -1, and 1 + exp(-x) is 1
  static constexpr float smallest_normal = 1.17549435e-38f, lift = 33554432.0f;  // lift = 2**lift_bits
  static constexpr Int lift_bits = 25, sqrt_half_bits = 0x3f3504f3;
};

template <> struct Format<double> {
  using Int = int64_t;
  static constexpr int mantissa_bits = 52, exponent_bias = 1023;
  static constexpr double round_magic = 6755399441055744.0;  // 1.5 * 2**52
  static constexpr double log2e = 1.4426950408889634074;
  static constexpr double ln2_high = 0.69314718036912381649, ln2_low = 1.9082149292705877e-10;
  static constexpr double exp_lowest = -746.0, exp_highest = 710.0, exp2_lowest = -1075.0;
  static constexpr double expm1_lowest = -50.0, one_highest = 40.0;
  static constexpr double smallest_normal = 2.2250738585072014e-308, lift = 18014398509481984.0;
  static constexpr Int lift_bits = 54, sqrt_half_bits = 0x3fe6a09e667f3bcdLL;
};

template <class To, class From> WENGERT_INLINE To bits(From x) {
  static_assert(sizeof(To) == sizeof(From));
  To out;
  std::memcpy(&out, &x, sizeof out);
  return out;
}

// c0 + c1 u + c2 u**2..., four coefficients at a time: Horner's chain of dependent operations is too long for a processor to
// have several elements under way.  A loop over the coefficients would keep gcc from vectorising the loop around it.
template <class T> WENGERT_INLINE T fours(T, T, T, T a) { return a; }
template <class T> WENGERT_INLINE T fours(T u, T, T, T a, T b) { return a + u * b; }
template <class T> WENGERT_INLINE T fours(T u, T square, T, T a, T b, T c) { return (a + u * b) + square * c; }
template <class T> WENGERT_INLINE T fours(T u, T square, T, T a, T b, T c, T d) { return (a + u * b) + square * (c + u * d); }
template <class T, class... More> WENGERT_INLINE T fours(T u, T square, T fourth, T a, T b, T c, T d, More... more) {
  return ((a + u * b) + square * (c + u * d)) + fourth * fours(u, square, fourth, more...);
}
template <class T, class... More> WENGERT_INLINE T polynomial(T u, T first, More... more) {
  T square = u * u;
  return fours(u, square, square * square, first, more...);
}

// The first value where `mask`, without a jump: before a long computation gcc would split the paths, element by element.
template <class T> WENGERT_INLINE T choose(bool mask, T first, T second) {
  using Int = typename Format<T>::Int;
  const Int all = -static_cast<Int>(mask);
  return bits<T>(static_cast<Int>((bits<Int>(first) & all) | (bits<Int>(second) & ~all)));
}

// 2**n times `unit`, a power of 2, where n is in the low bits of `shifted` and the result is a normal number.
template <class T> WENGERT_INLINE T scaled(T unit, T shifted) {
  using Bits = std::make_unsigned_t<typename Format<T>::Int>;
  return bits<T>((bits<Bits>(shifted) << Format<T>::mantissa_bits) + bits<Bits>(unit));
}

// (exp(r) - 1 - r) / r**2 for |r| <= ln(2)/2.
WENGERT_INLINE float exp_tail(float r) {
  return polynomial(r, 0.5f, 0.16666573381900846f, 0.041666550110305124f, 0.0083637738744055735f,
                    0.0013926926614021906f);
}
WENGERT_INLINE double exp_tail(double r) {
  return polynomial(r, 0.5, 0.16666666666666671438, 0.041666666666666670074, 0.0083333333333255446996,
                    0.0013888888888883326674, 0.00019841269876864354929, 0.000024801587307027186731,
                    2.7557252833516909748e-6, 2.7557271810219799569e-7, 2.5106274733573294687e-8,
                    2.0915442297780115216e-9);
}

// x = n ln(2) + r with |r| <= ln(2)/2: leaves n in the low bits of `shifted` and returns exp(r) - 1.
template <class T> WENGERT_INLINE T reduced_expm1(T x, T& shifted) {
  using F = Format<T>;
  shifted = x * F::log2e + F::round_magic;
  T whole = shifted - F::round_magic;
  T r = (x - whole * F::ln2_high) - whole * F::ln2_low;
  return r + r * r * exp_tail(r);
}

// p 2**n for p near 1, where n is in the low bits of `shifted` and may lie outside the normal exponents: in two factors, the
// first of which is 2**(n/2 rounded down).
template <class T> WENGERT_INLINE T widely_scaled(T p, T shifted) {
  using F = Format<T>;
  using Bits = std::make_unsigned_t<typename F::Int>;
  constexpr Bits exponent = ~((Bits(1) << F::mantissa_bits) - 1);
  Bits n = bits<Bits>(shifted);
  Bits half = n << (F::mantissa_bits - 1) & exponent;
  Bits rest = (n << F::mantissa_bits) - half + bits<Bits>(T(1));
  return bits<T>(bits<Bits>(p) + half) * bits<T>(rest);
}

template <class T> WENGERT_INLINE T exp(T x) {
  using F = Format<T>;
  T shifted;
  T p = T(1) + reduced_expm1(x, shifted);
  T out = widely_scaled(p, shifted);
  out = x < F::exp_lowest ? T(0) : out;
  return x > F::exp_highest ? T(INFINITY) : out;
}

// Exact for whole x.
template <class T> WENGERT_INLINE T exp2(T x) {
  using F = Format<T>;
  T shifted = x + F::round_magic;
  T r = (x - (shifted - F::round_magic)) * T(0.69314718055994530942);
  T out = widely_scaled(T(1) + (r + r * r * exp_tail(r)), shifted);
  out = x < F::exp2_lowest ? T(0) : out;
  return x >= F::exponent_bias + 1 ? T(INFINITY) : out;
}

// exp(x) where it is added to 1: 0 comes earlier, and one factor is enough for 2**n.
template <class T> WENGERT_INLINE T exp_beside_one(T x) {
  using F = Format<T>;
  T shifted;
  T twice = T(2) + T(2) * reduced_expm1(x, shifted);  // for 2**n itself overflows one step too early
  T out = twice * scaled(T(0.5), shifted);
  out = x < -F::one_highest ? T(0) : out;
  return x > F::exp_highest ? T(INFINITY) : out;
}

// exp(x) - 1 for x from about expm1_lowest to one_highest; exact relative to the result near 0, except the sign of zero.
template <class T> WENGERT_INLINE T bounded_expm1(T x) {
  T shifted;
  T p = reduced_expm1(x, shifted), scale = scaled(T(1), shifted);
  return scale * p + (scale - T(1));
}

template <class T> WENGERT_INLINE T expm1(T x) {
  using F = Format<T>;
  T bounded = x < F::expm1_lowest ? F::expm1_lowest : x;
  bounded = bounded > F::exp_highest ? F::exp_highest : bounded;
  T shifted;
  T p = reduced_expm1(bounded, shifted);
  T half_scale = scaled(T(0.5), shifted);  // 2**n itself overflows one step too early
  return std::copysign(T(2) * (half_scale * p + (half_scale - T(0.5))), x);
}

template <class T> WENGERT_INLINE T tanh(T x) {
  T a = x < 0 ? -x : x;
  T twice = T(2) * a;
  twice = twice > Format<T>::one_highest ? Format<T>::one_highest : twice;
  T e = bounded_expm1(twice);
  return std::copysign(e / (e + T(2)), x);
}

template <class T> WENGERT_INLINE T sigmoid(T x) { return T(1) / (T(1) + exp_beside_one(-x)); }

// log(1 + f) for sqrt(1/2) - 1 <= f <= sqrt(2) - 1.  In single precision without a division, which costs more than the degree.
WENGERT_INLINE float log_near_one(float f) {
  float bend = polynomial(f, -0.5f, 0.33333331141113911f, -0.24999996905108002f, 0.20000725768951815f, -0.16667817265214118f,
                          0.14248695588728349f, -0.12425031151817208f, 0.11688632791075399f, -0.1148643374542111f,
                          0.069710843685160879f);
  return f + f * f * bend;
}
// By way of s = f / (2 + f): log(1 + f) = log((1 + s) / (1 - s)), an odd function of s.
WENGERT_INLINE double log_near_one(double f) {
  double s = f / (2 + f), square = s * s, half = 0.5 * f * f;
  double tail = polynomial(square, 0.66666666666666701414, 0.39999999999886612948, 0.2857142863176433463,
                           0.22222210199264211533, 0.18182956608063458865, 0.15329500754204177124, 0.1464362860190979757);
  return f - (half - s * (half + square * tail));
}

// Whole numbers as floating-point ones.  By way of the magic number in double precision: AVX2 converts no 64-bit integers.
WENGERT_INLINE float whole(int32_t k) { return static_cast<float>(k); }
WENGERT_INLINE double whole(int64_t k) {
  constexpr double magic = Format<double>::round_magic;
  return bits<double>(k + bits<int64_t>(magic)) - magic;
}

// log(2**-less x) for normal x > 0.
template <class T> WENGERT_INLINE T log_of_normal(T x, typename Format<T>::Int less = 0) {
  using F = Format<T>;
  using Int = typename F::Int;
  const Int b = bits<Int>(x), k = (b - F::sqrt_half_bits) >> F::mantissa_bits;  // x = 2**k m with sqrt(1/2) <= m < sqrt(2)
  const T m = bits<T>(static_cast<Int>(b - (k << F::mantissa_bits))), exponent = whole(k - less);
  return exponent * T(0.69314718055994530942) + log_near_one(m - T(1));
}

template <class T> WENGERT_INLINE T log(T x) {
  using F = Format<T>;
  using Int = typename F::Int;
  bool subnormal = x < F::smallest_normal;
  T out = log_of_normal(subnormal ? x * F::lift : x, subnormal ? F::lift_bits : Int(0));
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
  return polynomial(a, 1.1283791769631463297f, 0.63661921885531035281f, 0.10277656670644471425f,
                    -0.019132589930180214814f, -0.00023851324213370146855f, 0.00180345008858185916f,
                    -0.00076008054152607412008f, 0.00018371720973956101729f, -0.000027767970465433929545f,
                    2.4387974007171993191e-6f, -9.5149504526809690413e-8f);
}
// erf(x) / x for |x| < 1, as a polynomial in x**2.
WENGERT_INLINE double erf_near_zero(double s) {
  return 1.12837916709551257 + s * polynomial(
      s, -0.376126389031837495, 0.112837916709543978, -0.0268661706448388574, 0.00522397762085779493,
      -0.000854832665437531876, 0.000120553156173355608, -0.0000149251396714198593, 1.6452426695576326e-6,
      -1.62468790437574552e-7, 1.38859937612691406e-8, -8.10460439089120138e-10);
}
// (a + 4) exp(a**2) erfc(a) for 1 <= a <= 6, where u = (a - 4)/(a + 4).
WENGERT_INLINE double erfc_scaled(double u) {
  return polynomial(
      u, 1.0959956610004913, -0.976548729080881996, 0.7732087022650676, -0.540853831313513816, 0.3308515879034801,
      -0.174010937155715139, 0.0763815136381875466, -0.0263700600008822167, 0.00611207350515244376,
      -0.000280773676775174164, -0.000454797385705623063, 0.00017552199133394562, -9.38006916981606478e-6,
      -0.0000284900943043140437, -2.62882045138601076e-6);
}

WENGERT_INLINE float erf(float x) {
  float a = x < 0 ? -x : x;
  a = a > 4.1f ? 4.1f : a;
  return std::copysign(-bounded_expm1(-a * erf_exponent(a)), x);
}
WENGERT_INLINE double erf(double x) {
  const double size = x < 0 ? -x : x, a = choose(size > 6.0, 6.0, size), inverse = 1 / (a + 4);
  double shifted;
  const double p = reduced_expm1(-a * a, shifted), scale = scaled(1.0, shifted);
  const double far = 1 - (scale + scale * p) * (inverse * erfc_scaled((a - 4) * inverse));
  return choose(a < 1.0, x * erf_near_zero(x * x), std::copysign(far, x));
}

// Normal distribution function.  In single precision a quotient of polynomials, exact to 2e-7 and much cheaper than erf.
WENGERT_INLINE float normal_cdf(float x) {
  float square = x * x;
  float top = polynomial(square, 0.39894224556128366f, 0.03337063963864812f, 0.004650745057818891f, 0.00016430396689700943f,
                         6.359756865251379e-06f, 2.338716065294685e-08f);
  float bottom = polynomial(square, 1.0f, 0.2503138804569382f, 0.02837775413666826f, 0.00185888361082393f,
                            7.239370509704716e-05f, 1.2165835475313851e-06f);
  float out = 0.5f + x * top / bottom;
  out = x < -5.4f ? 0.0f : out;
  return x > 5.4f ? 1.0f : out;
}
WENGERT_INLINE double normal_cdf(double x) { return 0.5 + 0.5 * vmath::erf(x * 0.70710678118654752440); }

template <class T> WENGERT_INLINE T gelu(T x) { return x * normal_cdf(x); }

// Derivative of gelu: the distribution function plus x times the density.
WENGERT_INLINE float gelu_slope(float x) {
  float square = x * x;
  float top = polynomial(square, 0.7978847485144129f, -0.0425988395804925f, 0.014567162966604062f, -0.0001657293795067384f,
                         3.281521807626384e-05f, -1.300019675381804e-07f, 3.082707840337445e-09f, -1.7076103178643454e-11f);
  float bottom = polynomial(square, 1.0f, 0.27994564032621577f, 0.03656736525749495f, 0.0028960798095926197f,
                            0.00014607450378595967f, 5.251485798469718e-06f);
  float out = 0.5f + x * top / bottom, nothing = x * 0.0f + 0.0f;  // not a number at infinity, as in the formula
  out = x < -5.9f ? nothing : out;
  return x > 5.9f ? 1.0f + nothing : out;
}
WENGERT_INLINE double gelu_slope(double x) {
  return normal_cdf(x) + x * (0.39894228040143267794 * vmath::exp(-0.5 * (x * x)));
}

// sqrt(x**2 + y**2): squares of float fit into double; those of double are taken of numbers brought into the middle.
WENGERT_INLINE float hypot(float x, float y) {
  const double a = x, b = y;
  const bool infinite = (std::fabs(x) == INFINITY) | (std::fabs(y) == INFINITY);
  return choose(infinite, INFINITY, static_cast<float>(std::sqrt(a * a + b * b)));
}
WENGERT_INLINE double hypot(double x, double y) {
  constexpr double large = 0x1p500, tiny = 0x1p-500;
  const double a = std::fabs(x), b = std::fabs(y), top = choose(a > b, a, b);
  const double scale = choose(top > large, 0x1p-600, choose(top < tiny, 0x1p600, 1.0));
  const double back = choose(top > large, 0x1p600, choose(top < tiny, 0x1p-600, 1.0));
  const double u = a * scale, v = b * scale;
  return choose((a == INFINITY) | (b == INFINITY), double(INFINITY), std::sqrt(u * u + v * v) * back);
}

// The neighbour of x towards y: of numbers of one sign the one further out has the larger bits.
template <class T> WENGERT_INLINE T nextafter(T x, T y) {
  using Int = typename Format<T>::Int;
  const bool outwards = (x < y) == (x > T(0));
  const T step = bits<T>(static_cast<Int>(bits<Int>(x) + (outwards ? 1 : -1)));
  const T found = choose(x == T(0), std::copysign(bits<T>(Int(1)), y), step);
  return choose(x == y, y, choose((x != x) | (y != y), x + y, found));
}

template <class T> WENGERT_INLINE T silu(T x) { return x / (T(1) + exp_beside_one(-x)); }

template <class T> WENGERT_INLINE T relu6(T x) {
  x = T(0) > x ? T(0) : x;
  return T(6) < x ? T(6) : x;
}
template <class T> WENGERT_INLINE T hardsigmoid(T x) { return relu6(x + T(3)) / T(6); }
template <class T> WENGERT_INLINE T hardswish(T x) { return x * relu6(x + T(3)) / T(6); }

template <class T> WENGERT_INLINE T silu_slope(T x) {
  T s = sigmoid(x);
  return s * (x * (T(1) - s) + T(1));
}

}  // namespace wengert::vmath
