// Factorisations and triangular systems as the door sees them.
#pragma once
#include "door.h"
#include "matrices.h"

namespace wengert::arrays {

// Arrays a, packed, pivots, info; matrices, their rows and columns.
template <class T>
void enter_lu_factors(const Args& a) {
  lu_factors<T>(a.number[0], a.number[1], a.number[2], a.at<T>(0), a.at<T>(1), a.at<int32_t>(2), a.at<int32_t>(3));
}

// Arrays a, factors, info; matrices, their order.
template <class T>
void enter_cholesky_factors(const Args& a) {
  cholesky_factors<T>(a.number[0], a.number[1], a.at<T>(0), a.at<T>(1), a.at<int32_t>(2));
}

// Arrays a, pivots (or none), b, x; matrices, their order, columns of x, distance of matrices, whether rows are exchanged last,
// whether b is in rows, number of systems; for each of two: distances of rows and of columns, upper, unit.
template <class T>
void enter_solve_triangles(const Args& a) {
  const ptrdiff_t* n = a.number;
  Triangle<T> steps[2];
  for (int s = 0; s < 2; s++) steps[s] = {a.at<T>(0), n[7 + 4 * s], n[8 + 4 * s], n[9 + 4 * s] != 0, n[10 + 4 * s] != 0};
  solve_triangles<T>(n[0], n[1], n[2], n[3], steps, (int)n[6], a.at<int32_t>(1), n[4] != 0, n[5] != 0, a.at<T>(2),
                     a.at<T>(3));
}

constexpr Entry matrix_entries[] = {
    {"lu_factors", 4, 3, 0, WENGERT_FLOATS(enter_lu_factors)},
    {"cholesky_factors", 3, 2, 0, WENGERT_FLOATS(enter_cholesky_factors)},
    {"solve_triangles", 4, 15, 0, WENGERT_FLOATS(enter_solve_triangles)},
};

}  // namespace wengert::arrays
