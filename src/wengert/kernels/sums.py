"""Sums of arrays over dimensions: by kernels where that pays, otherwise NumPy's."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from . import bulk

_add: Final[Any] = np.add.reduce

LARGE: Final = 1 << 14  # elements: below, NumPy's own sum is as fast


def array_sum(x: Any, axes: int | tuple[int, ...] | None, keepdims: bool) -> Any:
    """Sum over dimensions counted from the front (None: all), in the array's own dtype, as ``np.add.reduce`` returns it."""
    if type(x) is not np.ndarray or x.size < LARGE or not bulk.handles(x):
        return _add(x, axes, None, None, keepdims)
    if axes is None:
        reduced = list(range(x.ndim))
    else:
        reduced = [axes] if isinstance(axes, int) else list(axes)
    order = list(range(x.ndim)) if x.flags.c_contiguous else sorted(range(x.ndim), key=lambda d: -abs(x.strides[d]))
    found = x.transpose(order)
    long = [order.index(d) for d in reduced if x.shape[d] != 1]  # a pass over a dimension of size 1 would only copy
    if not found.flags.c_contiguous or len(long) == 0:
        return _add(x, axes, None, None, keepdims)
    for first, end in reversed(runs_of(long)):  # memory runs along the last
        found = bulk.sum_over(found, first, end)
    found = found.transpose([order.index(d) for d in range(x.ndim)])
    return found if keepdims else found.reshape([n for d, n in enumerate(x.shape) if d not in reduced])[()]


def runs_of(axes: list[int]) -> list[tuple[int, int]]:
    """Dimensions as ranges of neighbours, from the front."""
    found: list[tuple[int, int]] = []
    for d in sorted(axes):
        if found and found[-1][1] == d:
            found[-1] = (found[-1][0], d + 1)
        else:
            found.append((d, d + 1))
    return found
