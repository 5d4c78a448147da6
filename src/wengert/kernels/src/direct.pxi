# Single operators on arrays of one dtype, float32 or float64: contiguous ones, or one number expanded, in a third of the time
# of NumPy's ufuncs on small arrays and with all threads on large ones; large ones that broadcast in other ways than by rows
# go through programs.  Everything else is NumPy's.  `out` may be an operand.

cimport cython

cdef extern from "numpy/arrayobject.h":
    bint PyArray_ISCARRAY(cnp.ndarray)
    bint PyArray_ISCARRAY_RO(cnp.ndarray)
    int PyArray_CompareLists(cnp.npy_intp*, cnp.npy_intp*, int)

cdef extern from "direct.h" namespace "wengert" nogil:
    cdef int PIECE
    cdef cppclass Part[T]:
        Part(const T*, Index, cbool)
    void direct[T](int, T*, Part[T], Part[T], Index, Index)
    cdef int OP_add, OP_subtract, OP_multiply, OP_divide, OP_maximum, OP_minimum
    cdef int OP_negative, OP_absolute, OP_sqrt, OP_exp, OP_expm1, OP_log, OP_log1p, OP_tanh, OP_sigmoid, OP_erf
    cdef int OP_reciprocal, OP_square, OP_sin, OP_cos


cdef inline bint same_shape(cnp.ndarray a, cnp.ndarray b) noexcept:
    return cnp.PyArray_NDIM(a) == cnp.PyArray_NDIM(b) and PyArray_CompareLists(
        cnp.PyArray_DIMS(a), cnp.PyArray_DIMS(b), cnp.PyArray_NDIM(a)
    )


cdef inline bint is_one_number(cnp.ndarray a) noexcept:
    """Whether all elements are the same one in memory: an expanded number, as the gradient of a sum."""
    cdef int d
    for d in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_STRIDE(a, d) != 0 and cnp.PyArray_DIM(a, d) != 1:
            return False
    return PyArray_ISBEHAVED_RO(a) and cnp.PyArray_SIZE(a) > 0


cdef object call_direct(int op, object first, object second, object out):
    """The result, or None where a program or NumPy has to do it."""
    cdef cnp.ndarray a, b, y, like
    cdef int kind
    cdef Rows f
    if not PyArray_CheckExact(first) or not PyArray_CheckExact(second):
        return None
    a = <cnp.ndarray>first
    b = <cnp.ndarray>second
    kind = cnp.PyArray_TYPE(a)
    if kind != cnp.PyArray_TYPE(b) or (kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64):
        return None
    f.vary_a = f.vary_b = True
    if not PyArray_ISCARRAY_RO(a):
        if not is_one_number(a):
            return None
        f.vary_a = False
    if not PyArray_ISCARRAY_RO(b):
        if not is_one_number(b):
            return None
        f.vary_b = False
    like = a
    if cnp.PyArray_NDIM(b) == 0:
        f.vary_b = False
    elif cnp.PyArray_NDIM(a) == 0:
        f.vary_a = False
        like = b
    elif a is not b and not same_shape(a, b):
        return call_rows(op, a, b, kind) if out is None and f.vary_a and f.vary_b else None
    if cnp.PyArray_NDIM(like) == 0:
        return None
    f.rows, f.columns, f.step_a, f.step_b = 1, cnp.PyArray_SIZE(like), 0, 0
    if out is None and f.vary_a and take_over(first):
        y = a
    elif out is None:
        y = new_array(cnp.PyArray_NDIM(like), cnp.PyArray_DIMS(like), kind)
    else:
        y = <cnp.ndarray?>out
        if not PyArray_ISCARRAY(y) or cnp.PyArray_TYPE(y) != kind or not same_shape(y, like):
            return None
        if is_overwritten(y, a, f.vary_a) or is_overwritten(y, b, f.vary_b):
            return None
    run_direct(op, y, a, b, f, kind)
    return y


cdef bint is_overwritten(cnp.ndarray y, cnp.ndarray a, bint vary) noexcept:
    """Whether writing to ``y`` would change elements of ``a`` that are read later."""
    cdef char* start = <char*>cnp.PyArray_DATA(a)
    cdef char* target = <char*>cnp.PyArray_DATA(y)
    if not vary:
        return target <= start < target + cnp.PyArray_NBYTES(y)
    return start != target and start < target + cnp.PyArray_NBYTES(y) and target < start + cnp.PyArray_NBYTES(a)


