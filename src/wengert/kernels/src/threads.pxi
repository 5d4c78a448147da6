# The pool of threads.

cdef extern from "pool.h" namespace "wengert" nogil:
    cdef cppclass Pool:
        void set_threads(int)
        int threads()
    Pool& pool()
    long number_of_thread()


def set_num_threads(int count):
    """Let kernels use this many threads, the calling one included."""
    with nogil:
        pool().set_threads(count)


def get_num_threads():
    """How many threads kernels use."""
    return pool().threads()


def thread_number():
    """A number of the calling thread that no other thread has or had."""
    return number_of_thread()
