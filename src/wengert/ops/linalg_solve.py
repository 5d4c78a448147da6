"""Systems of linear equations, inverses and determinants.

Derivatives: M. Giles, "An extended collection of matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), sections 2.2.3 and 2.2.4; A^H stands for the conjugate transpose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import return_types
from .._core.dtypes import COMPLEX, float16
from .._core.errors import not_implemented
from .._core.tensor_base import TensorBase
from .._record.common import broadcast_size, int_of, make, sum_to, untracked
from .._record.general import General, general_many
from .._record.selection import deliver
from . import linalg_arrays as arrays_of
from .linalg_checks import (
    check_dims,
    check_equation,
    check_floating,
    check_inverted,
    check_same_dtype,
    check_solved,
    check_square,
)

if TYPE_CHECKING:
    from .._tensor import Tensor


class LinalgInvExBackward0(General):
    """Inverse Y of A.  dY = -Y dA Y, so gA = -Y^H G Y^H."""

    def forward(self, arrays: list[Any]) -> Any:
        return list(arrays_of.inverse(arrays[0]))

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        turned = self.tensor("inverse").mH
        return [-(turned @ grad @ turned)]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        return [-(results[0] @ tangent @ results[0]), None]

    def input_names(self) -> list[str]:
        return ["A"]

    def output_names(self) -> list[str]:
        return ["inverse", "info"]

    def differentiable_outputs(self) -> list[bool]:
        return [True, False]

    def saves(self) -> list[str]:
        return ["inverse"]


class LinalgDetBackward0(General):
    """Determinant d of A.  dd = tr(adj(A) dA), so gA = G adj(A)^H, which is G conj(d) A^-H unless A is singular."""

    def forward(self, arrays: list[Any]) -> Any:
        packed, pivots, _ = arrays_of.lu_factor(arrays[0])
        return [arrays_of.lu_determinant(packed, pivots), packed, pivots]

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        a, result = self.tensor("A"), self.tensor("result")
        if untracked(grad) and untracked(a):
            singular = result.array == 0
        else:  # the adjoint is factored anew, and its last pivot may be zero where that of A is a rounding error
            singular = nearly_singular(self.tensor("LU").array)
        if not np.any(singular):
            return [over_adjoint(self, a, grad * result.conj())]
        return [matrices(grad) * cofactors_by_rank(a, singular)]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        singular = results[0].array == 0
        if not np.any(singular):
            return [results[0] * trace_of(solve(inputs[0], tangent)), None, None]
        return [(cofactors_by_rank(inputs[0], singular).conj() * tangent).sum((-2, -1)), None, None]

    def input_names(self) -> list[str]:
        return ["A"]

    def output_names(self) -> list[str]:
        return ["result", "LU", "pivots"]

    def differentiable_outputs(self) -> list[bool]:
        return [True, False, False]

    def saves(self) -> list[str]:
        return ["A", "LU", "pivots", "result"]


class LinalgSlogdetBackward0(General):
    """Sign s (or phase) and logarithm l of the absolute value of the determinant of A.

    With t = tr(A^-1 dA): dl = Re t, ds = i s Im t; so gA = (gl - i Im(conj(gs) s)) A^-H.
    """

    def forward(self, arrays: list[Any]) -> Any:
        packed, pivots, _ = arrays_of.lu_factor(arrays[0])
        diagonal = packed.diagonal(0, -2, -1)
        size = np.abs(diagonal)
        signs = np.where(size == 0, 0, diagonal / size).astype(packed.dtype)
        sign = np.prod(signs, -1) * arrays_of.exchange_sign(pivots).astype(size.dtype)
        return [sign, np.sum(np.log(size), -1), packed, pivots]

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        of_sign, of_log = grads[0], grads[1]
        a = self.tensor("A")
        factor = of_log
        if of_sign is not None and a.dt.category == COMPLEX:
            turn = (of_sign.conj() * self.tensor("sign")).imag * -1j
            factor = turn if of_log is None else of_log + turn
        if factor is None:
            return [None]
        return [over_adjoint(self, a, factor)]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        relative = trace_of(solve_results(inputs[0], tangent, True)[0])
        if tangent.dt.category < COMPLEX:
            return [None, relative, None, None]
        return [results[0] * relative.imag * 1j, relative.real, None, None]

    def input_names(self) -> list[str]:
        return ["A"]

    def output_names(self) -> list[str]:
        return ["sign", "logabsdet", "LU", "pivots"]

    def differentiable_outputs(self) -> list[bool]:
        return [True, True, False, False]

    def saves(self) -> list[str]:
        return ["A", "LU", "pivots", "sign"]


class LinalgSolveExBackward0(General):
    """Solution X of A X = B (``left``) or X A = B.

    A X = B: gB solves A^H gB = G, and gA = -gB X^H.  X A = B: gB solves gB A^H = G, and gA = -X^H gB.
    """

    def __init__(self, a: TensorBase, b: TensorBase, left: bool) -> None:
        self.left: bool = left
        self.vector: bool = len(b.shp) == 1 or (len(a.shp) - 1 == len(b.shp) and b.shp == a.shp[:-1])
        self.shape_a: Any = a.shp
        self.shape_b: Any = b.shp

    def forward(self, arrays: list[Any]) -> Any:
        a, b = arrays
        packed, pivots, info = arrays_of.lu_factor(a)
        if self.vector:
            x = arrays_of.lu_solve(packed, pivots, b[..., None])[..., 0]
            return [arrays_of.by_columns(x), packed, pivots, info]
        return [solved(packed, pivots, b, self.left, False), packed, pivots, info]

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        a = self.tensor("A")
        given = self.opened(grad)
        if untracked(grad) and untracked(a):
            of_b = make(solved(self.tensor("LU").array, self.tensor("pivots").array, given.array, self.left, True))
        else:
            of_b = solve(a.mH, given, left=self.left)
        of_a: Tensor | None = None
        if self.wanted(0):
            x = self.opened(self.tensor("result"))
            of_a = sum_to(-(of_b @ x.mH) if self.left else -(x.mH @ of_b), self.shape_a)
        return [of_a, sum_to(of_b.squeeze(-1) if self.vector else of_b, self.shape_b) if self.wanted(1) else None]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        of_a, of_b = tangents
        right = None if of_b is None else self.opened(of_b)
        if of_a is not None:
            x = self.opened(results[0])
            change = of_a @ x if self.left else x @ of_a
            right = -change if right is None else right - change
        assert right is not None
        found = solve_results(inputs[0], right, self.left)[0]
        return [found.squeeze(-1) if self.vector else found, None, None, None]

    def opened(self, b: Tensor) -> Tensor:
        """Vectors as matrices with one column."""
        return b.unsqueeze(-1) if self.vector else b

    def input_names(self) -> list[str]:
        return ["A", "B"]

    def output_names(self) -> list[str]:
        return ["result", "LU", "pivots", "info"]

    def differentiable_outputs(self) -> list[bool]:
        return [True, False, False, False]

    def saves(self) -> list[str]:
        return ["A", "LU", "pivots", "result"] if self.wanted(0) else ["A", "LU", "pivots"]

    def parameters(self) -> dict[str, Any]:
        return {"left": self.left}


def solved(packed: Any, pivots: Any, b: Any, left: bool, transposed: bool) -> Any:
    """Solution of A x = b or x A = b, or with A^H in place of A, from the LU factors of A."""
    if left:
        return arrays_of.lu_solve(packed, pivots, b, transposed)
    return arrays_of.adjoint(arrays_of.lu_solve(packed, pivots, arrays_of.adjoint(b), not transposed))


def matrices(factor: Tensor) -> Tensor:
    """One number per matrix, shaped so that it multiplies the matrices."""
    return factor.unsqueeze(-1).unsqueeze(-1)


def trace_of(x: Tensor) -> Tensor:
    """Sum of the diagonal of each matrix."""
    return x.diagonal(0, -2, -1).sum(-1)


def nearly_singular(packed: Any) -> Any:
    """For each matrix whether the diagonal of U has an element that may be nothing but rounding."""
    size = np.abs(packed.diagonal(0, -2, -1))
    limit = np.finfo(size.dtype).eps * size.shape[-1] * size.max(-1, initial=0, keepdims=True)
    return (size <= limit).any(-1)


def over_adjoint(op: General, a: Tensor, factor: Tensor) -> Tensor:
    """``factor A^-H`` for the LU factors that ``op`` saved of A."""
    unit = make(np.eye(a.shp[-1], dtype=a.dt.np))
    scaled = matrices(factor) * unit
    if untracked(factor) and untracked(a):
        return make(arrays_of.lu_solve(op.tensor("LU").array, op.tensor("pivots").array, scaled.array, True))
    return solve(a.mH, scaled)


def cofactors_by_rank(a: Tensor, singular: Any) -> Tensor:
    """Conjugated cofactors of matrices of which some are singular; those of the others come from the inverse.

    Cofactors from singular values have no derivative where these are equal. Each of the two ways therefore sees, in place of the
    matrices that it is not for, one that suits both.
    """
    if np.all(singular):
        return cofactors(a)
    chosen = make(np.asarray(singular)[..., None, None])
    n = a.shp[-1]
    harmless = make(np.diag(np.arange(1, n + 1)).astype(a.dt.np))
    regular = harmless.where(chosen, a)
    unit = make(np.eye(n, dtype=a.dt.np))
    inverted_way = solve(regular.mH, matrices(linalg_det(regular).conj()) * unit)
    return cofactors(a.where(chosen, harmless)).where(chosen, inverted_way)


def cofactors(a: Tensor) -> Tensor:
    """Conjugated cofactors of A, the gradient of the determinant, also where A is singular.

    With A = U S V^H they are conj(det(U V^H)) U C V^H, where C has on its diagonal the products of all singular values but one.
    """
    from .linalg_svd import linalg_svd

    u, s, vh = linalg_svd(a)
    n = a.shp[-1]
    others = s.unsqueeze(-2).expand(*s.shp, n).masked_fill(make(np.eye(n, dtype=bool)), 1).prod(-1)
    scaled = u * (others.unsqueeze(-2) * matrices(linalg_det(u @ vh)).conj())
    return scaled @ vh


def linalg_inv(A: Tensor) -> Tensor:
    """Inverse of square matrices (..., n, n).

    Gradient:
        ``-Y^H G Y^H`` for the inverse Y.

    Raises:
        RuntimeError: when the matrices are not square, or not of floats.
        LinAlgError: when one is singular.

    Example:
        >>> linalg.inv(tensor([[2., 0.], [0., 4.]]))
        tensor([[0.5000, 0.0000],
                [0.0000, 0.2500]])

    Variants: linalg out
    Name: inv
    """
    return inverted("linalg.inv", A)


def inverse(self: Tensor) -> Tensor:
    """Inverse of square matrices; the same as ``linalg.inv``.

    Variants: function method out
    """
    return inverted("linalg.inv", self)


def inverted(name: str, a: Tensor) -> Tensor:
    """The inverse; ``name`` begins the messages."""
    check_square("linalg.inv", a)
    check_floating("linalg.inv", a)
    found, info = general_many(LinalgInvExBackward0(), [a])
    check_inverted(name, info)
    return found


def inv_ex(A: Tensor, *, check_errors: bool = False, out: Any = None) -> Any:
    """Inverse of square matrices, and for each whether it exists.

    Args:
        A: (..., n, n).
        check_errors: raise for a singular matrix.

    Returns:
        Named tuple ``(inverse, info)``; info is 0, or the number of the diagonal element of the factor U that is zero, and then
        the inverse is NaN.

    Variants: linalg
    """
    check_square("linalg.inv", A)
    check_floating("linalg.inv", A)
    results = general_many(LinalgInvExBackward0(), [A])
    if check_errors:
        check_inverted("linalg.inv_ex", results[1])
    return return_types.linalg_inv_ex(deliver("linalg_inv_ex", out, results))


def linalg_det(A: Tensor) -> Tensor:
    """Determinant of square matrices (..., n, n).

    Gradient:
        ``G conj(det) A^-H``; for a singular matrix, its cofactors from the singular values. There a second derivative exists
        only when the singular values are distinct.

    Variants: linalg out
    Name: det
    """
    check_square("linalg.det", A)
    check_floating_kernel("linalg.det", A)
    return general_many(LinalgDetBackward0(), [A])[0]


def det(self: Tensor) -> Tensor:
    """Determinant of square matrices; the same as ``linalg.det``.

    Variants: function method
    """
    return linalg_det(self)


def check_floating_kernel(name: str, x: TensorBase) -> None:
    """As ``check_floating``, with PyTorch's other message for half precision."""
    if x.dt is float16:
        raise not_implemented("lu_cpu", x.dt)
    check_floating(name, x)


