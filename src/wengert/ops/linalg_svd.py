"""Singular values.

Derivatives: J. Townsend, "Differentiating the singular value decomposition" (2016); the complex case as in Z.-Q. Wan and
S.-X. Zhang, "Automatic differentiation for complex valued SVD" (2019).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import return_types
from .._core.dtypes import COMPLEX
from .._core.dynamic import LinAlgError
from .._core.tensor_base import TensorBase, requires_grad
from .._record.common import make, untracked
from .._record.general import General, general_many
from .._record.selection import deliver
from ..kernels.blas import threads_for
from .linalg_arrays import empty_by_columns, fill
from .linalg_checks import check_dims, check_floating, check_phase

if TYPE_CHECKING:
    from .._tensor import Tensor

PHASE = (
    "singular vectors in the complex case are specified up to multiplication by e^{i phi}. The specified loss function depends "
    "on this phase term, making it ill-defined."
)


class LinalgSvdBackward0(General):
    """Singular value decomposition A = U diag(S) V^H.

    With P = U^H dA V and E_ij = S_j^2 - S_i^2: dS = Re diag(P), U^H dU = (P S + S P^H) / E, V^H dV = (S P + P^H S) / E; what
    dA moves out of the spans of U and V is divided by S. Equal singular values divide by zero, and so does S = 0 unless A is
    square and real: NaN, unless only S is differentiated.
    """

    def __init__(self, full: bool, k: int, vectors: bool = True) -> None:
        self.full: bool = full
        self.k: int = k
        self.vectors: bool = vectors

    def forward(self, arrays: list[Any]) -> Any:
        a = arrays[0]
        if not self.vectors:
            return [np.empty(0, a.dtype), svdvals_array(a), np.empty(0, a.dtype)]
        batch, (m, n) = a.shape[:-2], a.shape[-2:]
        u = empty_by_columns(batch, m, m if self.full else self.k, a.dtype)
        vh = empty_by_columns(batch, n if self.full else self.k, n, a.dtype)
        try:
            return fill([u, np.empty((*batch, self.k), a.real.dtype), vh], partial(factors, self.full), a)
        except np.linalg.LinAlgError:
            raise no_convergence(a) from None

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        of_u, of_s, of_vh = grads
        u, s, vh = self.thin(self.tensor("U"), self.tensor("S"), self.tensor("Vh"))
        if of_u is None and of_vh is None:
            assert of_s is not None
            return [(u * of_s.unsqueeze(-2)) @ vh]
        if of_u is not None:
            of_u = of_u[..., : self.k]
        of_v = None if of_vh is None else of_vh[..., : self.k, :].mH
        inner = self.inner_gradient(of_u, of_s, of_v, u, s, vh)
        found = u @ inner @ vh
        if of_u is not None and u.shp[-2] > self.k:
            outer = of_u / s.unsqueeze(-2)
            found = found + (outer - u @ (u.mH @ outer)) @ vh
        if of_v is not None and vh.shp[-1] > self.k:
            outer = (of_v / s.unsqueeze(-2)).mH
            found = found + u @ (outer - (outer @ vh.mH) @ vh)
        return [found]

    def inner_gradient(self, of_u: Any, of_s: Any, of_v: Any, u: Tensor, s: Tensor, vh: Tensor) -> Tensor:
        """Gradient for P = U^H dA V."""
        row, column = s.unsqueeze(-2), s.unsqueeze(-1)
        gaps = gaps_of(s * s)
        total: Any = None
        turns: Any = None
        if of_u is not None:
            left = u.mH @ of_u
            total = off_diagonal((left - left.mH) / gaps) * row
            turns = diagonal_of(left)
        if of_v is not None:
            right = vh @ of_v
            part = column * off_diagonal((right - right.mH) / gaps)
            total = part if total is None else total + part
            turns = -diagonal_of(right) if turns is None else turns - diagonal_of(right)
        if of_s is not None:
            total = total + of_s.diag_embed()
        if u.dt.category == COMPLEX:
            check_phase("svd_backward", phases(of_u, of_v, u, vh), PHASE)
            total = total + (turns.imag / (2 * s) * 1j).diag_embed()
        found: Tensor = total
        return found

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        if not self.vectors:
            u, _, vh = general_many(LinalgSvdBackward0(False, self.k), [inputs[0]])
            found = diagonal_of(u.mH @ tangent @ vh.mH)
            return [None, found.real if found.dt.category == COMPLEX else found, None]
        if self.full and inputs[0].shp[-2] != inputs[0].shp[-1]:
            raise NotImplementedError(
                "the tangents of the additional singular vectors of full_matrices=True do not exist; use full_matrices=False"
            )
        u, s, vh = results
        inner = u.mH @ tangent @ vh.mH
        turned = inner.mH
        gaps = gaps_of(s * s)
        row, column = s.unsqueeze(-2), s.unsqueeze(-1)
        of_s = diagonal_of(inner)
        turn_u = off_diagonal((inner * row + column * turned) / gaps)
        turn_v = off_diagonal((column * inner + turned * row) / gaps)
        if u.dt.category == COMPLEX:
            phase = (of_s.imag / (2 * s) * 1j).diag_embed()
            turn_u, turn_v = turn_u + phase, turn_v - phase
            of_s = of_s.real
        of_u, of_vh = u @ turn_u, turn_v.mH @ vh
        if u.shp[-2] > self.k:
            moved = tangent @ vh.mH / row
            of_u = of_u + moved - u @ (u.mH @ moved)
        if vh.shp[-1] > self.k:
            moved = u.mH @ tangent / column
            of_vh = of_vh + moved - (moved @ vh.mH) @ vh
        return [of_u, of_s, of_vh]

    def thin(self, u: Tensor, s: Tensor, vh: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Without the additional vectors of ``full_matrices``."""
        if not self.full:
            return u, s, vh
        return u[..., : self.k], s, vh[..., : self.k, :]

    def input_names(self) -> list[str]:
        return ["A"]

    def output_names(self) -> list[str]:
        return ["U", "S", "Vh"]

    def saves(self) -> list[str]:
        return ["S", "U", "Vh"]

    def parameters(self) -> dict[str, Any]:
        return {"S_sym_argsize_minus_1": self.k, "full_matrices": self.full}


