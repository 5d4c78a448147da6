// Histograms, runs of equal elements, and margins of several targets.
#pragma once
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "rows.h"
#include "tile.h"

namespace wengert::arrays {

// counts[b] = how many elements lie in [edges[b], edges[b + 1]); the last of `bins` equal intervals has both its limits.
template <class T>
void histogram(ptrdiff_t n, ptrdiff_t bins, const T* x, const T* edges, int64_t* counts) {
  const T low = edges[0], high = edges[bins], scale = static_cast<T>(bins) / (high - low);
  const ptrdiff_t tasks = std::min<ptrdiff_t>(16, pieces(n, 4 * PIECE)), each = pieces(n, tasks);
  std::vector<int64_t> found(tasks * bins);
  parallel_for(tasks, [&](ptrdiff_t task) {
    int64_t* here = found.data() + task * bins;
    for (ptrdiff_t i = task * each; i < std::min(n, (task + 1) * each); i++) {
      const T value = x[i];
      if (!(value >= low && value <= high)) continue;
      ptrdiff_t b = std::clamp<ptrdiff_t>(static_cast<ptrdiff_t>((value - low) * scale), 0, bins - 1);
      b -= (b > 0) & (value < edges[b]);  // the quotient may be rounded over a limit
      b += (b < bins - 1) & (value >= edges[b + 1]);
      here[b]++;
    }
  });
  std::fill_n(counts, bins, 0);
  for (ptrdiff_t i = 0; i < tasks * bins; i++) counts[i % bins] += found[i];
}

// Sets `bad` where an element lies outside [low, end).
template <class T>
void check_between(ptrdiff_t n, int64_t low, int64_t end, const T* x, Flag& bad) {
  const uint64_t size = static_cast<uint64_t>(end) - static_cast<uint64_t>(low);
  in_pieces(pieces(n, PIECE), PIECE, [&](ptrdiff_t piece) {
    const T *from = x + piece * PIECE, *last = std::min(from + PIECE, x + n);
    int outside = 0;
    for (; from < last; from++) outside |= static_cast<uint64_t>(*from) - static_cast<uint64_t>(low) >= size;
    if (outside) bad = true;
  });
}

// The elements where a mask is true, one behind the other.  All are written, those that do not count are written over: branches
// would be guessed wrong.
template <class T>
void where_true(ptrdiff_t n, const T* x, const bool* mask, T* out) {
  const ptrdiff_t parts = pieces(n, PIECE);
  std::vector<ptrdiff_t> ends(parts + 1);
  parallel_for(parts, [&](ptrdiff_t part) {
    const bool* own = mask + part * PIECE;
    ends[part + 1] = std::count(own, own + std::min(PIECE, n - part * PIECE), true);
  });
  for (ptrdiff_t part = 0; part < parts; part++) ends[part + 1] += ends[part];
  parallel_for(parts, [&](ptrdiff_t part) {
    const ptrdiff_t end = ends[part + 1];
    for (ptrdiff_t i = part * PIECE, k = ends[part]; k < end; i++) {
      out[k] = x[i];
      k += mask[i];
    }
  });
}

// The places of a mask that are true: rows of `dims` numbers.  All dimensions but the last, of `columns`, have the sizes `sizes`.
inline void true_places(ptrdiff_t dims, ptrdiff_t rows, ptrdiff_t columns, const ptrdiff_t* sizes, const bool* mask, int64_t* out) {
  int64_t* near = scratch<int64_t>(columns + 1, 0);
  int64_t at[8] = {};
  for (ptrdiff_t r = 0; r < rows; r++, mask += columns) {
    ptrdiff_t count = 0;
    for (ptrdiff_t j = 0; j < columns; j++) {
      near[count] = j;
      count += mask[j];
    }
    for (ptrdiff_t i = 0; i < count; i++) {
      for (ptrdiff_t d = 0; d < dims - 1; d++) *out++ = at[d];
      *out++ = near[i];
    }
    for (ptrdiff_t d = dims - 2; d >= 0 && ++at[d] == sizes[d]; d--) at[d] = 0;
  }
}

// Adds 1 to `active` where base + x is positive; returns the sum of what is, and how many are.  For whole vectors; in words that
// gcc has to follow: of the same as a loop it makes branches.
template <class T>
static inline std::pair<T, T> add_margins(ptrdiff_t n, T base, const T* x, T* active) {
  using V = typename Vec<T>::v;
  constexpr ptrdiff_t L = Vec<T>::lanes;
  const V zero = {}, one = zero + 1;
  V sum = zero, count = zero;
  for (ptrdiff_t j = 0; j < n; j += L) {
    const V gap = base + *(const V*)(x + j);
    const V here = gap > 0 ? one : zero;
    sum += gap > 0 ? gap : zero;
    count += here;
    *(V*)(active + j) += here;
  }
  T total = 0, counted = 0;
  for (ptrdiff_t l = 0; l < L; l++) total += sum[l], counted += count[l];
  return {total, counted};
}

// For each row the targets before the first negative one are marked in `chosen`; the loss is the sum over these targets t and
// all j that are none of max(1 - x[t] + x[j], 0), divided by n, as its slope is.
template <class T>
void label_margins(ptrdiff_t rows, ptrdiff_t n, const T* x, const int64_t* target, T* chosen, T* loss, T* slope, Flag& bad) {
  const ptrdiff_t width = whole_vectors<T>(n);
  in_pieces(rows, 4 * n, [=, &bad](ptrdiff_t r) {
    const T* from = x + r * n;
    const int64_t* list = target + r * n;
    T *others = scratch<T>(width, 0), *active = scratch<T>(width, 1), *marked = chosen + r * n, total = 0;
    std::fill_n(marked, n, T(0));
    std::fill_n(active, width, T(0));
    std::fill(std::copy_n(from, n, others), others + width, T(-INFINITY));
    ptrdiff_t known = 0;
    for (; known < n && list[known] >= 0; known++)
      if (!outside(list[known], n, bad)) marked[list[known]] = 1, others[list[known]] = T(-INFINITY);
    for (ptrdiff_t k = 0; k < known; k++) {
      if (outside(list[k], n, bad)) continue;
      const auto [sum, count] = add_margins(width, 1 - from[list[k]], others, active);
      total += sum;
      active[list[k]] -= count;
    }
    loss[r] = total / static_cast<T>(n);
    for (ptrdiff_t j = 0; j < n; j++) slope[r * n + j] = active[j] / static_cast<T>(n);
  });
}

}  // namespace wengert::arrays
