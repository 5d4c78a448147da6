"""A formula gives the same results through the compiled machine, through NumPy over blocks, and as plain NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wengert.kernels import blocks, elementwise, formula, rowwise
from wengert.kernels.formula import Blocked
from wengert.kernels.tracing import column_sum, row_max, row_mean, row_product, row_sum

DTYPES = (np.float32, np.float64)
TOLERANCE = {np.float32: 3e-5, np.float64: 1e-12}


def chain(x: Any, y: Any) -> Any:
    return np.where(x > y, np.tanh(x * y + x) * 2 - x, np.exp(-abs(x)) / (1 + y * y))


def pair(x: Any, y: Any) -> Any:
    return x * y + 1, x > y


def softmax(x: Any) -> Any:
    e = np.exp(x - row_max(x))
    return e / row_sum(e)


def normalize(x: Any, weight: Any, eps: Any) -> Any:
    mean = row_mean(x)
    centred = x - mean
    rstd = 1 / np.sqrt(row_mean(centred * centred) + eps)
    return centred * rstd * weight, mean, rstd


def normalize_slope(grad: Any, x: Any, weight: Any, mean: Any, rstd: Any) -> Any:
    hat = (x - mean) * rstd
    scaled = grad * weight
    return (scaled - (hat * row_mean(scaled * hat) + row_mean(scaled))) * rstd, column_sum(grad * hat), column_sum(grad)


def both(function: Any, rows: bool) -> tuple[Any, Any]:
    """The callable of this process (compiled if the kernels were built) and the one that always runs NumPy."""
    return (rowwise if rows else elementwise)(function), Blocked(function, rows)


def sample(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


@pytest.fixture(params=["small blocks", "usual blocks"], autouse=True)
def block_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small blocks send small arrays the way of large ones."""
    if request.param == "small blocks":
        monkeypatch.setattr(blocks, "BLOCK", 64)
        monkeypatch.setattr(blocks, "WHOLE_ROW", 256)
        monkeypatch.setattr(formula, "DIRECT", 8)


