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

template <class T> void direct(int op, T* out, Side a, Side b, Index rows, Index n) {
  const Instruction instruction{static_cast<uint8_t>(op), 0, 1, 2, 2};
  const bool vec[3] = {true, a.vary, b.vary};
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
