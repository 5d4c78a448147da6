"""Memory and time of single operators on large arrays, wengert beside PyTorch: ``python benchmarks/large.py``.

Memory is the peak above what stood when the call began, in bytes per element of the first input. Inputs and the output's
gradient stand before; the result, what the graph keeps and the gradients of the inputs count. For wengert it is read from
``tracemalloc``, to which NumPy reports its arrays (not LAPACK's work space); for PyTorch it is the highest running sum of the
profiler's allocation events (not what kernels take past PyTorch's allocator). Both are exact, so one call is enough. The
ratio takes less than ``FLOOR`` bytes per element for ``FLOOR``: a reduction needs almost nothing on either side.

Time is the median over rounds of the ratio of two neighbouring calls, one thread each. wengert runs as it is installed.
``forward`` runs without recording; ``backward`` is the recorded call with its backward pass.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # read when NumPy and PyTorch are imported

import numpy as np  # noqa: E402
import torch  # noqa: E402
from large_cases import CASES, Case  # noqa: E402

import wengert  # noqa: E402

Row = dict[str, Any]
Step = Callable[[], Any]

FLOOR = 0.5
MEMORY_LIMIT = 1.5
TIME_LIMIT = 10.0
ENOUGH_SECONDS = 2.0  # a case whose calls took this long has no more rounds


def main() -> None:
    options = parse()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    rows = []
    for case in CASES:
        if not options.only or any(word in case.title for word in options.only):
            print(f"  {case.title}", file=sys.stderr, flush=True)
            for backward in [False, True][: 2 if case.wanted else 1]:
                rows.append(measured(case, backward, options.scale, options.rounds))
    report(rows)
    if options.json:
        options.json.write_text(json.dumps({"scale": options.scale, "rows": rows}, indent=1) + "\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], metavar="WORD", help="cases whose title contains a word")
    parser.add_argument("--scale", type=int, default=1, help="millions of elements of the inputs (4: 4096 x 1024)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


def measured(case: Case, backward: bool, scale: int, rounds: int) -> Row:
    """Memory and time of one case, or the problem that it met."""
    arrays = case.inputs(np.random.default_rng(0), scale)
    row: Row = {"case": case.title, "pass": "backward" if backward else "forward", "elements": arrays[0].size}
    try:
        ours, theirs = [step(xp, case, arrays, backward) for xp in (wengert, torch)]
        for call in (ours, theirs):  # lazy imports and plans are not the operator's
            call()
        row["ours"] = peak_of_numpy(ours) / arrays[0].size
        row["torch"] = peak_of_torch(theirs) / arrays[0].size
        row["memory"] = max(row["ours"], FLOOR) / max(row["torch"], FLOOR)
        row |= times(ours, theirs, rounds)
    except Exception as error:
        row["problem"] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return row


def step(xp: Any, case: Case, arrays: list[Any], backward: bool) -> Step:
    """A function without arguments that makes the call with ``xp``, and its backward pass."""
    inputs = [xp.from_numpy(a.copy()) for a in arrays]
    if not backward:

        def forward() -> Any:
            with xp.no_grad():
                return case.program(xp, *inputs)

        return forward
    wanted = [t.requires_grad_() for t in inputs[: case.wanted] if t.is_floating_point()]
    grad = xp.ones_like(first(case.program(xp, *inputs)).detach())

    def both() -> None:
        first(case.program(xp, *inputs)).backward(grad)
        for t in wanted:  # at the end: what is freed during a call must have been allocated in it
            t.grad = None

    return both


def first(result: Any) -> Any:
    return result[0] if isinstance(result, tuple) else result


def peak_of_numpy(call: Step) -> int:
    """Bytes that ``call`` had at once above those at its start, by tracemalloc."""
    gc.collect()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def peak_of_torch(call: Step) -> int:
    """Bytes that ``call`` had at once above those at its start, by the profiler's allocation events."""
    gc.collect()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        call()
    now = peak = 0
    events = [e for e in profile.profiler.kineto_results.events() if e.name() == "[memory]"]
    for event in sorted(events, key=start_of):
        now += event.nbytes()
        peak = max(peak, now)
    return peak


def start_of(event: Any) -> int:
    return int(event.start_ns())


def times(ours: Step, theirs: Step, rounds: int) -> Row:
    """Median seconds of both and the median ratio of neighbours, the two taking turns at being first."""
    pairs: list[tuple[float, float]] = []
    start = perf_counter()
    for turn in range(rounds):
        if turn % 2 == 0:
            a = seconds(ours)
            pairs.append((a, seconds(theirs)))
        else:
            b = seconds(theirs)
            pairs.append((seconds(ours), b))
        if perf_counter() - start > ENOUGH_SECONDS:
            break
    return {
        "our seconds": statistics.median([a for a, _ in pairs]),
        "torch seconds": statistics.median([b for _, b in pairs]),
        "time": statistics.median([a / b for a, b in pairs]),
    }


def seconds(call: Step) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def report(rows: list[Row]) -> None:
    """Print all rows, first by the memory ratio, then what is above the limit by the time ratio."""
    done = [row for row in rows if "problem" not in row]
    heavy = sum(row["memory"] > MEMORY_LIMIT for row in done)
    slow = [row for row in done if row["time"] > TIME_LIMIT]
    print(
        f"{'case':24s} {'pass':9s} {'B/element':>10s} {'torch':>8s} {'ratio':>7s} {'ms':>9s} {'torch':>8s} {'ratio':>7s}"
    )
    for row in sorted(done, key=lambda row: -row["memory"]):
        print(line(row))
    print(f"\n{heavy} of {len(done)} above {MEMORY_LIMIT}x memory; {len(slow)} above {TIME_LIMIT:g}x time:")
    for row in sorted(slow, key=lambda row: -row["time"]):
        print(line(row))
    for row in rows:
        if "problem" in row:
            print(f"{row['case']:24s} {row['pass']:9s} {row['problem']}")


def line(row: Row) -> str:
    return (
        f"{row['case']:24s} {row['pass']:9s} {row['ours']:10.1f} {row['torch']:8.1f} {row['memory']:7.2f} "
        f"{row['our seconds'] * 1e3:9.1f} {row['torch seconds'] * 1e3:8.1f} {row['time']:7.2f}"
    )


if __name__ == "__main__":
    main()
