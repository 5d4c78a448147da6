// Copies of arrays with any strides into C order; transposed ones turn in tiles (transpose.h).
#pragma once
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "door.h"
#include "transpose.h"

namespace wengert::arrays {

// Dimensions of a copy, strides in elements.  The target is in C order, its last stride 1.
struct Walk {
  static constexpr int most = 64;
  int dims = 0;
  ptrdiff_t size[most], from[most], to[most];

  void remove(int d) {
    for (dims--; d < dims; d++) size[d] = size[d + 1], from[d] = from[d + 1], to[d] = to[d + 1];
  }
  ptrdiff_t count() const {
    ptrdiff_t n = 1;
    for (int d = 0; d < dims; d++) n *= size[d];
    return n;
  }
  // Where the i-th element begins in source and target.
  void locate(ptrdiff_t i, ptrdiff_t& source, ptrdiff_t& target) const {
    source = target = 0;
    for (int d = dims - 1; d >= 0; d--) {
      source += i % size[d] * from[d];
      target += i % size[d] * to[d];
      i /= size[d];
    }
  }
};

// Without dimensions of size 1; neighbours that lie one in the other are joined.
inline Walk walk_of(PyArrayObject* array) {
  Walk w;
  for (int d = 0; d < PyArray_NDIM(array); d++) {
    ptrdiff_t size = PyArray_DIM(array, d), stride = PyArray_STRIDE(array, d) / PyArray_ITEMSIZE(array);
    if (size == 1) continue;
    if (w.dims && w.from[w.dims - 1] == stride * size) {
      w.size[w.dims - 1] *= size;
      w.from[w.dims - 1] = stride;
    } else {
      w.size[w.dims] = size;
      w.from[w.dims++] = stride;
    }
  }
  if (!w.dims) w.size[w.dims] = w.from[w.dims] = 1, w.dims++;
  ptrdiff_t to = 1;
  for (int d = w.dims - 1; d >= 0; to *= w.size[d--]) w.to[d] = to;
  return w;
}

// Elements that are neighbours in the source lie along `near`, those in the target along the last dimension.
template <class T>
void copy_turned(Walk w, int near, const T* x, T* out) {
  constexpr ptrdiff_t TILE = 128;
  const int last = w.dims - 1;
  const ptrdiff_t rows = w.size[last], row = w.from[last], columns = w.size[near], column = w.to[near];
  const ptrdiff_t down = (rows + TILE - 1) / TILE, across = (columns + TILE - 1) / TILE;
  w.remove(last);
  w.remove(near);
  in_pieces(w.count() * down * across, std::min(rows, TILE) * std::min(columns, TILE), [&](ptrdiff_t i) {
    const ptrdiff_t r = i / across % down * TILE, c = i % across * TILE;
    ptrdiff_t source, target;
    w.locate(i / (down * across), source, target);
    transpose_block(x + source + r * row + c, row, out + target + c * column + r, column, std::min(TILE, rows - r),
                    std::min(TILE, columns - c));
  });
}

template <int STEP, class T>
void copy_spread(ptrdiff_t n, const T* __restrict from, T* __restrict to) {
  for (ptrdiff_t j = 0; j < n; j++) to[j] = from[j * STEP];
}

template <class T>
void copy_row(ptrdiff_t n, ptrdiff_t step, const T* from, T* to) {
  if (step == 1)
    memcpy(to, from, n * sizeof(T));
  else if (step == 0)
    std::fill_n(to, n, *from);
  else if (step == -1)
    copy_spread<-1>(n, from, to);
  else if (step == 2)
    copy_spread<2>(n, from, to);
  else
    for (ptrdiff_t j = 0; j < n; j++) to[j] = from[j * step];
}

// Row after row, several rows of the last two dimensions together; a single row by pieces.
template <class T>
void copy_rows(Walk w, const T* x, T* out) {
  const int last = w.dims - 1;
  const ptrdiff_t n = w.size[last], step = w.from[last];
  if (!last)
    return in_pieces(pieces(n, PIECE), PIECE, [&](ptrdiff_t i) {
      copy_row(std::min(PIECE, n - i * PIECE), step, x + i * PIECE * step, out + i * PIECE);
    });
  const ptrdiff_t rows = w.size[last - 1], row = w.from[last - 1], per = std::min(rows, 1 + PIECE / n), parts = pieces(rows, per);
  w.remove(last);
  w.remove(last - 1);
  in_pieces(w.count() * parts, per * n, [&](ptrdiff_t i) {
    ptrdiff_t source, target;
    w.locate(i / parts, source, target);
    const ptrdiff_t first = i % parts * per, end = std::min(rows, first + per);
    for (ptrdiff_t r = first; r < end; r++) copy_row(n, step, x + source + r * row, out + target + r * n);
  });
}

// Arrays x, of any strides, and out, in C order.
template <class T>
void enter_copy_strided(const Args& a) {
  const Walk w = walk_of(a.source[0]);
  int near = w.dims - 1;
  for (int d = w.dims - 2; d >= 0 && w.from[near] > 1; d--)
    if (w.from[d] == 1) near = d;
  if (near == w.dims - 1 || w.size[near] == 1)
    copy_rows(w, a.at<T>(0), a.at<T>(1));
  else
    copy_turned(w, near, a.at<T>(0), a.at<T>(1));
}

}  // namespace wengert::arrays
