"""Packages in processes of their own, taking turns.

A round times one block of calls of every package while the others wait; ratios are taken within a round, between
neighbours in time, so that a load that comes and goes touches both sides.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import statistics
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Row = dict[str, Any]

HERE = Path(__file__).resolve().parent
ENOUGH_SECONDS = 10.0  # a package that took this long at one workload has no more rounds there
PATIENCE = 60.0  # seconds until an answer is given up
TOLERANCE = {"float32": 1e-3, "float64": 1e-8, "int64": 0.0}


@dataclass(frozen=True)
class Peer:
    """A package, the interpreter that has it, and the environment in which it runs."""

    title: str
    package: str
    python: str
    environment: Mapping[str, str]


class Worker:
    """The process of a peer."""

    def __init__(self, peer: Peer, suite: str) -> None:
        self.peer = peer
        self.busy_seconds = 0.0
        self.process = subprocess.Popen(
            [peer.python, str(HERE / "serve.py"), suite, peer.package],
            env=dict(peer.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # for close
        )
        self.about = self._answer()

    def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to a request; ``problem`` says why there is none."""
        if self.process.poll() is not None:
            return {"problem": "ended"}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        if not ready:
            self.close()
            return {"problem": f"no answer within {PATIENCE:.0f} s"}
        line = self.process.stdout.readline()
        if not line:
            return {"problem": "ended"}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """Ends the process and those it started: tinygrad's compilers would go on and disturb the others."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Race:
    """All peers, the first of which is the reference for results and ratios, and the suite of cases (see serve.py)."""

    def __init__(self, peers: list[Peer], suite: str, rounds: int, seconds: float) -> None:
        self.peers = peers
        self.suite = suite
        self.cases: Sequence[Any] = importlib.import_module(suite).CASES
        self.rounds = rounds
        self.seconds = seconds
        self.workers = {peer.title: Worker(peer, suite) for peer in peers}
        self.problems = {title: w.about["problem"] for title, w in self.workers.items() if "problem" in w.about}

    def __enter__(self) -> Race:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers.values():
            worker.close()

    def versions(self) -> dict[str, str]:
        return {title: worker.about.get("version", "") for title, worker in self.workers.items()}

    def run(self, index: int) -> list[Row]:
        """One row for every peer."""
        case = self.cases[index]
        ready: dict[str, Worker] = {}
        rows: list[Row] = []
        with tempfile.TemporaryDirectory() as folder:
            expected: list[Any] | None = None
            for title in self.workers:
                worker = self._alive(title)
                file = Path(folder) / "results.npz"
                answer = worker.ask(do="prepare", index=index, calls=case.calls_compared, file=str(file))
                if "problem" not in answer:
                    results = arrays_of(file)
                    expected = expected or results
                    answer["problem"] = disagreement(expected, results)
                if answer["problem"]:
                    rows.append(row(case, title, problem=answer["problem"]))
                else:
                    ready[title] = worker
        samples = self._take_turns(ready)
        reference = samples.get(self.peers[0].title, [])
        for title, times in samples.items():
            ratios = [time / other for time, other in zip(times, reference, strict=False)]
            rows.append(row(case, title, [time / case.divide_by for time in times], ratios))
        return sorted(rows, key=lambda found: list(self.workers).index(found["package"]))

    def _alive(self, title: str) -> Worker:
        """The worker, started anew if it has ended."""
        worker = self.workers[title]
        if worker.process.poll() is not None and title not in self.problems:
            worker = self.workers[title] = Worker(worker.peer, self.suite)
        return worker

    def _take_turns(self, ready: dict[str, Worker]) -> dict[str, list[float]]:
        """Seconds a call, one number a round; whoever starts a round ends the next one."""
        calls = {
            title: worker.ask(do="calls_in", seconds=self.seconds).get("calls", 0) for title, worker in ready.items()
        }
        samples: dict[str, list[float]] = {title: [] for title in ready if calls[title]}
        titles = list(samples)
        for turn in range(self.rounds):
            for title in titles if turn % 2 == 0 else titles[::-1]:
                if sum(samples[title]) * calls[title] < ENOUGH_SECONDS:
                    answer = ready[title].ask(do="time", calls=calls[title])
                    samples[title] += [answer["seconds"]] if "seconds" in answer else []
        return samples


def arrays_of(file: Path) -> list[Any]:
    with np.load(file) as stored:
        return [stored[name] for name in stored.files]


def row(case: Any, title: str, times: Any = (), ratios: Any = (), problem: str = "") -> Row:
    return {
        "group": case.group,
        "workload": case.title,
        "package": title,
        "unit": "s",
        "value": statistics.median(times) if times else None,
        "ratio": statistics.median(ratios) if ratios else None,
        "values": list(times),
        "problem": problem,
    }


def disagreement(expected: list[Any], results: list[Any]) -> str:
    """Empty if the results are the expected ones up to rounding, else where they differ."""
    if len(expected) != len(results):
        return f"{len(results)} results instead of {len(expected)}"
    for i, (wanted, got) in enumerate(zip(expected, results, strict=True)):
        if wanted.shape != got.shape:
            return f"result {i} has shape {got.shape} instead of {wanted.shape}"
        error = float(np.max(np.abs(wanted - got), initial=0))
        if not error <= TOLERANCE[str(wanted.dtype)] * float(np.max(np.abs(wanted), initial=1)):
            return f"result {i} differs by {error:.1e}"
    return ""
