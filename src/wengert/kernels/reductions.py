"""Reductions of arrays over dimensions: by kernels where that pays, otherwise by row programs or NumPy."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Final

import numpy as np

from . import bulk, counting, formulas
from .formula import in_front, reduced

_add: Final[Any] = np.add.reduce
_all: Final[Any] = np.logical_and.reduce
_any: Final[Any] = np.logical_or.reduce
_INT64: Final = np.dtype(np.int64)

#: In the order of ``reduce_middle`` in src/reduce.h.
KNOWN: Final = (
    "sum",
    "sum_of_numbers",
    "sum_of_sizes",
    "sum_of_squares",
    "product",
    "largest",
    "smallest",
    "largest_size",
)

LARGE: Final = 1 << 14  # elements: below, a row program or NumPy's own sum is as fast


def array_sum(x: Any, axes: int | tuple[int, ...] | None, keepdims: bool) -> Any:
    """Sum over dimensions counted from the front (None: all), in the array's own dtype, as ``np.add.reduce`` returns it."""
    found = _reduced("sum", x, axes, keepdims)
    return _add(x, axes, None, None, keepdims) if found is None else found


def whole_sum(x: Any, axes: int | tuple[int, ...] | None, keepdims: bool) -> Any:
    """Sum of integers in 64 bits, or how much of a mask is true, over dimensions counted from the front (None: all)."""
    found = (
        _over_runs(counting.whole_sums, counting.whole_sums, x, axes, keepdims)
        if _is_long(x) and counting.counts(x)
        else None
    )
    return _add(x, axes, _INT64, None, keepdims) if found is None else found


def truth(mask: Any, axes: int | tuple[int, ...] | None, keepdims: bool, every: bool) -> Any:
    """Whether all (``every``) or some elements of a mask are true, over dimensions counted from the front (None: all)."""
    if axes is None or not _is_long(mask):  # of a whole array NumPy looks no further than the element that decides
        return (_all if every else _any)(mask, axes, None, None, keepdims)
    count = whole_sum(mask, axes, keepdims)
    return count == mask.size // count.size if every else count != 0


def _is_long(x: Any) -> bool:
    return type(x) is np.ndarray and x.size >= LARGE


class Reduction:
    """A reduction of which the row program takes small arrays and the kernel large ones.

    Attributes:
        name: what the kernel knows it by.
        rows: the row program.
        last: what is done to the kernel's result at last.
    """

    def __init__(self, name: str, rows: Any, last: Any = None) -> None:
        self.name = name
        self.rows = rows
        self.last = last

    def __call__(self, x: Any, axes: int | tuple[int, ...] | None, keepdims: bool) -> Any:
        """Over dimensions (None: all); None where it does not apply: dtypes, and dimensions that neither takes."""
        found = _reduced(self.name, x, axes, keepdims)
        if found is None:
            return reduced(self.rows, axes, x, keepdims)
        return found if self.last is None else self.last(found)


sum_of_numbers: Final = Reduction("sum_of_numbers", formulas.sum_of_numbers)
norm_1: Final = Reduction("sum_of_sizes", formulas.norm_1)
norm_2: Final = Reduction("sum_of_squares", formulas.norm_2, np.sqrt)
product: Final = Reduction("product", formulas.product)
largest: Final = Reduction("largest", formulas.largest)
smallest: Final = Reduction("smallest", formulas.smallest)
norm_inf: Final = Reduction("largest_size", formulas.norm_inf)


def logsumexp(x: Any, axes: int | tuple[int, ...] | None, keepdims: bool) -> Any:
    """Logarithms of sums of exponentials over the last dimensions; None where it does not apply (see ``formula.reduced``)."""
    kept = in_front(axes, x.ndim) if type(x) is np.ndarray and x.size >= LARGE and bulk.handles(x) else None
    if kept is None or math.prod(x.shape[kept:]) > bulk.SHORT:
        return reduced(formulas.logsumexp, axes, x, keepdims)
    found = bulk.logsumexp_rows(x, x.ndim - kept)
    return found if keepdims else found.reshape(x.shape[:kept])[()]


def _reduced(name: str, x: Any, axes: int | tuple[int, ...] | None, keepdims: bool) -> Any:
    """By the kernel; None for small arrays, other dtypes, and where memory would be copied."""
    if not _is_long(x) or not bulk.handles(x):
        return None
    first = partial(bulk.reduce_over, KNOWN.index(name))
    return _over_runs(first, partial(bulk.reduce_over, KNOWN.index(AGAIN.get(name, name))), x, axes, keepdims)


def _over_runs(step: Any, again: Any, x: Any, axes: int | tuple[int, ...] | None, keepdims: bool) -> Any:
    """``step(x, first, end)`` over a run of neighbouring dimensions, ``again`` over the others.

    None where memory would be copied.
    """
    if axes is None:
        closed = list(range(x.ndim))
    else:
        closed = [a % x.ndim for a in ((axes,) if isinstance(axes, int) else axes)]
    order = list(range(x.ndim)) if x.flags.c_contiguous else sorted(range(x.ndim), key=lambda d: -abs(x.strides[d]))
    found = x.transpose(order)
    long = [order.index(d) for d in closed if x.shape[d] != 1]  # a pass over a dimension of size 1 would only copy
    if not found.flags.c_contiguous or len(long) == 0:
        return None
    for first, end in reversed(runs_of(long)):  # memory runs along the last
        found = step(found, first, end)
        step = again
    found = found.transpose([order.index(d) for d in range(x.ndim)])
    return found if keepdims else found.reshape([n for d, n in enumerate(x.shape) if d not in closed])[()]


#: How partial results are joined where that differs.
AGAIN: Final = {"sum_of_numbers": "sum", "sum_of_sizes": "sum", "sum_of_squares": "sum", "largest_size": "largest"}


def runs_of(axes: list[int]) -> list[tuple[int, int]]:
    """Dimensions as ranges of neighbours, from the front."""
    found: list[tuple[int, int]] = []
    for d in sorted(axes):
        if found and found[-1][1] == d:
            found[-1] = (found[-1][0], d + 1)
        else:
            found.append((d, d + 1))
    return found
