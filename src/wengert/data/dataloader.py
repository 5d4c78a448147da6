"""``DataLoader``: batches of a dataset, made in this process or in worker processes."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from ._fetch import Recipe
from ._iterators import LoaderIterator, WorkersIterator
from ._processes import Processes
from ._worker import get_worker_info as get_worker_info
from .collate import default_collate as default_collate
from .collate import default_convert as default_convert
from .dataset import IterableDataset
from .sampler import BatchSampler, RandomSampler, SequentialSampler

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]

T_co = TypeVar("T_co", covariant=True)
FIXED = ("batch_sampler", "batch_size", "dataset", "drop_last", "persistent_workers", "sampler")
UNSPECIFIED = "DataLoader with IterableDataset: expected unspecified {0} option, but got {0}={1}"
EXCLUSIVE = "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
NO_BATCHES = "batch_size=None option disables auto-batching and is mutually exclusive with drop_last"
PREFETCH = (
    "prefetch_factor option could only be specified in multiprocessing.let num_workers > 0 to enable multiprocessing, "
    "otherwise set prefetch_factor to None."
)
TOO_MANY = (
    "This DataLoader will create {} worker processes in total. Our suggested max number of worker in current system is {}, "
    "which is smaller than what this DataLoader is going to create. Please be aware that excessive worker creation might get "
    "DataLoader running slow or even freeze, lower the worker number to avoid potential slowness/freeze if necessary."
)


class _Endless:
    """The sampler of iterable datasets, which are not asked by index."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


