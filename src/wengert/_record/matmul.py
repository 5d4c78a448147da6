"""Template of bilinear products of two tensors: mm, mv, dot, bmm.

They record like elementwise operators of two tensors (a ``Product`` *is* a ``Binary``: two edges, an operand saved only
if the other's gradient is wanted), but nothing is broadcast or promoted, and the tangent is the product rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import engine, errors
from .._core.compat import i64, mypyc_attr
from .._core.dtypes import COMPLEX, dtype, size_of
from .._core.modes import MODES, is_grad_enabled
from .._core.quiet import restore, silence
from .._core.saved import unpack
from .._core.tensor_base import TensorBase, gradient_edge, requires_grad
from ..kernels import arrays, products
from .binary import Binary, forward_mode, save_carefully
from .common import OTHER, SELF, UNDO_OTHER, UNDO_SELF, expand_to, sum_to, untracked

if TYPE_CHECKING:
    from .._tensor import Tensor

_matmul: Final[Any] = np.matmul
_ndarray: Final[Any] = np.ndarray
_product: Final[Any] = arrays.product
_half: Final[Any] = np.dtype("float16")
_float32: Final[Any] = np.dtype("float32")
ENOUGH: Final = 1 << 11  # elements of both operands from which on it is worth asking the kernels


@mypyc_attr(allow_interpreted_subclasses=True)
class Product(Binary):
    """Base of the nodes of products that are linear in each operand."""

    reads_self: i64 = OTHER
    reads_other: i64 = SELF
    silent: bool = True  # multiply_arrays is, for all dtypes and without kernels too

    def vjp(self, grad: TensorBase) -> tuple[TensorBase | None, TensorBase | None]:
        """Apply the formulas; a gradient costs too much to be dropped by the pass."""
        first, second = engine.needs(self, 0), engine.needs(self, 1)
        kept = self.kept
        if (first and second) or kept & (UNDO_SELF | UNDO_OTHER):
            return Binary.vjp(self, grad)
        # Both are unpacked: what was overwritten since is refused whether it is needed or not, as in PyTorch.
        x = unpack(self.slot0, self.version0, self) if kept & SELF else None
        y = unpack(self.slot1, self.version1, self) if kept & OTHER else None
        return (
            self.grad_self(grad, x, y, None) if first and self.next0 is not None else None,  # type: ignore[arg-type]
            self.grad_other(grad, x, y, None) if second and self.next1 is not None else None,  # type: ignore[arg-type]
        )

    def forward_grad(self, tx: Tensor | None, ty: Tensor | None, x: Tensor, y: Tensor, result: Tensor) -> Tensor | None:
        """Product rule: ``d(x y) = dx y + x dy``."""
        first = None if tx is None else product(self.fresh(), tx, y)
        second = None if ty is None else product(self.fresh(), x, ty)
        if first is None or second is None:
            return second if first is None else first
        return first + second


def product(op: Binary, x: TensorBase, y: TensorBase) -> Tensor:
    """Multiply and record the call; ``op`` becomes the node."""
    array = op.forward(x.array, y.array) if op.silent else silenced(op, x.array, y.array)
    out = _tensor.Tensor(array, x.dt, size_of(array))
    if requires_grad(x) or requires_grad(y):
        if is_grad_enabled():
            record_product(op, x, y, out)
    if MODES.unusual:
        forward_mode(op, x, y, out)
    return out


def silenced(op: Binary, x: Any, y: Any) -> Any:
    """The value, without floating-point warnings: Note [Quiet operations]."""
    token = silence()
    try:
        return op.forward(x, y)
    finally:
        restore(token)


def record_product(node: Binary, x: TensorBase, y: TensorBase, out: TensorBase) -> None:
    """Edges and what the wanted gradients read."""
    node.arity = 2
    if requires_grad(x):
        node.next0 = gradient_edge(x)
        node.nr0 = x.nr
        node.kept = node.reads_self
    if requires_grad(y):
        node.next1 = gradient_edge(y)
        node.nr1 = y.nr
        node.kept = node.kept | node.reads_other
    node.stamp()
    out.rg = True
    out.fn = node
    save_carefully(node, x, y, node.kept)


def multiply_arrays(x: Any, y: Any) -> Any:
    """Matrix product of arrays, without floating-point warnings."""
    found = _product(x, y, None, 0)
    if found is not None:
        return found
    token = silence()
    try:
        return multiply_large(x, y)
    finally:
        restore(token)


def multiply_turned(x: Any, y: Any, turned: int) -> Any:
    """Matrix product of two matrices, transposed before: the first for 1, the second for 2, both for 3."""
    found = _product(x, y, None, turned)
    if found is not None:
        return found
    return multiply_arrays(x.T if turned & 1 else x, y.T if turned & 2 else y)


def multiply_large(x: Any, y: Any) -> Any:
    """Matrix product of arrays; half precision is added up in single precision (NumPy has no fast product for it).

    Small matrices go through ``dot``, which costs half of ``np.matmul`` (270 against 570 ns for 3 x 3).
    """
    if x.dtype == _half:
        return _matmul(x.astype(_float32), y.astype(_float32)).astype(_half)
    size: i64 = x.size + y.size if isinstance(x, _ndarray) else 0
    if size >= ENOUGH and x.ndim > 1:
        if with_vector(x, y):
            return x.dot(y) if size < products.VECTOR else products.multiply_vector(x, y)
        if products.takes(x, y):
            return products.product(x, y, None)
    return x.dot(y) if x.ndim == 2 or x.ndim == 1 else _matmul(x, y)


def with_vector(x: Any, y: Any) -> bool:
    """Whether one factor is a vector, or of two matrices a single row or column."""
    dims: int = y.ndim
    if dims != 2:
        return dims == 1
    shape: tuple[int, ...] = x.shape
    return len(shape) == 2 and (shape[0] == 1 or y.shape[1] == 1)


def conjugated(t: TensorBase) -> Any:
    """The array of a tensor, conjugated if it is complex."""
    return t.array if t.dt.category < COMPLEX else t.array.conj()


def computed(array: Any, dt: dtype) -> Tensor:
    """A gradient without history around an array of a known dtype."""
    return _tensor.Tensor(array, dt, size_of(array))


def times_adjoint(grad: Tensor, other: Tensor, columns: bool) -> Tensor:
    """``grad @ other^H`` of matrices: the gradient of the left factor, laid out by columns on demand."""
    if untracked(grad) and untracked(other):
        x = conjugated(other)
        return computed(multiply_turned(x, grad.array, 2).T if columns else multiply_turned(grad.array, x, 2), grad.dt)
    return grad.mm(adjoint(other))


def adjoint_times(x: Tensor, grad: Tensor, columns: bool) -> Tensor:
    """``x^H @ grad`` of matrices: the gradient of the right factor, laid out by columns on demand."""
    if untracked(grad) and untracked(x):
        y = conjugated(x)
        return computed(multiply_turned(grad.array, y, 1).T if columns else multiply_turned(y, grad.array, 1), grad.dt)
    return adjoint(x).mm(grad)


def adjoint(t: Tensor) -> Tensor:
    """Conjugate transpose of a matrix."""
    return t.t() if t.dt.category < COMPLEX else t.t().conj()


@mypyc_attr(allow_interpreted_subclasses=True)
class AddedProduct(Product):
    """Base of the nodes of ``beta * self + alpha * (first times second)``: three edges, ``self`` is broadcast.

    ``forward``, ``grad_self`` and ``grad_other`` are those of the product alone; ``kind0`` the shape and dtype of ``self``.
    """

    alpha: Any = 1
    beta: Any = 1

    def plain(self) -> Product:
        """The product alone."""
        raise NotImplementedError

    def sum(self, summand: Any, x: Any, y: Any) -> Any:
        """The value."""
        array = self.forward(x, y)
        if self.alpha != 1:
            array = array * self.alpha
        if self.beta == 0:  # also silences NaN and infinities
            return array
        term = summand if self.beta == 1 else summand * self.beta
        if isinstance(array, _ndarray) and summand.ndim <= array.ndim:
            return np.add(array, term, out=array)
        return array + term

    def vjp_many(self, grads: list[TensorBase | None]) -> list[TensorBase | None]:
        """Gradients of the summand and of both factors, as far as they are wanted."""
        grad: Tensor | None = grads[0]  # type: ignore[assignment]
        if self.released:
            raise errors.freed(self)
        if grad is None:
            return [None, None, None]
        x: Any = None if self.slot0 is None else unpack(self.slot0, self.version0, self)
        y: Any = None if self.slot1 is None else unpack(self.slot1, self.version1, self)
        found: list[TensorBase | None] = [None, None, None]
        if self.next0 is not None and engine.needs(self, 0):
            assert self.kind0 is not None
            found[0] = sum_to(scaled(grad, self.beta), self.kind0[0])
        if y is not None and engine.needs(self, 1):
            found[1] = scaled(self.grad_self(grad, x, y, None), self.alpha)
        if x is not None and engine.needs(self, 2):
            found[2] = scaled(self.grad_other(grad, x, y, None), self.alpha)
        return found

    def factor_names(self) -> tuple[str, str]:
        """PyTorch's names of the two factors."""
        return ("mat1", "mat2")

    def parameters(self) -> dict[str, Any]:
        """The two numbers."""
        return {"alpha": self.alpha, "beta": self.beta}

    def saved_names(self) -> list[str]:
        """Numbers and factors."""
        return ["alpha", "beta", *self.factor_names()]

    def saved_slot(self, name: str) -> Any:
        """Stored form of a factor."""
        return self.slot0 if name == self.factor_names()[0] else self.slot1

    def saved_value(self, name: str) -> Any:
        """A saved value."""
        if name in self.parameters():
            return self.parameters()[name]
        first = name == self.factor_names()[0]
        return unpack(self.slot0, self.version0, self) if first else unpack(self.slot1, self.version1, self)

    def set_saved_slot(self, name: str, slot: Any) -> None:
        """Replace the stored form of a factor."""
        if name == self.factor_names()[0]:
            self.slot0 = slot
        else:
            self.slot1 = slot


