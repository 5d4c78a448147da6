// Rows and elements by number: taking them, and adding them up where numbers repeat.
//
// A number that lies outside is left out and reported: a branch that is never taken costs nothing, a write to foreign memory
// everything.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "pool.h"
#include "vm.h"

namespace wengert::arrays {

using Flag = std::atomic<bool>;

inline bool outside(int64_t index, ptrdiff_t size, Flag& bad) {
  if (__builtin_expect((uint64_t)index < (uint64_t)size, 1)) return false;
  bad = true;
  return true;
}

// out[i] = table[index[i]], rows of `width` bytes.
inline void take_rows(ptrdiff_t n, ptrdiff_t width, ptrdiff_t count, const char* table, const int64_t* index, char* out,
                      Flag& bad) {
  in_pieces(n, width / 4, [&](ptrdiff_t i) {
    if (!outside(index[i], count, bad)) memcpy(out + i * width, table + index[i] * width, width);
  });
}

template <class T>
static inline void add_row(ptrdiff_t width, const T* __restrict row, T* __restrict to) {
  for (ptrdiff_t j = 0; j < width; j++) to[j] += row[j];
}

template <class T>
static inline void fetch_row(ptrdiff_t width, const T* row) {
  constexpr ptrdiff_t LINE = 64 / sizeof(T), MOST = 16 * LINE;  // of a longer row the processor guesses the rest
  for (ptrdiff_t j = 0; j < std::min(width, MOST); j += LINE) __builtin_prefetch(row + j);
}

// target[index[i]] += rows[i], in rising i for every row of the target.  A task has a range of target rows that stays in the
// second-level cache: no two write to one, and the order of a row's sum does not depend on the threads.  First the rows are dealt
// out to the tasks, so that each fetches the next of its own while it adds one.
template <class T>
void add_rows(ptrdiff_t n, ptrdiff_t width, ptrdiff_t count, const int64_t* index, const T* rows, T* target,
              Flag& bad) {
  constexpr ptrdiff_t RANGE = (1 << 18) / sizeof(T), LEAST = 8, MOST = 256;
  const auto add = [=](ptrdiff_t i, ptrdiff_t wide) { add_row(wide, rows + i * wide, target + index[i] * wide); };
  if (width < 16 || n * width < 4 * PIECE) {
    for (ptrdiff_t i = 0; i < n; i++)
      if (!outside(index[i], count, bad)) width == 1 ? add(i, 1) : add(i, width);
    return;
  }
  const ptrdiff_t each = pieces(count, std::clamp(pieces(count * width, RANGE), LEAST, MOST)), tasks = pieces(count, each);
  std::vector<ptrdiff_t> ends(tasks + 1), dealt(n);
  for (ptrdiff_t i = 0; i < n; i++)
    if (!outside(index[i], count, bad)) ends[index[i] / each + 1]++;
  for (ptrdiff_t task = 0; task < tasks; task++) ends[task + 1] += ends[task];
  for (ptrdiff_t i = 0; i < n; i++)
    if (!outside(index[i], count, bad)) dealt[ends[index[i] / each]++] = i;
  parallel_for(tasks, [&](ptrdiff_t task) {
    const ptrdiff_t first = task ? ends[task - 1] : 0, end = ends[task];
    for (ptrdiff_t k = first; k < end; k++) {
      if (k + 1 < end) fetch_row(width, rows + dealt[k + 1] * width);
      add(dealt[k], width);
    }
  });
}

// Elements along the middle of three dimensions: out[a, i, b] = x[a, index[a, i, b], b].
template <class T>
void gather(ptrdiff_t outer, ptrdiff_t n, ptrdiff_t size, ptrdiff_t inner, const T* x, const int64_t* index, T* out,
            Flag& bad) {
  const ptrdiff_t row = inner == 1 ? n : inner;
  in_pieces(outer * n * inner / row, row, [&](ptrdiff_t r) {
    const T* from = x + r * row / (n * inner) * size * inner;
    const int64_t* at = index + r * row;
    T* to = out + r * row;
    if (inner == 1)
      for (ptrdiff_t i = 0; i < n; i++) to[i] = outside(at[i], size, bad) ? T(0) : from[at[i]];
    else
      for (ptrdiff_t b = 0; b < inner; b++) to[b] = outside(at[b], size, bad) ? T(0) : from[at[b] * inner + b];
  });
}

// The sum over a and b of x[a, index[a, b], b] times its factor, and these products in `products`, if that is not null; `step` is 0
// where all factors are one number.  What has the factor 0 does not count, even an infinity.
template <class T>
void picked_sum(ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner, ptrdiff_t step, const T* x, const int64_t* index, const T* factor,
                T* products, T* out, Flag& bad) {
  constexpr ptrdiff_t BLOCK = 1024;
  const ptrdiff_t count = outer * inner, parts = pieces(count, BLOCK);
  std::vector<double> sums(parts);
  in_pieces(parts, BLOCK, [&](ptrdiff_t part) {
    const ptrdiff_t first = part * BLOCK, end = std::min(count, first + BLOCK);
    T room[BLOCK], *to = products ? products + first : room;
    ptrdiff_t b = first % inner, line = first / inner * n * inner;
    for (ptrdiff_t i = first; i < end; i++) {
      const T by = factor[i * step];
      to[i - first] = outside(index[i], n, bad) || by == 0 ? T(0) : x[line + index[i] * inner + b] * by;
      if (++b == inner) b = 0, line += n * inner;
    }
    sums[part] = wengert::reduced_in_blocks<Sum>(to, end - first);
  });
  double total = 0;
  for (double sum : sums) total += sum;
  *out = static_cast<T>(total);
}

// How an element joins the one at its place; what is not a number stays.
enum Joining { WRITE, ADD, MULTIPLY, LARGER, SMALLER };

template <Joining HOW, class T>
static inline T joined(T old, T value) {
  if (HOW == WRITE) return value;
  if (HOW == ADD) return old + value;
  if (HOW == MULTIPLY) return old * value;
  return (HOW == LARGER ? value > old : value < old) | (value != value) ? value : old;
}

// to[at[i]] joins from[i * step], in rising i.
template <Joining HOW, class T>
static void join_line(ptrdiff_t n, ptrdiff_t size, const int64_t* at, const T* from, ptrdiff_t step, T* to, Flag& bad) {
  bool all_inside = true;
  for (ptrdiff_t i = 0; i < n; i++, from += step) {
    const bool inside = static_cast<uint64_t>(at[i]) < static_cast<uint64_t>(size);
    if (inside) to[at[i]] = joined<HOW>(to[at[i]], *from);
    all_inside &= inside;
  }
  if (!all_inside) bad = true;
}

// target[a, index[a, i, b], b] joins source[a, i, b], in rising i; `step` is 0 where the source is one number.  A task has a band
// of columns b.
template <Joining HOW, class T>
void scatter(ptrdiff_t outer, ptrdiff_t n, ptrdiff_t size, ptrdiff_t inner, ptrdiff_t step, const T* source,
             const int64_t* index, T* target, Flag& bad) {
  constexpr ptrdiff_t BAND = 512;
  const ptrdiff_t bands = pieces(inner, BAND);
  in_pieces(outer * bands, n * std::min(inner, BAND), [&](ptrdiff_t task) {
    const ptrdiff_t a = task / bands, first = task % bands * BAND, width = std::min(BAND, inner - first);
    const int64_t* at = index + a * n * inner + first;
    const T* from = source + (a * n * inner + first) * step;
    T* to = target + a * size * inner + first;
    if (inner == 1) return join_line<HOW>(n, size, at, from, step, to, bad);
    const auto run = [&](const auto& value) {
      for (ptrdiff_t i = 0; i < n; i++, at += inner)
        for (ptrdiff_t b = 0; b < width; b++)
          if (!outside(at[b], size, bad)) to[at[b] * inner + b] = joined<HOW>(to[at[b] * inner + b], value(i * inner + b));
    };
    if (step)
      run([=](ptrdiff_t i) { return from[i]; });
    else
      run([same = *source](ptrdiff_t) { return same; });
  });
}

// Sums of table rows, bag after bag: bag i has entries ends[i - 1] to ends[i].  Entries of the row `skipped` do not count.
template <class T>
void bag_sums(ptrdiff_t bags, ptrdiff_t width, ptrdiff_t count, ptrdiff_t skipped, const T* table, const int64_t* index,
              const int64_t* starts, const int64_t* ends, const T* factors, T* out, Flag& bad) {
  in_pieces(bags, 16 * width, [&](ptrdiff_t b) {
    T* to = out + b * width;
    std::fill_n(to, width, T(0));
    for (ptrdiff_t i = starts[b]; i < ends[b]; i++) {
      if (index[i] == skipped || outside(index[i], count, bad)) continue;
      const T* row = table + index[i] * width;
      if (factors) {
        T factor = factors[i];
        for (ptrdiff_t j = 0; j < width; j++) to[j] += factor * row[j];
      } else {
        add_row(width, row, to);
      }
    }
  });
}

// LINES rows at once: to[l * fresh + i] = sum over k of weight[i, k] from[l * size + index[i, k]].
template <int TAPS, int LINES, class T>
static void weighted_elements(ptrdiff_t size, ptrdiff_t fresh, ptrdiff_t given, const T* from, const int64_t* index,
                              const T* weight, T* to) {
  const ptrdiff_t taps = TAPS ? TAPS : given;
#pragma GCC unroll 4
  for (ptrdiff_t i = 0; i < fresh; i++, index += taps, weight += taps) {
    T sum[LINES];
    for (int l = 0; l < LINES; l++) sum[l] = weight[0] * from[l * size + index[0]];
    for (ptrdiff_t k = 1; k < taps; k++)
      for (int l = 0; l < LINES; l++) sum[l] += weight[k] * from[l * size + index[k]];
    for (int l = 0; l < LINES; l++) to[l * fresh + i] = sum[l];
  }
}

template <int TAPS, class T>
static void weighted_lines(ptrdiff_t lines, ptrdiff_t size, ptrdiff_t fresh, ptrdiff_t taps, const T* x, const int64_t* index,
                           const T* weight, T* out) {
  constexpr int LINES = sizeof(T) == 4 ? 4 : 1;  // several long ones at once are written more slowly
  in_pieces(pieces(lines, LINES), fresh * taps * LINES, [&](ptrdiff_t i) {
    ptrdiff_t a = i * LINES;
    if (a + LINES <= lines)
      return weighted_elements<TAPS, LINES>(size, fresh, taps, x + a * size, index, weight, out + a * fresh);
    for (; a < lines; a++) weighted_elements<TAPS, 1>(size, fresh, taps, x + a * size, index, weight, out + a * fresh);
  });
}

// out[a, i, b] = sum over k of weight[i, k] x[a, index[i, k], b].
template <class T>
void weighted_rows(ptrdiff_t outer, ptrdiff_t size, ptrdiff_t fresh, ptrdiff_t taps, ptrdiff_t inner, const T* x,
                   const int64_t* index, const T* weight, T* out, Flag& bad) {
  for (ptrdiff_t i = 0; i < fresh * taps; i++)
    if (outside(index[i], size, bad)) return;
  if (inner == 1) {
    const auto run = taps == 1 ? weighted_lines<1, T> : taps == 2 ? weighted_lines<2, T> : weighted_lines<0, T>;
    return run(outer, size, fresh, taps, x, index, weight, out);
  }
  in_pieces(outer * fresh, taps * inner, [&](ptrdiff_t r) {
    const T *from = x + r / fresh * size * inner, *w = weight + r % fresh * taps;
    const int64_t* at = index + r % fresh * taps;
    T* __restrict to = out + r * inner;
    const T *row = from + at[0] * inner, *next = taps > 1 ? from + at[1] * inner : nullptr;
    if (taps == 1)
      for (ptrdiff_t b = 0; b < inner; b++) to[b] = w[0] * row[b];
    else
      for (ptrdiff_t b = 0; b < inner; b++) to[b] = w[0] * row[b] + w[1] * next[b];
    for (ptrdiff_t k = 2; k < taps; k++) {
      row = from + at[k] * inner;
      for (ptrdiff_t b = 0; b < inner; b++) to[b] += w[k] * row[b];
    }
  });
}

}  // namespace wengert::arrays
