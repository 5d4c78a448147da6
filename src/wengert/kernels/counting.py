"""Kernels that count and find: histograms, masks, sums of integers, places in sorted rows.

As in ``bulk``: callers check shapes, and have NumPy code for arrays that ``bulk.handles``, ``bulk.moves`` and ``counts`` refuse.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from . import _load
from .memory import empty

_native: Any = _load.MODULE
_INT64: Final = np.dtype(np.int64)
_contiguous: Final[Any] = np.ascontiguousarray


def counts(x: Any) -> bool:
    """Whether a kernel adds up integers or a mask."""
    return _native is not None and x.dtype.char in "?Bilq" and x.size > 0


def are_between(x: Any, low: int, end: int) -> bool:
    """Whether all elements of an array of integers lie in [low, end)."""
    if _native is None or type(x) is not np.ndarray or x.dtype.char not in "ilq" or not x.flags.c_contiguous:
        return x.size == 0 or bool(x.min() >= low and x.max() < end)
    try:
        _native.check_between(x, low, end)
    except IndexError:
        return False
    return True


def histogram(x: Any, edges: Any) -> Any:
    """How many elements (int64) lie in each of the equal intervals with these limits, of which the last has both."""
    counts = np.empty(len(edges) - 1, _INT64)
    _native.histogram(_contiguous(x), _contiguous(edges), counts, x.size, len(counts))
    return counts


def where_true(x: Any, mask: Any) -> Any:
    """The elements of an array where a mask of its shape is true, one behind the other."""
    out = empty((int(np.count_nonzero(mask)),), x.dtype)
    _native.where_true(_contiguous(x), _contiguous(mask), out)
    return out


def whole_sums(x: Any, first: int, end: int) -> Any:
    """Sums (int64) of integers, or how much of a mask is true, over dimensions ``first`` to before ``end``, which get size 1."""
    shape = x.shape
    out = empty((*shape[:first], *[1] * (end - first), *shape[end:]), _INT64)
    _native.whole_sums(x, out, math.prod(shape[:first]), math.prod(shape[first:end]), math.prod(shape[end:]))
    return out


def look_up(rows: Any, values: Any, after: bool) -> Any:
    """How many elements (int64) of each sorted row lie before each of its values; ``after``: equal ones count.

    Args:
        rows: (n,), or (..., n).
        values: any shape, or (..., m), of the dtype of ``rows``.
    """
    out = empty(values.shape, _INT64)
    count = math.prod(rows.shape[:-1])
    numbers = [count, rows.shape[-1], values.size // count, int(after)]
    _native.look_up(_contiguous(rows), _contiguous(values), out, *numbers)
    return out


def true_places(mask: Any) -> Any:
    """The places (count, dimensions) where a mask of one to eight dimensions is true, in order."""
    out = empty((int(np.count_nonzero(mask)), mask.ndim), _INT64)
    sizes = [*mask.shape[:-1], *[1] * (8 - mask.ndim)]
    _native.true_places(_contiguous(mask), out, mask.ndim, math.prod(mask.shape[:-1]), mask.shape[-1], *sizes)
    return out


def label_margins(x: Any, target: Any, chosen: Any, loss: Any, slope: Any) -> None:
    """The multilabel margin losses of rows, their slopes, and which classes are targets, into contiguous arrays."""
    _native.label_margins(_contiguous(x), _contiguous(target), chosen, loss, slope, *x.shape)
