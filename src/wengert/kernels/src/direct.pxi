# Single operators on arrays whose memory is rows at equal distances (contiguous ones, and most slices) and single numbers of one
# dtype, float32 or float64: a third of the cost of NumPy's ufuncs on small ones, all threads on large ones; large ones that
# broadcast in other ways than by rows go through programs.
# Everything else is NumPy's, without its floating-point warnings where an
# operator meets infinities.  `out` may be an operand.

cdef extern from "numpy/arrayscalars.h":
    """
    // The place and the type of a NumPy scalar's number; -1 for anything else.
    static inline int scalar_kind(PyObject* x, void** place) {
      if (Py_IS_TYPE(x, &PyFloatArrType_Type)) {
        *place = &PyArrayScalar_VAL(x, Float);
        return NPY_FLOAT;
      }
      if (Py_IS_TYPE(x, &PyDoubleArrType_Type)) {
        *place = &PyArrayScalar_VAL(x, Double);
        return NPY_DOUBLE;
      }
      return -1;
    }
    // A new NumPy scalar, and the place of its number, to be filled in.
    static inline PyObject* new_scalar(int kind, void** place) {
      PyTypeObject* type = kind == NPY_FLOAT ? &PyFloatArrType_Type : &PyDoubleArrType_Type;
      PyObject* out = type->tp_alloc(type, 0);
      if (out) *place = kind == NPY_FLOAT ? (void*)&PyArrayScalar_VAL(out, Float) : (void*)&PyArrayScalar_VAL(out, Double);
      return out;
    }
    """
    int scalar_kind(object, void**)
    object new_scalar(int, void**)

cdef extern from "numpy/arrayobject.h":
    bint PyArray_ISCARRAY(cnp.ndarray)
    bint PyArray_ISCARRAY_RO(cnp.ndarray)
    bint PyArray_ISWRITEABLE(cnp.ndarray)
    int PyArray_CompareLists(cnp.npy_intp*, cnp.npy_intp*, int)
    object PyArray_FromScalar(object, void*)
    object PyArray_NewFromDescr(void*, cnp.dtype, int, cnp.npy_intp*, cnp.npy_intp*, void*, int, void*)
    char PyArray_Type

cdef extern from "direct.h" namespace "wengert" nogil:
    cdef int PIECE, FEW
    cdef cppclass Side:
        const void* data
        cbool vary
        Index step
    void direct[T](int, T*, Side, Side, Index, Index)
    bint few[T](int, T*, const Side&, const Side&, Index)
    void sum_middle[T](T*, const T*, Index, Index, Index)
    cdef int OP_add, OP_subtract, OP_multiply, OP_divide, OP_maximum, OP_minimum
    cdef int OP_negative, OP_absolute, OP_sqrt, OP_exp, OP_expm1, OP_log, OP_log1p, OP_tanh, OP_sigmoid, OP_erf
    cdef int OP_reciprocal, OP_square, OP_sin, OP_cos


cdef struct Given:  # an operand
    void* data
    int kind, dims
    cnp.npy_intp* shape
    cnp.npy_intp* strides
    bint single     # one number, whatever the shape
    bint dense      # contiguous


cdef bint read(object x, Given* given) noexcept:
    """What an operand is; False for those that NumPy has to take."""
    cdef cnp.ndarray a
    cdef int d
    given.dims = 0
    given.shape = NULL
    given.single = True
    given.dense = False
    if not PyArray_CheckExact(x):
        given.kind = scalar_kind(x, &given.data)
        return given.kind >= 0
    a = <cnp.ndarray>x
    given.kind = cnp.PyArray_TYPE(a)
    if given.kind != cnp.NPY_FLOAT32 and given.kind != cnp.NPY_FLOAT64:
        return False
    given.data = cnp.PyArray_DATA(a)
    given.dims = cnp.PyArray_NDIM(a)
    given.shape = cnp.PyArray_DIMS(a)
    given.strides = cnp.PyArray_STRIDES(a)
    for d in range(given.dims):
        if given.strides[d] != 0:
            given.single = False
            given.dense = PyArray_ISCARRAY_RO(a)
            return given.dense or PyArray_ISBEHAVED_RO(a)
    return PyArray_ISBEHAVED_RO(a)


