"""Compare with torch and print a table: operators and samples that agree, by family and aspect, then the failures.

python tests/ops/report.py --only arithmetic --aspect grad -v
python tests/ops/report.py --only cumsum,sort          (families, or parts of operator names or sample texts)
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tests.ops.families import FAMILIES, all_samples
from tests.ops.harness import check, load, missing, package_name
from tests.ops.sample import ASPECTS, Sample


@dataclass
class Tally:
    """Counts by (family, aspect), operators that failed somewhere, and the lines to print."""

    passed: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    total: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    operators: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    failed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    missing: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


def chosen(samples: Sequence[Sample], only: str) -> list[Sample]:
    """Return the samples whose family is named, or whose operator or text contains a word of `only`."""
    words = [w for w in only.split(",") if w]
    if not words:
        return list(samples)

    def wanted(sample: Sample) -> bool:
        return any(w == sample.family or (w not in FAMILIES and (w in sample.op or w in sample.id)) for w in words)

    return [s for s in samples if wanted(s)]


def judge(oracle: Any, package: Any, sample: Sample, aspect: str, verbose: bool) -> str:
    """Return what is wrong with one aspect of a sample in one line ("" when it agrees)."""
    try:
        found = check(oracle, package, sample, aspect)
    except Exception as error:
        trace = "\n" + traceback.format_exc() if verbose else ""
        first = (str(error) or "no text").splitlines()[0]
        return f"raised {type(error).__name__}: {first[:150]}{trace}"
    shown = found if verbose else found[:1]
    return "; ".join(map(str, shown)) + (f" (and {len(found) - len(shown)} more)" if len(found) > len(shown) else "")


def collect(samples: Sequence[Sample], aspects: Sequence[str], verbose: bool) -> Tally:
    """Run the comparison."""
    oracle, package, tally = load("torch"), load(package_name()), Tally()
    for sample in samples:
        tally.operators[sample.family].add(sample.op)
        absent = missing(package, sample.op)
        if absent:
            tally.missing[sample.op] = sample.family
            tally.failed[sample.family].add(sample.op)
        for aspect in (a for a in sample.aspects if a in aspects):
            key = sample.family, aspect
            tally.total[key] += 1
            wrong = "missing" if absent else judge(oracle, package, sample, aspect, verbose)
            tally.passed[key] += not wrong
            if wrong and not absent:
                tally.failed[sample.family].add(sample.op)
                tally.lines.append(f"{sample.family}/{aspect}: {sample.id}: {wrong}")
    return tally


def table(tally: Tally, aspects: Sequence[str]) -> str:
    """Return the counts as a table, one family a line."""
    rows = [["family", "operators", *aspects]]
    for family in tally.operators:
        good = len(tally.operators[family]) - len(tally.failed[family])
        counts = [(tally.passed[family, a], tally.total[family, a]) for a in aspects]
        rows.append([family, f"{good}/{len(tally.operators[family])}", *(f"{p}/{n}" if n else "-" for p, n in counts)])
    sums = [[sum(c[f, a] for f in tally.operators) for c in (tally.passed, tally.total)] for a in aspects]
    bad = sum(map(len, tally.failed.values()))
    every = sum(map(len, tally.operators.values()))
    rows.append(["all", f"{every - bad}/{every}", *("/".join(map(str, s)) for s in sums)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 1 when anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="families or parts of operator names, separated by commas")
    parser.add_argument("--aspect", default="", help=f"aspects, separated by commas: {', '.join(ASPECTS)}")
    parser.add_argument("--lines", type=int, default=60, help="failures to print (default 60, 0 for all)")
    parser.add_argument("-v", "--verbose", action="store_true", help="every difference, and tracebacks")
    given = parser.parse_args(arguments)
    aspects = [a for a in ASPECTS if a in given.aspect.split(",")] if given.aspect else list(ASPECTS)
    begun = time.perf_counter()
    samples = chosen(all_samples(), given.only)
    tally = collect(samples, aspects, given.verbose)
    print(table(tally, aspects))
    if tally.missing:
        print(f"\n{len(tally.missing)} operators missing in {package_name()}: {', '.join(sorted(tally.missing))}")
    limit = len(tally.lines) if given.verbose or not given.lines else given.lines
    print(*([""] + tally.lines[:limit]), sep="\n")
    if len(tally.lines) > limit:
        print(f"... and {len(tally.lines) - limit} more (--lines 0 shows all)")
    print(f"\n{len(samples)} samples in {time.perf_counter() - begun:.1f} s, package {package_name()}")
    return 1 if tally.lines or tally.missing else 0


if __name__ == "__main__":
    sys.exit(main())
