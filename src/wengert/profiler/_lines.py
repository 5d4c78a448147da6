"""A profile by source line: what each line of the program costs, forward and backward."""

from __future__ import annotations

import linecache
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .._core import errors
from ..autograd.graph_memory import aligned, bytes_text
from ._recorder import BACKWARD, RANGE
from ._table import cut, time_text


@dataclass
class LineAverage:
    """What one line of the program costs. Times are in microseconds, memory is in bytes.

    Attributes:
        file, line: the place.
        operators: names of the operators called there.
        calls: number of their calls.
        forward_time: of these calls.
        backward_time: of the backward formulas that go back to this line.
        result_bytes: memory of results, forward and backward.
        saved_bytes: memory that is kept for the backward pass.
    """

    file: str
    line: int
    operators: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    forward_time: float = 0.0
    backward_time: float = 0.0
    result_bytes: int = 0
    saved_bytes: int = 0

    @property
    def total_time(self) -> float:
        """Forward and backward together."""
        return self.forward_time + self.backward_time

    @property
    def source(self) -> str:
        """``train.py:12   y = x.exp()``."""
        text = linecache.getline(self.file, self.line).strip()
        return f"{os.path.basename(self.file)}:{self.line}" + (f"   {text}" if text else "")


class LineAverages:
    """Result of ``line_averages``: a sequence of ``LineAverage``, the dearest first; printing it gives a table."""

    def __init__(self, rows: list[LineAverage], memory: bool) -> None:
        self.rows = rows
        self.memory = memory

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[LineAverage]:
        return iter(self.rows)

    def __getitem__(self, index: int) -> LineAverage:
        return self.rows[index]

    def table(self, sort_by: str = "total_time", row_limit: int = 20, max_src_column_width: int = 75) -> str:
        """The lines as text.

        Args:
            sort_by: attribute of ``LineAverage`` by which rows fall.
            row_limit: number of rows; -1 for all.
            max_src_column_width: longer sources are cut.
        """
        rows = sorted(self.rows, key=lambda row: getattr(row, sort_by), reverse=True)
        sizes = ("results", "saved") if self.memory else ()
        cells: list[tuple[str, ...]] = [("forward", "backward", "calls", *sizes, "line")]
        for row in rows if row_limit < 0 else rows[:row_limit]:
            memory = (bytes_text(row.result_bytes), bytes_text(row.saved_bytes)) if self.memory else ()
            times = (time_text(row.forward_time), time_text(row.backward_time))
            cells.append((*times, str(row.calls), *memory, cut(row.source, max_src_column_width)))
        return aligned(cells, right=3 + len(sizes))

    def __str__(self) -> str:
        return self.table()

    __repr__ = __str__


def line_averages(events: Iterable[Any]) -> LineAverages:
    """Operators and backward formulas by the line of the forward call."""
    rows: dict[tuple[str, int], LineAverage] = {}
    for event in events:
        span = event.span
        if span.kind == RANGE or span.code is None:
            continue
        place = (span.code.co_filename, errors.line_number(span.code, span.lasti))
        row = rows.setdefault(place, LineAverage(*place))
        row.result_bytes += span.result_bytes
        row.saved_bytes += span.saved_bytes
        if span.kind == BACKWARD:
            row.backward_time += event.self_cpu_time_total
        else:
            row.forward_time += event.self_cpu_time_total
            row.calls += 1
            row.operators[span.name] = row.operators.get(span.name, 0) + 1
    ordered = sorted(rows.values(), key=lambda row: -row.total_time)
    return LineAverages(ordered, getattr(events, "profile_memory", False))
