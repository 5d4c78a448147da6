# Kernels over whole arrays (convolution, pooling, rows, random numbers...), see door.h and tables.h.

cdef extern from "tables.h" namespace "wengert::arrays":
    bint add_tables(object names) except False
    bint turns_halves()


add_tables(globals())
HALVES = bool(turns_halves())  # whether `to_half` and `from_half` are there
