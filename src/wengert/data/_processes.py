"""The worker processes of a ``DataLoader``, as the main process sees them: started, asked, watched, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import weakref
from collections.abc import Iterator
from multiprocessing import connection as connections
from multiprocessing.util import register_after_fork
from typing import Any, NoReturn

from .._core import errors
from ._transport import receive
from ._worker import Job, run

GRACE = 5.0  # seconds that a worker has to end what it does, before it is ended


class Processes:
    """Worker processes, each with a pipe to it.

    Args:
        jobs: what each is started with.
        context: the start method, as ``multiprocessing`` knows it.

    Raises:
        Exception: what starting a process raises, such as objects that cannot be pickled; none is left running then.
    """

    def __init__(self, jobs: list[Job], context: Any) -> None:
        self.pipes: list[Any] = []
        self.processes: list[Any] = []
        self.epoch = 0  # tasks and answers carry its number, so that none is taken for one of another epoch
        self.end = weakref.finalize(self, _end, os.getpid(), self.pipes, self.processes)
        # A worker that keeps copies of these ends of the pipes would never see that this process hung up or died.
        register_after_fork(self, Processes.close)
        try:
            for job in jobs:
                self._start(job, context)
        except BaseException:
            self.abort()
            raise

    def close(self) -> None:
        """Hang up."""
        for pipe in self.pipes:
            pipe.close()

    def abort(self) -> None:
        """End all workers at once."""
        if self.end.alive:
            for process in self.processes:
                process.terminate()
            self.end()

    def _start(self, job: Job, context: Any) -> None:
        here, there = context.Pipe(duplex=True)
        self.pipes.append(here)
        process = context.Process(target=run, args=(job, there), daemon=True, name=f"DataLoader worker {job.worker}")
        try:
            with _same_torch():
                process.start()
        finally:
            there.close()  # here, so that its last copy closes with the worker and reading tells that it died
        self.processes.append(process)

    def ask(self, worker: int, task: tuple[int, int, Any]) -> None:
        """Send a task to a worker.

        Raises:
            RuntimeError: when it has died.
        """
        try:
            self.pipes[worker].send(task)
        except OSError:
            self._fail(worker)

    def answer(self, timeout: float) -> tuple[int, tuple[str, int, int, Any]]:
        """The next answer of any worker, with the worker's number.

        Args:
            timeout: seconds to wait; 0 waits as long as it takes.

        Raises:
            RuntimeError: when a worker has died, or the time is over.
        """
        watched = {self.pipes[i]: i for i in range(len(self.pipes))}
        sentinels = {process.sentinel: i for i, process in enumerate(self.processes)}
        ready = connections.wait([*watched, *sentinels], timeout or None)
        if not ready:
            self.abort()
            raise RuntimeError(
                errors.with_hints(
                    f"DataLoader timed out after {timeout} seconds",
                    "no worker has answered: one batch takes longer than timeout=, or a worker waits for something",
                )
            )
        for end in ready:
            if end in watched:
                return watched[end], self._receive(watched[end])
        self._fail(sentinels[ready[0]])

    def _receive(self, worker: int) -> Any:
        try:
            return receive(self.pipes[worker])
        except (EOFError, OSError):
            self._fail(worker)
        except BaseException:  # Ctrl-C: a message that was read in part cannot be read on
            self.abort()
            raise

    def _fail(self, worker: int) -> NoReturn:
        """Say that a worker has died, and how; ends the others."""
        process = self.processes[worker]
        process.join(GRACE)
        code, pid = process.exitcode, process.pid
        self.abort()
        if code is not None and code < 0:
            name = signal.strsignal(-code)
            reason = f"DataLoader worker (pid {pid}) is killed by signal: {name}. "
            hint = f"worker {worker} was killed by signal {-code} ({name})"
            if code == -signal.SIGKILL:
                hint += "; the system does that when memory runs out: try fewer workers or a smaller prefetch_factor"
        else:
            reason = (
                f"DataLoader worker (pid {pid}) exited unexpectedly with exit code {code}. Details are lost due to "
                "multiprocessing. Rerunning with num_workers=0 may give better error trace."
            )
            hint = f"worker {worker} ended with exit code {code}: sys.exit or os._exit was called in it, or it crashed"
        text = f"DataLoader worker (pid(s) {pid}) exited unexpectedly"
        raise RuntimeError(errors.with_hints(text, hint)) from RuntimeError(reason)


@contextlib.contextmanager
def _same_torch() -> Iterator[None]:
    """Where ``torch`` is wengert here, let it be so in processes that are started afresh and import the program again.

    They do so before anything of ours runs in them, but with the ``sys.path`` of this moment.
    """
    wengert = sys.modules[__package__.partition(".")[0]]
    if sys.modules.get("torch") is not wengert:
        yield
        return
    folder = os.path.join(os.path.dirname(str(wengert.__file__)), "interop", "_as_torch")
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _end(owner: int, pipes: list[Any], processes: list[Any]) -> None:
    """Hang up and wait until all workers have ended; those that do not end in time are ended."""
    if os.getpid() != owner:
        return  # a copy of the loader in a forked process: the workers are not its children
    for pipe in pipes:
        pipe.close()
    deadline = time.monotonic() + GRACE
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
    for how in ("terminate", "kill"):
        late = [process for process in processes if process.is_alive()]
        for process in late:
            getattr(process, how)()
        for process in late:
            process.join(GRACE)
    for process in processes:
        if not process.is_alive():
            process.close()  # what the system keeps for it
