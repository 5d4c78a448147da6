// Recurrent layers: all steps of one direction, forward and backward, but for the products with the input of all steps.
//
// Sequences do not know of each other: a task takes some of them through all steps, and threads meet at the end only.  Where
// there are few sequences and large weights, threads share the columns of each product instead.  Weights are packed once.  Rows
// of the steps lie one after the other; step t has the first sizes[t] sequences, which are sorted by falling length.
#pragma once
#include <algorithm>
#include <memory>
#include <vector>

#include "recycle.h"
#include "tile.h"
#include "transpose.h"
#include "vmath.h"

namespace wengert::arrays {

constexpr ptrdiff_t RECURRENT_WORK = 1 << 19;  // multiplications of a task

struct Steps {
  const int64_t* size;
  ptrdiff_t count;
  bool reverse;
  std::vector<ptrdiff_t> start{};

  Steps(const int64_t* sizes, ptrdiff_t steps, bool backwards) : size(sizes), count(steps), reverse(backwards) {
    for (ptrdiff_t t = 0, row = 0; t < count; row += size[t++]) start.push_back(row);
  }

  // The time of the k-th step.
  ptrdiff_t time(ptrdiff_t k) const { return reverse ? count - 1 - k : k; }

  // How many of the `rows` sequences from `begin` on are in the step of time t.
  ptrdiff_t present(ptrdiff_t t, ptrdiff_t begin, ptrdiff_t rows) const {
    return std::min<ptrdiff_t>(rows, size[t] - begin);
  }

  // What sequence r had before the k-th step, given the states after all steps and the first ones.
  template <class T>
  const T* before(const T* states, const T* first, ptrdiff_t width, ptrdiff_t k, ptrdiff_t r) const {
    if (k == 0 || r >= size[time(k - 1)]) return first + r * width;
    return states + (start[time(k - 1)] + r) * width;
  }
};

// task(first sequence, number of sequences) for a few of them each; `work`: multiplications for each row.
template <class F>
void for_sequences(const Steps& steps, ptrdiff_t work, const F& task) {
  ptrdiff_t batch = std::max(steps.size[0], steps.size[steps.count - 1]), strips = (batch + TILE_ROWS - 1) / TILE_ROWS;
  ptrdiff_t total = steps.start.back() + steps.size[steps.count - 1];
  ptrdiff_t threads = pool().threads(), tasks = std::max<ptrdiff_t>(1, std::min({threads, strips, total * work / RECURRENT_WORK}));
  if (strips < threads && batch * work >= threads * RECURRENT_WORK) tasks = 1;
  ptrdiff_t each = (strips + tasks - 1) / tasks * TILE_ROWS;
  parallel_for((batch + each - 1) / each, [&](ptrdiff_t i) { task(i * each, std::min(each, batch - i * each)); });
}

// Distance of rows in memory of our own: whole vectors, and not a power of two, whose rows would share sets of the cache.
template <class T>
ptrdiff_t apart(ptrdiff_t n) {
  return whole_vectors<T>(n) + Vec<T>::lanes;
}

// A factor (depth, columns) as the tile reads it; element (k, j) lies at w[k * row + j * column].
template <class T>
class Weight {
 public:
  Weight(const T* w, ptrdiff_t row, ptrdiff_t column, ptrdiff_t depth, ptrdiff_t columns)
      : depth_(depth), whole_(whole_vectors<T>(columns)), line_(depth) {
    for (ptrdiff_t k = 0; k < depth; k++) line_[k] = (int32_t)k;
    data_.reset(static_cast<T*>(recycler().allocate(depth * whole_ * sizeof(T))));
    if (!data_) throw std::bad_alloc();
    for (ptrdiff_t j = 0, width; j < whole_; j += width) {
      width = panel_vectors((whole_ - j) / Vec<T>::lanes) * Vec<T>::lanes;
      pack(w + j * column, row, column, std::min(width, columns - j), width, data_.get() + j * depth);
    }
  }