def factors(full: bool, a: Any) -> list[Any]:
    """U, S and V^H of some matrices."""
    return decomposed(a, partial(np.linalg.svd, full_matrices=full))


def values_alone(a: Any) -> list[Any]:
    """S of some matrices."""
    return decomposed(a, lambda finite: [np.linalg.svd(finite, compute_uv=False)])


def decomposed(a: Any, routine: Any) -> list[Any]:
    """What a routine returns for finite matrices, NaN for those with infinities: with these LAPACK may never return.

    Raises:
        np.linalg.LinAlgError: for NaN.
    """
    finite = np.isfinite(a).all((-2, -1))
    if finite.all():
        return list(routine(a))
    if np.isnan(a).any():
        raise np.linalg.LinAlgError
    found = list(routine(np.where(finite[..., None, None], a, 0)))
    for result in found:
        result[~finite] = np.nan
    return found


def svd_arrays(a: Any) -> tuple[Any, Any, Any]:
    """U, S and V^H as arrays."""
    try:
        with threads_for(a):
            u, s, vh = factors(False, a)
    except np.linalg.LinAlgError:
        raise no_convergence(a) from None
    return u, s, vh


def svdvals_array(a: Any) -> Any:
    """S alone."""
    try:
        return fill([np.empty((*a.shape[:-2], min(a.shape[-2:])), a.real.dtype)], values_alone, a)[0]
    except np.linalg.LinAlgError:
        raise no_convergence(a) from None


def is_recorded(x: TensorBase) -> bool:
    """Whether a derivative, which needs the vectors, may follow."""
    return requires_grad(x) and not untracked(x)


def gaps_of(values: Tensor) -> Tensor:
    """``values[j] - values[i]`` for rows i and columns j, 1 on the diagonal."""
    gaps = values.unsqueeze(-2) - values.unsqueeze(-1)
    return gaps.masked_fill(make(np.eye(values.shp[-1], dtype=bool)), 1)


def off_diagonal(x: Tensor) -> Tensor:
    """Square matrices with zeros on the diagonal."""
    return x.masked_fill(make(np.eye(x.shp[-1], dtype=bool)), 0)


