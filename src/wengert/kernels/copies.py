"""Copies between arrays, by all threads where they are large: of other layouts and dtypes, of several arrays into one.

Small arrays, and dtypes without a kernel, are NumPy's.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from . import _load
from .memory import empty, empty_like

COMPILED: Any = _load.MODULE
MANY: Final = 1 << 15  # elements
BESIDE: Final = 8  # arrays of which a kernel joins rows
_MOVED: Final = {"f": "f", "d": "d", "i": "i", "l": "l", "q": "l", "?": "?", "B": "?", "b": "?"}  # read as
_CONVERTED: Final = "fdilq?"
_SINGLE: Final = np.dtype(np.float32)
_DOUBLE: Final = np.dtype(np.float64)
_HALF: Final = np.dtype(np.float16)


def copied(array: Any) -> Any:
    """A copy with the same order of dimensions; in C order where the array repeats elements."""
    if repeats(array):
        return row_major(array)
    if array.size < MANY or not _is_moved(array):
        return np.array(array, order="K", subok=False)
    out = empty_like(array)
    _move(out, array)
    return out


def row_major(array: Any) -> Any:
    """A copy in C order of an array with any strides."""
    if array.size < MANY or not _is_moved(array):
        return np.array(array, order="C", subok=False)
    out = empty(array.shape, array.dtype)
    _move(out, array)
    return out


def repeats(array: Any) -> bool:
    """Whether an array has the same element in several places."""
    return 0 in array.strides and any(s == 0 and n > 1 for n, s in zip(array.shape, array.strides, strict=True))


def assign(target: Any, source: Any) -> None:
    """Write ``source``, an array or a number, into ``target``: broadcast, and converted as by ``converted``."""
    if target.itemsize == 2 and target.dtype == _HALF and isinstance(source, np.ndarray):
        source = converted(source, _HALF)
    if target.size < MANY or not _assign_many(target, source):
        np.copyto(target, source, casting="unsafe")


def converted(array: Any, dtype: Any) -> Any:
    """The array in another dtype, with the same order of dimensions. Double to half precision goes by way of single."""
    if array.dtype == _DOUBLE and dtype == _HALF:
        array = converted(array, _SINGLE)  # rounded twice, as PyTorch's
    if array.size < MANY or not _is_converted(array, dtype):
        return array.astype(dtype)
    out = empty_like(array, dtype)
    _convert(out, array)
    return out


def full(shape: tuple[int, ...], dtype: Any, value: Any) -> Any:
    """An array with one value everywhere."""
    out = empty(shape, dtype)
    assign(out, np.asarray(value, dtype))
    return out


def ramp(n: int, dtype: Any, first: float, by: float) -> Any:
    """The numbers ``i * by + first`` for i below ``n``, computed in double precision."""
    if not _has_ramps(n, dtype):
        return (np.arange(n, dtype=np.float64) * by + first).astype(dtype)
    out = empty((n,), dtype)
    COMPILED.ramp(out, 0, 1, float(first), float(by))
    return out


def spaced(n: int, dtype: Any, first: float, last: float) -> Any:
    """``n`` > 1 evenly spaced numbers, computed in double precision from the nearer end, so that both ends are exact.

    In double precision (or complex) where no kernel writes ``dtype``.
    """
    step = (last - first) / (n - 1)
    half = n // 2
    if not _has_ramps(n, dtype):
        index = np.arange(n)
        return np.where(index < half, first + step * index, last - step * (n - 1 - index))
    out = empty((n,), dtype)
    COMPILED.ramp(out[:half], 0, 1, float(first), float(step))
    COMPILED.ramp(out[half:], n - 1 - half, -1, float(last), float(-step))
    return out


def _has_ramps(n: int, dtype: Any) -> bool:
    return COMPILED is not None and n >= MANY and dtype is not None and dtype.char in "fd"


def joined(parts: Sequence[Any], dim: int, shape: tuple[int, ...], dtype: Any) -> Any:
    """Arrays of dtype ``dtype`` one after the other along a dimension, in C order; ``shape`` is that of the result."""
    out = empty(shape, dtype)
    if out.size < MANY * len(parts) or not _is_moved(out):
        return np.concatenate(parts, dim, out)
    if dim > 0 and len(parts) <= BESIDE and all(part.flags.c_contiguous and _is_moved(part) for part in parts):
        return _beside(parts, dim, out)
    before = (slice(None),) * dim
    start = 0
    for part in parts:
        end = start + part.shape[dim]
        assign(out[(*before, slice(start, end))], part)
        start = end
    return out


def _beside(parts: Sequence[Any], dim: int, out: Any) -> Any:
    """``joined`` of a few arrays in C order: row after row of the result."""
    kind = _MOVED[out.dtype.char]
    rows = math.prod(out.shape[:dim])
    there = [part.view(kind) for part in parts if part.size > 0]
    missing = BESIDE - len(there)
    lengths = [part.size // rows for part in there]
    COMPILED.join_rows(out.view(kind), *there, *[None] * missing, rows, *lengths, *[0] * missing)
    return out


def stacked(parts: Sequence[Any], dim: int, dtype: Any) -> Any:
    """Arrays of one shape and of dtype ``dtype`` along a new dimension, in C order."""
    shape = parts[0].shape
    out = empty((*shape[:dim], len(parts), *shape[dim:]), dtype)
    if out.size < MANY * len(parts) or not _is_moved(out):
        return np.stack(parts, dim, out)
    for i, part in enumerate(parts):
        assign(out[(slice(None),) * dim + (i,)], part)
    return out


def rolled(array: Any, shifts: Sequence[int], dims: Sequence[int]) -> Any:
    """Elements moved along dimensions; those that leave come in again at the other end. In C order."""
    if array.size < MANY or not _is_moved(array):
        return np.roll(array, shifts, dims)
    total = [0] * array.ndim
    for shift, dim in zip(shifts, dims, strict=True):
        total[dim] += shift
    halves = [_halves(n, shift % n) for n, shift in zip(array.shape, total, strict=True)]
    out = empty(array.shape, array.dtype)
    for pairs in itertools.product(*halves):
        assign(out[tuple([to for _, to in pairs])], array[tuple([source for source, _ in pairs])])
    return out


def _halves(n: int, shift: int) -> list[tuple[slice, slice]]:
    """Where the parts of a dimension come from and go to."""
    if shift == 0:
        return [(slice(None), slice(None))]
    return [(slice(0, n - shift), slice(shift, n)), (slice(n - shift, n), slice(0, shift))]


def repeated(array: Any, repeats: Sequence[int]) -> Any:
    """The array so many times along each dimension (those that it lacks come first), in C order."""
    ones = (1,) * (len(repeats) - array.ndim)
    sizes = (*ones, *array.shape)
    shape = tuple([n * times for n, times in zip(sizes, repeats, strict=True)])
    out = empty(shape, array.dtype)
    parted = out.reshape([size for pair in zip(repeats, sizes, strict=True) for size in pair])
    assign(parted, array.reshape([size for n in sizes for size in (1, n)]))
    return out


def _is_moved(array: Any) -> bool:
    return COMPILED is not None and array.dtype.char in _MOVED and array.flags.aligned and array.dtype.isnative


def _move(target: Any, source: Any) -> None:
    """Copy a large array into another one of its shape and dtype, which share nothing."""
    kind = _MOVED[source.dtype.char]
    COMPILED.copy_strided(source.view(kind), target.view(kind))


def _assign_many(target: Any, source: Any) -> bool:
    """Write into a large array, if the kernels can."""
    if not _is_moved(target) or not target.flags.writeable or repeats(target):
        return False
    if not isinstance(source, np.ndarray | np.generic) or np.may_share_memory(target, source):
        return False
    values = np.asarray(source)
    if values.dtype != target.dtype:
        if values.size > 1:
            return _convert_into(target, values)
        values = values.astype(target.dtype)
    if not _is_moved(values):
        return False
    _move(target, values if values.shape == target.shape else np.broadcast_to(values, target.shape))
    return True


def _convert_into(target: Any, source: Any) -> bool:
    """Convert between two arrays that lie in C order, if there is a kernel."""
    if source.shape != target.shape or not _is_converted(source, target.dtype):
        return False
    if not source.flags.c_contiguous or not target.flags.c_contiguous:
        return False
    _convert(target, source)
    return True


def _is_converted(array: Any, dtype: Any) -> bool:
    """Whether a kernel converts an array without gaps, which no traced value is."""
    if COMPILED is None or not isinstance(array, np.ndarray):
        return False
    if not array.flags.forc or not array.flags.aligned or not array.dtype.isnative:
        return False
    if _HALF in (array.dtype, dtype):
        return _SINGLE in (array.dtype, dtype) and COMPILED.HALVES
    return array.dtype.char in _CONVERTED and dtype.char in _CONVERTED


def _convert(target: Any, source: Any) -> None:
    """Write the converted elements of a large array into one that lies like it."""
    x, out = source.ravel("K"), target.ravel("K")
    if out.dtype == _HALF:
        COMPILED.to_half(x, out)
    elif x.dtype == _HALF:
        COMPILED.from_half(out, x)
    else:
        COMPILED.cast(out, x)
