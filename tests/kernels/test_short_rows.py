"""Rows of few elements are taken several at a time: the results are those of the rows one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.kernels import arrays, elementwise, formulas, normalizations, rowwise
from wengert.kernels.formula import Blocked
from wengert.kernels.tracing import column_sum, columns, row_max, row_mean, row_min, row_product, row_sum

DTYPES = (np.float32, np.float64)
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-13}
COLUMNS = (1, 2, 3, 4, 7, 8, 10, 16, 31, 32, 33)
ROWS = (33, 95, 1000)


def sample(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def close(found: Any, expected: Any, dtype: Any) -> None:
    found, expected = (x if isinstance(x, tuple) else (x,) for x in (found, expected))
    for a, b in zip(found, expected, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        scale = max(1.0, float(np.abs(b).max()))
        np.testing.assert_allclose(a, b, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * scale)


def same_as_numpy(kernel: Any, function: Any, dtype: Any, *operands: Any, dims: int = 1) -> None:
    close(kernel(dims, *operands), Blocked(function, True)(dims, *operands), dtype)


def everything(x: Any, y: Any, shift: Any, weight: Any) -> Any:
    """Reductions of reductions, numbers of rows and of columns, a constant, a result of each kind, a mask."""
    centred = (x - row_mean(x)) * weight + shift
    spread = np.sqrt(row_sum(centred * centred) / columns() + 0.5)
    return centred / spread * y, spread, row_max(x) - row_min(y), row_product(x * 0.5 + 1), x > row_max(y) * 0.3


def with_sums(x: Any, y: Any, shift: Any) -> Any:
    scaled = x * y - row_sum(x) * shift
    return scaled, column_sum(scaled), row_max(scaled), column_sum(x)


@pytest.mark.parametrize("n", COLUMNS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_program_over_short_rows_agrees_with_numpy(dtype: Any, n: int) -> None:
    kernel = rowwise(everything)
    for rows in ROWS:
        x, y, shift = sample((rows, n), dtype), sample((rows, n), dtype, 1), sample((rows, 1), dtype, 2)
        weight = sample((1, n), dtype, 3)
        same_as_numpy(kernel, everything, dtype, x, y, shift, weight)
        same_as_numpy(kernel, everything, dtype, x, weight, 0.25, y)


@pytest.mark.parametrize("n", COLUMNS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_column_sums_beside_row_reductions_agree_with_numpy(dtype: Any, n: int) -> None:
    kernel = rowwise(with_sums)
    for rows in ROWS:
        operands = sample((rows, n), dtype), sample((rows, n), dtype, 1), sample((rows, 1), dtype, 2)
        same_as_numpy(kernel, with_sums, dtype, *operands)


LAYOUTS = {
    "transposed": np.asfortranarray,
    "every other": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "backwards": lambda x: x[::-1, ::-1],
    "a part": lambda x: np.pad(x, ((1, 2), (3, 1)))[1:-2, 3:-1],
    "one row for all": lambda x: np.broadcast_to(x[:1], x.shape),
    "a mask": lambda x: x > 0,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_operands_of_short_rows_may_lie_anyhow(dtype: Any, layout: str) -> None:
    kernel = rowwise(everything)
    x, y, shift = sample((200, 6), dtype), LAYOUTS[layout](sample((200, 6), dtype, 1)), sample((200, 1), dtype, 2)
    weight = LAYOUTS[layout](sample((200, 6), dtype, 3))
    same_as_numpy(kernel, everything, dtype, x, y, shift, weight)
    same_as_numpy(kernel, everything, dtype, x, y, np.broadcast_to(shift[:1], shift.shape), weight)


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_of_several_dimensions_and_of_several_columns(dtype: Any) -> None:
    kernel = rowwise(everything)
    x, y = sample((5, 40, 2, 3), dtype), sample((40, 5, 2, 3), dtype, 1).transpose(1, 0, 2, 3)
    shift, weight = sample((5, 1, 1, 1), dtype, 2), sample((3,), dtype, 3)
    same_as_numpy(kernel, everything, dtype, x, y, shift, weight, dims=2)


@pytest.mark.parametrize("dtype", DTYPES)
def test_special_values_stay_in_their_rows(dtype: Any) -> None:
    x = sample((100, 5), dtype)
    clean = formulas.softmax(1, x.copy())
    x[3, 2], x[50, 0], x[99, 4] = np.nan, np.inf, -np.inf
    with np.errstate(all="ignore"):
        found = formulas.softmax(1, x.copy())
    assert np.isnan(found[[3, 50]]).all()
    assert found[99, 4] == 0
    rest = np.delete(np.arange(100), [3, 50, 99])
    np.testing.assert_array_equal(found[rest], clean[rest])


def test_the_number_of_threads_changes_no_bit() -> None:
    x, weight = sample((20_000, 7), np.float32), sample((7,), np.float32)
    before = wg.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 3):
            wg.set_num_threads(threads)
            slopes = normalizations.normalize_slopes(1, x, x, weight, x[:, :1], x[:, 1:2])
            sums = formulas.products_below(1, x, x, weight[None], weight[None])
            found.append([a.tobytes() for a in (*slopes, *sums, arrays.add(x, weight))])
    finally:
        wg.set_num_threads(before)
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("n", COLUMNS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_over_all_rows_of_a_narrow_table(dtype: Any, n: int) -> None:
    for rows in (3, 700, 5003):
        grad, x, mean, rstd = (sample(s, dtype, i) for i, s in enumerate([(rows, n), (rows, n), (1, n), (1, n)]))
        found = formulas.products_below(1, grad, x, mean, rstd)
        wide = [a.astype(np.longdouble) for a in (grad, x, mean, rstd)]
        hat = (wide[1] - wide[2]) * wide[3]
        for got, expected in zip(found, ((wide[0] * hat).sum(0), wide[0].sum(0)), strict=True):
            limit = np.finfo(dtype).eps * 8 * float(np.abs(hat * wide[0]).sum(0).max() + np.abs(wide[0]).sum(0).max())
            assert np.abs(got.reshape(-1) - expected).max() <= limit


@pytest.mark.parametrize("n", COLUMNS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_single_operators_broadcast_over_short_rows(dtype: Any, n: int) -> None:
    for rows in (17, 1000, 4001):
        x, row, column = sample((rows, n), dtype), sample((n,), dtype, 1), sample((rows, 1), dtype, 2)
        for second in (row, column, x[:, :1], np.float64(2).astype(dtype)):
            for name in ("add", "subtract", "multiply", "divide"):
                operator, expected = getattr(arrays, name), getattr(np, name)
                np.testing.assert_array_equal(operator(x, second), expected(x, second))
                np.testing.assert_array_equal(operator(second, x), expected(second, x))


@pytest.mark.parametrize("n", COLUMNS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_formulas_broadcast_over_short_rows(dtype: Any, n: int) -> None:
    formula = elementwise(lambda x, row, column, z: np.where(x > row, x * column, z) + row)
    for rows in (900, 5001):
        x, row, column = sample((rows, n), dtype), sample((n,), dtype, 1), sample((rows, 1), dtype, 2)
        z = sample((n, rows), dtype, 3).T
        expected = np.where(x > row, x * column, z) + row
        np.testing.assert_allclose(formula(x, row, column, z), expected, TOLERANCE[dtype], TOLERANCE[dtype])


@pytest.mark.parametrize("shape", [(4000, 1), (4001, 3), (3000, 10), (700, 2, 2), (513, 5, 4)])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_batch_norm_of_narrow_tables_agrees_with_double_precision(shape: tuple[int, ...], offset: float) -> None:
    x = sample(shape, np.float32) + np.float32(offset)
    axes, some = tuple(i for i in range(len(shape)) if i != 1), (1, shape[1], *[1] * (len(shape) - 2))
    grad, weight, bias = sample(shape, np.float32, 1), sample(some, np.float32, 2), sample(some, np.float32, 3)
    leaves = [wg.tensor(a, requires_grad=True) for a in (x, weight.reshape(-1), bias.reshape(-1))]
    y = wg.nn.functional.batch_norm(leaves[0], None, None, leaves[1], leaves[2], training=True)
    found = wg.autograd.grad(y, leaves, wg.tensor(grad))
    g, w, exact = (a.astype(np.float64) for a in (grad, weight, x))
    rstd = 1 / np.sqrt(exact.var(axes, keepdims=True) + 1e-5)
    hat = (exact - exact.mean(axes, keepdims=True)) * rstd
    slope = (g - (hat * (g * hat).mean(axes, keepdims=True) + g.mean(axes, keepdims=True))) * w * rstd
    limit = 2e-5 * max(1.0, offset / 10)
    np.testing.assert_allclose(y.detach().numpy(), hat * w + bias, rtol=limit, atol=limit)
    np.testing.assert_allclose(found[0].numpy(), slope, rtol=limit, atol=limit)
    size = float(np.sqrt(x.size))
    np.testing.assert_allclose(found[1].numpy(), (g * hat).sum(axes), rtol=limit, atol=limit * size)
    np.testing.assert_allclose(found[2].numpy(), g.sum(axes), rtol=limit, atol=limit * size)


@pytest.mark.parametrize("shapes", [((50, 3, 1), (50, 1, 4)), ((50, 1, 1), (50, 1, 6)), ((40, 5, 1), (40, 1, 1))])
def test_stacks_of_outer_products(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    x, y = (wg.tensor(sample(s, np.float64, i), requires_grad=True) for i, s in enumerate(shapes))
    assert wg.equal(wg.bmm(x, y), x * y)
    wg.autograd.gradcheck(wg.bmm, (x, y))


@pytest.mark.parametrize("shape", [(100, 0), (0, 3), (0, 0), (3, 0, 4), (1000, 1, 0)])
def test_rows_without_elements(shape: tuple[int, ...]) -> None:
    x = wg.zeros(*shape)
    assert (x + wg.zeros(shape[-1])).shape == (x - wg.zeros(*shape[:-1], 1)).shape == x.shape
    assert x.softmax(-1).shape == wg.nn.functional.layer_norm(x, (shape[-1],)).shape == x.sort()[0].shape == x.shape
    assert x.sum(-1).shape == x.norm(dim=-1).shape == shape[:-1]


REDUCING = {
    "sum": (lambda g, r: r * row_sum(g * g), lambda g, r: r * (g * g).sum(1, keepdims=True)),
    "product": (lambda g, r: r + row_product(g), lambda g, r: r + g.prod(1, keepdims=True)),
    "extremes": (
        lambda g, r: r + row_max(g) - row_min(-g),
        lambda g, r: r + g.max(1, keepdims=True) - (-g).min(1, keepdims=True),
    ),
    "columns": (lambda g, r: (r * 2, column_sum(g)), lambda g, r: (r * 2, g.sum(0, keepdims=True))),
    "alone": (lambda g, r: row_sum(g) / 3, lambda g, r: g.sum(1, keepdims=True) / 3),
}


@pytest.mark.parametrize("what", REDUCING)
@pytest.mark.parametrize("n", [1, 2, 8, 31, 80, 9000])
def test_an_operand_whose_columns_are_the_same_memory_is_reduced_over_all_of_them(n: int, what: str) -> None:
    formula, expected = REDUCING[what]
    kernel = rowwise(formula)
    column, r = np.random.default_rng(0).uniform(0.9, 1.1, (70, 1)) ** (1 / n), sample((70, n), np.float64)
    expanded = np.broadcast_to(column, (70, n))
    for run in (kernel, Blocked(formula, True)):
        close(run(1, expanded, r), expected(expanded, r), np.float64)
        if what != "alone":
            close(run(1, column, r), expected(expanded, r) if what != "columns" else run(1, expanded, r), np.float64)


@pytest.mark.parametrize("n", [3, 40, 500])
def test_operators_that_reduce_take_expanded_tensors(n: int) -> None:
    x = wg.rand(60, 1, dtype=wg.float64, requires_grad=True)
    y = wg.rand(60, n, dtype=wg.float64, requires_grad=True)
    functional = wg.nn.functional
    for function in (
        lambda a, b: a.var(1, correction=0) + b.sum(1),
        lambda a, b: functional.group_norm(a, 1) * b,
        functional.cosine_similarity,
        lambda a, b: functional.softmax(b, 1) * a,
        lambda a, b: a.logsumexp(1) + a.norm(dim=1) + a.prod(1) + a.amax(1) + b.mean(1),
        lambda a, b: functional.normalize(a) * functional.normalize(b),
    ):
        found = []
        for wide in (x.expand(60, n), x.expand(60, n).clone()):
            result = function(wide, y)
            found.append((result, *wg.autograd.grad(result.sum(), (x, y))))
        for one, other in zip(*found, strict=True):
            assert wg.allclose(one, other, rtol=1e-9, atol=1e-9)
