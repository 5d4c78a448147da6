"""Factorisations and triangular solves of (batches of) matrices as arrays; tensors and gradients are on the other pages.

Note [Batches]
    NumPy has batched routines for inverses, eigenvalues, singular values, QR and Cholesky; they are used as they are. It has
    none for LU with pivots and for triangular systems. Those loop over the matrices of a batch and call LAPACK for each,
    except for large batches of small matrices, where the loop goes over the columns instead and each step works on all
    matrices at once: for 10 000 matrices of 3 x 3 that is 20 times faster.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np

from ..kernels import bulk as kernels
from ..kernels.blas import threads_for
from ..kernels.blocks import places

PREFIX: Final[dict[str, str]] = {"f": "s", "d": "d", "F": "c", "D": "z"}
SMALL: Final = 16


def lapack(name: str, dtype: Any) -> Any:
    """LAPACK's routine for arrays of a dtype, such as ``dgetrf`` for float64."""
    from scipy.linalg import lapack as routines

    return getattr(routines, PREFIX[dtype.char] + name)


def trsm(dtype: Any) -> Any:
    """BLAS's triangular solver, which divides by zero diagonals without a word, as PyTorch's does."""
    from scipy.linalg import blas

    return getattr(blas, PREFIX[dtype.char] + "trsm")


def by_columns(x: Any) -> Any:
    """The same matrices, each laid out by columns, as LAPACK leaves them."""
    return x if x.ndim < 2 else np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2)


def fill(results: list[Any], function: Any, a: Any) -> list[Any]:
    """``results``, arrays for a batch of matrices, filled with what a function returns for one block of ``a`` after the other.

    NumPy computes in double precision and in memory of its own: of a block only.
    """
    batch = a.ndim - 2
    with threads_for(a):
        for place in places(a.shape, batch):
            for result, found in zip(results, function(a[place])):
                result[place[:batch]] = found
    return results


def empty_by_columns(batch: tuple[int, ...], rows: int, columns: int, dtype: Any) -> Any:
    """Uninitialised matrices, each laid out by columns."""
    return np.empty((*batch, columns, rows), dtype).swapaxes(-1, -2)


def adjoint(x: Any) -> Any:
    """Conjugate transpose of matrices."""
    turned = x.swapaxes(-1, -2)
    return turned.conj() if x.dtype.kind == "c" else turned


def product(sizes: Any) -> int:
    """Product of some sizes."""
    total = 1
    for n in sizes:
        total *= n
    return total


def is_crowd(count: int, n: int) -> bool:
    """Whether a step for all matrices at once beats a call of LAPACK for each; see Note [Batches]."""
    return n <= SMALL and count > 4 * n


def by_kernel(*arrays: Any) -> bool:
    """Whether the kernels take these matrices."""
    return max(arrays[-1].shape[-2:]) <= kernels.LARGEST and kernels.handles(*arrays)


def lu_factor(a: Any) -> tuple[Any, Any, Any]:
    """LU factors with partial pivoting.

    Args:
        a: (..., m, n).

    Returns:
        Packed factors (..., m, n); pivots (..., min(m, n)), int32, counted from 1: row i was exchanged with row pivots[i];
        info (...), int32: 0, or the number of the first diagonal element of U that is zero.
    """
    m, n = a.shape[-2:]
    batch = a.shape[:-2]
    k = min(m, n)
    count = product(batch)
    flat = a.reshape(count, m, n)
    if k > 0 and by_kernel(flat):
        packed, pivots, info = kernels.lu_factors(flat)
        return packed.reshape(*batch, m, n), pivots.reshape(*batch, k), info.reshape(batch)
    packed = np.empty((count, n, m), a.dtype).swapaxes(1, 2)
    pivots = np.zeros((count, k), np.int32)
    info = np.zeros(count, np.int32)
    if k > 0 and is_crowd(count, max(m, n)):
        for place in places(flat.shape, 1):
            packed[place] = eliminate(flat[place].copy(), pivots[place[0]], info[place[0]])
    elif k > 0:
        getrf = lapack("getrf", a.dtype)
        packed[...] = flat
        for i in range(count):
            _, pivots[i], info[i] = getrf(packed[i], overwrite_a=1)
        pivots += 1
    return packed.reshape(*batch, m, n), pivots.reshape(*batch, k), info.reshape(batch)


