"""Cotangents of which every element belongs to one row alone, as those of a Jacobian do where the backward pass begins.

Note [Scattered rows]
    The rows of the identity, pulled back through elementwise operators and views, have one number in each column: a tensor
    of the size of a single cotangent holds them all, and the ordinary formula of a node is applied once. Only a node that
    mixes elements gets dense rows. An infinite or undefined derivative makes NaN of the zeros, too; then rows are dense.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .. import kernels
from .._core.dtypes import FLOATING, dtype
from .._core.tensor_base import TensorBase, from_array
from .._record.binary import Binary
from .._record.common import OTHER, SELF, UNDO_OTHER, UNDO_SELF, untracked
from .._record.unary import Unary
from ..kernels import arrays
from ..ops.matmul import MvBackward0
from ..ops.shape import AliasBackward0, Regrouping
from ..ops.shape_axes import PermuteBackward0, TBackward0, TransposeBackward0
from ..ops.shape_parts import SelectBackward0, SelectBackwardBackward0, SliceBackward0, SliceBackwardBackward0
from . import _formulas

MOST_TERMS: Final = 8
# Views in which every element stands once at most.
REARRANGING: Final = (
    AliasBackward0, PermuteBackward0, Regrouping, SelectBackward0, SliceBackward0, TBackward0, TransposeBackward0,
)  # fmt: skip
Term = tuple[Any, Any]
"""A tensor, and for each of its elements the row in which it stands (any row where the element is 0)."""


class Scattered:
    """The sum of some terms.

    Attributes:
        count: number of rows.
        terms: the terms, all of one shape.
    """

    def __init__(self, count: int, terms: list[Term]) -> None:
        self.count = count
        self.terms = terms

    def dense(self) -> Any:
        """The cotangents as a tensor with the rows in front."""
        values, _ = self.terms[0]
        n = values.shp.numel()
        out = kernels.zeros((self.count, n), values.dt.np)
        columns = np.arange(n)
        for value, rows in self.terms:
            out[rows.reshape(-1), columns] += value.array.reshape(-1)
        return from_array(out.reshape((self.count, *values.shp)))


def scattered(seed: Any) -> Any:
    """Cotangents that are rows of the identity as a ``Scattered``; all others as they are."""
    if not isinstance(seed, TensorBase) or not kind_fits(seed.dt) or not untracked(seed):
        return seed
    array = seed.array
    if type(array) is not np.ndarray or not array.flags.c_contiguous or array.size == 0:
        return seed
    count = array.shape[0]
    flat = array.reshape((count, -1))
    n = flat.shape[1]
    first = int(flat[0].argmax())
    if count < 2 or first + count > n or np.count_nonzero(flat.view(f"u{array.itemsize}")) != count:
        return seed
    if not np.all(flat[np.arange(count), first + np.arange(count)] == 1):
        return seed
    values = np.zeros(n, array.dtype)
    values[first : first + count] = 1
    rows = np.zeros(n, np.intp)
    rows[first : first + count] = np.arange(count)
    return Scattered(count, [(from_array(values.reshape(array.shape[1:])), rows.reshape(array.shape[1:]))])


def identity(out: TensorBase) -> Scattered:
    """All unit cotangents of a tensor, one per row."""
    n = out.shp.numel()
    return Scattered(n, [(from_array(np.ones(out.shp, out.dt.np)), np.arange(n).reshape(out.shp))])


def kind_fits(dt: dtype) -> bool:
    """Whether cotangents of a dtype may be scattered: real numbers of single or double precision."""
    return dt.category == FLOATING and dt.itemsize >= 4


def dense(grad: Any) -> Any:
    """A cotangent with its rows in front."""
    return grad.dense() if isinstance(grad, Scattered) else grad


def plus(a: Scattered, b: Scattered) -> Scattered | None:
    """The sum; None where it has so many terms that dense rows are better."""
    if len(a.terms) + len(b.terms) > MOST_TERMS:
        return None
    return Scattered(a.count, a.terms + b.terms)


def apply(node: Any, grad: Scattered) -> list[Any] | None:
    """Gradients of the inputs of ``node``; None where it takes dense rows."""
    formula = _formulas.formula_of(type(node))
    if (formula is _formulas.of_unary and isinstance(node, Unary)) or (
        formula is _formulas.of_binary and isinstance(node, Binary) and not node.kept & (UNDO_SELF | UNDO_OTHER)
    ):
        return elementwise(node, grad)
    if isinstance(node, REARRANGING):
        return [Scattered(grad.count, [(moved(node, v), moved(node, from_array(r)).array) for v, r in grad.terms])]
    if type(node) in (SliceBackwardBackward0, SelectBackwardBackward0):
        return [
            Scattered(
                grad.count, [(from_array(node.part.forward(v.array)), node.part.forward(r)) for v, r in grad.terms]
            )
        ]
    return times_matrix(node, grad) if type(node) is MvBackward0 else None


def moved(node: Any, t: Any) -> Any:
    """A cotangent, or the rows of its elements, at the places of the operand."""
    return node.vjp(t)[0]


def elementwise(node: Any, grad: Scattered) -> list[Any] | None:
    """The ordinary formula for each term."""
    found: list[list[Term] | None] = [[], []]
    for value, rows in grad.terms:
        for i, result in enumerate(node.vjp(value)):
            terms = found[i]
            if result is None:
                found[i] = None
            elif result.shp != value.shp or not np.all(np.isfinite(result.array)):
                return None
            elif terms is not None:
                terms.append((result, rows))
    return [None if terms is None else Scattered(grad.count, terms) for terms in found]


def times_matrix(node: Any, grad: Scattered) -> list[Any] | None:
    """A diagonal times a matrix: its rows, scaled."""
    value, rows = grad.terms[0]
    if (
        len(grad.terms) > 1
        or node.kept & OTHER
        or not node.kept & SELF
        or not np.array_equal(rows, np.arange(grad.count))
    ):
        return None
    matrix = node.saved_value("self")
    if not untracked(matrix) or matrix.dt is not value.dt or not np.isfinite(matrix.array.sum()):
        return None
    return [None, from_array(arrays.multiply(value.array[:, None], matrix.array))]
