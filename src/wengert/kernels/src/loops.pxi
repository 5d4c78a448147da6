# Ufuncs of large arrays on all threads, see loops.h.

from cpython.object cimport PyObject

cdef extern from "loops.h" namespace "wengert":
    cdef cppclass Loop:
        int result
    bint find_loop(object, int, int, int, Loop&)
    void run_loop(const Loop&, int, char**, const cnp.npy_intp*, Py_ssize_t) nogil
    object function_of(object, const char*, void*)

cdef extern from "Python.h":
    object PyObject_Vectorcall(object, PyObject**, size_t, PyObject*)

cdef enum:
    LONG_LOOP = 32768  # elements from which on several threads are worth waking


cdef bint lies_like(cnp.ndarray x, cnp.ndarray like) noexcept:
    """Whether two dense arrays have the same shape and order of dimensions."""
    cdef int d
    if not same_shape(x, like):
        return False
    for d in range(cnp.PyArray_NDIM(like)):
        if cnp.PyArray_STRIDE(x, d) * cnp.PyArray_ITEMSIZE(like) != cnp.PyArray_STRIDE(like, d) * cnp.PyArray_ITEMSIZE(x):
            return False
    return True


cdef inline bint is_dense(cnp.ndarray x) noexcept:
    return PyArray_ISBEHAVED_RO(x) and (PyArray_IS_C_CONTIGUOUS(x) or cnp.PyArray_IS_F_CONTIGUOUS(x))


cdef tuple numbers = (int, float, complex, _np.generic)


cdef inline bint is_operand(object x):
    """Whether this is an array or a number, and not something that has ufuncs of its own, such as a value of a formula."""
    return PyArray_CheckExact(x) or isinstance(x, numbers)


cdef object long_loop(object ufunc, int operands, object x, object y):
    """The result where the longer operand is a dense array and the other one like it, or one number; else None."""
    cdef cnp.ndarray a, b, out
    cdef Loop loop
    cdef char* start[3]
    cdef cnp.npy_intp step[3]
    if not is_operand(x) or (operands == 2 and not is_operand(y)):
        return None
    a = x if PyArray_CheckExact(x) else _np.asarray(x)
    b = a if operands == 1 else y if PyArray_CheckExact(y) else _np.asarray(y)
    cdef cnp.ndarray like = a if cnp.PyArray_SIZE(a) >= cnp.PyArray_SIZE(b) else b
    if not is_dense(like) or not find_loop(ufunc, operands, cnp.PyArray_TYPE(a), cnp.PyArray_TYPE(b), loop):
        return None
    for i, side in enumerate((a, b)[:operands]):
        start[i] = <char*>cnp.PyArray_DATA(<cnp.ndarray>side)
        step[i] = cnp.PyArray_ITEMSIZE(<cnp.ndarray>side)
        if side is not like and not (is_dense(side) and lies_like(side, like)):
            if cnp.PyArray_SIZE(side) != 1 or cnp.PyArray_NDIM(side) > cnp.PyArray_NDIM(like) or not PyArray_ISBEHAVED_RO(side):
                return None
            step[i] = 0
    out = new_like(like, loop.result)
    start[operands] = <char*>cnp.PyArray_DATA(out)
    step[operands] = cnp.PyArray_ITEMSIZE(out)
    with nogil:
        run_loop(loop, operands + 1, start, step, cnp.PyArray_SIZE(like))
    return out


cdef inline bint is_long(object x) noexcept:
    return PyArray_CheckExact(x) and cnp.PyArray_SIZE(<cnp.ndarray>x) >= LONG_LOOP


cdef object call_ufunc(object both, PyObject** given, Py_ssize_t count):
    cdef object found, last
    if count == 1 or count == 2:
        last = <object>given[count - 1]
        if is_long(last) or is_long(<object>given[0]):
            found = long_loop((<tuple>both)[0], count, <object>given[0], last)
            if found is not None:
                return found
    return PyObject_Vectorcall((<tuple>both)[1], given, count, NULL)


def on_all_threads(ufunc, otherwise):
    """The ufunc of one or two operands, by all threads where one of these is large; for others the function ``otherwise``."""
    return function_of((ufunc, otherwise), ufunc.__name__.encode(), <void*>call_ufunc)
