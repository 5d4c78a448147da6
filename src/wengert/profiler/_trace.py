"""Events as a trace in the JSON form of Chrome, which Perfetto reads too."""

from __future__ import annotations

import bisect
import gzip
import json
import os
from collections.abc import Iterable
from typing import Any, Final

from ._recorder import BACKWARD, OPERATOR, RANGE

CATEGORIES: Final = {OPERATOR: "cpu_op", BACKWARD: "cpu_op", RANGE: "user_annotation"}


def write(events: Iterable[Any], path: str | os.PathLike[str]) -> None:
    """Write the trace to a file, compressed when its name ends with ``.gz``."""
    text = json.dumps({"schemaVersion": 1, "displayTimeUnit": "ms", "traceEvents": trace(list(events))}, indent=1)
    opener: Any = gzip.open if os.fspath(path).endswith(".gz") else open
    with opener(path, "wt", encoding="utf-8") as stream:
        stream.write(text)


def trace(events: list[Any]) -> list[dict[str, Any]]:
    """All entries: a bar for each event, an arrow from each forward call to its backward formula."""
    process = os.getpid()
    entries: list[dict[str, Any]] = []
    for event in events:
        entries.append(
            {
                "ph": "X",
                "cat": CATEGORIES[event.span.kind],
                "name": event.name,
                "pid": process,
                "tid": event.thread,
                "ts": event.time_range.start,
                "dur": event.cpu_time_total,
                "args": arguments(event),
            }
        )
    return entries + arrows(events, process)


def arguments(event: Any) -> dict[str, Any]:
    """What the viewer shows beside a bar."""
    found: dict[str, Any] = {}
    if event.stack:
        found["Call stack"] = event.stack[0]
    if event.input_shapes:
        found["Input Dims"] = event.input_shapes
    if event.sequence_nr >= 0:
        found["Sequence number"] = event.sequence_nr
    if event.self_cpu_memory_usage or event.saved_memory_usage:
        found["Result bytes"] = event.self_cpu_memory_usage
        found["Saved bytes"] = event.saved_memory_usage
    return found


def arrows(events: list[Any], process: int) -> list[dict[str, Any]]:
    """Arrows from the operators that made nodes to the runs of these nodes."""
    makers = sorted((e for e in events if e.span.kind == OPERATOR and e.sequence_nr >= 0), key=lambda e: e.span.first)
    firsts = [maker.span.first for maker in makers]
    entries: list[dict[str, Any]] = []
    for event in events:
        if event.span.kind == BACKWARD:
            place = bisect.bisect_right(firsts, event.sequence_nr) - 1
            if place >= 0 and makers[place].span.last >= event.sequence_nr:
                maker = makers[place]
                common = {"cat": "fwdbwd", "name": "fwdbwd", "id": event.id, "pid": process}
                entries.append({"ph": "s", **common, "tid": maker.thread, "ts": maker.time_range.start})
                entries.append({"ph": "f", **common, "tid": event.thread, "ts": event.time_range.start, "bp": "e"})
    return entries
