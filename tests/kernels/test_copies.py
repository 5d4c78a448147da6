"""Copies of arrays with any strides into row-major order, and which shapes need none."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.kernels import memory
from wengert.ops.strides import can_be_seen


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
        x = strided(rng, memory.MANY, [1, 2, 3, 5, 8, 17, 33], dtype)
        found = memory.row_major(x)
        assert found.flags.c_contiguous and found.flags.writeable and found.dtype == x.dtype
        assert not np.may_share_memory(found, x)
        np.testing.assert_array_equal(found, x)


@pytest.mark.parametrize("shape", [(0, 3), (), (1,), (1, 1, 1)])
def test_copies_of_arrays_with_next_to_nothing_keep_the_shape(shape: tuple[int, ...]) -> None:
    assert memory.row_major(np.ones(shape).T).shape == shape[::-1]


def test_arrays_that_are_not_aligned_are_copied_by_numpy() -> None:
    fields = np.zeros(memory.MANY, np.dtype([("tag", np.int8), ("value", np.float64)]))
    fields["value"] = np.arange(memory.MANY)
    np.testing.assert_array_equal(memory.row_major(fields["value"]), np.arange(memory.MANY))


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
