"""What needs a process of its own: memory, deep graphs and import time.

``python processes.py PACKAGE LENGTH`` builds a chain of LENGTH operations on 3-vectors, runs the backward pass, frees
the graph, and prints times and memory as JSON.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

Row = dict[str, Any]
Environment = Mapping[str, str]

DEEP = 100_000
DEEPER = 1_000_000
HERE = Path(__file__).resolve().parent
STATUS = Path("/proc/self/status")


def deep_rows(names: list[str], rounds: int, environment: Environment) -> list[Row]:
    """Time, peak memory and bytes a node of a graph of 100,000 operations, the packages taking turns."""
    title = f"graph of {DEEP:,} operations"
    runs = rounds_of(names, rounds, lambda name: run_chain(name, DEEP, environment))
    rows = []
    for label, unit, key in [
        ("build + backward", "s", "seconds"),
        ("peak memory above the import", "B", "peak"),
        ("bytes a node", "B", "bytes_per_node"),
    ]:
        rows += rows_of(f"{title}, {label}", unit, runs, key, reference=names[0])
    return rows


def deeper_rows(environment: Environment) -> list[Row]:
    """The phases of a graph of 1,000,000 operations, wengert alone."""
    title = f"graph of {DEEPER:,} operations"
    runs = rounds_of(["wengert"], 1, lambda name: run_chain(name, DEEPER, environment))
    rows = []
    for label, unit, key in [
        ("build", "s", "build"),
        ("backward", "s", "backward"),
        ("free", "s", "free"),
        ("peak memory above the import", "B", "peak"),
    ]:
        rows += rows_of(f"{title}, {label}", unit, runs, key)
    return rows


def import_rows(names: list[str], rounds: int, environment: Environment) -> list[Row]:
    """Import time, and what it adds to the import of NumPy in the same round."""
    runs = rounds_of(["numpy", *names], rounds + 1, lambda name: run_import(name, environment))
    runs = {name: values[1:] for name, values in runs.items()}  # the first import may write byte code
    for name in names:
        for run, floor in zip(runs[name], runs["numpy"], strict=False):
            if "seconds" in run and "seconds" in floor:
                run["extra"] = run["seconds"] - floor["seconds"]
    del runs["numpy"]
    rows = rows_of("import", "s", runs, "seconds", reference=names[0])
    return rows + rows_of("import, beyond NumPy's", "s", runs, "extra", reference=names[0])


def rounds_of(names: list[str], rounds: int, run: Callable[[str], Row]) -> dict[str, list[Row]]:
    runs: dict[str, list[Row]] = {name: [] for name in names}
    for turn in range(rounds):
        for name in names if turn % 2 == 0 else names[::-1]:
            if not any("problem" in result for result in runs[name]):
                runs[name].append(run(name))
    return runs


def rows_of(title: str, unit: str, runs: dict[str, list[Row]], key: str, reference: str = "") -> list[Row]:
    """One row a package: the median over the rounds, and the median of the rounds' ratios to the reference."""
    others = [run.get(key) for run in runs.get(reference, [])]
    rows = []
    for name, results in runs.items():
        values = [run[key] for run in results if key in run]
        ratios = [run[key] / other for run, other in zip(results, others, strict=False) if key in run and other]
        rows.append(
            {
                "workload": title,
                "package": name,
                "unit": unit,
                "value": statistics.median(values) if values else None,
                "ratio": statistics.median(ratios) if ratios else None,
                "values": values,
                "problem": next((run["problem"] for run in results if "problem" in run), ""),
            }
        )
    return rows


def run_chain(name: str, length: int, environment: Environment) -> Row:
    return run_json([sys.executable, str(HERE / "processes.py"), name, str(length)], environment)


def run_import(name: str, environment: Environment) -> Row:
    code = f"from time import perf_counter as t; s = t(); import {name}; print('{{\"seconds\": %r}}' % (t() - s))"
    return run_json([sys.executable, "-c", code], environment)


def run_json(command: list[str], environment: Environment) -> Row:
    """What the command printed as JSON, or ``problem``."""
    try:
        done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, timeout=300, check=False)
    except subprocess.TimeoutExpired:
        return {"problem": "no result within 300 s"}
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return {"problem": lines[-1][:150] if lines else f"ended by signal {-done.returncode}"}
    result: Row = json.loads(done.stdout)
    return result


def measure_chain(name: str, length: int) -> Row:
    from packages import load
    from workloads import chain, chain_vectors

    package = load(name)
    params, data = chain_vectors()
    leaves = [package.tensor(array, True) for array in params]
    constants = [package.tensor(array, False) for array in data]

    def program(xp: Any, params: Any, data: Any, length: int) -> Any:
        return xp.sum(chain(xp, params, data, length))

    package.backward(package.record(partial(program, length=100), leaves, constants)())  # warms up
    # A graph that stays takes up the memory that importing left free: what grows from here on is the measured graph.
    ballast = package.record(partial(program, length=DEEP // 2), leaves, constants)()
    gc.collect()
    gc.freeze()
    step = package.record(partial(program, length=length), leaves, constants)
    before = reset_memory()
    start = perf_counter()
    recorded = step()
    built = perf_counter()
    held = memory("VmRSS")
    package.backward(recorded)
    walked = perf_counter()
    peak = memory("VmHWM")
    del recorded
    freed = perf_counter()
    times = {
        "build": built - start,
        "backward": walked - built,
        "free": freed - walked,
        "seconds": walked - start,
    }
    del ballast
    if before is None:
        return times
    return times | {"peak": peak - before, "bytes_per_node": (held - before) / length}


def reset_memory() -> int | None:
    """Forgets the peak so far; the resident memory now in bytes, None where the system does not tell."""
    gc.collect()
    if not STATUS.exists():
        return None
    Path("/proc/self/clear_refs").write_text("5")
    return memory("VmRSS")


def memory(field: str) -> int:
    """``VmRSS``, the resident memory of this process, or ``VmHWM``, its peak; 0 where the system does not tell."""
    if not STATUS.exists():
        return 0
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    json.dump(measure_chain(sys.argv[1], int(sys.argv[2])), sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # a package's teardown is not measured and may itself recurse
