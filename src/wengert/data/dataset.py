"""Datasets: what gives samples by index or in order, and how they are combined and split."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar, cast

import numpy as np

from .._core import errors
from .._gen.functions import from_numpy, randperm
from .._tensor import Tensor

__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "random_split",
]

T_co = TypeVar("T_co", covariant=True)
NESTED = "Nested dataset's output size mismatch. Expected {}, got {}"
SUM = "Sum of input lengths does not equal the length of the input dataset!"


class Dataset(Generic[T_co]):
    """Samples by index: subclass it and define ``__getitem__`` and, unless samplers are given their numbers, ``__len__``.

    Define ``__getitems__(indices)`` as well where a list of samples can be had faster than one by one. ``a + b`` is the
    ``ConcatDataset`` of both.
    """

    def __getitem__(self, index: Any) -> T_co:
        """The sample of an index."""
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Dataset[Any]) -> Dataset[Any]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co]):
    """Samples in an order of their own: subclass it and define ``__iter__``.

    Every worker of a ``DataLoader`` iterates over a copy of its own; use ``get_worker_info()`` in ``__iter__`` to give each
    its share. ``a + b`` is the ``ChainDataset`` of both.
    """

    @abstractmethod
    def __iter__(self) -> Iterator[T_co]:
        """An iterator over the samples."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Refuse classes without ``__iter__``."""
        if getattr(cls.__iter__, "__isabstractmethod__", False):
            raise TypeError(f"Can't instantiate abstract class {cls.__name__} with abstract method __iter__")
        return super().__new__(cls)

    def __add__(self, other: Dataset[Any]) -> Dataset[Any]:
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Sample i is the tuple of the i-th rows of all tensors.

    Args:
        tensors: tensors, or NumPy arrays, whose memory is shared; all of the same size in dimension 0.

    Raises:
        AssertionError: for different sizes.
        TypeError: for anything that is neither a tensor nor an array.

    Example:
        >>> import numpy as np
        >>> TensorDataset(np.arange(6.0).reshape(3, 2), np.arange(3))[1]
        (tensor([2., 3.], dtype=torch.float64), tensor(1))
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Any) -> None:
        self.tensors = tuple(_tensor_of(value) for value in tensors)
        sizes = [t.size(0) for t in self.tensors]
        if any(n != sizes[0] for n in sizes):
            hint = f"sizes of dimension 0: {', '.join(map(str, sizes))}"
            raise AssertionError(errors.with_hints("Size mismatch between tensors", hint))

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return int(self.tensors[0].size(0))


def _tensor_of(value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ndarray):
        return from_numpy(value)
    raise TypeError(f"TensorDataset takes tensors and NumPy arrays, not {type(value).__name__}")


class StackDataset(Dataset[Any]):
    """Sample i is the tuple (datasets as arguments) or dict (as keyword arguments) of the i-th samples of all datasets.

    Raises:
        ValueError: for none, for both kinds of arguments, for different lengths.
    """

    datasets: tuple[Any, ...] | dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError(
                "Supported either ``tuple``- (via ``args``) or``dict``- (via ``kwargs``) like input/output, but both types "
                "are given."
            )
        if not args and not kwargs:
            raise ValueError("At least one dataset should be passed")
        self.datasets = args or kwargs
        lengths = [len(dataset) for dataset in (args or kwargs.values())]
        self._length = lengths[0]
        if any(n != self._length for n in lengths):
            hint = f"lengths: {', '.join(map(str, lengths))}"
            raise ValueError(errors.with_hints("Size mismatch between datasets", hint))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __getitems__(self, indices: list[Any]) -> list[Any]:
        """The samples of several indices."""
        if isinstance(self.datasets, dict):
            columns = [_samples(dataset, indices) for dataset in self.datasets.values()]
            return [dict(zip(self.datasets, sample)) for sample in zip(*columns)]
        return list(zip(*[_samples(dataset, indices) for dataset in self.datasets]))

    def __len__(self) -> int:
        return self._length


