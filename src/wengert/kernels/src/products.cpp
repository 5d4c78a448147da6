// The register tile and the matrix products made of it, compiled once for all kernels that use them.
#include "products.h"

#include "recycle.h"

namespace wengert::arrays {

// ROWS x VECTORS sums.  Elements of a row of A lie STEP apart, or, without a STEP, by the table ka.  B is read by the table kb,
// or, PACKED, row after row.
template <class T, int ROWS, int VECTORS, bool PACKED, int STEP>
static __attribute__((noinline)) void tile(ptrdiff_t depth, const T* A, const ptrdiff_t* ra, const int32_t* ka, const T* B,
                                           const int32_t* kb, T* C, ptrdiff_t ldc, bool add) {
  using V = typename Vec<T>::v;
  using U = typename Vec<T>::u;
  constexpr int L = Vec<T>::lanes;
  V sum[ROWS][VECTORS];
  const T* a[ROWS];
#pragma GCC unroll 16
  for (int i = 0; i < ROWS; i++) {
    a[i] = A + ra[i];
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++) sum[i][v] = V{};
  }
  if (add) {  // read at the end: rows far apart would not be in the cache
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 4
      for (int v = 0; v < VECTORS; v++) __builtin_prefetch(C + i * ldc + v * L);
  }
  auto line = [&](ptrdiff_t k) __attribute__((always_inline)) {
    const T* b = PACKED ? B + k * VECTORS * L : B + kb[k];
    ptrdiff_t at = STEP ? k * STEP : ka[k];
    V column[VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++) column[v] = *(const U*)(b + v * L);
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++) {
      T factor = a[i][at];
#pragma GCC unroll 4
      for (int v = 0; v < VECTORS; v++) sum[i][v] += factor * column[v];
    }
  };
  ptrdiff_t k = 0;
  if (STEP && ROWS == TILE_ROWS)
    for (; k + 4 <= depth; k += 4) line(k), line(k + 1), line(k + 2), line(k + 3);
  for (; k < depth; k++) line(k);
#pragma GCC unroll 16
  for (int i = 0; i < ROWS; i++) {
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++) {
      U* out = (U*)(C + i * ldc + v * L);
      *out = add ? *out + sum[i][v] : sum[i][v];
    }
  }
}

// Ask for `lines` cache lines from `at` on, to the second-level cache: prefetches of what is not there are not waited for.
static inline void fetch(const void* at, ptrdiff_t lines) {
  for (ptrdiff_t l = 0; l < lines; l++) __builtin_prefetch((const char*)at + 64 * l, 0, 2);
}

// While the tile goes down many rows with one stretch of columns, the next stretch comes from the third-level cache.
template <class T, int VECTORS, bool PACKED, int STEP>
static void panel(ptrdiff_t rows, ptrdiff_t depth, const T* A, const ptrdiff_t* ra, const int32_t* ka, const T* B,
                  const int32_t* kb, T* C, ptrdiff_t ldc, bool add) {
  for (ptrdiff_t k = 0; k < depth; k += TILE_DEPTH) {
    ptrdiff_t n = depth - k < TILE_DEPTH ? depth - k : TILE_DEPTH, i = 0;
    bool more = add || k > 0;
    const T* b = PACKED ? B + k * VECTORS * Vec<T>::lanes : B;
    const int32_t *kbk = PACKED ? nullptr : kb + k, *kak = STEP ? nullptr : ka + k;
    const T* Ak = A + k * STEP;
    constexpr ptrdiff_t all_lines = TILE_DEPTH * VECTORS * VECTOR_BYTES / 64;
    ptrdiff_t lines = PACKED && rows >= 12 * TILE_ROWS ? pieces(all_lines * TILE_ROWS, rows) : 0;
    const T* next = b + n * VECTORS * Vec<T>::lanes;
    for (; i + TILE_ROWS <= rows; i += TILE_ROWS) {
      fetch(next + i / TILE_ROWS * lines * (64 / (ptrdiff_t)sizeof(T)), lines);
      tile<T, TILE_ROWS, VECTORS, PACKED, STEP>(n, Ak, ra + i, kak, b, kbk, C + i * ldc, ldc, more);
    }
    if (TILE_ROWS > 4 && i + 4 <= rows) {
      tile<T, 4, VECTORS, PACKED, STEP>(n, Ak, ra + i, kak, b, kbk, C + i * ldc, ldc, more);
      i += 4;
    }
    if (i + 2 <= rows) {
      tile<T, 2, VECTORS, PACKED, STEP>(n, Ak, ra + i, kak, b, kbk, C + i * ldc, ldc, more);
      i += 2;
    }
    if (i < rows) tile<T, 1, VECTORS, PACKED, STEP>(n, Ak, ra + i, kak, b, kbk, C + i * ldc, ldc, more);
  }
}

