// Planes with borders: cut, filled, repeated or mirrored, and the gradients of that.
#pragma once
#include <algorithm>
#include <cstring>

#include "pool.h"

namespace wengert::arrays {

// From which row and column of a plane (height, width) each row and column of the new one comes; -1: from none.  The new columns
// `first` to before `end` are neighbours in the old plane, too.  Callers vouch for all places.
struct Borders {
  ptrdiff_t planes, height, width, rows, columns, first, end;
  const int64_t *from_row, *from_column;

  // f(new column, old column) for those outside of first..end.
  template <class F>
  void outer(const F& f) const {
    for (ptrdiff_t j = 0; j < first; j++) f(j, from_column[j]);
    for (ptrdiff_t j = end; j < columns; j++) f(j, from_column[j]);
  }
};

template <class T>
void bordered(const Borders& b, T fill, const T* x, T* out) {
  in_pieces(b.planes * b.rows, b.columns, [&](ptrdiff_t line) {
    const ptrdiff_t row = b.from_row[line % b.rows];
    const T* from = x + (line / b.rows * b.height + row) * b.width;
    T* to = out + line * b.columns;
    if (row < 0) {
      std::fill_n(to, b.columns, fill);
      return;
    }
    if (b.end > b.first) memcpy(to + b.first, from + b.from_column[b.first], (b.end - b.first) * sizeof(T));
    b.outer([&](ptrdiff_t j, ptrdiff_t at) { to[j] = at < 0 ? fill : from[at]; });
  });
}

// Each element of a plane gets the gradients of all that came from it, in the order of rows and then columns of the middle first.
template <class T>
void bordered_slope(const Borders& b, const T* grad, T* out) {
  in_pieces(b.planes, b.rows * b.columns, [&](ptrdiff_t p) {
    T* plane = out + p * b.height * b.width;
    std::fill_n(plane, b.height * b.width, T(0));
    for (ptrdiff_t i = 0; i < b.rows; i++) {
      if (b.from_row[i] < 0) continue;
      const T* __restrict from = grad + (p * b.rows + i) * b.columns;
      T* __restrict to = plane + b.from_row[i] * b.width;
      const ptrdiff_t shift = b.end > b.first ? b.from_column[b.first] - b.first : 0;
      for (ptrdiff_t j = b.first; j < b.end; j++) to[j + shift] += from[j];
      b.outer([&](ptrdiff_t j, ptrdiff_t at) {
        if (at >= 0) to[at] += from[j];
      });
    }
  });
}

}  // namespace wengert::arrays
