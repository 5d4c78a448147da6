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
#include "short_rows.h"
#include "vectors.h"

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

constexpr ptrdiff_t RANKED_ROW = 48;  // elements that are counted: how many of the row come before each

// The first k of each row in order, and where they stood: see Note [Short rows].
template <class T>
void sort_short_rows(ptrdiff_t rows, ptrdiff_t n, ptrdiff_t k, bool descending, const T* x, T* values, int64_t* places) {
  using Bits = BitsOf<T>;
  typedef Bits V __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(Bits)), may_alias));
  const Bits turned = descending ? ~Bits{0} : Bits{0};
  each_group(rows, n * n, [=](ptrdiff_t first, ptrdiff_t count) {
    T block[RANKED_ROW * TALL];
    Bits keys[RANKED_ROW * TALL] = {}, ranks[RANKED_ROW * TALL];
    lay_down(x + first * n, n, count, block);
    for (ptrdiff_t i = 0; i < n * TALL; i++) keys[i] = Sortable<T>::rising(block[i]) ^ turned;
    for (ptrdiff_t l = 0; l < TALL; l += Vec<T>::lanes) {
      const auto key = [&](ptrdiff_t j) { return *reinterpret_cast<const V*>(keys + j * TALL + l); };
      for (ptrdiff_t j = 0; j < n; j++) {
        const V own = key(j);
        V rank{};
        for (ptrdiff_t i = 0; i < j; i++) rank -= reinterpret_cast<V>(key(i) <= own);
        for (ptrdiff_t i = j + 1; i < n; i++) rank -= reinterpret_cast<V>(key(i) < own);
        *reinterpret_cast<V*>(ranks + j * TALL + l) = rank;
      }
    }
    for (ptrdiff_t r = 0; r < count; r++)
      for (ptrdiff_t j = 0; j < n; j++) {
        const ptrdiff_t rank = ranks[j * TALL + r];
        if (rank >= k) continue;
        values[(first + r) * k + rank] = block[j * TALL + r];
        places[(first + r) * k + rank] = j;
      }
  });
}

template <class T>
void sort_rows(ptrdiff_t rows, ptrdiff_t n, bool descending, const T* x, T* values, int64_t* places) {
  if (n <= RANKED_ROW) return sort_short_rows(rows, n, n, descending, x, values, places);
  auto row = [=](ptrdiff_t r) {
    (n < WIDE_DIGITS ? sort_row<8, T> : sort_row<11, T>)(n, descending, x + r * n, values + r * n, places + r * n);
  };
  if (n < LONG_ROW) return in_pieces(rows, 16 * n, row);
  for (ptrdiff_t r = 0; r < rows; r++) row(r);
}

}  // namespace wengert::arrays
