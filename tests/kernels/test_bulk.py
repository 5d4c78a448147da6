"""Kernels over whole arrays, of every build, against PyTorch and NumPy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from wengert.kernels import bulk
from wengert.ops.pool_sizes import Pooling

FLOATS = [np.float32, np.float64]
POOLINGS = [
    ((2,), (2,), (0,), (1,), False),
    ((3,), (2,), (1,), (2,), True),
    ((2, 2), (2, 2), (0, 0), (1, 1), False),
    ((3, 3), (2, 2), (1, 1), (1, 1), True),
    ((3, 2), (1, 3), (1, 0), (2, 1), False),
    ((3, 2, 2), (2, 1, 2), (1, 1, 0), (1, 1, 1), False),
]


def data(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def lines_of(shape: tuple[int, ...], kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool) -> Any:
    return Pooling(kernel, stride, padding, dilation, ceil).lines(shape)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("case", POOLINGS)
@pytest.mark.parametrize("special", [False, True])
def test_max_pooling_finds_the_values_and_places_that_pytorch_finds(
    native: Any, case: Any, dtype: Any, special: bool
) -> None:
    x = data((2, 3, 13, 11, 9)[: 2 + len(case[0])], dtype)
    if special:
        x.reshape(-1)[::7], x.reshape(-1)[::11], x[0] = np.nan, x.reshape(-1)[5], -np.inf
    pool = {1: torch.nn.functional.max_pool1d, 2: torch.nn.functional.max_pool2d, 3: torch.nn.functional.max_pool3d}
    kernel, stride, padding, dilation, ceil = case
    expected, places = pool[len(kernel)](torch.tensor(x), kernel, stride, padding, dilation, ceil, return_indices=True)
    lines = lines_of(x.shape, *case)
    values, found = bulk.max_pool(x, lines, True)
    np.testing.assert_array_equal(values, expected.numpy())
    np.testing.assert_array_equal(found, places.numpy())
    np.testing.assert_array_equal(bulk.max_pool(x, lines, False)[0], values)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("case", [c for c in POOLINGS if set(c[3]) == {1}])
@pytest.mark.parametrize("divisor", [0, 5])
def test_average_pooling_and_its_gradient_agree_with_pytorch(native: Any, case: Any, dtype: Any, divisor: int) -> None:
    x = torch.tensor(data((2, 3, 13, 11, 9)[: 2 + len(case[0])], dtype), requires_grad=True)
    pool = {1: torch.nn.functional.avg_pool1d, 2: torch.nn.functional.avg_pool2d, 3: torch.nn.functional.avg_pool3d}
    kernel, stride, padding, _, ceil = case
    for with_padding in (False, True):
        rest = [] if len(kernel) == 1 else [divisor or None]
        if len(kernel) == 1 and divisor:
            continue
        expected = pool[len(kernel)](x, kernel, stride, padding, ceil, with_padding, *rest)
        grad = torch.randn_like(expected)
        (slope,) = torch.autograd.grad(expected, x, grad)
        lines = lines_of(tuple(x.shape), *case)
        eps = 4 * np.finfo(dtype).eps
        found = bulk.avg_pool(x.detach().numpy(), lines, with_padding, divisor)
        np.testing.assert_allclose(found, expected.detach().numpy(), eps, eps)
        back = bulk.avg_pool_gradient(grad.numpy(), tuple(x.shape), lines, with_padding, divisor)
        np.testing.assert_allclose(back, slope.numpy(), 4 * eps, 4 * eps)


@pytest.mark.parametrize("dtype", [*FLOATS, np.int32, np.int64])
@pytest.mark.parametrize("width", [1, 3, 40])
def test_rows_are_taken_and_added_where_numpy_does(native: Any, dtype: Any, width: int) -> None:
    rng = np.random.default_rng(0)
    table = (100 * rng.standard_normal((50, width))).astype(dtype)
    index = rng.integers(0, 50, (7, 11))
    np.testing.assert_array_equal(bulk.take_rows(table, index), table[index])
    rows = table[index].reshape(-1, width)
    expected = table.copy()
    np.add.at(expected, index.reshape(-1), rows)
    bulk.add_rows(table, index.reshape(-1), rows)
    np.testing.assert_array_equal(table, expected)


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_elements_are_gathered_and_added_along_every_dimension(native: Any, dim: int) -> None:
    x = data((6, 7, 8), np.float64)
    shape = list(x.shape)
    shape[dim] = 10
    index = np.random.default_rng(1).integers(0, x.shape[dim], shape)
    np.testing.assert_array_equal(bulk.gather(x, dim, index), np.take_along_axis(x, index, dim))
    source = data(tuple(shape), np.float64, 2)
    expected = torch.tensor(x).scatter_add(dim, torch.tensor(index), torch.tensor(source)).numpy()
    bulk.scatter("add", x, dim, index, source)
    np.testing.assert_allclose(x, expected, 1e-14)


@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize("how", bulk.JOININGS)
@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_elements_join_those_at_their_places_in_order(native: Any, how: str, dim: int, dtype: Any) -> None:
    x = (data((4, 5, 6), np.float64) * 10).astype(dtype)
    shape = list(x.shape)
    shape[dim] = 9
    index = np.random.default_rng(1).integers(0, x.shape[dim], shape)
    source = (data(tuple(shape), np.float64, 2) * 10).astype(dtype)
    if dtype == np.float32:
        source[2, 3, 1] = np.nan
    for given in (source, source[1, 1, 1]):
        found, expected, places = x.copy(), x.copy(), np.indices(shape)
        places[dim] = index
        for place, value in zip(places.reshape(3, -1).T, np.broadcast_to(given, shape).reshape(-1)):
            old = expected[tuple(place)]
            expected[tuple(place)] = value if how == "write" else getattr(np, how)(old, value)
        bulk.scatter(how, found, dim, index, np.asarray(given))
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(1, 4), (64, 10), (5000, 3), (3, 5, 7), (2, 30, 40, 50)])
def test_picked_elements_are_multiplied_and_summed_as_numpy_does(native: Any, shape: Any, dtype: Any) -> None:
    x, rng = data(shape, dtype), np.random.default_rng(1)
    index = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    factors = rng.integers(0, 3, index.shape).astype(dtype)
    chosen = np.take_along_axis(x, index[:, None], 1)[:, 0]
    np.testing.assert_array_equal(bulk.picked(x, 1, index, factors, False), chosen * factors)
    total = bulk.picked(x, 1, index, factors, True)
    np.testing.assert_allclose(total, (chosen * factors).sum(dtype=np.float64), 100 * np.finfo(dtype).eps)
    assert total.dtype == dtype
    one = np.asarray(-0.25, dtype)
    np.testing.assert_array_equal(bulk.picked(x, 1, index, one, False), chosen * one)
    x[:] = np.where(np.arange(shape[1]).reshape(-1, *[1] * (len(shape) - 2)) == 0, np.inf, x)
    without = np.where(index == 0, dtype(0), factors)
    assert np.isfinite(bulk.picked(x, 1, index, without, True))
    index.reshape(-1)[-1] = shape[1]
    with pytest.raises(IndexError):
        bulk.picked(x, 1, index, factors, True)


def test_an_index_outside_is_an_error_and_never_a_write(native: Any) -> None:
    table = np.zeros((4, 2))
    for bad in (-1, 4, 1 << 62):
        index = np.array([0, bad, 1])
        with pytest.raises(IndexError, match="an index is out of range"):
            bulk.take_rows(table, index)
        with pytest.raises(IndexError, match="an index is out of range"):
            bulk.add_rows(table, index, np.ones((3, 2)))
        with pytest.raises(IndexError, match="an index is out of range"):
            bulk.gather(table, 0, np.full((1, 2), bad))
        with pytest.raises(IndexError, match="an index is out of range"):
            bulk.scatter("add", table, 0, np.full((1, 2), bad), np.ones((1, 2)))


def test_bags_of_rows_are_summed_with_factors_and_without_the_row_that_does_not_count(native: Any) -> None:
    rng = np.random.default_rng(0)
    table, index = data((20, 5), np.float32), rng.integers(0, 20, 30)
    ends = np.array([4, 4, 17, 30])
    starts = np.array([0, 4, 4, 17])
    factors = data((30,), np.float32)
    for scale, skipped in itertools.product((None, factors), (-1, 3)):
        rows = table[index] * (np.float32(1) if scale is None else scale[:, None]) * (index != skipped)[:, None]
        expected = np.stack([rows[a:b].sum(0) for a, b in zip(starts, ends, strict=True)])
        found = bulk.bag_sums(table, index, starts, ends, scale, skipped)
        np.testing.assert_allclose(found, expected, 1e-5, 1e-6)


@pytest.mark.parametrize("name", ["sum", "product"])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(1000,), (13, 77), (3, 50, 600)])
def test_running_sums_and_products_round_once_at_every_place(native: Any, shape: Any, dtype: Any, name: str) -> None:
    x = data(shape, dtype)
    accumulate = np.add.accumulate if name == "sum" else np.multiply.accumulate
    for dim in range(len(shape)):
        expected = accumulate(x.astype(np.float64), dim).astype(dtype)
        np.testing.assert_array_equal(bulk.running(name, x, dim, False), expected)
        turned = np.flip(accumulate(np.flip(x, dim).astype(np.float64), dim), dim).astype(dtype)
        np.testing.assert_array_equal(bulk.running(name, x, dim, True), turned)


@pytest.mark.parametrize("dtype", [*FLOATS, np.int32, np.int64])
@pytest.mark.parametrize("largest", [False, True])
def test_the_k_first_of_each_row_come_in_the_order_of_a_stable_sort(native: Any, dtype: Any, largest: bool) -> None:
    x = (data((9, 300), np.float64) * 20).round().astype(dtype)  # many ties
    if x.dtype.kind == "f":
        x[::2, ::9], x[1, ::5], x[3] = np.nan, np.inf, np.nan
    for k in (1, 7, 300):
        keys = np.where(x != x, np.inf, x) if x.dtype.kind == "f" else x
        rank = np.lexsort(
            (np.arange(300) * np.ones((9, 1)), -keys if largest else keys, (x == x) if largest else x != x)
        )
        values, places = bulk.top_rows(x, k, largest)
        np.testing.assert_array_equal(places, rank[:, :k])
        np.testing.assert_array_equal(values, np.take_along_axis(x, places, 1))


@pytest.mark.parametrize("dtype", [*FLOATS, np.int32, np.int64])
@pytest.mark.parametrize("largest", [False, True])
@pytest.mark.parametrize("shape", [(5, 70, 33), (7, 35, 1), (4, 21, 9), (3, 10, 31), (4, 9, 64), (3, 12, 200)])
def test_extremes_and_their_first_places_are_numpys(
    native: Any, shape: tuple[int, ...], dtype: Any, largest: bool
) -> None:
    x = (data(shape, np.float64) * 5).round().astype(dtype)
    if x.dtype.kind == "f":
        x[0, 3:9, ::4] = np.nan
        x[1, 0, -1] = np.nan
        x[2] = -np.inf if largest else np.inf
    find, best = (np.argmax, np.max) if largest else (np.argmin, np.min)
    for dim in range(3):
        values, places = bulk.extreme(x, dim, largest, True)
        np.testing.assert_array_equal(places, find(x, dim))
        np.testing.assert_array_equal(values, best(x, dim))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (20, 600, 3), (70, 33, 40), (9, 130, 16)])
@pytest.mark.parametrize("p", [1, 2])
def test_distances_and_their_gradients_are_those_of_the_differences(
    native: Any, shape: Any, dtype: Any, p: int
) -> None:
    n, m, features = shape
    x, y = data((2, n, features), dtype), data((2, m, features), dtype, 1)
    y[0, 0] = x[0, 0]  # equal rows: a distance of exactly 0
    steps = (x[:, :, None] - y[:, None]).astype(np.float64)
    eps = 8 * features * np.finfo(dtype).eps
    np.testing.assert_allclose(bulk.distances(x, y, p), np.linalg.norm(steps, p, -1), eps, 0)
    weight = data((2, n, m), dtype, 2)
    slopes = steps if p == 2 else np.sign(steps)
    tolerance = 40 * max(n, m) * np.finfo(dtype).eps
    expected = (weight[..., None] * slopes).sum(2)
    np.testing.assert_allclose(bulk.distance_sums(x, y, weight, p, False), expected, tolerance, tolerance)
    back = -(weight[..., None] * slopes).sum(1)
    np.testing.assert_allclose(bulk.distance_sums(y, x, weight, p, True), back, tolerance, tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize("largest", [True, False])
def test_running_extremes_keep_the_latest_of_equals_and_what_is_not_a_number(
    native: Any, largest: bool, dim: int, dtype: Any
) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 6, (5, 37, 9)).astype(dtype)
    x[rng.random(x.shape) < 0.02] = np.nan
    values, places = bulk.running_extreme(x, dim, largest)
    lines = np.moveaxis(x, dim, -1).reshape(-1, x.shape[dim])
    for line, best, at in zip(lines, *(np.moveaxis(a, dim, -1).reshape(lines.shape) for a in (values, places))):
        for i in range(line.size):
            seen = line[: i + 1]
            extreme = np.nan if np.isnan(seen).any() else seen.max() if largest else seen.min()
            found = np.isnan(seen) if np.isnan(extreme) else seen == extreme
            np.testing.assert_array_equal(best[i], extreme)
            assert at[i] == np.flatnonzero(found)[-1]


@pytest.mark.parametrize("out", [(7,), (3, 7), (2, 3, 7), (5, 5, 19)])
def test_means_of_uneven_parts_and_their_gradient_are_pytorchs(native: Any, out: tuple[int, ...]) -> None:
    pool = getattr(torch.nn.functional, f"adaptive_avg_pool{len(out)}d")
    x = torch.tensor(data((2, 3, *(5, 11, 19)[3 - len(out) :]), np.float64), requires_grad=True)
    expected = pool(x, out)
    grad = torch.tensor(data(tuple(expected.shape), np.float64, 1))
    expected.backward(grad)
    np.testing.assert_allclose(bulk.mean_parts(x.detach().numpy(), out), expected.detach().numpy(), 1e-12, 1e-15)
    found = bulk.mean_parts_gradient(grad.numpy(), tuple(x.shape), len(out))
    np.testing.assert_allclose(found, x.grad.numpy(), 1e-12, 1e-15)


def test_of_equal_maxima_of_parts_the_first_by_rows_counts_and_of_nan_the_last(native: Any) -> None:
    x = np.random.default_rng(0).integers(0, 3, (40, 13, 17)).astype(np.float64)
    x[20:][np.random.default_rng(1).random((20, 13, 17)) < 0.1] = np.nan
    expected = torch.nn.functional.adaptive_max_pool2d(torch.tensor(x), (4, 5), True)
    for found, wanted in zip(bulk.max_parts(x, (4, 5), True), expected):
        np.testing.assert_array_equal(found, wanted.numpy())


@pytest.mark.parametrize("out", [(7,), (3, 7), (2, 3, 7), (5, 5, 19)])
def test_maxima_of_uneven_parts_are_those_of_their_elements(native: Any, out: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 11, 19)).astype(np.float32)
    x[0, 0, 2, 3, 4] = np.nan
    x[1, 1] = -np.inf
    values, positions = bulk.max_parts(x, out, True)
    dims = len(out)
    planes = x.reshape(-1, *x.shape[5 - dims :])
    for plane, best, at in zip(planes, values.reshape(-1, *out), positions.reshape(-1, *out)):
        for place in np.ndindex(*out):
            bounds = [(p * n // o, -(-(p + 1) * n // o)) for p, n, o in zip(place, plane.shape, out)]
            window = plane[tuple(slice(*b) for b in bounds)]
            np.testing.assert_array_equal(best[place], window.max())
            np.testing.assert_array_equal(plane.reshape(-1)[at[place]], best[place])
            inside = np.unravel_index(at[place], plane.shape)
            assert all(low <= i < high for i, (low, high) in zip(inside, bounds))
    np.testing.assert_array_equal(bulk.max_parts(x, out, False)[0], values)
