"""What singular values tell: rank, condition, pseudo-inverse, least squares, approximations of low rank.

Derivatives of the pseudo-inverse: G. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares
problems whose variables separate" (1973); they hold where the rank does not change. Approximations of low rank: N. Halko,
P.-G. Martinsson and J. Tropp, "Finding structure with randomness" (2009), algorithms 4.4 and 5.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors, return_types
from .._core.dtypes import COMPLEX, FLOATING, float16
from .._core.tensor_base import TensorBase
from .._record.common import broadcast_size, make, sum_to
from .._record.general import General, general, general_many
from .linalg_arrays import adjoint
from .linalg_checks import check_dims, check_rows
from .linalg_eigen import LinalgEighBackward0
from .linalg_qr import linalg_qr
from .linalg_solve import inv_ex
from .linalg_svd import linalg_svd, svd_arrays, svdvals, svdvals_array
from .norm import linalg_norm
from .random import randn

if TYPE_CHECKING:
    from .._tensor import Tensor

INF: Final = float("inf")
DRIVERS: Final = ("gels", "gelsy", "gelsd", "gelss")


class LinalgPinvBackward0(General):
    """Pseudo-inverse P of A, from the singular values above the tolerance.

    dP = -P dA P + P P^H dA^H (1 - A P) + (1 - P A) dA^H P^H P.
    """

    def __init__(self, atol: Any, rtol: Any, hermitian: bool) -> None:
        self.atol: Any = atol
        self.rtol: Any = rtol
        self.hermitian: bool = hermitian

    def forward(self, arrays: list[Any]) -> Any:
        a = arrays[0]
        if a.size == 0:
            return np.zeros((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)
        if self.hermitian:
            values, vectors = LinalgEighBackward0("L", True).forward([a])
            scaled = vectors * inverted_above(values, tolerance(np.abs(values), self.atol, self.rtol, a))[..., None, :]
            return scaled @ adjoint(vectors)
        u, s, vh = svd_arrays(a)
        factors = inverted_above(s, tolerance(s, self.atol, self.rtol, a))
        return (adjoint(vh) * factors[..., None, :]) @ adjoint(u)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [pinv_gradient(grad, self.tensor("result"), self.tensor("self"))]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        return [pinv_tangent(tangent, results[0], inputs[0])]

    def saves(self) -> list[str]:
        return ["result", "self"]


class LinalgLstsqBackward0(General):
    """Solution X of least length of the least squares problem A X = B: X = P B with the pseudo-inverse P of A.

    The squares R of the distances |B - A X| have the gradients -2 (B - A X) gR X^H for A, 2 (B - A X) gR for B.
    """

    def __init__(self, rcond: Any, driver: str, vector: bool) -> None:
        self.rcond: Any = rcond
        self.driver: str = driver
        self.vector: bool = vector

    def forward(self, arrays: list[Any]) -> Any:
        a = arrays[0]
        b = arrays[1][..., None] if self.vector else arrays[1]
        m, n = a.shape[-2:]
        nothing = np.empty(0, a.real.dtype)
        u, s, vh = svd_arrays(a)
        limit = tolerance(s, None, 0 if self.driver == "gels" else self.rcond, a)
        kept = s > limit
        x = adjoint(vh) @ (inverted_above(s, limit)[..., None] * (adjoint(u) @ b))
        # LAPACK leaves the solution in the upper rows of the right-hand side.
        room = np.zeros((*x.shape[:-2], x.shape[-1], max(m, n)), x.dtype).swapaxes(-1, -2)
        solution = room[..., :n, :]
        solution[...] = x
        residuals = nothing
        if m > n and self.driver != "gelsy" and (self.driver == "gels" or kept.all()):
            residuals = np.sum(np.abs(b - a @ x) ** 2, -2)
        rank = np.empty(0, np.int64) if self.driver == "gels" else np.sum(kept, -1, dtype=np.int64)
        values = s if self.driver in ("gelsd", "gelss") else nothing
        return [solution[..., 0] if self.vector else solution, residuals, rank, values]

    def opened(self, x: Tensor) -> Tensor:
        """Vectors as matrices with one column."""
        return x.unsqueeze(-1) if self.vector else x

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        of_x, of_r = grads[0], grads[1]
        a, given = self.tensor("self"), self.tensor("b")
        b = self.opened(given)
        of_a: Tensor | None = None
        of_b: Tensor | None = None
        if of_x is not None:
            of_x = self.opened(of_x)
            inverse = pinv(a)
            of_b = inverse.mH @ of_x
            of_a = pinv_gradient(of_x @ b.mH, inverse, a)
        if of_r is not None and of_r.array.size > 0:
            x = self.opened(self.tensor("solution"))
            slope = (b - a @ x) * (of_r.unsqueeze(-2) * 2)
            change = -(slope @ x.mH)
            of_a = change if of_a is None else of_a + change
            of_b = slope if of_b is None else of_b + slope
        if of_a is None or of_b is None:
            return [None, None]
        return [sum_to(of_a, a.shp), sum_to(of_b.squeeze(-1) if self.vector else of_b, given.shp)]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        of_a = tangents[0]
        of_b = None if tangents[1] is None else self.opened(tangents[1])
        a, b = inputs[0], self.opened(inputs[1])
        inverse = pinv(a)
        change = None if of_b is None else inverse @ of_b
        if of_a is not None:
            part = pinv_tangent(of_a, inverse, a) @ b
            change = part if change is None else change + part
        assert change is not None
        of_r: Tensor | None = None
        if results[1].array.size > 0:
            x = self.opened(results[0])
            right = of_b if of_a is None else -(of_a @ x) if of_b is None else of_b - of_a @ x
            assert right is not None
            product = (b - a @ x).conj() * right * 2
            of_r = (product.real if product.dt.category == COMPLEX else product).sum(-2)
        return [change.squeeze(-1) if self.vector else change, of_r, None, None]

    def input_names(self) -> list[str]:
        return ["self", "b"]

    def output_names(self) -> list[str]:
        return ["solution", "residuals", "rank", "singular_values"]

    def differentiable_outputs(self) -> list[bool]:
        return [True, True, False, False]

    def saves(self) -> list[str]:
        return ["b", "self", "solution"]


def pinv_gradient(grad: Tensor, p: Tensor, a: Tensor) -> Tensor:
    """-P^H G P^H + (1 - A P) G^H P P^H + P^H P G^H (1 - P A)."""
    turned, back = p.mH, grad.mH
    second = back @ p @ turned
    third = turned @ p @ back
    return -(turned @ grad @ turned) + (second - a @ (p @ second)) + (third - (third @ p) @ a)


def pinv_tangent(tangent: Tensor, p: Tensor, a: Tensor) -> Tensor:
    """Tangent of the pseudo-inverse P of A."""
    turned, back = p.mH, tangent.mH
    second = p @ turned @ back
    third = back @ turned @ p
    return -(p @ tangent @ p) + (second - (second @ a) @ p) + (third - p @ (a @ third))


def inverted_above(values: Any, limit: Any) -> Any:
    """1 / x for elements whose absolute value is above a limit, 0 for the others."""
    kept = np.abs(values) > limit
    return kept.astype(values.dtype) / np.where(kept, values, 1)


def tolerance(sizes: Any, atol: Any, rtol: Any, a: Any) -> Any:
    """Below what a singular value counts as zero, (..., 1): ``max(atol, rtol * largest)``.

    rtol is eps * max(m, n) unless it or a positive atol is given.
    """
    absolute, relative = array_of(atol), array_of(rtol)
    if relative is None:
        usual = np.finfo(a.dtype).eps * max(a.shape[-2:])
        relative = np.asarray(usual if absolute is None else np.where(absolute > 0, 0, usual))
    largest = np.max(sizes, -1, initial=0)
    limit = largest * relative
    if absolute is not None:
        limit = np.maximum(limit, absolute)
    return limit.astype(sizes.dtype)[..., None]


def array_of(value: Any) -> Any:
    """A tolerance, given as a number or a tensor; None stays."""
    if value is None:
        return None
    if isinstance(value, TensorBase):
        return np.asarray(value.array)
    if not isinstance(value, (int, float, np.generic)):
        raise TypeError(
            f"a tolerance of linalg.pinv or linalg.matrix_rank must be Tensor or float, not {type(value).__name__}"
        )
    return np.asarray(value)


def pinv(self: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    """Pseudo-inverse (Moore-Penrose inverse) of matrices.

    Args:
        self: (..., m, n).
        rcond: older name of rtol.
        hermitian: A is Hermitian; only its lower triangle is read.
        atol: singular values up to this count as zero.
        rtol: the same relative to the largest; eps max(m, n) when neither is given.

    Returns:
        New tensor (..., n, m).

    Gradient:
        That of Golub and Pereyra: right where the singular values that are cut off are zero and stay so.

    Variants: linalg out
    """
    if len(self.shp) < 2 or self.dt.category < FLOATING or self.dt is float16:
        kind = f"{self.dt.title}{{[{', '.join(str(n) for n in self.shp)}]}}"
        raise RuntimeError(
            f"linalg.pinv({kind}): expected a tensor with 2 or more dimensions of float, double, cfloat or cdouble types"
        )
    if hermitian:
        check_rows("linalg.eigh: ", self)
    return general(LinalgPinvBackward0(atol, rcond if rtol is None else rtol, hermitian), [self])


def pinverse(self: Tensor, rcond: float = 1e-15) -> Tensor:
    """Pseudo-inverse of matrices; ``linalg.pinv`` with rtol = rcond.

    Variants: function method
    """
    return pinv(self, rcond)


def matrix_rank(
    self: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Tensor:
    """Number of singular values above a tolerance; int64.

    Args:
        self: (..., m, n).
        tol: older name of atol, without a relative tolerance.
        hermitian: A is Hermitian; only its lower triangle is read.
        atol: singular values up to this count as zero.
        rtol: the same relative to the largest; eps max(m, n) when neither is given.

    Variants: linalg out
    """
    check_dims("torch.linalg.matrix_rank", self, "input")
    check_wide(self)
    if hermitian:
        check_rows("linalg.eigh: ", self)
    a = self.array
    if a.size == 0:
        return make(np.zeros(self.shp[:-2], np.int64))
    sizes = np.abs(LinalgEighBackward0("L", False).forward([a])[0]) if hermitian else svdvals_array(a)
    limit = tolerance(sizes, atol, rtol, a) if tol is None else tolerance(sizes, tol, 0, a)
    return make(np.sum(sizes > limit, -1, dtype=np.int64))


def check_wide(x: TensorBase) -> None:
    """PyTorch's message for other dtypes."""
    if x.dt.category < FLOATING or x.dt is float16:
        raise RuntimeError("This function doesn't handle types other than float and double")


