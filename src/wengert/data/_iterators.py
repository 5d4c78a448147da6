"""One epoch of a ``DataLoader``: in this process, or with the help of workers."""

from __future__ import annotations

import multiprocessing
import warnings
from typing import TYPE_CHECKING, Any

from ._fetch import Exhausted
from ._processes import Processes
from ._worker import BATCH, END, Failure, Job
from .dataset import IterableDataset
from .sampler import random_seed

if TYPE_CHECKING:
    from .dataloader import DataLoader

PINNED = "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory won't be used."
TOO_LONG = (
    "Length of IterableDataset {} was reported to be {}(when accessing len(dataloader)), but {} samples have been "
    "fetched. "
)
REPLICAS = (
    "For multiprocessing data-loading, this could be caused by not properly configuring the IterableDataset replica at each "
    "worker. Please see https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset for examples."
)


class LoaderIterator:
    """The batches of one epoch, made here."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        if loader.pin_memory:
            warnings.warn(PINNED, stacklevel=3)
        self.loader = loader
        self.yielded = 0
        # The sampler first and then the seed, as in PyTorch: so both give the same order from the same generator.
        self.indices = iter(loader._index_sampler)
        self.begin()

    def begin(self) -> None:
        """Set out."""
        random_seed(self.loader.generator)  # nobody needs it, but PyTorch draws it
        self.fetch = self.loader._recipe().start()

    def __iter__(self) -> LoaderIterator:
        return self

    def __len__(self) -> int:
        return len(self.loader._index_sampler)

    def __next__(self) -> Any:
        batch = self.next_batch()
        self.yielded += 1
        claimed = self.loader._claimed_length
        if isinstance(self.loader.dataset, IterableDataset) and claimed is not None and self.yielded > claimed:
            text = TOO_LONG.format(self.loader.dataset, claimed, self.yielded)
            warnings.warn(text + (REPLICAS if self.loader.num_workers else ""), stacklevel=2)
        return batch

    def next_batch(self) -> Any:
        """The next batch, made here."""
        index = next(self.indices)
        try:
            return self.fetch(index)
        except Exhausted:
            raise StopIteration from None


class WorkersIterator(LoaderIterator):
    """The batches of one epoch, made by worker processes.

    Tasks are numbered in the order of the sampler and handed out in turn. A worker always has up to ``prefetch_factor`` of
    them; for every batch that is given out, one more is handed out.
    """

    def __init__(self, loader: DataLoader[Any], processes: Processes | None) -> None:
        self.kept = processes
        super().__init__(loader)

    def begin(self) -> None:
        """Start the workers, unless they are kept from the last epoch, and give them their first tasks."""
        n = self.loader.num_workers
        processes = self.kept
        if processes is None:
            seed, recipe = random_seed(self.loader.generator), self.loader._recipe()
            jobs = [Job(recipe, i, n, seed, self.loader.worker_init_fn) for i in range(n)]
            processes = Processes(jobs, self.loader.multiprocessing_context or multiprocessing)
        self.processes = processes
        processes.epoch += 1
        self.epoch = processes.epoch
        self.failed: BaseException | None = None
        self.working = [True] * n  # those whose iterable dataset has not ended
        self.turn = 0
        self.sent = 0
        self.next_number = 0
        self.owed: dict[int, int] = {}  # number of a task -> its worker
        self.arrived: dict[int, Any] = {}  # number of a task -> its answer, where an earlier one is missing
        for _ in range(n * (self.loader.prefetch_factor or 2)):
            self.hand_out()

    def hand_out(self) -> None:
        """Send the next task to the next worker that is still working."""
        n = self.loader.num_workers
        workers = [(self.turn + k) % n for k in range(n) if self.working[(self.turn + k) % n]]
        if not workers:
            return
        try:
            index = next(self.indices)
        except StopIteration:
            return
        worker = workers[0]
        if not self.loader.in_order:  # a slow worker does not hold up the others
            worker = min(workers, key=list(self.owed.values()).count)
        self.processes.ask(worker, (self.epoch, self.sent, index))
        self.owed[self.sent] = worker
        self.turn = (worker + 1) % n
        self.sent += 1

    def next_batch(self) -> Any:
        """The next batch; once the workers are gone, the reason."""
        if self.failed is not None:
            raise self.failed
        if self.epoch != self.processes.epoch:
            raise RuntimeError("the workers are persistent and have begun another epoch: this one cannot go on")
        try:
            return self.next_arrived()
        except StopIteration:
            raise
        except BaseException as error:
            if not self.processes.end.alive:
                self.failed = error
            raise

    def next_arrived(self) -> Any:
        """The next batch in the order of the sampler, or the first that is there."""
        while self.owed or self.arrived:
            number = self.next_number if self.loader.in_order else next(iter(self.arrived), -1)
            if number in self.arrived:
                return self.give(*self.arrived.pop(number))
            if self.loader.in_order and number not in self.owed:
                self.next_number += 1  # its worker had no more samples
                continue
            self.wait()
        if not self.loader.persistent_workers:
            self.processes.end()
        raise StopIteration

    def wait(self) -> None:
        """Take in one answer."""
        worker, (kind, epoch, number, value) = self.processes.answer(self.loader.timeout)
        if epoch != self.epoch:
            return
        del self.owed[number]
        if kind == END:
            self.working[worker] = False
            self.hand_out()
        else:
            self.arrived[number] = (kind, value)

    def give(self, kind: str, value: Any) -> Any:
        """A batch, or the exception that there is instead."""
        self.next_number += 1
        self.hand_out()
        if kind == BATCH:
            return value
        failure: Failure = value
        raise failure.exception()