cdef inline Py_ssize_t step_in(Given* given, int dims, int d) noexcept:
    """Elements from one index of a dimension of the frame to the next; 0 where the operand does not vary."""
    cdef int missing = dims - given.dims
    if given.single or d < missing or given.shape[d - missing] == 1:
        return 0
    return given.strides[d - missing] // (4 if given.kind == cnp.NPY_FLOAT32 else 8)


cdef inline bint widen(Given* given, cnp.npy_intp* shape, int dims) noexcept:
    """Broadcast the frame with an operand; False where it does not fit."""
    cdef int d, missing = dims - given.dims
    for d in range(missing, dims):
        if given.shape[d - missing] != 1:
            if shape[d] != 1 and shape[d] != given.shape[d - missing]:
                return False
            shape[d] = given.shape[d - missing]
    return True


cdef bint frame(Given* a, Given* b, cnp.npy_intp* shape, Side* p, Side* q, Py_ssize_t* rows, Py_ssize_t* n) noexcept:
    """The shape of the result, and the operands as rows of ``n`` numbers; False where they are no such rows."""
    cdef int d, dims = max(a.dims, b.dims)
    cdef Py_ssize_t size, first, second
    cdef bint begun = False, in_row = True
    p.data = a.data
    q.data = b.data
    p.step = q.step = 0
    p.vary = q.vary = False
    rows[0] = n[0] = 1
    for d in range(dims):
        shape[d] = 1
    if not widen(a, shape, dims) or not widen(b, shape, dims):
        return False  # NumPy says what does not fit
    for d in range(dims - 1, -1, -1):
        size = shape[d]
        if size == 1:
            continue
        first = step_in(a, dims, d)
        second = step_in(b, dims, d)
        if first < 0 or second < 0:
            return False
        if not begun:
            begun = True
            p.vary = first == 1
            q.vary = second == 1
        if in_row and first == (n[0] if p.vary else 0) and second == (n[0] if q.vary else 0):
            n[0] *= size
            continue
        if in_row:
            in_row = False
            p.step = first
            q.step = second
        elif first != p.step * rows[0] or second != q.step * rows[0]:
            return False
        rows[0] *= size
    return rows[0] == 1 or n[0] >= 16 or rows[0] * n[0] <= 4096  # of shorter rows each costs more than its elements


cdef inline bint same_shape(cnp.ndarray a, cnp.ndarray b) noexcept:
    return cnp.PyArray_NDIM(a) == cnp.PyArray_NDIM(b) and PyArray_CompareLists(
        cnp.PyArray_DIMS(a), cnp.PyArray_DIMS(b), cnp.PyArray_NDIM(a)
    )


cdef inline bint same_sizes(Given* a, Given* b) noexcept:
    return a.dims == b.dims and PyArray_CompareLists(a.shape, b.shape, a.dims)


cdef inline bint are_twins(object first, object second) noexcept:
    """Whether the operands are contiguous arrays of one shape and dtype, the ordinary case."""
    cdef cnp.ndarray a, b
    if not PyArray_CheckExact(first) or not PyArray_CheckExact(second):
        return False
    a = <cnp.ndarray>first
    b = <cnp.ndarray>second
    if cnp.PyArray_TYPE(a) != cnp.NPY_FLOAT32 and cnp.PyArray_TYPE(a) != cnp.NPY_FLOAT64:
        return False
    if cnp.PyArray_NDIM(a) == 0 or not PyArray_ISCARRAY_RO(a):
        return False
    return a is b or (cnp.PyArray_TYPE(b) == cnp.PyArray_TYPE(a) and PyArray_ISCARRAY_RO(b) and same_shape(a, b))


