"""Histograms, runs, margins of labels and triangles by kernels, against NumPy and PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from wengert import kernels
from wengert.kernels import bulk

FLOATS = [np.float32, np.float64]


def data(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("bins", [1, 7, 100, 3000])
@pytest.mark.parametrize("limits", [(-1.0, 1.0), (-0.3, 2.7), (0.0, 1e-3)])
def test_a_histogram_counts_as_numpy_does(native: Any, limits: tuple[float, float], bins: int, dtype: Any) -> None:
    edges = np.histogram_bin_edges(np.empty(0, dtype), bins, limits)
    x = np.concatenate([data((100_000,), dtype), edges, [np.nan, np.inf, -np.inf, -0.0]]).astype(dtype)
    found = bulk.histogram(x, edges)
    np.testing.assert_array_equal(found, np.histogram(x[np.isfinite(x)], bins, limits)[0])
    assert found.dtype == np.int64
    np.testing.assert_array_equal(bulk.histogram(x[::3], edges), np.histogram(x[::3], bins, limits)[0])


@pytest.mark.parametrize("dtype", [*FLOATS, np.int32, np.int64])
@pytest.mark.parametrize("n", [1, 5, 1024, 5000])
@pytest.mark.parametrize("kinds", [1, 3, 100])
def test_the_first_of_each_run_is_kept(native: Any, n: int, dtype: Any, kinds: int) -> None:
    x = np.random.default_rng(0).integers(0, kinds, 2 * n).astype(dtype)
    for part in (x[:n], x[::2]):
        starts = np.concatenate([[True], part[1:] != part[:-1]])
        np.testing.assert_array_equal(bulk.run_starts(part, starts), part[starts])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (40, 33), (7, 160)])
def test_margins_of_labels_and_their_slopes_are_pytorchs(native: Any, shape: tuple[int, int], dtype: Any) -> None:
    x, rng = data(shape, dtype), np.random.default_rng(1)
    target = np.full(shape, -1)
    width = min(4, shape[1])
    target[:, :width] = rng.integers(0, shape[1], (shape[0], width))  # some of them twice
    target[-1, width - 1] = -1
    chosen, slope, loss = np.empty_like(x), np.empty_like(x), np.empty(shape[0], dtype)
    bulk.label_margins(x, target, chosen, loss, slope)
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
        bulk.label_margins(x, np.array([[0, -1, 0], [3, -1, 0]]), x.copy(), np.empty(2, np.float32), x.copy())


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
        found = bulk.true_places(part)
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
            bulk.histogram(np.tile(x, (3, 1)), edges),
            bulk.picked(x, 1, index, factors, True),
            bulk.distance_sums(points, points, weight, 2, True),
        ]
        found.append([a.tobytes() for a in results])
    kernels.set_num_threads(before)
    assert found[0] == found[1] == found[2]
