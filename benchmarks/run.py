"""Benchmarks of wengert beside PyTorch and, where installed, HIPS autograd, MyGrad and JAX.

``python benchmarks/run.py`` prints a table; ``--json`` keeps all samples. Every result is compared with the reference
before it is timed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import report
from interleave import selected
from packages import PEERS, installed
from processes import Row, deep_rows, deeper_rows, import_rows

HERE = Path(__file__).resolve().parent
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
MODES = ("compiled", "pure")


def main() -> None:
    options = parse()
    names = [name for name in options.peers if installed(name)]
    names += ["wengert"] * wengert_found()
    if not names:
        sys.exit("none of the packages is installed")
    load = report.load_average()
    rows: list[Row] = []
    versions: dict[str, str] = {}
    for number, mode in enumerate(options.modes):
        # The peers are timed once, with the first mode; later modes bring the reference along for the ratios.
        run = run_mode(mode, names if number == 0 else list(dict.fromkeys([names[0], "wengert"])), options)
        versions |= run["versions"]
        rows += [row for row in run["rows"] if number == 0 or row["package"].startswith("wengert")]
        if "wengert" not in names:
            break
        if mode == "compiled" and not run["compiled"]:
            print("wengert is not compiled here: its numbers are those of plain Python", file=sys.stderr)
            break
    result = {
        "machine": report.machine(),
        "settings": {key: getattr(options, key) for key in ("rounds", "seconds", "threads", "only", "modes")},
        "versions": versions,
        "load": [load, report.load_average()],
        "reference": names[0],
        "rows": rows,
    }
    print(f"{report.header(result)}\n\n{report.table(rows)}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


def parse() -> argparse.Namespace:
    def words(text: str) -> list[str]:
        return [word.strip() for word in text.split(",") if word.strip()]

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--only", type=words, default=[], metavar="WORDS", help="workloads whose title contains one of the words"
    )
    parser.add_argument(
        "--peers",
        type=words,
        default=PEERS,
        metavar="NAMES",
        help="beside wengert, the first is the reference; default: %(default)s",
    )
    parser.add_argument("--modes", type=words, default=list(MODES), help="of wengert; default: compiled,pure")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.05, help="length of a block; default: %(default)s")
    parser.add_argument("--threads", type=int, default=1, help="of BLAS and of PyTorch; default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples to a file")
    options = parser.parse_args()
    unknown = set(options.peers) - set(PEERS) | set(options.modes) - set(MODES)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; peers are {', '.join(PEERS)}, modes {', '.join(MODES)}")
    return options


def wengert_found() -> bool:
    """True if wengert can be imported; a source checkout is enough."""
    source = HERE.parent / "src"
    if not installed("wengert") and (source / "wengert" / "__init__.py").exists():
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(source), os.environ.get("PYTHONPATH")]))
        return True
    return installed("wengert")


def run_mode(mode: str, names: list[str], options: argparse.Namespace) -> dict[str, Any]:
    """All rows of one mode of wengert, whose column is named after what really ran."""
    print(f"timing {', '.join(names)} ({mode})", file=sys.stderr)
    environment = dict(os.environ) | {variable: str(options.threads) for variable in THREAD_VARIABLES}
    if mode == "pure":
        environment["WENGERT_PURE"] = "1"
    run = interleaved(names, options, environment)
    rows: list[Row] = run["rows"]
    few = min(3, options.rounds)
    jobs: dict[str, Callable[[], list[Row]]] = {
        "graph of 100,000 operations": lambda: deep_rows(names, few, environment),
        "graph of 1,000,000 operations": lambda: deeper_rows(environment) if "wengert" in names else [],
        "import": lambda: import_rows(names, options.rounds, environment),
    }
    for title, job in jobs.items():
        if selected(title, options.only):
            print(f"  {title}", file=sys.stderr)
            rows += job()
    for row in rows:
        if row["package"] == "wengert" and not run["compiled"]:
            row["package"] = "wengert pure"
    return run


def interleaved(names: list[str], options: argparse.Namespace, environment: dict[str, str]) -> dict[str, Any]:
    request = {"packages": names, "rounds": options.rounds, "seconds": options.seconds, "only": options.only}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "request.json"
        file.write_text(json.dumps(request))
        command = [sys.executable, str(HERE / "interleave.py"), str(file)]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    run: dict[str, Any] = json.loads(done.stdout)
    return run


if __name__ == "__main__":
    main()
