"""Cholesky factors, and equations and inverses by them.

Derivatives: I. Murray, "Differentiation of the Cholesky decomposition" (2016).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import return_types
from .._core.dynamic import LinAlgError
from .._core.tensor_base import TensorBase
from .._record.common import broadcast_size, sum_to
from .._record.general import General, general, general_many
from .._record.selection import deliver
from . import linalg_arrays as arrays_of
from .linalg_checks import check_floating, check_positive, check_rows, check_square, failed
from .linalg_triangular import solve_triangular

if TYPE_CHECKING:
    from .._tensor import Tensor


class LinalgCholeskyExBackward0(General):
    """Factor L of A = L L^H.  dL = L p(L^-1 dA L^-H), where p keeps the lower triangle and halves the diagonal.

    So gA = L^-H q(L^H G) L^-1, where q(X) = (T + T_strict^H) / 2 for the lower triangle T of X.
    """

    def __init__(self, upper: bool) -> None:
        self.upper: bool = upper

    def forward(self, arrays: list[Any]) -> Any:
        return list(arrays_of.cholesky(arrays[0], self.upper))

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        factor = self.tensor(self.output_names()[0])
        lower, of_lower = (factor.mH, grad.mH) if self.upper else (factor, grad)
        inner = (lower.mH @ of_lower).tril()
        inner = (inner + inner.tril(-1).mH) * 0.5
        inner = solve_triangular(lower.mH, inner, upper=True)
        return [solve_triangular(lower, inner, upper=False, left=False)]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        lower = results[0].mH if self.upper else results[0]
        symmetric = (tangent + tangent.mH) * 0.5
        inner = solve_triangular(lower, symmetric, upper=False)
        inner = solve_triangular(lower.mH, inner, upper=True, left=False)
        inner = inner.tril() - inner.diagonal(0, -2, -1).diag_embed() * 0.5
        found = lower @ inner
        return [found.mH if self.upper else found, None]

    def input_names(self) -> list[str]:
        return ["A"]

    def output_names(self) -> list[str]:
        return ["L", "info"]

    def differentiable_outputs(self) -> list[bool]:
        return [True, False]

    def saves(self) -> list[str]:
        return ["L"]

    def parameters(self) -> dict[str, Any]:
        return {"upper": self.upper}


class CholeskyBackward0(LinalgCholeskyExBackward0):
    """The same, of ``cholesky``."""

    def output_names(self) -> list[str]:
        return ["result", "info"]

    def saves(self) -> list[str]:
        return ["result"]


class CholeskyInverseBackward0(General):
    """Inverse R of L L^H.  dR = -R (dL L^H + L dL^H) R, so gL is the lower triangle of -R (G + G^H) R L."""

    def __init__(self, upper: bool) -> None:
        self.upper: bool = upper

    def forward(self, arrays: list[Any]) -> Any:
        lower = arrays_of.adjoint(arrays[0]) if self.upper else arrays[0]
        unit = np.eye(lower.shape[-1], dtype=lower.dtype)
        root = arrays_of.triangular_solve(lower, unit, False)
        return arrays_of.by_columns(arrays_of.adjoint(root) @ root)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        result = self.tensor("result")
        lower = lower_factor(self.tensor("self"), self.upper)
        found = -(result @ (grad + grad.mH) @ result @ lower).tril()
        return [found.mH if self.upper else found]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        change = square_change(tangent, inputs[0], self.upper)
        return [-(results[0] @ change @ results[0])]

    def saves(self) -> list[str]:
        return ["result", "self"]

    def parameters(self) -> dict[str, Any]:
        return {"upper": self.upper}


class CholeskySolveBackward0(General):
    """Solution X of L L^H X = B.  gB solves the same equation for G; gL is the lower triangle of -(Z + Z^H) L, Z = gB X^H."""

    def __init__(self, upper: bool) -> None:
        self.upper: bool = upper
        self.shape_b: Any = None

    def forward(self, arrays: list[Any]) -> Any:
        b, factor = arrays
        self.shape_b = b.shape
        lower = arrays_of.adjoint(factor) if self.upper else factor
        half = arrays_of.triangular_solve(lower, b, False)
        return arrays_of.triangular_solve(arrays_of.adjoint(lower), half, True)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        factor = self.tensor("input2")
        of_b = cholesky_solve(grad, factor, self.upper)
        of_l: Tensor | None = None
        if self.wanted(1):
            lower = lower_factor(factor, self.upper)
            product = of_b @ self.tensor("result").mH
            of_l = sum_to(-((product + product.mH) @ lower).tril(), factor.shp)
        if of_l is not None and self.upper:
            of_l = of_l.mH
        return [sum_to(of_b, self.shape_b) if self.wanted(0) else None, of_l]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        right, of_l = tangents
        if of_l is not None:
            product = square_change(of_l, inputs[1], self.upper) @ results[0]
            right = -product if right is None else right - product
        assert right is not None
        return [cholesky_solve(right, inputs[1], self.upper)]

    def input_names(self) -> list[str]:
        return ["self", "input2"]

    def saves(self) -> list[str]:
        return ["input2", "result", "self"]

    def parameters(self) -> dict[str, Any]:
        return {"upper": self.upper}


def lower_factor(factor: Tensor, upper: bool) -> Tensor:
    """The triangle that is read, as a lower triangular matrix."""
    return factor.triu().mH if upper else factor.tril()


def square_change(tangent: Tensor, factor: Tensor, upper: bool) -> Tensor:
    """Tangent of L L^H."""
    half = lower_factor(tangent, upper) @ lower_factor(factor, upper).mH
    return half + half.mH


def linalg_cholesky(self: Tensor, *, upper: bool = False) -> Tensor:
    """Lower triangular L with a positive diagonal for which ``L L^H = A``.

    Args:
        self: (..., n, n), symmetric or Hermitian, positive-definite; only the lower triangle is read (upper with ``upper``).
        upper: give the upper triangular ``L^H`` instead.

    Gradient:
        Hermitian, as if both triangles of A were changed alike.

    Raises:
        LinAlgError: when A is not positive-definite.

    Variants: linalg out
    Name: cholesky
    """
    factor, info = factors(LinalgCholeskyExBackward0(upper), "linalg.cholesky", self)
    check_positive("linalg.cholesky", info)
    return factor


def cholesky_ex(self: Tensor, *, upper: bool = False, check_errors: bool = False, out: Any = None) -> Any:
    """Cholesky factors, and for each whether it exists.

    Returns:
        Named tuple ``(L, info)``; info is 0, or the order of the first leading minor that is not positive-definite.

    Variants: linalg
    """
    results = factors(LinalgCholeskyExBackward0(upper), "linalg.cholesky", self)
    if check_errors:
        check_positive("torch.linalg.cholesky_ex", results[1])
    return return_types.linalg_cholesky_ex(deliver("linalg_cholesky_ex", out, results))


def cholesky(self: Tensor, upper: bool = False) -> Tensor:
    """Cholesky factor of symmetric (Hermitian) positive-definite matrices; ``linalg.cholesky`` is the newer form.

    Variants: function method out
    """
    factor, info = factors(CholeskyBackward0(upper), "cholesky", self)
    check_positive("cholesky", info)
    return factor


def factors(op: LinalgCholeskyExBackward0, name: str, a: Tensor) -> list[Tensor]:
    """Check and run."""
    check_square(name, a)
    check_floating(name, a)
    return general_many(op, [a])


def cholesky_inverse(self: Tensor, upper: bool = False) -> Tensor:
    """Inverse of ``L L^H``, given its Cholesky factor.

    Args:
        self: L (..., n, n); the other triangle is not read.
        upper: whether the factor is the upper triangular ``L^H``.

    Gradient:
        In the triangle that is read.

    Variants: function method out
    """
    check_square("cholesky_inverse", self)
    check_floating("cholesky_inverse", self)
    found = failed(arrays_of.first_of(self.array.diagonal(0, -2, -1) == 0))
    if found is not None:
        raise LinAlgError(
            f"cholesky_inverse: {found[0]}The diagonal element {found[1]} is zero, the inversion could not be completed because "
            "the input matrix is singular."
        )
    return general(CholeskyInverseBackward0(upper), [self])


def cholesky_solve(self: Tensor, input2: Tensor, upper: bool = False) -> Tensor:
    """Solution X of ``L L^H X = self``, given the Cholesky factor L.

    Args:
        self: right-hand side (..., n, k).
        input2: L (..., n, n); the other triangle is not read.
        upper: whether the factor is the upper triangular ``L^H``.

    Variants: function method out
    """
    check_sides(self, input2)
    return general(CholeskySolveBackward0(upper), [self, input2])


def check_sides(b: TensorBase, a: TensorBase) -> None:
    """PyTorch's messages for what does not fit."""
    for name, t in (("b", b), ("u", a)):
        if len(t.shp) < 2:
            raise RuntimeError(f"{name} should have at least 2 dimensions, but has {len(t.shp)} dimensions instead")
    if a.dt is not b.dt:
        raise RuntimeError(
            f"Expected b and A to have the same dtype, but found b of type {b.dt.title} and A of type {a.dt.title} instead."
        )
    check_floating("cholesky_solve", b)
    check_rows("", a)
    if a.shp[-2] != b.shp[-2]:
        raise RuntimeError(
            f"Incompatible matrix sizes for cholesky_solve: each A matrix is {a.shp[-1]} by {a.shp[-1]} but each b matrix is "
            f"{b.shp[-2]} by {b.shp[-1]}"
        )
    broadcast_size(b.shp[:-2], a.shp[:-2], "cholesky_solve")
