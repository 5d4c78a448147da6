// Numbers of one type written as another, as C converts them; to masks: whether they differ from zero.
#pragma once
#include <algorithm>
#ifdef __F16C__
#include <immintrin.h>
#endif

#include "door.h"
#include "pool.h"

namespace wengert::arrays {

template <class A, class B>
void cast(ptrdiff_t n, const A* x, B* out) {
  in_pieces(pieces(n, PIECE), PIECE, [=](ptrdiff_t piece) {
    const ptrdiff_t end = std::min(n, (piece + 1) * PIECE);
#pragma GCC ivdep
    for (ptrdiff_t i = piece * PIECE; i < end; i++) out[i] = static_cast<B>(x[i]);
  });
}

#ifdef __F16C__
constexpr bool TURNS_HALVES = true;

inline void from_half(ptrdiff_t n, const uint16_t* x, float* out) {
  in_pieces(pieces(n, PIECE), PIECE, [=](ptrdiff_t piece) {
    const ptrdiff_t end = std::min(n, (piece + 1) * PIECE);
    ptrdiff_t i = piece * PIECE;
    for (; i + 8 <= end; i += 8)
      _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x + i))));
    for (; i < end; i++) out[i] = _cvtsh_ss(x[i]);
  });
}

inline void to_half(ptrdiff_t n, const float* x, uint16_t* out) {
  in_pieces(pieces(n, PIECE), PIECE, [=](ptrdiff_t piece) {
    const ptrdiff_t end = std::min(n, (piece + 1) * PIECE);
    ptrdiff_t i = piece * PIECE;
    for (; i + 8 <= end; i += 8)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
    for (; i < end; i++) out[i] = _cvtss_sh(x[i], _MM_FROUND_TO_NEAREST_INT);
  });
}
#else
constexpr bool TURNS_HALVES = false;  // NumPy converts them

inline void from_half(ptrdiff_t, const uint16_t*, float*) {}
inline void to_half(ptrdiff_t, const float*, uint16_t*) {}
#endif

// Arrays out, x.  There are several names for integers of one size.
template <class B>
void enter_cast(const Args& a) {
  const ptrdiff_t n = PyArray_SIZE(a.source[0]);
  const int type = PyArray_TYPE(a.source[1]);
  const auto from = [&](const auto* x) { cast(n, x, a.at<B>(0)); };
  if (type == NPY_FLOAT32) return from(a.at<float>(1));
  if (type == NPY_FLOAT64) return from(a.at<double>(1));
  if (type == NPY_BOOL) return from(a.at<uint8_t>(1));
  PyArray_ITEMSIZE(a.source[1]) == 8 ? from(a.at<int64_t>(1)) : from(a.at<int32_t>(1));
}

// The array in single precision, then the one in half precision.
inline void enter_to_half(const Args& a) { to_half(PyArray_SIZE(a.source[0]), a.at<float>(0), a.at<uint16_t>(1)); }
inline void enter_from_half(const Args& a) { from_half(PyArray_SIZE(a.source[0]), a.at<uint16_t>(1), a.at<float>(0)); }

}  // namespace wengert::arrays
