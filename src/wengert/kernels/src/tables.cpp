// The kernels that go through door.h: a unit of its own, so that it is compiled beside the others.
#include "tables.h"

#include "table_arrays.h"
#include "table_conv.h"
#include "table_counts.h"
#include "table_distances.h"
#include "table_grid.h"
#include "table_matrices.h"
#include "table_networks.h"
#include "table_products.h"
#include "table_random.h"

namespace wengert::arrays {

template <size_t N>
static bool add_table(PyObject* names, const Entry (&entries)[N]) {
  return add_functions(names, entries, N);
}

bool add_tables(PyObject* names) {
  if (PyArray_ImportNumPyAPI() < 0) return false;
  return add_table(names, conv_entries) && add_table(names, array_entries) && add_table(names, random_entries) &&
         add_table(names, matrix_entries) && add_table(names, product_entries) && add_table(names, network_entries) &&
         add_table(names, distance_entries) && add_table(names, grid_entries) && add_table(names, count_entries);
}

bool turns_halves() { return TURNS_HALVES; }

}  // namespace wengert::arrays