def close(found: Any, expected: Any, dtype: Any, factor: float = 1) -> None:
    found, expected = (x if isinstance(x, tuple) else (x,) for x in (found, expected))
    for a, b in zip(found, expected, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(a, b, rtol=TOLERANCE[dtype] * factor, atol=TOLERANCE[dtype] * factor)


LAYOUTS = {
    "contiguous": lambda x: x,
    "transposed": lambda x: x.T,
    "every other": lambda x: x[:, ::2],
    "backwards": lambda x: x[::-1, ::-1],
    "one column": lambda x: x[:, :1],
    "repeated": lambda x: np.broadcast_to(x[:1], x.shape),
    "three dimensions": lambda x: x.reshape(x.shape[0], -1, 5).transpose(2, 0, 1),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_an_elementwise_formula_does_not_depend_on_the_layout_of_its_operands(dtype: Any, layout: str) -> None:
    x, y = (LAYOUTS[layout](sample((70, 150), dtype, seed)) for seed in (0, 1))
    for kernel in both(chain, False):
        close(kernel(x, y), chain(x, y), dtype)


@pytest.mark.parametrize(
    "shapes", [((40, 1), (1, 50)), ((7, 1, 30), (5, 30)), ((1,), (200,)), ((3, 4), (1, 1)), ((1, 1), (1,))]
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_operands_are_broadcast(dtype: Any, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    x, y = sample(shapes[0], dtype), sample(shapes[1], dtype, 1)
    for kernel in both(chain, False):
        close(kernel(x, y), chain(x, y), dtype)
        close(kernel(x, 0.5), chain(x, 0.5), dtype)


@pytest.mark.parametrize("columns", [100, 300, 5000])
def test_rows_of_operands_that_are_parts_or_broadcast_are_read_in_place(columns: int) -> None:
    x = np.random.default_rng(0).normal(size=(6, 9, columns + 3))
    part, row, number = x[1:, ::2, 2:-1], x[0, 0, :columns], x[1:, ::2, :1]
    expected = np.where(part > number, part, part * number) + row
    formula = elementwise(lambda a, b, c: np.where(a > b, a, a * b) + c)
    np.testing.assert_allclose(formula(part, number, row), expected, 1e-15)
    np.testing.assert_allclose(formula(part, np.broadcast_to(number, part.shape), row), expected, 1e-15)
    np.testing.assert_array_equal(elementwise(lambda a, b: np.where(a, b, -b))(part > 0, part), np.abs(part))


@pytest.mark.parametrize("columns", [1, 5, 16, 17, 100, 300, 5000])
@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_of_rows_and_columns_are_repeated_with_their_signs(columns: int, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(7, 4, 30, columns)).astype(dtype)
    signed = np.array([0.0, -0.0, np.nan, np.inf, -2.0], dtype)
    expected: Any
    for shape in ((1, 1, 30, 1), (7, 1, 1, 1), (7, 4, 1, columns), (4, 30, 1), (7, 1, 30, 1)):
        number = rng.choice(signed, shape)
        mask = number > -1
        expected = np.where(mask, np.copysign(x, number), number)
        for kernel in both(lambda a, m, b: np.where(m, np.copysign(a, b), b), False):
            found = kernel(x, mask, number)
            np.testing.assert_array_equal(found, expected)
            np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))
            for swapped in (found.swapaxes(0, 2), found[::-1, :, ::2]):
                np.testing.assert_array_equal(kernel(swapped, swapped, swapped), np.where(swapped, swapped, swapped))


def test_several_results_and_masks_come_back_with_their_dtypes() -> None:
    x, y = sample((30, 40), np.float32), sample((30, 40), np.float32, 1)
    for kernel in both(pair, False):
        close(kernel(x, y), pair(x, y), np.float32)


@pytest.mark.parametrize("layout", ["contiguous", "transposed", "every other", "backwards", "one column"])
@pytest.mark.parametrize("shape", [(40, 60), (3, 9000), (2, 1050)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_row_formula_works_on_short_and_long_rows_of_any_layout(dtype: Any, shape: Any, layout: str) -> None:
    x = LAYOUTS[layout](sample(shape, dtype))
    e = np.exp(x.astype(np.float64) - x.max(-1, keepdims=True))
    expected = (e / e.sum(-1, keepdims=True)).astype(dtype)
    for kernel in both(softmax, True):
        close(kernel(1, x), expected, dtype)


@pytest.mark.parametrize("shape", [(40, 60), (3, 9000), (2, 1050), (5, 1)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_products_and_sums_of_numbers_over_short_and_long_rows(dtype: Any, shape: tuple[int, int]) -> None:
    x = (1 + sample(shape, dtype) / 100).astype(dtype)
    x[0, ::3] = -x[0, ::3]
    holed = np.where(sample(shape, dtype, 1) > 1, np.nan, x).astype(dtype)
    for function, array, expected in (
        (row_product, x, np.multiply.reduce(x.astype(float), 1, keepdims=True)),
        (lambda x: row_sum(np.where(x == x, x, 0.0)), holed, np.nansum(holed.astype(float), 1, keepdims=True)),
    ):
        for kernel in both(function, True):
            np.testing.assert_allclose(kernel(1, array), expected, rtol=1e2 * np.finfo(dtype).eps)


@pytest.mark.parametrize("shape", [(6, 5, 4, 7), (3, 2, 70, 90)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_of_several_strided_dimensions_are_normalized_like_channels(dtype: Any, shape: tuple[int, ...]) -> None:
    x = sample(shape, dtype).transpose(1, 0, 2, 3)
    weight = sample((shape[1], 1, 1, 1), dtype, 1)
    wide = x.astype(np.float64)
    mean = wide.mean((1, 2, 3), keepdims=True)
    rstd = 1 / np.sqrt(wide.var((1, 2, 3), keepdims=True) + 1e-5)
    expected = tuple(v.astype(dtype) for v in ((wide - mean) * rstd * weight, mean, rstd))
    for kernel in both(normalize, True):
        close(kernel(3, x, weight, 1e-5), expected, dtype, 3)


@pytest.mark.parametrize("shape", [(50, 30), (200, 300), (3, 9000)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_over_columns_come_back_beside_rows(dtype: Any, shape: tuple[int, int]) -> None:
    x, grad = sample(shape, dtype), sample(shape, dtype, 1)
    weight = sample(shape[-1:], dtype, 2)
    _, mean, rstd = both(normalize, True)[1](1, x, weight, 1e-5)
    hat = (x - mean) * rstd
    scaled = grad * weight
    first = (scaled - hat * (scaled * hat).mean(-1, keepdims=True) - scaled.mean(-1, keepdims=True)) * rstd
    expected = (first, (grad * hat).sum(0, keepdims=True), grad.sum(0, keepdims=True))
    for kernel in both(normalize_slope, True):
        close(kernel(1, grad, x, weight, mean, rstd), expected, dtype, 10)


def test_half_precision_is_computed_in_single_and_rounded_once() -> None:
    x, y = sample((20, 30), np.float16), sample((20, 30), np.float16, 1)
    for kernel in both(chain, False):
        expected = chain(x.astype(np.float32), y.astype(np.float32)).astype(np.float16)
        np.testing.assert_array_max_ulp(kernel(x, y), expected, 1)


def late(x: Any, y: Any) -> Any:
    """The first result is complete before y is read for the last time."""
    first = x * 2
    return first, first + y * x


@pytest.mark.parametrize("swapped", [False, True])
def test_results_may_be_written_over_operands(swapped: bool) -> None:
    for kernel in both(late, False):
        x, y = sample((50, 60), np.float64), sample((50, 60), np.float64, 1)
        expected = late(x, y)
        kernel.into((y, x) if swapped else (x, y), x, y)
        found = (y, x) if swapped else (x, y)
        close(found, expected, np.float64)


def test_results_may_overlap_operands_partly() -> None:
    for kernel in both(late, False):
        memory = sample((5000,), np.float64)
        x, y, target = memory[:-1].copy(), sample((4999,), np.float64, 1), np.empty(4999)
        expected = late(x, y)
        kernel.into((memory[1:], target), memory[:-1], y)
        close((memory[1:], target), expected, np.float64)


#: Formulas of two instructions that become one.
JOINED: list[Any] = [
    lambda x, y, z: x * y + z,
    lambda x, y, z: z + x * y,
    lambda x, y, z: x * y - z,
    lambda x, y, z: z - x * y,
    lambda x, y, z: np.minimum(np.maximum(x, y), z),
    lambda x, y, z: np.where(x > 0, y, z),
    lambda x, y, z: np.where(x > 0, y, z * y),
]


@pytest.mark.parametrize("function", JOINED)
@pytest.mark.parametrize("dtype", DTYPES)
def test_instructions_that_are_joined_keep_nan_zeros_and_infinities(function: Any, dtype: Any) -> None:
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5, -2.0, 1e-40], dtype)
    x, y, z = (a.ravel() for a in np.meshgrid(special, special, special))
    kernels = both(function, False)
    with np.errstate(all="ignore"):
        for operands in ((x, y, z), (x, 0.5, z), (x, y, np.nan), (x, -1.0, 1.0), (0.5, y, z)):
            expected = function(*[np.asarray(a, dtype) for a in operands])
            for kernel in kernels:
                np.testing.assert_allclose(kernel(*operands), expected, TOLERANCE[dtype])


def test_only_a_comparison_with_zero_is_joined_with_its_choice() -> None:
    x, y, z = (sample((300,), np.float64, seed) for seed in range(3))
    for kernel in both(lambda x, y, z: np.where(x > 0.5, y, z), False):
        np.testing.assert_array_equal(kernel(x, y, z), np.where(x > 0.5, y, z))


def test_the_difference_of_equal_products_is_zero() -> None:
    x, y = sample((1000,), np.float64), sample((1000,), np.float64, 1)
    for kernel in both(lambda x, y: x * y - y * x, False):
        assert (kernel(x, y) == 0).all()
