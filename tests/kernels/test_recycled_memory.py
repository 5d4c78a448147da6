"""Large arrays get the memory of arrays that were freed, and nobody notices but the clock."""

from __future__ import annotations

import gc
import itertools
import threading
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest

from wengert import kernels

pytestmark = pytest.mark.skipif(kernels.COMPILED is None, reason="NumPy does the work: there is no memory of our own")

MEGABYTE = 1 << 20
FLOAT = np.dtype(np.float32)


@pytest.fixture(autouse=True)
def nothing_held() -> Iterator[None]:
    limit = kernels.get_memory_limit()
    kernels.set_memory_limit(0)
    kernels.set_memory_limit(64 * MEGABYTE)
    yield
    kernels.set_memory_limit(0)
    kernels.set_memory_limit(limit)


def test_a_freed_array_leaves_its_memory_to_the_next_of_its_size() -> None:
    first = kernels.empty((1000, 1000), FLOAT)
    place = first.ctypes.data
    del first
    assert kernels.memory_held() >= 4_000_000
    assert kernels.empty((1000, 1000), FLOAT).ctypes.data == place


def test_two_arrays_that_live_never_share_memory() -> None:
    arrays = [kernels.empty((n,), FLOAT) for n in range(20_000, 60_000, 1000) for _ in range(3)]
    for i, array in enumerate(arrays):
        array[...] = i
    del arrays[::2]
    arrays += [kernels.empty((n,), FLOAT) for n in range(20_000, 60_000, 1000)]
    spans = sorted((a.ctypes.data, a.ctypes.data + a.nbytes) for a in arrays)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))


@pytest.mark.parametrize("count", [1, 16_383, 16_384, 16_385, 20_480, 100_000, 1_000_000, 3_000_001])
def test_every_element_can_be_written(count: int) -> None:
    array = kernels.empty((count,), FLOAT)
    array[...] = np.arange(count)
    assert array[-1] == count - 1
    assert array.ctypes.data % 16 == 0


def test_large_arrays_begin_at_a_cache_line() -> None:
    assert all(kernels.empty((n,), FLOAT).ctypes.data % 64 == 0 for n in (20_000, 50_000, 2_000_000))


def test_no_more_than_the_limit_is_kept() -> None:
    kernels.set_memory_limit(10 * MEGABYTE)
    for _ in range(3):
        arrays = [kernels.empty((MEGABYTE,), FLOAT) for _ in range(8)]
        del arrays
    assert kernels.memory_held() <= 10 * MEGABYTE
    kernels.set_memory_limit(0)
    assert kernels.memory_held() == 0


def test_what_has_lain_idle_longest_goes_first() -> None:
    kernels.set_memory_limit(10 * MEGABYTE)
    first = [kernels.empty((n * MEGABYTE // 4,), FLOAT) for n in (2, 3, 4)]
    del first
    for _ in range(3):  # another program, whose arrays would fit beside none of these
        later = [kernels.empty((6 * MEGABYTE // 4,), FLOAT)]
        place = later[0].ctypes.data
        del later
    assert kernels.empty((6 * MEGABYTE // 4,), FLOAT).ctypes.data == place
    assert 6 * MEGABYTE <= kernels.memory_held() <= 10 * MEGABYTE


def test_an_array_above_the_limit_drives_no_others_out() -> None:
    kernels.set_memory_limit(10 * MEGABYTE)
    small = kernels.empty((MEGABYTE // 4,), FLOAT)
    del small
    held = kernels.memory_held()
    large = kernels.empty((4 * MEGABYTE,), FLOAT)
    del large
    assert kernels.memory_held() == held > 0


def test_blocks_of_many_sizes_come_and_go() -> None:
    rng = np.random.default_rng(0)
    kernels.set_memory_limit(16 * MEGABYTE)
    living: list[tuple[int, np.ndarray]] = []
    for i in range(3000):
        if living and rng.random() < 0.5:
            number, array = living.pop(int(rng.integers(len(living))))
            assert (array[:: max(array.size // 7, 1)] == number).all()
        else:
            array = kernels.empty((int(rng.integers(20_000, 600_000)),), FLOAT)
            array[...] = i
            living.append((i, array))
        assert kernels.memory_held() <= 16 * MEGABYTE
    assert all((array == number).all() for number, array in living)


def test_small_arrays_stay_with_numpy() -> None:
    arrays = [kernels.empty((100,), FLOAT) for _ in range(10)]
    del arrays
    assert kernels.memory_held() == 0


def test_an_array_can_be_resized() -> None:
    array = kernels.empty((100_000,), FLOAT)
    array[...] = 7
    array.resize((400_000,), refcheck=False)
    assert (array[:100_000] == 7).all() and not array[100_000:].any()


def test_arrays_of_numpy_are_not_touched() -> None:
    kernels.empty((1000, 1000), FLOAT)
    held = kernels.memory_held()
    array = np.empty((1000, 1000), FLOAT)
    assert kernels.memory_held() == held
    del array
    assert kernels.memory_held() == held


def test_the_order_of_dimensions_is_kept() -> None:
    assert kernels.empty_like(np.empty((300, 400)).T).strides == np.empty((300, 400)).T.strides


def test_the_bytes_are_reported_to_tracemalloc() -> None:
    tracemalloc.start()
    try:
        array = kernels.empty((1000, 1000), FLOAT)
        assert tracemalloc.get_traced_memory()[0] >= array.nbytes
        del array
        assert tracemalloc.get_traced_memory()[0] < MEGABYTE
    finally:
        tracemalloc.stop()


def test_threads_may_free_what_others_made() -> None:
    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(200):
            n = int(rng.integers(20_000, 40_000))
            slot = int(rng.integers(0, len(shared)))
            array = kernels.empty((n,), FLOAT)
            array[...] = n
            old = shared[slot]
            shared[slot] = array
            failures.extend([n] if old is not None and not (old == len(old)).all() else [])

    shared: list[np.ndarray | None] = [None] * 8
    failures: list[int] = []
    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shared.clear()
    gc.collect()
    assert not failures
