"""Sequences of evenly spaced numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import device as devices
from .._core import errors
from .._core.dtypes import (
    BOOL,
    COMPLEX,
    DEFAULTS,
    FLOATING,
    INTEGER,
    DType,
    default_complex,
    float64,
    int64,
    parse_dtype,
)
from .._core.tensor_base import TensorBase
from ..kernels.copies import ramp, spaced
from .creation import finish
from .fill import filling_integer

if TYPE_CHECKING:
    from .._tensor import Tensor


def arange(start: Any = None, end: Any = None, step: Any = 1, *, dtype: Any = None, layout: Any = None, device: Any = None,
           requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """Numbers from ``start`` (0 unless given) up to but not including ``end``, ``step`` apart.

    Args:
        dtype: int64 when all arguments are integers, else the default dtype, unless given.

    Raises:
        RuntimeError: when ``step`` is zero, leads away from ``end``, or a bound is not finite.

    Example:
        >>> arange(1, 2.5, 0.5)
        tensor([1.0000, 1.5000, 2.0000])

    Variants: function out
    """
    devices.check_device(device)
    if start is None:
        start = 0
    elif end is None:
        start, end = 0, start
    first, last, by = bound(start), bound(end), bound(step)
    for value in (first, last, by):
        if isinstance(value, complex):
            raise errors.overflow("double")
    whole = isinstance(first, int) and isinstance(last, int) and isinstance(by, int)
    dt = (int64 if whole else DEFAULTS.float) if dtype is None else parse_dtype(dtype, "arange")
    if dt.category == BOOL or dt.category == COMPLEX:
        raise NotImplementedError(f"\"arange_cpu\" not implemented for '{dt.title}'")
    n = range_length(first, last, by)
    if dt.category == INTEGER:
        steps = np.arange(n, dtype=np.int64)
        if by != 1 or first != 0:
            steps = steps * int(by) + int(first)
        return finish(steps.astype(dt.np, copy=False), requires_grad)
    return finish(ramp(n, dt.np, first, by), requires_grad)


def bound(value: Any) -> Any:
    """An argument as a Python number.

    Raises:
        TypeError: when it is none.
    """
    if isinstance(value, (TensorBase, np.generic, np.ndarray)):
        array = value.array if isinstance(value, TensorBase) else value
        if array.size == 1:
            return array.item()
    elif isinstance(value, (int, float, complex)):
        return value
    elif hasattr(value, "__index__"):
        return value.__index__()
    raise TypeError(f"arange(): argument 'end' must be Number, not {type(value).__name__}")


def range_length(first: Any, last: Any, by: Any) -> int:
    """How many numbers a range has.

    Raises:
        RuntimeError: for ranges that are not finite.
    """
    if by != by or by == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(first) and math.isfinite(last)):
        raise RuntimeError(f"unsupported range: {first:g} -> {last:g}")
    if (last - first) * by < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if isinstance(first, int) and isinstance(last, int) and isinstance(by, int):
        return int(-((first - last) // by))
    count: int = math.ceil((last - first) / by)
    return count


def linspace(start: Any, end: Any, steps: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
             requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """``steps`` evenly spaced numbers from ``start`` to ``end``, both included.

    Args:
        start, end: numbers or 0-d tensors.
        dtype: the default dtype (its complex twin for complex bounds) unless given.

    Raises:
        RuntimeError: for a negative number of steps.

    Variants: function out
    """
    devices.check_device(device)
    first, last, dt = ends(start, end, dtype, "linspace")
    return finish(as_dtype(evenly(first, last, count_of(steps), dt), dt), requires_grad)


def logspace(start: Any, end: Any, steps: Any, base: Any = 10.0, *, dtype: Any = None, layout: Any = None,
             device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """``base`` raised to ``steps`` evenly spaced exponents from ``start`` to ``end``, both included.

    Raises:
        RuntimeError: for a negative number of steps.

    Variants: function out
    """
    devices.check_device(device)
    first, last, dt = ends(start, end, dtype, "logspace")
    return finish(as_dtype(np.power(bound(base), evenly(first, last, count_of(steps), float64)), dt), requires_grad)


def ends(start: Any, end: Any, dtype: Any, function: str) -> tuple[Any, Any, DType]:
    """The bounds as numbers, and the dtype of the result."""
    for name, value in (("start", start), ("end", end)):
        if isinstance(value, TensorBase) and len(value.shp) > 0:
            raise RuntimeError(
                f"{function} only supports 0-dimensional start and end tensors, but got {name} with {len(value.shp)} dimension(s)."
            )
    first, last = bound(start), bound(end)
    if dtype is not None:
        dt = parse_dtype(dtype, function)
        if dt.category == INTEGER and not isinstance(first, complex) and not isinstance(last, complex):
            # As PyTorch: the bounds are whole numbers before they are divided into steps.
            first, last = filling_integer(first, dt).item(), filling_integer(last, dt).item()
        return first, last, dt
    return first, last, default_complex() if isinstance(first, complex) or isinstance(last, complex) else DEFAULTS.float


def count_of(steps: Any) -> int:
    """The number of steps."""
    n = int(bound(steps))
    if n < 0:
        raise RuntimeError("number of steps must be non-negative")
    return n


def evenly(first: Any, last: Any, n: int, dt: DType) -> Any:
    """Evenly spaced numbers, in ``dt`` or to be rounded to it."""
    if n < 2:
        return np.full(n, first)
    return spaced(n, dt.np if isinstance(first, (int, float)) and isinstance(last, (int, float)) else None, first, last)


def as_dtype(values: Any, dt: DType) -> Any:
    """Convert computed values; complex ones lose their imaginary part in a real dtype."""
    if dt.category <= FLOATING and values.dtype.kind == "c":
        values = values.real
    return values.astype(dt.np, copy=False)
