# Products of two matrices: small.h on the calling thread, products.h on all of them.

cdef extern from "small.h" namespace "wengert::arrays" nogil:
    void multiply_small[T](const Pair&, T*)
cdef extern from "products.h" namespace "wengert::arrays" nogil:
    cdef cppclass Pair:
        Py_ssize_t rows, columns, depth
        void set(int, const void*, Py_ssize_t, Py_ssize_t)
    void multiply_pair[T](const Pair&, T*)

cdef enum:
    SMALL_PRODUCT = 32768  # multiplications, at most
    LARGE_PRODUCT = 65536  # at least, as in products.py; what lies between is as fast by OpenBLAS


cdef bint is_matrix(object x, int kind) noexcept:
    return PyArray_CheckExact(x) and cnp.PyArray_TYPE(<cnp.ndarray>x) == kind and PyArray_ISBEHAVED_RO(<cnp.ndarray>x)


cdef bint broadcasts(cnp.ndarray start, Py_ssize_t rows, Py_ssize_t columns) noexcept:
    """Whether a matrix, or a row, can be added to a matrix of that size."""
    cdef int dims = cnp.PyArray_NDIM(start)
    if dims < 1 or dims > 2 or (dims == 2 and cnp.PyArray_DIM(start, 0) != 1 and cnp.PyArray_DIM(start, 0) != rows):
        return False
    return cnp.PyArray_DIM(start, dims - 1) == 1 or cnp.PyArray_DIM(start, dims - 1) == columns


cdef inline Py_ssize_t step_of(cnp.ndarray a, int d) noexcept:
    """From one element of a dimension to the next, in elements; 0 where there is no next."""
    return 0 if d < 0 or cnp.PyArray_DIM(a, d) == 1 else cnp.PyArray_STRIDE(a, d) // cnp.PyArray_ITEMSIZE(a)


def product(x, y, start, int turned):
    """``x @ y`` for two matrices of one dtype, float32 or float64, added to ``start`` unless that is None.

    ``turned``: 1 if ``x`` is to be transposed before, 2 if ``y`` is, 3 if both are.  None for everything else, for what OpenBLAS does as fast, and where ``start`` does not broadcast to the product.
    """
    cdef cnp.ndarray a, b
    cdef Py_ssize_t rows, columns, depth
    cdef int kind, last
    cdef int row = turned & 1, column = 1 - (turned >> 1)  # the dimension of the result's rows in x, of its columns in y
    cdef bint small
    cdef Pair pair
    cdef cnp.npy_intp shape[2]
    if not PyArray_CheckExact(x):
        return None
    a = <cnp.ndarray>x
    kind = cnp.PyArray_TYPE(a)
    if (kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64) or not is_matrix(x, kind) or not is_matrix(y, kind):
        return None
    b = <cnp.ndarray>y
    if cnp.PyArray_NDIM(a) != 2 or cnp.PyArray_NDIM(b) != 2:
        return None
    rows, depth, columns = cnp.PyArray_DIM(a, row), cnp.PyArray_DIM(a, 1 - row), cnp.PyArray_DIM(b, column)
    if cnp.PyArray_DIM(b, 1 - column) != depth or rows == 0 or columns < 2:
        return None
    small = rows * columns * depth <= SMALL_PRODUCT
    if small and rows < 4 and cnp.PyArray_STRIDE(b, column) != cnp.PyArray_ITEMSIZE(b):
        return None  # laying out the second one anew costs more than the product
    if not small and (rows == 1 or rows * columns * depth < LARGE_PRODUCT):
        return None
    if start is not None and not (is_matrix(start, kind) and broadcasts(<cnp.ndarray>start, rows, columns)):
        return None
    shape[0] = rows
    shape[1] = columns
    pair.rows, pair.columns, pair.depth = rows, columns, depth
    pair.set(0, cnp.PyArray_DATA(a), step_of(a, row), step_of(a, 1 - row))
    pair.set(1, cnp.PyArray_DATA(b), step_of(b, 1 - column), step_of(b, column))
    if start is not None:
        last = cnp.PyArray_NDIM(<cnp.ndarray>start) - 1
        pair.set(2, cnp.PyArray_DATA(<cnp.ndarray>start), step_of(start, last - 1), step_of(start, last))
    out = new_array(2, shape, kind)
    multiply_in(out, pair, kind, small)
    return out


cdef void multiply_in(cnp.ndarray out, const Pair& pair, int kind, bint small) noexcept:
    cdef void* to = cnp.PyArray_DATA(out)
    if small:
        if kind == cnp.NPY_FLOAT32:
            multiply_small(pair, <float*>to)
        else:
            multiply_small(pair, <double*>to)
        return
    with nogil:
        if kind == cnp.NPY_FLOAT32:
            multiply_pair(pair, <float*>to)
        else:
            multiply_pair(pair, <double*>to)


def by_columns(x):
    """Whether a matrix lies in memory column by column."""
    if not PyArray_CheckExact(x):
        flags = x.flags
        return bool(flags.f_contiguous and not flags.c_contiguous)
    return bool(cnp.PyArray_IS_F_CONTIGUOUS(<cnp.ndarray>x) and not PyArray_IS_C_CONTIGUOUS(<cnp.ndarray>x))