  // to = from (rows, depth) times the weight, rows `step` and `apart` elements apart; whole vectors are written.
  void times(ptrdiff_t rows, const T* from, ptrdiff_t step, T* to, ptrdiff_t apart) const {
    ptrdiff_t* row = scratch<ptrdiff_t>(rows, 0);
    for (ptrdiff_t i = 0; i < rows; i++) row[i] = i * step;
    // Parts of whole panels of the largest width, which the last ones are not: 4 vectors are packed as 2 + 2.
    constexpr ptrdiff_t L = Vec<T>::lanes;
    ptrdiff_t threads = pool().threads(), vectors = whole_ / L;
    ptrdiff_t parts = std::max<ptrdiff_t>(1, std::min(threads, rows * depth_ * whole_ / RECURRENT_WORK));
    auto cut = [=](ptrdiff_t part) {
      ptrdiff_t at = vectors * part / parts / TILE_VECTORS * TILE_VECTORS;
      return part == parts ? vectors : at > 0 && vectors - at == 1 ? at - TILE_VECTORS : at;
    };
    parallel_for(parts, [&](ptrdiff_t part) {
      ptrdiff_t from_column = cut(part) * L, columns = cut(part + 1) * L - from_column;
      if (columns > 0)
        product<T, true>(rows, columns, depth_, from, row, line_.data(), data_.get() + from_column * depth_, nullptr,
                         to + from_column, apart, false);
    });
  }

 private:
  void pack(const T* w, ptrdiff_t row, ptrdiff_t column, ptrdiff_t have, ptrdiff_t width, T* panel) const {
    if (row == 1)
      transpose_block(w, column, panel, width, have, depth_);
    else
      for (ptrdiff_t k = 0; k < depth_; k++) std::copy_n(w + k * row, have, panel + k * width);
    if (have < width)
      for (ptrdiff_t k = 0; k < depth_; k++) std::fill(panel + k * width + have, panel + (k + 1) * width, T(0));
  }

