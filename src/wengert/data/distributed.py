"""The sampler of one among several processes that share out a dataset."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from .._core import errors
from .._gen.functions import randperm
from ..ops.random import Generator
from .sampler import Sampler

__all__ = ["DistributedSampler"]

NO_GROUP = "Default process group has not been initialized, please make sure to call init_process_group."


class DistributedSampler(Sampler[int]):
    """Every ``num_replicas``-th index of a common order, beginning with ``rank``.

    Args:
        dataset: what has the length.
        num_replicas: number of processes.
        rank: number of this process, from 0.
        shuffle: whether the order is a permutation, started from ``seed`` + epoch (see :meth:`set_epoch`).
        seed: the same in all processes.
        drop_last: leave out the last indices where the length is no multiple of ``num_replicas``; otherwise the first
            indices come once more.

    Raises:
        ValueError: without ``num_replicas`` and ``rank`` (there are no process groups to ask), or with a rank out of range.

    Example:
        >>> [list(DistributedSampler(range(5), num_replicas=2, rank=r, shuffle=False)) for r in (0, 1)]
        [[0, 2, 4], [1, 3, 0]]
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            raise ValueError(errors.with_hints(NO_GROUP, "wengert has no process groups: pass num_replicas and rank"))
        if rank >= num_replicas or rank < 0:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        n = len(dataset)
        self.num_samples = n // num_replicas if drop_last else math.ceil(n / num_replicas)
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed

    def __iter__(self) -> Iterator[int]:
        n = len(self.dataset)
        indices = list(range(n))
        if self.shuffle:
            indices = randperm(n, generator=Generator().manual_seed(self.seed + self.epoch)).tolist()
        if n:
            indices *= math.ceil(self.total_size / n)  # repeated from the start where indices are missing
        return iter(indices[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Choose the permutation; without a call, every epoch has the same."""
        self.epoch = epoch
