// Stable orders of rows, digit by digit: what a sort by comparing asks of every pair, the digits of the numbers' bits say at
// once.  A pass goes over the whole row for every 8 or 11 bits, the lowest first, and lets equal digits keep their order.
#pragma once
#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "pool.h"
#include "recycle.h"

namespace wengert::arrays {

template <class T>
using BitsOf = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;

template <class T>
struct Sortable {
  using Bits = BitsOf<T>;
  static constexpr Bits top = Bits{1} << (8 * sizeof(T) - 1), largest = ~Bits{0};

  // Unsigned numbers in the order of the elements: -0 is 0, NaN is the largest.
  static Bits rising(T x) {
    Bits bits;
    memcpy(&bits, &x, sizeof x);
    if constexpr (std::is_floating_point_v<T>)
      return x != x ? largest : x == 0 ? top : bits & top ? ~bits : bits | top;
    else
      return bits ^ top;
  }

  // The element again; `same` is the one that stood there, which tells zeros and NaN apart.
  static T element(Bits bits, const T& same) {
    if constexpr (std::is_floating_point_v<T>) {
      if (bits == top || bits == largest) return same;
      bits = bits & top ? bits ^ top : ~bits;
    } else {
      bits ^= top;
    }
    T x;
    memcpy(&x, &bits, sizeof x);
    return x;
  }
};

template <class Bits>
struct Placed {
  Bits bits;
  uint32_t place;
};

constexpr ptrdiff_t LONG_ROW = 1 << 16;     // elements from which on all threads sort one row
constexpr ptrdiff_t WIDE_DIGITS = 1 << 13;  // and from which on digits have 11 bits

// Puts elements in the order of one digit; false, and nothing is moved, where all have the same.  `counts`: for every part of
// the row how often it has each digit, then where the next element with it goes.
template <int WIDTH, class Bits>
bool sort_by_digit(ptrdiff_t n, ptrdiff_t parts, int shift, const Placed<Bits>* from, Placed<Bits>* to,
                   std::vector<uint32_t>& counts) {
  constexpr ptrdiff_t digits = ptrdiff_t{1} << WIDTH;
  const ptrdiff_t each = pieces(n, parts);
  auto digit = [shift](const Placed<Bits>& p) { return static_cast<ptrdiff_t>(p.bits >> shift & (digits - 1)); };
  counts.resize(parts * digits);
  parallel_for(parts, [&](ptrdiff_t part) {
    uint32_t* mine = counts.data() + part * digits;
    std::fill_n(mine, digits, 0u);
    for (ptrdiff_t i = part * each; i < std::min(n, (part + 1) * each); i++) mine[digit(from[i])]++;
  });
  uint32_t before = 0;
  for (ptrdiff_t d = 0; d < digits; d++) {
    const uint32_t start = before;
    for (ptrdiff_t part = 0; part < parts; part++) {
      uint32_t& count = counts[part * digits + d];
      before += std::exchange(count, before);
    }
    if (before - start == static_cast<uint32_t>(n)) return false;
  }
  parallel_for(parts, [&](ptrdiff_t part) {
    uint32_t* next = counts.data() + part * digits;
    for (ptrdiff_t i = part * each; i < std::min(n, (part + 1) * each); i++) to[next[digit(from[i])]++] = from[i];
  });
  return true;
}

// The elements of a row in order, and where they stood.
template <int WIDTH, class T>
void sort_row(ptrdiff_t n, bool descending, const T* x, T* values, int64_t* places) {
  using Bits = BitsOf<T>;
  const Bits turned = descending ? ~Bits{0} : Bits{0};
  const ptrdiff_t parts = n < LONG_ROW ? 1 : 8, each = pieces(n, parts);
  Loan<Placed<Bits>> memory(2 * n);
  Placed<Bits>*from = memory.data, *to = from + n;
  parallel_for(parts, [&](ptrdiff_t part) {
    for (ptrdiff_t i = part * each; i < std::min(n, (part + 1) * each); i++)
      from[i] = {Sortable<T>::rising(x[i]) ^ turned, static_cast<uint32_t>(i)};
  });
  std::vector<uint32_t> counts;
  for (int shift = 0; shift < static_cast<int>(8 * sizeof(T)); shift += WIDTH)
    if (sort_by_digit<WIDTH>(n, parts, shift, from, to, counts)) std::swap(from, to);
  parallel_for(parts, [&](ptrdiff_t part) {
    for (ptrdiff_t i = part * each; i < std::min(n, (part + 1) * each); i++) {
      values[i] = Sortable<T>::element(from[i].bits ^ turned, x[from[i].place]);
      places[i] = from[i].place;
    }
  });
}

template <class T>
void sort_rows(ptrdiff_t rows, ptrdiff_t n, bool descending, const T* x, T* values, int64_t* places) {
  auto row = [=](ptrdiff_t r) {
    (n < WIDE_DIGITS ? sort_row<8, T> : sort_row<11, T>)(n, descending, x + r * n, values + r * n, places + r * n);
  };
  if (n < LONG_ROW) return in_pieces(rows, 16 * n, row);
  for (ptrdiff_t r = 0; r < rows; r++) row(r);
}

}  // namespace wengert::arrays
