"""Backward formulas of single nodes, applied to many cotangents at once.

Note [Three ways to a batched formula]
    Elementwise formulas broadcast: a gradient with one dimension more in front passes through them as it is. Views, products
    and sums have rules here, which apply the ordinary operators one dimension further. The formulas of all other nodes
    run with batched tensors, as a function under ``vmap`` does; those that reach for arrays are applied to one row after
    the other, with a warning that names the node.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Final

from .._core.graph import Node
from .._core.modes import MODES
from .._core.tensor_base import TensorBase
from .._core.unwritten import write_down
from .._gen import functions
from .._record.binary import Binary
from .._record.common import OTHER, RESULT, SELF, UNDO_OTHER, UNDO_SELF, cast_grad
from .._record.matmul import Product
from .._record.reduction import Reduction
from .._record.unary import Unary
from ..autograd.function import BackwardCFunction
from ..ops.cumulative import Scan
from ..ops.softmax import Normalizing, NormalizingBackward
from ._batched import Batch, BatchedTensor
from ._dispatch import _WARNED, SLOW, entering
from ._levels import entered

Formula = Callable[[Any, list[Any], int], "list[Any] | None"]
FORMULAS: Final[dict[type, Formula]] = {}
"""By class of node (its subclasses included): ``formula(node, grads, rows)``; None where it does not apply after all."""
_CHOSEN: Final[dict[type, Formula]] = {}


def formula(*kinds: type) -> Callable[[Formula], Formula]:
    """Enter a function into ``FORMULAS`` for these classes of nodes."""
    return entering(FORMULAS, kinds)


def apply(node: Node, grads: list[Any], rows: int) -> list[Any]:
    """Gradients of the inputs of ``node``, rows in front; None where there is none.

    Args:
        grads: gradients of its outputs, rows in front; None for those that got none.
    """
    chosen = formula_of(type(node))
    found = chosen(node, grads, rows)
    if found is None and chosen is not with_batched_tensors and chosen is not unforeseen:
        found = with_batched_tensors(node, grads, rows)
    return by_rows(node, grads, rows) if found is None else found


def formula_of(kind: type) -> Formula:
    """The formula for a class of nodes."""
    found = _CHOSEN.get(kind)
    if found is None:
        found = next((FORMULAS[base] for base in kind.__mro__ if base in FORMULAS), unforeseen)
        _CHOSEN[kind] = found
    return found


def foreseen(node: Node) -> bool:
    """Whether somebody has thought about many cotangents for this class of nodes."""
    return formula_of(type(node)) is not unforeseen


@formula(Unary)
def of_unary(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Elementwise: the formula broadcasts."""
    found = node.vjp(grads[0])[0]
    return [found] if found.shp == grads[0].shp else None


@formula(Binary)
def of_binary(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """Elementwise with two operands: what was broadcast is summed within each row."""
    grad = grads[0]
    kept = node.kept
    if not kept & (UNDO_SELF | UNDO_OTHER):
        found = list(node.vjp(grad))
    else:
        x = node.saved_value("self") if kept & SELF else None
        y = node.saved_value(node.other_name()) if kept & OTHER else None
        z = node.saved_value("result") if kept & RESULT else None
        found = [
            None if node.next0 is None else node.grad_self(grad, x, y, z),
            None if node.next1 is None else node.grad_other(grad, x, y, z),
        ]
    if any(t is not None and t.shp != grad.shp for t in found):
        return None
    kinds = ((UNDO_SELF, node.kind0), (UNDO_OTHER, node.kind1))
    return [
        undone(t, *kind) if t is not None and kept & bit else t for t, (bit, kind) in zip(found, kinds, strict=True)
    ]


def undone(grad: Any, shape: Any, dt: Any) -> Any:
    """A gradient summed within each row to the shape of an operand that was broadcast, and converted back."""
    return cast_grad(summed(grad, shape), dt)


def summed(grad: Any, shape: Any) -> Any:
    """``sum_to`` within each row."""
    if grad.shp[1:] == shape:
        return grad
    lead = len(grad.shp) - 1 - len(shape)
    dims = [*range(1, 1 + lead), *(i + 1 + lead for i, n in enumerate(shape) if n == 1 != grad.shp[i + 1 + lead])]
    total = grad.sum(dims, keepdim=True) if dims else grad
    return total.reshape((grad.shp[0], *shape))


@formula(Reduction, Scan, Normalizing, Product, NormalizingBackward)
def with_batched_tensors(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The node's own formula, run with tensors that have the rows as a batch; None where it reaches for arrays."""
    if isinstance(node, BackwardCFunction):
        return with_public_names(node, grads, rows) if node.forward_cls.generate_vmap_rule else None
    try:
        return batched_vjp(node, grads, rows)
    except (RuntimeError, TypeError, IndexError):
        return None  # what is wrong with the call itself, and not with the batch, is raised again by the first row


def unforeseen(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The formula of a class that has no entry."""
    return with_batched_tensors(node, grads, rows)


def with_public_names(node: Any, grads: list[Any], rows: int) -> list[Any] | None:
    """The user's own formula, which calls operators by their public names."""
    from ._entries import ENTRIES

    ENTRIES.acquire(node.forward_cls.backward)
    try:
        return batched_vjp(node, grads, rows)
    finally:
        ENTRIES.release()


def batched_vjp(node: Any, grads: list[Any], rows: int) -> list[Any]:
    """The formula at a ``vmap`` level of its own."""
    with entered("vmap") as level:
        level.batch_size = rows
        batch = Batch(level)
        MODES.unusual = True  # formulas work on tensors then, and not on their arrays
        try:
            found = node.vjp_many([None if g is None else BatchedTensor(g, 0, level) for g in grads])
        finally:
            MODES.unusual = MODES.inference > 0 or MODES.dual_level >= 0
        return [None if t is None else batch.full(t) for t in found]


def by_rows(node: Any, grads: list[Any], rows: int) -> list[Any]:
    """The formula applied to one row after the other."""
    name = node.name()
    if name not in _WARNED:
        _WARNED.add(name)
        warnings.warn(SLOW.format(name=name), UserWarning, stacklevel=6)
    if rows == 0:  # shapes are those of any row
        grads = [None if g is None else functions.zeros((1, *g.shp[1:]), dtype=g.dt) for g in grads]
    parts = []
    for k in range(max(rows, 1)):
        part = node.vjp_many([None if g is None else g[k] for g in grads])
        write_down(part)
        parts.append(part)
    columns = [list(column) for column in zip(*parts, strict=True)]
    return [None if not isinstance(c[0], TensorBase) else functions.stack(c)[:rows] for c in columns]
