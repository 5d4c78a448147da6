"""Write docs/operators.md, the table of what each operator can do, by running every sample.  python tests/ops/support.py

The operators in scope are listed in scope.csv with what PyTorch has for them. A cell says "yes" where all samples of the
operator agree with torch in that aspect, "3 of 4" where some do not, and is empty where PyTorch has nothing to agree with.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tests.ops.families import all_samples, scope
from tests.ops.harness import load, missing, package_name
from tests.ops.report import judge
from tests.ops.sample import Sample

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "operators.md"
COLUMNS: Final = {
    "value": ("forward", "strides"),
    "grad": ("node", "saved", "grad", "numeric"),
    "second": ("second",),
    "jvp": ("jvp",),
    "in-place": ("inplace",),
    "out=": ("out",),
}
PROMISED: Final = {"grad": "grad", "second": "double_grad", "jvp": "forward_ad", "in-place": "inplace", "out=": "out"}
"""Column -> the field of scope.csv that says whether PyTorch has it."""


@dataclass
class Row:
    """One operator: how many checks of each column were made, and how many agreed."""

    scope: dict[str, str]
    made: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    agreed: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def cell(self, column: str) -> str:
        """Text of a cell."""
        if column in PROMISED and not self.scope[PROMISED[column]]:
            return ""
        made, agreed = self.made[column], self.agreed[column]
        if made == agreed:
            return "yes" if made else "-"
        return f"{agreed} of {made}"

    def good(self, column: str) -> bool:
        """Whether all that PyTorch has was asked for and agrees."""
        return self.cell(column) in ("", "yes")


def names_of(name: str) -> set[str]:
    """What the samples of an operator may be filed under: ``uniform`` is only a method, ``uniform_``."""
    short = name.rpartition(".")[2] if name.startswith(("nn.functional.", "linalg.")) else name
    return {name, f"{name}_", short}


def measure(samples: Iterable[Sample]) -> list[Row]:
    """Run all checks of all operators in scope."""
    oracle, package = load("torch"), load(package_name())
    by_name: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_name[sample.op].append(sample)
    results: dict[tuple[str, str], bool] = {}
    rows = []
    for entry in scope():
        row = Row(entry)
        found = [s for name in sorted(names_of(entry["name"])) for s in by_name[name]]
        for sample in found:
            count(row, sample, oracle, package, results)
        if not found:
            row.made["value"] = 1
        rows.append(row)
    return rows


def count(row: Row, sample: Sample, oracle: Any, package: Any, results: dict[tuple[str, str], bool]) -> None:
    """Add the checks of one sample."""
    absent = missing(package, sample.op)
    is_complex = any(i.dtype.startswith("complex") for i in sample.inputs)
    for column, aspects in COLUMNS.items():
        for aspect in aspects:
            if aspect not in sample.aspects:
                continue
            key = sample.id, aspect
            if key not in results:
                results[key] = not absent and not judge(oracle, package, sample, aspect, False)
            columns = [column, "complex"] if is_complex else [column]
            if aspect == "forward" and sample.op.endswith("_") and not sample.op.startswith("_"):
                columns.append("in-place")  # an operator that is nothing else
            for where in columns:
                row.made[where] += 1
                row.agreed[where] += results[key]


def page(rows: list[Row], versions: str) -> str:
    """The page."""
    head = ["operator", "core", *COLUMNS, "complex"]
    lines = [
        "# Operators",
        "",
        f"Made by `python tests/ops/support.py` ({versions}); do not edit. *yes*: every sample agrees with PyTorch (values to a",
        "few units of the last place, dtype, shape, strides; node name, saved tensors, gradients; second gradients; tangents).",
        "*3 of 4*: so many samples do. *-*: PyTorch has it, and no sample asks for it. Empty: PyTorch has nothing there.",
        "",
        "| share without a difference | value | grad | second | jvp |",
        "| --- | --- | --- | --- | --- |",
        *[share(label, chosen) for label, chosen in groups(rows)],
    ]
    for family in dict.fromkeys(row.scope["family"] for row in rows):
        lines += ["", f"## {family}", "", "| " + " | ".join(head) + " |", "| --- " * len(head) + "|"]
        for row in rows:
            if row.scope["family"] == family:
                cells = [row.cell(c) for c in COLUMNS] + [complex_cell(row)]
                lines.append(
                    "| " + " | ".join([f"`{row.scope['name']}`", "core" if row.scope["core"] else "", *cells]) + " |"
                )
    return "\n".join(lines) + "\n"


def complex_cell(row: Row) -> str:
    """Complex numbers: counted over all aspects."""
    if not row.scope["complex"]:
        return ""
    made, agreed = row.made["complex"], row.agreed["complex"]
    return ("yes" if made else "-") if made == agreed else f"{agreed} of {made}"


def groups(rows: list[Row]) -> list[tuple[str, list[Row]]]:
    """The rows of the summary."""
    core = [row for row in rows if row.scope["core"]]
    return [(f"core ({len(core)})", core), (f"all ({len(rows)})", rows)]


def share(label: str, rows: list[Row]) -> str:
    """One line of the summary."""
    parts = [100 * sum(row.good(c) for row in rows) / len(rows) for c in ("value", "grad", "second", "jvp")]
    return f"| {label} | " + " | ".join(f"{part:.1f} %" for part in parts) + " |"


def main() -> None:
    """Write the page and print the summary and what differs."""
    rows = measure(all_samples())
    name = package_name()
    versions = f"{name} {load(name).__version__}, torch {load('torch').__version__}"
    PAGE.write_text(page(rows, versions))
    for label, chosen in groups(rows):
        print(share(label, chosen))
    for row in rows:
        bad = [f"{c} {row.cell(c)}" for c in COLUMNS if not row.good(c)]
        unasked = [c for c in COLUMNS if row.cell(c) == "-"]
        if bad or unasked:
            print(
                row.scope["name"],
                "differs:",
                ", ".join(bad) or "nothing",
                "| not asked:",
                ", ".join(unasked) or "nothing",
            )


if __name__ == "__main__":
    main()
