// NumPy's own inner loops on all threads: ufuncs of large arrays that have no kernel here.
//
// Those of numbers neither need Python's lock nor know of each other, so an array may be cut anywhere.
#pragma once
#ifndef NPY_NO_DEPRECATED_API
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#endif
#include <Python.h>
#include <numpy/arrayobject.h>
#include <numpy/ufuncobject.h>

#include <algorithm>
#include <cstring>

#include "pool.h"

namespace wengert {

struct Loop {
  PyUFuncGenericFunction run;
  void* data;
  int result;  // its type
};

// The loop for operands of exactly these types; false where there is none.
inline bool find_loop(PyObject* ufunc, int operands, int first, int second, Loop& loop) {
  const PyUFuncObject* u = reinterpret_cast<PyUFuncObject*>(ufunc);
  const auto is_number = [](int type) { return type < NPY_OBJECT || type == NPY_HALF; };
  if (u->nin != operands || u->nout != 1 || !is_number(first) || !is_number(second)) return false;
  for (int i = 0; i < u->ntypes; i++) {
    const char* types = u->types + i * (operands + 1);
    if (types[0] != first || (operands == 2 && types[1] != second)) continue;
    if (!is_number(types[operands])) return false;
    loop = {u->functions[i], u->data ? const_cast<void*>(u->data[i]) : nullptr, types[operands]};
    return true;
  }
  return false;
}

// Operands and result, with the distance of their elements in bytes.
inline void run_loop(const Loop& loop, int arrays, char* const* start, const npy_intp* step, Index n) {
  parallel_for(pieces(n, PIECE), [&](Index i) {
    char* at[3];
    for (int k = 0; k < arrays; k++) at[k] = start[k] + i * PIECE * step[k];
    const npy_intp count = std::min<Index>(PIECE, n - i * PIECE);
    loop.run(at, &count, step, loop.data);
  });
}

// A Python function that calls `caller`, a _PyCFunctionFast, with `self` and its own arguments.
inline PyObject* function_of(PyObject* self, const char* name, void* caller) {
  auto* definition = new PyMethodDef{strdup(name), reinterpret_cast<PyCFunction>(caller), METH_FASTCALL,
                                     nullptr};  // lives as long as the process, like the module
  return PyCFunction_New(definition, self);
}

}  // namespace wengert
