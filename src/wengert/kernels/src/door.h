// The way from Python into a kernel: arrays become pointers, ints and floats become numbers, the lock is released.
//
// A kernel is a template over the element type, entered in a table for the types it has.  Its Python name takes arrays (or
// None), ints and floats in any order; each kind keeps its own order.  The first array decides the element type.  Callers
// check shapes and bounds; here only what would read foreign memory at once is refused: other types, and strided arrays where
// the kernel does not ask the arrays themselves for shapes and strides.
#pragma once
#ifndef NPY_NO_DEPRECATED_API
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#endif
#include <Python.h>
#include <numpy/arrayobject.h>

#include <atomic>
#include <cstddef>
#include <exception>

namespace wengert::arrays {

struct Args {
  static constexpr int most_arrays = 12, most_numbers = 40, most_reals = 8;
  void* array[most_arrays];
  PyArrayObject* source[most_arrays];  // the same as objects
  ptrdiff_t number[most_numbers];
  double real[most_reals];
  int arrays = 0, numbers = 0, reals = 0;
  mutable std::atomic<bool> bad_index{false};  // set by kernels that met an index outside

  template <class T>
  T* at(int i) const {
    return static_cast<T*>(array[i]);
  }
};

using Kernel = void (*)(const Args&);

// Null where a kernel does not have the type.
struct Entry {
  const char* name;
  int arrays, numbers, reals;  // how many it takes
  Kernel float32 = nullptr, float64 = nullptr, int32 = nullptr, int64 = nullptr, bytes = nullptr;
  bool strided = false;  // whether arrays need not be contiguous
};

#define WENGERT_FLOATS(f) f<float>, f<double>
#define WENGERT_ANY(f) f, f, f, f, f
#define WENGERT_WORDS(f) WENGERT_FLOATS(f), f<int32_t>, f<int64_t>

inline Kernel chosen(const Entry& entry, PyArrayObject* array) {
  int type = PyArray_TYPE(array);
  size_t size = PyArray_ITEMSIZE(array);
  if (type == NPY_FLOAT32) return entry.float32;
  if (type == NPY_FLOAT64) return entry.float64;
  if (!PyTypeNum_ISINTEGER(type) && !PyTypeNum_ISBOOL(type)) return nullptr;
  return size == 8 ? entry.int64 : size == 4 ? entry.int32 : size == 1 ? entry.bytes : nullptr;
}

// Whether strides count elements.
inline bool whole_strides(PyArrayObject* array) {
  for (int d = 0; d < PyArray_NDIM(array); d++)
    if (PyArray_DIM(array, d) > 1 && PyArray_STRIDE(array, d) % PyArray_ITEMSIZE(array) != 0) return false;
  return PyArray_ISBEHAVED_RO(array);
}

// One argument; false with a Python error set.
inline bool read_argument(const Entry& entry, PyObject* given, Args& args, Kernel& kernel) {
  if (PyLong_CheckExact(given)) {
    if (args.numbers == entry.numbers) return PyErr_Format(PyExc_TypeError, "%s: too many ints", entry.name), false;
    args.number[args.numbers] = PyLong_AsSsize_t(given);
    return args.number[args.numbers++] != -1 || !PyErr_Occurred();
  }
  if (PyFloat_CheckExact(given)) {
    if (args.reals == entry.reals) return PyErr_Format(PyExc_TypeError, "%s: too many floats", entry.name), false;
    args.real[args.reals++] = PyFloat_AS_DOUBLE(given);
    return true;
  }
  if (args.arrays == entry.arrays) return PyErr_Format(PyExc_TypeError, "%s: too many arrays", entry.name), false;
  if (given == Py_None) {
    args.array[args.arrays++] = nullptr;
    return true;
  }
  if (!PyArray_Check(given)) return PyErr_Format(PyExc_TypeError, "%s takes arrays, ints and floats", entry.name), false;
  PyArrayObject* array = reinterpret_cast<PyArrayObject*>(given);
  if (entry.strided ? !whole_strides(array) : !PyArray_ISCARRAY_RO(array))
    return PyErr_Format(PyExc_ValueError, "%s takes %s arrays in native byte order", entry.name,
                        entry.strided ? "aligned" : "contiguous"),
           false;
  if (!kernel) {
    kernel = chosen(entry, array);
    if (!kernel) return PyErr_Format(PyExc_TypeError, "%s has no such element type", entry.name), false;
  }
  args.source[args.arrays] = array;
  args.array[args.arrays++] = PyArray_DATA(array);
  return true;
}

inline PyObject* enter(PyObject* self, PyObject* const* given, Py_ssize_t count) {
  const Entry& entry = *static_cast<const Entry*>(PyCapsule_GetPointer(self, nullptr));
  Args args;
  Kernel kernel = nullptr;
  for (Py_ssize_t i = 0; i < count; i++)
    if (!read_argument(entry, given[i], args, kernel)) return nullptr;
  if (!kernel || args.arrays != entry.arrays || args.numbers != entry.numbers || args.reals != entry.reals)
    return PyErr_Format(PyExc_TypeError, "%s takes %d arrays, %d ints and %d floats", entry.name, entry.arrays, entry.numbers,
                        entry.reals);
  bool no_memory = false;
  Py_BEGIN_ALLOW_THREADS;
  try {
    kernel(args);
  } catch (const std::exception&) {
    no_memory = true;  // the only exception that kernels let pass
  }
  Py_END_ALLOW_THREADS;
  if (no_memory) return PyErr_NoMemory();
  if (args.bad_index) return PyErr_Format(PyExc_IndexError, "%s: an index is out of range", entry.name);
  Py_RETURN_NONE;
}

// A function for every entry, in a dictionary by name.
inline bool add_functions(PyObject* dictionary, const Entry* entries, size_t count) {
  static PyMethodDef definition = {"kernel", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(enter)), METH_FASTCALL,
                                   nullptr};
  for (size_t i = 0; i < count; i++) {
    PyObject* capsule = PyCapsule_New(const_cast<Entry*>(entries + i), nullptr, nullptr);
    PyObject* function = capsule ? PyCFunction_New(&definition, capsule) : nullptr;
    Py_XDECREF(capsule);
    int failed = function ? PyDict_SetItemString(dictionary, entries[i].name, function) : -1;
    Py_XDECREF(function);
    if (failed) return false;
  }
  return true;
}

}  // namespace wengert::arrays
