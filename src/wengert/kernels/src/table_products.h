// Matrix products as the door sees them.
#pragma once
#include "door.h"
#include "products.h"

namespace wengert::arrays {

// Where the matrices of an operand begin, one for each matrix of the result, and how their elements lie; dimensions that it
// lacks, or of which it has one element, are broadcast.
template <class T>
Stack<T> stack_of(const Args& args, int operand, PyArrayObject* out) {
  PyArrayObject* array = args.source[operand];
  Stack<T> stack;
  stack.data = args.at<T>(operand);
  stack.offset.assign(1, 0);
  if (!stack.data) return stack;
  int lead = PyArray_NDIM(out) - PyArray_NDIM(array), last = PyArray_NDIM(out) - 1;
  auto step = [&](int d) {
    return d < lead || PyArray_DIM(array, d - lead) == 1 ? 0 : PyArray_STRIDE(array, d - lead) / (ptrdiff_t)sizeof(T);
  };
  stack.row = step(last - 1), stack.column = step(last);
  for (int d = 0; d < last - 1; d++) {
    ptrdiff_t apart = step(d);
    std::vector<ptrdiff_t> inner;
    inner.reserve(stack.offset.size() * PyArray_DIM(out, d));
    for (ptrdiff_t offset : stack.offset)
      for (npy_intp i = 0; i < PyArray_DIM(out, d); i++) inner.push_back(offset + i * apart);
    stack.offset.swap(inner);
  }
  return stack;
}

// Arrays x (..., m, k), y (..., k, n), what is added, which broadcasts, or none, and the contiguous result.
template <class T>
void enter_matrix_product(const Args& args) {
  PyArrayObject* out = args.source[3];
  int dims = PyArray_NDIM(out);
  Product<T> p;
  p.a = stack_of<T>(args, 0, out), p.b = stack_of<T>(args, 1, out);
  p.rows = PyArray_DIM(out, dims - 2), p.columns = PyArray_DIM(out, dims - 1);
  p.depth = PyArray_DIM(args.source[0], PyArray_NDIM(args.source[0]) - 1);
  p.start = stack_of<T>(args, 2, out), p.c = args.at<T>(3);
  multiply(p);
}

constexpr Entry product_entries[] = {
    {"matrix_product", 4, 0, 0, WENGERT_FLOATS(enter_matrix_product), nullptr, nullptr, nullptr, true},
};

}  // namespace wengert::arrays
