"""Derivatives of derivatives, beside torch and JAX: ``python benchmarks/transforms.py [--peer-python jax=/path/to/python]``.

Every package has a process of its own, and they take turns: a round times one block of calls of each. Before that the results
are compared with those of the first package that has any. Prints a table in Markdown; ``--json`` keeps all samples.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import report
from transforms_cases import CASES
from workers import ENOUGH_SECONDS, Row, disagreement

HERE = Path(__file__).resolve().parent
PACKAGES = ("torch", "jax", "wengert")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Worker:
    """A process that runs one package."""

    def __init__(self, name: str, python: str, threads: int) -> None:
        environment = dict(os.environ) | {variable: str(threads) for variable in THREADS}
        if name != "wengert":
            environment.pop("PYTHONPATH", None)
        elif "PYTHONPATH" not in environment and importlib.util.find_spec("wengert") is None:
            environment["PYTHONPATH"] = str(HERE.parent / "src")  # a checkout is enough
        if name == "jax" and threads == 1:
            flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
            environment["XLA_FLAGS"] = f"{environment.get('XLA_FLAGS', '')} {flags}"
            environment["JAX_PLATFORMS"] = "cpu"
        self.name = name
        self.process = subprocess.Popen(
            [python, str(HERE / "transforms_worker.py"), name, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self.facts = self.read()

    def read(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        reply = json.loads(line) if line else {"problem": "the process has ended"}
        if "problem" in reply:
            raise RuntimeError(reply["problem"])
        return reply["value"]

    def ask(self, **request: Any) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self.read()

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def row(title: str, package: str, times: Any = (), ratios: Any = (), problem: str = "") -> Row:
    """One cell of the table, with all samples."""
    return {
        "workload": title,
        "package": package,
        "value": statistics.median(times) if times else None,
        "ratio": statistics.median(ratios) if ratios else None,
        "values": list(times),
        "problem": problem,
    }


def calls_in(worker: Worker, title: str, seconds: float) -> int:
    """How many calls fill a block."""
    calls = 1
    while (elapsed := worker.ask(do="time", case=title, calls=calls) * calls) < seconds / 4:
        calls *= 4
    return max(1, round(calls * seconds / elapsed))


def time_case(title: str, workers: list[Worker], rounds: int, seconds: float) -> list[Row]:
    """A row for each package; ratios to the first are taken within a round."""
    rows: list[Row] = []
    ready: list[Worker] = []
    expected: list[Any] | None = None
    for worker in workers:
        try:
            found = [np.array(a) for a in worker.ask(do="prepare", case=title)]
        except RuntimeError as error:
            rows.append(row(title, worker.name, problem=str(error)))
            continue
        expected = expected or found
        difference = disagreement(expected, found)
        if difference:
            rows.append(row(title, worker.name, problem=difference))
        else:
            ready.append(worker)
    calls = {w.name: calls_in(w, title, seconds) for w in ready}
    samples: dict[str, list[float]] = {w.name: [] for w in ready}
    for turn in range(rounds):
        for worker in ready if turn % 2 == 0 else ready[::-1]:
            times = samples[worker.name]
            if sum(times) * calls[worker.name] < ENOUGH_SECONDS:
                times.append(worker.ask(do="time", case=title, calls=calls[worker.name]))
    reference = samples.get(workers[0].name, [])
    for name, times in samples.items():
        ratios = [t / other for t, other in zip(times, reference, strict=False)]
        rows.append(row(title, name, times=times, ratios=ratios))
    return rows


def markdown(rows: list[Row], names: list[str]) -> str:
    """One line a case, one column a package: the median, and in brackets the ratio to the first."""
    cells = {(r["workload"], r["package"]): r for r in rows}
    lines = ["| | " + " | ".join(names) + " |", "| --- |" + " ---: |" * len(names)]
    for title in dict.fromkeys(r["workload"] for r in rows):
        line = [cell(cells.get((title, name)), name == names[0]) for name in names]
        lines.append(f"| {title} | {' | '.join(line)} |")
    problems = [f"\n{r['package']}, {r['workload']}: {r['problem']}" for r in rows if r["problem"]]
    return "\n".join(lines + problems)


def cell(found: Row | None, first: bool) -> str:
    if found is None or found["value"] is None:
        return "failed" if found is not None else ""
    ratio = found["ratio"]
    return report.seconds(found["value"]) + ("" if first or ratio is None else f" ({ratio:.2g})")


def started(options: argparse.Namespace) -> tuple[list[Worker], dict[str, str]]:
    """The packages that can be imported."""
    workers, missing = [], {}
    for name in PACKAGES:
        try:
            workers.append(Worker(name, options.peer_python.get(name, sys.executable), options.threads))
        except (RuntimeError, OSError) as error:
            missing[name] = str(error)
            print(f"without {name}: {error}", file=sys.stderr)
    return workers, missing


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", nargs="*", default=[], metavar="WORD", help="cases whose title contains a word")
    parser.add_argument(
        "--peer-python", action="append", default=[], metavar="NAME=PYTHON", help="the interpreter that has a package"
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.1, help="length of a block; default: %(default)s")
    parser.add_argument("--threads", type=int, default=1, help="of every package; default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples to a file")
    options = parser.parse_args()
    options.peer_python = dict(part.split("=", 1) for part in options.peer_python)
    return options


def main() -> None:
    options = parse()
    load = report.load_average()
    workers, missing = started(options)
    rows: list[Row] = []
    try:
        for case in CASES:
            if not options.only or any(word.lower() in case.title.lower() for word in options.only):
                print(f"  {case.title}", file=sys.stderr, flush=True)
                rows += time_case(case.title, workers, options.rounds, options.seconds)
    finally:
        for worker in workers:
            worker.close()
    facts = {worker.name: worker.facts for worker in workers}
    result = {
        "machine": report.machine(),
        "settings": {key: getattr(options, key) for key in ("rounds", "seconds", "threads", "only")},
        "packages": facts,
        "missing": missing,
        "load": [load, report.load_average()],
        "rows": rows,
    }
    machine = result["machine"]
    compiled = {True: "compiled", False: "plain Python"}.get(facts.get("wengert", {}).get("compiled"), "")
    versions = ", ".join(f"{name} {fact['version']}" for name, fact in facts.items())
    print(f"{machine['processor']}, {machine['cores']} cores, {machine['python']}; {versions} {compiled};", end=" ")
    print(
        f"{options.threads} thread(s) each; load average {load} before, {result['load'][1]} after\n".replace("  ", " ")
    )
    print(markdown(rows, [worker.name for worker in workers]))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
