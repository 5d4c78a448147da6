"""What the groups are meant to reach against PyTorch, and how they do: geometric means and the rows that miss."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

Row = dict[str, Any]


@dataclass(frozen=True)
class Goal:
    """Largest geometric mean and largest single ratio of a group."""

    mean: float
    worst: float


GOALS: Final = {
    "overhead": Goal(0.20, 0.5),
    "large arrays": Goal(0.6, 1.0),
    "fused chains": Goal(0.35, 0.35),
    "linear algebra": Goal(1.0, 1.1),
    "convolution and pooling": Goal(0.8, 1.1),
    "training steps": Goal(0.7, 1.0),
    "higher order": Goal(0.2, 0.5),
}


def geometric_mean(ratios: list[float]) -> float:
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def summary(rows: list[Row], package: str = "wengert") -> list[list[str]]:
    """A line a group: workloads, geometric mean, worst ratio, goals, how many rows are above the goal, how many failed."""
    lines = []
    for group, goal in GOALS.items():
        mine = [row for row in rows if row.get("group") == group and row["package"] == package]
        ratios = [row["ratio"] for row in mine if row["ratio"] is not None]
        if ratios:
            above = sum(ratio > goal.worst for ratio in ratios)
            failed = sum(bool(row["problem"]) for row in mine)
            mean, worst = f"{geometric_mean(ratios):.2f}", f"{max(ratios):.2f}"
            lines.append(
                [group, str(len(mine)), mean, f"{goal.mean:.2f}", worst, f"{goal.worst:.2f}", str(above), str(failed)]
            )
    return lines


SUMMARY_HEAD: Final = ["group", "workloads", "geometric mean", "goal", "worst", "goal", "rows above", "failed"]
