"""Which elements of an operator's result depend on which elements of its inputs: structure, not values.

Note [Links never miss a dependence]
    For every node of the graph there is a 0/1 matrix per input: element (i, j) says that element i of the result may depend
    on element j of the input, at some values of the inputs. It is found from the class of the node: elementwise
    operators (with broadcasting), operators that move elements, sums, operators along a dimension, products, windows. A
    mask, a maximum, a ``where`` counts with all its branches, and where a maximum or an order was found its gradient goes
    to any place along the dimension. A class that is not known here links everything with everything. What values have
    decided before an operator is called is not seen: an index tensor that was computed, a branch of the program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from .._core import backward as _backward
from .._core.dtypes import COMPLEX
from .._core.graph import Node
from .._core.tensor_base import from_array, requires_grad
from .._core.views import AsStridedBackward0
from .._record.binary import Binary
from .._record.reduction import Reduction, open_shape
from .._record.unary import Unary
from .._record.view import MultiView, View
from ..autograd.grad_mode import enable_grad
from ..ops import (
    diagonals,
    embedding,
    fill,
    gather_scatter,
    index_put,
    index_rows,
    masked,
    pad,
    scatter_views,
    shuffle,
    take_put,
)
from ..ops.blend import Ternary
from ..ops.complex_views import ComplexBackward0, PolarBackward0
from ..ops.copies import Copied
from ..ops.join import Joining
from ..ops.loss import PairLoss
from ..ops.minmax import ClampBackward0
from ..ops.rearrange import Rearrangement
from ..ops.shape import UnsafeViewBackward0
from ..ops.shape_parts import Embedding
from ..ops.unfold import Col2ImBackward0, Im2ColBackward0
from ._dispatch import entering
from ._physical import places_in_base

DIGIT: Final = 1000  # counts that every floating dtype holds exactly
Matrix = Any
"""A boolean ``scipy.sparse.csr_array``."""
Links = list[Matrix] | None
"""Factors of the matrix, none for the identity; None where everything is linked with everything."""


class Call:
    """Result number ``slot`` of a node, and one of its inputs.

    Attributes:
        grads: some gradient for each result of the node (None where none came): their shapes are those of the results.
        out_shape, in_shape: shapes of the two tensors.
        found: arrays of the places that nodes of the graph have found by comparing values.
    """

    def __init__(
        self, node: Any, slot: int, index: int, grads: list[Any], in_shape: tuple[int, ...], found: list[Any]
    ) -> None:
        self.node = node
        self.slot = slot
        self.index = index
        self.grads = grads
        self.found = found
        self.out_shape: tuple[int, ...] = tuple(grads[slot].shp)
        self.in_shape = in_shape
        self.rows = int(np.prod(self.out_shape))
        self.columns = int(np.prod(in_shape))

    def pulled(self, grad: Any) -> Any:
        """The gradient of the input for a gradient of the result."""
        grads: list[Any] = [None] * len(self.grads)
        grads[self.slot] = grad
        return self.node.vjp_many(grads)[self.index]


LINKS: Final[dict[type, Callable[[Call], Links]]] = {}
"""By class of node, subclasses included."""


def links(*kinds: type) -> Callable[[Callable[[Call], Links]], Callable[[Call], Links]]:
    """Enter a function into ``LINKS`` for these classes of nodes."""
    return entering(LINKS, kinds)


def links_of(call: Call) -> Links:
    """The links of a call by the class of its node."""
    for kind in type(call.node).__mro__:
        if kind in LINKS:
            return LINKS[kind](call)
    return None


# Matrices


def pairs_of(rows: Any, columns: Any, shape: tuple[int, int]) -> Matrix:
    """Ones at the given places."""
    from scipy.sparse import csr_array

    return csr_array((np.ones(len(rows), np.bool_), (rows, columns)), shape=shape)


def picks(chosen: Any, columns: int) -> Matrix:
    """Row i has a one in column ``chosen[i] - 1``, none where that is 0."""
    rows = np.flatnonzero(chosen)
    return pairs_of(rows, chosen[rows] - 1, (len(chosen), columns))


def in_groups(rows: Any, columns: Any) -> Links:
    """Elements are linked that have the same number."""
    count = int(max(rows.max(initial=-1), columns.max(initial=-1))) + 1
    return [picks(rows + 1, count), picks(columns + 1, count).T.tocsr()]


def numbered(shape: tuple[int, ...], kept: tuple[int, ...]) -> Any:
    """For each element of a tensor its place in the dimensions ``kept``, as one number."""
    sizes = tuple(n if d in kept else 1 for d, n in enumerate(shape))
    return np.broadcast_to(np.arange(int(np.prod(sizes))).reshape(sizes), shape).reshape(-1)


def broadcast(call: Call) -> Links:
    """Element by element, where the input is broadcast to the result."""
    if call.in_shape == call.out_shape:
        return []
    lead = len(call.out_shape) - len(call.in_shape)
    if lead < 0 or any(n not in (1, m) for n, m in zip(call.in_shape, call.out_shape[lead:], strict=True)):
        return None
    places = np.arange(1, call.columns + 1).reshape(call.in_shape)
    return [picks(np.broadcast_to(places, call.out_shape).reshape(-1), call.columns)]


# Probes of operators that move elements: their formulas are linear and every coefficient is one


def probed(linear: Callable[[Any], Any], shape: tuple[int, ...], dt: Any, count: int) -> Any:
    """What a map that moves elements makes of the numbers 1, 2, ... in a tensor: for each result which it is, or 0."""
    numbers = np.arange(1, int(np.prod(shape)) + 1)
    total = np.zeros(count, np.int64)
    scale = 1
    while scale <= len(numbers):
        digits = (numbers // scale % DIGIT).reshape(shape)
        array = digits * (1 + 1j) if dt.category == COMPLEX else digits
        found = linear(from_array(array.astype(dt.np)))
        if found is None:
            return total
        moved = found.detach().resolve_conj().numpy().reshape(-1)
        total += np.rint(np.abs(moved.real)).astype(np.int64) * scale
        scale *= DIGIT
    return total


@links(
    View, MultiView, Copied, Rearrangement, shuffle.Rearrangement, Joining, UnsafeViewBackward0, Im2ColBackward0,
    index_put.IndexBackward0, index_rows.IndexSelectBackward0, take_put.TakeBackward0,
    pad.ConstantPadNdBackward0, pad.BorderPad, masked.MaskedSelectBackward0, masked.MaskedScatterBackward0,
    scatter_views.ViewScatter, index_rows.IndexFillBackward0, index_rows.IndexFillBackward1, fill.CopyBackwards,
    fill.Filling, fill.FillBackward0, fill.FillBackward1, fill.FillBackward3,
)  # fmt: skip
def reading(call: Call) -> Links:
    """Every element of the result reads one element of the input, or none: the transposed formula says which."""
    like = call.grads[call.slot]
    with enable_grad():
        seed = like.detach().clone()
        seed.rg = True  # not by requires_grad_(), which transforms refuse
        back = call.pulled(seed)
        if back is None or not requires_grad(back):
            return [picks(np.zeros(call.rows, np.int64), call.columns)]

        def forward(t: Any) -> Any:
            return _backward.grad([back], [seed], [t], True, False, True)[0]

        return [picks(probed(forward, call.in_shape, back.dt, call.rows), call.columns)]


@links(Embedding, Col2ImBackward0, diagonals.TraceBackward0, index_rows.IndexCopyBackward0)
def writing(call: Call) -> Links:
    """Every element of the input goes into one element of the result, or into none: the formula says which."""
    into = probed(call.pulled, call.out_shape, call.grads[call.slot].dt, call.columns)
    return [picks(into, call.rows).T.tocsr()]


def was_found(call: Call) -> bool:
    """Whether the index of a node was found by comparing values."""
    if not call.found or "index" not in call.node.saves():
        return False
    index = call.node.tensor("index").array
    return any(np.may_share_memory(index, places) for places in call.found)


@links(gather_scatter.GatherBackward0)
def gathered(call: Call) -> Links:
    """A given index says which elements are read."""
    return anywhere(call) if was_found(call) else reading(call)


@links(gather_scatter.ScatterBackward0, gather_scatter.ScatterBackward1)
def scattered(call: Call) -> Links:
    """A given index says where elements go."""
    if not was_found(call):
        return writing(call)
    return [] if call.index == 0 else anywhere(call)


def anywhere(call: Call) -> Links:
    """All elements along the dimension are linked."""
    out, given = call.out_shape, call.in_shape
    kept = tuple(d for d in range(len(out)) if d != call.node.dim)
    if len(out) != len(given) or any(out[d] != given[d] for d in kept):
        return None
    return in_groups(numbered(out, kept), numbered(given, kept))


@links(AsStridedBackward0)
def strided(call: Call) -> Links:
    """The element of the base that lies in the same place."""
    into = places_in_base(call.node)
    return None if into is None else [picks(into + 1, call.columns)]


@links(index_put.IndexPutBackward0)
def put(call: Call) -> Links:
    """Values are broadcast to the indexed places and written (or added) there."""
    if call.index == 0:
        return writing(call)
    node = call.node
    entries: list[Any] = index_put.index_entries(node, node.slots)
    arrays = [t.numpy() for t in entries if t is not None]
    into = np.arange(call.rows).reshape(call.out_shape)[index_put.numpy_key(node.slots, arrays)]
    source = np.broadcast_to(np.arange(call.columns).reshape(call.in_shape), into.shape)
    return [pairs_of(into.reshape(-1), source.reshape(-1), (call.rows, call.columns))]


@links(index_rows.IndexAddBackward0)
def added(call: Call) -> Links:
    """The old tensor stays; slices of the source are added to those that the index names."""
    if call.index == 0 or len(call.out_shape) == 0:
        return []
    index = call.node.tensor("index").numpy().reshape(-1)
    into = np.arange(call.rows).reshape(call.out_shape).take(index, axis=call.node.dim)
    return [pairs_of(into.reshape(-1), np.arange(call.columns), (call.rows, call.columns))]


@links(embedding.EmbeddingBackward0)
def looked_up(call: Call) -> Links:
    """Rows of the table, unless their gradients are scaled."""
    return None if call.node.scale_grad_by_freq else reading(call)


# Elementwise operators, and those that combine the elements along dimensions


@links(
    Unary, Binary, Ternary, masked.WhereBackward0, masked.MaskedFillBackward0, masked.MaskedFillBackward1, ClampBackward0,
    ComplexBackward0, PolarBackward0,
)  # fmt: skip
def elementwise(call: Call) -> Links:
    """Element by element, with broadcasting."""
    return broadcast(call)


@links(PairLoss)
def pairs(call: Call) -> Links:
    """Losses of pairs are elementwise unless they are reduced."""
    return broadcast(call) if call.node.reduction == 0 else None


@links(Reduction)
def reduced(call: Call) -> Links:
    """Every element of the input goes into one result."""
    node = call.node
    ndim = len(call.in_shape)
    dims = tuple(range(ndim)) if node.dims is None or ndim == 0 else node.dims
    opened = open_shape(call.in_shape, dims)  # type: ignore[arg-type]
    into = np.broadcast_to(np.arange(1, call.rows + 1).reshape(opened), call.in_shape).reshape(-1)
    return [picks(into, call.rows).T.tocsr()]


def is_known(node: Node) -> bool:
    """Whether the class of a node has links of its own."""
    return any(kind in LINKS for kind in type(node).__mro__)
