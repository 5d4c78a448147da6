"""Samplers: the order in which a ``DataLoader`` asks a dataset for its samples.

All draws are PyTorch's: the same generator state gives the same indices.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

from .._core.dtypes import float64, int64
from .._gen.functions import as_tensor, empty, multinomial, randint, randperm
from .._tensor import Tensor
from ..ops.random import Generator

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]

T_co = TypeVar("T_co", covariant=True)
DRAWN_AT_ONCE = 32  # indices with replacement; part of PyTorch's order


class Sampler(Generic[T_co]):
    """Base class: define ``__iter__``, which gives indices or lists of them, and ``__len__`` where it is known."""

    def __iter__(self) -> Iterator[T_co]:
        """An iterator over the indices of one epoch."""
        raise NotImplementedError


def random_seed(generator: Any = None) -> int:
    """A seed of 63 bits, drawn from the generator or the default one."""
    return int(empty((), dtype=int64).random_(generator=generator).item())


class SequentialSampler(Sampler[int]):
    """0, 1, 2, ...: the order of the dataset."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """Indices in random order.

    Args:
        data_source: what has the length.
        replacement: draw each index on its own, so that one may come several times.
        num_samples: how many to draw; the length of ``data_source`` when left out. More of them without replacement are
            whole permutations one after the other, and part of one.
        generator: source of random numbers. When left out, one is started every epoch from a seed that the default
            generator gives.

    Raises:
        TypeError: ``replacement`` is no bool.
        ValueError: no samples to draw.
    """

    def __init__(
        self, data_source: Sized, replacement: bool = False, num_samples: int | None = None, generator: Any = None
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(self.replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={self.replacement}")
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={self.num_samples}")

    @property
    def num_samples(self) -> int:
        """How many indices an epoch has."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        generator = self.generator
        if generator is None:
            generator = Generator().manual_seed(random_seed())
        n = len(self.data_source)
        if self.replacement:
            for start in range(0, self.num_samples, DRAWN_AT_ONCE):
                wanted = min(DRAWN_AT_ONCE, self.num_samples - start)
                yield from randint(n, (wanted,), dtype=int64, generator=generator).tolist()
            return
        for _ in range(self.num_samples // n):
            yield from randperm(n, generator=generator).tolist()
        # PyTorch draws the last permutation even where nothing of it is taken; so does this, to stay in step with it.
        yield from randperm(n, generator=generator).tolist()[: self.num_samples % n]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """Some indices in random order.

    Args:
        indices: which.
        generator: source of random numbers; the default generator when left out.
    """

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for i in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Indices drawn with given probabilities.

    Args:
        weights: one non-negative number for each index, not necessarily with sum 1.
        num_samples: how many to draw.
        replacement: whether an index may come several times.
        generator: source of random numbers; the default generator when left out.

    Raises:
        ValueError: for bad arguments.
    """

    weights: Tensor

    def __init__(
        self, weights: Sequence[float], num_samples: int, replacement: bool = True, generator: Any = None
    ) -> None:
        if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={num_samples}")
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        self.weights = as_tensor(weights, dtype=float64)
        if self.weights.ndim != 1:
            raise ValueError(
                f"weights should be a 1d sequence but given weights have shape {tuple(self.weights.shape)}"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        yield from multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator).tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Lists of ``batch_size`` indices of another sampler.

    Args:
        sampler: gives indices.
        batch_size: a positive int.
        drop_last: leave out a last list that is shorter.

    Raises:
        ValueError: for bad arguments.

    Example:
        >>> list(BatchSampler(SequentialSampler(range(5)), batch_size=2, drop_last=False))
        [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Sampler[int] | Iterable[int], batch_size: int, drop_last: bool) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        n = len(self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
