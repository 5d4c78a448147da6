// Numbers in equal steps.
#pragma once
#include <algorithm>

#include "door.h"
#include "pool.h"

namespace wengert::arrays {

// out[i] = (begin + way * i) * by + first, in double precision and rounded once more.
template <class T>
void ramp(ptrdiff_t n, double first, double by, ptrdiff_t begin, ptrdiff_t way, T* out) {
  constexpr ptrdiff_t SOME = 512;
  in_pieces(pieces(n, SOME), SOME, [=](ptrdiff_t piece) {
    const ptrdiff_t start = piece * SOME, count = std::min(SOME, n - start);
    double product[SOME];
    for (ptrdiff_t i = 0; i < count; i++) product[i] = static_cast<double>(begin + way * (start + i)) * by;
    asm volatile("" ::: "memory");  // a product that is added without being rounded gives other bits than NumPy's
    for (ptrdiff_t i = 0; i < count; i++) out[start + i] = static_cast<T>(product[i] + first);
  });
}

// The array; begin, way; first, by.
template <class T>
void enter_ramp(const Args& a) {
  ramp(PyArray_SIZE(a.source[0]), a.real[0], a.real[1], a.number[0], a.number[1], a.at<T>(0));
}

}  // namespace wengert::arrays