template <class T, bool PACKED, int STEP>
static void panels(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const T* A, const ptrdiff_t* ra, const int32_t* ka, const T* B,
             const int32_t* kb, T* C, ptrdiff_t ldc, bool add) {
  constexpr int L = Vec<T>::lanes;
  for (ptrdiff_t j = 0; j < columns;) {
    int n = panel_vectors((columns - j) / L);
    const T* b = PACKED ? B + j * depth : B + j;
    if (n == TILE_VECTORS)
      panel<T, TILE_VECTORS, PACKED, STEP>(rows, depth, A, ra, ka, b, kb, C + j, ldc, add);
    else if (n == 2)
      panel<T, 2, PACKED, STEP>(rows, depth, A, ra, ka, b, kb, C + j, ldc, add);
    else
      panel<T, 1, PACKED, STEP>(rows, depth, A, ra, ka, b, kb, C + j, ldc, add);
    j += (ptrdiff_t)n * L;
  }
}

template <class T, bool PACKED>
void product(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const T* A, const ptrdiff_t* ra, const int32_t* ka, const T* B,
             const int32_t* kb, T* C, ptrdiff_t ldc, bool add) {
  panels<T, PACKED, 0>(rows, columns, depth, A, ra, ka, B, kb, C, ldc, add);
}

constexpr ptrdiff_t PRODUCT_DEPTH = 3 * TILE_DEPTH;  // of a packed stretch
constexpr ptrdiff_t PRODUCT_ROWS = 144;              // of A: 384 columns of them take a fifth of a second-level cache of 2 MB
constexpr ptrdiff_t OWN_BYTES = 3072;                // of a row of B: columns that only one task reads stay in that cache, too
constexpr ptrdiff_t SHARED_BYTES = 1 << 14;          // columns that several tasks read come from the third-level cache
constexpr ptrdiff_t BARE_BYTES = 1 << 15;            // of a contiguous matrix B that is not packed
constexpr ptrdiff_t PRODUCT_WORK = 1 << 18;          // multiplications below which a task is not cut further
constexpr ptrdiff_t COPIED_BYTES = 1 << 17;          // of columns: to pack them is less than to fetch them from another core
constexpr ptrdiff_t SLAB = 16 * TILE_DEPTH, SLAB_COLUMNS = 256;  // of the depth, where there are at most so many columns
constexpr ptrdiff_t PACKED_BYTES = 1 << 28;          // most for columns that are packed in front of all tasks

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

// Distance of packed strips of rows: not a power of two, for they are written side by side.
inline ptrdiff_t strip_size(ptrdiff_t depth) { return (depth + 2) * TILE_ROWS; }

// Rows as strips of TILE_ROWS: strip after strip, in it column after column.
template <class T>
void pack_rows(const T* a, ptrdiff_t row, ptrdiff_t column, ptrdiff_t depth, ptrdiff_t rows, T* to) {
  constexpr ptrdiff_t size = TILE_ROWS * sizeof(T);
  ptrdiff_t done = 0;
  if (row == 1 && column != 1)  // the matrix is read row after row of the memory
    for (ptrdiff_t k = 0; k < depth; k++)
      for (done = 0; done + TILE_ROWS <= rows; done += TILE_ROWS)
        memcpy(to + done / TILE_ROWS * strip_size(depth) + k * TILE_ROWS, a + k * column + done, size);
  for (ptrdiff_t i = done; i < rows; i += TILE_ROWS) {
    ptrdiff_t have = std::min<ptrdiff_t>(TILE_ROWS, rows - i);
    const T* from = a + i * row;
    T* strip = to + i / TILE_ROWS * strip_size(depth);
    if (column == 1)
      transpose_block(from, row, strip, TILE_ROWS, have, depth);
    else
      for (ptrdiff_t k = 0; k < depth; k++)
        for (ptrdiff_t r = 0; r < have; r++) strip[k * TILE_ROWS + r] = from[r * row + k * column];
  }
}

// Where the tile finds the rows of A: as they lie in memory, or packed if they lie across it or would share sets of the cache.
template <class T>
struct Rows {
  const T* data;
  bool packed;
  std::vector<ptrdiff_t> row;
  std::vector<int32_t> line;  // where the rows of B lie that are not packed

  void lay_lines(ptrdiff_t depth, ptrdiff_t step) {
    line.resize(depth);
    for (ptrdiff_t k = 0; k < depth; k++) line[k] = (int32_t)(k * step);
  }

