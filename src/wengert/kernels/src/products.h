// Matrix products on the register tile: stacks of matrices of any layout, added to a bias or to other matrices.
//
// Blocks of the result are tasks.  Each packs the rows of A and the columns of B that it needs, a stretch of the depth at a
// time, so that both stay in the second-level cache.  An element is the sum of stretches of TILE_DEPTH products in their order,
// whatever the blocks are: results depend neither on the number of threads nor on the other rows of the product.
#pragma once
#include <algorithm>
#include <vector>

#include "tile.h"
#include "transpose.h"

namespace wengert::arrays {

constexpr ptrdiff_t PRODUCT_DEPTH = 2 * TILE_DEPTH;            // of a packed stretch
constexpr ptrdiff_t PRODUCT_ROWS = 96, PRODUCT_BYTES = 3072;  // of a stretch: rows of A, and bytes of a row of B
constexpr ptrdiff_t PRODUCT_WORK = 1 << 19;          // multiplications below which a task is not cut further
constexpr ptrdiff_t PRODUCT_TASKS = 8;

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

inline ptrdiff_t pieces(ptrdiff_t n, ptrdiff_t each) { return (n + each - 1) / each; }

// A block size near n / parts that is a multiple of `unit`.
inline ptrdiff_t even(ptrdiff_t n, ptrdiff_t parts, ptrdiff_t unit) { return pieces(pieces(n, parts), unit) * unit; }

// Columns as panels: panel after panel, in it row after row, zeros where the last vector has no column.
template <class T>
void pack_columns(const T* b, ptrdiff_t row, ptrdiff_t column, ptrdiff_t depth, ptrdiff_t columns, T* to) {
  constexpr ptrdiff_t L = Vec<T>::lanes;
  ptrdiff_t whole = whole_vectors<T>(columns);
  for (ptrdiff_t j = 0; j < whole;) {
    ptrdiff_t width = panel_vectors((whole - j) / L) * L, have = std::min(width, columns - j);
    T* panel = to + j * depth;
    const T* from = b + j * column;
    if (row == 1 && column != 1)
      transpose_block(from, column, panel, width, have, depth);
    else if (column == 1 && have == width)
      for (ptrdiff_t k = 0; k < depth; k++)
        for (ptrdiff_t l = 0; l < width; l += L)
          *(typename Vec<T>::u*)(panel + k * width + l) = *(const typename Vec<T>::u*)(from + k * row + l);
    else
      for (ptrdiff_t k = 0; k < depth; k++)
        for (ptrdiff_t l = 0; l < have; l++) panel[k * width + l] = from[k * row + l * column];
    if (have < width)
      for (ptrdiff_t k = 0; k < depth; k++) std::fill(panel + k * width + have, panel + (k + 1) * width, T(0));
    j += width;
  }
}

// Rows as strips of TILE_ROWS: strip after strip, in it column after column.
template <class T>
void pack_rows(const T* a, ptrdiff_t row, ptrdiff_t column, ptrdiff_t depth, ptrdiff_t rows, T* to) {
  for (ptrdiff_t i = 0; i < rows; i += TILE_ROWS) {
    ptrdiff_t have = std::min<ptrdiff_t>(TILE_ROWS, rows - i);
    const T* from = a + i * row;
    T* strip = to + i * depth;
    if (column == 1)
      transpose_block(from, row, strip, TILE_ROWS, have, depth);
    else if (row == 1 && have == TILE_ROWS)
      for (ptrdiff_t k = 0; k < depth; k++) memcpy(strip + k * TILE_ROWS, from + k * column, TILE_ROWS * sizeof(T));
    else
      for (ptrdiff_t k = 0; k < depth; k++)
        for (ptrdiff_t r = 0; r < have; r++) strip[k * TILE_ROWS + r] = from[r * row + k * column];
  }
}

// Where the tile finds the rows of A: as they lie in memory, or packed if they lie across it or would share sets of the cache.
template <class T>
struct Rows {
  const T* data;
  std::vector<ptrdiff_t> row;
  std::vector<int32_t> column;

