"""New arrays. Large ones get recycled memory where the kernels are compiled: Note [Recycled memory] in src/recycle.h."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._load import MODULE as COMPILED


def empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """An uninitialised array in C order; see Note [Recycled memory]."""
    return np.empty(shape, dtype) if COMPILED is None else COMPILED.empty(shape, dtype)


def empty_like(array: Any) -> Any:
    """An uninitialised array with the shape, the dtype and the order of dimensions of ``array``."""
    return np.empty_like(array, subok=False) if COMPILED is None else COMPILED.empty_like(array)


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