class DataLoader(Generic[T_co]):
    """An iterable over the batches of a dataset; each iteration is one epoch.

    Args:
        dataset: what has ``__getitem__`` and ``__len__``, or an ``IterableDataset``.
        batch_size: samples in a batch; None gives the samples one by one.
        shuffle: a new random order every epoch.
        sampler: gives the indices of an epoch instead.
        batch_sampler: gives lists of indices; replaces batch_size, shuffle, sampler and drop_last.
        num_workers: processes that make batches beside this one; 0 makes them here.
        collate_fn: makes a batch of a list of samples (of one sample with ``batch_size=None``).
        pin_memory, pin_memory_device: accepted; there are no devices that would profit.
        drop_last: leave out a last batch that is shorter.
        timeout: seconds to wait for a worker's batch; 0 for no limit.
        worker_init_fn: called in each worker with its number, first of all.
        multiprocessing_context: start method of the workers, or a context of ``multiprocessing``.
        generator: source of the order and of the workers' seeds; the default generator when left out.
        prefetch_factor: batches that each worker makes in advance; 2 when left out.
        persistent_workers: keep the workers, and with them their copies of the dataset, after an epoch.
        in_order: give batches in the order of the sampler; False gives each as soon as it is made.

    Raises:
        TypeError, ValueError: for arguments that make no sense, or not together.
        RuntimeError: in iteration, when a worker dies or the time is over. An exception in a worker is raised here with the
            worker's traceback as its text.

    Example:
        >>> [batch.tolist() for batch in DataLoader(range(5), batch_size=2)]
        [[0, 1], [2, 3], [4]]
    """

    dataset: Any
    batch_size: int | None
    num_workers: int
    pin_memory: bool
    drop_last: bool
    timeout: float
    sampler: Any
    batch_sampler: Any
    pin_memory_device: str
    prefetch_factor: int | None
    _initialized = False

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        self.dataset = dataset
        self._set_workers(num_workers, timeout, prefetch_factor, persistent_workers, multiprocessing_context)
        self.worker_init_fn = worker_init_fn
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.in_order = in_order
        self.generator = generator
        self._set_samplers(batch_size, shuffle, sampler, batch_sampler, drop_last)
        if collate_fn is None:
            collate_fn = default_collate if self._auto_collation else default_convert
        self.collate_fn = collate_fn
        self._claimed_length: int | None = None
        self._processes: Processes | None = None  # those that are kept
        self._initialized = True
        _warn_of_workers(num_workers)

    def _set_workers(self, num_workers: Any, timeout: Any, prefetch: Any, persistent: Any, context: Any) -> None:
        if num_workers < 0:
            raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
        if timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if num_workers == 0 and prefetch is not None:
            raise ValueError(PREFETCH)
        if num_workers > 0 and prefetch is None:
            prefetch = 2
        elif prefetch is not None and prefetch < 0:
            raise ValueError("prefetch_factor option should be non-negative")
        elif prefetch == 0:
            raise ValueError("prefetch_factor should be positive: with 0, workers would never be asked for a batch")
        if persistent and num_workers == 0:
            raise ValueError("persistent_workers option needs num_workers > 0")
        self.num_workers = num_workers
        self.timeout = timeout
        self.prefetch_factor = prefetch
        self.persistent_workers = persistent
        self.multiprocessing_context = context

    def _set_samplers(self, batch_size: Any, shuffle: Any, sampler: Any, batch_sampler: Any, drop_last: Any) -> None:
        if isinstance(self.dataset, IterableDataset):
            for name, value in (("shuffle", shuffle or None), ("sampler", sampler), ("batch_sampler", batch_sampler)):
                if value is not None:
                    raise ValueError(UNSPECIFIED.format(name, value))
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(EXCLUSIVE)
            batch_size, drop_last = None, False
        elif batch_size is None and drop_last:
            raise ValueError(NO_BATCHES)
        if sampler is None:
            if isinstance(self.dataset, IterableDataset):
                sampler = _Endless()
            elif shuffle:
                sampler = RandomSampler(self.dataset, generator=self.generator)
            else:
                sampler = SequentialSampler(self.dataset)
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler

    @property
    def multiprocessing_context(self) -> Any:
        """The context of ``multiprocessing`` that starts the workers; None for its default."""
        return self._context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context: Any) -> None:
        self._context = None if context is None else _checked_context(context, self.num_workers)

    def __setattr__(self, name: str, value: Any) -> None:
        if self._initialized and name in FIXED:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    @property
    def _auto_collation(self) -> bool:
        """Whether samples are put together to batches."""
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        """What gives the indices, or lists of them, that batches are made of."""
        return self.batch_sampler if self._auto_collation else self.sampler

    def _recipe(self) -> Recipe:
        return Recipe(self.dataset, self._auto_collation, self.collate_fn, self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        if self.num_workers == 0:
            return LoaderIterator(self)
        if self._processes is not None and not self._processes.end.alive:
            self._processes = None  # one of them has died
        epoch = WorkersIterator(self, self._processes)
        if self.persistent_workers:
            self._processes = epoch.processes
        return epoch

    def __len__(self) -> int:
        """Number of batches; for an iterable dataset what its ``__len__`` claims."""
        if not isinstance(self.dataset, IterableDataset):
            return len(self._index_sampler)
        length = self._claimed_length = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else -(-length // self.batch_size)


def _checked_context(context: Any, num_workers: int) -> Any:
    """A context of ``multiprocessing``, also by the name of its start method."""
    import multiprocessing
    from multiprocessing.context import BaseContext

    if num_workers == 0:
        raise ValueError(
            "multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got "
            f"num_workers={num_workers}"
        )
    if isinstance(context, str):
        methods = multiprocessing.get_all_start_methods()
        if context not in methods:
            raise ValueError(
                f"multiprocessing_context option should specify a valid start method in {methods!r}, but got "
                f"multiprocessing_context={context!r}"
            )
        return multiprocessing.get_context(context)
    if not isinstance(context, BaseContext):
        raise TypeError(
            "multiprocessing_context option should be a valid context object or a string specifying the start method, but "
            f"got multiprocessing_context={context}"
        )
    return context


def _warn_of_workers(num_workers: int) -> None:
    """Warn of more workers than processors."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if available is not None and num_workers > available:
        warnings.warn(TOO_MANY.format(num_workers, available), stacklevel=3)
