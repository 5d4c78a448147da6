// PyTorch's random numbers: blocks of MT19937, and the arithmetic that turns its words into samples, bit for bit.
//
// Fused steps are written as such.  Products and sums that stand alone are exact or have no neighbour to be fused with, so a
// compiler that fuses on its own changes nothing.  float64 samples call the C library, as PyTorch does.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "pool.h"
#include "tile.h"

namespace wengert::arrays {

constexpr ptrdiff_t MT_WORDS = 624, MT_FAR = 397;

// The state that a seed of 32 bits stands for (Knuth's generator, as in the reference implementation).
inline void mt_seed(uint32_t seed, uint32_t* state) {
  state[0] = seed;
  for (uint32_t i = 1; i < MT_WORDS; i++) state[i] = 1812433253u * (state[i - 1] ^ (state[i - 1] >> 30)) + i;
}

inline uint32_t mt_mix(uint32_t high, uint32_t low, uint32_t far) {
  uint32_t y = (high & 0x80000000u) | (low & 0x7fffffffu);
  return far ^ (y >> 1) ^ (-(y & 1u) & 0x9908b0dfu);
}

// The block of the state behind `old`: each new word needs two neighbours and one 397 further on, which the loops keep apart.
inline void mt_next(const uint32_t* __restrict old, uint32_t* s) {
  constexpr ptrdiff_t N = MT_WORDS, M = MT_FAR;
  for (ptrdiff_t i = 0; i < N - M; i++) s[i] = mt_mix(old[i], old[i + 1], old[i + M]);
  // Words that use new ones: blocks of N - M are independent.
  for (ptrdiff_t i = N - M; i < 2 * (N - M); i++) s[i] = mt_mix(old[i], old[i + 1], s[i + M - N]);
  for (ptrdiff_t i = 2 * (N - M); i < N - 1; i++) s[i] = mt_mix(old[i], old[i + 1], s[i + M - N]);
  s[N - 1] = mt_mix(old[N - 1], s[0], s[M - 1]);
}

inline void mt_advance(uint32_t* s) {
  uint32_t old[MT_WORDS];
  memcpy(old, s, sizeof old);
  mt_next(old, s);
}

// The 624 words of a state.
inline void mt_temper(const uint32_t* state, uint32_t* out) {
  for (ptrdiff_t i = 0; i < MT_WORDS; i++) {
    uint32_t y = state[i];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    out[i] = y ^ (y >> 18);
  }
}

// `blocks` times the 624 words of the next state.
inline void mt_words(ptrdiff_t blocks, uint32_t* state, uint32_t* out) {
  for (ptrdiff_t b = 0; b < blocks; b++, out += MT_WORDS) {
    mt_advance(state);
    mt_temper(state, out);
  }
}

inline float uniform_of(uint32_t word) { return (float)(int32_t)(word & 0xffffffu) * 0x1p-24f; }

// 53 bits of two words, the high one first: both parts are exact, and so is their sum.
inline double uniform_of(uint32_t high, uint32_t low) {
  return (double)(int32_t)(high & 0x1fffffu) * 0x1p-21 + (double)low * 0x1p-53;
}

// [low, low + span), rounded once; a value that rounds to `high` becomes `low`.
inline void uniforms(ptrdiff_t n, const uint32_t* words, bool plain, double low, double high, float* out) {
  float first = (float)low, last = (float)high, span = last - first;
  for (ptrdiff_t i = 0; i < n; i++) out[i] = uniform_of(words[i]);
  if (plain) return;
  for (ptrdiff_t i = 0; i < n; i++) {
    float value = __builtin_fmaf(out[i], span, first);
    out[i] = value == last ? first : value;
  }
}

inline void uniforms(ptrdiff_t n, const uint32_t* words, bool plain, double low, double high, double* out) {
  for (ptrdiff_t i = 0; i < n; i++) out[i] = uniform_of(words[2 * i], words[2 * i + 1]);
  if (plain) return;
  for (ptrdiff_t i = 0; i < n; i++) {
    double value = __builtin_fma(out[i], high - low, low);
    out[i] = value == high ? low : value;
  }
}

// Natural logarithm of float32 in (0, 1], by the polynomial of Cephes.
inline float log_unit(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  int32_t exponent = (int32_t)(bits >> 23) - 126;
  bits = (bits & 0x7fffffu) | 0x3f000000u;
  float m;
  memcpy(&m, &bits, 4);
  bool small = m < 0.70710678118654752f;
  float r = m * (small ? 2.0f : 1.0f) - 1.0f, e = (float)(exponent - (small ? 1 : 0));
  float p = 7.0376836292e-2f;
  p = __builtin_fmaf(p, r, -1.1514610310e-1f);
  p = __builtin_fmaf(p, r, 1.1676998740e-1f);
  p = __builtin_fmaf(p, r, -1.2420140846e-1f);
  p = __builtin_fmaf(p, r, 1.4249322787e-1f);
  p = __builtin_fmaf(p, r, -1.6668057665e-1f);
  p = __builtin_fmaf(p, r, 2.0000714765e-1f);
  p = __builtin_fmaf(p, r, -2.4999993993e-1f);
  p = __builtin_fmaf(p, r, 3.3333331174e-1f);
  float square = r * r;
  p = __builtin_fmaf(p * r, square, e * -2.12194440e-4f);
  return __builtin_fmaf(e, 0.693359375f, r + __builtin_fmaf(-0.5f, square, p));
}

// Cosine and sine of float32 in [0, 2 pi], the same way.
inline void cos_sin(float angle, float& cosine, float& sine) {
  int32_t octant = ((int32_t)(angle * 1.27323954473516f) + 1) & ~1;
  float multiple = (float)octant, r = angle;
  r = __builtin_fmaf(multiple, -0.78515625f, r);
  r = __builtin_fmaf(multiple, -2.4187564849853515625e-4f, r);
  r = __builtin_fmaf(multiple, -3.77489497744594108e-8f, r);
  float z = r * r;
  float c = __builtin_fmaf(__builtin_fmaf(2.443315711809948e-5f, z, -1.388731625493765e-3f), z, 4.166664568298827e-2f) * z;
  float s = __builtin_fmaf(__builtin_fmaf(-1.9515295891e-4f, z, 8.3321608736e-3f), z, -1.6666654611e-1f) * z;
  c = __builtin_fmaf(c, z, -0.5f * z) + 1.0f;
  s = __builtin_fmaf(s, r, r);
  bool swap = (octant >> 1) & 1;
  float first = swap ? s : c, second = swap ? c : s;
  cosine = ((octant + 2) & 4) ? -first : first;
  sine = (octant & 4) ? -second : second;
}

// In place: blocks of 16 uniforms become 8 cosines and 8 sines times radii (Box and Muller 1958).
inline void normals(ptrdiff_t blocks, double mean, double std, float* x) {
  float m = (float)mean, s = (float)std;
  for (ptrdiff_t b = 0; b < blocks; b++, x += 16) {
    float u[16], result[16];
    memcpy(u, x, sizeof u);
    for (int i = 0; i < 8; i++) {
      float radius = __builtin_sqrtf(-2.0f * log_unit(1.0f - u[i])), c, q;
      cos_sin(6.283185307179586f * u[i + 8], c, q);
      result[i] = __builtin_fmaf(radius * c, s, m);
      result[i + 8] = __builtin_fmaf(radius * q, s, m);
    }
    memcpy(x, result, sizeof result);
  }
}

inline void normals(ptrdiff_t blocks, double mean, double std, double* x) {
  for (ptrdiff_t b = 0; b < blocks; b++, x += 16)
    for (int i = 0; i < 8; i++) {
      double radius = std::sqrt(-2.0 * std::log(1.0 - x[i])), angle = 6.283185307179586 * x[i + 8];
      x[i] = __builtin_fma(radius * std::cos(angle), std, mean);
      x[i + 8] = __builtin_fma(radius * std::sin(angle), std, mean);
    }
}

// -log(1 - u) / rate.
inline void exponentials(ptrdiff_t n, double rate, const uint32_t* words, float* out) {
  for (ptrdiff_t i = 0; i < n; i++)
    out[i] = (float)(-1.0 / rate * std::log1p(-uniform_of(words[2 * i], words[2 * i + 1])));
}

inline void exponentials(ptrdiff_t n, double rate, const uint32_t* words, double* out) {
  for (ptrdiff_t i = 0; i < n; i++) out[i] = -1.0 / rate * std::log1p(-uniform_of(words[2 * i], words[2 * i + 1]));
}

// Places start to start + n of n_all elements, each exchanged with itself or a later one (Fisher and Yates).
inline void shuffle(ptrdiff_t n, ptrdiff_t start, ptrdiff_t all, const uint32_t* words, int64_t* order) {
  for (ptrdiff_t i = start; i < start + n; i++) std::swap(order[i], order[i + words[i - start] % (uint32_t)(all - i)]);
}

// Row by row: sums of the weights up to each one, as shares of the last, and where the first of them is that reaches a uniform.
template <class T>
void search_weights(ptrdiff_t rows, ptrdiff_t n, ptrdiff_t samples, const T* weights, const double* uniforms, int64_t* found) {
  in_pieces(rows, 4 * n, [=](ptrdiff_t r) {
    T *shares = scratch<T>(n, 0), sum = 0;
    for (ptrdiff_t j = 0; j < n; j++) shares[j] = sum += weights[r * n + j];
    for (ptrdiff_t j = 0; j < n; j++) shares[j] /= sum;
    shares[n - 1] = 1;
    for (ptrdiff_t i = r * samples; i < (r + 1) * samples; i++)
      found[i] = std::lower_bound(shares, shares + n, uniforms[i], [](T a, double b) { return a < b; }) - shares;
  });
}

}  // namespace wengert::arrays
