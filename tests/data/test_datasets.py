"""Datasets: samples, lengths, combinations and errors are PyTorch's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import wengert
from wengert import data

from .both import Program, assert_same


def counting(library: Any, module: Any, n: int) -> Any:
    class Counting(module.Dataset):  # type: ignore[misc, name-defined]
        def __len__(self) -> int:
            return n

        def __getitem__(self, i: int) -> int:
            return i

    return Counting()


def stream(module: Any, n: int) -> Any:
    class Stream(module.IterableDataset):  # type: ignore[misc, name-defined]
        def __iter__(self) -> Iterator[int]:
            return iter(range(n))

    return Stream()


def short(module: Any) -> Any:
    class Short(module.Dataset):  # type: ignore[misc, name-defined]
        def __len__(self) -> int:
            return 4

        def __getitems__(self, indices: list[int]) -> list[int]:
            return indices[:1]

    return Short()


def pair(t: Any, d: Any) -> Any:
    return d.TensorDataset(t.arange(4), t.arange(4.0))


PROGRAMS: dict[str, Program] = {
    "a dataset without getitem": lambda t, d: d.Dataset()[0],
    "a dataset without length": lambda t, d: len(d.Dataset()),
    "the sum of datasets": lambda t, d: [(counting(t, d, 2) + counting(t, d, 3))[i] for i in range(5)],
    "a stream without iter": lambda t, d: type("Bare", (d.IterableDataset,), {})(),
    "the sum of streams": lambda t, d: list(stream(d, 2) + stream(d, 3)),
    "the length of a sum of streams": lambda t, d: len(stream(d, 2) + stream(d, 3)),
    "a chain of something else": lambda t, d: list(d.ChainDataset([3])),
    "the length of a chain of something else": lambda t, d: len(d.ChainDataset([3])),
    "tensors of different sizes": lambda t, d: d.TensorDataset(t.ones(2), t.ones(3)),
    "a sample of tensors": lambda t, d: pair(t, d)[1],
    "a slice of tensors": lambda t, d: pair(t, d)[1:3],
    "tensors from the end": lambda t, d: (pair(t, d)[-1], len(pair(t, d))),
    "tensors beyond the end": lambda t, d: pair(t, d)[4],
    "a stack of nothing": lambda t, d: d.StackDataset(),
    "a stack of both kinds": lambda t, d: d.StackDataset(pair(t, d), a=pair(t, d)),
    "a stack of different lengths": lambda t, d: d.StackDataset(pair(t, d), [1]),
    "a stack as tuples": lambda t, d: d.StackDataset(pair(t, d), [1, 2, 3, 4]).__getitems__([1, 2]),
    "a stack as dicts": lambda t, d: d.StackDataset(a=pair(t, d), b=[1, 2, 3, 4])[1],
    "several of a stack as dicts": lambda t, d: d.StackDataset(a=pair(t, d), b=[1, 2, 3, 4]).__getitems__([0, 2]),
    "a stack with a short member": lambda t, d: d.StackDataset(short(d)).__getitems__([1, 2]),
    "a stack of dicts with a short member": lambda t, d: d.StackDataset(a=short(d)).__getitems__([1, 2]),
    "concatenated nothing": lambda t, d: d.ConcatDataset([]),
    "concatenated streams": lambda t, d: d.ConcatDataset([stream(d, 1)]),
    "concatenated, from the end": lambda t, d: d.ConcatDataset([counting(t, d, 2), counting(t, d, 3)])[-4],
    "concatenated, before the start": lambda t, d: d.ConcatDataset([counting(t, d, 2)])[-3],
    "concatenated, an older name": lambda t, d: d.ConcatDataset([[1], [2, 3]]).cummulative_sizes,
    "a subset": lambda t, d: (d.Subset([5, 6, 7], [2, 0])[0], len(d.Subset([5, 6, 7], [2, 0]))),
    "several of a subset": lambda t, d: d.Subset([5, 6, 7], [2, 0, 1]).__getitems__([0, 2]),
    "a subset beyond the end": lambda t, d: d.Subset([5, 6, 7], [2])[1],
    "a split": lambda t, d: [s.indices for s in d.random_split(range(10), [3, 7])],
    "a split by a generator": lambda t, d: [
        s.indices for s in d.random_split(range(10), [3, 7], generator=t.Generator().manual_seed(42))
    ],
    "a split in fractions": lambda t, d: [s.indices for s in d.random_split(range(10), [0.33, 0.33, 0.34])],
    "a split that does not add up": lambda t, d: d.random_split(range(10), [3, 3]),
    "fractions that do not add up": lambda t, d: d.random_split(range(10), [0.5, 0.4]),
    "a negative fraction": lambda t, d: d.random_split(range(10), [-0.5, 1.5]),
    "an empty part": lambda t, d: [len(s) for s in d.random_split(range(10), [0.95, 0.05])],
    "a split of nothing": lambda t, d: [s.indices for s in d.random_split([], [0])],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_datasets_do_what_pytorchs_do(oracle: Any, package: Any, name: str) -> None:
    assert_same(oracle, package, PROGRAMS[name])


def test_arrays_become_tensors_that_share_their_memory() -> None:
    array = np.arange(3.0)
    dataset = data.TensorDataset(array)
    array[1] = 7
    assert dataset[1][0].item() == 7


def test_lists_are_no_tensors() -> None:
    with pytest.raises(TypeError, match="takes tensors and NumPy arrays, not list"):
        data.TensorDataset([1, 2])


def test_an_error_of_sizes_names_them() -> None:
    with pytest.raises(AssertionError, match="Size mismatch between tensors\n  sizes of dimension 0: 2, 3"):
        data.TensorDataset(wengert.ones(2), wengert.ones(3))
