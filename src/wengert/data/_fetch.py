"""How the samples of one batch are got from a dataset, in a worker process or in the main one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .dataset import IterableDataset

ENDED = (
    "the dataset's __getitem__ raised StopIteration, which would end the loop without a word; raise IndexError instead"
)


class Exhausted(Exception):
    """An iterable dataset has no more samples."""


@dataclass(frozen=True)
class Recipe:
    """What makes batches out of a dataset.

    Attributes:
        dataset: the dataset.
        batched: whether indices come in lists, one for each batch.
        collate: makes a batch of a list of samples, or converts a sample where ``batched`` is False.
        drop_last: whether a short last batch is left out.
    """

    dataset: Any
    batched: bool
    collate: Callable[[Any], Any]
    drop_last: bool

    def start(self) -> Callable[[Any], Any]:
        """A function that takes what a sampler gives and returns a batch, for one epoch.

        It raises ``Exhausted`` after the last batch of an iterable dataset.
        """
        if isinstance(self.dataset, IterableDataset):
            return _InOrder(self, iter(self.dataset)).fetch
        return self._fetch_by_index

    def _fetch_by_index(self, index: Any) -> Any:
        try:
            return self.collate(self._samples(index))
        except StopIteration as error:
            raise RuntimeError(ENDED) from error

    def _samples(self, index: Any) -> Any:
        dataset = self.dataset
        if not self.batched:
            return dataset[index]
        many = getattr(dataset, "__getitems__", None)
        return many(index) if callable(many) else [dataset[i] for i in index]


@dataclass(frozen=True)
class _InOrder:
    """Batches of an iterable dataset."""

    recipe: Recipe
    samples: Iterator[Any]

    def fetch(self, index: Any) -> Any:
        """The next batch; ``index`` tells its size."""
        if not self.recipe.batched:
            for sample in self.samples:
                return self.recipe.collate(sample)
            raise Exhausted
        batch = list(itertools.islice(self.samples, len(index)))
        if not batch or (self.recipe.drop_last and len(batch) < len(index)):
            raise Exhausted
        return self.recipe.collate(batch)
