"""Sorting, the k largest, distinct values, counts of values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors, return_types
from .._core.dtypes import COMPLEX, FLOATING, INTEGER, float64
from .._core.tensor_base import TensorBase
from .._record.binary import laid_out_like
from .._record.common import int_of, make, wrap_dim
from .._record.general import general_many
from .._record.selection import Selection, check_not_empty, check_order, deliver
from ..kernels import bulk, counting
from ..kernels.arrays import move_axis
from ..kernels.blocks import BLOCK, places
from .power import refuse_derivatives, refuse_gradient
from .sort_arrays import first, in_order, sorted_order

if TYPE_CHECKING:
    from .._tensor import Tensor


_unique: Final[Any] = np.unique  # an array or several: too much for mypyc's types
COUNTED: Final = 1 << 14  # elements that a histogram takes at once: NumPy makes double precision of them, several times


class SortBackward0(Selection):
    """Elements along a dimension in order; those that are equal keep theirs; NaN counts as the largest."""

    block: int = BLOCK
    descending: bool = False

    def length(self) -> int:
        return self.shape[self.dim]

    def choose(self, x: Any) -> tuple[Any, Any]:
        values, order = in_order(x, self.dim, self.descending)
        return laid_out_like(values, x), laid_out_like(order, x)


class SortBackward1(SortBackward0):
    """The same, of a call that asked for a stable order."""


class TopkBackward0(Selection):
    """The k largest (or smallest) elements along a dimension, in order."""

    k: int = 1
    largest: bool = True

    def choose(self, x: Any) -> tuple[Any, Any]:
        return first(x, self.dim, self.k, self.largest)


class KthvalueBackward0(Selection):
    """The k-th smallest element along a dimension; the last of those that tie."""

    block: int = BLOCK
    k: int = 1

    def choose(self, x: Any) -> tuple[Any, Any]:
        values = np.take(np.partition(x, self.k - 1, self.dim), [self.k - 1], self.dim)
        found = x == values
        if x.dtype.kind == "f":
            found |= np.isnan(x) & np.isnan(values)
        return values, x.shape[self.dim] - 1 - np.argmax(np.flip(found, self.dim), self.dim, keepdims=True)

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim, "keepdim": not self.drops, "self_sym_sizes": self.shape}


def check_sortable(x: TensorBase) -> None:
    """Complex numbers have no order."""
    if x.dt.category == COMPLEX:
        raise RuntimeError(" Sort does not support complex dtypes on CPU")


def sort(self: Tensor, dim: Any = -1, descending: bool = False, *, stable: Any = None, out: Any = None) -> Any:
    """Elements sorted along a dimension, and where each came from.

    Args:
        self: real tensor.
        dim: dimension.
        descending: largest first.
        stable: equal elements keep their order; they always do here.

    Returns:
        Named tuple ``(values, indices)``.

    Gradient:
        To the place each value came from.

    Variants: function method
    """
    check_sortable(self)
    op = SortBackward0(self, dim, False) if stable is None else SortBackward1(self, dim, False)
    op.descending = descending
    return return_types.sort(deliver("sort", out, general_many(op, [self])))


def argsort(self: Tensor, dim: Any = -1, descending: bool = False, *, stable: bool = False) -> Tensor:
    """Indices that sort the tensor along a dimension; int64.

    Variants: function method
    """
    check_sortable(self)
    axis = wrap_dim(dim, len(self.shp))
    if len(self.shp) == 0:
        return make(np.int64(0))
    return make(laid_out_like(sorted_order(self.array, axis, descending), self.array))


def msort(self: Tensor) -> Tensor:
    """The tensor sorted along its first dimension.

    Variants: function method out
    """
    found: Tensor = sort(self, 0)[0]
    return found


def topk(self: Tensor, k: Any, dim: Any = -1, largest: bool = True, sorted: bool = True, *, out: Any = None) -> Any:
    """The k largest (or smallest) elements along a dimension, in order, and where they came from.

    Args:
        self: real tensor.
        k: how many.
        dim: dimension.
        largest: False for the smallest.
        sorted: they always are here.

    Returns:
        Named tuple ``(values, indices)``.

    Gradient:
        To the place each value came from.

    Raises:
        RuntimeError: when there are fewer than ``k``.

    Variants: function method
    """
    check_order(self, "topk_cpu")
    op = TopkBackward0(self, dim, False)
    op.k = int_of(k)
    if op.k < 0 or op.k > (self.shp[op.dim] if len(self.shp) > 0 else 1):
        raise RuntimeError("selected index k out of range")
    op.k = max(op.k, 1) if len(self.shp) == 0 else op.k  # a number itself, whichever k
    op.largest = largest
    return return_types.topk(deliver("topk", out, general_many(op, [self])))


def kthvalue(self: Tensor, k: Any, dim: Any = -1, keepdim: bool = False, *, out: Any = None) -> Any:
    """The k-th smallest element along a dimension (counted from 1) and where it is (the last place of those that tie).

    Variants: function method
    """
    check_order(self, "kthvalue_cpu")
    op = KthvalueBackward0(self, dim, not keepdim)
    op.k = int_of(k)
    check_not_empty("kthvalue", self, op.dim)
    if op.k < 1 or op.k > (self.shp[op.dim] if len(self.shp) > 0 else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {op.dim}")
    return return_types.kthvalue(deliver("kthvalue", out, general_many(op, [self])))


def unique(
    self: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: Any = None
) -> Any:
    """Distinct elements, or with ``dim`` distinct slices, in ascending order.

    Args:
        self: real tensor.
        sorted: they always are here.
        return_inverse: also where each element is among the distinct ones.
        return_counts: also how often each occurs.
        dim: compare slices along this dimension.

    Returns:
        The distinct elements, or a tuple with what was asked for.

    Variants: function method
    """
    axis = None if dim is None else dim_of_slices(self, dim)
    found = distinct(self.array, bool(return_inverse), bool(return_counts), axis)
    results = [refuse_derivatives(make(found[0]), [self], "_unique2" if dim is None else "unique_dim")]
    if return_inverse:
        results.append(make(found[1].reshape(self.shp if axis is None else -1).astype(np.int64, copy=False)))
    if return_counts:
        results.append(make(found[-1].astype(np.int64, copy=False)))
    return results[0] if len(results) == 1 else tuple(results)


def dim_of_slices(x: TensorBase, dim: Any) -> int:
    """The dimension along which slices are compared."""
    if len(x.shp) == 0:
        raise errors.no_dimensions(int_of(dim, "dim"))
    return wrap_dim(dim, len(x.shp))


def distinct(x: Any, inverse: bool, counts: bool, axis: Any) -> list[Any]:
    """Distinct elements (slices), where each element is among them, how often each occurs; the latter two as far as asked for."""
    if axis is not None or x.dtype.kind not in "iu":
        found = _unique(x, False, inverse, counts, axis, equal_nan=False)
        return list(found) if inverse or counts else [found]
    values = _unique(x)  # whole numbers equal themselves: places are searched for, which takes less memory than NumPy's
    if not inverse and not counts:
        return [values]
    where = np.searchsorted(values, x)
    return [values, *([where] if inverse else []), *([np.bincount(where.reshape(-1))] if counts else [])]


def unique_consecutive(self: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: Any = None) -> Any:
    """Elements (or slices along ``dim``) that differ from the one before.

    Returns:
        As :meth:`unique`.

    Variants: function method
    """
    array = np.asarray(self.array)
    rows = array.reshape(-1) if dim is None else move_axis(array, dim_of_slices(self, dim), 0)
    n = rows.shape[0]
    starts = starts_of_runs(rows)
    kept = counting.where_true(rows, starts) if rows.ndim == 1 and bulk.moves(rows) else chosen_rows(rows, starts)
    first_ones = make(kept.reshape(-1) if dim is None else move_axis(kept, 0, wrap_dim(dim, array.ndim)))
    results = [refuse_derivatives(first_ones, [self], "unique_consecutive")]
    if return_inverse:
        inverse = np.cumsum(starts, dtype=np.int64) - 1
        results.append(make(inverse.reshape(self.shp) if dim is None else inverse))
    if return_counts:
        results.append(make(np.diff(np.append(np.flatnonzero(starts), n)).astype(np.int64, copy=False)))
    return results[0] if len(results) == 1 else tuple(results)


def starts_of_runs(rows: Any) -> Any:
    """Mask of the rows that differ from the one before."""
    starts = np.ones(len(rows), np.bool_)
    if rows.ndim == 1:
        np.not_equal(rows[1:], rows[:-1], out=starts[1:])
        return starts
    for place in places(rows[1:].shape, 1):  # blocks: masks are turned into numbers of 64 bits
        before, part = slice(place[0].start, place[0].stop), slice(place[0].start + 1, place[0].stop + 1)
        differ = rows[part] != rows[before][: len(rows) - 1 - before.start]
        starts[part] = differ.any(tuple(range(1, rows.ndim)))
    return starts


def chosen_rows(rows: Any, chosen: Any) -> Any:
    """``rows[chosen]`` by blocks, for a mask."""
    kept = np.empty((np.count_nonzero(chosen), *rows.shape[1:]), rows.dtype)
    at = 0
    for place in places(rows.shape, 1):
        part = rows[place[0]][chosen[place[0]]]
        kept[at : at + len(part)] = part
        at += len(part)
    return kept


def bincount(self: Tensor, weights: Any = None, minlength: Any = 0) -> Tensor:
    """How often each value 0, 1, 2... occurs in a 1-d tensor of integers, or the sum of the ``weights`` where it does.

    Variants: function method
    """
    if len(self.shp) != 1 or self.dt.category != INTEGER or self.array.min(initial=0) < 0:
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if weights is None:
        return make(np.bincount(self.array, minlength=minlength).astype(np.int64, copy=False))
    if weights.shp != self.shp:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    found = np.bincount(self.array, weights.array, minlength)
    return make(found.astype(weights.dt.np if weights.dt.category == FLOATING else float64.np, copy=False))


def histc(self: Tensor, bins: Any = 100, min: Any = 0, max: Any = 0) -> Tensor:
    """How many elements fall into each of ``bins`` equal intervals from ``min`` to ``max`` (by default those of the data).

    Variants: function method out
    """
    if self.dt.category != FLOATING:
        raise NotImplementedError(f"\"histogram_cpu\" not implemented for '{self.dt.title}'")
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    low, high = span(self, min, max)
    flat = np.asarray(self.array).reshape(-1)
    edges = np.histogram_bin_edges(flat[:0], int_of(bins), (low, high))
    if bulk.handles(flat, edges) and edges.size <= COUNTED and 1e-30 < high - low < 1e30:
        counts = counting.histogram(flat, edges)
    else:
        counts = np.zeros(int_of(bins), np.int64)
        for start in range(0, flat.size, COUNTED):
            counts += np.histogram(flat[start : start + COUNTED], int_of(bins), (low, high))[0]
    return refuse_gradient(make(counts.astype(self.dt.np)), [self], "histc")


def span(x: TensorBase, low: Any, high: Any) -> tuple[float, float]:
    """Limits of a histogram."""
    if low == high and x.array.size > 0:
        low, high = x.array.min().item(), x.array.max().item()
    if low == high:
        low, high = low - 1, high + 1
    return checked_limits(low, high)


def checked_limits(low: float, high: float) -> tuple[float, float]:
    """Limits that can be divided into intervals."""
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"range of [{low}, {high}] is not finite")
    if low > high:
        raise RuntimeError("max must be larger than min")
    return float(low), float(high)


def outer_limits(x: TensorBase, given: Any) -> tuple[float, float]:
    """Lowest and highest limit of a histogram with limits of its own; around a single number they are 1 apart."""
    low, high = (0.0, 1.0) if given is None else given
    if given is None and x.array.size > 0:
        low, high = x.array.min().item(), x.array.max().item()
    low, high = checked_limits(low, high)
    return (low - 0.5, high + 0.5) if low == high else (low, high)


def histogram(
    self: Tensor, bins: Any = 100, *, range: Any = None, weight: Any = None, density: bool = False, out: Any = None
) -> Any:
    """Counts of the elements in intervals, and the limits of these.

    Args:
        self: floating tensor.
        bins: how many equal intervals, or a 1-d tensor with the limits of each.
        range: lowest and highest limit; by default those of the data.
        weight: what each element counts, shaped as ``self``.
        density: divide so that the integral over all intervals is 1.

    Returns:
        Named tuple ``(hist, bin_edges)``.

    Variants: function method
    """
    if self.dt.category != FLOATING:
        raise NotImplementedError(f"\"histogram_cpu\" not implemented for '{self.dt.title}'")
    limits: Any
    if isinstance(bins, TensorBase):
        limits = bins.array
    else:
        low, high = outer_limits(self, range)
        limits = np.linspace(low, high, bins + 1).astype(self.dt.np)
    factors = None if weight is None else weight.array
    found = np.histogram(self.array, limits, weights=factors, density=density)[0]
    results = [make(found.astype(self.dt.np)), make(limits)]
    for result in results:
        refuse_gradient(result, [self, bins, weight], "histogram")
    return return_types.histogram(deliver("histogram", out, results))