cdef object call_direct(int op, object first, object second, object out):
    """The result, or None where NumPy has to do it."""
    cdef Given a, b
    cdef Side p, q
    cdef Py_ssize_t rows = 1, n = 1
    cdef int dims
    cdef cnp.npy_intp shape[64]
    cdef cnp.npy_intp* sizes = shape
    if are_twins(first, second):
        a.kind = cnp.PyArray_TYPE(<cnp.ndarray>first)
        dims = a.dims = cnp.PyArray_NDIM(<cnp.ndarray>first)
        sizes = cnp.PyArray_DIMS(<cnp.ndarray>first)
        n = cnp.PyArray_SIZE(<cnp.ndarray>first)
        p.data = cnp.PyArray_DATA(<cnp.ndarray>first)
        q.data = cnp.PyArray_DATA(<cnp.ndarray>second)
        p.vary = q.vary = True
        p.step = q.step = 0
    else:
        if not read(first, &a):
            return None
        if second is first:
            b = a
        elif not read(second, &b) or a.kind != b.kind:
            return None
        dims = max(a.dims, b.dims)
        if dims == 0 and out is None:
            return call_number(op, &a, &b)
        if not frame(&a, &b, shape, &p, &q, &rows, &n):
            return None
    if out is None and rows == 1 and p.vary and a.dims == dims and take_over(first):
        out = first
    elif out is None:
        out = new_array(dims, sizes, a.kind)
    elif not takes(out, a.kind, dims, sizes, &p, &q, rows, n):
        return None
    run_direct(op, cnp.PyArray_DATA(<cnp.ndarray>out), p, q, a.kind, rows, n)
    return out


cdef object call_number(int op, Given* a, Given* b):
    """The result for single numbers, as a NumPy scalar."""
    cdef void* place = NULL
    cdef object out = new_scalar(a.kind, &place)
    cdef Side p, q
    p.data = a.data
    q.data = b.data
    p.vary = q.vary = False
    p.step = q.step = 0
    run_direct(op, place, p, q, a.kind, 1, 1)
    return out


cdef bint takes(
    object out, int kind, int dims, cnp.npy_intp* shape, Side* p, Side* q, Py_ssize_t rows, Py_ssize_t n
) noexcept:
    """Whether the result can be written straight into ``out``: no operand is overwritten before it is read."""
    cdef cnp.ndarray y
    if not PyArray_CheckExact(out):
        return False
    y = <cnp.ndarray>out
    if not PyArray_ISCARRAY(y) or cnp.PyArray_TYPE(y) != kind or cnp.PyArray_NDIM(y) != dims:
        return False
    if not PyArray_CompareLists(cnp.PyArray_DIMS(y), shape, dims):
        return False
    return not disturbed(y, p, rows, n) and not disturbed(y, q, rows, n)


cdef bint disturbed(cnp.ndarray y, Side* side, Py_ssize_t rows, Py_ssize_t n) noexcept:
    cdef char* start = <char*>side.data
    cdef char* target = <char*>cnp.PyArray_DATA(y)
    cdef Py_ssize_t count = (side.step * (rows - 1) if rows else 0) + (n if side.vary else 1)
    if start == target and (n == 1 or side.vary) and (rows == 1 or side.step == n):
        return False  # element by element
    return start < target + cnp.PyArray_NBYTES(y) and target < start + count * cnp.PyArray_ITEMSIZE(y)


cdef void run_direct(int op, void* to, Side p, Side q, int kind, Py_ssize_t rows, Py_ssize_t n) noexcept:
    if rows == 1 and n <= FEW:
        if few[float](op, <float*>to, p, q, n) if kind == cnp.NPY_FLOAT32 else few[double](op, <double*>to, p, q, n):
            return
    if rows * n <= PIECE:
        if kind == cnp.NPY_FLOAT32:
            direct[float](op, <float*>to, p, q, rows, n)
        else:
            direct[double](op, <double*>to, p, q, rows, n)
        return
    with nogil:
        if kind == cnp.NPY_FLOAT32:
            direct[float](op, <float*>to, p, q, rows, n)
        else:
            direct[double](op, <double*>to, p, q, rows, n)


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
    if PyArray_IS_C_CONTIGUOUS(b) and (PyArray_IS_C_CONTIGUOUS(a) or same_shape(a, b)):
        return broadcast_size(a, b) > PIECE
    return PyArray_IS_C_CONTIGUOUS(a) and PyArray_ISBEHAVED_RO(b) and same_shape(a, b) and cnp.PyArray_SIZE(a) > PIECE


