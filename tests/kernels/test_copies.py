"""Copies between arrays of any strides and dtypes, several arrays as one, and which shapes need no copy."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.kernels import arrays, copies
from wengert.ops.strides import can_be_seen

from .conftest import EDGES


def strided(rng: random.Random, least: int, sizes: list[int], dtype: Any) -> Any:
    """An array of at least so many elements, with dimensions turned, stepped over, reversed or repeated."""
    shape = [rng.choice(sizes) for _ in range(rng.randint(1, 5))]
    while np.prod(shape) < least:
        shape[rng.randrange(len(shape))] *= 3
    x = np.arange(np.prod(shape)).reshape(shape).astype(dtype).transpose(rng.sample(range(len(shape)), len(shape)))
    if rng.random() < 0.4:
        x = x[tuple(slice(None, None, rng.choice([1, 1, 2, -1, -2])) for _ in shape)]
    return np.broadcast_to(x[..., None], (*x.shape, 3)) if rng.random() < 0.2 else x


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64, np.complex64, np.int8])
def test_copies_of_strided_arrays_are_row_major_and_equal(dtype: Any) -> None:
    rng = random.Random(0)
    for _ in range(60):
        x = strided(rng, copies.MANY, [1, 2, 3, 5, 8, 17, 33], dtype)
        found = copies.row_major(x)
        assert found.flags.c_contiguous and found.flags.writeable and found.dtype == x.dtype
        assert not np.may_share_memory(found, x)
        np.testing.assert_array_equal(found, x)


def room(rng: random.Random, shape: tuple[int, ...], dtype: Any) -> Any:
    """Zeros of a shape, with dimensions that are turned, stepped over or reversed."""
    order = rng.sample(range(len(shape)), len(shape))
    steps = [rng.choice([1, 1, 2, -1]) for _ in shape]
    whole = np.zeros([shape[d] * abs(steps[d]) for d in order], dtype)
    return whole.transpose(np.argsort(order))[tuple(slice(None, None, step) for step in steps)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.complex64, np.bool_, np.int16])
def test_arrays_of_any_layout_are_written_into_any_other(native: Any, dtype: Any) -> None:
    rng = random.Random(1)
    for _ in range(60):
        source = strided(rng, copies.MANY, [1, 2, 3, 5, 17, 33], dtype)
        if rng.random() < 0.3:
            source = source[tuple(slice(0, 1) if rng.random() < 0.3 else slice(None) for _ in source.shape)]
        target = room(rng, (*[n if n > 1 else rng.choice([1, 2, 40]) for n in source.shape],), dtype)
        copies.assign(target, source)
        np.testing.assert_array_equal(target, np.broadcast_to(source, target.shape))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8])
def test_rows_that_lie_a_little_further_in_their_pages(native: Any, dtype: Any) -> None:
    source = np.random.default_rng(0).normal(0, 50, (40, 5000)).astype(dtype)
    memory = np.zeros(40 * 5000 * 8 + 8192, np.int8)
    for apart in range(0, 600, 8):
        start = (source.ctypes.data + apart - memory.ctypes.data) % 4096
        target = memory[start : start + source.nbytes].view(dtype).reshape(source.shape)
        for columns in (1000, 997, 17):
            target[...] = 0
            copies.assign(target[:, :columns], source[:, :columns])
            np.testing.assert_array_equal(target[:, :columns], source[:, :columns])
            assert not target[:, columns:].any()


def test_numbers_fill_arrays_of_any_layout(native: Any) -> None:
    rng = random.Random(2)
    for dtype in (np.float32, np.float64, np.int32, np.bool_, np.complex64, np.float16):
        target = room(rng, (40, 30, 50), dtype)
        copies.assign(target, np.asarray(3.5))
        np.testing.assert_array_equal(target, np.full(target.shape, np.asarray(3.5).astype(dtype)))
        np.testing.assert_array_equal(copies.full((300, 200), np.dtype(dtype), 1), np.ones((300, 200), dtype))


def test_what_overlaps_or_may_not_be_written_is_left_to_numpy(native: Any) -> None:
    x = np.arange(100_000.0)
    copies.assign(x[1:], x[:-1])
    np.testing.assert_array_equal(x, [0, *range(99_999)])
    repeated = np.broadcast_to(np.zeros(1), (100_000,))
    with pytest.raises(ValueError):
        copies.assign(repeated, x)


DTYPES = ["?", "i", "l", "q", "f", "d", "e"]


@pytest.mark.parametrize("target", DTYPES)
@pytest.mark.parametrize("source", DTYPES)
def test_conversions_are_those_of_numpy(native: Any, source: str, target: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(0, 100, (300, 211)).astype(source)
    if source in "fde":
        x.reshape(-1)[: len(EDGES)] = np.array(EDGES).astype(source)
    if source in "fde" and target in "ilq":
        x = np.nan_to_num(x, posinf=7, neginf=-7)  # what has no integer is whatever the processor makes of it
    for given in (x, np.asfortranarray(x)):
        with np.errstate(all="ignore"):
            found = copies.converted(given, np.dtype(target))
            wanted = (given.astype("f") if target == "e" else given).astype(
                target
            )  # halves are rounded twice, as PyTorch's
            room = np.zeros_like(given, target)
            copies.assign(room, given)
        assert found.dtype == wanted.dtype and found.strides == wanted.strides
        np.testing.assert_array_equal(found, wanted)
        np.testing.assert_array_equal(room, wanted)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.bool_, np.complex128])
def test_arrays_joined_stacked_rolled_and_repeated_are_those_of_numpy(native: Any, dtype: Any) -> None:
    rng = np.random.default_rng(1)
    for shape in ((300, 400), (60, 5, 400), (40_000, 3), (3, 40_000), (50_000,)):
        parts = [rng.normal(0, 2, shape).astype(dtype) for _ in range(3)]
        parts[1] = np.asfortranarray(parts[1])
        for dim in range(len(shape)):
            wanted = np.concatenate(parts, dim)
            np.testing.assert_array_equal(copies.joined(parts, dim, wanted.shape, np.dtype(dtype)), wanted)
            np.testing.assert_array_equal(
                copies.rolled(parts[1], (2, -5), (dim, 0)), np.roll(parts[1], (2, -5), (dim, 0))
            )
        for dim in range(len(shape) + 1):
            np.testing.assert_array_equal(copies.stacked(parts, dim, np.dtype(dtype)), np.stack(parts, dim))
        times = (2, *range(1, len(shape) + 1))
        np.testing.assert_array_equal(copies.repeated(parts[1], times), np.tile(parts[1], times))
        np.testing.assert_array_equal(
            copies.repeated(parts[0], (0,) * len(shape)), np.tile(parts[0], (0,) * len(shape))
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int8, np.bool_])
@pytest.mark.parametrize("count", [2, 3, 8, 9])
def test_rows_of_several_arrays_lie_beside_one_another(native: Any, dtype: Any, count: int) -> None:
    rng = np.random.default_rng(1)
    for dim, rows in ((1, (5000,)), (2, (70, 100))):
        widths = rng.permutation([0, 1, 33, 100, 7, 50, 128, 3, 90][:count])
        parts = [rng.integers(0, 2, (*rows, int(n), 3)).astype(dtype) for n in widths]
        wanted = np.concatenate(parts, dim)
        np.testing.assert_array_equal(copies.joined(parts, dim, wanted.shape, np.dtype(dtype)), wanted)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [40_000, 100_001])
def test_ramps_have_the_bits_of_numpy(native: Any, dtype: Any, n: int) -> None:
    for first, by in ((0, 1), (0.1, 0.3), (-7, 1e-7), (1e300, -1e295)):
        found = copies.ramp(n, np.dtype(dtype), first, by)
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(found, (np.arange(n) * float(by) + first).astype(dtype))
    found = copies.spaced(n, np.dtype(dtype), 0.1, 7)
    index = np.arange(n)
    step = (7 - 0.1) / (n - 1)
    wanted = np.where(index < n // 2, 0.1 + step * index, 7 - step * (n - 1 - index)).astype(dtype)
    np.testing.assert_array_equal(found, wanted)
    assert found[-1] == 7


@pytest.mark.parametrize("shape", [(0, 3), (), (1,), (1, 1, 1)])
def test_copies_of_arrays_with_next_to_nothing_keep_the_shape(shape: tuple[int, ...]) -> None:
    assert copies.row_major(np.ones(shape).T).shape == shape[::-1]


def test_arrays_that_are_not_aligned_are_copied_by_numpy() -> None:
    fields = np.zeros(copies.MANY, np.dtype([("tag", np.int8), ("value", np.float64)]))
    fields["value"] = np.arange(copies.MANY)
    np.testing.assert_array_equal(copies.row_major(fields["value"]), np.arange(copies.MANY))


def test_the_shapes_that_need_no_copy_are_those_of_numpy() -> None:
    rng = random.Random(0)
    for _ in range(5_000):
        x = strided(rng, 1, [1, 2, 3, 4, 6], np.int8)
        wanted, rest = [], x.size
        while rest > 1 and len(wanted) < 6:
            wanted.append(rng.choice([d for d in range(1, rest + 1) if rest % d == 0]))
            rest //= wanted[-1]
        wanted.append(rest)
        rng.shuffle(wanted)
        shares = np.may_share_memory(x, x.reshape(wanted))
        assert x.flags.c_contiguous or can_be_seen(x.shape, x.strides, tuple(wanted)) is shares, (
            x.shape,
            x.strides,
            wanted,
        )


def test_reshape_of_a_transposed_tensor_copies_once() -> None:
    import tracemalloc

    x = wg.ones(512, 256).T
    tracemalloc.start()
    y = x.reshape(-1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert y.shape == (512 * 256,)
    assert peak < 1.5 * 4 * 512 * 256


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4)])
def test_an_axis_moves_as_numpys(shape: tuple[int, ...]) -> None:
    x = np.arange(np.prod(shape)).reshape(shape)
    for source in range(-x.ndim, x.ndim):
        for target in range(-x.ndim, x.ndim):
            moved = arrays.move_axis(x, source, target)
            expected = np.moveaxis(x, source, target)
            assert moved.shape == expected.shape
            assert moved.strides == expected.strides
            assert np.shares_memory(moved, x)
