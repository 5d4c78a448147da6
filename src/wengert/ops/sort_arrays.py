"""The order of elements along a dimension, stable, and the first k of it, for arrays.

Kernels sort long rows by digits, all threads together: a million float32 in 14 ms, float64 in 20, on two threads of an EPYC
where NumPy's ways below take 61 and 152. Of rows of a few elements they count, for each, how many come before it. Elements of
less than 32 bits are NumPy's.

NumPy sorts 64-bit words with the vector instructions of some processors, but not stably, and finds stable orders by merging,
eight times as slow there. So elements of up to 32 bits become the upper half of a word whose lower half is their place: sorted
words are a stable order. Where elements take 64 bits themselves, an order that is not stable comes first, and runs of equal ones
are mended by the number of their run and their place.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ..kernels import bulk as kernels
from ..kernels.arrays import move_axis

FEW: Final = 32  # below this many elements NumPy's stable order is as fast
COUNTED: Final = 48  # up to this many elements kernels count (RANKED_ROW in kernels/src/order.h)
MANY: Final = 1024  # from this many elements on digits are faster
BLOCK: Final = 1 << 16  # elements whose places stand in memory at once
_HALF: Final[Any] = np.uint64(32)
_LOWER: Final[Any] = np.uint64(0xFFFFFFFF)


def in_order(x: Any, axis: int, descending: bool) -> tuple[Any, Any]:
    """The elements in order, and the indices that sort, stably; NaN counts as larger than everything."""
    if has_kernel(x, axis):
        values, order = kernels.sorted_rows(move_axis(x, axis, -1), descending)
        return move_axis(values, -1, axis), move_axis(order, -1, axis)
    order = found_order(x, axis, descending)
    return np.take_along_axis(x, order, axis), order


def sorted_order(x: Any, axis: int, descending: bool) -> Any:
    """The indices alone."""
    return in_order(x, axis, descending)[1] if has_kernel(x, axis) else found_order(x, axis, descending)


def has_kernel(x: Any, axis: int) -> bool:
    """Whether kernels sort this array."""
    n = x.shape[axis]
    return (1 < n <= COUNTED or MANY <= n <= _LOWER) and kernels.moves(x)


def found_order(x: Any, axis: int, descending: bool) -> Any:
    """The indices, by NumPy."""
    n = x.shape[axis]
    plain = x.dtype.kind in "biu" and x.itemsize < 4  # which NumPy sorts by digits
    if n < FEW or n > _LOWER or plain:
        if not descending:
            return np.argsort(x, axis, kind="stable")
        return n - 1 - np.flip(np.argsort(np.flip(x, axis), axis, kind="stable"), axis)
    rows = np.ascontiguousarray(move_axis(x, axis, -1))
    order = order_of_words(rows, descending) if x.itemsize == 8 else order_of_halves(rows, descending)
    return move_axis(order, -1, axis)


def order_of_halves(rows: Any, descending: bool) -> Any:
    """The order of each row of elements of up to 32 bits."""
    keys = rising_bits(rows)
    if descending:
        np.invert(keys, out=keys)
    packed = keys.astype(np.uint64)
    del keys
    packed <<= _HALF
    return placed(packed, np.arange(rows.shape[-1], dtype=np.uint64))


def rising_bits(x: Any) -> Any:
    """A fresh array of uint32 in the order of the elements: equal ones have equal bits, NaN the largest."""
    if x.dtype.kind == "u":
        return np.array(x)
    if x.dtype.kind == "i":
        return x.view(np.uint32) ^ np.uint32(1 << 31)
    wide = x.astype(np.float32)
    wide += np.float32(0)  # -0 becomes 0
    missing = np.isnan(wide)
    bits = wide.view(np.uint32)
    flips = bits >> np.uint32(31)
    np.negative(flips, out=flips)  # all bits of negative numbers turn, of others the sign
    flips |= np.uint32(1 << 31)
    bits ^= flips
    bits[missing] = np.iinfo(np.uint32).max
    return bits


def placed(packed: Any, places: Any) -> Any:
    """The lower halves of sorted words, whose upper halves are given; overwrites them."""
    packed |= places
    packed.sort(axis=-1)
    packed &= _LOWER
    return packed.view(np.int64)


def order_of_words(rows: Any, descending: bool) -> Any:
    """The order of each row of elements of 64 bits."""
    order = np.argsort(rows, axis=-1)
    if descending:
        order = order[..., ::-1]
    values = np.take_along_axis(rows, order, -1)
    fresh = values[..., 1:] != values[..., :-1]
    if rows.dtype.kind == "f":
        missing = np.isnan(values)
        fresh &= ~(missing[..., 1:] & missing[..., :-1])
    if fresh.all():
        return np.ascontiguousarray(order)
    del values
    runs = np.zeros(rows.shape, np.uint64)
    np.cumsum(fresh, axis=-1, dtype=np.uint64, out=runs[..., 1:])
    runs <<= _HALF
    return placed(runs, order.view(np.uint64))


def first(x: Any, axis: int, k: int, largest: bool) -> tuple[Any, Any]:
    """The ``k`` largest or smallest along an axis, in order, and their places."""
    n = x.shape[axis]
    if k > 0 and (n <= COUNTED or n >= 256 >= k or 8 * k <= n) and kernels.moves(x):
        values, places = kernels.top_rows(move_axis(x, axis, -1), k, largest)
        return np.ascontiguousarray(move_axis(values, -1, axis)), np.ascontiguousarray(move_axis(places, -1, axis))
    if n < 256 or 8 * k > n or k == 0:
        order = sorted_order(x, axis, largest).take(range(k), axis)
        return np.take_along_axis(x, order, axis), order
    rows = move_axis(x, axis, -1).reshape(-1, n)
    places = np.empty((len(rows), k), np.int64)
    step = max(1, BLOCK // n)
    for start in range(0, len(rows), step):
        places[start : start + step] = separated(rows[start : start + step], k, largest)
    values, order = in_order(np.take_along_axis(rows, places, 1), 1, largest)
    shape = (*x.shape[:axis], *x.shape[axis + 1 :], k)
    values, places = values.reshape(shape), np.take_along_axis(places, order, 1).reshape(shape)
    return move_axis(values, -1, axis), move_axis(places, -1, axis)


def separated(rows: Any, k: int, largest: bool) -> Any:
    """Places of the k largest or smallest of each row, rising."""
    n = rows.shape[1]
    parts = np.argpartition(rows, n - k if largest else k - 1, 1)
    return np.sort(parts[:, n - k :] if largest else parts[:, :k], 1)
