"""New arrays. Large ones get recycled memory where the kernels are compiled: Note [Recycled memory] in src/recycle.h."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._load import MODULE as COMPILED


def empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """An uninitialised array in C order; see Note [Recycled memory]."""
    return np.empty(shape, dtype) if COMPILED is None else COMPILED.empty(shape, dtype)


def empty_like(array: Any, dtype: Any = None) -> Any:
    """An uninitialised array with the shape and the order of dimensions of ``array``, and its dtype unless another is given."""
    return np.empty_like(array, dtype, subok=False) if COMPILED is None else COMPILED.empty_like(array, dtype)


def zeros(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Zeros in C order."""
    return np.zeros(shape, dtype) if COMPILED is None else COMPILED.zeros(shape, dtype)


def lend(array: Any) -> None:
    """Let the next elementwise kernel whose first operand is ``array`` write its result there: Note [Lent gradients]."""
    if COMPILED is not None:
        COMPILED.lend(array)


def room_for_slope(grad: Any) -> Any:
    """Memory for a result laid out like the contiguous ``grad``: its own if it was lent."""
    return grad if COMPILED is not None and COMPILED.taken_over(grad) else empty(grad.shape, grad.dtype)


def keep_spare_arrays(example: object, array: object) -> None:
    """Keep small arrays of dying instances of a compiled class for the next ones: Note [Spare arrays] in src/spares.h.

    Args:
        example: an instance.
        array: what it holds, and where the arrays are found in others.
    """
    if COMPILED is not None:
        COMPILED.serve_spares(type(example), example, array)


def set_memory_limit(size: int) -> None:
    """Keep at most so many bytes of freed arrays for later ones; what is above is given back to the system at once."""
    if COMPILED is not None:
        COMPILED.set_memory_limit(size)


def get_memory_limit() -> int:
    """How many bytes of freed arrays may be kept; 0 where NumPy does the work."""
    return int(COMPILED.get_memory_limit()) if COMPILED is not None else 0


def memory_held() -> int:
    """How many bytes of freed arrays are kept now."""
    return int(COMPILED.memory_held()) if COMPILED is not None else 0