def cond(self: Tensor, p: Any = None) -> Tensor:
    """Condition number ``norm(A) norm(A^-1)``; infinite for singular matrices.

    Args:
        self: (..., n, n); for the orders None, 2 and -2 also (..., m, n).
        p: order of the norm, as for ``linalg.matrix_norm``; None for 2.

    Variants: linalg out
    """
    if len(self.shp) < 2:
        raise RuntimeError("linalg.cond: The input tensor must have at least 2 dimensions.")
    order = 2 if p is None else p
    if order not in (2, -2, 1, -1, INF, -INF, "fro", "nuc"):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p}")
    if order not in (2, -2):
        check_rows(f"linalg.cond(ord={order}): ", self)
    if self.array.size == 0:
        return make(np.zeros(self.shp[:-2], self.dt.to_real().np))
    if order in (2, -2):
        values = svdvals(self)
        first, last = values[..., :1], values[..., -1:]
        return (first / last if order == 2 else last / first).squeeze(-1)
    inverse, info = inv_ex(self)
    inverse = inverse.masked_fill(make(np.asarray(info.array)[..., None, None] > 0), INF)
    found = linalg_norm(self, order, (-2, -1)) * linalg_norm(inverse, order, (-2, -1))
    return found if order == "nuc" else found.nan_to_num(INF, INF, INF)


