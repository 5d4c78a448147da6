// The largest elements: k of each row, or the one along a leading dimension.
#pragma once
#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

#include "order.h"
#include "pool.h"
#include "short_rows.h"
#include "tile.h"

namespace wengert::arrays {

template <class T>
inline bool is_nan(T x) {
  return x != x;
}

// Whether a comes before b: NaN counts as larger than all, the earlier of equal ones is first.
template <bool LARGEST, class T>
struct Before {
  bool operator()(const std::pair<T, int64_t>& a, const std::pair<T, int64_t>& b) const {
    bool first = LARGEST ? (is_nan(a.first) ? !is_nan(b.first) : a.first > b.first)
                         : (is_nan(b.first) ? !is_nan(a.first) : a.first < b.first);
    bool second = LARGEST ? (is_nan(b.first) ? !is_nan(a.first) : b.first > a.first)
                          : (is_nan(a.first) ? !is_nan(b.first) : b.first < a.first);
    return first || (!second && a.second < b.second);
  }
};

// How many elements come before the first that is better than `worst`; later ones win only when they are.
template <bool LARGEST, class T>
ptrdiff_t none_better(const T* x, ptrdiff_t n, T worst) {
  constexpr int LANES = 32;
  auto better = [worst](T a) {
    return LARGEST ? !(a <= worst) & !is_nan(worst) : (a < worst) | (is_nan(worst) & !is_nan(a));
  };
  ptrdiff_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    int found = 0;
    for (int l = 0; l < LANES; l++) found |= better(x[i + l]);
    if (found) break;
  }
  while (i < n && !better(x[i])) i++;
  return i;
}

// The k first of every row, in order: a heap of k whose root is the last of them.
template <bool LARGEST, class T>
void top_rows(ptrdiff_t rows, ptrdiff_t n, ptrdiff_t k, const T* x, T* values, int64_t* places) {
  if (n <= RANKED_ROW) return sort_short_rows(rows, n, k, LARGEST, x, values, places);
  in_pieces(rows, n, [&](ptrdiff_t r) {
    static thread_local std::vector<std::pair<T, int64_t>> heap;
    const Before<LARGEST, T> before;
    const T* row = x + r * n;
    heap.clear();
    for (ptrdiff_t i = 0; i < k; i++) heap.emplace_back(row[i], i);
    std::make_heap(heap.begin(), heap.end(), before);
    for (ptrdiff_t i = k; i < n;) {
      i += none_better<LARGEST>(row + i, n - i, heap.front().first);
      if (i == n) break;
      std::pop_heap(heap.begin(), heap.end(), before);
      heap.back() = {row[i], i};
      std::push_heap(heap.begin(), heap.end(), before);
      i++;
    }
    std::sort_heap(heap.begin(), heap.end(), before);
    for (ptrdiff_t i = 0; i < k; i++) values[r * k + i] = heap[i].first, places[r * k + i] = heap[i].second;
  });
}

// Extremes of `width` columns and their first places; the first NaN where there is one.
template <bool LARGEST, class T>
static inline void extreme_down(ptrdiff_t n, ptrdiff_t width, ptrdiff_t apart, const T* x, T* best, int32_t* at) {
  for (ptrdiff_t j = 0; j < width; j++) best[j] = x[j], at[j] = 0;
  for (ptrdiff_t i = 1; i < n; i++) {
    const T* row = x + i * apart;
    for (ptrdiff_t j = 0; j < width; j++) {
      T value = row[j];
      bool better = ((LARGEST ? value > best[j] : value < best[j]) | is_nan(value)) & !is_nan(best[j]);
      best[j] = better ? value : best[j];
      at[j] = better ? (int32_t)i : at[j];
    }
  }
}

// Extreme and its first place along the middle of three dimensions.
template <bool LARGEST, class T>
void extreme_middle(ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner, const T* x, T* values, int64_t* places) {
  constexpr ptrdiff_t BAND = 256;
  ptrdiff_t bands = (inner + BAND - 1) / BAND;
  parallel_for(outer * bands, [&](ptrdiff_t task) {
    ptrdiff_t first = task % bands * BAND, width = std::min(BAND, inner - first), to = task / bands * inner + first;
    T best[BAND];
    int32_t at[BAND];
    extreme_down<LARGEST>(n, width, inner, x + task / bands * n * inner + first, best, at);
    if (values) std::copy_n(best, width, values + to);
    std::copy_n(at, width, places + to);
  });
}

// The first place of a number in a row that has it.
template <class T>
static inline ptrdiff_t place_of(T wanted, const T* row, ptrdiff_t n) {
  constexpr ptrdiff_t LANES = 32;
  const bool nan = is_nan(wanted);
  const auto found = [=](T x) { return nan ? is_nan(x) : x == wanted; };
  ptrdiff_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    bool any = false;
    for (ptrdiff_t l = 0; l < LANES; l++) any |= found(row[i + l]);
    if (any) break;
  }
  while (!found(row[i])) i++;
  return i;
}

// The same along the last dimension.
template <bool LARGEST, class T>
void extreme_rows(ptrdiff_t rows, ptrdiff_t n, const T* x, T* values, int64_t* places) {
  constexpr ptrdiff_t SHORT = 32;  // see Note [Short rows]
  if (n < SHORT) {
    each_group(rows, n, [=](ptrdiff_t first, ptrdiff_t count) {
      T best[TALL], *block = scratch<T>(SHORT * TALL, 0);
      int32_t at[TALL];
      lay_down(x + first * n, n, count, block);
      extreme_down<LARGEST>(n, TALL, TALL, block, best, at);
      if (values) std::copy_n(best, count, values + first);
      std::copy_n(at, count, places + first);
    });
    return;
  }
  in_pieces(rows, n, [=](ptrdiff_t r) {
    const T* row = x + r * n;
    places[r] = place_of(reduced<std::conditional_t<LARGEST, Largest, Smallest>>(row, n), row, n);
    if (values) values[r] = row[places[r]];
  });
}

template <bool LARGEST, class T>
void extreme(ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner, const T* x, T* values, int64_t* places) {
  if (inner == 1)
    extreme_rows<LARGEST, T>(outer, n, x, values, places);
  else
    extreme_middle<LARGEST, T>(outer, n, inner, x, values, places);
}

}  // namespace wengert::arrays
