"""Histograms, runs, margins of labels and triangles by kernels, against NumPy and PyTorch."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from wengert import kernels
from wengert.kernels import bulk, counting, reductions

FLOATS = [np.float32, np.float64]


def data(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("bins", [1, 7, 100, 3000])
@pytest.mark.parametrize("limits", [(-1.0, 1.0), (-0.3, 2.7), (0.0, 1e-3)])
def test_a_histogram_counts_as_numpy_does(native: Any, limits: tuple[float, float], bins: int, dtype: Any) -> None:
    edges = np.histogram_bin_edges(np.empty(0, dtype), bins, limits)
    x = np.concatenate([data((100_000,), dtype), edges, [np.nan, np.inf, -np.inf, -0.0]]).astype(dtype)
    found = counting.histogram(x, edges)
    np.testing.assert_array_equal(found, np.histogram(x[np.isfinite(x)], bins, limits)[0])
    assert found.dtype == np.int64
    np.testing.assert_array_equal(counting.histogram(x[::3], edges), np.histogram(x[::3], bins, limits)[0])


@pytest.mark.parametrize("dtype", [*FLOATS, np.int32, np.int64])
@pytest.mark.parametrize("n", [1, 5, 1024, 5000])
@pytest.mark.parametrize("kinds", [1, 3, 100])
def test_the_first_of_each_run_is_kept(native: Any, n: int, dtype: Any, kinds: int) -> None:
    x = np.random.default_rng(0).integers(0, kinds, 2 * n).astype(dtype)
    for part in (x[:n], x[::2]):
        starts = np.concatenate([[True], part[1:] != part[:-1]])
        np.testing.assert_array_equal(counting.where_true(part, starts), part[starts])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (40, 33), (7, 160)])
def test_margins_of_labels_and_their_slopes_are_pytorchs(native: Any, shape: tuple[int, int], dtype: Any) -> None:
    x, rng = data(shape, dtype), np.random.default_rng(1)
    target = np.full(shape, -1)
    width = min(4, shape[1])
    target[:, :width] = rng.integers(0, shape[1], (shape[0], width))  # some of them twice
    target[-1, width - 1] = -1
    chosen, slope, loss = np.empty_like(x), np.empty_like(x), np.empty(shape[0], dtype)
    counting.label_margins(x, target, chosen, loss, slope)
    tracked = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.multilabel_margin_loss(tracked, torch.tensor(target), reduction="none")
    expected.sum().backward()
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(loss, expected.detach().numpy(), 20 * eps, 20 * eps)
    np.testing.assert_allclose(slope, tracked.grad.numpy(), 20 * eps, 20 * eps)
    listed = [set(row[: list(row).index(-1) if -1 in row else None]) for row in target.tolist()]
    np.testing.assert_array_equal(chosen, [[j in row for j in range(shape[1])] for row in listed])


def test_a_label_outside_is_refused(native: Any) -> None:
    x = data((2, 3), np.float32)
    with pytest.raises(IndexError):
        counting.label_margins(x, np.array([[0, -1, 0], [3, -1, 0]]), x.copy(), np.empty(2, np.float32), x.copy())


@pytest.mark.parametrize("dtype", [*FLOATS, np.int32, np.int64])
@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (7, 3), (2, 3, 40, 50)])
@pytest.mark.parametrize("diagonal", [-100, -2, 0, 1, 5, 100])
def test_triangles_are_numpys(native: Any, shape: tuple[int, ...], diagonal: int, dtype: Any) -> None:
    x = (10 * data(shape, np.float64)).astype(dtype)
    np.testing.assert_array_equal(bulk.triangle(x, diagonal, True), np.triu(x, diagonal))
    np.testing.assert_array_equal(bulk.triangle(x, diagonal, False), np.tril(x, diagonal))
    turned = x.swapaxes(-1, -2)
    np.testing.assert_array_equal(bulk.triangle(turned, diagonal, True), np.triu(turned, diagonal))


@pytest.mark.parametrize("shape", [(1,), (5000,), (30, 70), (3, 1, 40, 5), (2, 1, 2, 1, 3, 2, 1, 4)])
def test_true_places_are_numpys(native: Any, shape: tuple[int, ...]) -> None:
    mask = data(shape, np.float32) > 0.3
    for part in (mask, mask.T, ~np.zeros_like(mask), np.zeros_like(mask)):
        found = counting.true_places(part)
        np.testing.assert_array_equal(found, np.argwhere(part))
        assert found.dtype == np.int64


@pytest.mark.skipif(kernels.COMPILED is None, reason="NumPy does the work")
def test_sums_and_counts_are_the_same_for_any_number_of_threads() -> None:
    x, index = data((300, 700), np.float32), np.random.default_rng(1).integers(0, 700, 300)
    edges, factors = np.linspace(-3, 3, 51, dtype=np.float32), data((300,), np.float32, 2)
    weight, points = data((300, 300), np.float32, 3), data((300, 21), np.float32, 4)
    before = kernels.get_num_threads()
    found = []
    for count in (1, 2, 3):
        kernels.set_num_threads(count)
        results = [
            counting.histogram(np.tile(x, (3, 1)), edges),
            bulk.picked(x, 1, index, factors, True),
            bulk.distance_sums(points, points, weight, 2, True),
        ]
        found.append([a.tobytes() for a in results])
    kernels.set_num_threads(before)
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
def test_elements_where_a_mask_is_true(native: Any, dtype: Any, share: float) -> None:
    rng = np.random.default_rng(0)
    for shape in ((1,), (5, 3), (100_003,), (300, 7, 41)):
        x = rng.normal(0, 9, shape).astype(dtype)
        mask = rng.random(shape) < share
        np.testing.assert_array_equal(counting.where_true(x, mask), x[mask])
        np.testing.assert_array_equal(counting.where_true(x.T, mask.T), x.T[mask.T])


@pytest.mark.parametrize("dtype", ["?", "B", "i", "l"])
def test_sums_of_integers_and_masks(native: Any, dtype: str) -> None:
    rng = np.random.default_rng(0)
    for shape in ((100_003,), (3, 40_000), (40_000, 3), (70, 9, 80), (1, 70_000, 1), (5, 1200, 7)):
        x = rng.integers(-(2**31) if dtype in "il" else 0, 2**31 if dtype in "il" else 2, shape).astype(dtype)
        x = x * np.int64(2**32 - 5) if dtype == "l" else np.full(shape, 255, dtype) if dtype == "B" else x
        for given in (x, np.asfortranarray(x), np.moveaxis(x, 0, -1)):
            for k in range(1, given.ndim + 1):
                for axes in itertools.combinations(range(given.ndim), k):
                    for keep in (False, True):
                        found = reductions.whole_sum(given, axes, keep)
                        wanted = given.sum(axes, np.int64, keepdims=keep)
                        assert np.shape(found) == np.shape(wanted) and found.dtype == np.int64
                        np.testing.assert_array_equal(found, wanted)
            np.testing.assert_array_equal(reductions.whole_sum(given, None, False), given.sum(dtype=np.int64))


def test_whether_all_or_some_of_a_mask_are_true(native: Any) -> None:
    rng = np.random.default_rng(0)
    for shape in ((200, 300), (40_000, 3), (3, 40_000), (20, 30, 40)):
        for share in (0.0, 0.001, 0.999, 1.0):
            mask = rng.random(shape) < share
            for axes in ((0,), (1,), tuple(range(len(shape))), None):
                for keep in (False, True):
                    np.testing.assert_array_equal(
                        reductions.truth(mask, axes, keep, True), mask.all(axes, keepdims=keep)
                    )
                    np.testing.assert_array_equal(
                        reductions.truth(mask, axes, keep, False), mask.any(axes, keepdims=keep)
                    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64])
def test_places_in_sorted_rows(native: Any, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    for n in (1, 2, 3, 7, 64, 1000):
        row = np.sort(rng.integers(-50, 50, n)).astype(dtype)
        values = rng.integers(-60, 60, (37, 111)).astype(dtype)
        if values.dtype.kind == "f":
            values[0, :3] = [np.inf, -np.inf, np.nan]
        for after in (False, True):
            wanted = np.searchsorted(row, values, "right" if after else "left")
            np.testing.assert_array_equal(counting.look_up(row, values, after), wanted)
            rows = np.stack([row - k for k in range(37)])
            found = counting.look_up(rows, values, after)
            for k in range(37):
                np.testing.assert_array_equal(
                    found[k], np.searchsorted(rows[k], values[k], "right" if after else "left")
                )


@pytest.mark.parametrize("name", ["sum", "product"])
def test_running_sums_and_products_of_integers_wrap_around(native: Any, name: str) -> None:
    x = np.random.default_rng(0).integers(-(2**62), 2**62, (9, 70, 11))
    for dim in range(3):
        wanted = (np.cumsum if name == "sum" else np.cumprod)(x, dim)
        np.testing.assert_array_equal(bulk.running(name, x, dim, False), wanted)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_running_logarithms_of_sums_of_exponentials(native: Any, dtype: Any) -> None:
    x = np.random.default_rng(0).normal(0, 40, (7, 200, 5)).astype(dtype)
    x[0, :3, 0] = [-np.inf, -np.inf, 1]
    x[1, 5, 1], x[2, 6, 2], x[3, 7, 3] = np.inf, np.nan, -np.inf
    for dim in range(3):
        with np.errstate(all="ignore"):
            wanted = np.logaddexp.accumulate(x.astype(np.float64), dim).astype(dtype)
        np.testing.assert_allclose(
            bulk.running("logsumexp", x, dim, False), wanted, rtol=1e-6 if dtype == np.float32 else 1e-14
        )
