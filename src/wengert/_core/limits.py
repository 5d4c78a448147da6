"""Limits of the numeric types."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import errors
from .dtypes import COMPLEX, DEFAULTS, FLOATING, dtype


class finfo:
    """Limits of a floating point dtype (of the default dtype when none is given): eps, max, min, tiny, resolution, bits."""

    def __init__(self, type: Any = None) -> None:
        """Look up the limits.

        Raises:
            TypeError: for dtypes that are not floating point.
        """
        if type is not None and not isinstance(type, dtype):
            raise errors.argument_type("finfo", "type", 1, "torch.dtype", type)
        dt: dtype = DEFAULTS.float if type is None else type
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
        if not isinstance(type, dtype):
            raise errors.argument_type("iinfo", "type", 1, "torch.dtype", type)
        if type.category >= FLOATING:
            raise TypeError(f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{type!r}'")
        info: Any = np.iinfo(type.np if type.np.kind != "b" else np.uint8)
        self.dtype: str = type.name
        self.bits: int = int(info.bits)
        self.min: int = int(info.min)
        self.max: int = int(info.max)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
