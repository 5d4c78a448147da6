"""Matrix products on the pool of the kernels; small ones, and other element types, are NumPy's.

OpenBLAS has threads of its own, which spin for a while after each product on the cores that the pool wants next.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from . import _load
from .blas import ONE_THREAD
from .memory import empty

_native: Any = _load.MODULE
_matmul: Final[Any] = np.matmul
_float32: Final = np.dtype(np.float32)
_float64: Final = np.dtype(np.float64)

# Multiplications from which on the kernel takes a product: below them OpenBLAS is as fast, on one thread.
LEAST: Final = 1 << 16
VECTOR: Final = 9216  # elements of a matrix from which on OpenBLAS multiplies it with a vector on several threads


def takes(x: Any, y: Any) -> bool:
    """Whether the kernel multiplies these arrays of two or more dimensions: enough work, float32 or float64."""
    if _native is None or x.size * y.shape[-1] < LEAST or x.dtype != y.dtype or with_vector(x, y):
        return False
    return (x.dtype == _float32 or x.dtype == _float64) and bool(y.size > 0)


def with_vector(x: Any, y: Any) -> bool:
    """Whether one of two matrices is a single row or column: BLAS reads the other as fast as the memory gives it."""
    return bool(x.ndim == 2 and y.ndim == 2 and (x.shape[0] == 1 or y.shape[1] == 1))


def multiply(x: Any, y: Any) -> Any:
    """``np.matmul`` of arrays of two or more dimensions."""
    return product(x, y, None) if takes(x, y) else _matmul(x, y)


def multiply_vector(x: Any, y: Any) -> Any:
    """``x.dot(y)`` of ``VECTOR`` elements and more: of a matrix and a vector, a single row or column, on one thread."""
    with ONE_THREAD:
        return x.dot(y)


def multiply_added(x: Any, y: Any, start: Any) -> Any:
    """``start + x @ y``; ``start`` broadcasts to the product."""
    if takes(x, y):
        return product(x, y, start)
    found = _matmul(x, y)
    found += start
    return found


def product(x: Any, y: Any, start: Any) -> Any:
    """The product of arrays that ``takes`` allows, added to ``start``, which broadcasts to it, unless that is None."""
    lead = x.shape[:-2]
    if lead != y.shape[:-2]:
        lead = np.broadcast_shapes(lead, y.shape[:-2])
    if x.shape[-1] != y.shape[-2]:
        return _matmul(x, y)  # which says what is wrong
    out = empty((*lead, x.shape[-2], y.shape[-1]), x.dtype)
    _native.matrix_product(x, y, start, out)
    return out