def eliminate(work: Any, pivots: Any, info: Any) -> Any:
    """Gaussian elimination of all matrices (count, m, n) column by column, in place; fills in pivots and info."""
    every = np.arange(len(work))
    for j in range(pivots.shape[1]):
        column = work[:, j:, j]
        size = np.abs(column) if column.dtype.kind != "c" else np.abs(column.real) + np.abs(column.imag)
        chosen = np.argmax(size, axis=1) + j
        pivots[:, j] = chosen + 1
        row = work[every, chosen]
        work[every, chosen] = work[:, j]
        work[:, j] = row
        pivot = work[:, j, j]
        still = pivot == 0
        info[still & (info == 0)] = j + 1
        factors = work[:, j + 1 :, j] / np.where(still, 1, pivot)[:, None]
        work[:, j + 1 :, j] = factors
        work[:, j + 1 :, j + 1 :] -= factors[:, :, None] * work[:, j, None, j + 1 :]
    return work


def permutation(pivots: Any, m: int) -> Any:
    """Order of the rows after the exchanges: row i of the exchanged matrix was row ``permutation[..., i]``; int64."""
    k = pivots.shape[-1]
    count = product(pivots.shape[:-1])
    rows = np.tile(np.arange(m)[:, None], (1, count))
    if count == 1:
        order = list(range(m))
        for i, p in enumerate(pivots.ravel().tolist()):
            order[i], order[p - 1] = order[p - 1], order[i]
        rows[:, 0] = order
    else:
        every = np.arange(count)
        partners = pivots.reshape(count, k).T - 1
        for i in range(k):
            other = rows[partners[i], every]
            rows[partners[i], every] = rows[i]
            rows[i] = other
    return np.ascontiguousarray(rows.T).reshape(*pivots.shape[:-1], m)


def triangular_solve(a: Any, b: Any, upper: bool, unit: bool = False) -> Any:
    """Solution x of ``a x = b`` for triangular a.

    Args:
        a: (..., n, n); the other triangle is not read.
        b: (..., n, k); leading dimensions are broadcast.
        upper: which triangle.
        unit: take the diagonal as ones.

    Returns:
        (..., n, k), laid out by columns.
    """
    n, k = b.shape[-2:]
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    count = product(batch)
    first = np.broadcast_to(a, (*batch, n, n)).reshape(count, n, n)
    second = np.broadcast_to(b, (*batch, n, k)).reshape(count, n, k)
    if by_kernel(second, a):
        matrices = a.reshape(1, n, n) if a.size == n * n else first
        return (
            kernels.triangular_solve(matrices, second, upper, unit)
            .swapaxes(1, 2)
            .reshape(*batch, k, n)
            .swapaxes(-1, -2)
        )
    if is_crowd(count, n):
        solved = empty_by_columns((count,), n, k, second.dtype)
        for place in places(first.shape, 1):
            solved[place[0]] = substitute(first[place], second[place[0]].copy(), upper, unit)
        return solved.swapaxes(1, 2).reshape(*batch, k, n).swapaxes(-1, -2)
    found = np.array(second.swapaxes(1, 2), order="C")
    if found.size > 0:
        solver = trsm(b.dtype)
        for i in range(count):  # BLAS reads columns: rows are those of the transposed matrix
            if first[i].flags.c_contiguous:
                solver(1.0, first[i].T, found[i].T, lower=upper, diag=unit, trans_a=1, overwrite_b=1)
            else:
                solver(1.0, first[i], found[i].T, lower=not upper, diag=unit, overwrite_b=1)
    return found.reshape(*batch, k, n).swapaxes(-1, -2)


