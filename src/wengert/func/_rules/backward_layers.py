"""Backward formulas with rows in front: normalisations of layers, batches and groups; means of windows."""

from __future__ import annotations

from math import prod
from typing import Any

from ..._record.common import cast_grad
from ..._record.general import general
from ...ops.normalize_nodes import NativeLayerNormBackward0, Normalization
from ...ops.pool_adaptive import AdaptiveAvgPool, AdaptiveAvgPoolBackward
from ...ops.pool_avg import AvgPool, AvgPoolBackward
from .._formulas import formula


@formula(Normalization)
def normalised(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The gradient of x is r P(w grad), see ops/normalize_parts.py; those of weight and bias are sums."""
    frame = node.frame
    x = node.tensor("input")
    s, r = frame.standard(x.reshape(frame.work), *node.statistics(x.dt))
    v = grads[0].reshape((rows, *frame.work))
    found: list[Any] = [None, None, None]
    if node.wanted(0):
        weighted = v * node.tensor("weight").reshape(frame.weights) if node.given[1] else v
        dx = r * projected(frame, weighted, s)
        found[0] = cast_grad(dx.reshape((rows, *x.shp)), x.dt)
    shape = tuple(node.normalized_shape) if isinstance(node, NativeLayerNormBackward0) else (prod(frame.weights),)
    dims = [d + 1 for d in frame.summed]
    for part, terms in ((1, v * s if node.wanted(1) else None), (2, v if node.wanted(2) else None)):
        if terms is not None:
            found[part] = (terms.sum(dims) if dims else terms).reshape((rows, *shape))
    return found


def projected(frame: Any, v: Any, s: Any) -> Any:
    """P(v) in each row."""
    if frame.fixed:
        return v
    dims = [d + 1 for d in frame.axes]
    return v - v.mean(dims, True) - s * (v * s).mean(dims, True)


@formula(AvgPool, AdaptiveAvgPool)
def pooled(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Each picture for itself: the rows are folded into the first dimension."""
    shape = tuple(node.tensor("self").shp)
    if rows == 0:
        return None
    op = node.adjoint((rows * shape[0], *shape[1:]))
    return [general(op, [folded(grads[0])]).reshape((rows, *shape))]


@formula(AvgPoolBackward, AdaptiveAvgPoolBackward)
def pooled_again(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The pooling itself."""
    if rows == 0:
        return None
    out = general(node.original(), [folded(grads[0])])
    return [out.reshape((rows, out.shp[0] // rows, *out.shp[1:]))]


def folded(t: Any) -> Any:
    """The rows and the first dimension of each as one."""
    return t.reshape((t.shp[0] * t.shp[1], *t.shp[2:]))
