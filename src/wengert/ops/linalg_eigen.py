"""Eigenvalues and eigenvectors.

Derivatives: M. Giles, "An extended collection of matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), section 3.1; vectors of length one as in C. Boeddeker et al., "On the computation of complex-valued
gradients with application to statistically optimum beamforming" (2017), section 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors, return_types
from .._core.dtypes import COMPLEX, FLOATING, float16
from .._core.dynamic import LinAlgError
from .._core.modes import MODES
from .._record import forward
from .._record.general import General, general_many
from .._record.selection import deliver
from ..kernels.blas import threads_for
from .linalg_arrays import by_columns, empty_by_columns, fill
from .linalg_checks import check_phase, check_square
from .linalg_solve import solve
from .linalg_svd import diagonal_of, gaps_of, is_recorded, off_diagonal

if TYPE_CHECKING:
    from .._tensor import Tensor

PHASE = (
    "eigenvectors in the complex case are specified up to multiplication by e^{i phi}. The specified loss function depends on "
    "this quantity, so it is ill-defined."
)


class LinalgEighBackward0(General):
    """Eigenvalues L and orthonormal eigenvectors V of a Hermitian matrix.

    With P = V^H dA V and E_ij = L_j - L_i: dL = diag(P), V^H dV = P / E off the diagonal. So gA is the Hermitian part of
    V (diag(gL) + (V^H gV) / E) V^H. Equal eigenvalues divide by zero, unless only L is differentiated.
    """

    def __init__(self, uplo: Any, vectors: bool) -> None:
        self.uplo: Any = uplo
        self.vectors: bool = vectors

    def forward(self, arrays: list[Any]) -> Any:
        a = arrays[0]
        batch, n = a.shape[:-2], a.shape[-1]
        values = np.empty((*batch, n), a.real.dtype)
        try:
            if not self.vectors:
                return [*fill([values], self.alone, a), np.empty(0, a.dtype)]
            return fill([values, empty_by_columns(batch, n, n, a.dtype)], self.both, a)
        except np.linalg.LinAlgError:
            raise not_converged("linalg.eigh") from None

    def alone(self, a: Any) -> list[Any]:
        """Eigenvalues of some matrices."""
        return [np.linalg.eigvalsh(a, self.uplo)]

    def both(self, a: Any) -> list[Any]:
        """Eigenvalues and eigenvectors of some matrices."""
        return list(np.linalg.eigh(a, self.uplo))

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        of_values, of_vectors = grads
        values, v = self.tensor("eigenvalues"), self.tensor("eigenvectors")
        if of_vectors is None:
            assert of_values is not None
            return [(v * of_values.unsqueeze(-2)) @ v.mH]
        inner = v.mH @ of_vectors
        check_phase("linalg_eigh_backward", diagonal_of(inner).array, PHASE)
        inner = off_diagonal(inner / gaps_of(values))
        inner = (inner + inner.mH) * 0.5
        if of_values is not None:
            inner = inner + of_values.diag_embed()
        return [v @ inner @ v.mH]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        values, v = results if self.vectors else general_many(LinalgEighBackward0(self.uplo, True), [inputs[0]])
        inner = v.mH @ ((tangent + tangent.mH) * 0.5) @ v
        of_values = diagonal_of(inner)
        if inner.dt.category == COMPLEX:
            of_values = of_values.real
        if not self.vectors:
            return [of_values, None]
        return [of_values, v @ off_diagonal(inner / gaps_of(values))]

    def input_names(self) -> list[str]:
        return ["A"]

    def output_names(self) -> list[str]:
        return ["eigenvalues", "eigenvectors"]

    def saves(self) -> list[str]:
        return ["eigenvalues", "eigenvectors"]


class LinalgEigBackward0(General):
    """Eigenvalues L and eigenvectors V, of length one, of a matrix.

    With P = V^-1 dA V and E_ij = L_j - L_i: dL = diag(P), dV = V (P / E) less what changes the lengths. So
    gA = V^-H (diag(gL) + (V^H gV - V^H V diag(Re(V^H gV))) / conj(E)) V^H.
    """

    def __init__(self, vectors: bool) -> None:
        self.vectors: bool = vectors
        self.real: bool = False

    def forward(self, arrays: list[Any]) -> Any:
        a = arrays[0]
        self.real = a.dtype.kind == "f"
        wide = np.result_type(a.dtype, np.complex64)
        if not np.isfinite(a).all():
            raise RuntimeError("torch.linalg.eig: input tensor should not contain infs or NaNs.")
        try:
            with threads_for(a):
                if not self.vectors:
                    return [np.linalg.eigvals(a).astype(wide, copy=False), np.empty(0, wide)]
                values, vectors = np.linalg.eig(a)
        except np.linalg.LinAlgError:
            raise not_converged("linalg.eig") from None
        return [values.astype(wide, copy=False), by_columns(vectors.astype(wide, copy=False))]

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        of_values, of_vectors = grads
        values, v = self.tensor("eigenvalues"), self.tensor("eigenvectors")
        inner: Any = None
        if of_vectors is not None:
            inner = v.mH @ of_vectors
            diagonal = diagonal_of(inner)
            check_phase("linalg_eig_backward", diagonal.array, PHASE)
            inner = off_diagonal((inner - (v.mH @ v) * diagonal.real.unsqueeze(-2)) / gaps_of(values).conj())
        if of_values is not None:
            part = of_values.diag_embed()
            inner = part if inner is None else inner + part
        found = solve(v.mH, inner @ v.mH)
        return [found.real if self.real else found]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        values, v = results
        inner = solve(v, tangent.to(v.dt) @ v)
        change = v @ off_diagonal(inner / gaps_of(values))
        stretch = (v.conj() * change).real.sum(-2, keepdim=True)
        return [diagonal_of(inner), change - v * stretch]

    def input_names(self) -> list[str]:
        return ["A"]

    def output_names(self) -> list[str]:
        return ["eigenvalues", "eigenvectors"]

    def saves(self) -> list[str]:
        return ["eigenvalues", "eigenvectors"]


def not_converged(name: str) -> LinAlgError:
    """The error for matrices for which the iteration did not end."""
    return LinAlgError(
        f"{name}: The algorithm failed to converge because the input matrix is ill-conditioned or has too many repeated "
        "eigenvalues."
    )


def hermitian(a: Tensor, uplo: Any, vectors: bool) -> list[Tensor]:
    """Check and run."""
    if not isinstance(uplo, str):
        raise errors.argument_type("linalg_eigh", "UPLO", 2, "str", uplo)
    check_square("linalg.eigh", a)
    if uplo.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {uplo}")
    if a.dt.category < FLOATING or a.dt is float16:
        raise errors.not_implemented("linalg_eigh_cpu", a.dt)
    return general_many(LinalgEighBackward0(uplo.upper(), vectors), [a])


def eigh(self: Tensor, UPLO: Any = "L", *, out: Any = None) -> Any:
    """Eigenvalues, ascending, and orthonormal eigenvectors of symmetric (Hermitian) matrices.

    Args:
        self: (..., n, n); only one triangle is read.
        UPLO: ``"L"`` for the lower, ``"U"`` for the upper triangle.

    Returns:
        Named tuple ``(eigenvalues, eigenvectors)``; vectors are columns, their signs (phases) arbitrary.

    Gradient:
        Hermitian; of the vectors only where the eigenvalues are distinct, else NaN or infinite.

    Raises:
        LinAlgError: when the iteration does not converge.
        RuntimeError: in backward, when a complex loss depends on the phases.

    Variants: linalg
    """
    return return_types.linalg_eigh(deliver("linalg_eigh", out, hermitian(self, UPLO, True)))


def eigvalsh(self: Tensor, UPLO: Any = "L") -> Tensor:
    """Eigenvalues of symmetric (Hermitian) matrices, ascending.

    Gradient:
        ``V diag(G) V^H``, also where eigenvalues are equal.

    Variants: linalg out
    """
    return hermitian(self, UPLO, is_recorded(self))[0]


def general_eigen(name: str, a: Tensor, vectors: bool) -> list[Tensor]:
    """Check and run."""
    if a.dt.category < FLOATING:
        raise RuntimeError(
            errors.with_hints(f"Unknown Complex ScalarType for {a.dt.title}", f"{name}; try: x.float() first")
        )
    check_square(name, a)
    if a.dt is float16:
        raise errors.not_implemented("linalg_eig_out_cpu", a.dt)
    return general_many(LinalgEigBackward0(vectors), [a])


def eig(self: Tensor, *, out: Any = None) -> Any:
    """Eigenvalues and eigenvectors of square matrices; complex.

    Args:
        self: (..., n, n).

    Returns:
        Named tuple ``(eigenvalues, eigenvectors)``, in no special order; the vectors are columns of length one, their phases
        arbitrary.

    Gradient:
        Defined where the eigenvalues are distinct; real for a real A.

    Raises:
        RuntimeError: for infinities and NaN; in backward, when the loss depends on the phases.

    Variants: linalg
    """
    return return_types.linalg_eig(deliver("linalg_eig", out, general_eigen("linalg.eig", self, True)))


def eigvals(self: Tensor) -> Tensor:
    """Eigenvalues of square matrices; complex, in no special order.

    Gradient:
        Defined where the matrix has a basis of eigenvectors.

    Variants: linalg out
    """
    # With the vectors the routine finds large matrices' eigenvalues in another order: a tangent needs those of one call.
    vectors = is_recorded(self) or (MODES.dual_level >= 0 and forward.tangent_of(self) is not None)
    return general_eigen("linalg.eigvals", self, vectors)[0]
