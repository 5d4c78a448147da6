// Places in sorted rows.
#pragma once
#include <algorithm>

#include "pool.h"

namespace wengert::arrays {

// How many elements of a sorted row lie before each of LOOKUPS values, equal ones among them if AFTER.  No branches, and steps
// of several searches at once: each waits for memory.
template <bool AFTER, int LOOKUPS, class T>
static inline void look_up_some(ptrdiff_t n, const T* row, const T* values, int64_t* out) {
  const auto before = [](T x, T value) { return AFTER ? !(x > value) : !(x >= value); };
  const T* at[LOOKUPS];
  for (int l = 0; l < LOOKUPS; l++) at[l] = row;
  ptrdiff_t left = n;
  for (; left > 1; left -= left / 2)
    for (int l = 0; l < LOOKUPS; l++) at[l] += before(at[l][left / 2 - 1], values[l]) ? left / 2 : 0;
  for (int l = 0; l < LOOKUPS; l++) out[l] = at[l] - row + (n > 0 && before(*at[l], values[l]));
}

// For `many` values of each of `rows` rows of `n` elements.
template <bool AFTER, class T>
void look_up(ptrdiff_t rows, ptrdiff_t n, ptrdiff_t many, const T* sorted, const T* values, int64_t* out) {
  constexpr ptrdiff_t SOME = 1024;
  const ptrdiff_t parts = pieces(many, SOME);
  in_pieces(rows * parts, 16 * std::min(many, SOME), [=](ptrdiff_t task) {
    const T* row = sorted + task / parts * n;
    ptrdiff_t i = task / parts * many + task % parts * SOME;
    const ptrdiff_t end = std::min((task / parts + 1) * many, i + SOME);
    for (; i + 8 <= end; i += 8) look_up_some<AFTER, 8>(n, row, values + i, out + i);
    for (; i < end; i++) look_up_some<AFTER, 1>(n, row, values + i, out + i);
  });
}

}  // namespace wengert::arrays
