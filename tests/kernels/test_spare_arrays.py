"""Arrays that dying tensors leave for later ones: Note [Spare arrays] in kernels/src/spares.h.

What is left behind must be nobody's, and nobody may be able to tell it from a new array. All holds without compiled kernels too.
"""

from __future__ import annotations

import gc
import threading
import warnings
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import wengert as torch
from wengert import _config, cpu
from wengert.kernels import _load

SPARES = _load.MODULE is not None and _config.is_compiled()
SIZES = [(3,), (1,), (128,), (2, 3), (1, 3), (3, 1), (2, 1, 3), (1, 1, 1, 2)]


@pytest.fixture(autouse=True)
def none_at_first() -> Iterator[None]:
    gc.collect()
    cpu.empty_cache()
    yield
    cpu.empty_cache()


def product(shape: tuple[int, ...], dtype: Any = torch.float32) -> Any:
    """A result of a kernel: where there are spare arrays of its shape, in one of these."""
    return torch.ones(shape, dtype=dtype) * 2.0


def address(x: Any) -> int:
    return int(x.data_ptr())


def poisoned(shape: tuple[int, ...], dtype: Any = torch.float32) -> None:
    """Let many results of this shape be written, wherever there is memory for them."""
    alive = [product(shape, dtype) * 1e30 for _ in range(50)]
    assert len(alive) == 50


@pytest.mark.skipif(not SPARES, reason="needs compiled modules and kernels")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", SIZES)
def test_a_small_array_is_kept_for_the_next_of_its_shape(shape: tuple[int, ...], dtype: Any) -> None:
    if np.prod(shape) * dtype.itemsize > 512:
        shape = (64,)
    x = torch.ones(shape, dtype=dtype)
    y = x * 2.0
    place = address(y)
    del y
    y = x * 3.0
    assert address(y) == place
    np.testing.assert_array_equal(y.numpy(), np.full(shape, 3.0))


@pytest.mark.parametrize("shape", SIZES)
def test_a_later_array_is_as_numpy_makes_it(shape: tuple[int, ...]) -> None:
    for _ in range(3):
        array = product(shape).numpy()
        new = np.empty(shape, np.float32)
        assert array.strides == new.strides and array.flags == new.flags and array.dtype == new.dtype
        assert array.base is None and array.flags.owndata and array.flags.writeable
        del array


def holders() -> list[Any]:
    return [
        lambda x: x.numpy(),
        lambda x: x.numpy()[1:],
        lambda x: memoryview(x.numpy()),
        lambda x: x.view(3, 1),
        lambda x: x.detach(),
        lambda x: x[1:].numpy(),
    ]


@pytest.mark.parametrize("hold", holders())
def test_what_others_hold_keeps_its_numbers(hold: Any) -> None:
    x = product((3,))
    held = hold(x)
    before = np.array(held)
    del x
    poisoned((3,))
    np.testing.assert_array_equal(np.array(held), before)


def test_a_weak_reference_to_an_array_dies_with_its_tensor() -> None:
    x = product((3,))
    array = weakref.ref(x.numpy())
    del x
    gc.collect()
    assert array() is None


def test_an_array_that_gave_out_its_buffer_is_freed() -> None:
    x = product((3,))
    cpu.empty_cache()
    bytes(memoryview(x.numpy()))
    del x
    assert cpu.memory_reserved() == 0


def test_read_only_arrays_and_odd_strides_are_not_kept() -> None:
    frozen = product((3,))
    frozen.numpy().setflags(write=False)
    odd = np.ones((1, 3), np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # NumPy's, from 2.4 on
        odd.strides = (4, 4)
    x = torch.from_numpy(odd)
    cpu.empty_cache()
    del frozen, odd, x
    assert cpu.memory_reserved() == 0
    assert product((1, 3)).stride() == (3, 1)
    assert product((3,)).numpy().flags.writeable


@pytest.mark.parametrize(
    "make", [lambda: torch.ones(200) * 2, lambda: torch.ones(3).int() * 2, lambda: torch.ones(2, 0) * 2]
)
def test_large_arrays_those_of_other_dtypes_and_empty_ones_are_not_kept(make: Any) -> None:
    x = make()
    held = cpu.memory_reserved()
    del x
    assert cpu.memory_reserved() == held


def test_few_are_kept_and_they_can_be_given_back() -> None:
    tensors = [product((100,)) for _ in range(10_000)]
    tensors.clear()
    assert cpu.memory_reserved() <= 1 << 20
    cpu.empty_cache()
    assert cpu.memory_reserved() == 0


def test_nothing_is_kept_with_a_limit_of_zero() -> None:
    limit = cpu.memory_limit()
    cpu.set_memory_limit(0)
    try:
        del (x := [product((3,))])[0]
        assert cpu.memory_reserved() == 0 and x == []
    finally:
        cpu.set_memory_limit(limit)


def test_many_shapes_take_turns() -> None:
    shapes = [(n, m) for n in range(1, 9) for m in range(1, 9)] + [(n,) for n in range(1, 64)]
    for round in range(3):
        alive = []
        for index, shape in enumerate(shapes * 3):
            x = torch.full(shape, float(index)) * 2.0
            assert x.shape == shape
            alive.append((x, 2.0 * index))
        for x, value in alive:
            np.testing.assert_array_equal(x.numpy(), np.full(x.shape, value, np.float32), err_msg=f"round {round}")
        del x, alive


def test_tensors_that_hold_each_other_die_in_a_row() -> None:
    x = product((3,))
    for _ in range(100_000):
        y = product((3,))
        y.before = x
        x = y
    del x, y


def test_a_finalizer_may_bring_a_tensor_back() -> None:
    saved: list[Any] = []

    class Phoenix(torch.Tensor):
        def __del__(self) -> None:
            saved.append(self)

    x = product((3,))
    x.__class__ = Phoenix
    del x
    gc.collect()
    poisoned((3,))
    np.testing.assert_array_equal(np.asarray(saved.pop().detach()), [2, 2, 2])


def test_a_callback_of_a_weak_reference_may_make_tensors() -> None:
    made: list[Any] = []
    x = product((3,))
    witness = weakref.ref(x, lambda _: made.append(product((3,)) * 2.0))
    del x
    poisoned((3,))
    assert witness() is None
    np.testing.assert_array_equal(made[0].numpy(), [4, 4, 4])


def test_threads_do_not_meet_in_one_array() -> None:
    wrong: list[Any] = []

    def work(seed: float) -> None:
        x = torch.full((3,), seed, requires_grad=True)
        for _ in range(2000):
            y = (x * 2.0 + 1.0).tanh() * x
            y.sum().backward()
            if not np.array_equal(y.detach().numpy(), expected[seed]):
                wrong.append(seed)

    def once(seed: float) -> Any:
        x = torch.full((3,), seed)
        return ((x * 2.0 + 1.0).tanh() * x).numpy()

    expected = {seed: once(seed) for seed in (0.1, 0.2, 0.3, 0.4)}
    threads = [threading.Thread(target=work, args=(seed,)) for seed in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