def scaled(grad: Tensor | None, factor: Any) -> Any:
    """A gradient times the conjugate of a number."""
    if factor == 1 or grad is None:
        return grad
    return grad * (factor.conjugate() if isinstance(factor, complex) else factor)


def added_product(op: AddedProduct, summand: TensorBase, x: TensorBase, y: TensorBase) -> Tensor:
    """``beta * summand + alpha * (x times y)``; ``op`` becomes the node."""
    token = silence()
    try:
        array = op.sum(summand.array, x.array, y.array)
    finally:
        restore(token)
    out = _tensor.Tensor(array, x.dt, size_of(array))
    if requires_grad(summand) or requires_grad(x) or requires_grad(y):
        if is_grad_enabled():
            record_added(op, summand, x, y, out)
    if MODES.unusual:
        added_forward_mode(op, summand, x, y, out)
    return out


def record_added(node: AddedProduct, summand: TensorBase, x: TensorBase, y: TensorBase, out: TensorBase) -> None:
    """Edges and what the wanted gradients read."""
    node.many = True
    first = gradient_edge(x)
    second = gradient_edge(y)
    node.set_edges([(gradient_edge(summand), int(summand.nr)), (first, int(x.nr)), (second, int(y.nr))])
    node.kind0 = (summand.shp, summand.dt)
    node.stamp()
    out.rg = True
    out.fn = node
    if first is not None:
        node.kept = node.reads_self
    if second is not None:
        node.kept = node.kept | node.reads_other
    save_carefully(node, x, y, node.kept)


def added_forward_mode(op: AddedProduct, summand: TensorBase, x: TensorBase, y: TensorBase, out: Tensor) -> None:
    """Inference mark and tangent of the result."""
    if MODES.inference > 0:
        forward.mark(out)
    if MODES.dual_level < 0:
        return
    ts, tx, ty = forward.tangent_of(summand), forward.tangent_of(x), forward.tangent_of(y)
    level = forward.suspend()
    try:
        first = None if tx is None else product(op.plain(), tx, y)
        second = None if ty is None else product(op.plain(), x, ty)
        total = first if second is None else second if first is None else first + second
        total = None if total is None else total * op.alpha
        if ts is not None:
            part = expand_to(ts * op.beta, out.shp)
            total = part if total is None else total + part
    finally:
        forward.resume(level)
    if total is not None:
        forward.set_tangent(out, total)


from .. import _tensor  # noqa: E402
from . import forward  # noqa: E402
