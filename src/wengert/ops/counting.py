"""Counts in boxes of several dimensions, and hashes of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors, return_types
from .._core.dtypes import COMPLEX, FLOATING
from .._core.tensor_base import TensorBase
from .._record.common import int_of, make, wrap_dims
from .power import refuse_gradient
from .sizes import sizes_of

if TYPE_CHECKING:
    from .._tensor import Tensor

_xor: Final[Any] = np.bitwise_xor.reduce


def histogramdd(self: Tensor, bins: Any, range: Any = None, weight: Any = None, density: bool = False) -> Any:
    """Counts of points in the boxes of a grid, and the limits of these.

    Args:
        self: points, (..., dimensions), float32 or float64.
        bins: numbers of equal intervals, one for every dimension or the same for all; or for every dimension a 1-d tensor with
            the limits of its intervals.
        range: lowest and highest limit of every dimension, in one sequence; by default those of the points.
        weight: what each point counts, of shape (...).
        density: divide so that the integral over all boxes is 1.

    Returns:
        Named tuple ``(hist, bin_edges)``: counts, one dimension for each of ``bins``, and a tuple of tensors of limits.

    Raises:
        RuntimeError: for arguments that do not fit together, and limits that are not finite.

    Variants: function
    """
    if len(self.shp) < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")
    if self.dt.category != FLOATING or self.dt.itemsize < 4:
        raise NotImplementedError(f"\"histogramdd\" not implemented for '{self.dt.title}'")
    check_weight(self, weight)
    count = self.shp[-1]
    points = self.array.reshape(-1, count) if count > 0 else np.zeros((self.array.size, 0), self.dt.np)
    if isinstance(bins, (tuple, list)) and len(bins) > 0 and isinstance(bins[0], TensorBase):
        limits = given_limits(self, bins)
    else:
        limits = equal_limits(self, points, bins, range)
    factors = None if weight is None else weight.array.reshape(-1)
    found = counts(points, limits, factors, density).astype(self.dt.np)
    hist = refuse_gradient(make(found), [self], "histogramdd")
    return return_types.histogramdd([hist, tuple([make(e) for e in limits])])


def check_weight(x: TensorBase, weight: Any) -> None:
    """Refuse weights of another shape or dtype."""
    if weight is None:
        return
    if not isinstance(weight, TensorBase):
        raise errors.argument_type("histogramdd", "weight", 4, "Tensor", weight)
    if weight.shp != x.shp[:-1]:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided it should have the same shape as the input tensor excluding its "
            f"innermost dimension, but got input with shape {errors.shape_text(x.shp)} and weight with shape "
            + errors.shape_text(weight.shp)
        )
    if weight.dt is not x.dt:
        raise RuntimeError(
            "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should have the same dtype, but "
            f"got input({x.dt.c_name}), and weight({weight.dt.c_name})"
        )


def given_limits(x: TensorBase, bins: Any) -> list[Any]:
    """Limits of intervals, given as tensors."""
    n = x.shp[-1]
    if len(bins) != n:
        raise RuntimeError(
            f"torch.histogramdd: expected {n} sequences of bin edges for a {n}-dimensional histogram but got {len(bins)}"
        )
    for i, edges in enumerate(bins):
        if edges.dt is not x.dt:
            raise RuntimeError(
                "torch.histogramdd: input tensor and bins tensors should have the same dtype, but got input with dtype "
                f"{x.dt.c_name} and bins for dimension {i} with dtype {edges.dt.c_name}"
            )
        if len(edges.shp) != 1:
            raise RuntimeError(
                f"torch.histogramdd: bins tensor should have one dimension, but got {len(edges.shp)} dimensions in the bins "
                f"tensor for dimension {i}"
            )
        if edges.array.size == 0:
            raise RuntimeError(
                "torch.histogramdd: bins tensor should have at least 1 element, but got 0 elements in the bins tensor for "
                f"dimension {i}"
            )
        check_intervals(edges.array.size - 1, i)
        if (np.diff(edges.array) < 0).any():
            raise RuntimeError(
                f"torch.histogramdd: limits must not decrease, but they do in the bins for dimension {i}"
            )
    return [edges.array for edges in bins]


def check_intervals(n: int, dim: int) -> None:
    """Refuse a dimension without intervals."""
    if n <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {n} for dimension {dim}")


def equal_limits(x: TensorBase, points: Any, bins: Any, span: Any) -> list[Any]:
    """Limits of equal intervals."""
    n = points.shape[1]
    numbers = sizes_of((), tuple(bins) if isinstance(bins, (tuple, list)) else (bins,) * n, "histogramdd", "bins")
    if len(numbers) != n:
        raise RuntimeError("histogramdd: The size of bins must be equal to the innermost dimension of the input.")
    for i, number in enumerate(numbers):
        check_intervals(number, i)
    if span is not None and len(span) != 2 * n:
        raise RuntimeError(
            f"torch.histogramdd: for a {n}-dimensional histogram range should have {2 * n} elements, but got {len(span)}"
        )
    limits: list[Any] = []
    for i, number in enumerate(numbers):
        if span is not None:
            low, high = float(span[2 * i]), float(span[2 * i + 1])
        elif len(points) > 0:
            low, high = float(points[:, i].min()), float(points[:, i].max())
        else:
            low, high = 0.0, 1.0
        if not (np.isfinite(low) and np.isfinite(high)):
            raise RuntimeError(f"torch.histogramdd: dimension {i}'s range [{low:g}, {high:g}] is not finite")
        if low > high:
            raise RuntimeError(
                f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for dimension {i}"
            )
        if low == high:
            low, high = low - 0.5, high + 0.5
        limits.append(np.linspace(low, high, number + 1).astype(x.dt.np))
    return limits


def counts(points: Any, limits: list[Any], factors: Any, density: bool) -> Any:
    """How many points (or what weight) each box holds; the last interval of a dimension includes its upper limit."""
    shape = tuple([len(e) - 1 for e in limits])
    inside = np.ones(len(points), bool)
    places = np.zeros(len(points), np.int64)
    for i, edges in enumerate(limits):
        column = points[:, i]
        inside &= (column >= edges[0]) & (column <= edges[-1])
        place = np.searchsorted(edges, column, side="right") - 1
        places = places * shape[i] + np.minimum(place, shape[i] - 1)
    if len(limits) == 0:
        inside[:] = False
    kept = None if factors is None else factors[inside]
    total = np.bincount(places[inside], kept, minlength=int(np.prod(shape))).astype(np.float64).reshape(shape)
    if density:
        total /= total.sum()
        for i, edges in enumerate(limits):
            total /= np.diff(edges).reshape((-1,) + (1,) * (len(limits) - 1 - i))
    return total


def hash_tensor(self: Tensor, dim: Any = None, *, keepdim: bool = False, mode: Any = 0) -> Tensor:
    """A hash of the elements along dimensions: exclusive or of their bits as 64-bit numbers, uint64.

    Args:
        self: real; floating elements are taken as float64, others as int64.
        dim: an int or several; all without it.
        keepdim: keep reduced dimensions, with size 1.
        mode: 0, the only one.

    Raises:
        RuntimeError: for another mode.
        IndexError: when a dimension without elements is reduced.

    Variants: function method out
    """
    if int_of(mode, "mode") != 0:
        raise RuntimeError(f"Unknown hash_tensor mode: {mode}")
    if self.dt.category == COMPLEX:
        raise NotImplementedError(f"\"xor_sum_cpu\" not implemented for '{self.dt.title}'")
    everything = dim is None or (isinstance(dim, (tuple, list)) and len(dim) == 0)
    if everything and self.array.size == 0:
        raise RuntimeError(
            "hash_tensor: Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the "
            "'dim' argument."
        )
    axes = wrap_dims(dim, len(self.shp))
    for d in axes if len(self.shp) > 0 else ():
        if self.shp[d] == 0:
            raise IndexError(f"hash_tensor: Expected reduction dim {d} to have non-zero size.")
    wide = np.float64 if self.dt.category == FLOATING else np.uint64 if self.dt.name == "uint64" else np.int64
    bits = np.ascontiguousarray(self.array, dtype=wide).reshape(self.shp).view(np.uint64)
    found = bits if len(self.shp) == 0 else _xor(bits, axis=axes, keepdims=keepdim)
    return make(np.array(found))