  void lay(const T* a, ptrdiff_t step, ptrdiff_t across, ptrdiff_t depth, ptrdiff_t rows) {
    packed = across != 1 || step * sizeof(T) % 4096 == 0;
    row.resize(rows);
    data = a;
    if (packed) {
      T* to = scratch<T>(pieces(rows, TILE_ROWS) * strip_size(depth), 0);
      pack_rows(a, step, across, depth, rows, to);
      data = to;
    }
    for (ptrdiff_t i = 0; i < rows; i++) row[i] = packed ? i / TILE_ROWS * strip_size(depth) + i % TILE_ROWS : i * step;
  }

  // C = or += the product with the columns B.
  template <bool PACKED>
  void times(ptrdiff_t columns, ptrdiff_t depth, const T* B, T* C, ptrdiff_t ldc, bool add) const {
    auto go = packed ? panels<T, PACKED, TILE_ROWS> : panels<T, PACKED, 1>;
    go((ptrdiff_t)row.size(), columns, depth, data, row.data(), nullptr, B, line.data(), C, ldc, add);
  }
};

// What the products of a panel are added to: the columns there are.
template <class T>
void lay_start(const T* from, ptrdiff_t row, ptrdiff_t column, ptrdiff_t rows, ptrdiff_t columns, T* to, ptrdiff_t apart) {
  for (ptrdiff_t r = 0; r < rows; r++)
    for (ptrdiff_t c = 0; c < columns; c++) to[r * apart + c] = from[r * row + c * column];
}

// How the result is cut.  Blocks begin at multiples of `rows` and of `columns`, which are whole tiles.
struct Blocks {
  ptrdiff_t rows, columns, up, along;
  ptrdiff_t blocks() const { return up * along; }
};

// Few rows do not repay the packing of columns that lie in memory without gaps: panels are read where they are.
template <class T>
bool in_place(const Product<T>& p, ptrdiff_t rows) {
  return p.b.column == 1 && rows <= (p.b.row * (ptrdiff_t)sizeof(T) % 4096 == 0 ? 4 : 8) * TILE_ROWS;
}

// Blocks for every thread, as far as there is work, and as many for each.  Rows are cut first: that costs no packing.
// A single matrix with many rows has blocks with all columns that fit, a smaller one a block for each thread.
template <class T>
Blocks cut_product(const Product<T>& p, ptrdiff_t matrices) {
  constexpr ptrdiff_t wide = TILE_VECTORS * Vec<T>::lanes;
  bool tall = matrices == 1 && p.rows > PRODUCT_ROWS;
  ptrdiff_t threads = pool().threads(), least = p.columns > 4 * wide ? wide : 2 * Vec<T>::lanes;
  ptrdiff_t up = tall ? pieces(pieces(p.rows, PRODUCT_ROWS), threads) * threads : 1;
  ptrdiff_t along = pieces(p.columns * (ptrdiff_t)sizeof(T), tall ? SHARED_BYTES : OWN_BYTES);
  ptrdiff_t most = threads * (matrices > 1 ? 4 : tall ? 2 : 1);
  ptrdiff_t wanted = std::min(most, matrices * p.rows * p.columns * p.depth / PRODUCT_WORK);
  if (wanted > threads) wanted -= wanted % threads;
  Blocks grid = {even(p.rows, up, TILE_ROWS), even(p.columns, along, least), 1, 1};
  while (matrices * pieces(p.rows, grid.rows) * pieces(p.columns, grid.columns) < wanted) {
    if (grid.rows <= 4 * TILE_ROWS && grid.columns > 2 * least)
      grid.columns = even(p.columns, ++along, least);
    else if (grid.rows > TILE_ROWS)
      grid.rows = even(p.rows, ++up, TILE_ROWS);
    else
      break;
  }
  grid.up = pieces(p.rows, grid.rows), grid.along = pieces(p.columns, grid.columns);
  return grid;
}

// All columns of one matrix: block after block, in it stretch after stretch.
template <class T>
struct Packed : Loan<T> {
  using Loan<T>::Loan, Loan<T>::data, Loan<T>::take;

  static constexpr ptrdiff_t group = 2 * TILE_VECTORS * Vec<T>::lanes;  // columns of a task, and a vector more

  // A single vector is not left: it would make two panels of two vectors of the last one and a half.
  static ptrdiff_t groups(ptrdiff_t columns) { return std::max<ptrdiff_t>(1, pieces(columns - Vec<T>::lanes, group)); }

