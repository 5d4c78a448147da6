"""Rows standardised by one kernel, against double precision and the formulas that do the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import wengert as wg
from wengert import kernels
from wengert.kernels import bulk

SHAPES = [(1, 1), (3, 7), (70, 33), (200, 1024), (5, 2500), (130, 8192)]


def data(shape: tuple[int, ...], dtype: Any, seed: int) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("plain", [False, True])
def test_normalized_rows_and_their_gradients_agree_with_pytorch_in_double_precision(
    native: Any, shape: tuple[int, int], dtype: Any, plain: bool
) -> None:
    x, grad = data(shape, dtype, 0), data(shape, dtype, 1)
    weight, bias = (None, None) if plain else (data(shape[1:], dtype, 2), data(shape[1:], dtype, 3))
    exact = [None if a is None else torch.tensor(a.astype(np.float64), requires_grad=True) for a in (x, weight, bias)]
    expected = torch.nn.functional.layer_norm(exact[0], shape[1:], exact[1], exact[2], 1e-3)
    expected.backward(torch.tensor(grad.astype(np.float64)))
    tolerance = 40 * np.finfo(dtype).eps
    y, mean, variance, scale = bulk.normalized_rows(x, weight, bias, 1e-3)
    np.testing.assert_allclose(y, expected.detach().numpy(), tolerance, tolerance)
    np.testing.assert_allclose(mean[:, 0], x.mean(1, dtype=np.float64), tolerance, tolerance)
    np.testing.assert_allclose(variance[:, 0], x.var(1, dtype=np.float64), tolerance, tolerance)
    np.testing.assert_allclose(scale, 1 / np.sqrt(variance.astype(np.float64) + 1e-3), tolerance)
    found = bulk.normalized_rows_gradients(grad, x, weight, mean, scale, not plain)
    for mine, theirs in zip(found, exact):
        if theirs is None:
            assert mine is None
        else:
            size = 40 * tolerance * max(1.0, np.abs(theirs.grad.numpy()).max())
            np.testing.assert_allclose(mine, theirs.grad.numpy(), tolerance, size)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(2, 4, 3, 40), (5, 1, 8, 1025), (3, 3, 1, 5000)])
@pytest.mark.parametrize("plain", [False, True])
def test_normalized_groups_and_their_gradients_agree_with_pytorch_in_double_precision(
    native: Any, shape: tuple[int, int, int, int], dtype: Any, plain: bool
) -> None:
    samples, groups, each, size = shape
    x, grad = data(shape, dtype, 0) + dtype(3), data(shape, dtype, 1)
    weight, bias = (None, None) if plain else (data((groups * each,), dtype, 2), data((groups * each,), dtype, 3))
    exact = [None if a is None else torch.tensor(a.astype(np.float64), requires_grad=True) for a in (x, weight, bias)]
    expected = torch.nn.functional.group_norm(exact[0].view(samples, -1, size), groups, exact[1], exact[2], 1e-3)
    expected.backward(torch.tensor(grad.astype(np.float64)).view(samples, -1, size))
    tolerance = 40 * np.finfo(dtype).eps
    y, mean, variance, scale = bulk.normalized_groups(shape, x, weight, bias, 1e-3)
    np.testing.assert_allclose(y.reshape(expected.shape), expected.detach().numpy(), tolerance, tolerance)
    np.testing.assert_allclose(variance, x.astype(np.float64).var((2, 3), keepdims=True), tolerance)
    slope, *shares = bulk.normalized_groups_gradients(shape, grad, x, weight, mean, scale)
    found = [slope, *[share.sum(0, dtype=np.float64).reshape(-1) for share in shares]]
    for mine, theirs in zip(found, exact):
        if theirs is not None:
            size_of = 40 * tolerance * max(1.0, np.abs(theirs.grad.numpy()).max())
            np.testing.assert_allclose(mine, theirs.grad.numpy(), tolerance, size_of)


def test_groups_whose_stretches_lie_far_from_one_another_are_normalized(native: Any) -> None:
    x = data((9, 2, 4, 2000), np.float32, 0)
    x[:, :, 0, :1000] += 1e4
    exact = x.astype(np.float64)
    exact = (exact - exact.mean((2, 3), keepdims=True)) / exact.std((2, 3), keepdims=True)
    np.testing.assert_allclose(bulk.normalized_groups((9, 2, 4, 2000), x, None, None, 0.0)[0], exact, 1e-4, 1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 16), (63, 20), (2500, 300)])
def test_moments_of_columns_are_exact_beside_a_large_mean_and_between_far_rows(
    native: Any, shape: tuple[int, int], dtype: Any
) -> None:
    x = data(shape, dtype, 0) + dtype(1000)
    x[: len(x) // 2, ::3] += dtype(1e5)
    x[0, 5] = np.nan
    exact = x.astype(np.longdouble)
    mean, rest, variance = bulk.column_moments(x)
    np.testing.assert_allclose(mean.astype(np.longdouble) + rest, exact.mean(0), 1e-12 if dtype == np.float64 else 2e-7)
    tolerance = 100 * np.finfo(dtype).eps
    np.testing.assert_allclose(variance, exact.var(0), tolerance, tolerance)


def test_rows_with_a_mean_that_is_large_beside_their_deviation_are_normalized(native: Any) -> None:
    x = (data((40, 600), np.float64, 0) + 1e4).astype(np.float32)
    exact = x.astype(np.float64)
    exact = (exact - exact.mean(1, keepdims=True)) / np.sqrt(exact.var(1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(bulk.normalized_rows(x, None, None, 1e-5)[0], exact, 1e-4, 1e-5)


def test_a_row_with_a_special_number_leaves_the_others_alone(native: Any) -> None:
    x = data((30, 100), np.float32, 0)
    expected = bulk.normalized_rows(x, None, None, 1e-5)[0].copy()
    for special in (np.nan, np.inf):
        x[7, 5] = special
        y = bulk.normalized_rows(x, None, None, 1e-5)[0]
        assert np.isnan(y[7]).all()
        np.testing.assert_array_equal(np.delete(y, 7, 0), np.delete(expected, 7, 0))


@pytest.mark.skipif(kernels.COMPILED is None, reason="NumPy does the work")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normalized_rows_are_the_same_to_the_last_bit_for_any_number_of_threads(dtype: Any) -> None:
    x, grad, weight = data((500, 301), dtype, 0), data((500, 301), dtype, 1), data((301,), dtype, 2)
    before = kernels.get_num_threads()
    found = []
    for count in (1, 2, 3):
        kernels.set_num_threads(count)
        y, mean, variance, scale = bulk.normalized_rows(x, weight, weight, 1e-5)
        slopes = bulk.normalized_rows_gradients(grad, x, weight, mean, scale, True)
        found.append([a.tobytes() for a in (y, mean, variance, scale, *slopes)])
    kernels.set_num_threads(before)
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(7, 3), (70, 33), (2, 5, 1024), (5, 9000)])
def test_rms_norm_is_the_same_in_one_pass_and_as_a_graph(shape: tuple[int, ...], weighted: bool, dtype: Any) -> None:
    x = wg.tensor(data(shape, dtype, 0))
    weight = wg.tensor(data(shape[-1:], dtype, 1)) if weighted else None
    alone = wg.nn.functional.rms_norm(x, shape[-1:], weight, 1e-3)
    recorded = wg.nn.functional.rms_norm(x.requires_grad_(), shape[-1:], weight, 1e-3)
    assert recorded.grad_fn is not None
    tolerance = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(alone.numpy(), recorded.detach().numpy(), tolerance, tolerance)
    turned = wg.nn.functional.rms_norm(x.detach().transpose(0, -1), (shape[0],))
    expected = x.detach().transpose(0, -1).numpy()
    expected = expected / np.sqrt((expected**2).mean(-1, keepdims=True) + np.finfo(dtype).eps)
    np.testing.assert_allclose(turned.numpy(), expected, 8 * tolerance, tolerance)
