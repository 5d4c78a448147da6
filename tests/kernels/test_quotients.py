"""Quotients rounded down, complementary error function and replaced NaN: one pass, with NumPy's and SciPy's values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import special

import wengert as wg
from wengert.kernels import formulas, special_formulas

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.1, -0.3, 7.0, 1e-300, 1e30, -1e30, math.inf, -math.inf, math.nan]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_quotients_rounded_down_are_numpys_to_the_bit(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    numbers = np.concatenate([SPECIAL, rng.normal(size=300) * 10, rng.integers(-20, 20, 60) / 10]).astype(dtype)
    x, y = numbers[:, None], numbers
    with np.errstate(all="ignore"):
        expected = np.where(y == 0, x / y, np.floor_divide(x, y))
        found = formulas.floor_divide(x, y)
    np.testing.assert_array_equal(found, expected)
    assert (np.signbit(found) == np.signbit(expected))[~np.isnan(expected)].all()
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(wg.floor_divide(wg.tensor(x), 0.1).numpy(), np.floor_divide(x, dtype(0.1)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_complementary_error_function_is_scipys_far_out_too(dtype: Any) -> None:
    x = np.concatenate([SPECIAL, np.linspace(-6, 26, 20_000)]).astype(dtype)
    limits = np.finfo(dtype)
    found = special_formulas.erfc(x)
    with np.errstate(all="ignore"):
        tolerance = limits.eps * (8 + 4 * np.minimum(x * x, 800)) * special.erfc(x)  # SciPy rounds the square
    assert (np.abs(found - special.erfc(x)) <= tolerance + limits.tiny)[~np.isnan(x)].all()
    np.testing.assert_array_equal(np.isnan(found), np.isnan(x))
    grad = np.linspace(-1, 1, x.size).astype(dtype)
    with np.errstate(all="ignore"):
        slope = special_formulas.erfc_slope(grad, x)
        expected = grad * (-2 / math.sqrt(math.pi) * np.exp(-(x.astype(np.float64) ** 2)))
    np.testing.assert_allclose(slope, expected, 400 * limits.eps, limits.tiny)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_not_finite_is_replaced_and_the_rest_kept_to_the_bit(dtype: Any) -> None:
    x = np.array(SPECIAL * 40, dtype)
    for options in ({}, {"nan": 2.5}, {"nan": -1.0, "posinf": 7.0, "neginf": -0.0}):
        found = wg.nan_to_num(wg.tensor(x), **options).numpy()
        expected = np.nan_to_num(x, **options)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))
