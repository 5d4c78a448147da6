# Views and copies of whole pieces, which NumPy's general indexing and joining take several times as long for.


def spread(x, shape, tuple strides):
    """The number or contiguous array ``x`` read as an array of another shape, with strides in bytes.

    What lies outside of ``x`` is not looked for: the caller vouches for the strides.
    """
    cdef cnp.npy_intp sizes[64]
    cdef cnp.npy_intp steps[64]
    cdef int d, dims = len(strides)
    if not isinstance(shape, tuple) or len(<tuple>shape) != dims or dims > 64:  # a Size is a tuple
        raise ValueError("as many sizes in a tuple as strides, at most 64")
    for d in range(dims):
        sizes[d] = (<tuple>shape)[d]
        steps[d] = strides[d]
    if PyArray_CheckExact(x):
        return new_view(<cnp.ndarray>x, dims, sizes, steps, 0)
    return new_view(<cnp.ndarray?>PyArray_FromScalar(x, NULL), dims, sizes, steps, 0)


def select(cnp.ndarray x, int dim, Py_ssize_t index):
    """One index of a dimension, as a view; always an array."""
    cdef cnp.npy_intp sizes[64]
    cdef cnp.npy_intp steps[64]
    cdef int d, dims = 0
    if not 0 <= dim < cnp.PyArray_NDIM(x):
        raise IndexError(f"dimension {dim} of {cnp.PyArray_NDIM(x)}")
    if not 0 <= index < cnp.PyArray_DIM(x, dim):
        raise IndexError(f"index {index} of {cnp.PyArray_DIM(x, dim)}")
    for d in range(cnp.PyArray_NDIM(x)):
        if d != dim:
            sizes[dims] = cnp.PyArray_DIM(x, d)
            steps[dims] = cnp.PyArray_STRIDE(x, d)
            dims += 1
    return new_view(x, dims, sizes, steps, index * cnp.PyArray_STRIDE(x, dim))


cdef object new_view(cnp.ndarray x, int dims, cnp.npy_intp* shape, cnp.npy_intp* strides, Py_ssize_t offset):
    cdef cnp.dtype descr = x.descr
    cdef int flags = cnp.PyArray_FLAGS(x) & cnp.NPY_ARRAY_WRITEABLE
    cdef object out
    Py_INCREF(descr)  # taken over by the call
    out = PyArray_NewFromDescr(&PyArray_Type, descr, dims, shape, strides, <char*>cnp.PyArray_DATA(x) + offset, flags, NULL)
    cnp.set_array_base(<cnp.ndarray>out, x)
    return out


def owned(x, like):
    """Whether the memory is that of the array alone, may be written to, and is in the order of another array."""
    if not PyArray_CheckExact(x) or not PyArray_CheckExact(like):
        return False
    cdef cnp.ndarray a = <cnp.ndarray>x
    cdef cnp.ndarray b = <cnp.ndarray>like
    if not cnp.PyArray_CHKFLAGS(a, cnp.NPY_ARRAY_OWNDATA) or not PyArray_ISWRITEABLE(a):
        return False
    if PyArray_IS_C_CONTIGUOUS(a) == PyArray_IS_C_CONTIGUOUS(b):
        return True
    return cnp.PyArray_NDIM(a) == cnp.PyArray_NDIM(b) and PyArray_CompareLists(
        cnp.PyArray_STRIDES(a), cnp.PyArray_STRIDES(b), cnp.PyArray_NDIM(a)
    )


def stack(list parts, int dim):
    """The small arrays or numbers of one shape and dtype along a new dimension; None where they are not contiguous."""
    cdef Given first, given
    cdef cnp.npy_intp shape[64]
    cdef Py_ssize_t outer = 1, inner, count = len(parts), i, k
    cdef int d
    cdef cnp.ndarray out
    cdef char* to
    if count == 0 or not read(parts[0], &first) or first.dims > 32 or not 0 <= dim <= first.dims:
        return None
    inner = 4 if first.kind == cnp.NPY_FLOAT32 else 8
    for d in range(first.dims):
        shape[d if d < dim else d + 1] = first.shape[d]
        if d < dim:
            outer *= first.shape[d]
        else:
            inner *= first.shape[d]
    shape[dim] = count
    if outer * count * inner >= LONG_LOOP:  # bytes: for longer ones there are threads
        return None
    out = new_array(first.dims + 1, shape, first.kind)
    to = <char*>cnp.PyArray_DATA(out)
    for i in range(count):
        if not read(parts[i], &given) or given.kind != first.kind or not same_sizes(&given, &first):
            return None
        if not given.dense and given.dims != 0:
            return None
        for k in range(outer):
            memcpy(to + (k * count + i) * inner, <char*>given.data + k * inner, inner)
    return out