cdef struct Rows:  # a frame of rows, and how two operands lie in it
    Py_ssize_t rows, columns, step_a, step_b
    bint vary_a, vary_b


cdef void run_direct(int op, cnp.ndarray y, cnp.ndarray a, cnp.ndarray b, Rows f, int kind):
    cdef void* to = cnp.PyArray_DATA(y)
    cdef void* p = cnp.PyArray_DATA(a)
    cdef void* q = cnp.PyArray_DATA(b)
    if f.rows * f.columns <= PIECE:
        run_typed(op, to, p, q, f, kind)
        return
    with nogil:
        run_typed(op, to, p, q, f, kind)


cdef inline void run_typed(int op, void* to, void* p, void* q, Rows f, int kind) noexcept nogil:
    if kind == cnp.NPY_FLOAT32:
        direct[float](op, <float*>to, Part[float](<float*>p, f.step_a, f.vary_a), Part[float](<float*>q, f.step_b, f.vary_b),
                      f.rows, f.columns)
    else:
        direct[double](op, <double*>to, Part[double](<double*>p, f.step_a, f.vary_a),
                       Part[double](<double*>q, f.step_b, f.vary_b), f.rows, f.columns)


cdef int FEW_COLUMNS = 16  # of shorter rows each costs more than its elements


cdef object call_rows(int op, cnp.ndarray a, cnp.ndarray b, int kind):
    """The result for contiguous operands that repeat rows, or numbers within rows; None for other ways to broadcast."""
    cdef cnp.npy_intp shape[32]
    cdef Py_ssize_t n, na, nb
    cdef int i, dims = max(cnp.PyArray_NDIM(a), cnp.PyArray_NDIM(b))
    cdef int more_a = dims - cnp.PyArray_NDIM(a), more_b = dims - cnp.PyArray_NDIM(b)
    cdef bint lead_a = True, lead_b = True
    cdef Rows f
    if dims > 32:
        return None
    f.rows = f.columns = 1
    f.vary_a = f.vary_b = True
    for i in range(dims - 1, -1, -1):
        na = cnp.PyArray_DIM(a, i - more_a) if i >= more_a else 1
        nb = cnp.PyArray_DIM(b, i - more_b) if i >= more_b else 1
        n = shape[i] = max(na, nb)
        if (na != n and na != 1) or (nb != n and nb != 1) or na * nb == 0:
            return None
        if n == 1:
            continue
        if f.rows == 1 and (f.columns == 1 or (f.vary_a == (na == n) and f.vary_b == (nb == n))):
            f.vary_a, f.vary_b = na == n, nb == n
            f.columns *= n
        elif f.rows == 1 or (lead_a == (na == n) and lead_b == (nb == n)):
            lead_a, lead_b = na == n, nb == n
            f.rows *= n
        else:
            return None
    if f.columns < FEW_COLUMNS:
        return None
    f.step_a = 0 if not lead_a else f.columns if f.vary_a else 1
    f.step_b = 0 if not lead_b else f.columns if f.vary_b else 1
    y = new_array(dims, shape, kind)
    run_direct(op, <cnp.ndarray>y, a, b, f, kind)
    return y


cdef Py_ssize_t broadcast_size(cnp.ndarray a, cnp.ndarray b) noexcept:
    """How many elements two arrays have when they are broadcast together, if they fit."""
    cdef Py_ssize_t size = 1, n
    cdef int i, dims
    if cnp.PyArray_NDIM(b) < cnp.PyArray_NDIM(a):
        a, b = b, a
    dims = cnp.PyArray_NDIM(b) - cnp.PyArray_NDIM(a)
    for i in range(cnp.PyArray_NDIM(b)):
        n = cnp.PyArray_DIM(b, i)
        if i >= dims and n == 1:
            n = cnp.PyArray_DIM(a, i - dims)
        size *= n
    return size


cdef bint is_for_program(object first, object second):
    """Whether the operands broadcast to, or are strided parts of, an array that is worth all threads."""
    cdef cnp.ndarray a, b
    cdef int kind
    if not PyArray_CheckExact(first) or not PyArray_CheckExact(second):
        return False
    a = <cnp.ndarray>first
    b = <cnp.ndarray>second
    kind = cnp.PyArray_TYPE(a)
    if kind != cnp.PyArray_TYPE(b) or (kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64):
        return False
    # Programs lay their result out like the first operand or in C order: only where NumPy does the same.
    if not PyArray_IS_C_CONTIGUOUS(b) or not (PyArray_IS_C_CONTIGUOUS(a) or same_shape(a, b)):
        return False
    return broadcast_size(a, b) > PIECE


