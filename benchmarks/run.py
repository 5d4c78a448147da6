"""Benchmarks of wengert beside PyTorch and, where installed, JAX, HIPS autograd, MyGrad and tinygrad.

``python benchmarks/run.py`` prints a table; ``--json`` keeps all samples, ``--page`` writes docs/benchmarks.md. Every
package runs in a process of its own; they take turns, and every result is compared with the reference before it is timed.
``--suite transforms`` times derivatives of derivatives instead of the workloads. tinygrad compiles with clang: where there is
none, ``pip install ziglang`` beside it (its interpreter may be another, ``--python tinygrad=FILE``).
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import goals
import report
from processes import Row, deep_rows, deeper_rows, import_rows
from workers import Peer, Race

HERE = Path(__file__).resolve().parent
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUM_CPU_THREADS",  # tinygrad's
    "WENGERT_NUM_THREADS",
)
XLA_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"  # JAX knows no variable for it
MODES = ("compiled", "pure")
SUITES = {"workloads": "packages", "transforms": "transforms"}  # modules: see serve.py
QUICK = ("a * b", "chain of 100", "tanh(x*x+x)*2-x 1e6", "matmul 256", "LeNet", "Rosenbrock 50, func")


def main() -> None:
    options = parse()
    load = report.load_average()
    peers = list_of_peers(options)
    with Race(peers, SUITES[options.suite], options.rounds, options.seconds) as race:
        rows = [row for index in chosen(race, options.only) for row in watched(race, index)]
        versions = race.versions()
        problems = race.problems
    if options.suite == "workloads":
        rows += process_rows(options, peers)
    result = {
        "machine": report.machine(),
        "settings": {key: getattr(options, key) for key in ("suite", "rounds", "seconds", "threads", "only", "modes")},
        "versions": versions,
        "load": [load, report.load_average()],
        "reference": peers[0].title,
        "absent": problems,
        "rows": rows,
    }
    print(f"{report.header(result)}\n\n{report.table(rows)}")
    if summary := goals.summary(rows):
        print("\n" + report.lines([goals.SUMMARY_HEAD, *summary]))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    if options.page:
        report.write_page(result)


def parse() -> argparse.Namespace:
    def words(text: str) -> list[str]:
        return [word.strip() for word in text.split(";") if word.strip()]

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    add = parser.add_argument
    add("--suite", choices=list(SUITES), default="workloads", help="default: %(default)s")
    add(
        "--only",
        type=words,
        default=[],
        metavar="WORDS",
        help="workloads or groups with one of these in the title, split by ;",
    )
    add("--quick", action="store_true", help="a few workloads of each group, in less than a minute")
    add(
        "--peers",
        type=words,
        default=[],
        metavar="NAMES",
        help="beside wengert; the first is the reference; split by ;",
    )
    add("--modes", type=words, default=list(MODES), help="of wengert; default: compiled;pure")
    add("--python", action="append", default=[], metavar="PEER=FILE", help="the interpreter that has a peer")
    add("--rounds", type=int, default=9)
    add("--seconds", type=float, default=0.05, help="length of a block; default: %(default)s")
    add("--threads", type=int, default=os.cpu_count() or 1, help="of every package; default: the machine's")
    add("--json", type=Path, metavar="FILE", help="write all samples to a file")
    add("--page", action="store_true", help="write docs/benchmarks.md")
    return completed(parser, parser.parse_args())


def completed(parser: argparse.ArgumentParser, options: argparse.Namespace) -> argparse.Namespace:
    """The options, checked, with what follows from others."""
    known = importlib.import_module(SUITES[options.suite]).PEERS
    options.peers = options.peers or known
    unknown = set(options.peers) - set(known) | set(options.modes) - set(MODES)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; peers are {'; '.join(known)}, modes {'; '.join(MODES)}")
    if options.page and options.suite != "workloads":
        parser.error("the page is that of the workloads")
    if options.quick:
        options.only = options.only or list(QUICK)
        options.rounds, options.modes, options.peers = min(options.rounds, 5), options.modes[:1], options.peers[:1]
    return options


def selected(text: str, only: list[str]) -> bool:
    return not only or any(word.lower() in text.lower() for word in only)


def chosen(race: Race, only: list[str]) -> list[int]:
    """Places of the cases that were asked for."""
    return [i for i, case in enumerate(race.cases) if selected(f"{case.group}: {case.title}", only)]


def watched(race: Race, index: int) -> list[Row]:
    print(f"  {race.cases[index].title}", file=sys.stderr, flush=True)
    return race.run(index)


def list_of_peers(options: argparse.Namespace) -> list[Peer]:
    """The packages that can be imported, the reference first, then wengert in its modes."""
    pythons: dict[str, str] = dict(item.split("=", 1) for item in options.python)
    environment = dict(os.environ) | {variable: str(options.threads) for variable in THREAD_VARIABLES}
    environment["PYTHONDONTWRITEBYTECODE"] = ""  # imports are those of installed packages, which have their byte code
    if not importlib.util.find_spec("wengert"):  # a source checkout is enough
        environment["PYTHONPATH"] = os.pathsep.join(
            filter(None, [str(HERE.parent / "src"), environment.get("PYTHONPATH")])
        )
    if options.threads == 1:
        environment["XLA_FLAGS"] = f"{environment.get('XLA_FLAGS', '')} {XLA_ONE_THREAD}"
    adapters = importlib.import_module(SUITES[options.suite]).ADAPTERS
    peers = []
    for name in options.peers:
        module = adapters[name][0]
        python: str = pythons.get(name) or pythons.get(module) or sys.executable
        if can_import(python, module):
            extra = compiler(python) if module == "tinygrad" else {}
            peers.append(Peer(name, name, python, environment | extra))
    if not peers:
        sys.exit("none of the peers is installed")
    ours = [
        Peer("wengert", "wengert", sys.executable, environment),
        Peer("wengert pure", "wengert", sys.executable, environment | {"WENGERT_PURE": "1"}),
    ]
    compiled = succeeds(sys.executable, "import wengert._config as c, sys; sys.exit(not c.is_compiled())", environment)
    if not compiled:
        print("wengert is not compiled here: its numbers are those of plain Python", file=sys.stderr)
    wanted = [peer for peer, mode in zip(ours, MODES, strict=True) if mode in options.modes]
    return peers[:1] + (wanted if compiled else ours[1:]) + peers[1:]


def compiler(python: str) -> dict[str, str]:
    """Variables by which tinygrad, which compiles with clang, finds that of the package ziglang where there is no other."""
    if shutil.which(os.environ.get("CC", "clang")):
        return {}
    code = "import os, ziglang; print(os.path.join(os.path.dirname(ziglang.__file__), 'zig'), end='')"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return {"CC": str(HERE / "zig_clang.sh"), "ZIG": found.stdout} if found.returncode == 0 else {}


def can_import(python: str, module: str) -> bool:
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return succeeds(python, code, os.environ)


def succeeds(python: str, code: str, environment: Mapping[str, str]) -> bool:
    return subprocess.run([python, "-c", code], env=dict(environment), check=False).returncode == 0


def process_rows(options: argparse.Namespace, peers: list[Peer]) -> list[Row]:
    """Import time, and graphs so large that memory is what counts."""
    jobs: dict[str, Callable[[], list[Row]]] = {
        "process: graph of 100,000 operations": lambda: deep_rows(peers, min(3, options.rounds)),
        "process: graph of 1,000,000 operations": lambda: deeper_rows(peers),
        "process: import": lambda: import_rows(peers, options.rounds),
    }
    rows: list[Row] = []
    for title, job in jobs.items():
        if selected(title, options.only):
            print(f"  {title}", file=sys.stderr)
            rows += job()
    return rows


if __name__ == "__main__":
    main()
