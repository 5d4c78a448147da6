"""Backward formulas with rows in front: views, copies of views, and what joins or rearranges elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._core.dtypes import intern_size
from ..._core.tensor_base import from_array
from ..._core.views import AsStridedBackward0, CopySlices, retaken, strided_clone
from ..._gen import functions
from ..._record.common import cast_grad, make
from ...ops.complex_views import ViewAsComplexBackward0, ViewAsRealBackward0
from ...ops.copies import Copied
from ...ops.diagonals import DiagEmbedBackward0, TraceBackward0
from ...ops.fill import CopyBackwards, FillBackward0, FillBackward1, FillBackward3, Filling
from ...ops.join import CatBackward0, StackBackward0, is_legacy_empty
from ...ops.rearrange import FlipBackward0, RepeatBackward0, RollBackward0, Rot90Backward0
from ...ops.shape import AliasBackward0, ExpandBackward0, Regrouping, UnsafeViewBackward0
from ...ops.shape_axes import PermuteBackward0, TBackward0, TransposeBackward0
from ...ops.shape_parts import (
    DiagonalBackward0,
    Embedding,
    Part,
    SelectBackward0,
    SliceBackward0,
    UnfoldBackward0,
)
from ...ops.shape_splits import Parts, UnbindBackward0
from .._formulas import apply, formula, summed
from .._physical import places_in_base


@formula(Regrouping, AliasBackward0, UnsafeViewBackward0)
def regrouped(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The old shape within each row."""
    return [grads[0].reshape((rows, *node.shape))]