def signed_logarithm(name: str, a: Tensor) -> list[Tensor]:
    """Sign and logarithm of the determinant."""
    check_square(name, a)
    check_floating_kernel(name, a)
    return general_many(LinalgSlogdetBackward0(), [a])[:2]


def linalg_slogdet(A: Tensor, *, out: Any = None) -> Any:
    """Sign of the determinant and logarithm of its absolute value, without overflow.

    Args:
        A: (..., n, n).

    Returns:
        Named tuple ``(sign, logabsdet)``; for complex matrices the sign has absolute value 1; for singular ones they are 0
        and -inf.

    Gradient:
        ``A^-H`` for the logarithm; infinite where A is singular.

    Variants: linalg
    Name: slogdet
    """
    return return_types.linalg_slogdet(deliver("linalg_slogdet", out, signed_logarithm("linalg.slogdet", A)))


def slogdet(self: Tensor) -> Any:
    """Sign of the determinant and logarithm of its absolute value; the same as ``linalg.slogdet``.

    Variants: function method
    """
    return return_types.slogdet(signed_logarithm("linalg.slogdet", self))


def logdet(self: Tensor) -> Tensor:
    """Logarithm of the determinant of square matrices: NaN where it is negative, -inf where it is zero.

    Gradient:
        ``A^-H``.

    Variants: function method
    """
    sign, size = signed_logarithm("logdet", self)
    if self.dt.category == COMPLEX:
        return sign.log() + size
    nan = make(np.array(np.nan, dtype=size.dt.np))
    return nan.where(make(np.equal(sign.array, -1)), size)


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """Solution X of ``A X = B``, or of ``X A = B``.

    Args:
        A: (..., n, n).
        B: (..., n, k), or vectors (..., n) with the leading dimensions of A; with ``left=False`` (..., k, n). Leading
            dimensions are broadcast.
        left: False for ``X A = B``.

    Returns:
        New tensor shaped like B.

    Gradient:
        For B the solution of ``A^H gB = G``; for A ``-gB X^H``.

    Raises:
        RuntimeError: when shapes or dtypes do not fit.
        LinAlgError: when a matrix is singular.

    Example:
        >>> linalg.solve(tensor([[2., 0.], [0., 4.]]), tensor([2., 2.]))
        tensor([1.0000, 0.5000])

    Variants: linalg out
    """
    results = solve_results(A, B, left)
    check_solved("torch.linalg.solve", results[3])
    return results[0]


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """Solution of ``A X = B``, and for each system whether it exists.

    Returns:
        Named tuple ``(result, info)``; info is 0, or the number of the diagonal element of the factor U that is zero.

    Variants: linalg
    """
    results = solve_results(A, B, left)
    if check_errors:
        check_solved("torch.linalg.solve_ex", results[3])
    return return_types.linalg_solve_ex(deliver("linalg_solve_ex", out, [results[0], results[3]]))


