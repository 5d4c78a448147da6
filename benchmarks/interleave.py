"""Times workloads with all packages in this process, taking turns: ``python interleave.py REQUEST.json`` prints JSON.

A round times one block of calls of every package; ratios are taken within a round, between neighbours in time, so that
a load that comes and goes touches both sides. The garbage collector stays on, as it is for users; it runs before every
block, and what importing left behind is frozen, so that no package pays for another's objects.
"""

from __future__ import annotations

import gc
import importlib
import itertools
import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from packages import Package, Step, load
from workloads import TRAINING, WORKLOADS, Workload

Row = dict[str, Any]

CALIBRATION_CALLS = 3
ENOUGH_SECONDS = 15.0  # a package that took this long at one workload has no more rounds there
TOLERANCE = {"float32": 3e-4, "float64": 1e-8}


def main() -> None:
    request = json.loads(Path(sys.argv[1]).read_text())
    packages: dict[str, Package] = {}
    rows: list[Row] = []
    for name in request["packages"]:
        try:
            packages[name] = load(name)
        except Exception as error:
            rows.append(row("import", name, problem=problem_of(error)))
    gc.collect()
    gc.freeze()
    for workload in WORKLOADS:
        if selected(workload.title, request["only"]):
            print(f"  {workload.title}", file=sys.stderr, flush=True)
            rows += time_workload(workload, packages, request["rounds"], request["seconds"])
    versions = {name: package.version for name, package in packages.items()}
    json.dump({"rows": rows, "versions": versions, "compiled": is_compiled(packages)}, sys.stdout)


def selected(title: str, only: list[str]) -> bool:
    return not only or any(word.lower() in title.lower() for word in only)


def is_compiled(packages: dict[str, Package]) -> bool:
    """Whether the wengert that ran is compiled."""
    return "wengert" in packages and bool(importlib.import_module("wengert._config").is_compiled())


def time_workload(workload: Workload, packages: dict[str, Package], rounds: int, seconds: float) -> list[Row]:
    """One row for every package; the first package is the reference for results and ratios."""
    steps: dict[str, Step] = {}
    rows: list[Row] = []
    expected: list[Any] | None = None
    for name, package in packages.items():
        try:
            step = package.step(workload)
            results = package.arrays(last_result(step, CALIBRATION_CALLS if workload.kind == TRAINING else 2))
        except Exception as error:
            rows.append(row(workload.title, name, problem=problem_of(error)))
            continue
        expected = expected or results
        difference = disagreement(expected, results)
        if difference:
            rows.append(row(workload.title, name, problem=difference))
        else:
            steps[name] = step
    samples = take_turns(steps, rounds, seconds)
    reference = samples.get(next(iter(packages)), [])
    for name, times in samples.items():
        times = [time / workload.divide_by for time in times]
        ratios = [time * workload.divide_by / other for time, other in zip(times, reference, strict=False)]
        rows.append(row(workload.title, name, times=times, ratios=ratios))
    return rows


def problem_of(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:150]}"


def row(workload: str, package: str, times: Any = (), ratios: Any = (), problem: str = "") -> Row:
    return {
        "workload": workload,
        "package": package,
        "unit": "s",
        "value": statistics.median(times) if times else None,
        "ratio": statistics.median(ratios) if ratios else None,
        "values": list(times),
        "problem": problem,
    }


def last_result(step: Step, calls: int) -> Any:
    for _ in range(calls):
        result = step()
    return result


def disagreement(expected: list[Any], results: list[Any]) -> str:
    """Empty if the results are the expected ones up to rounding, else where they differ."""
    if len(expected) != len(results):
        return f"{len(results)} results instead of {len(expected)}"
    for i, (wanted, got) in enumerate(zip(expected, results, strict=True)):
        if wanted.shape != got.shape:
            return f"result {i} has shape {got.shape} instead of {wanted.shape}"
        tolerance = TOLERANCE[str(wanted.dtype)]
        error = float(np.max(np.abs(wanted - got), initial=0))
        if not error <= tolerance * float(np.max(np.abs(wanted), initial=1)):
            return f"result {i} differs by {error:.1e}"
    return ""


def take_turns(steps: dict[str, Callable[[], Any]], rounds: int, seconds: float) -> dict[str, list[float]]:
    """Seconds a call, by package, one number a round; whoever starts a round ends the next one."""
    calls = {name: calls_in(step, seconds) for name, step in steps.items()}
    samples: dict[str, list[float]] = {name: [] for name in steps}
    names = list(steps)
    for turn in range(rounds):
        for name in names if turn % 2 == 0 else names[::-1]:
            if sum(samples[name]) * calls[name] < ENOUGH_SECONDS:
                samples[name].append(time_block(steps[name], calls[name]))
    return samples


def calls_in(step: Step, seconds: float) -> int:
    """How many calls fill a block of that many seconds."""
    calls = 1
    while (elapsed := time_block(step, calls) * calls) < seconds / 4:
        calls *= 4
    return max(1, round(calls * seconds / elapsed))


def time_block(step: Step, calls: int) -> float:
    gc.collect()
    start = perf_counter()
    for _ in itertools.repeat(None, calls):
        step()
    return (perf_counter() - start) / calls


if __name__ == "__main__":
    main()
