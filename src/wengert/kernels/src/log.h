// Natural logarithms of many numbers: those that are neither positive nor normal are computed apart, where there are any.
#pragma once
#ifdef __AVX512F__
#include <immintrin.h>
#endif

#include "vmath.h"

namespace wengert::logs {

// Negative for what is not a positive normal number.
template <class T> WENGERT_INLINE typename vmath::Format<T>::Int is_rare(T x) {
  using Int = typename vmath::Format<T>::Int;
  using Bits = std::make_unsigned_t<Int>;
  constexpr Bits lowest = Bits(1) << vmath::Format<T>::mantissa_bits, highest = (~Bits(0) >> 1) - lowest;
  const Bits b = vmath::bits<Bits>(x);
  return static_cast<Int>((b - lowest) | (highest - b));
}

template <class T> void logarithms(T* out, const T* a, std::ptrdiff_t n) {
  constexpr std::ptrdiff_t part = 256;
  for (std::ptrdiff_t start = 0; start < n; start += part, a += part, out += part) {
    const std::ptrdiff_t count = n - start < part ? n - start : part;
    typename vmath::Format<T>::Int any = 0;
    for (std::ptrdiff_t i = 0; i < count; i++) any |= is_rare(a[i]);
    if (any >= 0) {
#pragma GCC ivdep
      for (std::ptrdiff_t i = 0; i < count; i++) out[i] = vmath::log_of_normal(a[i]);
    } else {
#pragma GCC ivdep
      for (std::ptrdiff_t i = 0; i < count; i++) out[i] = vmath::log(a[i]);
    }
  }
}

#ifdef __AVX512F__
// Double precision with 16 numbers in two registers: x = 2**k m, log(m) = log(m inverse) - log(inverse), where `inverse` is
// nearly 1 / m, and 1 next to 1.  Half the time of the division above.  The inverses were picked, among numbers next to the
// middle, for logarithms that a double holds with 12 digits more.
struct Table {
  alignas(64) double inverse[16] = {1.4014783640018833, 1.3427617612313478, 1.2884833991902729, 1.23881844664896,
                                    1.1924320225340401, 1.1496494847839844, 1.1097242977287602, 1.072582880478505,
                                    1.0378136542293581, 1.0,                0.9504482690591277, 0.8972152000218607,
                                    0.8495808096695051, 0.8067205420255394, 0.7680305342453362, 0.7328437230152512};
  alignas(64) double minus_log[16] = {-0.3375276537596136,  -0.29472850882770235, -0.25346586720134284, -0.2141580597462449,
                                      -0.17599493799123317, -0.1394571000754524,  -0.10411160404817608, -0.0700696466696927,
                                      -0.03711624476354234, 0.0,                  0.05082154351199197,  0.10845953485914925,
                                      0.16301221623837608,  0.2147779630947432,   0.2639257884928503,   0.31082280171539167};
  static constexpr int64_t start = 0x3fe6555555555556LL;  // 0.698, in steps of 1/32 up to 1: the tenth has 1 in it
};

// Logarithms of eight numbers.
class Eight {
  const Table table;
  const __m512d inverse0 = _mm512_load_pd(table.inverse), inverse1 = _mm512_load_pd(table.inverse + 8);
  const __m512d minus_log0 = _mm512_load_pd(table.minus_log), minus_log1 = _mm512_load_pd(table.minus_log + 8);

  // x has the bits b.  The polynomial is (log(1 + r) - r + r**2 / 2) / r**3 for |r| < 0.03.
  __m512d of_normal(__m512i b) const {
    const __m512i past = b - Table::start, k = past >> 52, place = past >> 48;  // the place in its low four bits
    const __m512d m = _mm512_castsi512_pd(b - (k << 52)), exponent = _mm512_cvtepi64_pd(k);
    const __m512d r = m * _mm512_permutex2var_pd(inverse0, place, inverse1) - 1.0, square = r * r;
    const __m512d low = 0.3333333333333322485 - 0.2499999999999955243 * r +
                        square * (0.2000000000312378719 - 0.166666666720367469 * r);
    const __m512d high = 0.1428570023176987778 - 0.1249998260515977027 * r +
                         square * (0.1113133987218569255 - 0.1002086368474200868 * r);
    const __m512d head = 0.69314718055994530942 * exponent + _mm512_permutex2var_pd(minus_log0, place, minus_log1);
    return head + (r + square * (r * (low + square * square * high) - 0.5));
  }

  static __attribute__((noinline)) __m512d mended(__m512d x, __m512d value) {
    alignas(64) double each[8], found[8];
    _mm512_store_pd(each, x);
    _mm512_store_pd(found, value);
    for (int j = 0; j < 8; j++) found[j] = is_rare(each[j]) < 0 ? vmath::log(each[j]) : found[j];
    return _mm512_load_pd(found);
  }

 public:
  __m512d operator()(__m512d x) const {
    const __m512i b = _mm512_castpd_si512(x);
    const __m512d value = of_normal(b);
    const bool normal = _mm512_cmplt_epu64_mask(b - (1LL << 52), _mm512_set1_epi64(0x7fe0000000000000LL)) == 0xff;
    return normal ? value : mended(x, value);
  }
};

template <> inline void logarithms<double>(double* out, const double* a, std::ptrdiff_t n) {
  const Eight logarithm;
  std::ptrdiff_t i = 0;
  for (; i + 8 <= n; i += 8) _mm512_storeu_pd(out + i, logarithm(_mm512_loadu_pd(a + i)));
  if (i == n) return;
  const __mmask8 inside = static_cast<__mmask8>((1 << (n - i)) - 1);
  _mm512_mask_storeu_pd(out + i, inside, logarithm(_mm512_mask_loadu_pd(_mm512_set1_pd(1), inside, a + i)));
}
#endif

}  // namespace wengert::logs
