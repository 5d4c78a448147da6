// Rows standardised, scaled and shifted, and the gradients of that: normalisation of layers, and of groups of channels.
//
// A row is read two or three times and stays in the first-level cache.  Sums over rows as in reduce.h; the sums over columns,
// which are the gradients of weight and bias, are added up by PARTS tasks, and these in their order.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "pool.h"
#include "reduce.h"

namespace wengert::arrays {

// Two sums over a row at once: f(i, a, b) adds what element i contributes to a and b.
template <class T, class F>
static inline void two_sums(ptrdiff_t n, double& first, double& second, const F& f) {
  constexpr ptrdiff_t LANES = 32;
  first = second = 0;
  for (ptrdiff_t start = 0; start < n; start += WIDE) {
    const ptrdiff_t end = std::min(n, start + WIDE);
    T a[LANES] = {}, b[LANES] = {};
    ptrdiff_t i = start;
    for (; i + LANES <= end; i += LANES)
#pragma GCC ivdep
      for (ptrdiff_t l = 0; l < LANES; l++) f(i + l, a[l], b[l]);
    for (ptrdiff_t l = 0; i < end; i++, l++) f(i, a[l], b[l]);
    for (ptrdiff_t step = LANES / 2; step; step /= 2)
      for (ptrdiff_t l = 0; l < step; l++) a[l] += a[l + step], b[l] += b[l + step];
    first += a[0], second += b[0];
  }
}

// Sums of x - middle and of its square over at most WIDE elements; the rest that fills no lanes is padded.
template <class T>
static inline void deviations(const T* x, ptrdiff_t n, T middle, double& off, double& square) {
  constexpr ptrdiff_t LANES = 32;
  T a[LANES] = {}, b[LANES] = {}, rest[LANES];
  const auto add = [&](const T* from) {
#pragma GCC ivdep
    for (ptrdiff_t l = 0; l < LANES; l++) {
      const T d = from[l] - middle;
      a[l] += d, b[l] += d * d;
    }
  };
  ptrdiff_t i = 0;
  for (; i + LANES <= n; i += LANES) add(x + i);
  if (i < n) {
    std::fill_n(rest, LANES, middle);
    std::copy(x + i, x + n, rest);
    add(rest);
  }
  for (ptrdiff_t step = LANES / 2; step; step /= 2)
    for (ptrdiff_t l = 0; l < step; l++) a[l] += a[l + step], b[l] += b[l + step];
  off = a[0], square = b[0];
}

// Mean and mean squared deviation of n elements: those of stretches, each about the mean of its first elements, are joined.
template <class T>
static inline void moments(const T* x, ptrdiff_t n, double& mean, double& spread) {
  constexpr ptrdiff_t FIRST = 32;
  mean = spread = 0;
  for (ptrdiff_t start = 0; start < n; start += WIDE) {
    const ptrdiff_t count = std::min(WIDE, n - start), first = std::min(FIRST, count);
    const T middle = wengert::reduced<Sum>(x + start, first) / static_cast<T>(first);
    double off, square;
    deviations(x + start, count, middle, off, square);
    const double less = middle + off / count - mean, share = static_cast<double>(count) / (start + count);
    spread += square - off * off / count + less * less * start * share;
    mean += less * share;
  }
  spread = std::max(spread / n, 0.0);  // NaN stays
}

// Weight and bias have one number for each column; ones and zeros where there are none.
template <class T>
void normalize_rows(ptrdiff_t rows, ptrdiff_t n, double eps, const T* x, const T* weight, const T* bias, T* y, T* mean, T* var,
                    T* rstd) {
  in_pieces(rows, n, [=](ptrdiff_t r) {
    double whole, spread;
    moments(x + r * n, n, whole, spread);
    const T *from = x + r * n, middle = static_cast<T>(whole), rest = static_cast<T>(whole - middle);
    const T scale = static_cast<T>(1 / std::sqrt(spread + eps));
    T* to = y + r * n;
#pragma GCC ivdep
    for (ptrdiff_t i = 0; i < n; i++) to[i] = ((from[i] - middle) - rest) * scale * weight[i] + bias[i];
    mean[r] = middle + rest, var[r] = static_cast<T>(spread), rstd[r] = scale;
  });
}

// Groups of `each` channels of `size` elements.  Weight and bias (or null) have one number for each channel of a sample.
template <class T>
void normalize_groups(ptrdiff_t samples, ptrdiff_t groups, ptrdiff_t each, ptrdiff_t size, double eps, const T* x,
                      const T* weight, const T* bias, T* y, T* mean, T* var, T* rstd) {
  in_pieces(samples * groups, each * size, [=](ptrdiff_t r) {
    double whole, spread;
    moments(x + r * each * size, each * size, whole, spread);
    const T middle = static_cast<T>(whole), rest = static_cast<T>(whole - middle);
    const T scale = static_cast<T>(1 / std::sqrt(spread + eps));
    for (ptrdiff_t c = 0; c < each; c++) {
      const ptrdiff_t channel = r % groups * each + c;
      const T factor = weight ? scale * weight[channel] : scale, shift = bias ? bias[channel] : T(0);
      const T* from = x + (r * each + c) * size;
      T* to = y + (r * each + c) * size;
#pragma GCC ivdep
      for (ptrdiff_t i = 0; i < size; i++) to[i] = ((from[i] - middle) - rest) * factor + shift;
    }
    mean[r] = middle + rest, var[r] = static_cast<T>(spread), rstd[r] = scale;
  });
}

// Gradient of x; of each channel of each sample the shares of the gradients of weight and bias.
template <class T>
void normalize_groups_slopes(ptrdiff_t samples, ptrdiff_t groups, ptrdiff_t each, ptrdiff_t size, const T* grad, const T* x,
                             const T* weight, const T* mean, const T* rstd, T* slope, T* of_weight, T* of_bias) {
  in_pieces(samples * groups, each * size, [=](ptrdiff_t r) {
    const T middle = mean[r], scale = rstd[r];
    double along = 0, level = 0;
    for (ptrdiff_t c = r * each; c < (r + 1) * each; c++) {
      const T *g = grad + c * size, *from = x + c * size;
      const double factor = weight ? weight[c % (groups * each)] : T(1);
      double product, sum;
      two_sums<T>(size, product, sum, [&](ptrdiff_t i, T& a, T& b) { a += g[i] * (from[i] - middle), b += g[i]; });
      of_weight[c] = static_cast<T>(product * scale), of_bias[c] = static_cast<T>(sum);
      along += factor * product, level += factor * sum;
    }
    const double n = static_cast<double>(each * size);
    const T share = static_cast<T>(along / n) * scale * scale * scale, shift = static_cast<T>(level / n) * scale;
    for (ptrdiff_t c = r * each; c < (r + 1) * each; c++) {
      const T *g = grad + c * size, *from = x + c * size, factor = weight ? scale * weight[c % (groups * each)] : scale;
      T* to = slope + c * size;
#pragma GCC ivdep
      for (ptrdiff_t i = 0; i < size; i++) to[i] = g[i] * factor - (from[i] - middle) * share - shift;
    }
  });
}

// Means and sums of squared deviations of columns of `count` numbers are joined to those of `before` others.
static inline void join_moments(ptrdiff_t columns, double before, double count, const double* middle, const double* square,
                                double* all_middle, double* all_square) {
  const double share = count / (before + count);
  for (ptrdiff_t j = 0; j < columns; j++) {
    const double less = middle[j] - all_middle[j];
    all_square[j] += square[j] + less * less * before * share;
    all_middle[j] += less * share;
  }
}

// Means of columns and sums of squared deviations: SOME rows of a band of columns about means of their own, joined in their
// order.
constexpr ptrdiff_t NARROW = 128;

template <class T>
static void moments_down(ptrdiff_t rows, ptrdiff_t columns, const T* x, double* middle, double* square) {
  constexpr ptrdiff_t PARTS = 16, SOME = 32;
  const ptrdiff_t bands = pieces(columns, NARROW), per = SOME * pieces(rows, SOME * PARTS), parts = pieces(rows, per);
  std::vector<double> partial(2 * parts * columns);
  parallel_for(bands * parts, [&](ptrdiff_t task) {
    const ptrdiff_t part = task / bands, first = task % bands * NARROW, width = std::min(NARROW, columns - first);
    double* own = partial.data() + part * 2 * columns + first;
    T about[NARROW], off[NARROW], squares[NARROW];
    double some_middle[NARROW], some_square[NARROW];
    for (ptrdiff_t start = part * per; start < std::min(rows, (part + 1) * per); start += SOME) {
      const ptrdiff_t count = std::min(SOME, std::min(rows, (part + 1) * per) - start);
      const T* from = x + start * columns + first;
      std::fill_n(about, width, T(0));
      for (ptrdiff_t i = 0; i < count; i++) join_one<Sum>(width, from + i * columns, about);
      for (ptrdiff_t j = 0; j < width; j++) about[j] /= T(count), off[j] = squares[j] = 0;
      for (ptrdiff_t i = 0; i < count; i++)
#pragma GCC ivdep
        for (ptrdiff_t j = 0; j < width; j++) {
          const T d = from[i * columns + j] - about[j];
          off[j] += d, squares[j] += d * d;
        }
      for (ptrdiff_t j = 0; j < width; j++) {
        some_middle[j] = about[j] + off[j] / double(count);
        some_square[j] = squares[j] - off[j] * (off[j] / double(count));
      }
      join_moments(width, start - part * per, count, some_middle, some_square, own, own + columns);
    }
  });
  std::fill_n(middle, columns, 0.0);
  std::fill_n(square, columns, 0.0);
  for (ptrdiff_t part = 0; part < parts; part++) {
    const double* own = partial.data() + part * 2 * columns;
    join_moments(columns, part * per, std::min(per, rows - part * per), own, own + columns, middle, square);
  }
}

// Means of columns, what rounding left of them, and mean squared deviations.  Several rows of a narrow table are one.
template <class T>
void column_moments(ptrdiff_t rows, ptrdiff_t columns, const T* x, T* mean, T* rest, T* spread) {
  const ptrdiff_t fold = std::max<ptrdiff_t>(1, std::min(NARROW / columns, rows / NARROW)), wide = fold * columns;
  const ptrdiff_t whole = rows / fold, left = rows - whole * fold;
  std::vector<double> found(4 * wide);
  double *middle = found.data(), *square = middle + wide, *last = square + wide;
  moments_down(whole, wide, x, middle, square);
  for (ptrdiff_t k = 1; k < fold; k++)
    join_moments(columns, k * whole, whole, middle + k * columns, square + k * columns, middle, square);
  if (left > 0) {
    moments_down(left, columns, x + whole * wide, last, last + wide);
    join_moments(columns, whole * fold, left, last, last + wide, middle, square);
  }
  for (ptrdiff_t j = 0; j < columns; j++) {
    mean[j] = static_cast<T>(middle[j]), rest[j] = static_cast<T>(middle[j] - mean[j]);
    spread[j] = static_cast<T>(std::max(square[j] / rows, 0.0));  // NaN stays
  }
}

// Gradients of x, and of weight and bias (or null).
template <class T>
void normalize_rows_slopes(ptrdiff_t rows, ptrdiff_t n, const T* grad, const T* x, const T* weight, const T* mean,
                           const T* rstd, T* slope, T* weight_slope, T* bias_slope) {
  constexpr ptrdiff_t PARTS = 16;
  const ptrdiff_t per = std::max(1 + PIECE / n, pieces(rows, PARTS)), parts = pieces(rows, per);
  std::vector<double> partial(weight_slope ? 2 * parts * n : 0);
  parallel_for(parts, [&](ptrdiff_t part) {
    std::vector<T> few(2 * n);
    T *of_weight = few.data(), *of_bias = of_weight + n;
    const ptrdiff_t end = std::min(rows, (part + 1) * per);
    for (ptrdiff_t first = part * per; first < end; first += FEW) {
      for (ptrdiff_t r = first; r < std::min(end, first + FEW); r++) {
        const T *g = grad + r * n, *from = x + r * n, middle = mean[r], scale = rstd[r];
        double along, level;
        two_sums<T>(n, along, level, [&](ptrdiff_t i, T& a, T& b) {
          T hat = (from[i] - middle) * scale, scaled = g[i] * weight[i];
          a += scaled * hat, b += scaled;
          of_weight[i] += g[i] * hat, of_bias[i] += g[i];
        });
        const T share = static_cast<T>(along / n) * scale * scale, shift = static_cast<T>(level / n) * scale;
        T* to = slope + r * n;
#pragma GCC ivdep
        for (ptrdiff_t i = 0; i < n; i++) to[i] = g[i] * weight[i] * scale - (from[i] - middle) * share - shift;
      }
      if (weight_slope)
        for (ptrdiff_t i = 0; i < 2 * n; i++) partial[part * 2 * n + i] += few[i];
      std::fill(few.begin(), few.end(), T(0));
    }
  });
  if (!weight_slope) return;
  for (ptrdiff_t part = 1; part < parts; part++)
    for (ptrdiff_t i = 0; i < 2 * n; i++) partial[i] += partial[part * 2 * n + i];
  for (ptrdiff_t i = 0; i < n; i++) {
    weight_slope[i] = static_cast<T>(partial[i]);
    bias_slope[i] = static_cast<T>(partial[n + i]);
  }
}

}  // namespace wengert::arrays
