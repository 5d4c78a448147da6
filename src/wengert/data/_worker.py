"""What a worker process of a ``DataLoader`` does, and what it tells of itself."""

from __future__ import annotations

import queue
import random
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._gen.functions import manual_seed
from .._settings import set_num_threads
from ._fetch import Exhausted, Recipe
from ._transport import Message

BATCH, FAILURE, END = "batch", "failure", "end"  # the kinds of answers


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker knows of itself.

    Attributes:
        id: number of the worker, from 0.
        num_workers: how many there are.
        seed: what its random numbers started from: that of the loader's iterator plus ``id``.
        dataset: its copy of the dataset.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


class _Current:
    """The worker that this process is, if any."""

    info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Number, seed and dataset of the worker that calls; None in the main process.

    An iterable dataset uses it to give each worker its share of the samples.
    """
    return _Current.info


@dataclass(frozen=True)
class Failure:
    """An exception of a worker, in a form that can be sent.

    Attributes:
        kind: class of the exception, None if it cannot be sent.
        text: what to tell the user.
    """

    kind: type[Exception] | None
    text: str

    @classmethod
    def of(cls, error: Exception, worker: int) -> Failure:
        """Class and traceback of an exception that was caught in a worker."""
        lines = "".join(traceback.format_exception(error))
        text = f"Caught {type(error).__name__} in DataLoader worker process {worker}.\nOriginal {lines}"
        try:
            Message(type(error))
        except Exception:
            return cls(None, text)
        return cls(type(error), text)

    def exception(self) -> Exception:
        """An exception of the same class with the worker's traceback as its text; RuntimeError if there cannot be one."""
        kind = self.kind
        if kind is None or issubclass(kind, StopIteration):
            return RuntimeError(self.text)
        try:
            return kind(_Text(self.text) if issubclass(kind, KeyError) else self.text)
        except Exception:
            return RuntimeError(self.text)


class _Text(str):
    """A text that a KeyError shows as it is, not in quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Job:
    """What a worker is started with."""

    recipe: Recipe
    worker: int
    num_workers: int
    base_seed: int
    init: Callable[[int], Any] | None


def run(job: Job, connection: Any) -> None:
    """The life of a worker: answer tasks until the main process hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the main one ends the workers
    seed = job.base_seed + job.worker
    random.seed(seed)
    manual_seed(seed)
    np.random.seed(np.random.SeedSequence([job.worker, job.base_seed]).generate_state(4))  # as in PyTorch's workers
    set_num_threads(1)
    _Current.info = WorkerInfo(job.worker, job.num_workers, seed, job.recipe.dataset)
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(connection, tasks), daemon=True).start()
    worker = _Worker(job)
    try:
        while (task := tasks.get()) is not None:
            worker.answer(*task).send(connection)
    except (BrokenPipeError, ConnectionResetError):
        pass  # nobody waits for the answer any more


def _listen(connection: Any, tasks: queue.SimpleQueue[Any]) -> None:
    """Take tasks from the pipe at once, so that the main process, which sends them, never waits for a busy worker."""
    try:
        while True:
            tasks.put(connection.recv())
    except (EOFError, OSError):
        tasks.put(None)


class _Worker:
    """Turns tasks into answers."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.epoch = -1
        self.fetch: Callable[[Any], Any] | None = None
        self.failure: Failure | None = None
        if job.init is not None:
            try:
                job.init(job.worker)
            except Exception as error:
                self.failure = Failure.of(error, job.worker)

    def answer(self, epoch: int, number: int, index: Any) -> Message:
        """The batch of an index, with the numbers by which the main process knows the task."""
        if self.failure is not None:
            return Message((FAILURE, epoch, number, self.failure))
        try:
            if self.fetch is None or epoch != self.epoch:
                self.fetch = self.job.recipe.start()
                self.epoch = epoch
            return Message((BATCH, epoch, number, self.fetch(index)))
        except Exhausted:
            return Message((END, epoch, number, None))
        except Exception as error:
            return Message((FAILURE, epoch, number, Failure.of(error, self.job.worker)))
