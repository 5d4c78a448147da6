"""Which steps of a long program are recorded, and what is done with each recording."""

from __future__ import annotations

import enum
import os
import socket
import time
from collections.abc import Callable
from typing import Any


class ProfilerAction(enum.Enum):
    """What a profile does during a step; there is nothing to warm up here, so ``WARMUP`` is ``NONE``."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3

    def records(self) -> bool:
        """Whether the step is recorded."""
        return self in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0
) -> Callable[[int], ProfilerAction]:
    """A plan for ``profile(schedule=...)``: first ``skip_first`` steps unseen, then cycles of wait, warmup, active.

    Args:
        wait: steps of a cycle that are not recorded.
        warmup: steps after them that are not recorded either.
        active: steps that are recorded; after the last one ``on_trace_ready`` is called.
        repeat: number of cycles; 0 for no end.
        skip_first: steps before the first cycle.

    Returns:
        A function from the number of a step to its ``ProfilerAction``.

    Raises:
        AssertionError: a number is negative, or ``active`` is 0.

    Example:
        >>> plan = schedule(wait=1, warmup=1, active=2, repeat=1)
        >>> [plan(step).name for step in range(5)]
        ['NONE', 'WARMUP', 'RECORD', 'RECORD_AND_SAVE', 'NONE']
    """
    if min(wait, warmup, repeat, skip_first) < 0 or active <= 0:
        raise AssertionError(
            f"Invalid profiler schedule arguments. Got wait={wait} (need >= 0), warmup={warmup} (need >= 0), "
            f"active={active} (need > 0), repeat={repeat} (need >= 0), skip_first={skip_first} (need >= 0)."
        )

    def action(step: int) -> ProfilerAction:
        cycle, place = divmod(step - skip_first, wait + warmup + active)
        if cycle < 0 or 0 < repeat <= cycle or place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if place == wait + warmup + active - 1 else ProfilerAction.RECORD

    return action


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[Any], None]:
    """A function for ``on_trace_ready`` that writes each recording as a trace into a directory.

    Args:
        dir_name: the directory; made when it is missing.
        worker_name: begin of the file names; None for host and process.
        use_gzip: compress the files.
    """

    def write(profile: Any) -> None:
        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        name = f"{worker}.{time.time_ns()}.pt.trace.json" + (".gz" if use_gzip else "")
        profile.export_chrome_trace(os.path.join(dir_name, name))

    return write
