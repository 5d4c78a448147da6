// Copies between arrays of any strides; transposed ones turn in tiles (transpose.h).
#pragma once
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>

#include "door.h"
#include "transpose.h"

namespace wengert::arrays {

// Dimensions of a copy, strides in elements; those of the target fall.
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

// Without dimensions of size 1; neighbours that lie one in the other, in source and target, are joined.
inline Walk walk_of(PyArrayObject* source, PyArrayObject* target) {
  const ptrdiff_t bytes = PyArray_ITEMSIZE(source);
  int order[Walk::most], dims = 0;
  for (int d = 0; d < PyArray_NDIM(target); d++)
    if (PyArray_DIM(target, d) != 1) order[dims++] = d;
  std::stable_sort(order, order + dims, [=](int a, int b) {
    return std::abs(PyArray_STRIDE(target, a)) > std::abs(PyArray_STRIDE(target, b));
  });
  Walk w;
  for (int i = 0; i < dims; i++) {
    const ptrdiff_t size = PyArray_DIM(target, order[i]);
    const ptrdiff_t from = PyArray_STRIDE(source, order[i]) / bytes, to = PyArray_STRIDE(target, order[i]) / bytes;
    const int last = w.dims - 1;
    if (w.dims && w.from[last] == from * size && w.to[last] == to * size) {
      w.size[last] *= size;
    } else {
      w.size[w.dims] = size;
      w.dims++;
    }
    w.from[w.dims - 1] = from, w.to[w.dims - 1] = to;
  }
  if (!w.dims) w.size[0] = w.from[0] = w.to[0] = 1, w.dims = 1;
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

template <int STEP, int STEP_TO, class T>
void copy_spread(ptrdiff_t n, const T* __restrict from, T* __restrict to) {
  for (ptrdiff_t j = 0; j < n; j++) to[j * STEP_TO] = from[j * STEP];
}

// A processor that compares the places of loads and stores within their pages only lets a load wait for a store a little before
// it in another page.  From the end to the beginning there is none.
inline bool are_neighbours_in_pages(const void* from, const void* to) {
  const uintptr_t apart = (reinterpret_cast<uintptr_t>(to) - reinterpret_cast<uintptr_t>(from)) % 4096;
  return apart > 0 && apart < 512;
}

template <class T>
void copy_from_end(ptrdiff_t n, const T* from, T* to) {
  constexpr ptrdiff_t SOME = 64 / sizeof(T);
  for (; n >= SOME; n -= SOME) memcpy(to + n - SOME, from + n - SOME, SOME * sizeof(T));
  memcpy(to, from, n * sizeof(T));
}

template <class T>
void copy_row(ptrdiff_t n, ptrdiff_t step, ptrdiff_t step_to, const T* from, T* to) {
  constexpr ptrdiff_t SHORT = 16;  // a call of memcpy would cost more than the copy
  if (step_to != 1 || n < SHORT) {
    if (step == 1 && step_to == 2) return copy_spread<1, 2>(n, from, to);
    for (ptrdiff_t j = 0; j < n; j++) to[j * step_to] = from[j * step];
  } else if (step == 1) {
    are_neighbours_in_pages(from, to) ? copy_from_end(n, from, to) : (void)memcpy(to, from, n * sizeof(T));
  } else if (step == 0) {
    std::fill_n(to, n, *from);
  } else if (step == -1) {
    copy_spread<-1, 1>(n, from, to);
  } else if (step == 2) {
    copy_spread<2, 1>(n, from, to);
  } else {
    for (ptrdiff_t j = 0; j < n; j++) to[j] = from[j * step];
  }
}

// Row after row, several rows of the last two dimensions together; a single row by pieces.
template <class T>
void copy_rows(Walk w, const T* x, T* out) {
  const int last = w.dims - 1;
  const ptrdiff_t n = w.size[last], step = w.from[last], step_to = w.to[last];
  if (!last)
    return in_pieces(pieces(n, PIECE), PIECE, [&](ptrdiff_t i) {
      copy_row(std::min(PIECE, n - i * PIECE), step, step_to, x + i * PIECE * step, out + i * PIECE * step_to);
    });
  const ptrdiff_t rows = w.size[last - 1], row = w.from[last - 1], row_to = w.to[last - 1];
  const ptrdiff_t per = std::min(rows, 1 + PIECE / n), parts = pieces(rows, per);
  w.remove(last);
  w.remove(last - 1);
  in_pieces(w.count() * parts, per * n, [&](ptrdiff_t i) {
    ptrdiff_t source, target;
    w.locate(i / parts, source, target);
    const ptrdiff_t first = i % parts * per, end = std::min(rows, first + per);
    for (ptrdiff_t r = first; r < end; r++) copy_row(n, step, step_to, x + source + r * row, out + target + r * row_to);
  });
}

// Arrays x and out, of any strides, but no element of out twice.
template <class T>
void enter_copy_strided(const Args& a) {
  const Walk w = walk_of(a.source[0], a.source[1]);
  int near = w.dims - 1;
  for (int d = w.dims - 2; d >= 0 && w.from[near] > 1; d--)
    if (w.from[d] == 1) near = d;
  if constexpr (sizeof(T) >= 4)
    if (near != w.dims - 1 && w.size[near] > 1 && w.to[w.dims - 1] == 1)
      return copy_turned(w, near, a.at<T>(0), a.at<T>(1));
  copy_rows(w, a.at<T>(0), a.at<T>(1));
}

// Rows of several arrays one beside the other: array `out`, up to BESIDE others or null; the number of rows, and the length of a
// row of each.
constexpr int BESIDE = 8;

template <class T>
void enter_join_rows(const Args& a) {
  const ptrdiff_t* length = a.number + 1;
  const ptrdiff_t all = std::accumulate(length, length + BESIDE, ptrdiff_t(0));
  in_pieces(a.number[0], all, [&](ptrdiff_t r) {
    T* to = a.at<T>(0) + r * all;
    for (int i = 0; i < BESIDE && length[i]; to += length[i++])
      std::copy_n(a.at<T>(1 + i) + r * length[i], length[i], to);
  });
}

}  // namespace wengert::arrays
