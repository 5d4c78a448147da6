// One instruction of the register machine over whole contiguous arrays, which may be rows that repeat or rows of one number:
// the shortest way for a single operator.
#pragma once
#include "vm.h"

namespace wengert {

// An operand within rows of a frame: how far apart its rows are, 0 where all are the same one, and whether it varies in them.
template <class T> struct Part {
  const T* data;
  Index step;
  bool vary;
  Part(const T* data, Index step, bool vary) : data(data), step(step), vary(vary) {}
};

template <class T> void direct(int op, T* out, Part<T> a, Part<T> b, Index rows, Index columns) {
  const Instruction instruction{static_cast<uint8_t>(op), 0, 1, 2, 2};
  const bool vec[3] = {true, a.vary, b.vary};
  auto part = [&](Index row, Index start, Index count) {
    T* const slot[3] = {out + row * columns + start, const_cast<T*>(a.data) + row * a.step + (a.vary ? start : 0),
                        const_cast<T*>(b.data) + row * b.step + (b.vary ? start : 0)};
    step(instruction, slot, vec, count);
  };
  if (rows == 1 && columns <= PIECE) return part(0, 0, columns);
  const Index per = 1 + (PIECE - 1) / columns, parts = pieces(columns, PIECE);
  parallel_for(pieces(rows, per) * parts, [&](Index i) {
    const Index start = i % parts * PIECE;
    for (Index r = i / parts * per; r < std::min(rows, (i / parts + 1) * per); r++)
      part(r, start, std::min(PIECE, columns - start));
  });
}

#ifndef WENGERT_VM_BODY  // see vm.cpp
extern template void run<float>(Call&);
extern template void run<double>(Call&);
extern template void direct<float>(int, float*, Part<float>, Part<float>, Index, Index);
extern template void direct<double>(int, double*, Part<double>, Part<double>, Index, Index);
#endif

}  // namespace wengert
