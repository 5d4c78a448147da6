# Kernels over whole arrays (convolution, pooling, rows, random numbers...), see door.h and tables.h.

cdef extern from "tables.h" namespace "wengert::arrays":
    bint add_tables(object names) except False


add_tables(globals())