  void lay(const Product<T>& p, const Blocks& grid) {
    ptrdiff_t stretches = pieces(p.depth, PRODUCT_DEPTH), most = groups(grid.columns);
    take(whole_vectors<T>(p.columns) * p.depth);
    parallel_for(grid.along * stretches * most, [&](ptrdiff_t task) {
      ptrdiff_t g = task % most, k = task / most % stretches * PRODUCT_DEPTH, j = task / most / stretches * grid.columns;
      ptrdiff_t depth = std::min(PRODUCT_DEPTH, p.depth - k), columns = std::min(grid.columns, p.columns - j);
      ptrdiff_t first = g * group, last = g + 1 == groups(columns) ? columns : first + group;
      if (g >= groups(columns)) return;
      const T* b = p.b.data + p.b.offset[0] + k * p.b.row + (j + first) * p.b.column;
      pack_columns(b, p.b.row, p.b.column, depth, last - first, at(j, k, whole_vectors<T>(columns), p.depth) + first * depth);
    });
  }

  T* at(ptrdiff_t j, ptrdiff_t k, ptrdiff_t whole, ptrdiff_t depth) { return data + j * depth + k * whole; }
};

template <class T>
void multiply_block(const Product<T>& p, ptrdiff_t matrix, ptrdiff_t i, ptrdiff_t rows, ptrdiff_t j, ptrdiff_t columns,
                    Packed<T>* shared) {
  constexpr ptrdiff_t L = Vec<T>::lanes;
  static thread_local Rows<T> left;
  ptrdiff_t whole = whole_vectors<T>(columns), last = 0, each = even(rows, pieces(rows, PRODUCT_ROWS), TILE_ROWS);
  const T* a = p.a.data + p.a.offset[matrix] + i * p.a.row;
  const T* b = p.b.data + p.b.offset[matrix] + j * p.b.column;
  const T* start = p.start.data;
  if (start) start += p.start.offset[matrix] + i * p.start.row + j * p.start.column;
  T* c = p.c + (matrix * p.rows + i) * p.columns + j;
  T* edge = scratch<T>(rows * TILE_VECTORS * L, 2);  // the last panel, if some of its columns do not exist
  // Nor is a matrix packed that the first-level cache holds.
  bool little = p.b.row == p.columns && p.b.column == 1 && p.depth * p.columns * (ptrdiff_t)sizeof(T) <= BARE_BYTES;
  bool bare = !shared && (little || in_place(p, rows));
  for (ptrdiff_t k = 0; k < p.depth; k += PRODUCT_DEPTH) {
    ptrdiff_t depth = std::min(PRODUCT_DEPTH, p.depth - k);
    const T* lines = b + k * p.b.row;
    T* packed = shared ? shared->at(j, k, whole, p.depth) : scratch<T>(depth * whole, 1);
    if (bare)
      left.lay_lines(depth, p.b.row);
    else if (!shared)
      pack_columns(lines, p.b.row, p.b.column, depth, columns, packed);
    for (ptrdiff_t r = 0; r < rows; r += each) {
      ptrdiff_t count = std::min(each, rows - r);
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
        if (bare && !beyond) {
          left.template times<false>(width, depth, lines + at, to, apart, k > 0 || start);
          continue;
        }
        if (bare) pack_columns(lines + at, p.b.row, p.b.column, depth, columns - at, packed + at * depth);
        left.template times<true>(width, depth, packed + at * depth, to, apart, k > 0 || start);
      }
    }
  }
  if (whole > columns)
    for (ptrdiff_t r = 0; r < rows; r++) std::copy_n(edge + r * (whole - last), columns - last, c + r * p.columns + last);
}

// A row times a matrix that lies by columns is the same matrix, by rows, times a column: no packing.
template <class T>
Product<T> turned(const Product<T>& p) {
  Product<T> other = p;
  std::swap(other.rows, other.columns);
  other.a = {p.b.data, p.b.offset, p.b.column, p.b.row};
  other.b = {p.a.data, p.a.offset, p.a.column, p.a.row};
  std::swap(other.start.row, other.start.column);
  return other;
}

template <class T>
Product<T> single(const Product<T>& p, ptrdiff_t matrix) {
  Product<T> one = p;
  one.a.offset = {p.a.offset[matrix]}, one.b.offset = {p.b.offset[matrix]}, one.start.offset = {p.start.data ? p.start.offset[matrix] : 0};
  one.c += matrix * p.rows * p.columns;
  return one;
}

