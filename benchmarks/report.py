"""The machine, the settings and the table of a run as text."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def machine() -> dict[str, Any]:
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def load_average() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def header(result: dict[str, Any]) -> str:
    facts, settings = result["machine"], result["settings"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    load = result["load"]
    return "\n".join(
        [
            f"{facts['processor']}, {facts['cores']} cores, {facts['system']}, {facts['python']}",
            f"{versions}; {settings['threads']} thread(s) each; load average {load[0]} before, {load[1]} after",
            f"{settings['rounds']} rounds in turn, blocks of {settings['seconds']} s, garbage collector on; medians;"
            f" in brackets the median over the rounds of the ratio to {result['reference']}",
        ]
    )


def table(rows: list[Row]) -> str:
    """One line a workload, one column a package, problems below."""
    columns = list(dict.fromkeys(row["package"] for row in rows if row["value"] is not None or row["problem"]))
    titles = list(dict.fromkeys(row["workload"] for row in rows))
    cells = {(row["workload"], row["package"]): cell(row) for row in rows}
    lines = [["", *columns]] + [[title, *(cells.get((title, name), "") for name in columns)] for title in titles]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns) + 1)]
    text = [
        "  ".join(
            [line[0].ljust(widths[0]), *(part.rjust(width) for part, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    ]
    text.insert(1, "-" * len(text[0]))
    problems: dict[str, list[str]] = {}
    for row in rows:
        if row["problem"]:
            problems.setdefault(f"{row['package']}: {row['problem']}", []).append(row["workload"])
    return "\n".join([*text, *(f"\n{problem}\n  in {'; '.join(titles)}" for problem, titles in problems.items())])


def cell(row: Row) -> str:
    if row["value"] is None:
        return "failed" if row["problem"] else ""
    value = seconds(row["value"]) if row["unit"] == "s" else memory(row["value"])
    return f"{value} ({row['ratio']:.2f})" if row["ratio"] is not None else f"{value}       "


def seconds(value: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if abs(value) >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def memory(value: float) -> str:
    return f"{value / 1e6:.0f} MB" if value >= 1e6 else f"{value:.0f} B"
