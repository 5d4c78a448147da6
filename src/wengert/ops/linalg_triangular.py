"""Systems of equations with triangular matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors, return_types
from .._core.dtypes import FLOATING, float16
from .._core.tensor_base import TensorBase
from .._record.common import broadcast_size, sum_to
from .._record.general import General, general, general_many
from .._record.selection import deliver
from . import linalg_arrays as arrays_of
from .linalg_checks import check_dims, check_equation, check_rows, check_same_dtype, check_square

if TYPE_CHECKING:
    from .._tensor import Tensor


class LinalgSolveTriangularBackward0(General):
    """Solution X of A X = B (``left``) or X A = B for triangular A.

    A X = B: gB solves A^H gB = G, and gA is the triangle of -gB X^H.  X A = B: gB A^H = G, and the triangle of -X^H gB.
    """

    def __init__(self, upper: bool, left: bool, unit: bool) -> None:
        self.upper: bool = upper
        self.left: bool = left
        self.unit: bool = unit
        self.shape_b: Any = None

    def forward(self, arrays: list[Any]) -> Any:
        a, b = arrays
        self.shape_b = b.shape
        if self.left:
            return arrays_of.triangular_solve(a, b, self.upper, self.unit)
        turned = arrays_of.triangular_solve(a.swapaxes(-1, -2), b.swapaxes(-1, -2), not self.upper, self.unit)
        return arrays_of.by_columns(turned.swapaxes(-1, -2))

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        a = self.tensor("self")
        of_b = solve_triangular(a.mH, grad, upper=not self.upper, left=self.left, unitriangular=self.unit)
        of_a: Tensor | None = None
        if self.wanted(0):
            x = self.tensor("result")
            product = of_b @ x.mH if self.left else x.mH @ of_b
            of_a = triangle(sum_to(-product, a.shp), self.upper, self.unit)
        return [of_a, sum_to(of_b, self.shape_b) if self.wanted(1) else None]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        of_a, right = tangents
        if of_a is not None:
            change = triangle(of_a, self.upper, self.unit)
            product = change @ results[0] if self.left else results[0] @ change
            right = -product if right is None else right - product
        assert right is not None
        return [solve_triangular(inputs[0], right, upper=self.upper, left=self.left, unitriangular=self.unit)]

    def input_names(self) -> list[str]:
        return ["self", "B"]

    def saves(self) -> list[str]:
        return ["result", "self"]

    def parameters(self) -> dict[str, Any]:
        return {"left": self.left, "unitriangular": self.unit, "upper": self.upper}


class TriangularSolveBackward0(General):
    """Solution X of A X = b or A^T X = b for triangular A, and a copy of A."""

    def __init__(self, upper: bool, transpose: bool, unit: bool) -> None:
        self.upper: bool = upper
        self.transpose: bool = transpose
        self.unit: bool = unit
        self.shape_b: Any = None

    def forward(self, arrays: list[Any]) -> Any:
        b, a = arrays
        self.shape_b = b.shape
        matrix = a.swapaxes(-1, -2) if self.transpose else a
        x = arrays_of.triangular_solve(matrix, b, self.upper != self.transpose, self.unit)
        copy = np.broadcast_to(a, (*x.shape[:-2], *a.shape[-2:]))
        return [x, arrays_of.by_columns(copy.copy())]

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad, of_copy = grads
        a, x = self.tensor("A"), self.tensor("solution")
        of_b: Tensor | None = None
        of_a = None if of_copy is None else sum_to(of_copy, a.shp)
        if grad is not None:
            turned = (a.mT if self.transpose else a).mH
            of_b = solve_triangular(turned, grad, upper=self.upper == self.transpose, unitriangular=self.unit)
            product = -(x.conj() @ of_b.mT if self.transpose else of_b @ x.mH)
            part = triangle(sum_to(product, a.shp), self.upper, self.unit)
            of_a = part if of_a is None else of_a + part
            of_b = sum_to(of_b, self.shape_b)
        return [of_b, of_a]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        right, of_a = tangents
        if of_a is not None:
            change = triangle(of_a, self.upper, self.unit)
            product = (change.mT if self.transpose else change) @ results[0]
            right = -product if right is None else right - product
        assert right is not None
        a = inputs[1].mT if self.transpose else inputs[1]
        found = solve_triangular(a, right, upper=self.upper != self.transpose, unitriangular=self.unit)
        return [found, of_a if of_a is None or of_a.shp == results[1].shp else of_a.expand(results[1].shp)]

    def input_names(self) -> list[str]:
        return ["self", "A"]

    def output_names(self) -> list[str]:
        return ["solution", "cloned_coefficient"]

    def saves(self) -> list[str]:
        return ["A", "self", "solution"] if self.wanted(1) else ["A", "solution"]

    def parameters(self) -> dict[str, Any]:
        return {"transpose": self.transpose, "unitriangular": self.unit, "upper": self.upper}


def triangle(x: Tensor, upper: bool, unit: bool) -> Tensor:
    """The part of a matrix that a triangular solver reads."""
    if upper:
        return x.triu(1 if unit else 0)
    return x.tril(-1 if unit else 0)


def check_kernel(x: TensorBase) -> None:
    """Substitution divides."""
    if x.dt.category < FLOATING or x.dt is float16:
        raise errors.not_implemented("triangular_solve_cpu", x.dt)


def solve_triangular(self: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """Solution X of ``A X = B``, or of ``X A = B``, for triangular A.

    Args:
        self: (..., n, n); the other triangle is not read.
        B: (..., n, k), with ``left=False`` (..., k, n); leading dimensions are broadcast.
        upper: which triangle of A.
        left: False for ``X A = B``.
        unitriangular: take the diagonal of A as ones.

    Returns:
        New tensor shaped like B; infinite or NaN where a diagonal element is zero.

    Gradient:
        For B the solution of ``A^H gB = G``; for A the triangle of ``-gB X^H``.

    Variants: linalg out
    """
    name = "linalg.solve_triangular"
    check_kernel(self)
    check_same_dtype(name, self, B)
    check_square(name, self)
    check_dims(name, B, "B")
    check_equation(name, self, B.shp, left)
    broadcast_size(B.shp[:-2], self.shp[:-2], name)
    return general(LinalgSolveTriangularBackward0(bool(upper), bool(left), bool(unitriangular)), [self, B])


def triangular_solve(
    self: Tensor,
    A: Tensor,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
    *,
    out: Any = None,
) -> Any:
    """Solution of ``A X = self`` or ``A^T X = self`` for triangular A; ``linalg.solve_triangular`` is the newer form.

    Returns:
        Named tuple ``(solution, cloned_coefficient)``; the second is a copy of A.

    Variants: function method
    """
    if self.dt is not A.dt:
        raise RuntimeError(
            f"Expected b and A to have the same dtype, but found b of type {self.dt.title} and A of type {A.dt.title} instead."
        )
    for name, t in (("b", self), ("A", A)):
        if len(t.shp) < 2:
            raise RuntimeError(
                f"torch.triangular_solve: Expected {name} to have at least 2 dimensions, but it has {len(t.shp)} dimensions "
                "instead"
            )
    check_kernel(A)
    check_rows("", A)
    if A.shp[-2] != self.shp[-2]:
        raise RuntimeError(
            f"Incompatible matrix sizes for triangular_solve: each A matrix is {A.shp[-1]} by {A.shp[-1]} but each b matrix is "
            f"{self.shp[-2]} by {self.shp[-1]}"
        )
    broadcast_size(self.shp[:-2], A.shp[:-2], "triangular_solve")
    results = general_many(TriangularSolveBackward0(upper, transpose, unitriangular), [self, A])
    return return_types.triangular_solve(deliver("triangular_solve", out, results))
