"""Template of bilinear products of two tensors: mm, mv, dot, bmm.

They record like elementwise operators of two tensors (a ``Product`` *is* a ``Binary``: two edges, and each operand saved only
if the other's gradient is wanted), but nothing is broadcast or promoted, and the tangent is the product rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.compat import i64, mypyc_attr
from .._core.modes import MODES, RECORD, SKIP, recording
from .._core.dtypes import COMPLEX, size_of
from .._core.saved import save_input
from .._core.tensor_base import TensorBase, gradient_edge, version_of
from .binary import Binary, forward_mode
from .common import OTHER, SELF, make, untracked
from .quiet import restore, silence

if TYPE_CHECKING:
    from .._tensor import Tensor

_matmul: Final[Any] = np.matmul
_half: Final[Any] = np.dtype("float16")
_float32: Final[Any] = np.dtype("float32")


@mypyc_attr(allow_interpreted_subclasses=True)
class Product(Binary):
    """Base of the nodes of products that are linear in each operand."""

    def saves(self, for_self: bool, for_other: bool) -> i64:
        """Each gradient reads the other operand."""
        return (OTHER if for_self else 0) | (SELF if for_other else 0)

    def forward_grad(self, tx: Tensor | None, ty: Tensor | None, x: Tensor, y: Tensor, result: Tensor) -> Tensor | None:
        """Product rule: ``d(x y) = dx y + x dy``."""
        first = None if tx is None else product(self.fresh(), tx, y)
        second = None if ty is None else product(self.fresh(), x, ty)
        if first is None or second is None:
            return second if first is None else first
        return first + second


def product(op: Binary, x: TensorBase, y: TensorBase) -> Tensor:
    """Multiply and record the call; ``op`` becomes the node."""
    token = silence()
    try:
        array = op.forward(x.array, y.array)
    finally:
        restore(token)
    out = _tensor.Tensor(array, x.dt, size_of(array))
    if x.rg or y.rg or x.view_of is not None and x.view_of.base.rg or y.view_of is not None and y.view_of.base.rg:
        mode = recording()
        if mode != SKIP:
            record_product(op, x, y, out, mode)
    if MODES.unusual:
        forward_mode(op, x, y, out)
    return out


def record_product(node: Binary, x: TensorBase, y: TensorBase, out: TensorBase, mode: i64) -> None:
    """Edges and what the wanted gradients read."""
    node.arity = 2
    if x.rg or x.view_of is not None:
        node.next0 = gradient_edge(x)
        node.nr0 = x.nr
    if y.rg or y.view_of is not None:
        node.next1 = gradient_edge(y)
        node.nr1 = y.nr
    node.stamp()
    out.rg = True
    out.fn = node
    bits = node.saves(node.next0 is not None, node.next1 is not None)
    if bits & SELF:
        if x.inference:
            raise errors.inference_saved()
        node.slot0 = x if mode == RECORD else save_input(x, node)
        node.version0 = version_of(x)
    if bits & OTHER:
        if y.inference:
            raise errors.inference_saved()
        node.slot1 = y if mode == RECORD else save_input(y, node)
        node.version1 = version_of(y)


def multiply_arrays(x: Any, y: Any) -> Any:
    """Matrix product of arrays; half precision is added up in single precision (NumPy has no fast product for it).

    Matrices go through ``dot``, which costs half of ``np.matmul`` when they are small (270 against 570 ns for 3 x 3).
    """
    if x.dtype == _half:
        return _matmul(x.astype(_float32), y.astype(_float32)).astype(_half)
    return x.dot(y) if x.ndim == 2 or x.ndim == 1 else _matmul(x, y)


def conjugated(array: Any) -> Any:
    """Complex conjugate of an array; real arrays as they are."""
    return array.conj() if array.dtype.kind == "c" else array


def times_adjoint(grad: Tensor, other: Tensor, columns: bool) -> Tensor:
    """``grad @ other^H`` of matrices: the gradient of the left factor, laid out by columns on demand."""
    if untracked(grad) and untracked(other):
        x = conjugated(other.array)
        return make(multiply_arrays(x, grad.array.T).T if columns else multiply_arrays(grad.array, x.T))
    return grad.mm(adjoint(other))


def adjoint_times(x: Tensor, grad: Tensor, columns: bool) -> Tensor:
    """``x^H @ grad`` of matrices: the gradient of the right factor, laid out by columns on demand."""
    if untracked(grad) and untracked(x):
        y = conjugated(x.array)
        return make(multiply_arrays(grad.array.T, y).T if columns else multiply_arrays(y.T, grad.array))
    return adjoint(x).mm(grad)


def adjoint(t: Tensor) -> Tensor:
    """Conjugate transpose of a matrix."""
    return t.t() if t.dt.category < COMPLEX else t.t().conj()


from .. import _tensor  # noqa: E402
