# Products of small matrices, see small.h.

cdef extern from "small.h" namespace "wengert::arrays" nogil:
    void multiply_small[T](Py_ssize_t, Py_ssize_t, Py_ssize_t, void*, cnp.npy_intp*, void*, cnp.npy_intp*, T*)

cdef enum:
    SMALL_PRODUCT = 32768  # multiplications


def small_product(x, y):
    """``x @ y`` for two small matrices of one dtype, float32 or float64; None for anything else."""
    cdef cnp.ndarray a, b, out
    cdef Py_ssize_t rows, columns, depth
    cdef int kind
    cdef cnp.npy_intp shape[2]
    if not PyArray_CheckExact(x) or not PyArray_CheckExact(y):
        return None
    a = <cnp.ndarray>x
    b = <cnp.ndarray>y
    kind = cnp.PyArray_TYPE(a)
    if kind != cnp.PyArray_TYPE(b) or (kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64):
        return None
    if cnp.PyArray_NDIM(a) != 2 or cnp.PyArray_NDIM(b) != 2 or not PyArray_ISBEHAVED_RO(a) or not PyArray_ISBEHAVED_RO(b):
        return None
    rows, depth, columns = cnp.PyArray_DIM(a, 0), cnp.PyArray_DIM(a, 1), cnp.PyArray_DIM(b, 1)
    if cnp.PyArray_DIM(b, 0) != depth or rows == 0 or columns < 2 or rows * columns * depth > SMALL_PRODUCT:
        return None
    if rows < 4 and cnp.PyArray_STRIDE(b, 1) != cnp.PyArray_ITEMSIZE(b):
        return None  # laying out the second one anew costs more than the product
    shape[0] = rows
    shape[1] = columns
    out = new_array(2, shape, kind)
    cdef void* p = cnp.PyArray_DATA(a)
    cdef void* q = cnp.PyArray_DATA(b)
    cdef void* to = cnp.PyArray_DATA(out)
    if kind == cnp.NPY_FLOAT32:
        multiply_small[float](rows, columns, depth, p, cnp.PyArray_STRIDES(a), q, cnp.PyArray_STRIDES(b), <float*>to)
    else:
        multiply_small[double](rows, columns, depth, p, cnp.PyArray_STRIDES(a), q, cnp.PyArray_STRIDES(b), <double*>to)
    return out


def by_columns(x):
    """Whether a matrix lies in memory column by column."""
    if not PyArray_CheckExact(x):
        flags = x.flags
        return bool(flags.f_contiguous and not flags.c_contiguous)
    return bool(cnp.PyArray_IS_F_CONTIGUOUS(<cnp.ndarray>x) and not PyArray_IS_C_CONTIGUOUS(<cnp.ndarray>x))
