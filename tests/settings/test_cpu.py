"""``wengert.cpu``: PyTorch's names, and the memory that freed arrays leave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch as oracle

import wengert as torch
from wengert import kernels

cpu: Any = torch.cpu


@pytest.fixture
def limit() -> Iterator[None]:
    before = cpu.memory_limit()
    yield
    cpu.set_memory_limit(before)


@pytest.mark.parametrize("name", ["is_available", "is_initialized", "device_count", "current_device", "synchronize"])
def test_questions_get_the_answers_of_torch(name: str) -> None:
    assert getattr(cpu, name)() == getattr(oracle.cpu, name)()


def test_an_emptied_cache_holds_nothing_and_keeps_its_limit(limit: None) -> None:
    (torch.ones(1_000_000) + 1).tanh()
    before = cpu.memory_limit()
    cpu.empty_cache()
    assert cpu.memory_reserved() == 0
    assert cpu.memory_limit() == before


@pytest.mark.skipif(kernels.COMPILED is None, reason="only compiled kernels keep memory")
def test_no_more_is_kept_than_allowed(limit: None) -> None:
    cpu.set_memory_limit(5_000_000)
    for _ in range(3):
        (torch.ones(1_000_000) + 1).tanh()
    assert cpu.memory_reserved() <= 5_000_000


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="not negative, but got -1"):
        cpu.set_memory_limit(-1)


def test_the_number_of_threads_is_that_of_the_kernels(limit: None) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert kernels.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
