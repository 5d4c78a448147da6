// Matrix products on the register tile: stacks of matrices of any layout, added to a bias or to other matrices.
//
// Blocks of the result are tasks.  They take a stretch of the depth at a time, so that rows of A stay in the second-level cache
// while columns of B go through the first, from the second or, where many rows read them, from the third.  Columns are packed
// in front of all tasks where several read them, else by the task.  An element is the sum of stretches of TILE_DEPTH products in
// their order, a great depth the sum of such slabs, whatever the blocks are: results depend neither on the number of threads nor
// on the other rows of the product.
#pragma once
#include <algorithm>
#include <vector>

#include "tile.h"
#include "transpose.h"

namespace wengert::arrays {

// Element (i, k) of matrix b lies at data[offset[b] + i * row + k * column].
template <class T>
struct Stack {
  const T* data;
  std::vector<ptrdiff_t> offset;
  ptrdiff_t row, column;
};

template <class T>
struct Product {
  ptrdiff_t rows, columns, depth;
  Stack<T> a, b;
  Stack<T> start;  // what the products are added to; without data, nothing
  T* c;            // matrix after matrix, row after row
};

template <class T>
struct Factor {
  const T* data;
  ptrdiff_t row, column;  // steps in elements
};

// Two matrices of one type to be multiplied (0 and 1), and what their product is added to (2), if it has data.
struct Pair {
  ptrdiff_t rows, columns, depth;
  Factor<void> matrix[3] = {};

  void set(int which, const void* data, ptrdiff_t row, ptrdiff_t column) { matrix[which] = {data, row, column}; }

  template <class T>
  Factor<T> factor(int which) const {
    return {static_cast<const T*>(matrix[which].data), matrix[which].row, matrix[which].column};
  }
};

inline ptrdiff_t pieces(ptrdiff_t n, ptrdiff_t each) { return (n + each - 1) / each; }

template <class T>
struct Packed;

// All of it, on all threads.  Compiled once, in products.cpp, as is the next.
template <class T>
void multiply(const Product<T>& p);

template <class T>
void multiply_pair(const Pair& pair, T* c) {
  auto stack = [&](const Factor<T>& f) { return Stack<T>{f.data, {0}, f.row, f.column}; };
  multiply(Product<T>{pair.rows, pair.columns, pair.depth, stack(pair.factor<T>(0)), stack(pair.factor<T>(1)),
                      stack(pair.factor<T>(2)), c});
}

// Rows i to i + rows - 1 and columns j to j + columns - 1 of one matrix, on this thread.
template <class T>
void multiply_block(const Product<T>& p, ptrdiff_t matrix, ptrdiff_t i, ptrdiff_t rows, ptrdiff_t j, ptrdiff_t columns,
                    Packed<T>* shared = nullptr);

}  // namespace wengert::arrays