@formula(ExpandBackward0)
def expanded(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Summed over what was repeated."""
    return [summed(grads[0], node.shape)]


@formula(TBackward0, TransposeBackward0, PermuteBackward0)
def permuted(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The permutation of the dimensions undone; which one it was, sizes tell."""
    numbered = np.broadcast_to(np.False_, range(len(node.shape)))  # a size for each dimension, and no memory
    order = np.argsort(node.forward(numbered).shape)
    return [grads[0].permute((0, *(int(d) + 1 for d in order)))]


def shifted(part: Part, rows: int) -> Part | None:
    """The same part of a tensor with one dimension more in front."""
    if len(part.shape) == 0:
        return None
    made: Part
    if isinstance(part, SelectBackward0):
        made = SelectBackward0(part.dim + 1, part.index)
    elif isinstance(part, SliceBackward0):
        made = SliceBackward0(part.dim + 1, part.start, part.stop, part.step)
    elif isinstance(part, DiagonalBackward0):
        n = len(part.shape)
        made = DiagonalBackward0(part.offset, part.dim1 % n + 1, part.dim2 % n + 1)
    elif isinstance(part, UnfoldBackward0):
        made = UnfoldBackward0(part.dim + 1, part.size, part.step)
    else:
        return None
    made.shape = intern_size((rows, *part.shape))
    return made


@formula(Part)
def embedded(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Into zeros, one dimension further."""
    part = shifted(node, rows)
    return None if part is None else [part.grad_self(grads[0])]


@formula(Embedding)
def taken(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The part, one dimension further."""
    part = shifted(node.part, rows)
    return None if part is None else [part.take(grads[0])]


@formula(Parts)
def joined(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The parts one after the other again; zeros for those that nothing arrived for."""
    d = node.dim
    like = next(g for g in grads if g is not None)
    wide = [
        functions.zeros((rows, *node.shape[:d], n, *node.shape[d + 1 :]), dtype=like.dt) if g is None else g
        for n, g in zip(node.sizes, grads, strict=True)
    ]
    return [functions.cat(wide, d + 1)]


@formula(UnbindBackward0)
def stacked(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The indices of a dimension side by side again."""
    like = next(g for g in grads if g is not None)
    return [functions.stack([functions.zeros_like(like) if g is None else g for g in grads], node.dim + 1)]


@formula(Copied)
def copied(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """As the view that was copied."""
    return apply(node.part, grads, rows)


@formula(CopySlices)
def written(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The gradient of the written region through the operation that wrote it, the rest as it is."""
    shape = tuple(node.geometry.base_size)
    count = int(np.prod(shape))
    fn = node.fn
    if fn is None or any(isinstance(step, (ViewAsRealBackward0, ViewAsComplexBackward0)) for step in node.steps):
        return None
    flat = grads[0].reshape(rows, count)
    numbered = strided_clone(functions.arange(count).reshape(shape), shape, node.geometry.base_stride)
    at: Any = retaken(numbered, node.steps)
    places = at.reshape(-1)
    results = apply(fn, [flat[:, places].reshape((rows, *at.shp))], rows)
    if node.next0 is not None:
        inner = results[0]
        hole = flat.index_fill(1, places, 0)
        whole = hole if inner is None else hole.index_copy(1, places, inner.reshape(rows, -1))
        results[0] = whole.reshape((rows, *shape))
    return results


@formula(AsStridedBackward0)
def strided(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Added to the elements of the base that lie where the view's elements do."""
    into = places_in_base(node)
    if into is None:
        return None
    at: Any = from_array(np.flatnonzero(into >= 0))
    onto: Any = from_array(into[into >= 0])
    zeros = functions.zeros(rows, int(np.prod(node.base_size)), dtype=grads[0].dt)
    flat = grads[0].reshape(rows, len(into)).index_select(1, at)
    return [zeros.index_add(1, onto, flat).reshape((rows, *node.base_size))]


@formula(CopyBackwards)
def overwritten(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Zeros for the old value, everything for the source."""
    first = functions.zeros_like(grads[0]) if node.next0 is not None else None
    second = cast_grad(summed(grads[0], node.shape), node.dtype) if node.next1 is not None else None
    return [first, second]


@formula(Filling, FillBackward0)
def zeroed(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Zeros for the old value."""
    return [functions.zeros_like(grads[0])]


@formula(FillBackward1, FillBackward3)
def filled(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Zeros for the old value, the sum for the new one."""
    second = cast_grad(summed(grads[0], intern_size(())), node.dtype)
    return [functions.zeros_like(grads[0]), second]


@formula(ViewAsRealBackward0, ViewAsComplexBackward0)
def viewed(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Element by element."""
    return list(node.vjp(grads[0]))


@formula(CatBackward0)
def cut(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """A range of the joined dimension for each input."""
    grad = grads[0]
    found: list[Any] = []
    start = 0
    for i, size in enumerate(node.sizes):
        empty = is_legacy_empty(size)
        n = 0 if empty else size[node.dim]
        part = make(np.zeros((rows, 0), grad.dt.np)) if empty else grad.narrow(node.dim + 1, start, n)
        found.append(cast_grad(part, node.dtypes[i]) if node.wanted(i) else None)
        start += n
    return found


@formula(StackBackward0)
def unstacked(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """An index of the new dimension for each input."""
    return [
        cast_grad(grads[0].select(node.dim + 1, i), dt) if node.wanted(i) else None for i, dt in enumerate(node.dtypes)
    ]


@formula(FlipBackward0)
def flipped(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Back again."""
    return [grads[0].flip(tuple(d + 1 for d in node.dims))] if len(grads[0].shp) > 1 else [grads[0]]


@formula(RollBackward0)
def rolled(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Back again; without dimensions as if flat."""
    grad = grads[0]
    back = tuple(-n for n in node.shifts)
    if len(node.dims) == 0:
        return [grad.reshape(rows, grad.shp[1:].numel()).roll(back, (1,)).reshape(grad.shp)]
    return [grad.roll(back, tuple(d + 1 for d in node.dims))]


@formula(Rot90Backward0)
def rotated(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Back again."""
    n = len(grads[0].shp) - 1
    return [grads[0].rot90(-node.k, tuple(d % n + 1 for d in node.dims))]


@formula(RepeatBackward0)
def repeated(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Summed over the repetitions."""
    lead = len(node.repeats) - len(node.shape)
    whole = RepeatBackward0((1, *node.repeats), (rows, *(1,) * lead, *node.shape))
    return [whole.transposed(grads[0]).reshape((rows, *node.shape))]


@formula(DiagEmbedBackward0)
def diagonals(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The diagonal that was laid."""
    n = len(grads[0].shp) - 1
    return [grads[0].diagonal(node.offset, node.dim1 % n + 1, node.dim2 % n + 1)]


@formula(TraceBackward0)
def traced(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Along the main diagonal."""
    return [grads[0].reshape(rows, 1, 1) * functions.eye(*node.shape, dtype=grads[0].dt)]