def lstsq(self: Tensor, b: Tensor, rcond: Any = None, *, driver: Any = None) -> Any:
    """Solution of ``min |A X - B|`` by the singular values of A; the shortest one where there are several.

    Args:
        self: (..., m, n).
        b: (..., m, k), or vectors (..., m).
        rcond: singular values up to this times the largest count as zero; eps max(m, n) when None.
        driver: which results besides the solution: ``"gelsy"`` (None): the rank; ``"gelsd"``, ``"gelss"``: also singular values,
            and residuals (sums of squares) for m > n and full rank; ``"gels"``: residuals, and rank is taken to be full.

    Returns:
        Named tuple ``(solution, residuals, rank, singular_values)``; what is not computed is empty.

    Gradient:
        Through the pseudo-inverse of A.

    Variants: linalg
    """
    name = "torch.linalg.lstsq"
    if len(self.shp) < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if len(b.shp) < 1:
        raise RuntimeError(f"{name}: other must have at least 1 dimension.")
    check_wide(self)
    if self.dt is not b.dt:
        raise RuntimeError(
            f"{name}: Expected input and other to have the same dtype, but got input's dtype {self.dt.title} and other's dtype "
            f"{b.dt.title}"
        )
    missing = len(self.shp) - len(b.shp)
    if not 0 <= missing <= 1:
        raise RuntimeError(
            f"{name}: input.dim() must be greater or equal to other.dim() and (input.dim() - other.dim()) <= 1"
        )
    chosen = "gelsy" if driver is None else driver
    if chosen not in DRIVERS:
        raise RuntimeError(f"{name}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    rows = 2 - missing
    if self.shp[-2] != b.shp[-rows]:
        raise RuntimeError(f"{name}: input.size(-2) should match other.size(-{rows})")
    broadcast_size(self.shp[:-2], b.shp[:-rows], name)
    return return_types.linalg_lstsq(general_many(LinalgLstsqBackward0(rcond, chosen, missing == 1), [self, b]))


def approximate_basis(a: Tensor, q: int, niter: int, shift: Tensor | None) -> Tensor:
    """Orthonormal columns that nearly span the range of a (less ``shift``): random products and subspace iteration."""
    turned = a.mH
    start = randn(a.shp[-1], q, dtype=a.dt)
    product = a @ start
    if shift is not None:
        product = product - shift @ start
    basis: Tensor = linalg_qr(product)[0]
    for _ in range(niter):
        product = turned @ basis
        if shift is not None:
            product = product - shift.mH @ basis
        other: Tensor = linalg_qr(product)[0]
        product = a @ other
        if shift is not None:
            product = product - shift @ other
        basis = linalg_qr(product)[0]
    return basis


def check_matrix(name: str, x: TensorBase) -> None:
    """PyTorch fails here by accident, with this exception."""
    if len(x.shp) < 2:
        raise ValueError(f"{name}: A must have at least 2 dimensions, but its shape is {errors.shape_text(x.shp)}")


def svd_lowrank(A: Tensor, q: Any = 6, niter: Any = 2, M: Any = None) -> Any:
    """Approximate singular value decomposition with q singular values, by random projections.

    Args:
        A: (..., m, n).
        q: number of singular values; cut to min(m, n).
        niter: rounds of subspace iteration.
        M: subtracted from A, broadcast.

    Returns:
        Tuple ``(U, S, V)`` with ``A - M`` close to ``U diag(S) V^H``.

    Variants: function
    """
    check_matrix("svd_lowrank", A)
    k = min(6 if q is None else q, *A.shp[-2:])
    shift = None if M is None else M.expand(A.shp)
    if A.shp[-2] < A.shp[-1]:
        v, s, u = tall_lowrank(A.mH, k, niter, None if shift is None else shift.mH)
        return u, s, v
    return tall_lowrank(A, k, niter, shift)


def tall_lowrank(a: Tensor, q: int, niter: int, shift: Tensor | None) -> Any:
    """The same for at least as many rows as columns."""
    basis = approximate_basis(a, q, niter, shift)
    inner = basis.mH @ a
    if shift is not None:
        inner = inner - basis.mH @ shift
    u, s, vh = linalg_svd(inner, False)
    return basis @ u, s, vh.mH


def pca_lowrank(A: Tensor, q: Any = None, center: bool = True, niter: Any = 2) -> Any:
    """Principal components: ``svd_lowrank`` of the matrix less the means of its columns.

    Args:
        A: (..., m, n).
        q: number of components; min(6, m, n) when None.
        center: subtract the means.
        niter: rounds of subspace iteration.

    Returns:
        Tuple ``(U, S, V)``; the columns of V are the components.

    Variants: function
    """
    check_matrix("pca_lowrank", A)
    m, n = A.shp[-2:]
    count = min(6, m, n) if q is None else q
    if not 0 <= count <= min(m, n):
        raise ValueError(f"q(={count}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, count, niter)
