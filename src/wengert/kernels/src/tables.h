// All kernels that go through door.h, by name.
#pragma once
#include <Python.h>

namespace wengert::arrays {

// Functions in a dictionary; false with a Python error set.
bool add_tables(PyObject* names);

// Whether there are instructions for numbers in half precision: `to_half` and `from_half`.
bool turns_halves();

}  // namespace wengert::arrays