def solve_results(a: Tensor, b: Tensor, left: bool) -> list[Tensor]:
    """Check and run."""
    check_floating("linalg.solve", a)
    check_same_dtype("linalg.solve", a, b)
    check_square("linalg.solve", a)
    if len(b.shp) == 0:
        check_dims("linalg.solve", b, "B")
    op = LinalgSolveExBackward0(a, b, left)
    shape: Any = (*b.shp, 1) if op.vector else b.shp
    check_equation("linalg.solve", a, shape, left)
    if op.vector and not left:
        raise RuntimeError(
            "linalg.solve: Vector broadcasting of the left hand side is not supported for left=False. In this case linalg.solve "
            "is equivalent to B / A.squeeze(-1)"
        )
    broadcast_size(shape[:-2], a.shp[:-2], "linalg.solve")
    return general_many(op, [a, b])


def tensorinv(self: Tensor, ind: Any = 2) -> Tensor:
    """Inverse of a tensor as a linear map from its last dimensions to its first ``ind``: see ``tensordot``.

    Args:
        self: the product of its first ``ind`` sizes is the product of the others.
        ind: how many dimensions come first.

    Returns:
        New tensor with the two groups of dimensions exchanged.

    Variants: linalg out
    """
    split = int_of(ind, "ind")
    if split <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {split}")
    rows, columns = arrays_of.product(self.shp[:split]), arrays_of.product(self.shp[split:])
    if rows != columns:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), "
            f"but got {columns} != {rows}"
        )
    found = inverted("inv", self.reshape(rows, columns))
    return found.reshape(*self.shp[split:], *self.shp[:split])


def tensorsolve(self: Tensor, other: Tensor, dims: Any = None) -> Tensor:
    """Tensor X whose product with A over the last dimensions of A is B: ``tensordot(A, X, X.ndim) == B``.

    Args:
        self: its first dimensions are those of ``other``; the product of the rest is the number of elements of that.
        other: right-hand side.
        dims: dimensions of A that are moved to the end first.

    Variants: linalg out
    """
    a = self if dims is None else self.movedim(tuple(dims), tuple(range(len(self.shp) - len(dims), len(self.shp))))
    shape = a.shp[len(other.shp) :]
    rows, columns = arrays_of.product(other.shp), arrays_of.product(shape)
    if rows != columns:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), "
            f"but got {columns} != {rows}"
        )
    return solve(a.reshape(columns, columns), other.reshape(-1)).reshape(shape)
