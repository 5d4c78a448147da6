"""Samplers: PyTorch's indices from the same seeds, epoch after epoch, and its errors."""

from __future__ import annotations

from typing import Any

import pytest

from .both import Program, assert_same

RANDOM: list[dict[str, Any]] = [
    {},
    {"num_samples": 25},
    {"num_samples": 20},
    {"num_samples": 3},
    {"replacement": True},
    {"replacement": True, "num_samples": 64},
    {"replacement": True, "num_samples": 70},
]
PROGRAMS: dict[str, Program] = {
    "random of nothing": lambda t, d: d.RandomSampler([]),
    "random with a bad flag": lambda t, d: d.RandomSampler([1], replacement=3),
    "random without samples": lambda t, d: d.RandomSampler([1], num_samples=0),
    "random of half a sample": lambda t, d: d.RandomSampler([1], num_samples=2.5),
    "random length": lambda t, d: len(d.RandomSampler(range(4), num_samples=7)),
    "sequential": lambda t, d: (list(d.SequentialSampler("abc")), len(d.SequentialSampler("abc"))),
    "subset": lambda t, d: [list(d.SubsetRandomSampler([4, 5, 6, 7])) for _ in range(2)],
    "subset by a generator": lambda t, d: list(
        d.SubsetRandomSampler([4, 5, 6, 7], generator=t.Generator().manual_seed(2))
    ),
    "weighted": lambda t, d: (
        list(d.WeightedRandomSampler([0.1, 0.9, 0.4], 9)),
        d.WeightedRandomSampler([1], 1).weights,
    ),
    "weighted without replacement": lambda t, d: list(d.WeightedRandomSampler([0.1, 0.9, 0.4], 2, replacement=False)),
    "weighted, too many": lambda t, d: list(d.WeightedRandomSampler([1, 2], 5, replacement=False)),
    "weighted, no samples": lambda t, d: d.WeightedRandomSampler([1, 2], 0),
    "weighted, a flag for a number": lambda t, d: d.WeightedRandomSampler([1, 2], True),
    "weighted, a number for a flag": lambda t, d: d.WeightedRandomSampler([1, 2], 2, replacement=2),
    "weighted in two dimensions": lambda t, d: d.WeightedRandomSampler([[1, 2]], 2),
    "batches": lambda t, d: list(d.BatchSampler(range(10), 3, False)),
    "whole batches": lambda t, d: list(d.BatchSampler(d.SequentialSampler(range(10)), 3, True)),
    "lengths": lambda t, d: [len(d.BatchSampler(range(10), 3, drop)) for drop in (True, False)],
    "batches of none": lambda t, d: d.BatchSampler(range(10), 0, False),
    "batches of a flag": lambda t, d: d.BatchSampler(range(10), True, False),
    "a number for drop_last": lambda t, d: d.BatchSampler(range(10), 2, 3),
    "the base class": lambda t, d: iter(d.Sampler()),
    "the base class has no length": lambda t, d: len(d.Sampler()),
    "distributed without a group": lambda t, d: d.DistributedSampler(range(3)),
    "distributed, rank too large": lambda t, d: d.DistributedSampler(range(3), num_replicas=3, rank=3),
    "distributed, more processes than samples": lambda t, d: [
        list(d.DistributedSampler([7], num_replicas=3, rank=r)) for r in range(3)
    ],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_samplers_do_what_pytorchs_do(oracle: Any, package: Any, name: str) -> None:
    assert_same(oracle, package, PROGRAMS[name])


@pytest.mark.parametrize("options", RANDOM, ids=str)
@pytest.mark.parametrize("given", [False, True], ids=["default", "generator"])
def test_random_order_is_pytorchs_for_three_epochs(oracle: Any, package: Any, options: Any, given: bool) -> None:
    def program(t: Any, d: Any) -> Any:
        generator = t.Generator().manual_seed(3) if given else None
        sampler = d.RandomSampler(range(10), generator=generator, **options)
        return [list(sampler) for _ in range(3)], t.rand(1, generator=generator)

    assert_same(oracle, package, program)


@pytest.mark.parametrize("options", [{}, {"shuffle": False}, {"drop_last": True}, {"seed": 7}], ids=str)
def test_processes_share_out_the_indices_as_in_pytorch(oracle: Any, package: Any, options: Any) -> None:
    def program(t: Any, d: Any) -> Any:
        samplers = [d.DistributedSampler(range(10), num_replicas=3, rank=r, **options) for r in range(3)]
        for sampler in samplers:
            sampler.set_epoch(2)
        return [(len(sampler), list(sampler)) for sampler in samplers]

    assert_same(oracle, package, program)
