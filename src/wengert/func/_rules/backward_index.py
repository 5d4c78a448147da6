"""Backward formulas with rows in front: indexing, choosing, running sums and softmax along a dimension."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Any

from ..._core.dtypes import intern_size
from ..._gen import functions
from ..._record.common import OTHER, RESULT, SELF, cast_grad
from ..._record.reduction import open_shape
from ..._record.selection import Selection
from ...ops.cumulative import Scan
from ...ops.gather_scatter import GatherBackward0, ScatterAddBackward0, ScatterBackward0, ScatterBackward1, padded
from ...ops.index_put import IndexBackward0, IndexPutBackward0, dims_taken, index_entries, index_put, index_sum
from ...ops.index_put import indexed as taken_at
from ...ops.index_rows import IndexAddBackward0, IndexSelectBackward0
from ...ops.masked import MaskedFillBackward0, WhereBackward0
from ...ops.pool_max import MaxPool, MaxPoolBackward
from ...ops.reduce import MeanBackward0, NansumBackward0, SumBackward0
from ...ops.softmax import Normalizing, NormalizingBackward
from .._formulas import formula, summed, undone, with_batched_tensors


@formula(SumBackward0, MeanBackward0)
def spread(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The gradient of a sum goes to all elements, that of a mean divided by their number."""
    if isinstance(node, NansumBackward0):
        return with_batched_tensors(node, grads, rows)
    grad = grads[0]
    if isinstance(node, MeanBackward0):
        grad = grad / node.count()
    if not node.keepdim and len(node.shape) > 0:
        dims = range(len(node.shape)) if node.dims is None else node.dims
        grad = grad.reshape((rows, *open_shape(node.shape, tuple(dims))))
    wide = grad.expand((rows, *node.shape))
    return [wide if node.source is None else cast_grad(wide, node.source)]


