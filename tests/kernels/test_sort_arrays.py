"""Orders of elements against NumPy's stable sort, compiled and by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wengert.kernels import bulk
from wengert.ops import sort_arrays

DTYPES = ["float16", "float32", "float64", "int8", "int32", "int64", "uint8", "uint32", "bool"]


def drawn(dtype: str, shape: tuple[int, ...]) -> Any:
    """Numbers with ties, signed zeros, NaN of either sign and infinities."""
    rng = np.random.default_rng(0)
    x = (rng.standard_normal(shape) * 40).round().clip(0 if dtype[0] in "ub" else -100, 100).astype(dtype)
    if dtype.startswith("float"):
        flat = x.reshape(-1)
        flat[::13], flat[5::31], flat[7::37], flat[9::41], flat[11::43] = np.nan, -np.nan, np.inf, -np.inf, -0.0
    return x


def keys(x: Any) -> Any:
    """Elements as numbers that compare as the sort does."""
    return np.nan_to_num(x.astype(np.float64), nan=1e9, posinf=1e6, neginf=-1e6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("shape", [(7,), (500,), (6, 300), (200, 9, 4)])
def test_orders_are_stable_along_every_dimension(dtype: str, descending: bool, shape: Any) -> None:
    x = drawn(dtype, shape)
    for axis in range(len(shape)):
        expected = np.argsort(-keys(x) if descending else keys(x), axis, kind="stable")
        np.testing.assert_array_equal(sort_arrays.sorted_order(x, axis, descending), expected)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("dtype", DTYPES[:-1])
@pytest.mark.parametrize("largest", [False, True])
@pytest.mark.parametrize("k", [0, 1, 5, 290])
def test_the_first_k_have_the_values_of_a_whole_sort(
    dtype: str, largest: bool, k: int, compiled: bool, monkeypatch: Any
) -> None:
    if not compiled:
        monkeypatch.setattr(bulk, "_native", None)
    x = drawn(dtype, (300, 3))
    values, places = sort_arrays.first(x, 0, k, largest)
    order = np.argsort(-keys(x) if largest else keys(x), 0, kind="stable")[:k]
    np.testing.assert_array_equal(values, np.take_along_axis(x, order, 0))
    np.testing.assert_array_equal(np.take_along_axis(x, places, 0), values)
    assert all(len(set(column)) == k for column in places.T.tolist())