def substitute(a: Any, work: Any, upper: bool, unit: bool) -> Any:
    """Substitution in all triangular systems at once, row by row, in place in ``work`` (count, n, k)."""
    n = a.shape[-1]
    for j in reversed(range(n)) if upper else range(n):
        if not unit:
            work[:, j] /= a[:, j, j, None]
        rest = slice(0, j) if upper else slice(j + 1, n)
        work[:, rest] -= a[:, rest, j, None] * work[:, None, j]
    return work


def lu_solve(packed: Any, pivots: Any, b: Any, transposed: bool = False) -> Any:
    """Solution x of ``A x = b``, or of ``A^H x = b`` when ``transposed``, from the packed LU factors of A.

    Args:
        packed: (..., n, n).
        pivots: (..., n).
        b: (..., n, k); leading dimensions are broadcast.
        transposed: whether the conjugate transpose of A is meant.

    Returns:
        (..., n, k), laid out by columns.
    """
    n, k = b.shape[-2:]
    batch = np.broadcast_shapes(packed.shape[:-2], b.shape[:-2])
    count = product(batch)
    if by_kernel(b, packed):
        alone = packed.size == n * n
        factors = packed if alone else np.broadcast_to(packed, (*batch, n, n))
        partners = pivots if alone else np.broadcast_to(pivots, (*batch, n))
        right = np.broadcast_to(b, (*batch, n, k)).reshape(count, n, k)
        found = kernels.lu_solve(factors.reshape(-1, n, n), partners.reshape(-1, n), right, transposed)
        return found.swapaxes(1, 2).reshape(*batch, k, n).swapaxes(-1, -2)
    if is_crowd(count, n):
        order = np.broadcast_to(permutation(pivots, n), (*batch, n))[..., None]
        if not transposed:
            exchanged = np.take_along_axis(np.broadcast_to(b, (*batch, n, k)), order, -2)
            return triangular_solve(packed, triangular_solve(packed, exchanged, False, True), True)
        lower, upper = adjoint(packed), adjoint(packed)
        found = triangular_solve(lower, triangular_solve(upper, b, False), True, True)
        result = np.empty_like(found)
        np.put_along_axis(result, np.broadcast_to(order, found.shape), found, -2)
        return result
    factors = np.broadcast_to(packed, (*batch, n, n)).reshape(count, n, n)
    partners = np.broadcast_to(pivots, (*batch, n)).reshape(count, n) - 1
    right = np.broadcast_to(b, (*batch, n, k)).reshape(count, n, k)
    solved = np.array(right.swapaxes(1, 2), order="C")
    if solved.size > 0:
        getrs = lapack("getrs", b.dtype)
        for i in range(count):
            getrs(factors[i], partners[i], solved[i].T, trans=2 if transposed else 0, overwrite_b=1)
    return solved.reshape(*batch, k, n).swapaxes(-1, -2)


def lu_determinant(packed: Any, pivots: Any) -> Any:
    """Determinants from LU factors: the product of the diagonal, and a sign for each exchange of rows."""
    diagonal = packed.diagonal(0, -2, -1)
    return np.prod(diagonal, -1) * exchange_sign(pivots).astype(packed.real.dtype)


def exchange_sign(pivots: Any) -> Any:
    """1 for an even number of exchanges, -1 for an odd one."""
    moved = pivots != np.arange(1, pivots.shape[-1] + 1)
    return 1 - 2 * (np.sum(moved, -1) & 1)


def inverse(a: Any) -> tuple[Any, Any]:
    """Inverses, laid out by columns, and for each matrix 0 or the number of the diagonal element of U that is zero.

    The inverse of a singular matrix is NaN.
    """
    batch = a.shape[:-2]
    try:
        n = a.shape[-1]
        found = fill([empty_by_columns(batch, n, n, a.dtype)], inverted, a)[0]
        return found, np.zeros(batch, np.int32)
    except np.linalg.LinAlgError:
        info = lu_factor(a)[2]
        safe = np.where((info == 0)[..., None, None], a, np.eye(a.shape[-1], dtype=a.dtype))
        found = np.where((info == 0)[..., None, None], np.linalg.inv(safe), np.nan)
        return by_columns(found.astype(a.dtype)), info


