"""QR factors and products of Householder reflections.

Derivatives: S. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions" (2010); wide matrices as in
D. Roberts and L. Roberts, "QR and LQ decomposition matrix backpropagation algorithms for square, wide, and deep matrices" (2020).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors, return_types
from .._core.dtypes import COMPLEX
from .._core.modes import is_grad_enabled
from .._core.tensor_base import TensorBase, requires_grad
from .._record.common import make
from .._record.general import General, general, general_many
from .._record.selection import deliver
from . import linalg_arrays as arrays_of
from .join import cat, stack
from .linalg_checks import check_dims, check_floating
from .linalg_triangular import solve_triangular

if TYPE_CHECKING:
    from .._tensor import Tensor

MODES_OF_QR: Final = ("reduced", "complete", "r")
_qr: Final[Any] = np.linalg.qr  # a pair of arrays or one, by mode: too much for mypyc's types


class LinalgQrBackward0(General):
    """Factors A = Q R, Q^H Q = 1, R upper triangular with a real diagonal.

    With C = Q^H dA R^-1: Q^H dQ is the anti-Hermitian matrix with the strict lower triangle of C and the imaginary part of its
    diagonal, and dR R^-1 is the rest of C. So gA = (gQ + Q h(gR R^H - Q^H gQ)) R^-H, where h(X) is the Hermitian matrix with the
    upper triangle of X.  Of a wide matrix this is the square part; the rest R2 = Q^H A2 is a product.
    """

    def __init__(self, mode: Any) -> None:
        self.mode: Any = mode

    def forward(self, arrays: list[Any]) -> Any:
        a = arrays[0]
        batch, (m, n) = a.shape[:-2], a.shape[-2:]
        k = m if self.mode == "complete" else min(m, n)
        r = arrays_of.empty_by_columns(batch, k, n, a.dtype)
        if self.mode == "r":
            return [np.empty(0, a.dtype), *arrays_of.fill([r], self.factors, a)]
        return arrays_of.fill([arrays_of.empty_by_columns(batch, m, k, a.dtype), r], self.factors, a)

    def factors(self, a: Any) -> list[Any]:
        """The factors of some matrices, by NumPy."""
        found = _qr(a, mode=self.mode)
        return [found] if self.mode == "r" else list(found)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        of_q, of_r = grads
        self.check_mode()
        q, r = self.tensor("Q"), self.tensor("R")
        m, n = q.shp[-2], r.shp[-1]
        self.check_shape(m, n)
        if m >= n:
            return [square_gradient(of_q, of_r, q, r)]
        first = r[..., :m]
        if of_r is None:
            part = square_gradient(of_q, None, q, first)
            return [cat([part, make(np.zeros((*part.shp[:-1], n - m), part.dt.np))], -1)]
        change = q @ (r[..., m:] @ of_r[..., m:].mH)
        of_q = change if of_q is None else of_q + change
        return [cat([square_gradient(of_q, of_r[..., :m], q, first), q @ of_r[..., m:]], -1)]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        self.check_mode()
        q, r = results
        m, n = tangent.shp[-2:]
        self.check_shape(m, n)
        k = min(m, n)
        over = solve_triangular(r[..., :k], tangent[..., :k], upper=True, left=False)
        inner = q.mH @ over
        below = inner.tril(-1)
        turn = below - below.mH
        if inner.dt.category == COMPLEX:
            turn = turn + (inner.diagonal(0, -2, -1).imag * 1j).diag_embed()
        scale = inner - turn
        of_q, of_r = over - q @ scale, scale @ r[..., :k]
        if n > m:
            of_r = cat([of_r, of_q.mH @ (q @ r[..., k:]) + q.mH @ tangent[..., k:]], -1)
        return [of_q, of_r]

    def check_mode(self) -> None:
        """The derivative of R needs Q."""
        if self.mode == "r":
            raise RuntimeError(
                "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, "
                "mode='reduced') if you are going to differentiate through linalg.qr."
            )

    def check_shape(self, m: int, n: int) -> None:
        """The columns of Q beyond those of A are arbitrary."""
        if self.mode == "complete" and m > n:
            raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols.")

    def input_names(self) -> list[str]:
        return ["A"]

    def output_names(self) -> list[str]:
        return ["Q", "R"]

    def saves(self) -> list[str]:
        return ["Q", "R"]

    def parameters(self) -> dict[str, Any]:
        return {"mode": self.mode}


class GeqrfBackward0(General):
    """QR factors as LAPACK leaves them."""

    def forward(self, arrays: list[Any]) -> Any:
        a = arrays[0]
        if a.size == 0:
            return [arrays_of.by_columns(a), np.zeros((*a.shape[:-2], min(a.shape[-2:])), a.dtype)]
        raw, tau = _qr(a, mode="raw")
        return [arrays_of.by_columns(raw.swapaxes(-1, -2)), tau]

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        raise NotImplementedError("the derivative for 'geqrf' is not implemented.")

    def output_names(self) -> list[str]:
        return ["a", "tau"]


class OrmqrBackward0(General):
    """Product of reflections H_i = 1 - tau_i v_i v_i^H with a matrix.

    Reverse and forward mode go through the reflections one by one: for Y = H X, gX = H^H G, and with w = v^H X
    gtau = -v^H G w^H and gv = -conj(tau) G w^H - tau X G^H v.
    """

    def __init__(self, left: bool, transpose: bool) -> None:
        self.left: bool = left
        self.transpose: bool = transpose

    def forward(self, arrays: list[Any]) -> Any:
        vectors, tau, other = arrays
        x = other if self.left else arrays_of.adjoint(other)
        found = reflect(vectors, tau, x, self.transpose == self.left)
        return arrays_of.by_columns(found if self.left else arrays_of.adjoint(found))

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        vectors, tau, other = self.tensor("self"), self.tensor("input2"), self.tensor("input3")
        if self.left:
            return list(reflection_gradients(vectors, tau, other, grad, self.transpose))
        of_v, of_tau, of_other = reflection_gradients(vectors, tau, other.mH, grad.mH, not self.transpose)
        return [of_v, of_tau, of_other.mH]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        vectors, tau, other = inputs
        if self.left:
            return [reflection_tangent(vectors, tau, other, tangents, self.transpose)]
        turned = [tangents[0], tangents[1], None if tangents[2] is None else tangents[2].mH]
        return [reflection_tangent(vectors, tau, other.mH, turned, not self.transpose).mH]

    def input_names(self) -> list[str]:
        return ["self", "input2", "input3"]

    def saves(self) -> list[str]:
        return ["input2", "input3", "result", "self"]

    def parameters(self) -> dict[str, Any]:
        return {"left": self.left, "transpose": self.transpose}


class LinalgHouseholderProductBackward0(General):
    """First columns of a product of reflections; derivatives as for ``ormqr`` of the identity."""

    def forward(self, arrays: list[Any]) -> Any:
        vectors, tau = arrays
        unit = np.broadcast_to(np.eye(*vectors.shape[-2:], dtype=vectors.dtype), vectors.shape)
        return arrays_of.by_columns(reflect(vectors, tau, unit, False))

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        vectors, tau = self.tensor("input"), self.tensor("tau")
        return list(reflection_gradients(vectors, tau, unit_like(vectors), grad, False)[:2])

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        return [reflection_tangent(inputs[0], inputs[1], unit_like(inputs[0]), [*tangents, None], False)]

    def input_names(self) -> list[str]:
        return ["input", "tau"]

    def saves(self) -> list[str]:
        return ["input", "result", "tau"]


def square_gradient(of_q: Tensor | None, of_r: Tensor | None, q: Tensor, r: Tensor) -> Tensor:
    """Gradient of A with at least as many rows as columns."""
    inner: Any = None
    if of_r is not None:
        inner = of_r @ r.mH
    if of_q is not None:
        part = q.mH @ of_q
        inner = -part if inner is None else inner - part
    above = inner.triu(1)
    diagonal = inner.diagonal(0, -2, -1)
    if inner.dt.category == COMPLEX:
        diagonal = diagonal.real.to(inner.dt)
    total = q @ (above + above.mH + diagonal.diag_embed())
    if of_q is not None:
        total = of_q + total
    return solve_triangular(r.mH, total, upper=False, left=False)


def reflect(vectors: Any, tau: Any, x: Any, transposed: bool) -> Any:
    """H_1 ... H_k x, or H_k^H ... H_1^H x, for all matrices of a batch at once."""
    found = x.copy()
    k = tau.shape[-1]
    for i in range(k) if transposed else reversed(range(k)):
        v = vectors[..., :, i].copy()
        v[..., :i] = 0
        v[..., i] = 1
        factor = tau[..., i].conj() if transposed else tau[..., i]
        found -= (factor[..., None] * v)[..., :, None] * (v.conj()[..., None, :] @ found)
    return found


def reflector(vectors: Tensor, i: int) -> Tensor:
    """v_i as a column: zeros above element i, which is 1."""
    n = vectors.shp[-2]
    rows = np.arange(n)[:, None]
    column = vectors[..., i : i + 1].masked_fill(make(rows < i), 0)
    return column.masked_fill(make(rows == i), 1)


def steps(tau: Tensor, transposed: bool) -> list[int]:
    """The reflections in the order in which they are applied."""
    order = list(range(tau.shp[-1]))
    return order if transposed else order[::-1]


def reflection_factor(tau: Tensor, i: int, transposed: bool) -> Tensor:
    """tau_i, conjugated for H_i^H, shaped to multiply matrices."""
    factor = tau[..., i : i + 1].unsqueeze(-1)
    return factor.conj() if transposed else factor


def reflection_gradients(
    vectors: Tensor, tau: Tensor, x: Tensor, grad: Tensor, transposed: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of the vectors, of tau and of x."""
    order = steps(tau, transposed)
    before: list[Tensor] = []
    for i in order:
        before.append(x)
        v = reflector(vectors, i)
        x = x - reflection_factor(tau, i, transposed) * (v @ (v.mH @ x))
    rows = np.arange(vectors.shp[-2])[:, None]
    of_v: list[Any] = [None] * vectors.shp[-1]
    of_tau: list[Any] = [None] * len(order)
    for i, given in zip(reversed(order), reversed(before)):
        v, factor = reflector(vectors, i), reflection_factor(tau, i, transposed)
        row = v.mH @ given
        along = grad @ row.mH
        slope = -(v.mH @ along)
        of_tau[i] = (slope.conj() if transposed else slope).squeeze(-1).squeeze(-1)
        change = -(factor.conj() * along) - factor * (given @ (grad.mH @ v))
        of_v[i] = change.masked_fill(make(rows <= i), 0).squeeze(-1)
        grad = grad - factor.conj() * (v @ (v.mH @ grad))
    for i in range(len(order), len(of_v)):
        of_v[i] = make(np.zeros(vectors.shp[:-1], vectors.dt.np))
    if len(of_v) == 0 or len(of_tau) == 0:
        return zeros_like(vectors), zeros_like(tau), grad
    return stack(of_v, -1), stack(of_tau, -1), grad


