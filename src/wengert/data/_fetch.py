"""How the samples of one batch are got from a dataset, in a worker process or in the main one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._gen.functions import as_tensor
from .._tensor import Tensor
from .collate import default_collate
from .dataset import IterableDataset, Subset, TensorDataset

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
            if self.batched and self.collate is default_collate:
                batch = rows(self.dataset, index)
                if batch is not None:
                    return batch
            return self.collate(self._samples(index))
        except StopIteration as error:
            raise RuntimeError(ENDED) from error

    def _samples(self, index: Any) -> Any:
        dataset = self.dataset
        if not self.batched:
            return dataset[index]
        many = getattr(dataset, "__getitems__", None)
        return many(index) if callable(many) else [dataset[i] for i in index]


def rows(dataset: Any, index: Any) -> list[Tensor] | None:
    """The collated samples of tensors in memory, taken at once: a fifth of the time of one by one (``tests.data.speed``).

    None where it is not that simple: other datasets, gradients to record, indices that are no ints or out of range.
    """
    while type(dataset) is Subset and isinstance(index, list):
        try:
            index = [dataset.indices[i] for i in index]
        except IndexError:
            return None
        dataset = dataset.dataset
    if type(dataset) is not TensorDataset or any(t.requires_grad or type(t) is not Tensor for t in dataset.tensors):
        return None
    places = np.asarray(index)
    n = len(dataset) if dataset.tensors else 0
    if places.ndim != 1 or places.dtype.kind != "i" or not places.size or places.min() < -n or places.max() >= n:
        return None
    chosen = as_tensor(places)
    return [t[chosen] for t in dataset.tensors]


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
