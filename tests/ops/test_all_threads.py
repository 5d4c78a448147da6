"""Operators on arrays that several threads share: values are PyTorch's, bits do not depend on the number of threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

import wengert as wg

N = 90_001


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = wg.get_num_threads()
    wg.set_num_threads(3)
    yield
    wg.set_num_threads(before)


def data(dtype: str, shape: tuple[int, ...] = (N,), seed: int = 0) -> Any:
    x = np.random.default_rng(seed).normal(0, 30, shape)
    return x > 0 if dtype == "bool" else x.astype(dtype)


def matrix(t: Any, dtype: str = "float32") -> Any:
    return t.tensor(data(dtype, (301, 299)))


EXACT: dict[str, Callable[[Any], Any]] = {
    "clone": lambda t: matrix(t).clone(),
    "clone of a transpose": lambda t: matrix(t).t().clone(),
    "clone of a part": lambda t: matrix(t)[:, 1:].clone(),
    "contiguous": lambda t: matrix(t).t().contiguous(),
    "copy_": lambda t: t.zeros(301, 299).copy_(matrix(t)),
    "copy_ of a transpose": lambda t: t.zeros(299, 301).copy_(matrix(t).t()),
    "copy_ into a transpose": lambda t: t.zeros(301, 299).t().copy_(matrix(t).t()),
    "copy_ of a row": lambda t: t.zeros(301, 299).copy_(matrix(t)[0]),
    "copy_ of integers": lambda t: t.zeros(301, 299).copy_(matrix(t, "int64")),
    "copy_ into integers": lambda t: t.zeros(301, 299, dtype=t.int64).copy_(matrix(t)),
    "copy_ into halves": lambda t: t.zeros(301, 299, dtype=t.float16).copy_(matrix(t, "float64").t().clone().t()),
    "copy_ of a mask": lambda t: t.zeros(301, 299, dtype=t.float64).copy_(matrix(t, "bool")),
    "fill_": lambda t: matrix(t).fill_(2.5),
    "zero_ of a part": lambda t: matrix(t)[:, ::2].zero_(),
    "full": lambda t: t.full((301, 299), 3, dtype=t.int32),
    "ones": lambda t: t.ones(301, 299, dtype=t.bool),
    "half": lambda t: matrix(t).half(),
    "half of double": lambda t: matrix(t, "float64").half(),
    "float of half": lambda t: matrix(t, "float16").float(),
    "long": lambda t: matrix(t).long(),
    "bool": lambda t: matrix(t).bool(),
    "double of int": lambda t: matrix(t, "int32").double(),
    "arange": lambda t: t.arange(0.5, 50_000, 0.5),
    "cat": lambda t: t.cat([matrix(t), matrix(t)[:, :7], matrix(t).t()[:, :299].reshape(299, 299)[:0].reshape(0)], 1),
    "cat of masks": lambda t: t.cat([matrix(t, "bool"), matrix(t, "bool")]),
    "stack": lambda t: t.stack([matrix(t), -matrix(t)], -1),
    "roll": lambda t: matrix(t).roll((3, -4), (0, 1)),
    "roll of all": lambda t: matrix(t).roll(5),
    "repeat": lambda t: matrix(t).repeat(2, 1, 3),
    "setitem": lambda t: written(matrix(t), (slice(1, None), slice(None, -1)), matrix(t)[:-1, 1:]),
    "setitem by a mask": lambda t: written(matrix(t), matrix(t) > 3, 7.0),
    "getitem by a mask": lambda t: matrix(t)[matrix(t) > 3],
    "masked_select": lambda t: matrix(t, "int64").masked_select(matrix(t)[0] > 3),
    "masked_fill_": lambda t: matrix(t).masked_fill_(matrix(t) > 3, -1.0),
    "logical_not": lambda t: matrix(t).logical_not(),
    "bitwise": lambda t: (matrix(t, "int64") & 12) | (matrix(t, "int64") ^ 5) | (~matrix(t, "int64")),
    "shifts": lambda t: (matrix(t, "int64") << 3) + (matrix(t, "int64") >> 1),
    "floor_divide": lambda t: matrix(t, "int64") // 7 + matrix(t, "int64") % 5,
    "comparisons": lambda t: (matrix(t) > 1) & (matrix(t).t().contiguous().t() <= 20),
    "rounding": lambda t: (
        matrix(t).floor() + matrix(t).ceil() + matrix(t).round() + matrix(t).trunc() + matrix(t).frac()
    ),
    "maximum": lambda t: t.maximum(matrix(t), matrix(t)[0, 0]) - t.minimum(matrix(t), matrix(t).flip(0)),
    "copysign": lambda t: t.copysign(matrix(t), matrix(t).flip(0)),
    "nextafter": lambda t: t.nextafter(matrix(t), matrix(t).flip(0)),
    "sums of integers": lambda t: matrix(t, "int32").sum(0) + matrix(t, "bool").sum(0) + matrix(t, "int64").sum(),
    "all and any": lambda t: (matrix(t) > -90).all(1, keepdim=True) | (matrix(t) > 90).any(0),
    "cumsum": lambda t: matrix(t, "int64").cumsum(1) + matrix(t, "int64").cumprod(0),
    "searchsorted": lambda t: t.searchsorted(matrix(t)[0].sort()[0], matrix(t)),
    "bucketize": lambda t: t.bucketize(matrix(t, "int64"), t.arange(-20, 20, 3), right=True),
}


def written(x: Any, key: Any, value: Any) -> Any:
    x[key] = value
    return x


@pytest.mark.parametrize("name", EXACT)
def test_values_dtypes_and_strides_are_pytorchs(three_threads: None, name: str) -> None:
    found, wanted = EXACT[name](wg), EXACT[name](torch)
    assert str(found.dtype).split(".")[-1] == str(wanted.dtype).split(".")[-1]
    assert tuple(found.stride()) == wanted.stride()
    np.testing.assert_array_equal(found.numpy(), wanted.numpy())


CLOSE: dict[str, Callable[[Any, Any], Any]] = {
    "power": lambda t, x: x.abs() ** 1.7,
    "square": lambda t, x: x**2,
    "reciprocal": lambda t, x: x.reciprocal(),
    "from a number": lambda t, x: 3 - x,
    "deg2rad": lambda t, x: x.deg2rad(),
    "atan2": lambda t, x: t.atan2(x, x.flip(0)),
    "asinh": lambda t, x: x.asinh(),
    "exp2": lambda t, x: (x / 9).exp2(),
    "logcumsumexp": lambda t, x: x.logcumsumexp(1),
    "linspace": lambda t, x: x + t.linspace(-1, 7, x.numel(), dtype=x.dtype).reshape(x.shape),
    "rfft": lambda t, x: t.fft.rfft(x),
    "fft": lambda t, x: t.fft.ifft(t.fft.fft(x), dim=0),
    "batch_norm with given moments": lambda t, x: t.nn.functional.batch_norm(
        x, x[0].abs(), x[1].abs() + 1, x[2], x[3], training=False
    ),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CLOSE)
def test_values_are_close_to_pytorchs_and_bits_the_same_for_any_number_of_threads(name: str, dtype: str) -> None:
    before = wg.get_num_threads()
    results = []
    for threads in (1, 2, 3):
        wg.set_num_threads(threads)
        results.append(CLOSE[name](wg, matrix(wg, dtype)).numpy())
    wg.set_num_threads(before)
    for other in results[1:]:
        np.testing.assert_array_equal(results[0], other)
    wanted = CLOSE[name](torch, matrix(torch, dtype)).numpy()
    tolerance = 3e-6 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(
        results[0], wanted, rtol=tolerance, atol=tolerance * np.abs(wanted[np.isfinite(wanted)]).max()
    )


def test_gradients_of_sums_into_rows(three_threads: None) -> None:
    index = np.random.default_rng(0).integers(0, 500, 3000)
    found = []
    for t in (wg, torch):
        x = t.tensor(data("float64", (500, 64))).requires_grad_()
        rows = t.tensor(data("float64", (3000, 64), 1)).requires_grad_()
        y = x.index_add(0, t.tensor(index), rows)
        (y * y).sum().backward()
        found.append([a.detach().numpy() for a in (y, x.grad, rows.grad)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-9)  # sums of a few dozen numbers below 100