def zeros_like(x: TensorBase) -> Tensor:
    """A zero gradient."""
    return make(np.zeros(x.shp, x.dt.np))


def reflection_tangent(
    vectors: Tensor, tau: Tensor, x: Tensor, tangents: list[Tensor | None], transposed: bool
) -> Tensor:
    """Tangent of the product, given those of the vectors, of tau and of x."""
    of_v, of_tau, of_x = tangents
    change = zeros_like(x) if of_x is None else of_x
    rows = np.arange(vectors.shp[-2])[:, None]
    for i in steps(tau, transposed):
        v, factor = reflector(vectors, i), reflection_factor(tau, i, transposed)
        row = v.mH @ x
        change = change - factor * (v @ (v.mH @ change))
        if of_tau is not None:
            change = change - reflection_factor(of_tau, i, transposed) * (v @ row)
        if of_v is not None:
            turn = of_v[..., i : i + 1].masked_fill(make(rows <= i), 0)
            change = change - factor * (turn @ row + v @ (turn.mH @ x))
        x = x - factor * (v @ row)
    return change


def unit_like(vectors: TensorBase) -> Tensor:
    """The first columns of the identity, one for each matrix of the batch."""
    unit = np.eye(*vectors.shp[-2:], dtype=vectors.dt.np)
    return make(np.broadcast_to(unit, vectors.shp).copy())


