// Sums of integers and masks in 64 bits, along the middle of three dimensions.  Their order changes nothing.
#pragma once
#include <algorithm>
#include <vector>

#include "pool.h"

namespace wengert::arrays {

template <class T>
static inline int64_t whole_sum(ptrdiff_t n, const T* x) {
  constexpr ptrdiff_t SOME = 1 << 12;  // of which masks fill no 32 bits
  using Part = std::conditional_t<sizeof(T) == 1, uint32_t, int64_t>;
  int64_t total = 0;
  for (ptrdiff_t start = 0; start < n; start += SOME) {
    Part part = 0;
    for (ptrdiff_t i = start; i < std::min(n, start + SOME); i++) part += static_cast<Part>(x[i]);
    total += part;
  }
  return total;
}

// Sums of `width` columns of so many rows, some rows at a time.
template <class T>
static inline void add_lines(ptrdiff_t rows, ptrdiff_t width, ptrdiff_t apart, const T* __restrict from, int64_t* __restrict to) {
  std::fill_n(to, width, int64_t(0));
  for (; rows >= 4; rows -= 4, from += 4 * apart) {
    const T *b = from + apart, *c = b + apart, *d = c + apart;
    for (ptrdiff_t j = 0; j < width; j++) to[j] += (from[j] + int64_t(b[j])) + (c[j] + int64_t(d[j]));
  }
  for (; rows > 0; rows--, from += apart)
    for (ptrdiff_t j = 0; j < width; j++) to[j] += from[j];
}

// Each task has a stretch of the sums' terms and a band of the sums.
template <class T>
void whole_sums(ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner, const T* x, int64_t* out) {
  constexpr ptrdiff_t BAND = 2048;  // whose sums stay in the first-level cache
  const ptrdiff_t bands = pieces(inner, BAND), wide = std::min(inner, BAND), some = std::max<ptrdiff_t>(1, 4 * PIECE / wide);
  const ptrdiff_t parts = outer * bands >= 8 ? 1 : std::max<ptrdiff_t>(1, pieces(n, some));
  std::vector<int64_t> partial(parts > 1 ? parts * outer * inner : 0);
  int64_t* sums = parts > 1 ? partial.data() : out;
  const ptrdiff_t each = pieces(n, parts);
  in_pieces(outer * bands * parts, each * wide, [=](ptrdiff_t task) {
    const ptrdiff_t part = task % parts, band = task / parts % bands * BAND, a = task / parts / bands;
    const ptrdiff_t first = part * each, end = std::min(n, first + each), width = std::min(BAND, inner - band);
    const T* from = x + (a * n + first) * inner + band;
    int64_t* to = sums + (part * outer + a) * inner + band;
    if (inner == 1)
      *to = whole_sum(std::max<ptrdiff_t>(0, end - first), from);
    else
      add_lines(end - first, width, inner, from, to);
  });
  if (parts == 1) return;
  std::fill_n(out, outer * inner, int64_t(0));
  for (ptrdiff_t part = 0; part < parts; part++)
    for (ptrdiff_t i = 0; i < outer * inner; i++) out[i] += sums[part * outer * inner + i];
}

}  // namespace wengert::arrays
