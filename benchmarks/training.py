"""Time per step of examples/digits_cnn.py with wengert and with torch in its place.

    python benchmarks/training.py [--rounds 5] [--threads 1] [--json digits.json]

The packages take turns in processes of their own; of each the fastest round counts, and in a round the median of the steps.
The losses come along: both learn the same.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
STEPS, WARM_UP = 69, 10


def measure(package: str, threads: int) -> dict[str, Any]:
    """Seconds per step and losses of three epochs, in this process."""
    import wengert.history
    import wengert.viz

    # The example imports both, also where torch takes wengert's place below.
    assert wengert.viz and wengert.history

    torch: Any = importlib.import_module(package)
    torch.set_num_threads(threads)
    sys.modules["wengert"] = torch
    sys.path.insert(0, str(ROOT / "examples"))
    program: Any = importlib.import_module("digits_cnn")
    times = [perf_counter()]

    class Clock(wengert.history.History):
        def log(self, step: int | None = None, **values: Any) -> None:
            super().log(step, **values)
            times.append(perf_counter())

    clock = Clock()
    pictures, digits, _, _ = program.digit_images()
    program.train(pictures, digits, 3, clock)
    steps = [after - before for before, after in pairwise(times)]
    return {"seconds": statistics.median(steps[WARM_UP:]), "losses": list(clock["loss"])}


def run(package: str, threads: int) -> dict[str, Any]:
    """``measure`` in a process of its own."""
    one = {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    path = os.pathsep.join([str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, __file__, "--package", package, "--threads", str(threads)]
    done = subprocess.run(
        command, env={**os.environ, **one, "PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    """Print a table, and write it as JSON if asked to."""
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--rounds", type=int, default=5)
    made.add_argument("--threads", type=int, default=1)
    made.add_argument("--json", type=Path)
    made.add_argument("--package", help=argparse.SUPPRESS)
    options = made.parse_args()
    if options.package:
        print(json.dumps(measure(options.package, options.threads)))
        return
    rounds = [{name: run(name, options.threads) for name in ("wengert", "torch")} for _ in range(options.rounds)]
    best = {name: min(found[name]["seconds"] for found in rounds) for name in ("wengert", "torch")}
    pairs = zip(rounds[0]["wengert"]["losses"], rounds[0]["torch"]["losses"], strict=True)
    apart = max(abs(ours - theirs) for ours, theirs in pairs)
    for name, seconds in best.items():
        print(f"{name:8} {1e3 * seconds:7.2f} ms per step")
    print(f"ratio    {best['wengert'] / best['torch']:7.2f}; losses of {STEPS} steps differ by {apart:.1e} at most")
    if options.json:
        options.json.write_text(json.dumps({"seconds": best, "loss_difference": apart}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