def _samples(dataset: Any, indices: list[Any]) -> Sequence[Any]:
    """Several samples, at once where the dataset can."""
    many = getattr(dataset, "__getitems__", None)
    if not callable(many):
        return [dataset[i] for i in indices]
    found = cast(Sequence[Any], many(indices))
    if len(found) != len(indices):
        raise ValueError(NESTED.format(len(indices), len(found)))
    return found


class ConcatDataset(Dataset[T_co]):
    """The samples of several datasets, one dataset after the other.

    Raises:
        AssertionError: for none, and for datasets that are iterable only.
    """

    datasets: list[Any]
    cumulative_sizes: list[int]

    @staticmethod
    def cumsum(sequence: Iterable[Any]) -> list[int]:
        """Running sums of the lengths."""
        return list(itertools.accumulate(len(item) for item in sequence))

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = self.cumsum(self.datasets)

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: Any) -> T_co:
        if index < 0:
            if -index > len(self):
                raise ValueError("absolute value of index should not exceed dataset length")
            index += len(self)
        if index >= len(self):
            raise IndexError(f"list index out of range: {index} of {len(self)} samples")
        which = bisect.bisect_right(self.cumulative_sizes, index)
        start = self.cumulative_sizes[which - 1] if which else 0
        return cast(T_co, self.datasets[which][index - start])

    @property
    def cummulative_sizes(self) -> list[int]:
        """The older name of ``cumulative_sizes``."""
        warnings.warn(
            "`cummulative_sizes` attribute is renamed to `cumulative_sizes`", category=FutureWarning, stacklevel=2
        )
        return self.cumulative_sizes


class ChainDataset(IterableDataset[Any]):
    """The samples of several iterable datasets, one dataset after the other; they are opened when their turn comes."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def _checked(self) -> Iterator[Any]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError("ChainDataset only supports IterableDataset")
            yield dataset

    def __iter__(self) -> Iterator[Any]:
        for dataset in self._checked():
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self._checked())


class Subset(Dataset[T_co]):
    """The samples of a dataset at some indices.

    Args:
        dataset: any map-style dataset.
        indices: which samples, in which order.
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            return cast(T_co, self.dataset[[self.indices[i] for i in index]])
        return cast(T_co, self.dataset[self.indices[index]])

    def __getitems__(self, indices: list[int]) -> list[T_co]:
        """The samples of several indices."""
        chosen = [self.indices[i] for i in indices]
        many = getattr(self.dataset, "__getitems__", None)
        return cast(list[T_co], many(chosen) if callable(many) else [self.dataset[i] for i in chosen])

    def __len__(self) -> int:
        return len(self.indices)


def random_split(dataset: Any, lengths: Sequence[int | float], generator: Any = None) -> list[Subset[Any]]:
    """Subsets of the given lengths that share out a dataset at random.

    Args:
        dataset: any map-style dataset.
        lengths: numbers of samples that add up to all, or fractions that add up to 1; what rounding down leaves over goes
            to the subsets from the first on, one sample each.
        generator: source of the permutation; the default generator when left out.

    Raises:
        ValueError: for lengths that do not add up.

    Example:
        >>> [len(part) for part in random_split(range(10), [0.75, 0.25])]
        [8, 2]
    """
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _lengths_of_fractions(len(dataset), lengths)
    if sum(lengths) != len(dataset):
        raise ValueError(errors.with_hints(SUM, f"sum of lengths: {sum(lengths)}; samples: {len(dataset)}"))
    indices = randperm(int(sum(lengths)), generator=generator).tolist()
    ends = itertools.accumulate(int(n) for n in lengths)
    return [Subset(dataset, indices[end - int(n) : end]) for end, n in zip(ends, lengths)]


def _lengths_of_fractions(total: int, fractions: Sequence[float]) -> list[int]:
    """Whole numbers in proportion to fractions."""
    for i, fraction in enumerate(fractions):
        if fraction < 0 or fraction > 1:
            raise ValueError(f"Fraction at index {i} is not between 0 and 1")
    lengths = [math.floor(total * fraction) for fraction in fractions]
    for i in range(total - sum(lengths)):
        lengths[i % len(lengths)] += 1
    for i, length in enumerate(lengths):
        if length == 0:
            warnings.warn(f"Length of split at index {i} is 0. This might result in an empty dataset.", stacklevel=3)
    return lengths