def phases(of_u: Any, of_v: Any, u: Tensor, vh: Tensor) -> Any:
    """How the loss changes with the phases of pairs of singular vectors: the imaginary part of this array."""
    total: Any = 0
    if of_u is not None:
        total = np.sum(u.array.conj() * of_u.array, -2)
    if of_v is not None:
        total = total + np.sum(vh.array * of_v.array.swapaxes(-1, -2), -1)
    return total


def diagonal_of(x: Tensor) -> Tensor:
    """Diagonals of matrices."""
    return x.diagonal(0, -2, -1)


def no_convergence(a: Any) -> LinAlgError:
    """The error for matrices for which the iteration did not end."""
    finite = np.isfinite(a).all((-2, -1))
    if finite.all():
        return LinAlgError(
            "linalg.svd: The algorithm failed to converge because the input matrix is ill-conditioned or has too many repeated "
            "singular values."
        )
    first = "" if finite.ndim == 0 else f"(Batch element {int(np.flatnonzero(~finite)[0])}): "
    return LinAlgError(
        f"linalg.svd: {first}The algorithm failed to converge because the input matrix contained non-finite values."
    )


def decompose(a: Tensor, full: bool, vectors: bool = True) -> list[Tensor]:
    """Check and run."""
    check_dims("linalg.svd", a)
    check_floating("linalg.svd", a)
    return general_many(LinalgSvdBackward0(full, min(a.shp[-2:]), vectors), [a])


def check_driver(driver: Any) -> None:
    """Drivers are choices among routines for graphics cards."""
    if driver is not None:
        raise RuntimeError(
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend."
        )


def linalg_svd(A: Tensor, full_matrices: bool = True, *, driver: Any = None, out: Any = None) -> Any:
    """Singular value decomposition ``A = U diag(S) Vh``.

    Args:
        A: (..., m, n).
        full_matrices: square U and Vh; else they have k = min(m, n) columns and rows.
        driver: must be None.

    Returns:
        Named tuple ``(U, S, Vh)``; S (..., k) is real and descending. Signs (phases) of the vectors are arbitrary.

    Gradient:
        Defined when the singular values are distinct, and not zero where A is not square; that of S alone always. The
        additional vectors of ``full_matrices`` have none.

    Raises:
        LinAlgError: when the iteration does not converge, as for NaN.
        RuntimeError: in backward, when a complex loss depends on the phases.

    Variants: linalg
    Name: svd
    """
    check_driver(driver)
    return return_types.linalg_svd(deliver("linalg_svd", out, decompose(A, full_matrices)))


def svdvals(A: Tensor, *, driver: Any = None) -> Tensor:
    """Singular values of matrices (..., m, n), descending.

    Gradient:
        ``U diag(G) V^H``; where values are equal or zero it is one of several subgradients.

    Variants: linalg out
    """
    check_driver(driver)
    return decompose(A, False, is_recorded(A))[1]


def svd(self: Tensor, some: bool = True, compute_uv: bool = True, *, out: Any = None) -> Any:
    """Singular value decomposition ``U diag(S) V^H``; ``linalg.svd`` gives V^H instead of V.

    Args:
        self: (..., m, n).
        some: k = min(m, n) columns in U and V; else square ones.
        compute_uv: False for zeros in place of U and V.

    Returns:
        Named tuple ``(U, S, V)``.

    Variants: function method
    """
    if len(self.shp) < 2:
        raise RuntimeError(
            f"linalg.svd: input should have at least 2 dimensions, but has {len(self.shp)} dimensions instead"
        )
    u, s, vh = decompose(self, compute_uv and not some, compute_uv or is_recorded(self))
    if compute_uv:
        return return_types.svd(deliver("svd", out, [u, s, vh.mH]))
    m, n = self.shp[-2:]
    empty_u = make(np.zeros((*self.shp[:-2], m, m), self.dt.np))
    empty_v = make(np.zeros((*self.shp[:-2], n, n), self.dt.np).swapaxes(-1, -2))
    return return_types.svd(deliver("svd", out, [empty_u, s, empty_v]))