def linalg_qr(A: Tensor, mode: Any = "reduced", *, out: Any = None) -> Any:
    """Factors of ``A = Q R``: orthonormal columns, and an upper triangle.

    Args:
        A: (..., m, n).
        mode: ``"reduced"``: Q (..., m, k), R (..., k, n), k = min(m, n); ``"complete"``: Q (..., m, m), R (..., m, n); ``"r"``:
            R alone, Q is empty.

    Returns:
        Named tuple ``(Q, R)``. The signs of the diagonal of R are LAPACK's.

    Gradient:
        Defined where the first k columns of A are independent; not for ``"r"``, nor for ``"complete"`` with m > n.

    Variants: linalg
    Name: qr
    """
    if not isinstance(mode, str):
        raise errors.argument_type("linalg_qr", "mode", 2, "str", mode)
    if mode not in MODES_OF_QR:
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    check_dims("linalg.qr", A)
    check_floating("linalg.qr", A)
    return return_types.linalg_qr(deliver("linalg_qr", out, general_many(LinalgQrBackward0(mode), [A])))


def qr(self: Tensor, some: bool = True, *, out: Any = None) -> Any:
    """Factors of ``A = Q R``; ``linalg.qr`` is the newer form.

    Args:
        some: False for a square Q.

    Variants: function method
    """
    return return_types.qr(linalg_qr(self, "reduced" if some else "complete", out=out))