@formula(IndexBackward0)
def indexed(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Added back to the indexed places of each row."""
    entries = index_entries(node, node.slots)
    grad = grads[0]
    if apart(node.slots):
        kept = len(node.size) - sum(dims_taken(e) for e in entries if e is not None)
        grad = grad.movedim(0, len(grad.shp) - 1 - kept)
    return [index_sum(grad, [None, *entries], intern_size((rows, *node.size)))]


def apart(slots: list[bool]) -> bool:
    """Whether index tensors do not stand side by side: their dimensions come first in the result, before the rows."""
    at = [i for i, taken in enumerate(slots) if taken]
    return any(b - a > 1 for a, b in pairwise(at))


@formula(IndexPutBackward0)
def put(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The values get what arrives at their places, the old tensor the rest."""
    grad = grads[0]
    entries = [None, *index_entries(node, node.slots)]
    if apart(node.slots):
        return None
    first = None
    if node.wanted(0):
        first = grad if node.accumulate else index_put(grad, entries, functions.zeros((), dtype=grad.dt))
    return [first, summed(taken_at(grad, entries), node.size) if node.wanted(1) else None]


@formula(IndexAddBackward0)
def slices_added(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The source gets the gradient of the slices that it was added to, the target all of it."""
    grad = grads[0]
    source = None
    if node.wanted(1):
        if len(grad.shp) == 1:
            return None
        source = grad.index_select(node.dim + 1, node.tensor("index").reshape(-1)).reshape((rows, *node.size))
        source = source if node.alpha == 1 else source * node.alpha
    return [grad, source]


@formula(ScatterAddBackward0)
def added(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The source gets the gradient at its places, the target all of it."""
    return [grads[0], source_of(node, grads[0], rows) if node.wanted(1) else None]


@formula(ScatterBackward0)
def scattered(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The source gets the gradient at its places, the target the rest."""
    index = node.tensor("index")
    if len(index.shp) == 0:
        return None
    rest = grads[0].scatter(node.dim + 1, in_rows(index, rows), 0) if node.wanted(0) else None
    return [rest, source_of(node, grads[0], rows) if node.wanted(1) else None]


@formula(ScatterBackward1)
def number_scattered(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Zero where the number was written."""
    index = node.tensor("index")
    return None if len(index.shp) == 0 else [grads[0].scatter(node.dim + 1, in_rows(index, rows), 0)]


def source_of(node: Any, grad: Any, rows: int) -> Any:
    """What the source of a scatter gets; its elements beyond the index get nothing."""
    index = node.tensor("index")
    if len(index.shp) == 0:
        return grad
    return padded(grad.gather(node.dim + 1, in_rows(index, rows)), intern_size((rows, *node.size)))


@formula(IndexSelectBackward0)
def selected(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Added back to the slices that they came from."""
    if len(node.size) == 0:
        return None
    zeros = functions.zeros((rows, *node.size), dtype=grads[0].dt)
    return [zeros.index_add(node.dim + 1, node.tensor("index").reshape(-1), grads[0])]


@formula(GatherBackward0)
def gathered(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Added back to the places that they came from."""
    shape = node.tensor("self").shp
    if len(shape) == 0:
        return None
    zeros = functions.zeros((rows, *shape), dtype=grads[0].dt)
    return [zeros.scatter_add(node.dim + 1, in_rows(node.tensor("index"), rows), grads[0])]


@formula(Selection)
def chosen(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Put where the values came from."""
    grad = grads[0]
    if grad is None or len(node.shape) == 0:
        return [grad]
    d = node.dim + 1
    index = in_rows(node.tensor("indices"), rows)
    zeros = functions.zeros((rows, *node.shape), dtype=grad.dt)
    return [zeros.scatter(d, index.unsqueeze(d), grad.unsqueeze(d)) if node.drops else zeros.scatter(d, index, grad)]


@formula(MaxPool)
def pooled(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Added to the places of the maxima in each picture."""
    shape, d = tuple(node.tensor("self").shp), node.dims
    at = flat_places(node.tensor("result1"), d, rows)
    zeros = functions.zeros((rows, *shape[:-d], prod(shape[-d:])), dtype=grads[0].dt)
    return [zeros.scatter_add(-1, at, grads[0].reshape(at.shp)).reshape((rows, *shape))]


@formula(MaxPoolBackward)
def pooled_again(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Taken from the places of the maxima in each picture."""
    shape, d, index = tuple(node.shape), node.dims, node.tensor("indices")
    pictures = grads[0].reshape((rows, *shape[:-d], prod(shape[-d:])))
    return [pictures.gather(-1, flat_places(index, d, rows)).reshape((rows, *index.shp))]


def flat_places(index: Any, dims: int, rows: int) -> Any:
    """Places within pictures of ``dims`` dimensions, one row of them for each picture."""
    return in_rows(index.reshape((*index.shp[:-dims], prod(index.shp[-dims:]))), rows)


def in_rows(t: Any, rows: int) -> Any:
    """The same tensor in every row."""
    return t.unsqueeze(0).expand((rows, *t.shp))


@formula(Scan, Normalizing)
def along(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The same operator, one dimension further."""
    if len(grads[0].shp) == 1:
        return None
    reads = node.reads
    x = in_rows(node.saved_value("self"), rows) if reads & SELF else None
    result = in_rows(node.saved_value("result"), rows) if reads & RESULT else None
    made = type(node)(node.dim + 1)
    if isinstance(node, Scan):
        made.source, made.target = node.source, node.target
    return [made.grad_self(grads[0], x, result)]


@formula(NormalizingBackward)
def along_twice(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The same operator, one dimension further."""
    if len(grads[0].shp) == 1:
        return None
    x = in_rows(node.saved_value("self"), rows) if node.kept & SELF else None
    y = in_rows(node.saved_value(node.other_name()), rows) if node.kept & OTHER else None
    made = type(node)(node.dim + 1)
    return [
        None if node.next0 is None else made.grad_self(grads[0], x, y, None),
        None if node.next1 is None else made.grad_other(grads[0], x, y, None),
    ]


@formula(WhereBackward0)
def either(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Each operand where it was taken."""
    condition = node.tensor("condition")
    found: list[Any] = [None, None]
    for i in range(2):
        if node.wanted(i):
            part = functions.where(condition, grads[0], 0) if i == 0 else functions.where(condition, 0, grads[0])
            found[i] = undone(part, node.shapes[i], node.dtypes[i])
    return found


@formula(MaskedFillBackward0)
def unmasked(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Zero where it was filled."""
    return [grads[0].masked_fill(node.tensor("mask"), 0)]
