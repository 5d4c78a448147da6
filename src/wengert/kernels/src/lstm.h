// The part of a step of an LSTM that is not a product of matrices, forward and backward.
//
// Gates lie in planes, in the order output, input, forget (logistic), proposal (tanh): (4, rows, width).  Arguments of the
// logistic gates come halved: the logistic function is 1/2 + tanh(x/2)/2.
#pragma once
#include "pool.h"
#include "vmath.h"

namespace wengert::arrays {

constexpr ptrdiff_t LSTM_WORK = 1 << 12;  // elements of a task

template <class F>
void for_cells(ptrdiff_t rows, ptrdiff_t width, const F& row) {
  ptrdiff_t group = 1 + LSTM_WORK / (width + 1);
  parallel_for((rows + group - 1) / group, [&](ptrdiff_t task) {
    for (ptrdiff_t r = task * group; r < rows && r < (task + 1) * group; r++) row(r);
  });
}

// arguments (rows, 4 width), cell: the state before; gates, next cell and what is shown of it are made.
template <class T>
void lstm_step(ptrdiff_t rows, ptrdiff_t width, const T* arguments, const T* cell, T* gates, T* next, T* shown) {
  for_cells(rows, width, [=](ptrdiff_t r) {
    for (int plane = 0; plane < 4; plane++) {
      const T* __restrict from = arguments + (r * 4 + plane) * width;
      T* __restrict to = gates + (plane * rows + r) * width;
      T half = plane < 3 ? T(0.5) : T(1), shift = plane < 3 ? T(0.5) : T(0);
      for (ptrdiff_t j = 0; j < width; j++) to[j] = vmath::tanh(from[j]) * half + shift;
    }
    const T *o = gates + r * width, *i = o + rows * width, *f = i + rows * width, *g = f + rows * width;
    const T* c = cell + r * width;
    T* __restrict n = next + r * width;
    T* __restrict s = shown + r * width;
#pragma GCC ivdep
    for (ptrdiff_t j = 0; j < width; j++) {
      T value = f[j] * c[j] + i[j] * g[j];
      n[j] = value;
      s[j] = vmath::tanh(value) * o[j];
    }
  });
}

// of_shown: gradient of what is shown; of_cell: that of the cell after the step, which becomes that before it.  slopes (rows,
// 4 width) in the order input, forget, proposal, output are those of the arguments, not halved.
template <class T>
void lstm_step_backward(ptrdiff_t rows, ptrdiff_t width, const T* of_shown, T* of_cell, const T* gates, const T* cell,
                        const T* next, T* slopes) {
  for_cells(rows, width, [=](ptrdiff_t r) {
    const T *o = gates + r * width, *i = o + rows * width, *f = i + rows * width, *g = f + rows * width;
    const T *c = cell + r * width, *n = next + r * width, *a = of_shown + r * width;
    T* __restrict b = of_cell + r * width;
    T* __restrict to = slopes + r * 4 * width;
#pragma GCC ivdep
    for (ptrdiff_t j = 0; j < width; j++) {
      T bent = vmath::tanh(n[j]);
      T of_next = b[j] + a[j] * o[j] * (1 - bent * bent);
      to[j] = of_next * g[j] * i[j] * (1 - i[j]);
      to[width + j] = of_next * c[j] * f[j] * (1 - f[j]);
      to[2 * width + j] = of_next * i[j] * (1 - g[j] * g[j]);
      to[3 * width + j] = a[j] * bent * o[j] * (1 - o[j]);
      b[j] = of_next * f[j];
    }
  });
}

}  // namespace wengert::arrays
