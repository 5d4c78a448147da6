"""Single operators, sums, pieces and small products of every build: values, layouts, kinds of results, no warnings."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest

from wengert.kernels import arrays

DTYPES = [np.float32, np.float64]
SHAPES: list[tuple[int, ...]] = [
    (),
    (1,),
    (3,),
    (17,),
    (1, 1),
    (4, 3),
    (4, 1),
    (1, 3),
    (5, 17),
    (2, 1, 3),
    (2, 4, 1),
    (0,),
    (0, 3),
]
BINARY = {"add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide}
UNARY = {
    "negative": np.negative, "absolute": np.absolute, "sqrt": np.sqrt, "exp": np.exp, "expm1": np.expm1, "log": np.log,
    "log1p": np.log1p, "tanh": np.tanh, "reciprocal": np.reciprocal, "square": np.square, "sin": np.sin, "cos": np.cos,
}  # fmt: skip


def forms(array: Any) -> list[Any]:
    """The same numbers as other kinds of operands: a scalar, and one number spread over the shape."""
    if array.ndim == 0:
        return [array, array[()]]
    return [array, np.broadcast_to(array.dtype.type(2.5), array.shape)]


def random(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def check_same(found: Any, wanted: Any, tolerance: float = 0.0) -> None:
    assert type(found) is type(wanted)
    assert found.shape == wanted.shape and found.dtype == wanted.dtype
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BINARY)
def test_operands_of_all_shapes_and_kinds_give_what_numpy_gives(native: Any, name: str, dtype: Any) -> None:
    for a, b in itertools.product(SHAPES, SHAPES):
        for x, y in itertools.product(forms(random(a, dtype)), forms(random(b, dtype, 1))):
            try:
                wanted = BINARY[name](x, y)
            except ValueError:
                with pytest.raises(ValueError, match="could not be broadcast"):
                    getattr(native, name)(x, y)
                continue
            check_same(getattr(native, name)(x, y), wanted)


@pytest.mark.parametrize("name", BINARY)
def test_many_short_rows_and_few_long_ones_are_walked_alike(native: Any, name: str) -> None:
    for a, b in [
        ((3000, 3), (3,)),
        ((3000, 9), (9,)),
        ((3, 40000), (40000,)),
        ((3, 40000), (3, 1)),
        ((300, 200), (200,)),
    ]:
        x, y = random(a, np.float64), random(b, np.float64, 1)
        check_same(getattr(native, name)(x, y), BINARY[name](x, y))


@pytest.mark.parametrize("other", [np.int64, np.complex128, np.float16])
def test_other_dtypes_are_left_to_numpy(native: Any, other: Any) -> None:
    x, y = np.arange(3, dtype=np.float32), np.arange(1, 4).astype(other)
    check_same(native.add(x, y), x + y)
    check_same(native.multiply(np.float32(2), np.float64(3)), np.float32(2) * np.float64(3))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY)
def test_functions_of_arrays_and_of_single_numbers_agree_with_numpy(native: Any, name: str, dtype: Any) -> None:
    function = getattr(native, name)
    for shape in SHAPES:
        for x in forms(np.abs(random(shape, dtype)) + dtype(0.25)):
            check_same(function(x), UNARY[name](x), 4 * np.finfo(dtype).eps)
    strided = np.abs(random((6, 4), dtype))[::2, ::-1]
    check_same(function(strided), UNARY[name](strided), 4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_infinities_and_nan_come_without_warnings(native: Any, dtype: Any) -> None:
    big, zero, inf = np.finfo(dtype).max, dtype(0), dtype(np.inf)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for wrap in (dtype, lambda v: np.array(v, dtype), lambda v: np.full((4, 4), v, dtype)[::2, ::2]):
            assert np.all(native.divide(wrap(1), wrap(zero)) == np.inf)
            assert np.all(np.isnan(native.divide(wrap(zero), wrap(zero))))
            assert np.all(native.exp(wrap(big)) == np.inf)
            assert np.all(native.log(wrap(zero)) == -np.inf)
            assert np.all(np.isnan(native.sqrt(wrap(-1))))
            assert np.all(np.isnan(native.sin(wrap(inf))))
        assert np.isnan(native.subtract(inf, inf)) and native.add(big, big) == np.inf
        assert np.isnan(native.add_up(np.array([inf, -inf])[::1], None, False))
        assert np.isnan(native.add_up(np.array([[inf, -inf]]).T, None, False))
        native.product(np.full((4, 4), big), np.full((4, 4), big), None, 0)


PARTS: dict[str, Any] = {
    "columns": lambda t: t[:, :, 1:-2],
    "rows": lambda t: t[:, 2:5],
    "every second": lambda t: t[..., ::2],
    "every second row": lambda t: t[:, ::2],
    "turned": lambda t: t.swapaxes(1, 2),
    "turned in front": lambda t: t.swapaxes(0, 1),
    "reversed": lambda t: t[:, ::-1],
    "one column repeated": lambda t: np.broadcast_to(t[..., 3:4], t.shape),
    "one plane repeated": lambda t: np.broadcast_to(t[1:2], t.shape),
    "a plane": lambda t: t[1],
    "corner": lambda t: t[:2, :3, :5],
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [6, 400])
@pytest.mark.parametrize("name", PARTS)
def test_parts_of_arrays_are_read_where_they_lie(native: Any, name: str, size: int, dtype: Any) -> None:
    part = PARTS[name](random((4, 7, size), dtype))
    dense = np.ascontiguousarray(part)
    np.testing.assert_array_equal(native.absolute(part), np.abs(dense))
    for other in (part, dense, dense[..., :1], dense[..., :1, :], PARTS[name](random((4, 7, size), dtype, 1))):
        np.testing.assert_array_equal(native.subtract(part, other), dense - other)
        np.testing.assert_array_equal(native.multiply(other, part), other * dense)


def test_results_are_written_where_they_are_wanted(native: Any) -> None:
    x = np.arange(12.0).reshape(3, 4)
    row, number = np.arange(4.0), np.array(3.0)
    for operand in (row, number, np.float64(2), x.copy()):
        out = x.copy()
        assert native.multiply(out, operand, out) is out
        np.testing.assert_array_equal(out, x * operand)


def test_operands_that_the_result_overwrites_are_read_before(native: Any) -> None:
    for part in (lambda t: t[0], lambda t: t[1], lambda t: t[:, :1], lambda t: t[0, 0, ...], lambda t: t[::-1]):
        wanted = np.arange(40000.0).reshape(4, -1)
        wanted = wanted + part(wanted)
        found = np.arange(40000.0).reshape(4, -1)
        native.add(found, part(found), found)
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("keepdims", [False, True])
def test_sums_over_neighbouring_and_other_dimensions(native: Any, dtype: Any, keepdims: bool) -> None:
    for shape in [(3,), (40, 50), (2, 3, 4), (3, 0), (0, 3), (5, 1, 2), (33000,)]:
        x = random(shape, dtype)
        dims = range(len(shape))
        every = [None, *itertools.chain.from_iterable(itertools.combinations(dims, n) for n in range(len(shape) + 1))]
        for axis in every:
            found, wanted = native.add_up(x, axis, keepdims), np.add.reduce(x, axis, None, None, keepdims)
            check_same(found, wanted, 1e3 * np.finfo(dtype).eps)
    for x in (
        random((6, 4), dtype)[:, ::2],
        np.asfortranarray(random((6, 4), dtype)),
        np.arange(6),
        np.ones(3, np.float16),
    ):
        check_same(native.add_up(x, None, keepdims), np.add.reduce(x, None, None, None, keepdims), 1e-6)


def test_one_index_of_a_dimension_is_a_view(native: Any) -> None:
    for x in (np.arange(24.0).reshape(2, 3, 4), np.arange(24).reshape(4, 3, 2).T, np.arange(3, dtype=np.complex64)):
        for dim, n in enumerate(x.shape):
            for index in range(n):
                found, wanted = native.select(x, dim, index), arrays.select_by_numpy(x, dim, index)
                assert found.strides == wanted.strides and found.base is wanted.base and found.flags.writeable
                check_same(found, wanted)
    fixed = np.arange(3.0)
    fixed.flags.writeable = False
    assert not native.select(fixed, 0, 1).flags.writeable
    for dim, index in ((0, 3), (0, -1), (1, 0), (-1, 0)):
        with pytest.raises(IndexError):
            native.select(np.arange(3.0), dim, index)


@pytest.mark.parametrize("dtype", DTYPES)
def test_stacks_of_contiguous_parts(native: Any, dtype: Any) -> None:
    for shape in [(), (3,), (2, 3)]:
        parts = [random(shape, dtype, seed) for seed in range(3)]
        for dim in range(len(shape) + 1):
            check_same(native.stack(parts, dim), np.stack(parts, dim))
    check_same(native.stack([dtype(1), np.array(2, dtype)], 0), np.array([1, 2], dtype))
    for parts in (
        [np.ones((4, 3), dtype)[:, ::2]],
        [np.ones(3), np.ones(3, np.float32)],
        [np.arange(3)],
        [np.ones(2), np.ones(3)],
    ):
        assert native.stack(parts, 0) is None


def test_numbers_and_sums_are_spread_without_memory(native: Any) -> None:
    for x, shape, strides in [
        (np.float32(2), (2, 3), (0, 0)),
        (np.array(3.0), (4,), (0,)),
        (np.arange(3.0), (2, 3), (0, 8)),
        (np.arange(3.0), (3, 2), (8, 0)),
    ]:
        found, wanted = native.spread(x, shape, strides), arrays.spread_by_numpy(x, shape, strides)
        assert found.strides == wanted.strides
        check_same(found, wanted)
    with pytest.raises(ValueError, match="strides"):
        native.spread(np.float32(2), (2, 3), (0,))


def test_who_owns_memory_in_which_order(native: Any) -> None:
    x = np.ones((3, 4))
    fixed = np.ones((3, 4))
    fixed.flags.writeable = False
    for y in (x, x.T, x[:], x[:, ::2], np.asfortranarray(x), fixed, np.ones(3)):
        for like in (x, x.T, np.asfortranarray(x)):
            assert native.owned(y, like) == arrays.owned_by_numpy(y, like)


@pytest.mark.parametrize("dtype", DTYPES)
def test_relu_keeps_the_sign_of_zero_and_nan(native: Any, dtype: Any) -> None:
    x = np.array([-1, -0.0, 0.0, 2, np.nan, np.inf, -np.inf] * 3, dtype)
    np.testing.assert_array_equal(np.signbit(native.relu(x)), np.signbit(arrays.relu_by_numpy(x)))
    check_same(native.relu(x), np.maximum(0, x))
    check_same(native.relu(dtype(-2)), dtype(0))
    check_same(native.relu(np.arange(-2, 3)), np.maximum(0, np.arange(-2, 3)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_small_products_of_all_sizes_and_layouts(native: Any, dtype: Any) -> None:
    for n, k, m in itertools.product((1, 2, 4, 5, 9, 17), (0, 1, 5, 33), (1, 2, 3, 7, 8, 9, 16, 17, 33, 65)):
        a, b = random((n, k), dtype), random((k, m), dtype, 1)
        for x in (a, np.asfortranarray(a), np.repeat(a, 2, 1)[:, ::2], a[::-1, ::-1]):
            for y in (b, np.asfortranarray(b), np.repeat(b, 2, 0)[::2], b[:, ::-1]):
                for turned in range(4):
                    found = native.product(x.T if turned & 1 else x, y.T if turned & 2 else y, None, turned)
                    if found is not None:
                        check_same(found, x @ y, 100 * np.finfo(dtype).eps)
                        assert found.flags.c_contiguous


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(4, 5, 7), (5, 40, 33), (50, 60, 70)])
def test_products_start_from_what_broadcasts_to_them(native: Any, dtype: Any, size: tuple[int, int, int]) -> None:
    n, k, m = size
    x, y = random((n, k), dtype), random((k, m), dtype, 1)
    for shape in [(m,), (1,), (1, m), (n, 1), (n, m), (1, 1)]:
        start = random(shape, dtype, 2)
        check_same(native.product(x, y, start, 0), x @ y + start, 100 * np.finfo(dtype).eps)
    flipped = random((n, m), dtype, 2)[::-1, ::-1]
    check_same(native.product(x, y.T.copy().T, flipped, 0), x @ y + flipped, 100 * np.finfo(dtype).eps)
    for start in [
        dtype(1),
        np.ones(m + 1, dtype),
        np.ones((2, n, m), dtype),
        np.ones(m, np.int64),
        np.ones((0, m), dtype),
    ]:
        assert native.product(x, y, start, 0) is None


def test_an_element_of_a_small_product_does_not_depend_on_the_others(native: Any) -> None:
    a, b = random((9, 33), np.float32), random((33, 50), np.float32, 1)
    whole = native.product(a, b, None, 0)
    for i, j in itertools.product((0, 3, 8), (0, 7, 30)):
        np.testing.assert_array_equal(
            native.product(a[i : i + 1], b[:, j : j + 20], None, 0), whole[i : i + 1, j : j + 20]
        )


def test_other_products_are_left_to_numpy(native: Any) -> None:
    square = np.ones((4, 4))
    for x, y in [
        (np.ones((33, 35)), np.ones((35, 37))),
        (np.ones((1, 300)), np.ones((300, 300))),
        (square, np.ones((5, 4))),
        (square, np.ones((4, 4), np.float32)),
        (square.astype(complex), square.astype(complex)),
        (square, np.ones(4)),
        (np.ones((2, 4, 4)), square),
    ]:
        assert native.product(x, y, None, 0) is None