import numpy as _np

cdef object np_add = _np.add, np_subtract = _np.subtract, np_multiply = _np.multiply, np_divide = _np.divide
cdef dict programs = {}


cdef inline object many(object ufunc, object x, object y):
    """The result for large arrays of other dtypes; None where there is none."""
    return long_loop(ufunc, 2, x, y) if is_long(x) or is_long(y) else None


def set_programs(dict kernels):
    """The programs ("add", "subtract", "multiply", "divide") for operands that broadcast, and "sum" for large arrays."""
    programs.update(kernels)


def add(x, y, out=None):
    """``x + y``."""
    cdef object found = call_direct(OP_add, x, y, out)
    if found is not None:
        return found
    if out is not None:
        return np_add(x, y, out)
    if is_for_program(x, y):
        return programs["add"](x, y)
    found = many(np_add, x, y)
    return x + y if found is None else found


def subtract(x, y, out=None):
    """``x - y``."""
    cdef object found = call_direct(OP_subtract, x, y, out)
    if found is not None:
        return found
    if out is not None:
        return np_subtract(x, y, out)
    if is_for_program(x, y):
        return programs["subtract"](x, y)
    found = many(np_subtract, x, y)
    return x - y if found is None else found


def multiply(x, y, out=None):
    """``x * y``."""
    cdef object found = call_direct(OP_multiply, x, y, out)
    if found is not None:
        return found
    if out is not None:
        return np_multiply(x, y, out)
    if is_for_program(x, y):
        return programs["multiply"](x, y)
    found = many(np_multiply, x, y)
    return x * y if found is None else found


def divide(x, y, out=None):
    """``x / y``."""
    cdef object found = call_direct(OP_divide, x, y, out)
    if found is not None:
        return found
    if out is not None:
        with _errstate(all="ignore"):
            return np_divide(x, y, out)
    if is_for_program(x, y):
        return programs["divide"](x, y)
    found = many(np_divide, x, y)
    if found is not None:
        return found
    with _errstate(all="ignore"):
        return x / y


cdef object np_negative = _np.negative, np_absolute = _np.absolute, np_sqrt = _np.sqrt, np_exp = _np.exp, np_expm1 = _np.expm1
cdef object np_log = _np.log, np_log1p = _np.log1p, np_tanh = _np.tanh, np_reciprocal = _np.reciprocal, np_square = _np.square
cdef object np_sin = _np.sin, np_cos = _np.cos


cdef object unary(int op, object ufunc, object x, object out):
    cdef object found = call_direct(op, x, x, out)
    if found is not None:
        return found
    if out is None and is_long(x):
        found = long_loop(ufunc, 1, x, None)
        if found is not None:
            return found
    with _errstate(all="ignore"):
        return ufunc(x, out)


def negative(x, out=None):
    """NumPy's ``negative``."""
    return unary(OP_negative, np_negative, x, out)


def absolute(x, out=None):
    """NumPy's ``absolute``."""
    return unary(OP_absolute, np_absolute, x, out)


def sqrt(x, out=None):
    """NumPy's ``sqrt``."""
    return unary(OP_sqrt, np_sqrt, x, out)


def exp(x, out=None):
    """NumPy's ``exp``."""
    return unary(OP_exp, np_exp, x, out)


def expm1(x, out=None):
    """NumPy's ``expm1``."""
    return unary(OP_expm1, np_expm1, x, out)


def log(x, out=None):
    """NumPy's ``log``."""
    return unary(OP_log, np_log, x, out)


