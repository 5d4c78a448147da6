// All kernels that go through door.h, by name.
#pragma once
#include <Python.h>

namespace wengert::arrays {

// Functions in a dictionary; false with a Python error set.
bool add_tables(PyObject* names);

}  // namespace wengert::arrays
