"""Limits of the numeric types."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from . import errors
from .dtypes import ALL, COMPLEX, DEFAULTS, FLOATING, PYTHON_TYPES, dtype

#: Binary digits of the significand and largest exponent of each format (IEEE 754; bfloat16 is float32 cut in half).
_FORMATS: Final[dict[str, tuple[int, int]]] = {
    "float16": (11, 15),
    "bfloat16": (8, 127),
    "float32": (24, 127),
    "float64": (53, 1023),
}


def dtype_of_argument(type: Any, function: str) -> dtype:
    """A dtype, or that of one of the Python types float, int, bool and complex.

    Raises:
        TypeError: for anything else.
    """
    found = type if isinstance(type, dtype) else PYTHON_TYPES.get(type) if callable(type) else None
    if found is None:
        raise errors.argument_type(function, "type", 1, "torch.dtype", type)
    return found


def _dtype_named(name: str) -> dtype:
    return next(dt for dt in ALL if dt.name == name)


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
        real: dtype = dt.to_real() if dt.category == COMPLEX else dt
        digits, exponent = _FORMATS[real.name]
        self.dtype: str = real.name
        self.bits: int = 8 * real.itemsize
        self.eps: float = 2.0 ** (1 - digits)
        self.max: float = (2.0 - self.eps) * 2.0**exponent
        self.min: float = -self.max
        self.tiny: float = 2.0 ** (1 - exponent)
        self.smallest_normal: float = self.tiny
        self.resolution: float = float(f"1e-{int((digits - 1) * math.log10(2.0))}")

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )

    def __reduce__(self) -> Any:
        return finfo, (_dtype_named(self.dtype),)


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

    def __reduce__(self) -> Any:
        return iinfo, (_dtype_named(self.dtype),)
