"""What a profile found, as PyTorch's events: single calls, averages, and lists of them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .._core import errors
from . import _table, _trace
from ._lines import LineAverages, line_averages
from ._recorder import BACKWARD, RANGE, Span


@dataclass
class Interval:
    """A stretch of time, in microseconds since the profile began."""

    start: float
    end: float

    def elapsed_us(self) -> float:
        """Its length in microseconds."""
        return self.end - self.start


@dataclass
class FunctionEventAvg:
    """Calls of one kind together. Times are in microseconds, memory is in bytes.

    Attributes:
        key: name of the calls.
        count: number of calls.
        cpu_time_total: time from begin to end of all calls.
        self_cpu_time_total: the same without the time of events inside them.
        cpu_memory_usage: memory of results, events inside included; needs ``profile_memory=True``.
        self_cpu_memory_usage: the same without events inside.
        saved_memory_usage: memory that these calls, not those inside, keep for the backward pass and no earlier call kept.
        input_shapes: of the calls, when grouped by it.
        stack: source lines of the calls, when grouped by it.
        is_backward: whether they are backward formulas.
    """

    key: str = "Total"
    count: int = 0
    cpu_time_total: float = 0.0
    self_cpu_time_total: float = 0.0
    cpu_memory_usage: int = 0
    self_cpu_memory_usage: int = 0
    saved_memory_usage: int = 0
    input_shapes: list[list[int]] = field(default_factory=list)
    stack: list[str] = field(default_factory=list)
    is_backward: bool = False

    @property
    def name(self) -> str:
        """The key."""
        return self.key

    @property
    def cpu_time(self) -> float:
        """Average time of a call, in microseconds."""
        return self.cpu_time_total / self.count if self.count else 0.0

    def add(self, other: FunctionEventAvg | FunctionEvent) -> None:
        """Add another average, or one more call."""
        self.count += other.count
        self.cpu_time_total += other.cpu_time_total
        self.self_cpu_time_total += other.self_cpu_time_total
        self.cpu_memory_usage += other.cpu_memory_usage
        self.self_cpu_memory_usage += other.self_cpu_memory_usage
        self.saved_memory_usage += other.saved_memory_usage

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={_table.time_text(self.self_cpu_time_total)} "
            f"cpu_time={_table.time_text(self.cpu_time)} count={self.count} cpu_memory_usage={self.cpu_memory_usage}>"
        )


class FunctionEvent:
    """One call. Times are in microseconds, memory is in bytes.

    Attributes:
        id: number of the event; events are numbered by their begin.
        name, key: ``aten::mul`` for an operator, ``MulBackward0`` for its backward formula, or what the program said.
        thread: number of the thread, 1 for that which made the profile.
        time_range: begin and end.
        cpu_parent, cpu_children: the event around this one, and those inside.
        input_shapes: of the tensors given; needs ``record_shapes=True``.
        stack: the source line, ``train.py(12): step``; for a backward formula that of the forward call.
        sequence_nr: number of the node that the call made, or ran; -1 for none.
    """

    def __init__(self, number: int, span: Span, began: int, parent: FunctionEvent | None) -> None:
        self.id = number
        self.span = span
        self.name = self.key = span.name
        self.thread = span.thread
        self.time_range = Interval((span.start - began) / 1000, (span.end - began) / 1000)
        self.count = 1
        self.cpu_parent = parent
        self.cpu_children: list[FunctionEvent] = []
        self.input_shapes = span.shapes
        self.stack = [stack_line(span.code, span.lasti)] if span.code is not None else []
        self.sequence_nr = span.last if span.last >= span.first else -1
        self.self_cpu_memory_usage = span.result_bytes
        self.saved_memory_usage = span.saved_bytes
        if parent is not None:
            parent.cpu_children.append(self)

    @property
    def is_backward(self) -> bool:
        """Whether it is a backward formula."""
        return self.span.kind == BACKWARD

    @property
    def is_user_annotation(self) -> bool:
        """Whether it is a range: named with ``record_function``, or a whole backward pass."""
        return self.span.kind == RANGE

    @property
    def cpu_time_total(self) -> float:
        """Time from begin to end."""
        return self.time_range.elapsed_us()

    @property
    def cpu_time(self) -> float:
        """The same: one call is its own average."""
        return self.cpu_time_total

    @property
    def self_cpu_time_total(self) -> float:
        """Time without that of the events inside."""
        return self.cpu_time_total - sum(child.cpu_time_total for child in self.cpu_children)

    @property
    def cpu_memory_usage(self) -> int:
        """Memory of the results, events inside included."""
        return self.self_cpu_memory_usage + sum(child.cpu_memory_usage for child in self.cpu_children)

    def __repr__(self) -> str:
        return (
            f"<FunctionEvent id={self.id} name={self.name} cpu_time={_table.time_text(self.cpu_time)} "
            f"start_us={self.time_range.start:.3f} end_us={self.time_range.end:.3f} thread={self.thread} "
            f"input_shapes={self.input_shapes} cpu_memory_usage={self.cpu_memory_usage}>"
        )


def stack_line(code: Any, lasti: int) -> str:
    """``train.py(12): step``, as PyTorch writes a frame."""
    return f"{os.path.basename(code.co_filename)}({errors.line_number(code, lasti)}): {code.co_name}"


class EventList(list[Any]):
    """Events, or averages of them.

    Attributes:
        profile_memory: whether tables have columns for memory.
    """

    def __init__(self, events: Iterable[Any] = (), profile_memory: bool = False) -> None:
        super().__init__(events)
        self.profile_memory = profile_memory

    @property
    def self_cpu_time_total(self) -> float:
        """Time of all events, each stretch counted once, in microseconds."""
        return float(sum(event.self_cpu_time_total for event in self))

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> EventList:
        """The events of each name together.

        Args:
            group_by_input_shape: tell calls with different shapes apart; needs ``record_shapes=True``.
            group_by_stack_n: tell calls from different source lines apart, when not 0.

        Returns:
            A list of ``FunctionEventAvg``, in the order of the first calls.
        """
        groups: dict[Any, FunctionEventAvg] = {}
        for event in self:
            shapes = event.input_shapes if group_by_input_shape else []
            stack = event.stack[:group_by_stack_n]
            key = (event.key, event.is_backward, str(shapes), *stack)
            if key not in groups:
                groups[key] = FunctionEventAvg(
                    event.key, input_shapes=shapes, stack=stack, is_backward=event.is_backward
                )
            groups[key].add(event)
        return EventList(groups.values(), self.profile_memory)

    def total_average(self) -> FunctionEventAvg:
        """All events together."""
        total = FunctionEventAvg()
        for event in self:
            total.add(event)
        return total

    def line_averages(self) -> LineAverages:
        """Forward and backward time, calls and memory of each source line of the program."""
        return line_averages(self)

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
    ) -> str:
        """The events as text, a line for each.

        Args:
            sort_by: attribute by which rows fall, such as ``"self_cpu_time_total"``, ``"cpu_time_total"``, ``"cpu_time"``,
                ``"count"``, ``"cpu_memory_usage"`` or ``"saved_memory_usage"``; None keeps the order.
            row_limit: number of rows; -1 for all.
            max_src_column_width, max_name_column_width, max_shapes_column_width: longer texts are cut.
            header: a line above the table.
            top_level_events_only: leave out events inside others.

        Raises:
            AttributeError: events have no attribute ``sort_by``.
        """
        events = [e for e in self if not top_level_events_only or getattr(e, "cpu_parent", None) is None]
        if sort_by is not None:
            events.sort(key=lambda event: getattr(event, sort_by), reverse=True)
        widths = (max_name_column_width, max_shapes_column_width, max_src_column_width)
        shown = events if row_limit < 0 else events[:row_limit]
        return _table.table(shown, self.self_cpu_time_total, self.profile_memory, widths, header)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write the events as a trace for ``chrome://tracing`` or Perfetto; arrows lead from forward to backward.

        Args:
            path: file to write, compressed when its name ends with ``.gz``.
        """
        _trace.write(self, path)

    def __str__(self) -> str:
        return self.table()


def events_of(spans: list[Span], began: int, profile_memory: bool) -> EventList:
    """The events of a finished profile, in the order of their begin."""
    made: dict[Span | None, FunctionEvent | None] = {None: None}
    events = EventList(profile_memory=profile_memory)
    for span in sorted(spans, key=lambda s: s.start):
        parent = span.parent
        while parent not in made:  # the one around it was no event
            parent = parent.parent if parent is not None else None
        event = FunctionEvent(len(events), span, began, made[parent])
        made[span] = event
        events.append(event)
    return events
