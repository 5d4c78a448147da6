"""Distances of the rows of one matrix, and losses that are made of distances given by the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors
from .._core.dtypes import FLOATING, float16
from .._core.tensor_base import TensorBase
from .._record.common import is_number, make, untracked
from .._record.general import General, general
from ..kernels import bulk as kernels
from ..kernels.blocks import BLOCK
from .loss import reduced
from .norm import norm_array, norm_slope, pair_weight, pairwise_distance

if TYPE_CHECKING:
    from .._tensor import Tensor


class PdistBackward0(General):
    """p-norm distance of each pair of rows, those of the first row first."""

    def __init__(self, p: Any) -> None:
        self.p: Any = p

    def forward(self, arrays: list[Any]) -> Any:
        """Distances of a block of rows to all later ones, of which a staircase is taken."""
        x = arrays[0]
        n = x.shape[0]
        out = np.zeros(n * (n - 1) // 2, x.dtype)
        if n < 2 or x.shape[1] == 0:
            return out
        by_kernel = self.direct(x)
        for rows, rest, among in staircase(n, 1 if by_kernel else x.shape[1]):
            if by_kernel:
                part = kernels.distances(x[rows], x[rest], int(self.p))
            else:
                part = norm_array(x[rows, None] - x[rest], self.p, -1, False)
            out[among] = part[above_diagonal(part.shape)]
        return out

    def direct(self, x: Any) -> bool:
        """Whether kernels take these rows."""
        return self.p in (1, 2) and x.shape[0] > 1 and kernels.handles(x)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        x = self.tensor("self")
        total: Tensor = x.new_zeros(x.shp)
        if x.array.size == 0:
            return [total]
        result = self.tensor("result")
        if untracked(grad) and untracked(x):
            self.add_up(total.array, grad.array, x.array, result.array)
            return [total]
        first, second = pairs(x.shp[0])
        steps = x.index_select(0, first) - x.index_select(0, second)
        slope = grad.unsqueeze(-1) * norm_slope(steps, result.unsqueeze(-1), self.p, -1)
        return [total.index_add(0, first, slope).index_add(0, second, -slope)]

    def add_up(self, total: Any, grad: Any, x: Any, result: Any) -> None:
        """Add up the gradient: a block of rows gets what its later rows give it, and gives them theirs."""
        by_kernel = self.direct(x)
        for rows, rest, among in staircase(x.shape[0], 1 if by_kernel else 2 * x.shape[1]):
            pair = above_diagonal((rows.stop - rows.start, rest.stop - rest.start))
            if by_kernel:
                weight = np.zeros(pair.shape, x.dtype)
                weight[pair] = pair_weight(grad[among], result[among], self.p)
                total[rows] += kernels.distance_sums(x[rows], x[rest], weight, int(self.p), False)
                total[rest] += kernels.distance_sums(x[rest], x[rows], weight, int(self.p), True)
                continue
            steps = make((x[rows, None] - x[rest])[pair])
            slope = np.zeros((*pair.shape, x.shape[1]), x.dtype)
            slope[pair] = norm_slope(steps, make(result[among, None]), self.p, -1).array * grad[among, None]
            total[rows] += slope.sum(1)
            total[rest] -= slope.sum(0)

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        first, second = pairs(tangent.shp[0])
        steps = inputs[0].index_select(0, first) - inputs[0].index_select(0, second)
        change = tangent.index_select(0, first) - tangent.index_select(0, second)
        return [(change * norm_slope(steps, results[0].unsqueeze(-1), self.p, -1)).sum(-1)]

    def saves(self) -> list[str]:
        return ["self", "result"]

    def parameters(self) -> dict[str, Any]:
        return {"p": self.p}


def staircase(n: int, each: int) -> list[tuple[slice, slice, slice]]:
    """Blocks of the pairs of n rows: some rows, all rows behind the first of them, and where their pairs are among all.

    A block has about ``BLOCK`` elements, ``each`` for every combination, of which those above the diagonal are pairs.
    """
    step = max(1, BLOCK // (n * each))
    found: list[tuple[slice, slice, slice]] = []
    stop = 0
    for first in range(0, n - 1, step):
        last = min(first + step, n - 1)
        start, stop = stop, stop + (last - first) * (2 * n - first - last - 1) // 2
        found.append((slice(first, last), slice(first + 1, n), slice(start, stop)))
    return found


def above_diagonal(shape: tuple[int, ...]) -> Any:
    """Mask of the pairs in a block of ``staircase``."""
    return ~np.tri(shape[0], shape[1], -1, np.bool_)


def pairs(count: int) -> tuple[Tensor, Tensor]:
    """Numbers of the rows of each pair."""
    first, second = np.triu_indices(count, 1)
    return make(first.astype(np.int64)), make(second.astype(np.int64))


def pdist(input: Tensor, p: Any = 2) -> Tensor:
    """The p-norm distances of all pairs of rows of a matrix: the part above the diagonal of ``cdist(input, input)``.

    Args:
        input: floating, of shape (rows, features).
        p: at least 0; 0 counts the features that differ.

    Returns:
        Shape (rows (rows - 1) / 2,).

    Gradient:
        As ``cdist``; 0 for rows that are equal.

    Raises:
        RuntimeError: for other shapes, dtypes or a negative ``p``.

    Variants: function nn
    """
    if not isinstance(input, TensorBase):
        raise errors.argument_type("pdist", "input", 1, "Tensor", input)
    if not is_number(p):
        raise errors.argument_type("pdist", "p", 2, "float", p)
    if len(input.shp) != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {len(input.shp)}D")
    if input.dt.category != FLOATING:
        raise RuntimeError("pdist only supports floating-point dtypes")
    if not p >= 0:
        raise RuntimeError("pdist only supports non-negative p values")
    if input.dt is float16:
        raise errors.not_implemented("pdist", input.dt)
    return general(PdistBackward0(float(p)), [input])


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Any = None,
    margin: Any = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """max(d(anchor, positive) - d(anchor, negative) + margin, 0) with the distance d of your choice, reduced.

    Args:
        anchor, positive, negative: tensors that ``distance_function`` takes two at a time.
        distance_function: Euclidean distance of the last dimension when not given.
        swap: take the distance of ``positive`` and ``negative`` where it is smaller than that of the anchor.

    Raises:
        ValueError: unless ``margin`` is positive.

    Variants: nn
    """
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    dims = [len(t.shp) for t in (anchor, positive, negative)]
    if dims[1] != dims[0] or dims[2] != dims[0]:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: anchor "
            f"{dims[0]}D, positive {dims[1]}D, and negative {dims[2]}D inputs"
        )
    distance = pairwise_distance if distance_function is None else distance_function
    near = distance(anchor, positive)
    far = distance(anchor, negative)
    if swap:
        far = far.minimum(distance(positive, negative))
    return reduced((near + margin - far).clamp_min(0), reduction)