  void lay(const T* a, ptrdiff_t step, ptrdiff_t across, ptrdiff_t depth, ptrdiff_t rows) {
    bool packed = across != 1 || step * sizeof(T) % 4096 == 0;
    row.resize(rows), column.resize(depth);
    data = a;
    if (packed) {
      T* to = scratch<T>((rows + TILE_ROWS) * depth, 0);
      pack_rows(a, step, across, depth, rows, to);
      data = to;
    }
    for (ptrdiff_t i = 0; i < rows; i++) row[i] = packed ? i / TILE_ROWS * TILE_ROWS * depth + i % TILE_ROWS : i * step;
    for (ptrdiff_t k = 0; k < depth; k++) column[k] = (int32_t)(packed ? k * TILE_ROWS : k * across);
  }
};

// What the products of a panel are added to: the columns there are.
template <class T>
void lay_start(const T* from, ptrdiff_t row, ptrdiff_t column, ptrdiff_t rows, ptrdiff_t columns, T* to, ptrdiff_t apart) {
  for (ptrdiff_t r = 0; r < rows; r++)
    for (ptrdiff_t c = 0; c < columns; c++) to[r * apart + c] = from[r * row + c * column];
}

// Rows i to i + rows - 1 and columns j to j + columns - 1 of one matrix.
template <class T>
void multiply_block(const Product<T>& p, ptrdiff_t matrix, ptrdiff_t i, ptrdiff_t rows, ptrdiff_t j, ptrdiff_t columns) {
  constexpr ptrdiff_t L = Vec<T>::lanes;
  static thread_local Rows<T> left;
  ptrdiff_t whole = whole_vectors<T>(columns), last = 0;
  const T* a = p.a.data + p.a.offset[matrix] + i * p.a.row;
  const T* b = p.b.data + p.b.offset[matrix] + j * p.b.column;
  const T* start = p.start.data;
  if (start) start += p.start.offset[matrix] + i * p.start.row + j * p.start.column;
  T* c = p.c + (matrix * p.rows + i) * p.columns + j;
  T* packed = scratch<T>(std::min(PRODUCT_DEPTH, p.depth) * whole, 1);
  T* edge = scratch<T>(rows * TILE_VECTORS * L, 2);  // the last panel, if some of its columns do not exist
  for (ptrdiff_t k = 0; k < p.depth; k += PRODUCT_DEPTH) {
    ptrdiff_t depth = std::min(PRODUCT_DEPTH, p.depth - k);
    pack_columns(b + k * p.b.row, p.b.row, p.b.column, depth, columns, packed);
    for (ptrdiff_t r = 0; r < rows; r += PRODUCT_ROWS) {
      ptrdiff_t count = std::min(PRODUCT_ROWS, rows - r);
      left.lay(a + r * p.a.row + k * p.a.column, p.a.row, p.a.column, depth, count);
      for (ptrdiff_t at = 0, width; at < whole; at += width) {
        width = panel_vectors((whole - at) / L) * L;
        bool beyond = at + width > columns;
        T* to = beyond ? edge + r * width : c + r * p.columns + at;
        ptrdiff_t apart = beyond ? width : p.columns;
        last = at;
        if (k == 0 && start)
          lay_start(start + r * p.start.row + at * p.start.column, p.start.row, p.start.column, count,
                    std::min(width, columns - at), to, apart);
        product<T, true>(count, width, depth, left.data, left.row.data(), left.column.data(), packed + at * depth, nullptr, to,
                         apart, k > 0 || start);
      }
    }
  }
  if (whole > columns)
    for (ptrdiff_t r = 0; r < rows; r++) std::copy_n(edge + r * (whole - last), columns - last, c + r * p.columns + last);
}

template <class T>
void multiply(const Product<T>& p) {
  constexpr ptrdiff_t wide = TILE_VECTORS * Vec<T>::lanes;
  ptrdiff_t matrices = (ptrdiff_t)p.a.offset.size();
  ptrdiff_t up = 1, along = pieces(p.columns * (ptrdiff_t)sizeof(T), PRODUCT_BYTES);
  ptrdiff_t rows = even(p.rows, up, TILE_ROWS), columns = even(p.columns, along, wide);
  while (matrices * pieces(p.rows, rows) * pieces(p.columns, columns) < PRODUCT_TASKS &&
         rows * columns * p.depth > 2 * PRODUCT_WORK) {
    if (columns >= rows && columns > 2 * wide)
      columns = even(p.columns, ++along, wide);
    else if (rows > TILE_ROWS)
      rows = even(p.rows, ++up, TILE_ROWS);
    else
      break;
  }
  up = pieces(p.rows, rows), along = pieces(p.columns, columns);
  ptrdiff_t blocks = matrices * up * along, chunk = 1 + PRODUCT_WORK / (rows * columns * p.depth + 1);
  parallel_for(pieces(blocks, chunk), [&](ptrdiff_t task) {
    for (ptrdiff_t block = task * chunk; block < std::min(blocks, (task + 1) * chunk); block++) {
      ptrdiff_t i = block / along % up * rows, j = block % along * columns;
      multiply_block(p, block / along / up, i, std::min(rows, p.rows - i), j, std::min(columns, p.columns - j));
    }
  });
}

}  // namespace wengert::arrays
