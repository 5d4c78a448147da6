"""``profile`` and ``record_function``."""

from __future__ import annotations

import contextlib
import enum
import os
import sys
from collections.abc import Callable, Iterable
from time import perf_counter_ns
from typing import Any, Final

from .._core.modes import MODES, user_frame
from ._events import EventList, FunctionEventAvg, events_of
from ._lines import LineAverages
from ._recorder import RANGE, Recorder, Span
from ._schedule import ProfilerAction
from ._seam import SEAM

# Arguments of PyTorch's profilers that say nothing on a machine without a GPU, or that are always on here.
WITHOUT_EFFECT: Final = frozenset(
    {"use_cuda", "use_device", "use_cpu", "use_kineto", "with_flops", "with_modules", "with_stack", "experimental_config",
     "acc_events", "custom_trace_id_callback", "post_processing_timeout_s", "execution_trace_observer"}
)  # fmt: skip


class ProfilerActivity(enum.Enum):
    """What a profile watches; there is the CPU only."""

    CPU = 0
    CUDA = 1
    XPU = 2


class profile:
    """Measures the operators and backward formulas that run inside: time, calls and memory, by operator and source line.

    All threads are watched. Only the outermost operator is an event; what it calls inside counts as its own time. An event
    costs a few microseconds, which is in no event's own time but in that of the ranges around. While a profile runs,
    gradients are copied into ``.grad`` that are taken over without a copy otherwise.

    Args:
        enabled: with False nothing is done.
        activities: accepted for PyTorch's sake.
        schedule: function from the number of a step to what is done with it, see ``schedule``; ``step()`` ends a step.
        on_trace_ready: called with the profile when it has stopped, and at the end of each cycle of a schedule.
        record_shapes: keep the shapes of tensor arguments.
        profile_memory: count the memory of results and saved values.
        others: PyTorch's arguments for GPUs, stacks and modules are accepted and have no effect. The source line is
            always kept.

    Attributes:
        function_events: the events (of the last cycle) as an ``EventList``; None before the end.
        step_num: number of the step.

    Raises:
        RuntimeError: another profile is running, or this one has been used already.

    Example:
        >>> import wengert
        >>> x = wengert.ones(100, requires_grad=True)
        >>> with profile(profile_memory=True) as p:
        ...     with record_function("square"):
        ...         y = (x * x).sum()
        ...     y.backward()
        >>> [(e.key, e.count) for e in p.key_averages()]  # doctest: +NORMALIZE_WHITESPACE
        [('square', 1), ('aten::mul', 1), ('aten::sum', 1), ('autograd::backward', 1), ('SumBackward0', 1),
         ('MulBackward0', 1)]
        >>> p.key_averages()[1].cpu_memory_usage
        400

    Source: ``torch.autograd.profiler.profile`` and ``torch.profiler.profile``. PyTorch also shows operators inside operators,
    and an event ``evaluate_function`` around each backward formula.
    """

    def __init__(
        self,
        enabled: bool = True,
        *,
        activities: Iterable[Any] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[Any], Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        **others: Any,
    ) -> None:
        unknown = sorted(set(others) - WITHOUT_EFFECT)
        if unknown:
            raise TypeError(f"profile.__init__() got an unexpected keyword argument '{unknown[0]}'")
        self.enabled = enabled
        self.schedule = schedule
        self.on_trace_ready = on_trace_ready
        self.record_shapes = record_shapes
        self.profile_memory = profile_memory
        self.recorder: Recorder | None = None
        self.entered = False
        self.function_events: EventList | None = None
        self.step_num = 0
        self.current_step: record_function | None = None

    def __enter__(self) -> profile:
        if self.enabled:
            if self.entered:
                raise RuntimeError("Profiler context manager is not reentrant")
            if SEAM.is_open:
                raise RuntimeError(
                    "a profile is running already, and profiles do not nest\n  try: record_function() for a part of it"
                )
            self.entered = True
            SEAM.open()
            try:
                self.begin_step()
            except BaseException:  # the schedule is the program's own
                SEAM.close()
                raise
        return self

    def __exit__(self, *exc: object) -> None:
        if self.enabled:
            try:
                self.end_step(last=True)
            finally:
                SEAM.close()
            if self.function_events is None:  # a schedule that came to nothing
                self.function_events = EventList()

    def start(self) -> None:
        """Begin, as ``with`` does."""
        self.__enter__()

    def stop(self) -> None:
        """End, as ``with`` does."""
        self.__exit__()

    def step(self) -> None:
        """End a step of a schedule and begin the next one; each step is an event ``ProfilerStep#0`` (1, 2...)."""
        if self.enabled and self.schedule is not None:
            self.end_step(last=False)
            self.step_num += 1
            self.begin_step()

    def action(self) -> ProfilerAction:
        """What is done with the present step."""
        return ProfilerAction.RECORD if self.schedule is None else self.schedule(self.step_num)

    def begin_step(self) -> None:
        """Record from now on, if it is time to."""
        if self.recorder is None and self.action().records():
            self.recorder = Recorder(self.record_shapes, self.profile_memory)
            MODES.watcher = self.recorder
        if self.schedule is not None:
            self.current_step = record_function(f"ProfilerStep#{self.step_num}")
            self.current_step.__enter__()

    def end_step(self, last: bool) -> None:
        """Make events of what was recorded, if nothing follows."""
        if self.current_step is not None:
            self.current_step.__exit__()
            self.current_step = None
        recorder = self.recorder
        if recorder is None or not (last or self.action() is ProfilerAction.RECORD_AND_SAVE):
            return
        MODES.watcher = self.recorder = None
        self.function_events = events_of(recorder.spans, recorder.started, self.profile_memory)
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def events(self) -> EventList:
        """The events, in the order of their begin; empty when the profile was not enabled.

        Raises:
            RuntimeError: nothing is recorded yet.
        """
        if self.enabled and self.function_events is None:
            raise RuntimeError("Profiler didn't finish running")
        return EventList() if self.function_events is None else self.function_events

    @property
    def self_cpu_time_total(self) -> float:
        """Time of all events, each stretch counted once, in microseconds."""
        return self.events().self_cpu_time_total

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> EventList:
        """The events of each name together, see ``EventList.key_averages``."""
        return self.events().key_averages(group_by_input_shape, group_by_stack_n)

    def total_average(self) -> FunctionEventAvg:
        """All events together."""
        return self.events().total_average()

    def line_averages(self) -> LineAverages:
        """Forward and backward time, calls and memory of each source line."""
        return self.events().line_averages()

    def table(self, sort_by: str | None = None, row_limit: int = 100, **layout: Any) -> str:
        """The events as text, a line for each, see ``EventList.table``."""
        return self.events().table(sort_by, row_limit, **layout)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write a trace for ``chrome://tracing`` or Perfetto, see ``EventList.export_chrome_trace``."""
        self.events().export_chrome_trace(path)

    def __str__(self) -> str:
        return "<unfinished profile>" if self.enabled and self.function_events is None else str(self.events())

    __repr__ = __str__


class record_function(contextlib.ContextDecorator):
    """Names a part of the program in profiles: as a context, or as a decorator of a function.

    Without a running profile it does nothing.

    Args:
        name: of the events.
        args: accepted for PyTorch's sake.
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name
        self.args = args
        self.opened: list[tuple[Recorder, Span] | None] = []

    def _recreate_cm(self) -> record_function:
        """One context per call, so that a decorated function may call itself or run in several threads."""
        return record_function(self.name, self.args)

    def __enter__(self) -> record_function:
        recorder: Recorder | None = MODES.watcher
        if recorder is None or recorder.thread.inside:
            self.opened.append(None)
            return self
        frame = user_frame(sys._getframe(1))
        span = recorder.begin(self.name, RANGE, frame.f_code, frame.f_lasti)
        self.opened.append((recorder, span))
        span.start = perf_counter_ns()
        return self

    def __exit__(self, *exc: object) -> None:
        opened = self.opened.pop()
        if opened is not None:
            recorder, span = opened
            recorder.end(span)
            recorder.spans.append(span)