  struct Release {
    void operator()(T* data) const { recycler().release(data); }
  };
  ptrdiff_t depth_, whole_;
  std::vector<int32_t> line_;
  std::unique_ptr<T, Release> data_;
};

// Rows of n elements, `narrow` apart, are copied to rows that are `wide` apart, or added to them.
template <class T>
void copy_rows(const T* from, ptrdiff_t narrow, ptrdiff_t rows, ptrdiff_t n, T* to, ptrdiff_t wide) {
  for (ptrdiff_t i = 0; i < rows; i++) std::copy_n(from + i * narrow, n, to + i * wide);
}

template <class T>
void add_rows(const T* from, ptrdiff_t narrow, ptrdiff_t rows, ptrdiff_t n, T* to, ptrdiff_t wide) {
  for (ptrdiff_t i = 0; i < rows; i++)
#pragma GCC ivdep
    for (ptrdiff_t j = 0; j < n; j++) to[i * wide + j] += from[i * narrow + j];
}

// gate = the logistic function of (gate + more), or its tanh.
template <bool LOGISTIC, class T>
void open_gate(ptrdiff_t n, T* __restrict gate, const T* __restrict more) {
  for (ptrdiff_t j = 0; j < n; j++)
    if constexpr (LOGISTIC)
      gate[j] = vmath::sigmoid(gate[j] + more[j]);
    else
      gate[j] = vmath::tanh(gate[j] + more[j]);
}

// gate = max(0, gate + more), NaN where that is.
template <class T>
void rectify(ptrdiff_t n, T* __restrict gate, const T* __restrict more) {
  for (ptrdiff_t j = 0; j < n; j++) {
    T value = gate[j] + more[j];
    gate[j] = value < 0 ? T(0) : value;
  }
}

// -- LSTM: gates i, f, g, o -------------------------------------------------------------------------------------------

template <class T>
struct Lstm {
  Steps steps;
  ptrdiff_t width, state;  // of cells and of hidden states, which differ where there is a projection
  const T *weight, *projection, *first_cell;
};

template <class T>
void lstm_row(ptrdiff_t width, T* gates, const T* part, T* __restrict cell, T* __restrict shown) {
  T *i = gates, *f = i + width, *g = f + width, *o = g + width;
  open_gate<true>(2 * width, i, part);
  open_gate<false>(width, g, part + 2 * width);
  open_gate<true>(width, o, part + 3 * width);
#pragma GCC ivdep
  for (ptrdiff_t j = 0; j < width; j++) {
    T value = f[j] * cell[j] + i[j] * g[j];
    cell[j] = value;
    shown[j] = vmath::tanh(value) * o[j];
  }
}

// gates (total, 4 width) are the projected inputs before.  shown is `out` where there is no projection.
template <class T>
void lstm_forward(const Lstm<T>& l, const T* first, T* gates, T* cells, T* shown, T* out) {
  ptrdiff_t width = l.width, state = l.state, wide = apart<T>(state), most = apart<T>(4 * width);
  Weight<T> weight(l.weight, 1, state, state, 4 * width);
  std::unique_ptr<Weight<T>> projection;
  if (l.projection) projection = std::make_unique<Weight<T>>(l.projection, 1, width, width, state);
  for_sequences(l.steps, 4 * width * state, [&](ptrdiff_t begin, ptrdiff_t rows) {
    T *h = scratch<T>(rows * wide, 1), *part = scratch<T>(rows * most, 2), *cell = scratch<T>(rows * width, 3);
    copy_rows(first + begin * state, state, rows, state, h, wide);
    std::copy_n(l.first_cell + begin * width, rows * width, cell);
    for (ptrdiff_t k = 0; k < l.steps.count; k++) {
      ptrdiff_t t = l.steps.time(k), n = l.steps.present(t, begin, rows), at = l.steps.start[t] + begin;
      if (n <= 0) continue;
      weight.times(n, h, wide, part, most);
      for (ptrdiff_t i = 0; i < n; i++)
        lstm_row(width, gates + (at + i) * 4 * width, part + i * most, cell + i * width, shown + (at + i) * width);
      std::copy_n(cell, n * width, cells + at * width);
      if (projection) {
        projection->times(n, shown + at * width, width, h, wide);
        copy_rows(h, wide, n, state, out + at * state, state);
      } else {
        copy_rows(shown + at * width, width, n, width, h, wide);
      }
    }
  });
}

// b: gradient of the cell after the step, which becomes that before it; a: that of what is shown of it.
template <class T>
void lstm_row_backward(ptrdiff_t width, const T* a, T* __restrict b, const T* gates, const T* before, const T* cell,
                       T* __restrict slopes) {
  const T *i = gates, *f = i + width, *g = f + width, *o = g + width;
#pragma GCC ivdep
  for (ptrdiff_t j = 0; j < width; j++) {
    T bent = vmath::tanh(cell[j]);
    T of_cell = b[j] + a[j] * o[j] * (1 - bent * bent);
    slopes[j] = of_cell * g[j] * i[j] * (1 - i[j]);
    slopes[width + j] = of_cell * before[j] * f[j] * (1 - f[j]);
    slopes[2 * width + j] = of_cell * i[j] * (1 - g[j] * g[j]);
    slopes[3 * width + j] = a[j] * bent * o[j] * (1 - o[j]);
    b[j] = of_cell * f[j];
  }
}

// dh, dc: gradients of the last states, which become those of the first.  slopes (total, 4 width) are those of the arguments of
// the gates; of_states, with a projection, those of the states after each step.
template <class T>
void lstm_backward(const Lstm<T>& l, const T* of_out, const T* gates, const T* cells, T* dh, T* dc, T* slopes, T* of_states) {
  ptrdiff_t width = l.width, state = l.state, wide = apart<T>(state), most = apart<T>(4 * width), shown = apart<T>(width);
  Weight<T> weight(l.weight, state, 1, 4 * width, state);
  std::unique_ptr<Weight<T>> projection;
  if (l.projection) projection = std::make_unique<Weight<T>>(l.projection, width, 1, state, width);
  for_sequences(l.steps, 4 * width * state, [&](ptrdiff_t begin, ptrdiff_t rows) {
    T *a = scratch<T>(rows * wide, 1), *part = scratch<T>(rows * most, 2), *of_shown = scratch<T>(rows * shown, 3);
    copy_rows(dh + begin * state, state, rows, state, a, wide);
    for (ptrdiff_t k = l.steps.count - 1; k >= 0; k--) {
      ptrdiff_t t = l.steps.time(k), n = l.steps.present(t, begin, rows), at = l.steps.start[t] + begin;
      if (n <= 0) continue;
      if (of_out) add_rows(of_out + at * state, state, n, state, a, wide);
      if (projection) {
        copy_rows(a, wide, n, state, of_states + at * state, state);
        projection->times(n, a, wide, of_shown, shown);
      }
      for (ptrdiff_t i = 0; i < n; i++)
        lstm_row_backward(width, projection ? of_shown + i * shown : a + i * wide, dc + (begin + i) * width,
                          gates + (at + i) * 4 * width, l.steps.before(cells, l.first_cell, width, k, begin + i),
                          cells + (at + i) * width, part + i * most);
      copy_rows(part, most, n, 4 * width, slopes + at * 4 * width, 4 * width);
      weight.times(n, part, most, a, wide);
    }
    copy_rows(a, wide, rows, state, dh + begin * state, state);
  });
}

// -- GRU: gates r, z, n ------------------------------------------------------------------------------------------------

// gates (total, 3 width) are the projected inputs before; proposals W_hn h + b_hn; bias: b_hn, or none.
template <class T>
void gru_forward(const Steps& steps, ptrdiff_t width, const T* w, const T* bias, const T* first, T* gates, T* proposals, T* out) {
  ptrdiff_t wide = apart<T>(width), most = apart<T>(3 * width);
  Weight<T> weight(w, 1, width, width, 3 * width);
  for_sequences(steps, 3 * width * width, [&](ptrdiff_t begin, ptrdiff_t rows) {
    T *h = scratch<T>(rows * wide, 1), *part = scratch<T>(rows * most, 2);
    copy_rows(first + begin * width, width, rows, width, h, wide);
    for (ptrdiff_t k = 0; k < steps.count; k++) {
      ptrdiff_t t = steps.time(k), n = steps.present(t, begin, rows), at = steps.start[t] + begin;
      if (n <= 0) continue;
      weight.times(n, h, wide, part, most);
      for (ptrdiff_t i = 0; i < n; i++) {
        T *gate = gates + (at + i) * 3 * width, *more = part + i * most, *to = h + i * wide;
        T* __restrict proposal = proposals + (at + i) * width;
        open_gate<true>(2 * width, gate, more);
        for (ptrdiff_t j = 0; j < width; j++) proposal[j] = more[2 * width + j] + (bias ? bias[j] : T(0));
#pragma GCC ivdep
        for (ptrdiff_t j = 0; j < width; j++) more[j] = gate[j] * proposal[j];
        open_gate<false>(width, gate + 2 * width, more);
#pragma GCC ivdep
        for (ptrdiff_t j = 0; j < width; j++) to[j] = (to[j] - gate[2 * width + j]) * gate[width + j] + gate[2 * width + j];
      }
      copy_rows(h, wide, n, width, out + at * width, width);
    }
  });
}

// outer and inner (total, 3 width): slopes of the projected inputs and of the projected states.
template <class T>
void gru_backward(const Steps& steps, ptrdiff_t width, const T* w, const T* first, const T* of_out, const T* gates,
                  const T* proposals, const T* out, T* dh, T* outer, T* inner) {
  ptrdiff_t wide = apart<T>(width), most = apart<T>(3 * width);
  Weight<T> weight(w, width, 1, 3 * width, width);
  for_sequences(steps, 3 * width * width, [&](ptrdiff_t begin, ptrdiff_t rows) {
    T *a = scratch<T>(rows * wide, 1), *part = scratch<T>(rows * most, 2), *found = scratch<T>(rows * wide, 3);
    copy_rows(dh + begin * width, width, rows, width, a, wide);
    for (ptrdiff_t k = steps.count - 1; k >= 0; k--) {
      ptrdiff_t t = steps.time(k), count = steps.present(t, begin, rows), at = steps.start[t] + begin;
      if (count <= 0) continue;
      if (of_out) add_rows(of_out + at * width, width, count, width, a, wide);
      for (ptrdiff_t i = 0; i < count; i++) {
        const T *r = gates + (at + i) * 3 * width, *z = r + width, *n = z + width, *proposal = proposals + (at + i) * width;
        const T* before = steps.before(out, first, width, k, begin + i);
        T *of_h = a + i * wide, *slopes = part + i * most;
#pragma GCC ivdep
        for (ptrdiff_t j = 0; j < width; j++) {
          T of_n = of_h[j] * (1 - n[j] * n[j]) * (1 - z[j]);
          slopes[j] = of_n * proposal[j] * r[j] * (1 - r[j]);
          slopes[width + j] = of_h[j] * (before[j] - n[j]) * z[j] * (1 - z[j]);
          slopes[2 * width + j] = of_n;
          of_h[j] *= z[j];
        }
      }
      copy_rows(part, most, count, 3 * width, outer + at * 3 * width, 3 * width);
      for (ptrdiff_t i = 0; i < count; i++) {
        const T* r = gates + (at + i) * 3 * width;
        T* of_n = part + i * most + 2 * width;
#pragma GCC ivdep
        for (ptrdiff_t j = 0; j < width; j++) of_n[j] *= r[j];
      }
      copy_rows(part, most, count, 3 * width, inner + at * 3 * width, 3 * width);
      weight.times(count, part, most, found, wide);
      add_rows(found, wide, count, width, a, wide);
    }
    copy_rows(a, wide, rows, width, dh + begin * width, width);
  });
}

// -- one gate: tanh or max(0, .) ---------------------------------------------------------------------------------------

// out is the projected inputs before.
template <class T>
void rnn_forward(const Steps& steps, ptrdiff_t width, bool relu, const T* w, const T* first, T* out) {
  ptrdiff_t wide = apart<T>(width);
  Weight<T> weight(w, 1, width, width, width);
  for_sequences(steps, width * width, [&](ptrdiff_t begin, ptrdiff_t rows) {
    T *h = scratch<T>(rows * wide, 1), *part = scratch<T>(rows * wide, 2);
    copy_rows(first + begin * width, width, rows, width, h, wide);
    for (ptrdiff_t k = 0; k < steps.count; k++) {
      ptrdiff_t t = steps.time(k), n = steps.present(t, begin, rows), at = steps.start[t] + begin;
      if (n <= 0) continue;
      weight.times(n, h, wide, part, wide);
      for (ptrdiff_t i = 0; i < n; i++) {
        T* state = out + (at + i) * width;
        if (relu)
          rectify(width, state, part + i * wide);
        else
          open_gate<false>(width, state, part + i * wide);
      }
      copy_rows(out + at * width, width, n, width, h, wide);
    }
  });
}

template <class T>
void rnn_backward(const Steps& steps, ptrdiff_t width, bool relu, const T* w, const T* of_out, const T* out, T* dh, T* slopes) {
  ptrdiff_t wide = apart<T>(width);
  Weight<T> weight(w, width, 1, width, width);
  for_sequences(steps, width * width, [&](ptrdiff_t begin, ptrdiff_t rows) {
    T *a = scratch<T>(rows * wide, 1), *part = scratch<T>(rows * wide, 2);
    copy_rows(dh + begin * width, width, rows, width, a, wide);
    for (ptrdiff_t k = steps.count - 1; k >= 0; k--) {
      ptrdiff_t t = steps.time(k), n = steps.present(t, begin, rows), at = steps.start[t] + begin;
      if (n <= 0) continue;
      if (of_out) add_rows(of_out + at * width, width, n, width, a, wide);
      for (ptrdiff_t i = 0; i < n; i++) {
        const T *of_h = a + i * wide, *h = out + (at + i) * width;
        T* __restrict to = part + i * wide;
        if (relu)
          for (ptrdiff_t j = 0; j < width; j++) to[j] = of_h[j] * (h[j] > 0 ? T(1) : T(0));
        else
          for (ptrdiff_t j = 0; j < width; j++) to[j] = of_h[j] * (1 - h[j] * h[j]);
      }
      copy_rows(part, wide, n, width, slopes + at * width, width);
      weight.times(n, part, wide, a, wide);
    }
    copy_rows(a, wide, rows, width, dh + begin * width, width);
  });
}

}  // namespace wengert::arrays
