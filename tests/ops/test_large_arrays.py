"""Operators that work in blocks give, past the size of a block, what they give at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import wengert
from wengert.kernels import bulk

Program = Callable[..., Any]


def assert_like_torch(program: Program, *shapes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape) for shape in shapes]
    found = []
    for xp in (wengert, torch):
        inputs = [xp.from_numpy(a.copy()).requires_grad_() for a in arrays]
        result = program(xp, *inputs)
        result.backward(xp.arange(result.numel(), dtype=xp.float64).reshape(result.shape).cos())
        found.append([result.detach().numpy()] + [t.grad.numpy() for t in inputs])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("shape", "dim"), [((200000,), 0), ((300, 1000), 0), ((300, 1000), 1), ((3, 70000, 2), 1)])
def test_a_running_sum_in_blocks_rounds_once_at_each_place(shape: tuple[int, ...], dim: int) -> None:
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    t = wengert.from_numpy(x).requires_grad_()
    total = t.cumsum(dim)
    np.testing.assert_array_equal(total.detach().numpy(), np.cumsum(x, dim, np.float64).astype(np.float32))
    total.backward(wengert.from_numpy(x))
    rest = np.flip(np.cumsum(np.flip(x, dim), dim, np.float64), dim).astype(np.float32)
    np.testing.assert_array_equal(t.grad.numpy(), rest)


@pytest.mark.parametrize("dim", [0, 1])
def test_scatter_add_in_blocks_reaches_every_row(dim: int) -> None:
    index = np.random.default_rng(1).integers(0, 300, (600, 300))
    assert_like_torch(lambda xp, x, y: x.scatter_add(dim, xp.from_numpy(index), y), (700, 300), (600, 300))


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, float("inf")])
def test_distances_in_blocks_agree_with_torch(p: float) -> None:
    assert_like_torch(lambda xp, x, y: xp.cdist(x, y, p=p), (3, 1, 300, 20), (2, 100, 20))
    assert_like_torch(lambda xp, x: xp.nn.functional.pdist(x, p), (300, 9))


@pytest.mark.parametrize("is_causal", [False, True])
def test_attention_in_blocks_of_queries_agrees_with_torch(is_causal: bool) -> None:
    def attention(xp: Any, q: Any, k: Any, v: Any) -> Any:
        return xp.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=is_causal)

    assert_like_torch(attention, (2, 4, 333, 8), (2, 4, 333, 8), (2, 4, 333, 8))


def test_attention_in_blocks_takes_the_rows_of_its_mask() -> None:
    mask = np.random.default_rng(1).standard_normal((333, 400))

    def attention(xp: Any, q: Any, k: Any, v: Any) -> Any:
        return xp.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=xp.from_numpy(mask), enable_gqa=True)

    assert_like_torch(attention, (2, 4, 333, 8), (2, 2, 400, 8), (2, 2, 400, 8))


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("shape", [(300, 700), (3, 500, 90), (2000, 50, 2), (40, 3, 900)])
def test_places_of_extremes_along_leading_dimensions_are_numpys(shape: Any, compiled: bool, monkeypatch: Any) -> None:
    if not compiled:
        monkeypatch.setattr(bulk, "_native", None)
    array = np.random.default_rng(0).integers(0, 9, shape).astype(np.float32)
    array.reshape(-1)[::101] = np.nan
    x = wengert.from_numpy(array)
    for dim in range(len(shape)):
        assert np.array_equal(x.argmax(dim).numpy(), array.argmax(dim))
        assert np.array_equal(x.min(dim, keepdim=True)[1].numpy(), array.argmin(dim, keepdims=True))


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_images_sampled_at_many_points_and_their_gradients_are_pytorchs(
    mode: str, padding: str, compiled: bool, monkeypatch: Any
) -> None:
    if not compiled:
        monkeypatch.setattr(bulk, "_native", None)
    for aligned in (False, True):
        assert_like_torch(
            lambda xp, x, grid, aligned=aligned: xp.nn.functional.grid_sample(x, grid, mode, padding, aligned),
            (2, 3, 9, 13),
            (2, 70, 90, 2),
        )
