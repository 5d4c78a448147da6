"""Runs cases with one package on request: ``python serve.py SUITE PACKAGE`` reads and answers lines of JSON (workers.py asks).

A suite is a module with ``CASES`` and ``load(name)``; that gives a package with ``step(case)``, ``arrays(result)``, ``version``.

The garbage collector stays on, as it is for users; it runs before every block, and what importing left behind is frozen.
"""

from __future__ import annotations

import gc
import importlib
import itertools
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

Answer = dict[str, Any]


class Server:
    """One package, and the step that it is asked to repeat."""

    def __init__(self, package: Any, cases: Sequence[Any]) -> None:
        self.package = package
        self.cases = cases
        self.step: Callable[[], Any] | None = None

    def prepare(self, index: int, calls: int, file: str) -> Answer:
        """Make the step of a case, run it a few times, and leave its last results in a file."""
        self.step = None
        gc.collect()
        step = self.package.step(self.cases[index])
        for _ in range(calls):
            result = step()
        np.savez(file, *self.package.arrays(result))
        self.step = step
        return {}

    def calls_in(self, seconds: float) -> Answer:
        """How many calls fill a block of that many seconds."""
        calls = 1
        while (elapsed := self.time(calls)["seconds"] * calls) < seconds / 4:
            calls *= 4
        return {"calls": max(1, round(calls * seconds / elapsed))}

    def time(self, calls: int) -> Answer:
        """Seconds a call in a block of calls."""
        step = self.step
        assert step is not None
        gc.collect()
        start = perf_counter()
        for _ in itertools.repeat(None, calls):
            step()
        return {"seconds": (perf_counter() - start) / calls}


def problem_of(error: Exception) -> str:
    if isinstance(error, AttributeError):
        return "missing"
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:150]}"


def introduce(package: Any, name: str) -> Answer:
    """Version, and whether a wengert that ran is compiled."""
    compiled = name == "wengert" and bool(importlib.import_module("wengert._config").is_compiled())
    return {"version": package.version, "compiled": compiled}


def main() -> None:
    suite, name = importlib.import_module(sys.argv[1]), sys.argv[2]
    # What packages print goes to the error stream: answers have the output for themselves.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    package = suite.load(name)
    server = Server(package, suite.CASES)
    gc.collect()
    gc.freeze()
    print(json.dumps(introduce(package, name)), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        method = getattr(server, request.pop("do"))
        try:
            answer = method(**request)
        except Exception as error:
            answer = {"problem": problem_of(error)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    main()
