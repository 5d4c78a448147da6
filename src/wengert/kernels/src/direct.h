// One instruction of the register machine over contiguous arrays and single numbers: the shortest way for a single operator.
#pragma once
#include "vm.h"

namespace wengert {

// An operand as rows: does it vary within a row, and how far on does the next row begin (0: every row uses the same).
struct Side {
  const void* data;
  bool vary;
  Index step;
};

// The four operations of arithmetic on few numbers, where to find the instruction costs more than to follow it.
constexpr Index FEW = 8;

template <class T> __attribute__((optimize("no-tree-vectorize"))) bool few(int op, T* out, const Side& a, const Side& b, Index n) {
  const T *p = static_cast<const T*>(a.data), *q = static_cast<const T*>(b.data);
  switch (op) {
    case OP_add:
      for (Index i = 0; i < n; i++, p += a.vary, q += b.vary) out[i] = *p + *q;
      return true;
    case OP_subtract:
      for (Index i = 0; i < n; i++, p += a.vary, q += b.vary) out[i] = *p - *q;
      return true;
    case OP_multiply:
      for (Index i = 0; i < n; i++, p += a.vary, q += b.vary) out[i] = *p * *q;
      return true;
    case OP_divide:
      for (Index i = 0; i < n; i++, p += a.vary, q += b.vary) out[i] = *p / *q;
      return true;
    default: return false;
  }
}

// Rows of few numbers are taken so many numbers at a time.
constexpr Index SHORT_ROW = 64, TOGETHER = 1024;

// `count` rows of n numbers of an operand, one behind the other: where they are, or in `tile`, if they are not there `already`.
template <class T> const T* laid_out(const Side& side, Index row, Index count, Index n, T* tile, bool already) {
  const T* from = static_cast<const T*>(side.data) + row * side.step;
  if (side.vary && side.step == n) return from;
  if (side.step == 0 && already) return tile;
  T* to = tile;
  for (Index r = 0; r < count; r++, from += side.step, to += n)
    for (Index j = 0; j < n; j++) to[j] = from[side.vary ? j : 0];
  return tile;
}

template <class T> void direct_short(const Instruction& instruction, T* out, Side a, Side b, Index rows, Index n) {
  const Index together = TOGETHER / n, per = pieces(PIECE, TOGETHER), groups = pieces(rows, together);
  // A single number stays one.
  const bool vec[3] = {true, a.vary || a.step, b.vary || b.step};
  parallel_for(pieces(groups, per), [&](Index task) {
    T first[TOGETHER], second[TOGETHER];
    const Index begin = task * per;
    for (Index g = begin; g < std::min(groups, begin + per); g++) {
      const Index row = g * together, count = std::min(together, rows - row);
      const Side* sides[2] = {&a, &b};
      T* tiles[2] = {first, second};
      T* slot[3] = {out + row * n};
      for (int i = 0; i < 2; i++)
        slot[i + 1] = const_cast<T*>(vec[i + 1] ? laid_out(*sides[i], row, count, n, tiles[i], g > begin)
                                                : static_cast<const T*>(sides[i]->data));
      step(instruction, slot, vec, count * n);
    }
  });
}

template <class T> void direct(int op, T* out, Side a, Side b, Index rows, Index n) {
  const Instruction instruction{static_cast<uint8_t>(op), 0, 1, 2, 2};
  const bool vec[3] = {true, a.vary, b.vary};
  if (n > 0 && n < SHORT_ROW && rows > TOGETHER / SHORT_ROW) return direct_short(instruction, out, a, b, rows, n);
  const T *p = static_cast<const T*>(a.data), *q = static_cast<const T*>(b.data);
  auto part = [&](Index row, Index start, Index count) {
    T* const slot[3] = {out + row * n + start, const_cast<T*>(p) + row * a.step + (a.vary ? start : 0),
                        const_cast<T*>(q) + row * b.step + (b.vary ? start : 0)};
    step(instruction, slot, vec, count);
  };
  if (rows == 1 && n <= PIECE) return part(0, 0, n);
  const Index per_row = pieces(n, PIECE), together = std::max(Index(1), PIECE / std::max(Index(1), n));
  auto task = [&](Index i) {
    if (per_row > 1) return part(i / per_row, i % per_row * PIECE, std::min(PIECE, n - i % per_row * PIECE));
    for (Index row = i * together; row < std::min(rows, (i + 1) * together); row++) part(row, 0, n);
  };
  const Index tasks = per_row > 1 ? rows * per_row : pieces(rows, together);
  if (tasks == 1) return task(0);
  parallel_for(tasks, task);
}

// Sums over the middle one of three dimensions.
template <class T> void sum_middle(T* out, const T* a, Index outer, Index n, Index inner) {
  if (inner == 1) {
    for (Index i = 0; i < outer; i++) out[i] = sum(a + i * n, n);
    return;
  }
  for (Index i = 0; i < outer; i++, out += inner) {
    std::fill_n(out, inner, T(0));
    for (Index k = 0; k < n; k++, a += inner) {
#pragma GCC ivdep
      for (Index j = 0; j < inner; j++) out[j] += a[j];
    }
  }
}

#ifndef WENGERT_VM_BODY  // see vm.cpp
extern template void run<float>(Call&);
extern template void run<double>(Call&);
extern template void direct<float>(int, float*, Side, Side, Index, Index);
extern template void direct<double>(int, double*, Side, Side, Index, Index);
extern template void sum_middle<float>(float*, const float*, Index, Index, Index);
extern template void sum_middle<double>(double*, const double*, Index, Index, Index);
#endif

}  // namespace wengert
