"""Limits of the numeric types."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import errors
from .dtypes import COMPLEX, DEFAULTS, FLOATING, PYTHON_TYPES, dtype


def dtype_of_argument(type: Any, function: str) -> dtype:
    """A dtype, or that of one of the Python types float, int, bool and complex.

    Raises:
        TypeError: for anything else.
    """
    found = type if isinstance(type, dtype) else PYTHON_TYPES.get(type) if callable(type) else None
    if found is None:
        raise errors.argument_type(function, "type", 1, "torch.dtype", type)
    return found


class finfo:
    """Limits of a floating point dtype (of the default dtype when none is given): eps, max, min, tiny, resolution, bits."""

    def __init__(self, type: Any = None) -> None:
        """Look up the limits.

        Raises:
            TypeError: for dtypes that are not floating point.
        """
        dt: dtype = DEFAULTS.float if type is None else dtype_of_argument(type, "finfo")
        if dt.category < FLOATING:
            raise TypeError(f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle '{dt!r}'")
        info: Any = np.finfo(dt.to_real().np if dt.category == COMPLEX else dt.np)
        self.dtype: str = dt.to_real().name
        self.bits: int = int(info.bits)
        self.eps: float = float(info.eps)
        self.max: float = float(info.max)
        self.min: float = float(info.min)
        self.tiny: float = float(info.tiny)
        self.smallest_normal: float = float(info.smallest_normal)
        self.resolution: float = float(info.resolution)

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo:
    """Limits of an integer dtype: min, max, bits."""

    def __init__(self, type: Any) -> None:
        """Look up the limits.

        Raises:
            TypeError: for dtypes that are not integers.
        """
        dt: dtype = dtype_of_argument(type, "iinfo")
        if dt.category >= FLOATING:
            raise TypeError(f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{dt!r}'")
        if dt.np.kind == "b":
            raise TypeError("torch.bool is not supported by torch.iinfo")
        info: Any = np.iinfo(dt.np)
        self.dtype: str = dt.name
        self.bits: int = int(info.bits)
        self.min: int = int(info.min)
        self.max: int = int(info.max)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
