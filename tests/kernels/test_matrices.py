"""Factorisations and triangular systems of every build against SciPy and PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from wengert.kernels import bulk

DTYPES = [np.float32, np.float64]


def drawn(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def near(found: Any, expected: Any, dtype: Any) -> None:
    np.testing.assert_allclose(
        found, expected, rtol=0, atol=2e3 * np.finfo(dtype).eps * max(1.0, np.abs(expected).max())
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(7, 1, 1), (3, 5, 5), (2, 33, 33), (1, 100, 100), (2, 40, 70), (2, 70, 40)])
def test_lu_factors_and_pivots_are_lapacks(native: Any, shape: Any, dtype: Any) -> None:
    a = drawn(shape, dtype)
    packed, pivots, info = bulk.lu_factors(a)
    expected, partners, zero = torch.linalg.lu_factor_ex(torch.tensor(a))
    np.testing.assert_array_equal(pivots, partners.numpy())
    np.testing.assert_array_equal(info, zero.numpy())
    near(packed, expected.numpy(), dtype)


def test_the_first_zero_pivot_is_reported(native: Any) -> None:
    a = drawn((4, 40, 40), np.float64)
    a[1, :, 0] = 0
    a[2] = np.diag(np.r_[np.ones(37), np.zeros(3)])
    np.testing.assert_array_equal(bulk.lu_factors(a)[2], [0, 1, 38, 0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "k", "count"), [(1, 1, 4), (5, 3, 7), (40, 1, 2), (33, 70, 2), (100, 64, 1)])
def test_triangular_systems_are_solved_in_both_layouts_and_for_one_matrix_of_many(
    native: Any, n: int, k: int, count: int, dtype: Any
) -> None:
    a = (drawn((count, n, n), dtype) + n * np.eye(n)).astype(dtype)
    b = drawn((count, n, k), dtype, 1)
    for upper in (False, True):
        for unit in (False, True):
            matrix = a / n if unit else a
            read = np.triu(matrix, int(unit)) if upper else np.tril(matrix, -int(unit))
            read = read + np.eye(n, dtype=dtype) if unit else read
            expected = np.linalg.solve(read, b)
            turned = np.ascontiguousarray(matrix.swapaxes(1, 2)).swapaxes(1, 2)
            right = np.ascontiguousarray(b.swapaxes(1, 2)).swapaxes(1, 2)
            near(bulk.triangular_solve(matrix, b, upper, unit), expected, dtype)
            near(bulk.triangular_solve(turned, right, upper, unit), expected, dtype)
            near(bulk.triangular_solve(matrix[:1], b, upper, unit), np.linalg.solve(read[:1], b), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(("n", "k", "count"), [(1, 2, 3), (6, 1, 9), (50, 20, 2)])
def test_systems_are_solved_from_their_factors(
    native: Any, n: int, k: int, count: int, transposed: bool, dtype: Any
) -> None:
    a, b = (drawn((count, n, n), dtype) + n * np.eye(n)).astype(dtype)[:, ::-1], drawn((count, n, k), dtype, 1)
    packed, pivots, _ = bulk.lu_factors(a)
    matrix = a.swapaxes(1, 2) if transposed else a
    near(bulk.lu_solve(packed, pivots, b, transposed), np.linalg.solve(matrix, b), dtype)
    near(bulk.lu_solve(packed[:1], pivots[:1], b, transposed), np.linalg.solve(matrix[:1], b), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "count"), [(1, 3), (5, 7), (33, 2), (100, 1)])
def test_cholesky_factors_read_the_lower_triangle_and_report_failures(
    native: Any, n: int, count: int, dtype: Any
) -> None:
    a = drawn((count, n, n), np.float64)
    a = (a @ a.swapaxes(1, 2) + n * np.eye(n)).astype(dtype)
    expected = np.linalg.cholesky(a)
    found, info = bulk.cholesky_factors(np.tril(a) + np.triu(np.full_like(a, np.nan), 1))
    near(found, expected, dtype)
    assert not info.any()
    a[0, n // 2, n // 2] = -1
    assert bulk.cholesky_factors(a)[1][0] == n // 2 + 1
