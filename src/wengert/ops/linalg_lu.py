"""LU factors with partial pivoting: A = P L U.

Derivatives: with M = L^-1 P^T dA U^-1, L^-1 dL is the strict lower triangle of M and dU U^-1 the rest. Of a matrix that is not
square the part beyond the square one follows from the factors of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors, return_types
from .._core.dtypes import FLOATING, float16, int32
from .._core.tensor_base import TensorBase
from .._record.common import broadcast_size, make, sum_to
from .._record.general import General, general, general_many
from .._record.selection import deliver
from . import linalg_arrays as arrays_of
from .join import cat
from .linalg_checks import check_dims, check_equation, check_rows, check_same_dtype, failed
from .linalg_triangular import solve_triangular

if TYPE_CHECKING:
    from .._tensor import Tensor


class LinalgLuBackward0(General):
    """The factors L and U and the permutation matrix P; in this order, since PyTorch numbers outputs with a gradient first."""

    def forward(self, arrays: list[Any]) -> Any:
        packed, pivots, _ = arrays_of.lu_factor(arrays[0])
        return [*unpacked(packed), permutation_matrix(pivots, packed.shape[-2], packed.dtype)]

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        found = lu_gradient(grads[0], grads[1], self.tensor("L"), self.tensor("U"))
        return [self.tensor("P").detach() @ found]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        lower, upper, p = results
        of_l, of_u = lu_tangents(p.mT @ tangent, lower, upper)
        return [of_l, of_u, None]

    def input_names(self) -> list[str]:
        return ["A"]

    def output_names(self) -> list[str]:
        return ["L", "U", "P"]

    def differentiable_outputs(self) -> list[bool]:
        return [True, True, False]

    def saves(self) -> list[str]:
        return ["L", "P", "U"]

    def parameters(self) -> dict[str, Any]:
        return {"pivot": True}


class LinalgLuFactorExBackward0(General):
    """L (below the diagonal) and U packed into one matrix, and the exchanges of rows."""

    def forward(self, arrays: list[Any]) -> Any:
        return list(arrays_of.lu_factor(arrays[0]))

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        packed = self.tensor("LU")
        m, n = packed.shp[-2:]
        k = min(m, n)
        of_l, of_u = grad[..., :k].tril(-1), grad[..., :k, :].triu()
        p = make(permutation_matrix(self.tensor("pivots").array, m, packed.dt.np))
        return [p @ lu_gradient(of_l, of_u, *split(packed))]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        m, n = tangent.shp[-2:]
        p = make(permutation_matrix(results[1].array, m, tangent.dt.np))
        of_l, of_u = lu_tangents(p.mT @ tangent, *split(results[0]))
        if m >= n:
            return [of_l + padded(of_u, m - n, -2), None, None]
        return [padded(of_l, n - m, -1) + of_u, None, None]

    def input_names(self) -> list[str]:
        return ["A"]

    def output_names(self) -> list[str]:
        return ["LU", "pivots", "info"]

    def differentiable_outputs(self) -> list[bool]:
        return [True, False, False]

    def saves(self) -> list[str]:
        return ["LU", "pivots"]

    def parameters(self) -> dict[str, Any]:
        return {"pivot": True}


class LuUnpackBackward0(General):
    """P, L and U from the packed factors."""

    def __init__(self, data: bool, pivots: bool, rows: int, columns: int) -> None:
        self.data: bool = data
        self.pivots: bool = pivots
        self.rows: int = rows
        self.columns: int = columns

    def forward(self, arrays: list[Any]) -> Any:
        packed, pivots = arrays
        nothing = np.empty(0, packed.dtype)
        p = permutation_matrix(pivots, packed.shape[-2], packed.dtype) if self.pivots else nothing
        return [*(unpacked(packed) if self.data else [nothing, nothing]), p]

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        lower, upper = grads[0], grads[1]
        parts: list[Tensor] = []
        if lower is not None:
            parts.append(padded(lower.tril(-1), max(self.columns - self.rows, 0), -1))
        if upper is not None:
            parts.append(padded(upper.triu(), max(self.rows - self.columns, 0), -2))
        return [parts[0] if len(parts) == 1 else parts[0] + parts[1]]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        k = min(self.rows, self.columns)
        if not self.data:
            return [None, None, None]
        return [tangent[..., :k].tril(-1), tangent[..., :k, :].triu(), None]

    def input_names(self) -> list[str]:
        return ["LU_data", "LU_pivots"]

    def differentiable_inputs(self, count: int) -> int:
        return 1

    def output_names(self) -> list[str]:
        return ["L", "U", "P"]

    def differentiable_outputs(self) -> list[bool]:
        return [self.data, self.data, False]

    def parameters(self) -> dict[str, Any]:
        return {"LU_data_sym_argsize_minus_1": self.columns, "LU_data_sym_argsize_minus_2": self.rows}


class LinalgLuSolveBackward0(General):
    """Solution X of A X = B (``left``), X A = B, or with A^H for A (``adjoint``), from the LU factors of A."""

    def __init__(self, left: bool, adjoint: bool) -> None:
        self.left: bool = left
        self.adjoint: bool = adjoint
        self.shape_b: Any = None

    def forward(self, arrays: list[Any]) -> Any:
        packed, pivots, b = arrays
        self.shape_b = b.shape
        if self.left:
            return arrays_of.lu_solve(packed, pivots, b, self.adjoint)
        return arrays_of.adjoint(arrays_of.lu_solve(packed, pivots, arrays_of.adjoint(b), not self.adjoint))

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        packed, pivots = self.tensor("LU"), self.tensor("pivots")
        of_b = lu_solve(packed, pivots, grad, left=self.left, adjoint=not self.adjoint)
        of_packed: Tensor | None = None
        if self.wanted(0):
            x = self.tensor("result")
            # X A = B is A^H X^H = B^H.
            pair = (of_b, x) if self.left else (of_b.mH, x.mH)
            of_packed = sum_to(self.factor_gradient(packed, pivots, *pair), packed.shp)
        return [of_packed, None, sum_to(of_b, self.shape_b) if self.wanted(2) else None]

    def factor_gradient(self, packed: Tensor, pivots: Tensor, of_b: Tensor, x: Tensor) -> Tensor:
        """Gradient of the packed factors, given that of the right-hand side.

        A X = B: L takes -P^T gB (U X)^H and U takes -U^-H G X^H = -L^H P^T gB X^H.
        A^H X = B, with Y = P^T X: L takes -Y (U gB)^H, and U takes -L^H Y gB^H.
        """
        lower, upper = split(packed)
        p = make(permutation_matrix(pivots.array, packed.shp[-1], packed.dt.np))
        if self.adjoint == self.left:
            y = p.mT @ x
            return -((y @ (upper @ of_b).mH).tril(-1) + (lower.mH @ y @ of_b.mH).triu())
        turned = p.mT @ of_b
        return -((turned @ (upper @ x).mH).tril(-1) + (lower.mH @ turned @ x.mH).triu())

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        change, right = tangents[0], tangents[2]
        packed, pivots, _ = inputs
        if change is not None:
            lower, upper = split(packed)
            p = make(permutation_matrix(pivots.array, packed.shp[-1], packed.dt.np))
            of_a = p @ (change.tril(-1) @ upper + lower @ change.triu())
            of_a = of_a.mH if self.adjoint else of_a
            product = of_a @ results[0] if self.left else results[0] @ of_a
            right = -product if right is None else right - product
        assert right is not None
        return [lu_solve(packed, pivots, right, left=self.left, adjoint=self.adjoint)]

    def input_names(self) -> list[str]:
        return ["LU", "pivots", "B"]

    def saves(self) -> list[str]:
        return ["LU", "pivots", "result"]

    def parameters(self) -> dict[str, Any]:
        return {"adjoint": self.adjoint, "left": self.left}


def permutation_matrix(pivots: Any, m: int, dtype: Any) -> Any:
    """P of A = P L U."""
    order = arrays_of.permutation(pivots, m)
    found = np.zeros((*order.shape, m), dtype)
    np.put_along_axis(found, order[..., None, :], 1, -2)
    return found


def unpacked(packed: Any) -> list[Any]:
    """L and U as arrays."""
    k = min(packed.shape[-2:])
    lower = np.tril(packed[..., :k], -1)
    diagonal = np.arange(k)
    lower[..., diagonal, diagonal] = 1
    return [lower, np.triu(packed[..., :k, :])]


def split(packed: Tensor) -> tuple[Tensor, Tensor]:
    """L and U as tensors."""
    m, n = packed.shp[-2:]
    k = min(m, n)
    unit = make(np.eye(m, k, dtype=packed.dt.np))
    return packed[..., :k].tril(-1) + unit, packed[..., :k, :].triu()


def padded(x: Tensor, count: int, dim: int) -> Tensor:
    """With so many more rows or columns of zeros at the end."""
    if count == 0:
        return x
    shape = list(x.shp)
    shape[dim] = count
    return cat([x, make(np.zeros(shape, x.dt.np))], dim)


def lu_gradient(of_l: Tensor | None, of_u: Tensor | None, lower: Tensor, upper: Tensor) -> Tensor:
    """Gradient of P^T A, given those of its factors."""
    m, n = lower.shp[-2], upper.shp[-1]
    k = min(m, n)
    if m < n:
        if of_u is None:
            return padded(square_gradient(of_l, None, lower, upper[..., :k]), n - k, -1)
        rest = solve_triangular(lower.mH, of_u[..., k:], upper=True, unitriangular=True)
        change = -(rest @ upper[..., k:].mH)
        of_l = change if of_l is None else of_l + change
        first = square_gradient(of_l, of_u[..., :k], lower, upper[..., :k])
        return cat([first, rest], -1)
    if m > n:
        if of_l is None:
            return padded(square_gradient(None, of_u, lower[..., :k, :], upper), m - k, -2)
        rest = solve_triangular(upper.mH, of_l[..., k:, :], upper=False, left=False)
        change = -(lower[..., k:, :].mH @ rest)
        of_u = change if of_u is None else of_u + change
        first = square_gradient(of_l[..., :k, :], of_u, lower[..., :k, :], upper)
        return cat([first, rest], -2)
    return square_gradient(of_l, of_u, lower, upper)


def square_gradient(of_l: Tensor | None, of_u: Tensor | None, lower: Tensor, upper: Tensor) -> Tensor:
    """L^-H (strict lower triangle of L^H gL + upper triangle of gU U^H) U^-H."""
    first = None if of_l is None else (lower.mH @ of_l).tril(-1)
    second = None if of_u is None else (of_u @ upper.mH).triu()
    inner = first if second is None else second if first is None else first + second
    assert inner is not None
    inner = solve_triangular(upper.mH, inner, upper=False, left=False)
    return solve_triangular(lower.mH, inner, upper=True, unitriangular=True)


def lu_tangents(change: Tensor, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
    """Tangents of L and U, given that of P^T A."""
    k = min(lower.shp[-2], upper.shp[-1])
    first, second = lower[..., :k, :], upper[..., :k]
    inner = solve_triangular(first, change[..., :k, :k], upper=False, unitriangular=True)
    inner = solve_triangular(second, inner, upper=True, left=False)
    of_l, of_u = first @ inner.tril(-1), inner.triu() @ second
    if lower.shp[-2] > k:
        rest = change[..., k:, :] - lower[..., k:, :] @ of_u
        of_l = cat([of_l, solve_triangular(second, rest, upper=True, left=False)], -2)
    if upper.shp[-1] > k:
        rest = change[..., k:] - of_l @ upper[..., k:]
        of_u = cat([of_u, solve_triangular(first, rest, upper=False, unitriangular=True)], -1)
    return of_l, of_u


def check_lu(name: str, a: TensorBase, pivot: bool) -> None:
    """What can be factored."""
    if len(a.shp) < 2:
        raise RuntimeError(
            f"{name}: Expected tensor with 2 or more dimensions. Got size: {errors.shape_text(a.shp)} instead"
        )
    if a.dt.category < FLOATING or a.dt is float16:
        raise errors.not_implemented("lu_cpu", a.dt)
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")


def check_factors(name: str, info: Tensor) -> None:
    """Refuse factors that cannot be solved with."""
    found = failed(info.array)
    if found is not None:
        raise RuntimeError(
            f"{name}: {found[0]}U[{found[1]},{found[1]}] is zero and using it on lu_solve would result in a division by zero. If "
            "you still want to perform the factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
        )


def linalg_lu(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """Factors of ``A = P L U``.

    Args:
        A: (..., m, n).
        pivot: must be True.

    Returns:
        Named tuple ``(P, L, U)``: a permutation matrix (..., m, m), L (..., m, k) with ones on its diagonal and zeros above, U
        (..., k, n) with zeros below its diagonal; k = min(m, n).

    Gradient:
        Defined where the first k rows of ``P^T A``, or its first k columns, are independent.

    Variants: linalg
    Name: lu
    """
    check_lu("linalg.lu", A, pivot)
    lower, upper, p = general_many(LinalgLuBackward0(), [A])
    return return_types.linalg_lu(deliver("linalg_lu", out, [p, lower, upper]))


def lu_factor(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """Factors of ``A = P L U`` in the packed form that ``linalg.lu_solve`` takes.

    Returns:
        Named tuple ``(LU, pivots)``; pivots (int32, from 1) are the exchanges of rows in order.

    Raises:
        RuntimeError: when U has a zero on its diagonal.

    Variants: linalg
    """
    check_lu("torch.lu_factor", A, pivot)
    results = general_many(LinalgLuFactorExBackward0(), [A])
    check_factors("torch.linalg.lu_factor", results[2])
    return return_types.linalg_lu_factor(deliver("linalg_lu_factor", out, results[:2]))


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """Packed LU factors, and for each matrix 0 or the number of the diagonal element of U that is zero.

    Returns:
        Named tuple ``(LU, pivots, info)``.

    Variants: linalg
    """
    check_lu("torch.lu_factor", A, pivot)
    results = general_many(LinalgLuFactorExBackward0(), [A])
    if check_errors:
        check_factors("torch.linalg.lu_factor_ex", results[2])
    return return_types.linalg_lu_factor_ex(deliver("linalg_lu_factor_ex", out, results))


def lu(self: Tensor, pivot: bool = True, get_infos: bool = False, *, out: Any = None) -> Any:
    """Packed LU factors and pivots, with ``get_infos`` also info; ``linalg.lu_factor_ex`` is the newer form.

    Variants: function method
    """
    check_lu("torch.lu_factor", self, pivot)
    results = general_many(LinalgLuFactorExBackward0(), [self])
    if get_infos:
        return return_types._lu_with_info(deliver("lu", out, results))
    return tuple(deliver("lu", out, results[:2]))


def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True, *, out: Any = None
) -> Any:
    """P, L and U from the results of ``linalg.lu_factor``.

    Args:
        LU_data: packed factors (..., m, n).
        LU_pivots: exchanges of rows (..., k), int32.
        unpack_data: False for empty L and U.
        unpack_pivots: False for an empty P.

    Returns:
        Named tuple ``(P, L, U)``.

    Variants: function
    """
    if LU_pivots.dt is not int32:
        raise RuntimeError(
            errors.with_hints(
                "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.",
                f"its dtype is {LU_pivots.dt!r}",
            )
        )
    check_lu("torch.lu_unpack", LU_data, True)
    m, n = LU_data.shp[-2:]
    pivots = LU_pivots if len(LU_pivots.shp) == 0 or LU_pivots.shp[-1] <= min(m, n) else LU_pivots[..., : min(m, n)]
    if len(pivots.shp) == 0 or (
        unpack_pivots and pivots.array.size > 0 and not 1 <= pivots.array.min() <= pivots.array.max() <= m
    ):
        raise RuntimeError(
            "pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive.Did you properly pass the result of lu_factor?"
        )
    lower, upper, p = general_many(LuUnpackBackward0(unpack_data, unpack_pivots, m, n), [LU_data, pivots])
    return return_types.lu_unpack(deliver("lu_unpack", out, [p, lower, upper]))


def lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False) -> Tensor:
    """Solution of ``A X = B`` from the results of ``linalg.lu_factor(A)``.

    Args:
        LU: (..., n, n).
        pivots: (..., n), int32.
        B: (..., n, k), with ``left=False`` (..., k, n); leading dimensions are broadcast.
        left: False for ``X A = B``.
        adjoint: True for A^H in place of A.

    Returns:
        New tensor shaped like B; infinite or NaN where A is singular.

    Variants: linalg out
    """
    name = "linalg.lu_solve"
    check_same_dtype(name, LU, B, "LU")
    if pivots.dt is not int32:
        raise RuntimeError(f"{name}: pivots should be a Tensor of scalar type torch.int32")
    check_dims("torch.linalg.lu_solve", LU)
    check_rows("torch.linalg.lu_solve: ", LU)
    check_dims(name, B, "B")
    check_equation(name, LU, B.shp, left)
    if pivots.shp[-1:] != LU.shp[-1:]:
        raise RuntimeError(f"{name}: Number of pivots per batch should be same as the dimension of the matrix")
    if pivots.shp[:-1] != LU.shp[:-2]:
        raise RuntimeError(
            f"{name}: Expected LU.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
            f"{errors.shape_text(pivots.shp)} instead"
        )
    broadcast_size(B.shp[:-2], LU.shp[:-2], name)
    return general(LinalgLuSolveBackward0(bool(left), bool(adjoint)), [LU, pivots, B])


def solve_by_factors(self: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """Solution of ``A X = self`` from the packed LU factors of A; ``linalg.lu_solve`` is the newer form.

    Variants: function method out
    Name: lu_solve
    """
    return lu_solve(LU_data, LU_pivots, self)
