"""Orders of elements against NumPy's stable sort, compiled and by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wengert import kernels
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


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    "shape", [(7,), (500,), (6, 300), (200, 9, 4), (333, 2), (50, 48), (49, 49), (2, 9000), (70_000,)]
)
def test_orders_are_stable_along_every_dimension(
    dtype: str, descending: bool, shape: Any, compiled: bool, monkeypatch: Any
) -> None:
    if not compiled:
        monkeypatch.setattr(bulk, "_native", None)
    x = drawn(dtype, shape)
    for axis in range(len(shape)):
        expected = np.argsort(-keys(x) if descending else keys(x), axis, kind="stable")
        values, order = sort_arrays.in_order(x, axis, descending)
        np.testing.assert_array_equal(order, expected)
        same_bits = np.take_along_axis(x, expected, axis)
        assert values.dtype == x.dtype and values.tobytes() == same_bits.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
@pytest.mark.parametrize("size", [100, 10_000, 100_000])
def test_numbers_of_all_magnitudes_are_in_order(dtype: str, size: int) -> None:
    rng = np.random.default_rng(size)
    bits = rng.integers(0, 256, size * np.dtype(dtype).itemsize, dtype=np.uint8)
    x = bits.view(dtype)
    x = x[~np.isnan(x)] if dtype[0] == "f" else x
    for part in (x, x[::3], np.sort(x), np.sort(x)[::-1], np.full_like(x, x[0])):
        values, order = sort_arrays.in_order(part, 0, False)
        np.testing.assert_array_equal(values, np.sort(part, kind="stable"))
        np.testing.assert_array_equal(order, np.argsort(part, kind="stable"))


def test_an_order_does_not_depend_on_the_number_of_threads() -> None:
    x = drawn("float32", (200_000,))
    threads = kernels.get_num_threads()
    orders = []
    for count in (1, 2, 5):
        kernels.set_num_threads(count)
        orders.append(sort_arrays.in_order(x, 0, True)[1])
    kernels.set_num_threads(threads)
    assert all(np.array_equal(order, orders[0]) for order in orders)


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


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
@pytest.mark.parametrize("largest", [False, True])
def test_the_first_of_short_rows_are_those_of_a_stable_order(
    dtype: str, largest: bool, compiled: bool, monkeypatch: Any
) -> None:
    if not compiled:
        monkeypatch.setattr(bulk, "_native", None)
    for shape in ((1, 5), (100, 3), (41, 16), (17, 48), (20, 50)):
        x = drawn(dtype, shape)
        order = np.argsort(-keys(x) if largest else keys(x), 1, kind="stable")
        for k in (1, 2, shape[1]):
            values, places = sort_arrays.first(x, 1, k, largest)
            np.testing.assert_array_equal(places, order[:, :k])
            np.testing.assert_array_equal(values, np.take_along_axis(x, order[:, :k], 1))
