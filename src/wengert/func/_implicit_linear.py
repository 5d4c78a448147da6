"""Linear systems with the Jacobian of a recorded function: dense for few unknowns, else by products alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from .._core.dynamic import LinAlgError
from .._core.tensor_base import detached
from .._record.common import make
from ._implicit_graph import Recording, as_array, jacobian
from ._implicit_modes import outside_of_transforms, unrecorded
from ._sparse import sparse_jacobian

DENSE_SIZE: Final = 100
KRYLOV: Final = ("gmres", "bicgstab", "cg")

SINGULAR: Final = (
    "implicit differentiation: the Jacobian at the solution is singular{}: the solution is not isolated, or does not depend "
    "smoothly on the parameters\n  try: as many independent equations as unknowns; another solution; float64"
)

LinearSolver = Callable[[Any, Any], Any]
"""``solver(operator, b)`` with a ``scipy.sparse.linalg.LinearOperator`` and an array gives an array."""


class ConvergenceError(RuntimeError):
    """A solver ended without a solution that is good enough to be differentiated."""


class LinearOptions(NamedTuple):
    """How linear systems are solved.

    Attributes:
        solver: ``"dense"``, ``"sparse"``, a method of ``scipy.sparse.linalg``, a ``LinearSolver``; None chooses by size.
        tol: largest residual, relative to the right-hand side; None chooses by dtype.
        maxiter: most products of a Krylov method.
        definite: whether the Jacobian is symmetric and positive definite, or ought to be.
    """

    solver: str | LinearSolver | None = None
    tol: float | None = None
    maxiter: int = 1000
    definite: bool = False

    def checked(self) -> LinearOptions:
        """These options.

        Raises:
            ValueError: when there is no such solver.
        """
        if isinstance(self.solver, str) and self.solver not in ("dense", "sparse", *KRYLOV):
            known = ", ".join(map(repr, ("dense", "sparse", *KRYLOV)))
            raise ValueError(f"linear_solver must be {known} or a function, got {self.solver!r}")
        return self


class Inverse:
    """The inverse of the Jacobian of a recorded function.

    What has been factored is kept, so any number of systems costs one factorisation.
    """

    def __init__(self, recording: Recording, options: LinearOptions) -> None:
        self.recording = recording
        self.options = options
        self.size = int(recording.output.shp.numel())
        self.np_dtype = recording.output.dt.np
        self._factors: Any = None
        chosen = options.solver
        if chosen is None:
            chosen = "dense" if self.size <= DENSE_SIZE else "cg" if options.definite else "gmres"
        self.solver = chosen

    def solve(self, b: Any, transposed: bool = False) -> Any:
        """The solution of ``A x = b``, or of ``A^T x = b``, as a constant tensor of the same dtype.

        Raises:
            LinAlgError: when the Jacobian is singular.
            ConvergenceError: when an iterative method does not get there.
        """
        right = np.asarray(b.array, np.float64).reshape(self.size)
        method = {"dense": self._dense, "sparse": self._sparse}.get(str(self.solver), self._iterated)
        found = unrecorded(method, right, transposed)
        return make(found.astype(self.np_dtype))

    def product(self, v: Any, transposed: bool = False) -> Any:
        """``A v`` or ``A^T v`` for arrays of float64."""
        vector = make(np.ascontiguousarray(v, dtype=self.np_dtype).reshape(self.size))
        found = self.recording.pull(vector) if transposed else self.recording.push(vector)
        return np.zeros(self.size) if found is None else as_array(found)

    def _dense(self, b: Any, transposed: bool) -> Any:
        from scipy.linalg import lapack

        if self._factors is None:
            matrix = jacobian(self.recording, self.size)
            if not np.isfinite(matrix).all():
                raise LinAlgError(
                    "implicit differentiation: the Jacobian at the solution has entries that are not finite"
                )
            self._factors = _cholesky(matrix, self.np_dtype) if self.options.definite else _lu(matrix, self.np_dtype)
        if self.size == 0:
            return b
        if self.options.definite:
            return lapack.dpotrs(self._factors, b)[0]
        return lapack.dgetrs(*self._factors, b, trans=int(transposed))[0]

    def _sparse(self, b: Any, transposed: bool) -> Any:
        from scipy.sparse import linalg

        if self._factors is None:
            matrix = outside_of_transforms(sparse_jacobian(self.recording.function), detached(self.recording.argument))
            try:
                self._factors = linalg.splu(matrix.astype(np.float64).tocsc())
            except RuntimeError as error:  # "Factor is exactly singular"
                raise LinAlgError(SINGULAR.format("")) from error
        found = self._factors.solve(b, "T" if transposed else "N")
        if not np.isfinite(found).all():
            raise LinAlgError(SINGULAR.format(""))
        return found

    def _iterated(self, b: Any, transposed: bool) -> Any:
        from scipy.sparse.linalg import LinearOperator

        norm = float(np.linalg.norm(b))
        if norm == 0:
            return np.zeros(self.size)
        products = 0

        def multiply(v: Any, flip: bool = False) -> Any:
            nonlocal products
            products += 1
            return self.product(v, transposed is not flip)

        operator = LinearOperator(
            (self.size, self.size), matvec=multiply, rmatvec=lambda v: multiply(v, True), dtype=np.float64
        )
        tol = self.options.tol or (1e-10 if self.np_dtype == np.float64 else 1e-5)
        solver = self.solver
        found = (
            _krylov(solver, operator, b, tol, self.options.maxiter) if isinstance(solver, str) else solver(operator, b)
        )
        found = np.asarray(found, np.float64).reshape(self.size)
        residual = float(np.linalg.norm(multiply(found) - b)) / norm
        if not residual <= 10 * tol:
            raise ConvergenceError(
                f"implicit differentiation: {_name(solver)} did not solve the linear system with the Jacobian: relative residual "
                f"{residual:.1e} after {products - 1} products, wanted {tol:.1e}\n"
                "  the Jacobian at the solution is singular or badly conditioned, or more steps are needed\n"
                '  try: linear_maxiter=, another linear_solver ("dense", or a function with a preconditioner), linear_tol='
            )
        return found


def _name(solver: Any) -> str:
    return solver if isinstance(solver, str) else str(getattr(solver, "__name__", "linear_solver"))


def _krylov(method: str, operator: Any, b: Any, tol: float, maxiter: int) -> Any:
    """The best solution that a method of SciPy finds; whether it is good enough is for the caller to see."""
    from scipy.sparse import linalg

    if method == "gmres":
        restart = min(b.size, 50)
        return linalg.gmres(operator, b, rtol=tol, atol=0.0, restart=restart, maxiter=-(-maxiter // restart))[0]
    return getattr(linalg, method)(operator, b, rtol=tol, atol=0.0, maxiter=maxiter)[0]


def _lu(matrix: Any, np_dtype: Any) -> Any:
    """LU factors in LAPACK's form."""
    from scipy.linalg import lapack

    if matrix.size == 0:
        return matrix, np.zeros(0, np.int32)
    factors, pivots, _ = lapack.dgetrf(matrix)
    rcond, _ = lapack.dgecon(factors, np.abs(matrix).sum(0).max())
    _check_condition(rcond, len(matrix), np_dtype)
    return factors, pivots


def _cholesky(matrix: Any, np_dtype: Any) -> Any:
    """The Cholesky factor in LAPACK's form."""
    from scipy.linalg import lapack

    if matrix.size == 0:
        return matrix
    symmetric = (matrix + matrix.T) / 2
    factor, info = lapack.dpotrf(symmetric)
    if info > 0:
        smallest = float(np.linalg.eigvalsh(symmetric)[0])
        raise LinAlgError(
            "implicit differentiation: the Hessian at the solution is not positive definite (smallest eigenvalue "
            f"{smallest:.1e}): it is no isolated minimum and has no derivative\n"
            "  try: a term that makes the minimum unique (regularisation), another starting point, more accuracy (tol=)"
        )
    rcond, _ = lapack.dpocon(factor, np.abs(symmetric).sum(0).max())
    _check_condition(rcond, len(matrix), np_dtype)
    return factor


def _check_condition(rcond: float, size: int, np_dtype: Any) -> None:
    if not rcond > size * np.finfo(np_dtype).eps:
        raise LinAlgError(SINGULAR.format(f" (reciprocal condition number {rcond:.1e})"))
