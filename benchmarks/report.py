"""The machine, the settings and the table of a run as text."""

from __future__ import annotations

import os
import platform
from datetime import date
from pathlib import Path
from typing import Any

import goals

Row = dict[str, Any]

MISSING = "missing"  # the problem of a package that lacks what a workload needs
PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"


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
            f"{settings['rounds']} rounds in turn, a process each, blocks of {settings['seconds']} s, garbage collector on;"
            f" medians, in brackets the median over the rounds of the ratio to {result['reference']}",
        ]
    )


def table(rows: list[Row]) -> str:
    """One line a workload, one column a package, problems below."""
    return "\n".join(
        [lines(cells(rows)), *(f"\n{problem}\n  in {'; '.join(titles)}" for problem, titles in problems(rows).items())]
    )


def problems(rows: list[Row]) -> dict[str, list[str]]:
    """The workloads of each package and problem."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row["problem"]:
            found.setdefault(f"{row['package']}: {row['problem']}", []).append(row["workload"])
    return found


def cells(rows: list[Row]) -> list[list[str]]:
    """The head, then a line a workload."""
    columns = list(dict.fromkeys(row["package"] for row in rows if row["value"] is not None or row["problem"]))
    titles = list(dict.fromkeys(row["workload"] for row in rows))
    found = {(row["workload"], row["package"]): cell(row) for row in rows}
    return [["", *columns], *([title, *(found.get((title, name), "") for name in columns)] for title in titles)]


def lines(cells: list[list[str]]) -> str:
    """A table as text in columns."""
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    text = [
        "  ".join([line[0].ljust(widths[0]), *(part.rjust(w) for part, w in zip(line[1:], widths[1:], strict=True))])
        for line in cells
    ]
    text.insert(1, "-" * len(text[0]))
    return "\n".join(text)


def markdown(cells: list[list[str]]) -> str:
    """A table in Markdown."""
    head, *body = cells
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, rule, *body])


def write_page(result: dict[str, Any]) -> None:
    """docs/benchmarks.md and its picture: what is meant, what is reached, every number."""
    rows = result["rows"]
    parts = [
        "# Benchmarks",
        f"Made by `python benchmarks/run.py --page` on {date.today()}; do not edit.",
        header(result).replace("\n", "  \n"),
        "Smaller is better. The goals are ratios to PyTorch; rows above the goal are listed as they are.",
        "![ratios to PyTorch by workload](benchmarks.png)",
        markdown([goals.SUMMARY_HEAD, *goals.summary(rows)]),
    ]
    for group in dict.fromkeys(row.get("group", "") for row in rows):
        parts += [f"## {group}", markdown(cells([row for row in rows if row.get("group", "") == group]))]
    failed = [f"- {text} ({len(titles)} workloads)" for text, titles in problems(rows).items() if MISSING not in text]
    parts += ["A dash: the package lacks what the workload needs."]
    parts += ["Failed:\n\n" + "\n".join(failed)] if failed else []
    PAGE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    draw(rows)


def draw(rows: list[Row]) -> None:
    """The ratios of wengert to PyTorch, a row of dots for each group."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    groups = [g for g in goals.GOALS if any(r.get("group") == g and r["ratio"] is not None for r in rows)]
    figure, axes = pyplot.subplots(figsize=(9, 0.6 * len(groups) + 1.4), layout="constrained")
    for place, group in enumerate(reversed(groups)):
        for package, colour, shift in (("wengert", "tab:blue", 0.12), ("wengert pure", "tab:orange", -0.12)):
            mine = [r for r in rows if r.get("group") == group and r["package"] == package and r["ratio"] is not None]
            ratios = [r["ratio"] for r in mine]
            axes.plot(
                ratios,
                [place + shift] * len(ratios),
                "o",
                color=colour,
                alpha=0.6,
                label=package if place == 0 else None,
            )
        axes.plot([goals.GOALS[group].worst] * 2, [place - 0.35, place + 0.35], color="grey", lw=1)
    axes.axvline(1, color="black", lw=0.8)
    axes.set(xscale="log", xlabel="time / PyTorch's (left is faster; grey: the goal for each workload)")
    axes.set_yticks(range(len(groups)), list(reversed(groups)))
    axes.legend(loc="lower right")
    figure.savefig(PAGE.with_suffix(".png"), dpi=120)
    pyplot.close(figure)


def cell(row: Row) -> str:
    if row["value"] is None:
        return {"": "", MISSING: "-"}.get(row["problem"], "failed")
    value = seconds(row["value"]) if row["unit"] == "s" else memory(row["value"])
    return f"{value} ({row['ratio']:.2f})" if row["ratio"] is not None else f"{value}       "


def seconds(value: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if abs(value) >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def memory(value: float) -> str:
    return f"{value / 1e6:.0f} MB" if value >= 1e6 else f"{value:.0f} B"
