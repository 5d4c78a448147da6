"""Softmax and its logarithm along rows by one kernel, against long double."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wengert import kernels
from wengert.kernels import bulk

SHAPES = [
    (1, 1),
    (7, 3),
    (64, 10),
    (1000, 5),
    (40, 31),
    (33, 32),
    (35, 8),
    (20, 33),
    (33, 48),
    (33, 49),
    (40, 96),
    (21, 97),
    (200, 1000),
    (9, 1055),
    (3, 8192),
    (2, 4, 70),
]


def data(shape: tuple[int, ...], dtype: Any, seed: int) -> Any:
    return (3 * np.random.default_rng(seed).standard_normal(shape)).astype(dtype)


def exact(x: Any, logarithm: bool) -> Any:
    shifted = x.astype(np.longdouble) - x.max(-1, keepdims=True)
    total = np.exp(shifted).sum(-1, keepdims=True)
    return shifted - np.log(total) if logarithm else np.exp(shifted) / total


def exact_slope(grad: Any, result: Any, logarithm: bool) -> Any:
    g, y = grad.astype(np.longdouble), result.astype(np.longdouble)
    if logarithm:
        return g - np.exp(y) * g.sum(-1, keepdims=True)
    return (g - (g * y).sum(-1, keepdims=True)) * y


@pytest.mark.parametrize("logarithm", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(2, 1, 16), (3, 70, 40), (1, 1000, 70), (1, 5000, 20), (2, 21, 3000)])
def test_values_and_slopes_across_memory_are_those_of_long_double(
    native: Any, shape: tuple[int, ...], dtype: Any, logarithm: bool
) -> None:
    x, grad = data(shape, dtype, 0), data(shape, dtype, 1)
    eps = np.finfo(dtype).eps
    found = bulk.softmax_columns(x, 1, logarithm)
    np.testing.assert_allclose(found.swapaxes(1, 2), exact(x.swapaxes(1, 2), logarithm), 20 * eps, 10 * eps)
    slope = bulk.softmax_columns_slope(grad, found, 1, logarithm)
    expected = exact_slope(grad.swapaxes(1, 2), found.swapaxes(1, 2), logarithm)
    error = 20 * eps * max(1, np.abs(grad).sum(1).max() / 10)
    np.testing.assert_allclose(slope.swapaxes(1, 2), expected, 20 * eps, error)
    x[0, 0, 3] = np.nan
    spoiled = bulk.softmax_columns(x, 1, logarithm)
    assert np.isnan(spoiled[0, :, 3]).all()
    np.testing.assert_array_equal(np.delete(spoiled, 3, 2), np.delete(found, 3, 2))


@pytest.mark.parametrize("logarithm", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_values_and_slopes_are_those_of_long_double(
    native: Any, shape: tuple[int, ...], dtype: Any, logarithm: bool
) -> None:
    x, grad = data(shape, dtype, 0), data(shape, dtype, 1)
    eps = np.finfo(dtype).eps
    found = bulk.softmax_rows(x, logarithm)
    np.testing.assert_allclose(found, exact(x, logarithm), 20 * eps, 10 * eps)
    slope = bulk.softmax_rows_slope(grad, found, logarithm)
    expected = exact_slope(grad, found, logarithm)
    np.testing.assert_allclose(slope, expected, 20 * eps, 20 * eps * max(1, np.abs(grad).sum(-1).max() / 10))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(9, 1), (9, 3), (50, 10), (50, 17), (50, 48), (50, 300)])
def test_a_gradient_at_one_place_of_each_row_gives_the_same_as_a_dense_one(
    native: Any, dtype: Any, shape: tuple[int, int]
) -> None:
    x, values = data(shape, dtype, 0), data((shape[0], 1), dtype, 1)
    values[7] = 0
    places = np.random.default_rng(2).integers(0, shape[1], (shape[0], 1))
    result = bulk.softmax_rows(x, True)
    grad = np.zeros_like(x)
    np.put_along_axis(grad, places, values, 1)
    found = bulk.log_softmax_rows_slope_picked(result, places, values)
    np.testing.assert_array_equal(found, bulk.softmax_rows_slope(grad, result, True))
    np.testing.assert_array_equal(np.signbit(found), np.signbit(bulk.softmax_rows_slope(grad, result, True)))


def test_a_place_outside_the_row_is_refused(native: Any) -> None:
    result = bulk.softmax_rows(data((4, 5), np.float32, 0), True)
    places = np.array([[0], [1], [5], [2]])
    with pytest.raises(IndexError):
        bulk.log_softmax_rows_slope_picked(result, places, np.ones((4, 1), np.float32))


@pytest.mark.parametrize("logarithm", [False, True])
@pytest.mark.parametrize("shape", [(6, 170), (40, 70), (40, 10)])
def test_infinities_and_nan_stay_in_their_rows(native: Any, shape: tuple[int, int], logarithm: bool) -> None:
    x = data(shape, np.float64, 0)
    expected = exact(x, logarithm).astype(np.float64)
    x[1, 3], x[2, -1], x[4] = np.nan, np.inf, -np.inf
    x[5, :5] = -np.inf
    found = bulk.softmax_rows(x, logarithm)
    np.testing.assert_allclose(found[[0, 3]], expected[[0, 3]], 1e-13)
    for row in (1, 2, 4):
        assert np.isnan(found[row]).all()
    np.testing.assert_array_equal(found[5, :5], -np.inf if logarithm else 0)
    assert np.isclose((np.exp(found[5]) if logarithm else found[5]).sum(), 1)


@pytest.mark.skipif(kernels.COMPILED is None, reason="NumPy does the work")
def test_a_lent_gradient_is_written_over(native: Any) -> None:
    for logarithm in (False, True):
        result = bulk.softmax_rows(data((40, 300), np.float64, 0), logarithm)
        grad = data((40, 300), np.float64, 1)
        expected = bulk.softmax_rows_slope(grad, result, logarithm)
        assert expected is not grad
        kernels.lend(grad)
        assert bulk.softmax_rows_slope(grad, result, logarithm) is grad
        np.testing.assert_array_equal(grad, expected)
        assert bulk.softmax_rows_slope(grad, result, logarithm) is not grad


@pytest.mark.skipif(kernels.COMPILED is None, reason="NumPy does the work")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_they_are_the_same_to_the_last_bit_for_any_number_of_threads(dtype: Any) -> None:
    x, grad = data((500, 301), dtype, 0), data((500, 301), dtype, 1)
    before = kernels.get_num_threads()
    found = []
    for count in (1, 2, 3):
        kernels.set_num_threads(count)
        results = [bulk.softmax_rows(x, logarithm) for logarithm in (False, True)]
        slopes = [bulk.softmax_rows_slope(grad, y, i == 1) for i, y in enumerate(results)]
        found.append([a.tobytes() for a in (*results, *slopes)])
    kernels.set_num_threads(before)
    assert found[0] == found[1] == found[2]
