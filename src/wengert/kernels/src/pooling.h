// Max and average pooling over up to three dimensions: values, positions, and gradients.
#pragma once
#include <algorithm>
#include <limits>
#include <vector>

#include "pool.h"
#include "rows.h"
#include "tile.h"

namespace wengert::arrays {

// Windows over planes (samples times channels) of depth, height, width.
struct Pooling {
  ptrdiff_t planes;
  ptrdiff_t size[3], out[3], kernel[3], stride[3], padding[3], dilation[3];
  ptrdiff_t pixels() const { return size[0] * size[1] * size[2]; }
  ptrdiff_t places() const { return out[0] * out[1] * out[2]; }
  ptrdiff_t window() const { return kernel[0] * kernel[1] * kernel[2]; }
  ptrdiff_t from(int dim, ptrdiff_t place) const { return place * stride[dim] - padding[dim]; }
  // The windows that divide a dimension into `out` parts, their ends rounded outward.
  ptrdiff_t start(int dim, ptrdiff_t part) const { return part * size[dim] / out[dim]; }
  ptrdiff_t stop(int dim, ptrdiff_t part) const { return ((part + 1) * size[dim] + out[dim] - 1) / out[dim]; }
  // f(place of the first element) for the rows of a row of such windows; how many there are.
  template <class F>
  ptrdiff_t rows_of_parts(ptrdiff_t row, const F& f) const {
    const ptrdiff_t oz = row / out[1], oy = row % out[1];
    for (ptrdiff_t z = start(0, oz); z < stop(0, oz); z++)
      for (ptrdiff_t y = start(1, oy); y < stop(1, oy); y++) f((z * size[1] + y) * size[2]);
    return (stop(0, oz) - start(0, oz)) * (stop(1, oy) - start(1, oy));
  }
};

// The places whose element `tap` along the last dimension lies in the input.
inline void overlap(const Pooling& g, ptrdiff_t tap, ptrdiff_t& first, ptrdiff_t& last) {
  ptrdiff_t shift = tap * g.dilation[2] - g.padding[2], s = g.stride[2];
  first = shift >= 0 ? 0 : (-shift + s - 1) / s;
  last = g.size[2] - 1 - shift < 0 ? 0 : std::min(g.out[2], (g.size[2] - 1 - shift) / s + 1);
}

// Calls f(tap, input row) for the rows of the window that lie in the input, for one row of places.
template <class F>
void for_rows(const Pooling& g, ptrdiff_t oz, ptrdiff_t oy, const F& f) {
  for (ptrdiff_t kz = 0; kz < g.kernel[0]; kz++) {
    ptrdiff_t z = g.from(0, oz) + kz * g.dilation[0];
    if (z < 0 || z >= g.size[0]) continue;
    for (ptrdiff_t ky = 0; ky < g.kernel[1]; ky++) {
      ptrdiff_t y = g.from(1, oy) + ky * g.dilation[1];
      if (y >= 0 && y < g.size[1]) f(z * g.size[1] + y);
    }
  }
}

template <class T>
struct SameSize;
template <>
struct SameSize<float> {
  using Int = int32_t;
};
template <>
struct SameSize<double> {
  using Int = int64_t;
};

// Later elements replace equal ones never, and a NaN always: PyTorch's order.
template <int STRIDE, class T, class I>
void raise(const T* __restrict from, ptrdiff_t stride, ptrdiff_t n, I place, T* __restrict best, I* __restrict at) {
  ptrdiff_t s = STRIDE ? STRIDE : stride;
  for (ptrdiff_t j = 0; j < n; j++) {
    T value = from[j * s];
    bool better = (value > best[j]) | (value != value);
    best[j] = better ? value : best[j];
    at[j] = better ? place : at[j];
  }
}

template <class T>
void max_row(const Pooling& g, const T* x, ptrdiff_t oz, ptrdiff_t oy, T* best, typename SameSize<T>::Int* at) {
  using I = typename SameSize<T>::Int;
  std::fill_n(best, g.out[2], -std::numeric_limits<T>::infinity());
  std::fill_n(at, g.out[2], std::numeric_limits<I>::min());
  for_rows(g, oz, oy, [&](ptrdiff_t row) {
    for (ptrdiff_t kx = 0; kx < g.kernel[2]; kx++) {
      ptrdiff_t first, last, shift = kx * g.dilation[2] - g.padding[2];
      overlap(g, kx, first, last);
      if (last <= first) continue;
      const T* from = x + row * g.size[2] + first * g.stride[2] + shift;
      I place = (I)(row * g.size[2] + shift);
      if (g.stride[2] == 1)
        raise<1>(from, 1, last - first, place, best + first, at + first);
      else if (g.stride[2] == 2)
        raise<2>(from, 2, last - first, place, best + first, at + first);
      else
        raise<0>(from, g.stride[2], last - first, place, best + first, at + first);
    }
  });
}

// The first element of a window that lies in the input: its position where all are minus infinity.
inline ptrdiff_t first_inside(const Pooling& g, ptrdiff_t oz, ptrdiff_t oy, ptrdiff_t ox) {
  ptrdiff_t at[3] = {g.from(0, oz), g.from(1, oy), g.from(2, ox)};
  for (int i = 0; i < 3; i++)
    while (at[i] < 0) at[i] += g.dilation[i];
  return (at[0] * g.size[1] + at[1]) * g.size[2] + at[2];
}

// Values, and positions in the plane (or null).
template <class T>
void max_pool(const Pooling& g, const T* x, T* values, int64_t* positions) {
  using I = typename SameSize<T>::Int;
  in_pieces(g.planes, g.places() * g.window(), [&](ptrdiff_t p) {
    I* at = scratch<I>(g.out[2], 0);
    for (ptrdiff_t row = 0; row < g.out[0] * g.out[1]; row++) {
      ptrdiff_t oz = row / g.out[1], oy = row % g.out[1], to = p * g.places() + row * g.out[2];
      max_row(g, x + p * g.pixels(), oz, oy, values + to, at);
      if (!positions) continue;
      for (ptrdiff_t j = 0; j < g.out[2]; j++) positions[to + j] = (int64_t)at[j] + j * g.stride[2];
      for (ptrdiff_t j = 0; j < g.out[2]; j++)
        if (at[j] == std::numeric_limits<I>::min()) positions[to + j] = first_inside(g, oz, oy, j);
    }
  });
}

// Maxima of the windows that divide each dimension into g.out parts; positions may be null.  First those of the columns of a row of
// windows, by vectors, then of these: the first one by rows, but of NaN the last.
template <class T>
void max_parts(const Pooling& g, const T* x, T* values, int64_t* positions) {
  using I = typename SameSize<T>::Int;
  in_pieces(g.planes, g.pixels(), [&](ptrdiff_t p) {
    const ptrdiff_t width = g.size[2];
    T* top = scratch<T>(width, 0);
    I* at = scratch<I>(width, 1);
    for (ptrdiff_t row = 0; row < g.out[0] * g.out[1]; row++) {
      std::fill_n(top, width, -std::numeric_limits<T>::infinity());
      std::fill_n(at, width, (I)((g.start(0, row / g.out[1]) * g.size[1] + g.start(1, row % g.out[1])) * width));
      g.rows_of_parts(row, [&](ptrdiff_t place) { raise<1>(x + p * g.pixels() + place, 1, width, (I)place, top, at); });
      for (ptrdiff_t ox = 0; ox < g.out[2]; ox++) {
        ptrdiff_t k = g.start(2, ox), first = at[k] + k;
        T best = top[k];
        for (k++; k < g.stop(2, ox); k++) {
          const bool nan = top[k] != top[k], earlier = at[k] + k < first;
          if (nan ? best == best || !earlier : top[k] > best || (top[k] == best && earlier)) best = top[k], first = at[k] + k;
        }
        const ptrdiff_t to = p * g.places() + row * g.out[2] + ox;
        values[to] = best;
        if (positions) positions[to] = first;
      }
    }
  });
}

// Means of the same windows: sums of the columns first.
template <class T>
void mean_parts(const Pooling& g, const T* x, T* values) {
  in_pieces(g.planes, g.pixels(), [&](ptrdiff_t p) {
    const ptrdiff_t width = g.size[2];
    T* sums = scratch<T>(width, 0);
    for (ptrdiff_t row = 0; row < g.out[0] * g.out[1]; row++) {
      std::fill_n(sums, width, T(0));
      const ptrdiff_t rows = g.rows_of_parts(row, [&](ptrdiff_t place) { add_row(width, x + p * g.pixels() + place, sums); });
      for (ptrdiff_t ox = 0; ox < g.out[2]; ox++) {
        T total = 0;
        for (ptrdiff_t k = g.start(2, ox); k < g.stop(2, ox); k++) total += sums[k];
        values[(p * g.out[0] * g.out[1] + row) * g.out[2] + ox] = total / T(rows * (g.stop(2, ox) - g.start(2, ox)));
      }
    }
  });
}

// Each element gets its shares of the gradients of its windows.
template <class T>
void mean_parts_backward(const Pooling& g, const T* grad, T* gx) {
  in_pieces(g.planes, g.pixels(), [&](ptrdiff_t p) {
    const ptrdiff_t width = g.size[2];
    T* shares = scratch<T>(width, 0);
    std::fill_n(gx + p * g.pixels(), g.pixels(), T(0));
    for (ptrdiff_t row = 0; row < g.out[0] * g.out[1]; row++) {
      const ptrdiff_t rows = g.rows_of_parts(row, [](ptrdiff_t) {});
      std::fill_n(shares, width, T(0));
      for (ptrdiff_t ox = 0; ox < g.out[2]; ox++) {
        const T count = T(rows * (g.stop(2, ox) - g.start(2, ox)));
        const T share = grad[(p * g.out[0] * g.out[1] + row) * g.out[2] + ox] / count;
        for (ptrdiff_t k = g.start(2, ox); k < g.stop(2, ox); k++) shares[k] += share;
      }
      g.rows_of_parts(row, [&](ptrdiff_t place) { add_row(width, shares, gx + p * g.pixels() + place); });
    }
  });
}

// Gradients added to the positions they came from; `out` need not be cleared.
template <class T>
void put_back(ptrdiff_t planes, ptrdiff_t pixels, ptrdiff_t places, const T* grad, const int64_t* positions, T* out,
              Flag& bad) {
  in_pieces(planes, pixels + places, [&](ptrdiff_t p) {
    T* to = out + p * pixels;
    std::fill_n(to, pixels, T(0));
    for (ptrdiff_t j = p * places; j < (p + 1) * places; j++)
      if (!outside(positions[j], pixels, bad)) to[positions[j]] += grad[j];
  });
}

// How many elements along a dimension a window counts.
inline ptrdiff_t counted(const Pooling& g, int dim, ptrdiff_t place, bool with_padding) {
  ptrdiff_t start = g.from(dim, place), stop = std::min(start + g.kernel[dim], g.size[dim] + g.padding[dim]);
  return with_padding ? stop - start : std::min(stop, g.size[dim]) - std::max<ptrdiff_t>(start, 0);
}

// What the sums of one row of places are divided by.
template <class T>
void divisors(const Pooling& g, bool with_padding, ptrdiff_t given, ptrdiff_t oz, ptrdiff_t oy, T* out) {
  ptrdiff_t rest = counted(g, 0, oz, with_padding) * counted(g, 1, oy, with_padding);
  for (ptrdiff_t j = 0; j < g.out[2]; j++) out[j] = T(given ? given : rest * counted(g, 2, j, with_padding));
}

template <class T>
void avg_pool(const Pooling& g, bool with_padding, ptrdiff_t given, const T* x, T* y) {
  in_pieces(g.planes, g.places() * g.window(), [&](ptrdiff_t p) {
    T* by = scratch<T>(g.out[2], 0);
    for (ptrdiff_t row = 0; row < g.out[0] * g.out[1]; row++) {
      ptrdiff_t oz = row / g.out[1], oy = row % g.out[1];
      T* to = y + p * g.places() + row * g.out[2];
      std::fill_n(to, g.out[2], T(0));
      for_rows(g, oz, oy, [&](ptrdiff_t from_row) {
        const T* from = x + p * g.pixels() + from_row * g.size[2];
        for (ptrdiff_t kx = 0; kx < g.kernel[2]; kx++) {
          ptrdiff_t first, last, shift = kx * g.dilation[2] - g.padding[2];
          overlap(g, kx, first, last);
          if (g.stride[2] == 1)
            for (ptrdiff_t j = first; j < last; j++) to[j] += from[j + shift];
          else if (g.stride[2] == 2)
            for (ptrdiff_t j = first; j < last; j++) to[j] += from[2 * j + shift];
          else
            for (ptrdiff_t j = first; j < last; j++) to[j] += from[j * g.stride[2] + shift];
        }
      });
      divisors(g, with_padding, given, oz, oy, by);
      for (ptrdiff_t j = 0; j < g.out[2]; j++) to[j] /= by[j];
    }
  });
}

// Each element gets its shares of the gradients of its windows.
template <class T>
void avg_pool_backward(const Pooling& g, bool with_padding, ptrdiff_t given, const T* grad, T* gx) {
  in_pieces(g.planes, g.places() * g.window() + g.pixels(), [&](ptrdiff_t p) {
    T* share = scratch<T>(2 * g.out[2], 0);
    T* by = share + g.out[2];
    std::fill_n(gx + p * g.pixels(), g.pixels(), T(0));
    for (ptrdiff_t row = 0; row < g.out[0] * g.out[1]; row++) {
      ptrdiff_t oz = row / g.out[1], oy = row % g.out[1];
      divisors(g, with_padding, given, oz, oy, by);
      for (ptrdiff_t j = 0; j < g.out[2]; j++) share[j] = grad[p * g.places() + row * g.out[2] + j] / by[j];
      for_rows(g, oz, oy, [&](ptrdiff_t to_row) {
        T* to = gx + p * g.pixels() + to_row * g.size[2];
        for (ptrdiff_t kx = 0; kx < g.kernel[2]; kx++) {
          ptrdiff_t first, last, shift = kx * g.dilation[2] - g.padding[2];
          overlap(g, kx, first, last);
          if (g.stride[2] == 1)
            for (ptrdiff_t j = first; j < last; j++) to[j + shift] += share[j];
          else
            for (ptrdiff_t j = first; j < last; j++) to[j * g.stride[2] + shift] += share[j];
        }
      });
    }
  });
}

}  // namespace wengert::arrays
