// Small arrays that are kept when the tensor that held them dies, for the next result of their shape.
//
// Note [Spare arrays]
//     A quarter of a small operation is to make the NumPy array of the result and to free it again: NumPy asks for the object,
//     the sizes and the memory one by one, and looks up who manages the memory.  All that can stay as it is if the next array
//     has the same dtype and shape.  So a tensor that dies leaves its array here if nobody else holds it (no other reference,
//     no view, no buffer, no weak reference), if it is small, and if it is as NumPy makes them: then nobody can tell it from
//     a new one.  The arrays are few and lie in a table of stacks, newest on top; each stack is of one dtype and shape, and
//     gives way to another, array by array, when others come.
//
// A class leaves its arrays here once `Spares::serve` was told where its instances hold them: the class's own way to
// deallocate is called after ours.
#pragma once
#include <Python.h>
#include <numpy/arrayobject.h>

namespace wengert {

class Spares {
 public:
  // Keep the arrays of instances of this compiled class, of which `example` holds `held` in the attribute that is meant; False
  // where that is not to be found out.
  bool serve(PyTypeObject* type, PyObject* example, PyObject* held) {
#ifndef Py_GIL_DISABLED
    if (deallocate_ || type->tp_itemsize || !PyType_IS_GC(type)) return false;
    Py_ssize_t found = 0;
    for (Py_ssize_t at = sizeof(PyObject); at + (Py_ssize_t)sizeof(PyObject*) <= type->tp_basicsize; at += sizeof(PyObject*)) {
      if (*attribute(example, at) != held) continue;
      if (found) return false;
      found = at;
    }
    if (found) {
      offset_ = found;
      deallocate_ = type->tp_dealloc;
      type->tp_dealloc = deallocate;
    }
#endif
    return deallocate_ != nullptr;
  }

  // An array in C order with any numbers in it: one that was kept, else a new one.
  PyObject* array(int dims, npy_intp* shape, int kind) {
    Array*& top = stack(dims, shape, kind);
    Array* found = top;
    if (!found || !is_like(found, dims, shape, kind)) return PyArray_SimpleNew(dims, shape, kind);
    take(top);
    return (PyObject*)found;
  }

  // Keep the arrays of later tensors, or drop all and keep none.
  void set_enabled(bool enabled) {
    most_ = enabled ? most_arrays : 0;
    if (enabled) return;
    for (Array*& top : stacks_)
      while (top) drop(top);
  }

  // Bytes of numbers in arrays that are kept, never more than this.
  static constexpr int most_bytes = 512, most_arrays = 2048, most_held = most_bytes * most_arrays;
  npy_intp held() const {
    npy_intp bytes = 0;
    for (Array* array : stacks_)
      for (; array; array = below(array)) bytes += PyArray_NBYTES((PyArrayObject*)array);
    return bytes;
  }

 private:
  using Array = PyArrayObject_fields;
  static constexpr int most_dims = 4;

  Array* stacks_[256] = {};
  int count_ = 0, most_ = most_arrays;
  Py_ssize_t offset_ = 0;
  destructor deallocate_ = nullptr;  // of the class

  static PyObject** attribute(PyObject* object, Py_ssize_t offset) { return (PyObject**)((char*)object + offset); }
  static Array* below(Array* array) { return (Array*)array->base; }  // a kept array has no base

  Array*& stack(int dims, const npy_intp* shape, int kind) {
    size_t place = kind;
    for (int d = 0; d < dims; d++) place = place * 31 + shape[d];
    return stacks_[place % (sizeof stacks_ / sizeof *stacks_)];
  }

  static bool is_like(const Array* array, int dims, const npy_intp* shape, int kind) {
    return array->descr->type_num == kind && array->nd == dims && PyArray_CompareLists(array->dimensions, shape, dims);
  }

  void take(Array*& top) {
    Array* array = top;
    top = below(array);
    array->base = nullptr;
    count_--;
  }

  void drop(Array*& top) {
    Array* array = top;
    take(top);
    Py_DECREF(array);
  }

  // Whether the array is kept; our reference to it is taken over then.
  bool keep(PyObject* object) {
    if (!PyArray_CheckExact(object) || Py_REFCNT(object) != 1) return false;
    Array* array = (Array*)object;
    if (array->base || array->weakreflist || array->_buffer_info || !is_usual(array)) return false;
    int kind = array->descr->type_num;
    Array*& top = stack(array->nd, array->dimensions, kind);
    if (top && !is_like(top, array->nd, array->dimensions, kind)) drop(top);
    if (top && !is_like(top, array->nd, array->dimensions, kind)) return false;
    if (count_ >= most_) return false;
    array->base = (PyObject*)top;
    top = array;
    count_++;
    return true;
  }

  // Whether the array is small, of floating-point numbers in this machine's order, and such as NumPy makes for a shape.
  static bool is_usual(const Array* array) {
    constexpr int flags = NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_OWNDATA | NPY_ARRAY_ALIGNED | NPY_ARRAY_WRITEABLE;
    int kind = array->descr->type_num;
    if ((array->flags & ~NPY_ARRAY_F_CONTIGUOUS) != flags || array->nd < 1 || array->nd > most_dims) return false;
    if ((kind != NPY_FLOAT32 && kind != NPY_FLOAT64) || array->descr->byteorder != '=') return false;
    npy_intp bytes = kind == NPY_FLOAT32 ? 4 : 8;
    for (int d = array->nd - 1; d >= 0; d--) {
      if (array->strides[d] != bytes) return false;  // sizes of 1 may have other strides
      bytes *= array->dimensions[d];
    }
    return 0 < bytes && bytes <= most_bytes;
  }

  static void deallocate(PyObject*);
};

inline Spares spares;

// The array leaves the instance before the class's own function comes.
inline void Spares::deallocate(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Py_TRASHCAN_BEGIN(self, deallocate);
  PyObject** slot = attribute(self, spares.offset_);
  if (*slot && spares.keep(*slot)) *slot = nullptr;
  spares.deallocate_(self);
  Py_TRASHCAN_END;
}

}  // namespace wengert