def geqrf(self: Tensor, *, out: Any = None) -> Any:
    """QR factors as LAPACK leaves them: R above, and below the diagonal the vectors of ``linalg.householder_product``.

    Returns:
        Named tuple ``(a, tau)``, (..., m, n) and (..., k).

    Gradient:
        None; ``linalg.qr`` has one.

    Variants: function method
    """
    if len(self.shp) < 2:
        raise RuntimeError("torch.geqrf: input must have at least 2 dimensions.")
    check_floating("geqrf", self)
    if self.dt.category == COMPLEX and requires_grad(self) and is_grad_enabled():
        raise RuntimeError("geqrf does not support automatic differentiation for outputs with complex dtype.")
    return return_types.geqrf(deliver("geqrf", out, general_many(GeqrfBackward0(), [self])))


def householder_product(self: Tensor, tau: Tensor) -> Tensor:
    """First n columns of ``H_1 ... H_k``, where ``H_i = 1 - tau_i v_i v_i^H``.

    Args:
        self: (..., m, n), m >= n; column i below the diagonal is v_i below its element i, which is 1.
        tau: (..., k), k <= n.

    Gradient:
        Zero for the elements of A that are not read.

    Variants: linalg out
    """
    name = "torch.linalg.householder_product"
    if len(self.shp) < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if self.shp[-2] < self.shp[-1]:
        raise RuntimeError(f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if len(tau.shp) == 0:
        raise errors.no_dimensions(-1)
    if self.shp[-1] < tau.shp[-1]:
        raise RuntimeError(f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    if tau.shp[:-1] != self.shp[:-2]:
        raise RuntimeError(
            f"{name}: Expected batch dimensions of tau to be equal to input.shape[:-2], but got "
            f"{errors.shape_text(tau.shp[:-1])}"
        )
    if tau.dt is not self.dt:
        raise RuntimeError(f"{name}: tau dtype {tau.dt.title} does not match input dtype {self.dt.title}")
    check_floating(name, self)
    return general(LinalgHouseholderProductBackward0(), [self, tau])


def orgqr(self: Tensor, input2: Tensor) -> Tensor:
    """First columns of a product of reflections; the same as ``linalg.householder_product``.

    Variants: function method out
    """
    return householder_product(self, input2)


def ormqr(self: Tensor, input2: Tensor, input3: Tensor, left: bool = True, transpose: bool = False) -> Tensor:
    """Product of the reflections of ``geqrf`` with a matrix: ``Q C``, ``Q^H C``, ``C Q`` or ``C Q^H``.

    Args:
        self: (..., m, n), the vectors of the reflections below the diagonal.
        input2: tau (..., k).
        input3: C (..., m, p), with ``left=False`` (..., p, m).
        left: False for ``C Q``.
        transpose: True for Q^H in place of Q.

    Variants: function method out
    """
    check_reflections(self, input2, input3, -2 if left else -1)
    check_floating("torch.ormqr", self)
    return general(OrmqrBackward0(left, transpose), [self, input2, input3])


def check_reflections(a: TensorBase, tau: TensorBase, other: TensorBase, dim: int) -> None:
    """Shapes and dtypes of ``ormqr``."""
    name = "torch.ormqr"
    for what, t in (("input", a), ("other", other)):
        if len(t.shp) < 2:
            raise RuntimeError(f"{name}: {what} must have at least 2 dimensions.")
    if other.shp[dim] < tau.shp[-1]:
        raise RuntimeError(f"{name}: other.shape[{dim}] must be greater than or equal to tau.shape[-1]")
    if other.shp[dim] != a.shp[-2]:
        raise RuntimeError(f"{name}: other.shape[{dim}] must be equal to input.shape[-2]")
    if tau.shp[-1] != min(other.shp[dim], a.shp[-1]):
        raise RuntimeError(f"{name}: tau.shape[-1] must be equal to min(other.shape[{dim}], input.shape[-1])")
    if len(tau.shp) != len(a.shp) - 1:
        raise RuntimeError(
            f"{name}: Expected tau to have one dimension less than input, but got tau.ndim equal to {len(tau.shp)} and "
            f"input.ndim is equal to {len(a.shp)}"
        )
    if len(other.shp) != len(a.shp):
        raise RuntimeError(
            f"{name}: Expected other to have the same number of dimensions as input, but got other.ndim equal to "
            f"{len(other.shp)} and input.ndim is equal to {len(a.shp)}"
        )
    for what, t, batch in (("tau", tau, tau.shp[:-1]), ("other", other, other.shp[:-2])):
        if batch != a.shp[:-2]:
            raise RuntimeError(
                f"{name}: Expected batch dimensions of {what} to be equal to input.shape[:-2], but got {errors.shape_text(batch)}"
            )
        if t.dt is not a.dt:
            raise RuntimeError(
                f"{name}: Expected input and {what} to have the same dtype, but input has dtype{a.dt.title} and {what} "
                f"has dtype {t.dt.title}"
            )
