// One instruction of the register machine over whole contiguous arrays: the shortest way for a single operator.
#pragma once
#include "vm.h"

namespace wengert {

// Operands that do not vary are single numbers.
template <class T> void direct(int op, T* out, const T* a, const T* b, bool vary_a, bool vary_b, Index n) {
  const Instruction instruction{static_cast<uint8_t>(op), 0, 1, 2, 2};
  const bool vec[3] = {true, vary_a, vary_b};
  auto part = [&](Index start, Index count) {
    T* const slot[3] = {out + start, const_cast<T*>(a) + (vary_a ? start : 0), const_cast<T*>(b) + (vary_b ? start : 0)};
    step(instruction, slot, vec, count);
  };
  if (n <= PIECE) return part(0, n);
  parallel_for(pieces(n, PIECE), [&](Index i) { part(i * PIECE, std::min(PIECE, n - i * PIECE)); });
}

#ifndef WENGERT_VM_BODY  // see vm.cpp
extern template void run<float>(Call&);
extern template void run<double>(Call&);
extern template void direct<float>(int, float*, const float*, const float*, bool, bool, Index);
extern template void direct<double>(int, double*, const double*, const double*, bool, bool, Index);
#endif

}  // namespace wengert
