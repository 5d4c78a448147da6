"""Reductions over dimensions and operands that broadcast: the ways of the kernels beside NumPy's."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

from wengert import kernels
from wengert.kernels import array_sum, arrays, reductions

SHAPES = [
    (100_000,),
    (700, 1025),
    (40_000, 3),
    (3, 40_000),
    (40_000, 1),
    (1, 40_000, 1),
    (31, 30, 33),
    (300, 2, 64),
    (5, 4000, 7),
    (16, 8, 16, 16),
    (3, 66_000),
    (20_001, 2),
    (9, 2, 2048),
]


def data(shape: tuple[int, ...], dtype: Any) -> Any:
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_sums_over_every_choice_of_dimensions_agree_with_numpys_in_double_precision(
    native: Any, shape: tuple[int, ...], dtype: Any
) -> None:
    x = data(shape, dtype)
    assert x.size >= reductions.LARGE
    choices = [c for k in range(1, x.ndim + 1) for c in itertools.combinations(range(x.ndim), k)]
    for axes, keep, source in itertools.product([None, *choices], (False, True), (x, x.T)):
        exact = source.astype(np.float64).sum(axes, keepdims=keep)
        size = np.abs(source.astype(np.float64)).sum(axes, keepdims=keep)
        found = array_sum(source, axes, keep)
        assert type(found) is type(source.sum(axes, keepdims=keep))
        assert (found.dtype, found.shape) == (x.dtype, exact.shape)
        assert (np.abs(found - exact) <= 16 * np.finfo(dtype).eps * size).all(), (axes, keep)


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_sums_of_special_numbers_are_those_of_numpy(native: Any, axis: int | None) -> None:
    for special in (np.nan, np.inf, -np.inf):
        x = np.ones((300, 200), np.float32)
        x[5, 7] = special
        np.testing.assert_array_equal(array_sum(x, axis, False), x.sum(axis))
    x[9, 7], x[5, 9] = np.inf, np.inf
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(array_sum(x, axis, False), x.sum(axis))


def norm_of(order: float) -> Any:
    def norm(x: Any, axis: Any, keepdims: bool) -> Any:
        size = np.abs(x)
        if order == np.inf:
            return size.max(axis, keepdims=keepdims)
        return (size**order).sum(axis, keepdims=keepdims) ** (1 / order)

    return norm


REDUCTIONS: list[tuple[Any, Any]] = [
    (reductions.sum_of_numbers, np.nansum),
    (reductions.norm_1, norm_of(1)),
    (reductions.norm_2, norm_of(2)),
    (reductions.norm_inf, norm_of(np.inf)),
    (reductions.product, np.prod),
    (reductions.largest, np.max),
    (reductions.smallest, np.min),
]
MORE_SHAPES = [
    *SHAPES,
    (5000, 4),
    (2000, 15),
    (2000, 16),
    (1999, 17),
    (1100, 31),
    (700, 67),
    (20, 1024),
    (3, 20_000),
    (17, 1, 1000),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", MORE_SHAPES)
@pytest.mark.parametrize(("reduction", "reference"), REDUCTIONS, ids=lambda x: getattr(x, "name", ""))
def test_reductions_over_every_choice_of_dimensions_agree_with_numpys_in_more_digits(
    native: Any, reduction: Any, reference: Any, shape: tuple[int, ...], dtype: Any
) -> None:
    x = data(shape, dtype)
    if reduction is reductions.product:
        x = 1 + x / 200  # neither too large nor too small
    assert x.size >= reductions.LARGE
    choices = [c for k in range(1, x.ndim + 1) for c in itertools.combinations(range(x.ndim), k)]
    for axes, keep, source in itertools.product([None, *choices], (False, True), (x, x.T)):
        wide = source.astype(np.longdouble)
        exact = reference(wide, axis=axes, keepdims=keep)
        found = reduction(source, axes, keep)
        if found is None:
            continue  # NumPy's turn
        count = x.size // max(1, np.size(exact))
        close = 16 * np.finfo(dtype).eps * (np.sqrt(count) if reduction is reductions.product else 1)
        size = np.abs(wide).sum(axes, keepdims=keep) if reduction is reductions.sum_of_numbers else np.abs(exact)
        assert (found.dtype, found.shape) == (x.dtype, exact.shape)
        assert (np.abs(found - exact) <= close * size).all(), (axes, keep)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(2000, 9), (400, 100), (20, 3000)])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_reductions_see_every_element_and_nothing_else(
    native: Any, shape: tuple[int, int], axis: int | None, dtype: Any
) -> None:
    """An extreme, a NaN or an infinity is found wherever it is, at the ends of rows above all."""
    rows, columns = shape
    places = [(i, j) for i in (0, 1, rows // 2, rows - 1) for j in {0, 1, 7, 8, columns // 2, columns - 2, columns - 1}]
    for place in places:
        x = np.full(shape, -3.0, dtype)
        x[place] = -2
        at = () if axis is None else (place[1 - axis],)
        assert reductions.largest(x, axis, False)[at] == -2 and (reductions.largest(x, axis, False) == -2).sum() == 1
        assert reductions.smallest(-x, axis, False)[at] == 2
        x[place] = 5
        assert reductions.norm_inf(x, axis, False)[at] == 5
        x[place] = np.nan
        for reduction in (reductions.largest, reductions.smallest, reductions.norm_1, reductions.product):
            assert np.isnan(reduction(x, axis, False)[at]) and np.isnan(reduction(x, axis, False)).sum() == 1
        lost = reductions.sum_of_numbers(x, axis, False)
        np.testing.assert_array_equal(lost, np.nansum(x, axis))
        x[place] = np.inf
        assert reductions.norm_2(x, axis, False)[at] == np.inf


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [1, 3, 8, 17, 64, 96, 97])
def test_logsumexp_of_rows_of_any_length(native: Any, columns: int, dtype: Any) -> None:
    x = data((30_011 // columns + 1, columns), dtype) * 5
    x = np.repeat(x, 2, 0)[: reductions.LARGE // columns + 17]
    for row, value in enumerate((np.nan, np.inf, -np.inf, 1e30, -1e30)):
        x[7 * row, columns // 2] = value
    x[1] = -np.inf
    for keep in (False, True):
        with np.errstate(all="ignore"):
            found = reductions.logsumexp(x, 1, keep)
            wide = x.astype(np.longdouble)
            top = wide.max(1, keepdims=True)
            top = np.where(np.isinf(top), 0, top)
            exact = (np.log(np.exp(wide - top).sum(1, keepdims=True)) + top).astype(dtype)
        assert found.shape == (exact if keep else exact[:, 0]).shape
        eps = np.finfo(dtype).eps
        np.testing.assert_allclose(found.ravel(), exact.ravel(), 4 * eps, 16 * eps)


def test_the_size_of_minus_zero_is_zero(native: Any) -> None:
    for axis in (None, 0, 1):
        for reduction in (reductions.norm_1, reductions.norm_2, reductions.norm_inf):
            assert not np.signbit(reduction(np.full((300, 100), -0.0), axis, False)).any()


def test_other_arrays_are_summed_by_numpy() -> None:
    wide = np.broadcast_to(np.float32(0.5), (300, 200))
    for x in (
        wide,
        np.ones((300, 400))[:, ::2],
        np.ones(50_000, np.int32),
        np.ones((0, 5)),
        np.ones(3),
        np.ones((300, 200), "c8"),
    ):
        for axis in (None, 0):
            np.testing.assert_array_equal(array_sum(x, axis, False), x.sum(axis))
    np.testing.assert_array_equal(array_sum(wide, (), False), wide)


OPERATORS = ["add", "subtract", "multiply", "divide"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize(
    "shapes", [((300, 1), (1, 200)), ((300, 200), (200,)), ((3, 1, 200), (100, 1)), ((1,), (40_000,))]
)
def test_large_operands_are_broadcast(name: str, shapes: tuple[Any, Any], dtype: Any) -> None:
    x, y = (data(s, dtype) + 5 for s in shapes)
    for a, b in ((x, y), (y, x), (x.astype("f2").astype(dtype), y)):
        found = getattr(arrays, name)(a, b)
        np.testing.assert_array_equal(found, getattr(np, name)(a, b))
        assert found.dtype == dtype and found.flags.c_contiguous


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("shape", [(7,), (300, 200), (1, 40_000)])
def test_an_expanded_number_is_an_operand_like_any_other(name: str, shape: tuple[int, ...]) -> None:
    x = data(shape, np.float32) + 5
    number = np.broadcast_to(np.array(3.0, np.float32), shape)
    function, expected = getattr(arrays, name), getattr(np, name)
    np.testing.assert_array_equal(function(x, number), expected(x, number))
    np.testing.assert_array_equal(function(number, x), expected(number, x))
    both = function(number, number)
    np.testing.assert_array_equal(both, expected(number, number))
    assert both.flags.c_contiguous and both.flags.writeable


def test_what_does_not_broadcast_is_numpys_error() -> None:
    with pytest.raises(ValueError, match="could not be broadcast"):
        arrays.add(np.ones((300, 200)), np.ones((300, 201)))


@pytest.mark.parametrize("shape", [(40_000,), (200, 300)])
@pytest.mark.parametrize("expanded", [False, True])
def test_a_number_that_lies_in_the_target_is_read_before_it_is_overwritten(
    shape: tuple[int, ...], expanded: bool
) -> None:
    x = data(shape, np.float64) + 5
    expected = x * x.flat[0]
    number = as_strided(x, shape, (0,) * x.ndim) if expanded else x.reshape(-1)[0:1].reshape(())
    np.testing.assert_array_equal(arrays.multiply_into(x, number, x), expected)


@pytest.mark.skipif(kernels.COMPILED is None, reason="NumPy does the work")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_sums_are_the_same_to_the_last_bit_for_any_number_of_threads(shape: tuple[int, ...], dtype: Any) -> None:
    x = data(shape, dtype)
    before = kernels.get_num_threads()
    found = []
    for count in (1, 2, 3):
        kernels.set_num_threads(count)
        found.append([array_sum(x, axis, False).tobytes() for axis in (None, *range(x.ndim))])
    kernels.set_num_threads(before)
    assert found[0] == found[1] == found[2]
