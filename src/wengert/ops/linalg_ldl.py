"""Factors A = L D L^T of symmetric (L D L^H of Hermitian) matrices, which need not be positive-definite. Without gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors, return_types
from .._core.dtypes import COMPLEX, INTEGER
from .._core.tensor_base import TensorBase
from .._record.common import broadcast_size, make
from .._record.selection import deliver
from .linalg_arrays import by_columns, lapack, product
from .linalg_checks import check_floating, check_rows, check_square, failed
from .power import refuse_derivatives

if TYPE_CHECKING:
    from .._tensor import Tensor


def factors(a: TensorBase, hermitian: bool) -> list[Tensor]:
    """LD, pivots and info by LAPACK's sytrf or hetrf, one matrix after the other."""
    check_square("torch.linalg.ldl_factor_ex", a)
    check_floating("torch.linalg.ldl_factor_ex", a)
    array = np.asarray(a.array)
    n = array.shape[-1]
    count = product(array.shape[:-2])
    packed = np.empty((count, n, n), array.dtype)
    pivots = np.zeros((count, n), np.int32)
    info = np.zeros(count, np.int32)
    routine = lapack("hetrf" if hermitian and a.dt.category == COMPLEX else "sytrf", array.dtype)
    for i in range(count if n > 0 else 0):
        packed[i], pivots[i], info[i] = routine(array.reshape(count, n, n)[i], lower=1)
    found = by_columns(np.tril(packed).reshape(array.shape))
    return [make(found), make(pivots.reshape(array.shape[:-1])), make(info.reshape(array.shape[:-2]))]


def ldl_factor(self: Tensor, *, hermitian: bool = False, out: Any = None) -> Any:
    """Factors of ``A = L D L^T`` (``L D L^H``) as LAPACK packs them.

    Args:
        self: (..., n, n); only the lower triangle is read.
        hermitian: whether complex matrices are Hermitian instead of symmetric.

    Returns:
        Named tuple ``(LD, pivots)`` for ``linalg.ldl_solve``.

    Gradient:
        None.

    Variants: linalg
    """
    packed, pivots, info = factors(self, hermitian)
    check_info("torch.linalg.ldl_factor", info)
    refuse_derivatives(packed, [self], "linalg_ldl_factor_ex")
    return return_types.linalg_ldl_factor(deliver("linalg_ldl_factor", out, [packed, pivots]))


def ldl_factor_ex(self: Tensor, *, hermitian: bool = False, check_errors: bool = False, out: Any = None) -> Any:
    """Factors of ``A = L D L^T``, and for each matrix 0 or the number of the diagonal element of D that is zero.

    Returns:
        Named tuple ``(LD, pivots, info)``.

    Variants: linalg
    """
    packed, pivots, info = factors(self, hermitian)
    if check_errors:
        check_info("torch.linalg.ldl_factor_ex", info)
    refuse_derivatives(packed, [self], "linalg_ldl_factor_ex")
    return return_types.linalg_ldl_factor_ex(deliver("linalg_ldl_factor_ex", out, [packed, pivots, info]))


def check_info(name: str, info: Tensor) -> None:
    """Refuse factors with a zero in D."""
    found = failed(info.array)
    if found is not None:
        raise RuntimeError(
            errors.with_hints(
                f"{name}: {found[0]}Element {found[1]} of the diagonal of D is zero.",
                "the matrix is singular; try: linalg.ldl_factor_ex to go on without an error",
            )
        )


def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False) -> Tensor:
    """Solution of ``A X = B`` from the results of ``linalg.ldl_factor(A)``.

    Args:
        LD: (..., n, n).
        pivots: (..., n), integers.
        B: (..., n, k); leading dimensions are broadcast.
        hermitian: as given to ``linalg.ldl_factor``.

    Gradient:
        None.

    Variants: linalg out
    """
    name = "torch.linalg.ldl_solve"
    check_square(name, LD)
    check_floating(name, LD)
    if len(B.shp) < 2:
        raise errors.dim_range(-2, len(B.shp))
    if LD.shp[-2] != B.shp[-2]:
        n = LD.shp[-1]
        raise RuntimeError(
            f"Incompatible matrix sizes for {name}: each A matrix is {n} by {n} but each b matrix is {B.shp[-2]} by {B.shp[-1]}"
        )
    check_rows(f"{name}: ", LD)
    if pivots.shp != LD.shp[:-1]:
        raise RuntimeError(
            f"{name}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
            f"{errors.shape_text(pivots.shp)} instead"
        )
    if pivots.dt.category != INTEGER:
        raise RuntimeError(f"{name}: Expected pivots to be integers. Got {pivots.dt.title}")
    if LD.dt is not B.dt:
        raise RuntimeError(
            f"{name}: Expected LD and B to have the same dtype, but got LD of type {LD.dt.title} and B of type "
            f"{B.dt.title}"
        )
    batch = broadcast_size(B.shp[:-2], LD.shp[:-2], name)
    found = np.array(np.broadcast_to(B.array, (*batch, *B.shp[-2:])))
    packed = np.broadcast_to(LD.array, (*batch, *LD.shp[-2:]))
    partners = np.broadcast_to(pivots.array, (*batch, LD.shp[-1]))
    conjugate = hermitian and LD.dt.category == COMPLEX
    for place in np.ndindex(*batch):
        substitute(packed[place], partners[place].tolist(), found[place], conjugate)
    return refuse_derivatives(make(by_columns(found)), [LD, B], "linalg_ldl_solve")


def substitute(packed: Any, pivots: list[int], x: Any, conjugate: bool) -> None:
    """Solve L D L^T x = b (L^H with ``conjugate``) in place; blocks of D are 1 x 1, or 2 x 2 where two pivots are negative."""
    blocks: list[tuple[int, int]] = []
    k = 0
    while k < len(pivots):
        size = 1 if pivots[k] > 0 else 2
        blocks.append((k, size))
        k += size
    for k, size in blocks:
        end = k + size
        exchange(x, end - 1, abs(pivots[end - 1]) - 1)
        x[end:] -= packed[end:, k:end] @ x[k:end]
        block = np.tril(packed[k:end, k:end])
        mirror = np.tril(block, -1).T
        x[k:end] = np.linalg.solve(block + (mirror.conj() if conjugate else mirror), x[k:end])
    for k, size in reversed(blocks):
        end = k + size
        below = packed[end:, k:end].T
        x[k:end] -= (below.conj() if conjugate else below) @ x[end:]
        exchange(x, end - 1, abs(pivots[end - 1]) - 1)


def exchange(x: Any, i: int, j: int) -> None:
    """Exchange two rows in place."""
    if i != j:
        x[[i, j]] = x[[j, i]]
