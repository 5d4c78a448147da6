"""Looking values and places up: searchsorted, bucketize, isin, unravel_index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors
from .._core.dtypes import INTEGER
from .._core.tensor_base import TensorBase
from .._record.common import int_of, is_number, make
from ..kernels import bulk, counting

if TYPE_CHECKING:
    from .._tensor import Tensor


def looked_up(value: Any, function: str) -> Any:
    """Values to look up, as an array."""
    if isinstance(value, TensorBase):
        return np.asarray(value.array)
    if is_number(value):
        return np.asarray(value)
    raise errors.argument_type(function, "input", 2, "Tensor", value)


def positions(rows: Any, values: Any, right: bool) -> Any:
    """How many elements of each sorted row are smaller than (``right``: not larger than) each of the row's values.

    Rows and values are sorted together, stably, so that equal ones keep the order in which they were put: counting the
    elements of the row before each value is then one cumulative sum, without a loop over rows.
    """
    if rows.dtype == values.dtype and rows.size > 0 and bulk.moves(rows, values):
        return counting.look_up(rows, values, right)
    if rows.ndim == 1:
        return np.searchsorted(rows, values, side="right" if right else "left")
    n = rows.shape[-1]
    m = values.shape[-1]
    together = np.concatenate([rows, values] if right else [values, rows], axis=-1)
    order = together.argsort(axis=-1, kind="stable")
    is_row = order < n if right else order >= m
    counts = np.empty(order.shape, np.int64)
    np.put_along_axis(counts, order, is_row.cumsum(axis=-1), axis=-1)
    return counts[..., n:] if right else counts[..., :m]


def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: Any = None,
    sorter: Any = None,
) -> Tensor:
    """Places at which values would have to be inserted to keep the rows (last dimension) sorted.

    Args:
        sorted_sequence: (n,) or (..., n), each row sorted.
        input: values: a number, or a tensor of any shape for 1-d sequences and of shape (..., m) otherwise.
        out_int32: int32 instead of int64.
        right: after equal elements instead of before them; also as ``side="right"``.
        sorter: indices that sort ``sorted_sequence``, which then need not be sorted.

    Raises:
        RuntimeError: for shapes that do not go together, or contradicting ``side`` and ``right``.

    Variants: function out
    """
    if side is not None and side not in ("left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True"
        )
    if not isinstance(sorted_sequence, TensorBase):
        raise errors.argument_type("searchsorted", "sorted_sequence", 1, "Tensor", sorted_sequence)
    rows = np.asarray(sorted_sequence.array)
    values = looked_up(input, "searchsorted")
    if rows.ndim == 0:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension"
        )
    if rows.ndim > 1 and rows.shape[:-1] != values.shape[:-1]:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor "
            f"and input value tensor must match, but we got boundaries tensor {errors.shape_text(rows.shape)} and input value "
            f"tensor {errors.shape_text(values.shape)}"
        )
    if sorter is not None:
        rows = np.take_along_axis(rows, sorter.array, -1)
    found = positions(rows, values, right or side == "right")
    return make(np.asarray(found, dtype=np.int32 if out_int32 else np.int64))


def bucketize(self: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """Number of the bucket each value falls into: ``boundaries[i-1] < value <= boundaries[i]`` gives i.

    Args:
        self: values: a tensor or a number.
        boundaries: (n,), sorted.
        right: close the buckets on the left instead: ``boundaries[i-1] <= value < boundaries[i]``.

    Variants: function out
    """
    if not isinstance(boundaries, TensorBase):
        raise errors.argument_type("bucketize", "boundaries", 2, "Tensor", boundaries)
    edges = np.asarray(boundaries.array)
    if edges.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({edges.ndim})")
    found = positions(edges, looked_up(self, "bucketize"), right)
    return make(np.asarray(found, dtype=np.int32 if out_int32 else np.int64))


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element occurs among ``test_elements`` (with ``invert``: does not).

    Args:
        elements, test_elements: tensors; one of them may be a number.
        assume_unique: a promise that neither has duplicates.

    Returns:
        bool, of the shape of ``elements``.

    Variants: function out
    """
    return make(np.isin(looked_up(elements, "isin"), looked_up(test_elements, "isin"), invert=invert))


def unravel_index(indices: Tensor, shape: Any) -> Any:
    """Coordinates, within an array of this shape, of places in the flattened array.

    Args:
        indices: integers; negative ones count from the end.
        shape: an integer or a sequence of them.

    Returns:
        A tuple of tensors like ``indices``, one per dimension.

    Variants: function
    """
    if not isinstance(indices, TensorBase):
        raise errors.argument_type("unravel_index", "indices", 1, "Tensor", indices)
    if indices.dt.category > INTEGER:
        raise ValueError(f"expected 'indices' to be integer dtype, but got {indices.dt!r}")
    sizes = tuple([int_of(n) for n in shape]) if hasattr(shape, "__len__") else (int_of(shape),)
    rest = np.asarray(indices.array)
    found = []
    for n in reversed(sizes):
        found.append(make(rest % n))
        rest = rest // n
    return tuple(reversed(found))
