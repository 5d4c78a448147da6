"""Links of operators along a dimension, of products, and of windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._record.matmul import AddedProduct, Product
from .._record.selection import Selection
from ..ops import matmul, matmul_added
from ..ops.activation_smooth import GluBackward0
from ..ops.conv_nodes import ConvolutionBackward0, ConvolutionBackwardBackward0
from ..ops.cumulative import RunningExtreme, Scan
from ..ops.fourier import Transform
from ..ops.normalize_nodes import NativeLayerNormBackward0
from ..ops.pool_avg import AvgPool
from ..ops.pool_max import GridMaxPool
from ..ops.softmax import Normalizing, NormalizingBackward
from ._sparse_links import Call, Links, broadcast, in_groups, links, numbered, pairs_of


@links(Scan, Normalizing, NormalizingBackward, Selection, RunningExtreme, GluBackward0, Transform)
def along(call: Call) -> Links:
    """All elements along the dimensions are linked."""
    ndim = len(call.in_shape)
    if ndim == 0:
        return None
    given = call.node.dim
    dims = tuple(d % ndim for d in (given if isinstance(given, tuple) else (given,)))
    kept = tuple(d for d in range(ndim) if d not in dims)
    out = call.out_shape
    if len(out) < ndim:  # the dimension was dropped
        (d,) = dims
        out = (*out[:d], 1, *out[d:])
    return in_groups(numbered(out, kept), numbered(call.in_shape, kept))


@links(NativeLayerNormBackward0)
def normalized(call: Call) -> Links:
    """All elements that are normalised together; weights as they are broadcast."""
    if call.index > 0 or call.slot > 0:
        return broadcast(call) if call.slot == 0 else None
    kept = tuple(range(len(call.node.lead)))
    return in_groups(numbered(call.out_shape, kept), numbered(call.in_shape, kept))


@links(matmul.MmBackward0, matmul.BmmBackward0, matmul.MvBackward0, matmul_added.OuterProduct)
def multiplied(call: Call) -> Links:
    """Rows of the result read rows of the left factor, columns read columns of the right one."""
    return product(call.index, call.out_shape, call.in_shape)


@links(AddedProduct)
def added(call: Call) -> Links:
    """The summand is broadcast."""
    if isinstance(call.node, matmul_added.AddbmmBackward0):
        return None if call.index else broadcast(call)
    return product(call.index - 1, call.out_shape, call.in_shape) if call.index else broadcast(call)


def product(side: int, out: tuple[int, ...], given: tuple[int, ...]) -> Links:
    """Links of a matrix product with its left factor (``side`` 0) or its right one.

    Stacks keep to themselves. A vector as a factor stands for the dimension that it brings.
    """
    if len(out) == 1:  # matrix times vector
        return in_groups(numbered(out, (0,)), numbered(given, (0,))) if side == 0 else None
    if len(given) == 1:  # an outer product
        return in_groups(numbered(out, (side,)), numbered(given, (0,)))
    stack = tuple(range(len(out) - 2))
    place = len(out) - 2 + side
    return in_groups(numbered(out, (*stack, place)), numbered(given, (*stack, place)))


@links(Product)
def combined(call: Call) -> Links:
    """Other products link everything with everything."""
    return None


# Windows


def positions(out: int, size: int, kernel: int, stride: int, padding: int, dilation: int) -> Any:
    """Which places along one dimension each window covers."""
    at = np.arange(out)[:, None] * stride - padding + np.arange(kernel) * dilation
    rows = np.broadcast_to(np.arange(out)[:, None], at.shape)
    inside = (at >= 0) & (at < size)
    return pairs_of(rows[inside], at[inside], (out, size))


def windows(count: int, out: tuple[int, ...], size: tuple[int, ...], *numbers: tuple[int, ...]) -> Any:
    """Which places each window covers, for ``count`` pictures one after the other."""
    from scipy.sparse import eye_array, kron

    total = eye_array(count, dtype=np.bool_, format="csr")
    for o, n, kernel, stride, padding, dilation in zip(out, size, *numbers, strict=True):
        total = kron(total, positions(o, n, kernel, stride, padding, dilation), format="csr")
    return total


@links(AvgPool, GridMaxPool)
def pooled(call: Call) -> Links:
    """Every result reads the elements of its window."""
    pooling = call.node.rule.pooling if isinstance(call.node, AvgPool) else call.node.pooling
    d = len(pooling.kernel)
    count = int(np.prod(call.in_shape[:-d]))
    out, size = call.out_shape[-d:], call.in_shape[-d:]
    return [windows(count, out, size, pooling.kernel, pooling.steps(), pooling.padding, pooling.dilation)]


@links(ConvolutionBackward0)
def convolved(call: Call) -> Links:
    """Every result reads the channels of its group, in its window."""
    return None if call.index > 0 else convolution(call.node, call.out_shape, call.in_shape)


@links(ConvolutionBackwardBackward0)
def convolved_back(call: Call) -> Links:
    """The gradient of the input reads the gradient of the result the other way round."""
    if call.index > 0 or call.slot > 0 or not call.node.wanted_grads[0]:
        return None
    return [factor.T.tocsr() for factor in reversed(convolution(call.node, call.in_shape, call.out_shape))]


def convolution(node: Any, out_shape: tuple[int, ...], in_shape: tuple[int, ...]) -> list[Any]:
    """Links of the result of a convolution with its input; a transposed one has them the other way round."""
    rule = node.rule
    kernel = tuple(node.tensor("weight").shp[2:])
    out, size = out_shape[2:], in_shape[2:]
    numbers = (kernel, rule.stride, rule.padding, rule.dilation)
    count = in_shape[0] * rule.groups
    covered = windows(count, size, out, *numbers).T.tocsr() if rule.transposed else windows(count, out, size, *numbers)
    return [merged(out_shape, rule.groups).T.tocsr(), covered, merged(in_shape, rule.groups)]


def merged(shape: tuple[int, ...], groups: int) -> Any:
    """Channels of one group at one place become one: row (item, group, place), column (item, channel, place)."""
    n, channels = shape[:2]
    places = np.arange(n * groups * int(np.prod(shape[2:]))).reshape(n, groups, 1, *shape[2:])
    wide = np.broadcast_to(places, (n, groups, channels // groups, *shape[2:])).reshape(-1)
    return pairs_of(wide, np.arange(len(wide)), (places.size, len(wide)))
