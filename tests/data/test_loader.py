"""DataLoader without workers: PyTorch's batches, order of draws, errors and warnings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import wengert
from wengert import data

from .both import Program, assert_same


def stream(module: Any, n: int, claimed: int | None = None) -> Any:
    class Stream(module.IterableDataset):  # type: ignore[misc, name-defined]
        def __iter__(self) -> Iterator[int]:
            return iter(range(n))

        def __repr__(self) -> str:
            return "stream"

    class Sized(Stream):
        def __len__(self) -> int:
            return claimed  # type: ignore[return-value]

    return Stream() if claimed is None else Sized()


def load(**options: Any) -> Program:
    """A program that goes through ten samples twice."""

    def program(t: Any, d: Any) -> Any:
        chosen = {name: value(t, d) if callable(value) else value for name, value in options.items()}
        loader = d.DataLoader(range(10), **chosen)
        return [list(loader) for _ in range(2)], t.rand(1, generator=chosen.get("generator"))

    return program


def claims_too_little(t: Any, d: Any) -> Any:
    loader = d.DataLoader(stream(d, 5, claimed=3))
    return len(loader), list(loader)


def attribute(name: str) -> Program:
    return lambda t, d: setattr(d.DataLoader([1]), name, 3)


def generator(t: Any, d: Any) -> Any:
    return t.Generator().manual_seed(9)


PROGRAMS: dict[str, Program] = {
    "batches": load(batch_size=4),
    "whole batches": load(batch_size=4, drop_last=True),
    "samples": load(batch_size=None),
    "shuffled": load(batch_size=3, shuffle=True),
    "shuffled by a generator": load(batch_size=3, shuffle=True, generator=generator),
    "shuffled samples": load(batch_size=None, shuffle=True),
    "shuffled whole batches by a generator": load(batch_size=4, shuffle=True, drop_last=True, generator=generator),
    "a generator without shuffling": load(generator=generator),
    "a subset sampler": load(sampler=lambda t, d: d.SubsetRandomSampler([1, 2, 3]), batch_size=2),
    "a weighted sampler": load(sampler=lambda t, d: d.WeightedRandomSampler([1, 2, 3], 10), batch_size=5),
    "a batch sampler": load(batch_sampler=[[1, 2], [3]]),
    "a function that collates": load(batch_size=2, collate_fn=lambda t, d: sum),
    "a stream": lambda t, d: (list(d.DataLoader(stream(d, 5), batch_size=2)), t.rand(1)),
    "a stream of samples": lambda t, d: list(d.DataLoader(stream(d, 3), batch_size=None)),
    "whole batches of a stream": lambda t, d: list(d.DataLoader(stream(d, 5), batch_size=2, drop_last=True)),
    "the length of a stream": lambda t, d: len(d.DataLoader(stream(d, 5))),
    "the claimed length of a stream": lambda t, d: [
        len(d.DataLoader(stream(d, 5, 5), batch_size=2, drop_last=drop)) for drop in (True, False)
    ],
    "a stream that claims too little": claims_too_little,
    "lengths": lambda t, d: [len(d.DataLoader(range(10), batch_size=b)) for b in (3, None)],
    "the length of an epoch": lambda t, d: len(iter(d.DataLoader(range(10), batch_size=3))),
    "the draws of an epoch": lambda t, d: (iter(d.DataLoader(range(3))), t.rand(1))[1],
    "nothing": lambda t, d: list(d.DataLoader([])),
    "nothing, shuffled": lambda t, d: d.DataLoader([], shuffle=True),
    "a dict of samples": lambda t, d: list(d.DataLoader({0: 5, 1: 6})),
    "negative workers": lambda t, d: d.DataLoader([1], num_workers=-1),
    "too many workers": lambda t, d: type(d.DataLoader([1], num_workers=1000)).__name__,
    "a negative timeout": lambda t, d: d.DataLoader([1], timeout=-1),
    "prefetching without workers": lambda t, d: d.DataLoader([1], prefetch_factor=2),
    "negative prefetching": lambda t, d: d.DataLoader([1], num_workers=1, prefetch_factor=-1),
    "persistence without workers": lambda t, d: d.DataLoader([1], persistent_workers=True),
    "a shuffled stream": lambda t, d: d.DataLoader(stream(d, 1), shuffle=True),
    "a stream with a sampler": lambda t, d: d.DataLoader(stream(d, 1), sampler=[1]),
    "a stream with a batch sampler": lambda t, d: d.DataLoader(stream(d, 1), batch_sampler=[[1]]),
    "a sampler and shuffling": lambda t, d: d.DataLoader([1], sampler=[1], shuffle=True),
    "a batch sampler and a size": lambda t, d: d.DataLoader([1], batch_sampler=[[1]], batch_size=3),
    "a batch sampler and drop_last": lambda t, d: d.DataLoader([1], batch_sampler=[[1]], drop_last=True),
    "no batches and drop_last": lambda t, d: d.DataLoader([1], batch_size=None, drop_last=True),
    "a batch size of 0": lambda t, d: d.DataLoader([1], batch_size=0),
    "a batch size of a half": lambda t, d: d.DataLoader([1], batch_size=2.5),
    "a batch size as text": lambda t, d: d.DataLoader([1], batch_size="2"),
    "a context without workers": lambda t, d: d.DataLoader([1], multiprocessing_context="spawn"),
    "an unknown context": lambda t, d: d.DataLoader([1], num_workers=1, multiprocessing_context="foo"),
    "a number for a context": lambda t, d: d.DataLoader([1], num_workers=1, multiprocessing_context=3),
    "a number for drop_last": lambda t, d: d.DataLoader([1], drop_last=3),
    "pinned memory": load(pin_memory=True),
    "default prefetching": lambda t, d: [d.DataLoader([1], num_workers=n).prefetch_factor for n in (0, 2)],
    **{f"a new {name}": attribute(name) for name in ("batch_size", "sampler", "dataset", "drop_last", "timeout")},
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_loading_does_what_pytorchs_does(oracle: Any, package: Any, name: str) -> None:
    assert_same(oracle, package, PROGRAMS[name])


def test_arrays_go_in_and_tensors_come_out() -> None:
    x, y = np.arange(6, dtype=np.float32).reshape(3, 2), np.arange(3)
    batches = list(data.DataLoader(data.TensorDataset(x, y), batch_size=2))
    assert [b.tolist() for b in batches[1]] == [[[4, 5]], [2]]
    assert batches[0][0].dtype is wengert.float32


@pytest.mark.parametrize("order", [[3, 0, 0, 5], [-1, 2], [5]], ids=str)
def test_rows_taken_at_once_are_those_taken_one_by_one(order: list[int]) -> None:
    x = np.arange(12.0).reshape(6, 2)
    tensors = data.TensorDataset(x, wengert.arange(6).reshape(6, 1, 1).bool(), np.arange(6, dtype=np.float16))
    for dataset in (tensors, data.Subset(data.Subset(tensors, [5, 4, 3, 2, 1, 0]), range(6))):
        at_once = next(iter(data.DataLoader(dataset, batch_sampler=[order])))
        samples = [dataset[i] for i in order]
        one_by_one = data.default_collate(samples)
        assert [(b.dtype, b.tolist()) for b in at_once] == [(b.dtype, b.tolist()) for b in one_by_one]
        at_once[0].zero_()
        assert x.sum() == 66


def test_an_index_out_of_range_is_the_error_of_the_sample() -> None:
    with pytest.raises(IndexError, match="index 7 is out of bounds for dimension 0 with size 6"):
        list(data.DataLoader(data.TensorDataset(np.arange(6)), batch_sampler=[[7]]))
    with pytest.raises(IndexError, match="range"):
        list(data.DataLoader(data.Subset(data.TensorDataset(np.arange(6)), [0]), batch_sampler=[[7]]))


def test_gradients_flow_to_tensors_of_a_dataset() -> None:
    x = wengert.ones(4, requires_grad=True)
    for (batch,) in data.DataLoader(data.TensorDataset(x), batch_size=2):
        batch.sum().backward()
    assert x.grad.tolist() == [1, 1, 1, 1]


def test_a_stop_iteration_of_a_dataset_is_an_error_and_no_early_end() -> None:
    def collate(samples: Any) -> Any:
        raise StopIteration

    with pytest.raises(RuntimeError, match="raised StopIteration, which would end the loop"):
        list(data.DataLoader([1, 2], collate_fn=collate))


def test_prefetching_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="prefetch_factor should be positive"):
        data.DataLoader([1], num_workers=1, prefetch_factor=0)


def test_ten_thousand_batches_leave_memory_flat() -> None:
    import tracemalloc

    loader = data.DataLoader(data.TensorDataset(np.zeros((20_000, 4)), np.zeros(20_000)), batch_size=2)
    batches = iter(loader)
    for _ in range(500):
        next(batches)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in batches:
        pass
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 200_000
