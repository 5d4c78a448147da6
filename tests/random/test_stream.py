"""Seeds, states and the stream of words, against torch."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import numpy as np
import pytest
import torch

from wengert._core.rng import Generator, default_generator
from wengert._core.rng_stream import DEFAULT_SEED, STATE

SEEDS = [0, 1, 42, 2**32 - 1, 2**32 + 5, 2**63, 2**64 - 1, -1, -(2**63)]


def torch_state(generator: torch.Generator) -> Any:
    return generator.get_state().numpy()


def pair(seed: int = 0) -> tuple[Generator, torch.Generator]:
    return Generator().manual_seed(seed), torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_gives_the_initial_seed_and_the_state_bytes_of_torch(seed: int) -> None:
    ours, theirs = pair(seed)
    assert ours.initial_seed() == theirs.initial_seed()
    assert np.array_equal(ours.state_array(), torch_state(theirs))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_gives_the_numbers_of_torch(seed: int) -> None:
    ours, theirs = pair(seed)
    assert np.array_equal(ours.uniform((1000,)), torch.rand(1000, generator=theirs).numpy())


@pytest.mark.parametrize("drawn", [0, 1, 623, 624, 625, 1247, 1248, 1249, 100_000])
def test_the_state_bytes_agree_after_any_number_of_words(drawn: int) -> None:
    ours, theirs = pair(7)
    ours.uniform((drawn,))
    torch.rand(drawn, generator=theirs)
    assert np.array_equal(ours.state_array(), torch_state(theirs))


@pytest.mark.parametrize("drawn", [0, 1, 623, 624, 625, 2000])
@pytest.mark.parametrize("normals", [0, 1, 2, 3])
def test_a_state_of_torch_continues_here_and_ours_continues_there(drawn: int, normals: int) -> None:
    ours, theirs = pair(3)
    torch.rand(drawn, generator=theirs)
    torch.randn(normals, generator=theirs)
    ours.manual_seed(99).set_state_array(torch_state(theirs))
    assert ours.initial_seed() == 3
    assert np.array_equal(ours.normal((5,)), torch.randn(5, generator=theirs).numpy())
    theirs.manual_seed(5).set_state(torch.from_numpy(ours.state_array()))
    assert np.array_equal(ours.uniform((700,)), torch.rand(700, generator=theirs).numpy())


def test_a_fresh_generator_starts_like_a_fresh_torch_generator() -> None:
    assert Generator().initial_seed() == torch.Generator().initial_seed() == DEFAULT_SEED
    assert np.array_equal(Generator().state_array(), torch_state(torch.Generator()))


def test_manual_seed_returns_the_generator_and_drops_the_cached_normal() -> None:
    ours, theirs = pair()
    ours.normal((1,))
    assert ours.manual_seed(0) is ours
    assert np.array_equal(ours.normal((3,)), torch.randn(3, generator=theirs).numpy())


def test_seed_draws_a_new_seed_each_time() -> None:
    generator = Generator()
    first, second = generator.seed(), generator.seed()
    assert first != second
    assert generator.initial_seed() == second
    assert np.array_equal(generator.uniform((9,)), Generator().manual_seed(second).uniform((9,)))


def test_a_clone_continues_alike_and_apart() -> None:
    ours, _ = pair(11)
    ours.normal((3,))
    clone = ours.clone_state()
    expected = clone.normal((40,))
    assert np.array_equal(ours.normal((40,)), expected)
    clone.uniform((1,))
    assert not np.array_equal(clone.state_array(), ours.state_array())


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g))])
def test_a_copy_or_a_pickle_keeps_the_state(duplicate: Any) -> None:
    ours, _ = pair(4)
    ours.normal((7,))
    assert np.array_equal(duplicate(ours).state_array(), ours.state_array())


def test_draws_never_share_memory_with_the_stream() -> None:
    ours, theirs = pair(2)
    for draw in (ours.uniform, ours.normal, ours.random):
        draw((3,))[...] = 0
    ours.random((3,), np.int32)[...] = 0
    torch.rand(3, generator=theirs), torch.randn(3, generator=theirs)
    torch.empty(3).random_(generator=theirs), torch.empty(3, dtype=torch.int32).random_(generator=theirs)
    assert np.array_equal(ours.uniform((600,)), torch.rand(600, generator=theirs).numpy())


def test_threads_share_one_stream_without_losing_or_repeating_words() -> None:
    generator = Generator().manual_seed(8)
    drawn: list[Any] = []

    def work() -> None:
        for _ in range(200):
            drawn.append(generator.random((37,), np.int64))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = Generator().manual_seed(8).random((4 * 200 * 37,), np.int64)
    assert np.array_equal(np.sort(np.concatenate(drawn)), np.sort(expected))


def test_the_default_generator_is_a_generator_of_its_own() -> None:
    assert isinstance(default_generator, Generator)
    assert default_generator.device == "cpu"


@pytest.mark.parametrize("seed", [1.5, "3", None, True])
def test_a_seed_that_is_no_int_raises_the_error_of_torch(seed: Any) -> None:
    with pytest.raises(RuntimeError) as theirs:
        torch.Generator().manual_seed(seed)
    with pytest.raises(RuntimeError) as ours:
        Generator().manual_seed(seed)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1])
def test_a_seed_out_of_range_raises_the_error_of_torch(seed: int) -> None:
    with pytest.raises(ValueError, match=r"^Overflow when unpacking long long$"):
        torch.Generator().manual_seed(seed)
    with pytest.raises(ValueError, match=r"^Overflow when unpacking long long$"):
        Generator().manual_seed(seed)


@pytest.mark.parametrize("state", [np.zeros(10, np.uint8), np.zeros(STATE.itemsize, np.uint8)])
def test_a_state_of_the_wrong_size_or_content_raises_the_error_of_torch(state: Any) -> None:
    with pytest.raises(RuntimeError) as theirs:
        torch.Generator().set_state(torch.from_numpy(state))
    with pytest.raises(RuntimeError) as ours:
        Generator().set_state_array(state)
    assert str(ours.value) == str(theirs.value)


def test_a_state_of_the_wrong_dtype_raises() -> None:
    with pytest.raises(TypeError, match=r"^RNG state must be a torch\.ByteTensor$"):
        Generator().set_state_array(np.zeros(STATE.itemsize))


def test_a_device_other_than_the_cpu_raises() -> None:
    assert Generator("cpu:0").device == "cpu"
    with pytest.raises(RuntimeError, match="only device"):
        Generator("cuda")
