// Attention by blocks of queries: neither the scores nor the weights of all pairs stand in memory.
//
// With scores s = scale q k^T + mask, weights p = exp(s - logs) with logs = log(sum exp(s)), and o = p v: the gradient of v is
// p^T g, that of s is p (g v^T - sum(p g v^T)).  A head of a sample is a task of its own in the backward pass, since its blocks
// of queries are added up.
#pragma once
#include <cmath>
#include <limits>

#include "products.h"
#include "vmath.h"

namespace wengert::arrays {

constexpr ptrdiff_t ATTENTION_ROWS = 64;

// Element (sample, head, i, j) of an array of four dimensions; strides are 0 where it is broadcast.
template <class T>
struct Four {
  T* data = nullptr;
  ptrdiff_t step[4] = {0, 0, 0, 0};
  T* at(ptrdiff_t sample, ptrdiff_t head, ptrdiff_t row = 0) const {
    return data + sample * step[0] + head * step[1] + row * step[2];
  }
};

template <class T>
struct Attention {
  ptrdiff_t samples, heads, queries, keys, width, values;  // width of queries and keys, and of values
  bool causal;
  T scale;
  Four<T> q, k, v, mask;
  ptrdiff_t seen(ptrdiff_t rows_end) const { return causal ? std::min(keys, rows_end) : keys; }
};

// c (rows x columns, contiguous) = or += a b, on this thread.
template <class T>
void small_product(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const T* a, ptrdiff_t ar, ptrdiff_t ac, const T* b,
                   ptrdiff_t br, ptrdiff_t bc, T* c, bool add = false) {
  Product<T> p;
  p.rows = rows, p.columns = columns, p.depth = depth;
  p.a = {a, {0}, ar, ac}, p.b = {b, {0}, br, bc};
  p.start = {add ? c : nullptr, {0}, columns, 1};
  p.c = c;
  multiply_block(p, 0, 0, rows, 0, columns);
}

// Scores of `rows` queries from `first` on with the first `columns` keys; minus infinity where a query does not see a key.
template <class T>
void attention_scores(const Attention<T>& t, ptrdiff_t sample, ptrdiff_t head, ptrdiff_t first, ptrdiff_t rows, ptrdiff_t columns,
                      T* s) {
  small_product<T>(rows, columns, t.width, t.q.at(sample, head, first), t.q.step[2], t.q.step[3], t.k.at(sample, head),
                   t.k.step[3], t.k.step[2], s);
  for (ptrdiff_t i = 0; i < rows; i++) {
    T* row = s + i * columns;
    for (ptrdiff_t j = 0; j < columns; j++) row[j] *= t.scale;
    if (t.mask.data) {
      const T* mask = t.mask.at(sample, head, first + i);
      for (ptrdiff_t j = 0; j < columns; j++) row[j] += mask[j * t.mask.step[3]];
    }
    if (t.causal)
      for (ptrdiff_t j = first + i + 1; j < columns; j++) row[j] = -std::numeric_limits<T>::infinity();
  }
}

// row = exp(row - shift); returns the sum.
template <class T>
T exponentials(T* row, ptrdiff_t n, T shift) {
  constexpr ptrdiff_t L = 32;
  for (ptrdiff_t j = 0; j < n; j++) row[j] = vmath::exp(row[j] - shift);
  T lanes[L] = {}, total = 0;
  ptrdiff_t j = 0;
  for (; j + L <= n; j += L)
    for (ptrdiff_t l = 0; l < L; l++) lanes[l] += row[j + l];
  for (; j < n; j++) lanes[j % L] += row[j];
  for (ptrdiff_t l = 0; l < L; l++) total += lanes[l];
  return total;
}

template <class T>
T largest(const T* row, ptrdiff_t n) {
  constexpr ptrdiff_t L = 32;
  T lanes[L], top = -std::numeric_limits<T>::infinity();
  std::fill_n(lanes, L, top);
  ptrdiff_t j = 0;
  for (; j + L <= n; j += L)
    for (ptrdiff_t l = 0; l < L; l++) lanes[l] = row[j + l] > lanes[l] ? row[j + l] : lanes[l];
  for (; j < n; j++) top = row[j] > top ? row[j] : top;
  for (ptrdiff_t l = 0; l < L; l++) top = lanes[l] > top ? lanes[l] : top;
  return top;
}

// out has any strides; logs (samples, heads, queries) are contiguous.  Rows that see nothing give 0.
template <class T>
void attention(const Attention<T>& t, Four<T> out, T* logs) {
  ptrdiff_t blocks = pieces(t.queries, ATTENTION_ROWS);
  parallel_for(t.samples * t.heads * blocks, [&](ptrdiff_t task) {
    ptrdiff_t sample = task / blocks / t.heads, head = task / blocks % t.heads, first = task % blocks * ATTENTION_ROWS;
    ptrdiff_t rows = std::min(ATTENTION_ROWS, t.queries - first), columns = t.seen(first + rows);
    T* s = scratch<T>(rows * columns, 3);
    T* found = scratch<T>(rows * t.values, 4);
    T totals[ATTENTION_ROWS];
    attention_scores(t, sample, head, first, rows, columns, s);
    for (ptrdiff_t i = 0; i < rows; i++) {
      T top = largest(s + i * columns, columns), shift = top == -std::numeric_limits<T>::infinity() ? T(0) : top;
      totals[i] = exponentials(s + i * columns, columns, shift);
      logs[(sample * t.heads + head) * t.queries + first + i] = totals[i] == 0 ? T(0) : shift + std::log(totals[i]);
    }
    small_product<T>(rows, t.values, columns, s, columns, 1, t.v.at(sample, head), t.v.step[2], t.v.step[3], found);
    for (ptrdiff_t i = 0; i < rows; i++) {
      T* to = out.at(sample, head, first + i);
      T total = totals[i] == 0 ? T(1) : totals[i];
      for (ptrdiff_t j = 0; j < t.values; j++) to[j * out.step[3]] = found[i * t.values + j] / total;
    }
  });
}

// s becomes the gradient of the scores: p (slope - sum(p slope)) scale.
template <class T>
void softmax_slopes(const T* p, const T* slope, T* s, ptrdiff_t n, T scale) {
  constexpr ptrdiff_t L = 32;
  T lanes[L] = {}, total = 0;
  ptrdiff_t j = 0;
  for (; j + L <= n; j += L)
    for (ptrdiff_t l = 0; l < L; l++) lanes[l] += p[j + l] * slope[j + l];
  for (; j < n; j++) lanes[j % L] += p[j] * slope[j];
  for (ptrdiff_t l = 0; l < L; l++) total += lanes[l];
  for (j = 0; j < n; j++) s[j] = p[j] * (slope[j] - total) * scale;
}

// dq, dk, dv (samples, heads, length, width) are contiguous.
template <class T>
void attention_backward(const Attention<T>& t, Four<T> grad, const T* logs, T* dq, T* dk, T* dv) {
  parallel_for(t.samples * t.heads, [&](ptrdiff_t task) {
    ptrdiff_t sample = task / t.heads, head = task % t.heads;
    T *mine_q = dq + task * t.queries * t.width, *mine_k = dk + task * t.keys * t.width, *mine_v = dv + task * t.keys * t.values;
    std::fill_n(mine_k, t.keys * t.width, T(0));
    std::fill_n(mine_v, t.keys * t.values, T(0));
    for (ptrdiff_t first = 0; first < t.queries; first += ATTENTION_ROWS) {
      ptrdiff_t rows = std::min(ATTENTION_ROWS, t.queries - first), columns = t.seen(first + rows);
      const T* g = grad.at(sample, head, first);
      T* p = scratch<T>(rows * columns, 3);
      T* slope = scratch<T>(rows * columns, 4);
      attention_scores(t, sample, head, first, rows, columns, p);
      for (ptrdiff_t i = 0; i < rows; i++) {
        T shift = logs[task * t.queries + first + i];
        for (ptrdiff_t j = 0; j < columns; j++) p[i * columns + j] = vmath::exp(p[i * columns + j] - shift);
      }
      small_product<T>(columns, t.values, rows, p, 1, columns, g, grad.step[2], grad.step[3], mine_v, true);
      small_product<T>(rows, columns, t.values, g, grad.step[2], grad.step[3], t.v.at(sample, head), t.v.step[3], t.v.step[2],
                       slope);
      for (ptrdiff_t i = 0; i < rows; i++)
        softmax_slopes(p + i * columns, slope + i * columns, slope + i * columns, columns, t.scale);
      small_product<T>(rows, t.width, columns, slope, columns, 1, t.k.at(sample, head), t.k.step[2], t.k.step[3],
                       mine_q + first * t.width);
      small_product<T>(columns, t.width, rows, slope, 1, columns, t.q.at(sample, head, first), t.q.step[2], t.q.step[3], mine_k,
                       true);
    }
  });
}

}  // namespace wengert::arrays
