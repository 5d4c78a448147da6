// The largest elements: k of each row, or the one along a leading dimension.
#pragma once
#include <algorithm>
#include <utility>
#include <vector>

#include "pool.h"

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

// Extreme and its first place along the middle of three dimensions; the first NaN where there is one.
template <bool LARGEST, class T>
void extreme_middle(ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner, const T* x, T* values, int64_t* places) {
  constexpr ptrdiff_t WIDE = 256;
  ptrdiff_t bands = (inner + WIDE - 1) / WIDE;
  parallel_for(outer * bands, [&](ptrdiff_t task) {
    ptrdiff_t first = task % bands * WIDE, width = std::min(WIDE, inner - first), to = task / bands * inner + first;
    const T* from = x + task / bands * n * inner + first;
    T best[WIDE];
    int32_t at[WIDE];
    std::copy(from, from + width, best);
    std::fill_n(at, width, 0);
    for (ptrdiff_t i = 1; i < n; i++) {
      const T* row = from + i * inner;
      for (ptrdiff_t j = 0; j < width; j++) {
        T value = row[j];
        bool better = ((LARGEST ? value > best[j] : value < best[j]) | is_nan(value)) & !is_nan(best[j]);
        best[j] = better ? value : best[j];
        at[j] = better ? (int32_t)i : at[j];
      }
    }
    if (values) std::copy(best, best + width, values + to);
    std::copy(at, at + width, places + to);
  });
}

// The same along the last dimension: the value by 16 lanes, then the first place that has it.
template <bool LARGEST, class T>
void extreme_rows(ptrdiff_t rows, ptrdiff_t n, const T* x, T* values, int64_t* places) {
  constexpr int LANES = 32;
  in_pieces(rows, n, [&](ptrdiff_t r) {
    const T* row = x + r * n;
    T lane[LANES];
    for (int l = 0; l < LANES; l++) lane[l] = row[0];
    auto join = [](T a, T b) { return ((LARGEST ? b > a : b < a) | is_nan(b)) & !is_nan(a) ? b : a; };
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES)
      for (int l = 0; l < LANES; l++) lane[l] = join(lane[l], row[i + l]);
    for (; i < n; i++) lane[0] = join(lane[0], row[i]);
    T best = lane[0];
    for (int l = 1; l < LANES; l++) best = join(best, lane[l]);
    i = 0;
    if (is_nan(best))
      while (!is_nan(row[i])) i++;
    else
      while (!(row[i] == best)) i++;
    if (values) values[r] = row[i];
    places[r] = i;
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
