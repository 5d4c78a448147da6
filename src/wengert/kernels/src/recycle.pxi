# New arrays, the large ones in recycled memory, see recycle.h.

from cpython.pycapsule cimport PyCapsule_New
from cpython.ref cimport Py_INCREF
from libc.string cimport memcpy, memset

cdef extern from "recycle.h" namespace "wengert" nogil:
    cdef cppclass Recycler:
        void* allocate(size_t)
        void release(void*)
        void* resize(void*, size_t)
        void set_limit(size_t)
        size_t limit()
        size_t held()
    Recycler& recycler()
    const size_t LARGE "wengert::Recycler::smallest"

cdef extern from "spares.h" namespace "wengert":
    cdef cppclass Spares:
        bint serve(type, object, object)
        object array(int, cnp.npy_intp*, int)
        void set_enabled(bint)
        size_t held()
    Spares spares
    const size_t MOST_SPARE "wengert::Spares::most_held"

cdef extern from "numpy/arrayobject.h":
    ctypedef struct PyDataMemAllocator:
        void* ctx
        void* (*malloc)(void*, size_t) noexcept
        void* (*calloc)(void*, size_t, size_t) noexcept
        void* (*realloc)(void*, void*, size_t) noexcept
        void (*free)(void*, void*, size_t) noexcept
    ctypedef struct PyDataMem_Handler:
        char name[127]
        unsigned char version
        PyDataMemAllocator allocator
    object PyDataMem_SetHandler(object)
    object PyArray_NewLikeArray(cnp.ndarray, int, cnp.dtype, int)
    bint PyArray_IS_C_CONTIGUOUS(cnp.ndarray)
    object PyArray_SimpleNew(int, cnp.npy_intp*, int)
    object PyArray_Empty(int, cnp.npy_intp*, cnp.dtype, int)
    int NPY_KEEPORDER


cdef void* _malloc(void* ctx, size_t size) noexcept:
    return recycler().allocate(size)


cdef void* _calloc(void* ctx, size_t count, size_t size) noexcept:
    cdef void* data = recycler().allocate(count * size)
    if data != NULL:
        memset(data, 0, count * size)
    return data


cdef void* _realloc(void* ctx, void* data, size_t size) noexcept:
    return recycler().resize(data, size)


cdef void _free(void* ctx, void* data, size_t size) noexcept:
    recycler().release(data)


cdef PyDataMem_Handler _handler
memcpy(_handler.name, b"wengert", 8)
_handler.version = 1
_handler.allocator.malloc = _malloc
_handler.allocator.calloc = _calloc
_handler.allocator.realloc = _realloc
_handler.allocator.free = _free
cdef object _capsule = PyCapsule_New(&_handler, "mem_handler", NULL)


cdef extern from "bytes.h" namespace "wengert::arrays" nogil:
    void clear_bytes(Py_ssize_t, char*)

cdef enum:
    MANY = 65536  # elements


cdef inline bint small(size_t count) noexcept:
    """Whether an array of so many elements, of whatever dtype, needs no recycled memory."""
    return count * 16 < LARGE  # no element is larger


cdef object enter(size_t count, int type_number):
    """Let the array that is made next have recycled memory if it is large; give the result to ``leave``."""
    if count * cnp.PyArray_DescrFromType(type_number).itemsize < LARGE:
        return None
    return PyDataMem_SetHandler(_capsule)


cdef inline int leave(object previous) except -1:
    """Undo ``enter``."""
    if previous is not None:
        PyDataMem_SetHandler(previous)
    return 0


cdef object new_array(int dims, cnp.npy_intp* shape, int type_number):
    """An uninitialised array in C order."""
    cdef size_t count = 1
    cdef int d
    for d in range(dims):
        count *= shape[d]
    if small(count):
        return spares.array(dims, shape, type_number)
    previous = enter(count, type_number)
    try:
        return PyArray_SimpleNew(dims, shape, type_number)
    finally:
        leave(previous)


cdef object new_like(cnp.ndarray first, int type_number):
    """An uninitialised array with the shape and the order of dimensions of ``first``."""
    cdef cnp.dtype descr
    if PyArray_IS_C_CONTIGUOUS(first):
        return new_array(cnp.PyArray_NDIM(first), cnp.PyArray_DIMS(first), type_number)
    descr = cnp.PyArray_DescrFromType(type_number)
    previous = enter(cnp.PyArray_SIZE(first), type_number)
    try:
        Py_INCREF(descr)  # taken over by the call
        return PyArray_NewLikeArray(first, NPY_KEEPORDER, descr, 0)
    finally:
        leave(previous)


# Note [Lent gradients]
#     A backward formula may write its result over the gradient that it has got, if that is nobody else's: a third less memory
#     is moved, and less is held.  The engine lends the array, and the next elementwise kernel whose first operand it is takes
#     it for its result; a formula reads its gradient in one kernel only.
cdef object lent = None


def lend(array):
    """Let the next elementwise kernel with this first operand write its result there; None takes the array back."""
    global lent
    lent = array


cdef inline bint take_over(object first) noexcept:
    """Whether the array was lent; only once."""
    global lent
    if lent is None or lent is not first:
        return False
    lent = None
    return True


def taken_over(first):
    """Whether the array was lent, and is the caller's to write over now."""
    return take_over(first)


cdef int read_sizes(shape, cnp.npy_intp* sizes) except -1:
    """How many sizes there are."""
    cdef int d
    if not isinstance(shape, tuple) or len(<tuple>shape) > 64:  # a Size is a tuple
        raise ValueError("at most 64 sizes in a tuple")
    for d in range(len(<tuple>shape)):
        sizes[d] = (<tuple>shape)[d]
    return len(<tuple>shape)


def empty(shape, cnp.dtype dtype):
    """An uninitialised array in C order."""
    cdef cnp.npy_intp sizes[64]
    cdef int dims = read_sizes(shape, sizes)
    return new_array(dims, sizes, dtype.num)


def zeros(shape, cnp.dtype dtype):
    """Zeros in C order; large arrays of numbers get recycled memory, cleared by all threads."""
    cdef cnp.npy_intp sizes[64]
    cdef size_t count = 1
    cdef int d, dims = read_sizes(shape, sizes)
    for d in range(dims):
        count *= sizes[d]
    if count < MANY or dtype.kind not in (c"f", c"i"):
        return cnp.PyArray_ZEROS(dims, sizes, dtype.num, 0)
    out = new_array(dims, sizes, dtype.num)
    cdef char* memory = <char*>cnp.PyArray_DATA(<cnp.ndarray>out)
    count *= dtype.itemsize
    with nogil:
        clear_bytes(count, memory)
    return out


def empty_like(cnp.ndarray array, cnp.dtype dtype=None):
    """An uninitialised array with the shape and the order of dimensions of ``array``, and its dtype unless another is given."""
    return new_like(array, cnp.PyArray_TYPE(array) if dtype is None else dtype.num)


def set_memory_limit(size_t size):
    """Keep at most so many bytes of freed arrays for the next ones; what is above is given back at once."""
    recycler().set_limit(size)
    spares.set_enabled(size >= MOST_SPARE)


def get_memory_limit():
    """The bytes that may be kept."""
    return recycler().limit()


def memory_held():
    """The bytes that are kept now."""
    return recycler().held() + spares.held()


def serve_spares(type cls, example, array):
    """Keep small arrays of dying instances of ``cls``, of which ``example`` holds ``array``; whether that is done."""
    return spares.serve(cls, example, array)