// A great depth is cut into slabs of one length, which are products of their own: few rows and columns occupy all threads.
// Whether it is cut does not depend on the rows, so that their number changes no bit.
template <class T>
void multiply_deep(const Product<T>& p) {
  ptrdiff_t slabs = p.depth / SLAB, matrices = (ptrdiff_t)p.a.offset.size(), size = p.rows * p.columns;
  Packed<T> parts(matrices * slabs * size);
  Product<T> cut = p, rest = p;
  cut.depth = SLAB, cut.c = parts.data, cut.start.data = nullptr;
  cut.a.offset.clear(), cut.b.offset.clear(), rest.start.offset.clear();
  for (ptrdiff_t i = 0; i < matrices; i++) {
    for (ptrdiff_t s = 0; s < slabs; s++) {
      cut.a.offset.push_back(p.a.offset[i] + s * SLAB * p.a.column);
      cut.b.offset.push_back(p.b.offset[i] + s * SLAB * p.b.row);
    }
    rest.a.offset[i] += slabs * SLAB * p.a.column, rest.b.offset[i] += slabs * SLAB * p.b.row;
    rest.start.offset.push_back(i * size);
  }
  multiply(cut);
  parallel_for(matrices * p.rows, [&](ptrdiff_t r) {
    ptrdiff_t i = r / p.rows;
    T* to = p.c + r * p.columns;
    const T* part = parts.data + i * slabs * size + r % p.rows * p.columns;
    const T* start = p.start.data ? p.start.data + p.start.offset[i] + r % p.rows * p.start.row : nullptr;
    for (ptrdiff_t c = 0; c < p.columns; c++) to[c] = start ? start[c * p.start.column] : T(0);
    for (ptrdiff_t s = 0; s < slabs; s++)
      for (ptrdiff_t c = 0; c < p.columns; c++) to[c] += part[s * size + c];
  });
  rest.depth = p.depth - slabs * SLAB;
  rest.start.data = p.c, rest.start.row = p.columns, rest.start.column = 1;
  if (rest.depth > 0) multiply(rest);
}

template <class T>
void multiply(const Product<T>& p) {
  if (p.rows == 1 && p.columns > 1 && p.b.row == 1 && p.b.column != 1) return multiply(turned(p));
  if (p.depth >= 2 * SLAB && p.columns <= SLAB_COLUMNS) return multiply_deep(p);
  ptrdiff_t matrices = (ptrdiff_t)p.a.offset.size();
  if (matrices > 1 && matrices < 4 * pool().threads() && p.rows > PRODUCT_ROWS) {
    for (ptrdiff_t i = 0; i < matrices; i++) multiply(single(p, i));
    return;
  }
  Blocks grid = cut_product(p, matrices);
  Packed<T> packed;
  ptrdiff_t bytes = p.depth * p.columns * sizeof(T), alone = bytes <= COPIED_BYTES ? pool().threads() : 1;
  bool shared = matrices == 1 && grid.up > alone && bytes <= PACKED_BYTES && !in_place(p, grid.rows);
  if (shared) packed.lay(p, grid);
  ptrdiff_t blocks = matrices * grid.blocks(), chunk = 1 + PRODUCT_WORK / (grid.rows * grid.columns * p.depth + 1);
  parallel_for(pieces(blocks, chunk), [&](ptrdiff_t task) {
    for (ptrdiff_t block = task * chunk; block < std::min(blocks, (task + 1) * chunk); block++) {
      ptrdiff_t i = block / grid.along % grid.up * grid.rows, j = block % grid.along * grid.columns;
      multiply_block(p, block / grid.blocks(), i, std::min(grid.rows, p.rows - i), j, std::min(grid.columns, p.columns - j),
                     shared ? &packed : nullptr);
    }
  });
}

template void product<float, false>(ptrdiff_t, ptrdiff_t, ptrdiff_t, const float*, const ptrdiff_t*, const int32_t*, const float*,
                                    const int32_t*, float*, ptrdiff_t, bool);
template void product<float, true>(ptrdiff_t, ptrdiff_t, ptrdiff_t, const float*, const ptrdiff_t*, const int32_t*, const float*,
                                   const int32_t*, float*, ptrdiff_t, bool);
template void product<double, false>(ptrdiff_t, ptrdiff_t, ptrdiff_t, const double*, const ptrdiff_t*, const int32_t*,
                                     const double*, const int32_t*, double*, ptrdiff_t, bool);
template void product<double, true>(ptrdiff_t, ptrdiff_t, ptrdiff_t, const double*, const ptrdiff_t*, const int32_t*,
                                    const double*, const int32_t*, double*, ptrdiff_t, bool);
template void multiply(const Product<float>&);
template void multiply(const Product<double>&);
template void multiply_block(const Product<float>&, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t, Packed<float>*);
template void multiply_block(const Product<double>&, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t, Packed<double>*);

}  // namespace wengert::arrays