def inverted(a: Any) -> list[Any]:
    """Inverses, or NumPy's error for a singular matrix."""
    if by_kernel(a):
        flat = a.reshape(-1, *a.shape[-2:])
        packed, pivots, info = kernels.lu_factors(flat)
        if not info.any():
            identity = np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), flat.shape)
            return [kernels.lu_solve(packed, pivots, identity, False).reshape(a.shape)]
    return [np.linalg.inv(a)]


def cholesky(a: Any, upper: bool) -> tuple[Any, Any]:
    """Cholesky factors, laid out by columns, and for each matrix 0 or the order of the minor that is not positive.

    Only one triangle is read. Where the factorisation fails, what LAPACK had computed until then stays.
    """
    batch = a.shape[:-2]
    if by_kernel(a):
        n = a.shape[-1]
        found, info = kernels.cholesky_factors((a.swapaxes(-1, -2) if upper else a).reshape(-1, n, n))
        if not info.any():
            columns = np.ascontiguousarray(found).swapaxes(1, 2) if upper else found
            return columns.swapaxes(1, 2).reshape(a.shape).swapaxes(-1, -2), info.reshape(batch)
    try:
        n = a.shape[-1]
        found = fill([empty_by_columns(batch, n, n, a.dtype)], partial(factor_of, upper), a)[0]
        return found, first_of(~np.isfinite(found.diagonal(0, -2, -1)))
    except np.linalg.LinAlgError:
        n = a.shape[-1]
        potrf = lapack("potrf", a.dtype)
        found = np.empty((product(batch), n, n), a.dtype)
        info = np.empty(product(batch), np.int32)
        for i, matrix in enumerate(a.reshape(-1, n, n)):
            factor, info[i] = potrf(matrix, lower=not upper, clean=1)
            found[i] = factor.T
        return found.reshape(a.shape).swapaxes(-1, -2), info.reshape(batch)


def factor_of(upper: bool, a: Any) -> list[Any]:
    """Cholesky factors by NumPy."""
    return [np.linalg.cholesky(a, upper=upper)]


def first_of(wrong: Any) -> Any:
    """For each row of a mask the number of its first True, counted from 1; 0 where there is none; int32."""
    if wrong.shape[-1] == 0:
        return np.zeros(wrong.shape[:-1], np.int32)
    return np.where(wrong.any(-1), wrong.argmax(-1) + 1, 0).astype(np.int32)


# Numerators of the Pade approximants of exp, lowest power first, and the norms up to which they are exact to the last place.
PADE: Final[dict[str, Any]] = {
    "f": (3.925724783138660, (17297280, 8648640, 1995840, 277200, 25200, 1512, 56, 1)),
    "d": (
        5.371920351148152,
        (
            64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
            670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
        ),
    ),
}  # fmt: skip


def exponential(a: Any) -> Any:
    """Exponentials of matrices (..., n, n): halved until they are small, a rational approximation, squared as often.

    Source: N. Higham, "The scaling and squaring method for the matrix exponential revisited" (2005).
    """
    limit, coefficients = PADE[a.real.dtype.char]
    norms = np.max(np.sum(np.abs(a), -2), -1, initial=0)
    halvings = np.ceil(np.log2(np.where(np.isfinite(norms) & (norms > limit), norms / limit, 1))).astype(int)
    scaled = a * np.exp2(-halvings).astype(a.real.dtype)[..., None, None]
    power = np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
    square = scaled @ scaled
    even, odd = power * coefficients[0], power * coefficients[1]
    for i in range(2, len(coefficients), 2):
        power = power @ square if i > 2 else square
        even = even + power * coefficients[i]
        odd = odd + power * coefficients[i + 1]
    odd = scaled @ odd
    found = np.linalg.solve(even - odd, even + odd)
    for i in range(int(np.max(halvings, initial=0))):
        if np.all(halvings > i):
            found = found @ found
        else:
            left = halvings > i
            found[left] = found[left] @ found[left]
    return found
