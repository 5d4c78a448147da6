// Images sampled at points between their pixels: values, and gradients of the image and of the points.
#pragma once
#include <algorithm>
#include <cmath>

#include "pool.h"

namespace wengert::arrays {

enum GridMode { BILINEAR, NEAREST, BICUBIC };
enum GridPadding { ZEROS, BORDER, REFLECTION };

struct Grid {
  ptrdiff_t samples, channels, height, width, points;
  int mode, padding;
  bool align_corners;
  int neighbours() const { return mode == NEAREST ? 1 : mode == BILINEAR ? 2 : 4; }  // along each dimension
};

// A place moved to the nearest edge (not-a-number to 0), and the factor by which that changes its slope.
template <class T>
T clipped(T place, ptrdiff_t size, T& factor) {
  T top = T(size - 1);
  factor = place > 0 && place < top ? T(1) : T(0);
  return place > 0 ? std::min(place, top) : T(0);
}

// Reflected at the edges, the centres of the outer pixels or their outer edges, until it is inside.
template <class T>
T reflected(T place, ptrdiff_t size, bool align_corners, T& factor) {
  T low = align_corners ? T(0) : T(-0.5), span = T(align_corners ? size - 1 : size);
  if (span == 0) return factor = 0, T(0);
  T distance = std::fabs(place - low), flips = std::floor(distance / span), rest = distance - flips * span;
  bool odd = std::fmod(flips, T(2)) == 1;
  T sign = place < low ? T(-1) : T(1), inside;
  T found = clipped((odd ? span - rest : rest) + low, size, inside);
  factor = (odd ? -sign : sign) * inside;
  return found;
}

template <class T>
T padded(T place, ptrdiff_t size, const Grid& g, T& factor) {
  factor = 1;
  if (g.padding == BORDER) return clipped(place, size, factor);
  return g.padding == REFLECTION ? reflected(place, size, g.align_corners, factor) : place;
}

// Keys' kernel with a = -3/4 for distances up to 1 and from 1 to 2, and its derivative.
template <class T>
T cubic_inner(T t) {
  return (T(1.25) * t - T(2.25)) * t * t + 1;
}
template <class T>
T cubic_outer(T t) {
  return ((T(-0.75) * t + T(3.75)) * t - 6) * t + 3;
}
template <class T>
T cubic_inner_slope(T t) {
  return (T(3.75) * t - T(4.5)) * t;
}
template <class T>
T cubic_outer_slope(T t) {
  return (T(-2.25) * t + T(7.5)) * t - 6;
}

// The neighbours of a point along one dimension: places (-1 outside), weights, and their derivatives by the grid.
template <class T>
struct Line {
  ptrdiff_t at[4];
  T weight[4], slope[4];

  void find(T value, ptrdiff_t size, const Grid& g) {
    T half = T((g.align_corners ? size - 1 : size) / 2.0), factor = 1, unused;
    T place = value * half + T((size - 1) / 2.0);
    if (g.mode != BICUBIC) place = padded(place, size, g, factor);
    T base = g.mode == NEAREST ? std::nearbyint(place) : std::floor(place), f = place - base, scale = half * factor;
    for (int k = 0; k < g.neighbours(); k++) {
      T to = base + T(g.mode == BICUBIC ? k - 1 : k);
      if (g.mode == BICUBIC) to = padded(to, size, g, unused);
      at[k] = to >= 0 && to <= T(size - 1) ? (ptrdiff_t)to : -1;
    }
    if (g.mode == NEAREST) {
      weight[0] = 1, slope[0] = 0;
    } else if (g.mode == BILINEAR) {
      weight[0] = 1 - f, weight[1] = f, slope[0] = -scale, slope[1] = scale;
    } else {
      weight[0] = cubic_outer(f + 1), weight[1] = cubic_inner(f), weight[2] = cubic_inner(1 - f);
      weight[3] = cubic_outer(2 - f);
      slope[0] = scale * cubic_outer_slope(f + 1), slope[1] = scale * cubic_inner_slope(f);
      slope[2] = -scale * cubic_inner_slope(1 - f), slope[3] = -scale * cubic_outer_slope(2 - f);
    }
  }
};

constexpr ptrdiff_t GRID_POINTS = 64;  // points whose neighbours stand in memory at once

// Neighbours of a run of points: places in a plane (-1 outside) and products of weights.
template <class T>
struct Cells {
  int32_t at[16][GRID_POINTS];
  T weight[16][GRID_POINTS], down[16][GRID_POINTS], across[16][GRID_POINTS];
  int count;

