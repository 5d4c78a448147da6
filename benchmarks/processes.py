"""What needs a fresh process: memory, deep graphs, import time, the first gradient.

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
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workers import Peer

Row = dict[str, Any]
Run = Callable[["Peer"], Row]

GROUP = "process"
DEEP = 100_000
DEEPER = 1_000_000
HERE = Path(__file__).resolve().parent
STATUS = Path("/proc/self/status")
HELLO = {
    "torch": "import {0} as torch; x = torch.ones(3, requires_grad=True); (x * x).sum().backward()",
    "autograd": "import autograd, autograd.numpy as np; autograd.grad(lambda x: np.sum(x * x))(np.ones(3))",
    "jax": "import jax; jax.grad(lambda x: (x * x).sum())(jax.numpy.ones(3)).block_until_ready()",
    "mygrad": "import mygrad, numpy as np; x = mygrad.tensor(np.ones(3)); (x * x).sum().backward()",
    "tinygrad": "import tinygrad; x = tinygrad.Tensor([1.0] * 3); (x * x).sum().gradient(x)[0].numpy()",
}
"""Programs that import a package and differentiate a sum of squares."""


def deep_rows(peers: list[Peer], rounds: int) -> list[Row]:
    """Time, peak memory and bytes a node of a graph of 100,000 operations, the packages taking turns."""
    title = f"graph of {DEEP:,} operations"
    runs = rounds_of(peers, rounds, lambda peer: run_chain(peer, DEEP))
    rows = []
    for label, unit, key in [
        ("build + backward", "s", "seconds"),
        ("peak memory above the import", "B", "peak"),
        ("bytes a node", "B", "bytes_per_node"),
    ]:
        rows += rows_of(f"{title}, {label}", unit, runs, key, reference=peers[0].title)
    return rows


def deeper_rows(peers: list[Peer]) -> list[Row]:
    """The phases of a graph of 1,000,000 operations, wengert alone."""
    title = f"graph of {DEEPER:,} operations"
    runs = rounds_of([peer for peer in peers if peer.title == "wengert"], 1, lambda peer: run_chain(peer, DEEPER))
    rows = []
    for label, unit, key in [
        ("build", "s", "build"),
        ("backward", "s", "backward"),
        ("free", "s", "free"),
        ("peak memory above the import", "B", "peak"),
    ]:
        rows += rows_of(f"{title}, {label}", unit, runs, key)
    return rows


def import_rows(peers: list[Peer], rounds: int) -> list[Row]:
    """Import time and what it adds to NumPy's in the same round, memory after it, and the time of a first gradient."""
    numpy = replace(peers[0], title="numpy", package="numpy")
    runs = rounds_of([numpy, *peers], rounds + 1, run_import)
    runs = {title: values[1:] for title, values in runs.items()}  # the first import may write byte code
    for peer in peers:
        for run, floor in zip(runs[peer.title], runs["numpy"], strict=False):
            if "seconds" in run and "seconds" in floor:
                run["extra"] = run["seconds"] - floor["seconds"]
    del runs["numpy"]
    rows = []
    for label, unit, key in [
        ("import", "s", "seconds"),
        ("import, beyond NumPy's", "s", "extra"),
        ("resident memory after the import", "B", "resident"),
        ("process of a first gradient", "s", "hello"),
    ]:
        rows += rows_of(label, unit, runs, key, reference=peers[0].title)
    return rows


def rounds_of(peers: list[Peer], rounds: int, run: Run) -> dict[str, list[Row]]:
    runs: dict[str, list[Row]] = {peer.title: [] for peer in peers}
    for turn in range(rounds):
        for peer in peers if turn % 2 == 0 else peers[::-1]:
            if not any("problem" in result for result in runs[peer.title]):
                runs[peer.title].append(run(peer))
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
                "group": GROUP,
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


def run_chain(peer: Peer, length: int) -> Row:
    return run_json(peer, [str(HERE / "processes.py"), peer.package, str(length)])


def run_import(peer: Peer) -> Row:
    """Seconds of the import, memory after it, and the seconds of a whole process that takes one gradient."""
    from packages import ADAPTERS

    module = ADAPTERS[peer.package][0] if peer.package in ADAPTERS else peer.package
    code = (
        f"from time import perf_counter as t; s = t(); import {module}; s = t() - s; import processes as p; p.tell(s)"
    )
    row = run_json(peer, ["-c", f"import sys; sys.path.insert(0, {str(HERE)!r}); {code}"])
    hello = HELLO.get("torch" if module == "wengert" else module)
    if hello is not None and "problem" not in row:
        start = perf_counter()
        done = subprocess.run([peer.python, "-c", hello.format(module)], env=dict(peer.environment), check=False)
        if done.returncode == 0:
            row["hello"] = perf_counter() - start
    return row


def tell(seconds: float) -> None:
    """Print what ``run_import`` reads; runs in the process that has imported a package."""
    print(json.dumps({"seconds": seconds, "resident": memory("VmRSS")}))


def run_json(peer: Peer, arguments: list[str]) -> Row:
    """What the command printed as JSON, or ``problem``."""
    command = [peer.python, *arguments]
    try:
        done = subprocess.run(
            command, env=dict(peer.environment), capture_output=True, text=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired:
        return {"problem": "no result within 300 s"}
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return {"problem": lines[-1][:150] if lines else f"ended by signal {-done.returncode}"}
    result: Row = json.loads(done.stdout)
    return result


def measure_chain(name: str, length: int) -> Row:
    from packages import load
    from workloads.overhead import chain, chain_vectors

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
