// Softmax and its logarithm along contiguous rows, and across memory, and their gradients.
//
// A row is read two or three times and stays in the first-level cache.  Exponentials and their sum are one loop: computing
// hides what memory takes, which instruction by instruction it does not.
#pragma once
#include <algorithm>
#include <cmath>

#include "pool.h"
#include "reduce.h"
#include "rows.h"
#include "tile.h"
#include "short_rows.h"

namespace wengert::arrays {

constexpr ptrdiff_t LANES = 32;  // partial sums of a row

// Rows from here on have at least LANES elements.  The last LANES of them overlap those before where the row has a rest: one by
// one, or copied into a padded buffer, a rest would take longer than the row.

// The sum of f(i) along a row.  A function of its own for each f: inlined side by side gcc leaves some of them scalar.
template <class T, class F>
__attribute__((noinline)) T row_total(ptrdiff_t n, const F& f) {
  using Int = typename vmath::Format<T>::Int;
  double total = 0;
  for (ptrdiff_t start = 0; start < n; start += WIDE) {
    const ptrdiff_t end = std::min(n, start + WIDE);
    T lane[LANES] = {};
    ptrdiff_t i = start;
    for (; i + LANES <= end; i += LANES)
#pragma GCC ivdep
      for (ptrdiff_t l = 0; l < LANES; l++) lane[l] += f(i + l);
    if (i < end) {
      const ptrdiff_t last = end - LANES;
      const Int counted = static_cast<Int>(i - last);
      T rest[LANES];
#pragma GCC ivdep
      for (ptrdiff_t l = 0; l < LANES; l++) rest[l] = f(last + l);
      for (Int l = 0; l < static_cast<Int>(LANES); l++) lane[l] += l < counted ? T(0) : rest[l];
    }
    for (ptrdiff_t step = LANES / 2; step; step /= 2)
      for (ptrdiff_t l = 0; l < step; l++) lane[l] += lane[l + step];
    total += lane[0];
  }
  return static_cast<T>(total);
}

// to[i] = f(i) along a row; f may read to[i].
template <class T, class F>
static inline void along_row(ptrdiff_t n, T* to, const F& f) {
  const ptrdiff_t whole = n / LANES * LANES, last = n - LANES;
  T rest[LANES];
  if (whole < n)
#pragma GCC ivdep
    for (ptrdiff_t l = 0; l < LANES; l++) rest[l] = f(last + l);
#pragma GCC ivdep
  for (ptrdiff_t i = 0; i < whole; i++) to[i] = f(i);
  if (whole < n) std::copy_n(rest, LANES, to + last);
}

// Elements of short rows (Note [Short rows] in short_rows.h): more for values than for slopes, which are less work.
constexpr ptrdiff_t SHORT = 96, FLAT = 48;

template <bool LOGARITHM, class T>
__attribute__((noinline)) void normalize_group(T* block, ptrdiff_t n) {
  T top[TALL], total[TALL] = {};
  std::copy_n(block, TALL, top);
  for (ptrdiff_t j = 1; j < n; j++)
    for (ptrdiff_t l = 0; l < TALL; l++) top[l] = Largest::join(top[l], block[j * TALL + l]);
  for (ptrdiff_t j = 0; j < n; j++)
    for (ptrdiff_t l = 0; l < TALL; l++) {
      const T value = block[j * TALL + l] - top[l], power = vmath::exp(value);
      block[j * TALL + l] = LOGARITHM ? value : power;
      total[l] += power;
    }
  for (ptrdiff_t l = 0; l < TALL; l++) total[l] = LOGARITHM ? vmath::log(total[l]) : T(1) / total[l];
  for (ptrdiff_t j = 0; j < n; j++)
    for (ptrdiff_t l = 0; l < TALL; l++)
      block[j * TALL + l] = LOGARITHM ? block[j * TALL + l] - total[l] : block[j * TALL + l] * total[l];
}

// The logarithm of the sum of exponentials; a largest element that is infinite is not subtracted.
template <class T>
__attribute__((noinline)) void logsumexp_of_group(const T* block, ptrdiff_t n, T* out) {
  T top[TALL], total[TALL] = {};
  std::copy_n(block, TALL, top);
  for (ptrdiff_t j = 1; j < n; j++)
    for (ptrdiff_t l = 0; l < TALL; l++) top[l] = Largest::join(top[l], block[j * TALL + l]);
  for (ptrdiff_t l = 0; l < TALL; l++) top[l] = std::fabs(top[l]) == Limits<T>::infinity() ? T(0) : top[l];
  for (ptrdiff_t j = 0; j < n; j++)
    for (ptrdiff_t l = 0; l < TALL; l++) total[l] += vmath::exp(block[j * TALL + l] - top[l]);
  for (ptrdiff_t l = 0; l < TALL; l++) out[l] = vmath::log(total[l]) + top[l];
}

// Of rows of few elements.
template <class T>
void logsumexp_rows(ptrdiff_t rows, ptrdiff_t n, const T* x, T* out) {
  each_group(rows, n, [=](ptrdiff_t first, ptrdiff_t count) {
    T *block = scratch<T>(n * TALL, 0), found[TALL];
    lay_down(x + first * n, n, count, block);
    logsumexp_of_group(block, n, found);
    std::copy_n(found, count, out + first);
  });
}

template <bool LOGARITHM, class T>
__attribute__((noinline)) void slope_of_group(T* g, const T* y, ptrdiff_t n) {
  T total[TALL] = {};
  for (ptrdiff_t i = 0; i < n * TALL; i += TALL)
    for (ptrdiff_t l = 0; l < TALL; l++) total[l] += LOGARITHM ? g[i + l] : g[i + l] * y[i + l];
  for (ptrdiff_t i = 0; i < n * TALL; i += TALL)
    for (ptrdiff_t l = 0; l < TALL; l++)
      g[i + l] = LOGARITHM ? g[i + l] - vmath::exp(y[i + l]) * total[l] : (g[i + l] - total[l]) * y[i + l];
}

template <bool LOGARITHM, class T>
void short_rows(ptrdiff_t rows, ptrdiff_t n, const T* x, T* y) {
  each_group(rows, n, [=](ptrdiff_t first, ptrdiff_t count) {
    T* block = scratch<T>(n * TALL, 0);
    lay_down(x + first * n, n, count, block);
    normalize_group<LOGARITHM>(block, n);
    stand_up(block, TALL, n, count, y + first * n);
  });
}

template <bool LOGARITHM, class T>
void short_slopes(ptrdiff_t rows, ptrdiff_t n, const T* grad, const T* y, T* slope) {
  each_group(rows, n, [=](ptrdiff_t first, ptrdiff_t count) {
    T *block = scratch<T>(n * TALL, 0), *results = scratch<T>(n * TALL, 1);
    lay_down(grad + first * n, n, count, block);
    lay_down(y + first * n, n, count, results);
    slope_of_group<LOGARITHM>(block, results, n);
    stand_up(block, TALL, n, count, slope + first * n);
  });
}

template <class T>
void softmax_rows(ptrdiff_t rows, ptrdiff_t n, const T* x, T* y) {
  if (n <= SHORT) return short_rows<false>(rows, n, x, y);  // Note [Short rows]
  in_pieces(rows, n, [=](ptrdiff_t r) {
    const T *from = x + r * n, top = wengert::reduced<Largest>(from, n);
    T* to = y + r * n;
    along_row(n, to, [=](ptrdiff_t i) { return vmath::exp(from[i] - top); });
    const T scale = T(1) / row_total<T>(n, [=](ptrdiff_t i) { return to[i]; });
    along_row(n, to, [=](ptrdiff_t i) { return to[i] * scale; });
  });
}

template <class T>
void log_softmax_rows(ptrdiff_t rows, ptrdiff_t n, const T* x, T* y) {
  if (n <= SHORT) return short_rows<true>(rows, n, x, y);  // Note [Short rows]
  in_pieces(rows, n, [=](ptrdiff_t r) {
    const T *from = x + r * n, top = wengert::reduced<Largest>(from, n);
    const T less = std::log(row_total<T>(n, [=](ptrdiff_t i) { return vmath::exp(from[i] - top); }));
    along_row(n, y + r * n, [=](ptrdiff_t i) { return (from[i] - top) - less; });
  });
}

// y: results.  The slope may be written over the gradient.
template <class T>
void softmax_rows_slope(ptrdiff_t rows, ptrdiff_t n, const T* grad, const T* y, T* slope) {
  if (n <= FLAT) return short_slopes<false>(rows, n, grad, y, slope);  // Note [Short rows]
  in_pieces(rows, n, [=](ptrdiff_t r) {
    const T *g = grad + r * n, *at = y + r * n;
    const T total = row_total<T>(n, [=](ptrdiff_t i) { return g[i] * at[i]; });
    along_row(n, slope + r * n, [=](ptrdiff_t i) { return (g[i] - total) * at[i]; });
  });
}

template <class T>
void log_softmax_rows_slope(ptrdiff_t rows, ptrdiff_t n, const T* grad, const T* y, T* slope) {
  if (n <= FLAT) return short_slopes<true>(rows, n, grad, y, slope);  // Note [Short rows]
  in_pieces(rows, n, [=](ptrdiff_t r) {
    const T *g = grad + r * n, *at = y + r * n, total = row_total<T>(n, [=](ptrdiff_t i) { return g[i]; });
    along_row(n, slope + r * n, [=](ptrdiff_t i) { return g[i] - vmath::exp(at[i]) * total; });
  });
}

// The same where the gradient of a row is `value` at one place and 0 elsewhere.  Several short rows are computed as one.
template <class T>
void log_softmax_rows_slope_picked(ptrdiff_t rows, ptrdiff_t n, const T* y, const int64_t* places, const T* values, T* slope,
                                   std::atomic<bool>& bad) {
  const auto at_places = [=, &bad](ptrdiff_t first, ptrdiff_t count) {
    T found[TALL] = {}, value[TALL] = {};
    std::copy_n(values + first, count, value);
    for (ptrdiff_t r = 0; r < count; r++)
      if (!outside(places[first + r], n, bad)) found[r] = y[(first + r) * n + places[first + r]];
#pragma GCC ivdep
    for (ptrdiff_t l = 0; l < count; l++) found[l] = value[l] - vmath::exp(found[l]) * value[l];
    for (ptrdiff_t r = 0; r < count; r++)
      if (!outside(places[first + r], n, bad)) slope[(first + r) * n + places[first + r]] = found[r];
  };
  if (n > FLAT)
    return in_pieces(rows, n, [=](ptrdiff_t r) {
      const T *at = y + r * n, value = values[r];
      along_row(n, slope + r * n, [=](ptrdiff_t i) { return T(0) - vmath::exp(at[i]) * value; });
      at_places(r, 1);
    });
  each_group(rows, n, [=](ptrdiff_t first, ptrdiff_t count) {
    const T* at = y + first * n;
    T *to = slope + first * n, *same = scratch<T>((n + 1) * TALL, 0);
    for (ptrdiff_t r = 0; r < count; r++)
      for (ptrdiff_t j = 0; j < n; j += TALL) std::fill_n(same + r * n + j, TALL, values[first + r]);
    const auto change = [=](ptrdiff_t i) { return T(0) - vmath::exp(at[i]) * same[i]; };
    if (count * n >= LANES)
      along_row(count * n, to, change);
    else
      for (ptrdiff_t i = 0; i < count * n; i++) to[i] = change(i);
    at_places(first, count);
  });
}

// Across memory: bands of columns that stay in the second-level cache.
constexpr ptrdiff_t BAND = 256, BAND_BYTES = 1 << 19;

// f(place of the first element, columns) for bands of the middle of three dimensions.
template <class T, class F>
static inline void each_band(ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner, const F& f) {
  const ptrdiff_t fitting = BAND_BYTES / (n * static_cast<ptrdiff_t>(sizeof(T))) / 64 * 64;
  const ptrdiff_t band = std::max<ptrdiff_t>(64, std::min(BAND, fitting)), bands = pieces(inner, band);
  in_pieces(outer * bands, n * std::min(band, inner), [&](ptrdiff_t i) {
    const ptrdiff_t first = i % bands * band;
    f(i / bands * n * inner + first, std::min(band, inner - first));
  });
}

// Adds sums over n rows of f(i, j), FEW at a time in T, to `total`.
template <class T, class F>
static inline void sum_below(ptrdiff_t n, ptrdiff_t width, double* total, const F& f) {
  T few[BAND];
  std::fill_n(total, width, 0.0);
  for (ptrdiff_t first = 0; first < n; first += FEW) {
    std::fill_n(few, width, T(0));
    for (ptrdiff_t i = first; i < std::min(n, first + FEW); i++)
#pragma GCC ivdep
      for (ptrdiff_t j = 0; j < width; j++) few[j] += f(i, j);
    for (ptrdiff_t j = 0; j < width; j++) total[j] += few[j];
  }
}

template <bool LOGARITHM, class T>
__attribute__((noinline)) void normalize_band(ptrdiff_t n, ptrdiff_t apart, ptrdiff_t width, const T* x, T* y) {
  T top[BAND], by[BAND];
  double total[BAND];
  std::copy_n(x, width, top);
  for (ptrdiff_t i = 1; i < n; i++)
    for (ptrdiff_t j = 0; j < width; j++) top[j] = Largest::join(top[j], x[i * apart + j]);
  sum_below<T>(n, width, total, [&](ptrdiff_t i, ptrdiff_t j) {
    const T power = vmath::exp(x[i * apart + j] - top[j]);
    if (!LOGARITHM) y[i * apart + j] = power;
    return power;
  });
  for (ptrdiff_t j = 0; j < width; j++) by[j] = static_cast<T>(total[j]);
  for (ptrdiff_t j = 0; j < width; j++) by[j] = LOGARITHM ? vmath::log(by[j]) : T(1) / by[j];
  for (ptrdiff_t i = 0; i < n; i++)
#pragma GCC ivdep
    for (ptrdiff_t j = 0; j < width; j++)
      y[i * apart + j] = LOGARITHM ? (x[i * apart + j] - top[j]) - by[j] : y[i * apart + j] * by[j];
}

template <bool LOGARITHM, class T>
__attribute__((noinline)) void slope_of_band(ptrdiff_t n, ptrdiff_t apart, ptrdiff_t width, const T* grad, const T* y, T* slope) {
  double total[BAND];
  T sum[BAND];
  sum_below<T>(n, width, total, [&](ptrdiff_t i, ptrdiff_t j) {
    return LOGARITHM ? grad[i * apart + j] : grad[i * apart + j] * y[i * apart + j];
  });
  for (ptrdiff_t j = 0; j < width; j++) sum[j] = static_cast<T>(total[j]);
  for (ptrdiff_t i = 0; i < n; i++)
#pragma GCC ivdep
    for (ptrdiff_t j = 0; j < width; j++) {
      const T g = grad[i * apart + j], at = y[i * apart + j];
      slope[i * apart + j] = LOGARITHM ? g - vmath::exp(at) * sum[j] : (g - sum[j]) * at;
    }
}

template <bool LOGARITHM, class T>
void softmax_columns(ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner, const T* x, T* y) {
  each_band<T>(outer, n, inner, [=](ptrdiff_t first, ptrdiff_t width) {
    normalize_band<LOGARITHM>(n, inner, width, x + first, y + first);
  });
}

// The slope may be written over the gradient.
template <bool LOGARITHM, class T>
void softmax_columns_slope(ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner, const T* grad, const T* y, T* slope) {
  each_band<T>(outer, n, inner, [=](ptrdiff_t first, ptrdiff_t width) {
    slope_of_band<LOGARITHM>(n, inner, width, grad + first, y + first, slope + first);
  });
}

}  // namespace wengert::arrays