  void find(const Grid& g, const T* grid, ptrdiff_t n, bool slopes) {
    if (g.mode == BILINEAR && g.padding != REFLECTION) return find_four(g, grid, n);
    int each = g.neighbours();
    count = each * each;
    for (ptrdiff_t p = 0; p < n; p++) {
      Line<T> x, y;
      x.find(grid[2 * p], g.width, g);
      y.find(grid[2 * p + 1], g.height, g);
      for (int k = 0; k < count; k++) {
        int i = k / each, j = k % each;
        at[k][p] = y.at[i] < 0 || x.at[j] < 0 ? -1 : (int32_t)(y.at[i] * g.width + x.at[j]);
        weight[k][p] = y.weight[i] * x.weight[j];
        if (slopes) down[k][p] = y.slope[i] * x.weight[j], across[k][p] = y.weight[i] * x.slope[j];
      }
    }
  }

  // The same without branches, for the usual way.
  void find_four(const Grid& g, const T* grid, ptrdiff_t n) {
    T low[2][GRID_POINTS], share[2][GRID_POINTS], scale[2][GRID_POINTS];
    const bool border = g.padding == BORDER;
    for (int d = 0; d < 2; d++) {
      const ptrdiff_t size = d ? g.height : g.width;
      const T half = T((g.align_corners ? size - 1 : size) / 2.0), middle = T((size - 1) / 2.0), top = T(size - 1);
      for (ptrdiff_t p = 0; p < n; p++) {
        const T given = grid[2 * p + d] * half + middle, inner = given < top ? given : top, kept = given > 0 ? inner : T(0);
        const T place = border ? kept : given, factor = (!border) | ((given > 0) & (given < top)) ? T(1) : T(0);
        low[d][p] = std::floor(place), share[d][p] = place - low[d][p], scale[d][p] = half * factor;
      }
    }
    count = 4;
    for (int k = 0; k < 4; k++) {
      const T right = T(k % 2), below = T(k / 2), width = T(g.width - 1), height = T(g.height - 1);
      for (ptrdiff_t p = 0; p < n; p++) {
        const T x = low[0][p] + right, y = low[1][p] + below;
        const bool inside = (x >= 0) & (x <= width) & (y >= 0) & (y <= height);
        const int32_t place = (int32_t)(inside ? y : T(0)) * (int32_t)g.width + (int32_t)(inside ? x : T(0));
        at[k][p] = inside ? place : -1;
        const T of_x = right ? share[0][p] : 1 - share[0][p], of_y = below ? share[1][p] : 1 - share[1][p];
        weight[k][p] = of_y * of_x;
        down[k][p] = (below ? scale[1][p] : -scale[1][p]) * of_x;
        across[k][p] = of_y * (right ? scale[0][p] : -scale[0][p]);
      }
    }
  }
};

// gcc reads scattered places by single loads unless it tunes for a processor that gathers them, which is 2.7 times as fast here.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define WENGERT_GATHERING __attribute__((noinline, target("tune=icelake-server")))
#else
#define WENGERT_GATHERING
#endif

// to[p] += plane[at[p]] * weight[p], where the place is not outside; its weight may not be a number then.
template <class T>
WENGERT_GATHERING void add_values(ptrdiff_t n, const T* plane, const int32_t* at, const T* weight, T* __restrict to) {
#pragma GCC ivdep
  for (ptrdiff_t p = 0; p < n; p++) {
    const T part = plane[at[p] < 0 ? 0 : at[p]] * weight[p];
    to[p] += at[p] < 0 ? T(0) : part;
  }
}

// The same with two weights, for values times `arrived`.
template <class T>
WENGERT_GATHERING void add_slopes(ptrdiff_t n, const T* plane, const int32_t* at, const T* arrived, const T* first,
                                  const T* second, T* __restrict to_first, T* __restrict to_second) {
#pragma GCC ivdep
  for (ptrdiff_t p = 0; p < n; p++) {
    const T product = plane[at[p] < 0 ? 0 : at[p]] * arrived[p], value = at[p] < 0 ? T(0) : product;
    to_first[p] += value * first[p];
    to_second[p] += value * second[p];
  }
}

template <class F>
void for_points(const Grid& g, const F& f) {
  ptrdiff_t runs = (g.points + GRID_POINTS - 1) / GRID_POINTS, group = 16, lots = (runs + group - 1) / group;
  parallel_for(g.samples * lots, [&](ptrdiff_t task) {
    ptrdiff_t sample = task / lots, first = task % lots * group;
    for (ptrdiff_t r = first; r < std::min(runs, first + group); r++)
      f(sample, r * GRID_POINTS, std::min(GRID_POINTS, g.points - r * GRID_POINTS));
  });
}

template <class T>
void grid_sample(const Grid& g, const T* x, const T* grid, T* out) {
  ptrdiff_t plane = g.height * g.width;
  for_points(g, [&](ptrdiff_t s, ptrdiff_t first, ptrdiff_t n) {
    Cells<T> cells;
    cells.find(g, grid + 2 * (s * g.points + first), n, false);
    for (ptrdiff_t c = 0; c < g.channels; c++) {
      const T* from = x + (s * g.channels + c) * plane;
      T* to = out + (s * g.channels + c) * g.points + first;
      std::fill_n(to, n, T(0));
      for (int k = 0; k < cells.count; k++) add_values(n, from, cells.at[k], cells.weight[k], to);
    }
  });
}

// Gradient of the points: sums over channels and neighbours of value times gradient times slope.
template <class T>
void grid_sample_points(const Grid& g, const T* grad, const T* x, const T* grid, T* out) {
  ptrdiff_t plane = g.height * g.width;
  for_points(g, [&](ptrdiff_t s, ptrdiff_t first, ptrdiff_t n) {
    Cells<T> cells;
    cells.find(g, grid + 2 * (s * g.points + first), n, true);
    T across[GRID_POINTS] = {}, down[GRID_POINTS] = {};
    for (ptrdiff_t c = 0; c < g.channels; c++) {
      const T *from = x + (s * g.channels + c) * plane, *arrived = grad + (s * g.channels + c) * g.points + first;
      for (int k = 0; k < cells.count; k++)
        add_slopes(n, from, cells.at[k], arrived, cells.across[k], cells.down[k], across, down);
    }
    T* to = out + 2 * (s * g.points + first);
    for (ptrdiff_t p = 0; p < n; p++) to[2 * p] = across[p], to[2 * p + 1] = down[p];
  });
}

// Gradient of the image: gradients put at the neighbours.  A task has some channels of a sample to itself.
template <class T>
void grid_sample_image(const Grid& g, const T* grad, const T* grid, T* out) {
  ptrdiff_t plane = g.height * g.width, band = std::max<ptrdiff_t>(1, g.channels / 4);
  ptrdiff_t bands = (g.channels + band - 1) / band;
  parallel_for(g.samples * bands, [&](ptrdiff_t task) {
    ptrdiff_t s = task / bands, begin = task % bands * band, end = std::min(g.channels, begin + band);
    Cells<T> cells;
    std::fill_n(out + (s * g.channels + begin) * plane, (end - begin) * plane, T(0));
    for (ptrdiff_t first = 0; first < g.points; first += GRID_POINTS) {
      ptrdiff_t n = std::min(GRID_POINTS, g.points - first);
      cells.find(g, grid + 2 * (s * g.points + first), n, false);
      for (ptrdiff_t c = begin; c < end; c++) {
        const T* arrived = grad + (s * g.channels + c) * g.points + first;
        T* to = out + (s * g.channels + c) * plane;
        for (int k = 0; k < cells.count; k++)
          for (ptrdiff_t p = 0; p < n; p++)
            if (cells.at[k][p] >= 0) to[cells.at[k][p]] += arrived[p] * cells.weight[k][p];
      }
    }
  });
}

}  // namespace wengert::arrays