import numpy as _np

cdef object np_add = _np.add, np_subtract = _np.subtract, np_multiply = _np.multiply, np_divide = _np.divide
cdef dict programs = {}


def set_programs(dict kernels):
    """The programs ("add", "subtract", "multiply", "divide") for operands that broadcast."""
    programs.update(kernels)


def add(x, y, out=None):
    """``x + y``."""
    cdef object found = call_direct(OP_add, x, y, out)
    if found is not None:
        return found
    if out is not None:
        return np_add(x, y, out)
    return programs["add"](x, y) if is_for_program(x, y) else x + y


def subtract(x, y, out=None):
    """``x - y``."""
    cdef object found = call_direct(OP_subtract, x, y, out)
    if found is not None:
        return found
    if out is not None:
        return np_subtract(x, y, out)
    return programs["subtract"](x, y) if is_for_program(x, y) else x - y


def multiply(x, y, out=None):
    """``x * y``."""
    cdef object found = call_direct(OP_multiply, x, y, out)
    if found is not None:
        return found
    if out is not None:
        return np_multiply(x, y, out)
    return programs["multiply"](x, y) if is_for_program(x, y) else x * y


def divide(x, y, out=None):
    """``x / y``."""
    cdef object found = call_direct(OP_divide, x, y, out)
    if found is not None:
        return found
    if out is not None:
        return np_divide(x, y, out)
    return programs["divide"](x, y) if is_for_program(x, y) else x / y


cdef object np_negative = _np.negative, np_absolute = _np.absolute, np_sqrt = _np.sqrt, np_exp = _np.exp, np_expm1 = _np.expm1
cdef object np_log = _np.log, np_log1p = _np.log1p, np_tanh = _np.tanh, np_reciprocal = _np.reciprocal, np_square = _np.square
cdef object np_sin = _np.sin, np_cos = _np.cos


def negative(x, out=None):
    """NumPy's ``negative``."""
    cdef object found = call_direct(OP_negative, x, x, out)
    return np_negative(x, out) if found is None else found


def absolute(x, out=None):
    """NumPy's ``absolute``."""
    cdef object found = call_direct(OP_absolute, x, x, out)
    return np_absolute(x, out) if found is None else found


def sqrt(x, out=None):
    """NumPy's ``sqrt``."""
    cdef object found = call_direct(OP_sqrt, x, x, out)
    return np_sqrt(x, out) if found is None else found


def exp(x, out=None):
    """NumPy's ``exp``."""
    cdef object found = call_direct(OP_exp, x, x, out)
    return np_exp(x, out) if found is None else found


def expm1(x, out=None):
    """NumPy's ``expm1``."""
    cdef object found = call_direct(OP_expm1, x, x, out)
    return np_expm1(x, out) if found is None else found


def log(x, out=None):
    """NumPy's ``log``."""
    cdef object found = call_direct(OP_log, x, x, out)
    return np_log(x, out) if found is None else found


def log1p(x, out=None):
    """NumPy's ``log1p``."""
    cdef object found = call_direct(OP_log1p, x, x, out)
    return np_log1p(x, out) if found is None else found


def tanh(x, out=None):
    """NumPy's ``tanh``."""
    cdef object found = call_direct(OP_tanh, x, x, out)
    return np_tanh(x, out) if found is None else found


def sin(x, out=None):
    """NumPy's ``sin``."""
    cdef object found = call_direct(OP_sin, x, x, out)
    return np_sin(x, out) if found is None else found


def cos(x, out=None):
    """NumPy's ``cos``."""
    cdef object found = call_direct(OP_cos, x, x, out)
    return np_cos(x, out) if found is None else found


def reciprocal(x, out=None):
    """NumPy's ``reciprocal``."""
    cdef object found = call_direct(OP_reciprocal, x, x, out)
    return np_reciprocal(x, out) if found is None else found


def square(x, out=None):
    """NumPy's ``square``."""
    cdef object found = call_direct(OP_square, x, x, out)
    return np_square(x, out) if found is None else found
