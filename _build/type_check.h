// Included in front of all C that mypyc writes: `isinstance` and casts without a call, where the class is not far up.
//
// Every read of a typed attribute, list item or argument is such a check, thirty for a node of the graph, and nearly always of
// a class one or two steps above that of the object.
#include <Python.h>

static inline int wengert_is_instance(PyObject *object, PyTypeObject *type) {
    PyTypeObject *own = Py_TYPE(object), *base = own->tp_base;
    if (own == type || base == type)
        return 1;
    if (base && base->tp_base == type)
        return 1;
    return PyType_IsSubtype(own, type);
}

#undef PyObject_TypeCheck
#define PyObject_TypeCheck(object, type) wengert_is_instance((PyObject *)(object), (type))
