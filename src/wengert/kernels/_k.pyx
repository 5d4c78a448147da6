# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, embedsignature=False
# distutils: language=c++
"""The compiled door to the kernels.  One module, since all parts share one pool of threads; each part is a .pxi file."""

cimport numpy as cnp

cnp.import_array()

include "src/threads.pxi"
include "src/elders.pxi"
include "src/recycle.pxi"
include "src/programs.pxi"
include "src/direct.pxi"
include "src/loops.pxi"
include "src/pieces.pxi"
include "src/products.pxi"
include "src/arrays.pxi"
