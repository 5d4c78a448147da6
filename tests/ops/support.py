"""Write docs/operators.md, the table of what each operator can do, by running every sample.  python tests/ops/support.py

The operators in scope are listed in scope.csv with what PyTorch has for them. A cell says "yes" where all samples of the
operator agree with torch in that aspect, "3 of 4" where some do not, and is empty where PyTorch has nothing to agree with.
The column vmap compares with a loop over the samples of a batch instead (mapped.py).
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tests.ops.families import all_samples, scope
from tests.ops.harness import load, missing, package_name
from tests.ops.mapped import LOOP, REFUSED, RULE, outcome
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
INTEGERS: Final = "takes integers only: there is nothing to differentiate"
REASONS: Final = {
    **{(name, "jvp"): INTEGERS for name in ("__rand__", "__ror__", "__rxor__")},
    **{("nn.functional.one_hot", column): INTEGERS for column in ("grad", "second")},
    **{("__rmod__", column): "PyTorch has no derivative of a number modulo a tensor" for column in ("second", "jvp")},
    ("as_strided_scatter", "second"): "PyTorch's gradient depends on the memory that the tensor was made in",
    ("as_strided_scatter", "jvp"): "PyTorch's gradient depends on the memory that the tensor was made in",
    ("normal", "second"): "random numbers: the gradient is zero, and so is its gradient",
    ("histogramdd", "out="): "PyTorch's function has no out=",
    ("empty", "out="): "no values to compare",
    **{
        (name, "complex"): "PyTorch refuses complex numbers on the CPU"
        for name in ("log_softmax", "softmax", "nn.functional.softmin")
    },
}
"""(operator, column) -> why no sample asks for what scope.csv says PyTorch has."""
PROMISED: Final = {"grad": "grad", "second": "double_grad", "jvp": "forward_ad", "in-place": "inplace", "out=": "out"}
"""Column -> the field of scope.csv that says whether PyTorch has it."""


@dataclass
class Row:
    """One operator: how many checks of each column were made, and how many agreed."""

    scope: dict[str, str]
    made: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    agreed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    mapped: Counter[str] = field(default_factory=Counter)
    skipped: dict[str, str] = field(default_factory=dict)

    def cell(self, column: str) -> str:
        """Text of a cell."""
        if column in PROMISED and not self.scope[PROMISED[column]]:
            return ""
        made, agreed = self.made[column], self.agreed[column]
        if made == agreed:
            return "yes" if made else "-"
        return f"{agreed} of {made}"

    def vmap(self) -> str:
        """Text of the cell of ``vmap``: a rule, a loop (at least for some arguments), refused for all, or what differs."""
        total = sum(self.mapped.values())
        fine = sum(self.mapped[k] for k in (RULE, LOOP, REFUSED))
        if fine < total:
            return f"{fine} of {total}"
        return next((k for k in (LOOP, RULE, REFUSED) if self.mapped[k]), "")

    def reason(self, column: str) -> str:
        """Why no sample asks for what PyTorch has."""
        name = self.scope["name"]
        if (name, column) in REASONS:
            return REASONS[name, column]
        aspects = COLUMNS.get(column, ())
        return next((text for aspect, text in self.skipped.items() if aspect in aspects), "")

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
            row.skipped.update(sample.skip)
            how = "" if missing(package, sample.op) else outcome(package, sample)
            row.mapped.update([how] if how else [])
        if not found:
            row.made["value"] = 1
        rows.append(row)
    return rows


def count(row: Row, sample: Sample, oracle: Any, package: Any, results: dict[tuple[str, str], bool]) -> None:
    """Add the checks of one sample."""
    absent = missing(package, sample.op)
    is_complex = "complex" in sample.code or any(i.dtype.startswith("complex") for i in sample.inputs)
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
    head = ["operator", "core", *COLUMNS, "complex", "vmap"]
    lines = [
        "# Operators",
        "",
        f"Made by `python tests/ops/support.py` ({versions}); do not edit. *yes*: every sample agrees with PyTorch (values to a",
        "few units of the last place, dtype, shape, strides; node name, saved tensors, gradients; second gradients; tangents).",
        "*3 of 4*: so many samples do. *-*: PyTorch has it, and no sample asks for it, for a reason given at the end. Empty:",
        "PyTorch has nothing there.",
        "",
        "Column *vmap*, compared with a loop over a batch. *yes*: a rule computes the batch at once. *loop*: one sample after",
        "the other, for all or for some kinds of arguments. *no*: refused, as PyTorch refuses it (results whose size depends on",
        "values, Python numbers). Empty: no tensor to map over.",
        "",
        "| share without a difference | value | grad | second | jvp |",
        "| --- | --- | --- | --- | --- |",
        *[share(label, chosen) for label, chosen in groups(rows)],
    ]
    for family in dict.fromkeys(row.scope["family"] for row in rows):
        lines += ["", f"## {family}", "", "| " + " | ".join(head) + " |", "| --- " * len(head) + "|"]
        for row in rows:
            if row.scope["family"] == family:
                cells = [*(row.cell(c) for c in COLUMNS), complex_cell(row), row.vmap()]
                lines.append(
                    "| " + " | ".join([f"`{row.scope['name']}`", "core" if row.scope["core"] else "", *cells]) + " |"
                )
    lines += ["", "## Cells without a sample", "", "| operator | column | reason |", "| --- | --- | --- |"]
    lines += [f"| `{name}` | {column} | {reason} |" for name, column, reason in unasked(rows)]
    return "\n".join(lines) + "\n"


def unasked(rows: list[Row]) -> list[tuple[str, str, str]]:
    """Operator, column and reason of all cells without a sample."""
    found = []
    for row in rows:
        cells = {**{c: row.cell(c) for c in COLUMNS}, "complex": complex_cell(row)}
        found += [(row.scope["name"], c, row.reason(c)) for c, text in cells.items() if text == "-"]
    return found


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
        bad = [f"{c} {row.cell(c)}" for c in COLUMNS if " of " in row.cell(c)]
        bad += [f"vmap {row.vmap()}"] if " of " in row.vmap() else []
        if bad:
            print(row.scope["name"], "differs:", ", ".join(bad))
    for name, column, reason in unasked(rows):
        print(name, column, "not asked:", reason or "WITHOUT A REASON")


if __name__ == "__main__":
    main()