def log1p(x, out=None):
    """NumPy's ``log1p``."""
    return unary(OP_log1p, np_log1p, x, out)


def tanh(x, out=None):
    """NumPy's ``tanh``."""
    return unary(OP_tanh, np_tanh, x, out)


def reciprocal(x, out=None):
    """NumPy's ``reciprocal``."""
    return unary(OP_reciprocal, np_reciprocal, x, out)


def square(x, out=None):
    """NumPy's ``square``."""
    return unary(OP_square, np_square, x, out)


cdef object np_maximum = _np.maximum, zero_float = _np.zeros((), _np.float32), zero_double = _np.zeros(())


def relu(x):
    """``maximum(0, x)``: -0.0 stays, and what is not a number."""
    cdef Given given
    cdef object found
    if read(x, &given):
        found = call_direct(OP_maximum, zero_float if given.kind == cnp.NPY_FLOAT32 else zero_double, x, None)
        if found is not None:
            return found
    with _errstate(all="ignore"):
        return np_maximum(0, x)


def sin(x, out=None):
    """NumPy's ``sin``."""
    return unary(OP_sin, np_sin, x, out)


def cos(x, out=None):
    """NumPy's ``cos``."""
    return unary(OP_cos, np_cos, x, out)


cdef enum:
    LARGEST_SUM = 16384  # elements, as in reductions.py



def add_up(x, axis, keepdims):
    """The sum over dimensions (None: all): NumPy's ``add.reduce``, which takes ten times as long on small arrays."""
    cdef object found = add_up_small(x, axis, keepdims)
    if found is not None:
        return found
    with _errstate(all="ignore"):
        return programs["sum"](x, axis, keepdims)


cdef object add_up_small(object x, object axis, bint keepdims):
    """The sum of a contiguous array over neighbouring dimensions; None where NumPy has to do it."""
    cdef cnp.ndarray a
    cdef int d, dims, kind, first = 0, last
    cdef Py_ssize_t outer = 1, n = 1, inner = 1
    cdef object out
    cdef void* place = NULL
    if not PyArray_CheckExact(x):
        return None
    a = <cnp.ndarray>x
    kind = cnp.PyArray_TYPE(a)
    dims = cnp.PyArray_NDIM(a)
    if (kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64) or not PyArray_ISCARRAY_RO(a):
        return None
    if dims == 0 or cnp.PyArray_SIZE(a) >= LARGEST_SUM:
        return None
    last = dims
    if type(axis) is tuple and len(<tuple>axis) > 0:
        first = (<tuple>axis)[0]
        last = first
        for d in <tuple>axis:
            if d != last or d >= dims or d < 0:
                return None
            last += 1
    elif axis is not None:
        return None
    for d in range(dims):
        if d < first:
            outer *= cnp.PyArray_DIM(a, d)
        elif d < last:
            n *= cnp.PyArray_DIM(a, d)
        else:
            inner *= cnp.PyArray_DIM(a, d)
    if first == 0 and last == dims and not keepdims:
        out = new_scalar(kind, &place)
    else:
        out = new_sums(a, first, last, keepdims)
        place = cnp.PyArray_DATA(<cnp.ndarray>out)
    if kind == cnp.NPY_FLOAT32:
        sum_middle[float](<float*>place, <float*>cnp.PyArray_DATA(a), outer, n, inner)
    else:
        sum_middle[double](<double*>place, <double*>cnp.PyArray_DATA(a), outer, n, inner)
    return out


cdef object new_sums(cnp.ndarray a, int first, int last, bint keepdims):
    """An array for sums over the dimensions from ``first`` to before ``last``."""
    cdef cnp.npy_intp shape[64]
    cdef int d, dims = 0
    for d in range(cnp.PyArray_NDIM(a)):
        if first <= d < last:
            if not keepdims:
                continue
            shape[dims] = 1
        else:
            shape[dims] = cnp.PyArray_DIM(a, d)
        dims += 1
    return new_array(dims, shape, cnp.PyArray_TYPE(a))
