"""Events as a table in PyTorch's form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ..autograd.graph_memory import bytes_text

GAP: Final = "  "


def time_text(microseconds: float) -> str:
    """``1.500ms``."""
    if abs(microseconds) >= 1e6:
        return f"{microseconds / 1e6:.3f}s"
    if abs(microseconds) >= 1e3:
        return f"{microseconds / 1e3:.3f}ms"
    return f"{microseconds:.3f}us"


def share_text(part: float, whole: float) -> str:
    """``12.50%``; NaN of nothing."""
    return f"{100 * part / whole:.2f}%" if whole else "NaN"


def cut(text: str, width: int) -> str:
    """The text, its end replaced by dots when it is longer than ``width``."""
    return text if len(text) <= width or width < 3 else text[: width - 3] + "..."


def row_of(event: Any, total: float, memory: bool, columns: Sequence[bool], widths: tuple[int, int, int]) -> list[str]:
    """The cells of one event."""
    row = [
        cut(event.key, widths[0]),
        share_text(event.self_cpu_time_total, total),
        time_text(event.self_cpu_time_total),
        share_text(event.cpu_time_total, total),
        time_text(event.cpu_time_total),
        time_text(event.cpu_time),
    ]
    if memory:
        sizes = (event.cpu_memory_usage, event.self_cpu_memory_usage, event.saved_memory_usage)
        row += [bytes_text(size) for size in sizes]
    row.append(str(event.count))
    if columns[0]:
        row.append(cut(str(event.input_shapes), widths[1]))
    if columns[1]:
        row.append(cut(event.stack[0] if event.stack else "", widths[2]))
    return row


def table(events: list[Any], total: float, memory: bool, widths: tuple[int, int, int], header: str | None) -> str:
    """The text; columns for shapes and source lines only where some event has them."""
    columns = (any(e.input_shapes for e in events), any(e.stack for e in events))
    head = ["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg"]
    if memory:
        head += ["CPU Mem", "Self CPU Mem", "Saved Mem"]
    head.append("# of Calls")
    left = len(head)
    head += [name for name, wanted in zip(("Input Shapes", "Source Location"), columns, strict=True) if wanted]
    rows = [row_of(event, total, memory, columns, widths) for event in events]
    sizes = [max(len(cells[i]) for cells in [head, *rows]) for i in range(len(head))]
    rule = GAP.join("-" * size for size in sizes)

    def line(cells: list[str]) -> str:
        texts = [c.rjust(n) if i < left else c.ljust(n) for i, (c, n) in enumerate(zip(cells, sizes, strict=True))]
        return GAP.join(texts).rstrip()

    lines = [rule, line(head), rule, *map(line, rows), rule, f"Self CPU time total: {time_text(total)}", ""]
    if header is not None:
        lines.insert(0, header)
    return "\n".join(lines)
