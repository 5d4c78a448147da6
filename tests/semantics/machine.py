"""`python -m tests.semantics.machine STEPS [SEED]`: play random programs on two packages side by side, step by step.

Prints every difference with the shortest program found that shows it.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

import wengert

from ..errors.compare import difference
from .machine_known import (
    VARIABLE,
    cannot_be_retaken,
    comparable_log,
    failed_itself,
    out_of_play,
    same,
    saved_more,
    without_unwanted,
    wrong_call,
)
from .machine_steps import FAMILIES, WEIGHTS, Step, draw_step
from .machine_world import World, number_list, strides

LENGTH = 40  # steps of one program


class Difference(AssertionError):
    """The packages disagree."""


class Duel:
    """The same program in two worlds."""

    def __init__(self) -> None:
        self.theirs = World(torch)
        self.ours = World(wengert)
        self.played = 0
        self.history: list[Step | None] = []
        self.over = False  # PyTorch failed in itself: what follows compares nothing

    def play(self, step: Step | None) -> bool:
        """Play a step and compare; False when it was passed over.

        Raises:
            Difference: when something can be told apart.
        """
        step = self.settled(step)
        self.history.append(step)
        if step is None or self.over or out_of_play(step, self.theirs, self.ours):
            return False
        self.played += 1
        number = len(self.history)
        theirs = self.theirs.play(step, number)
        if failed_itself(theirs):
            self.over = True
            return False
        ours = self.ours.play(step, number)
        if saved_more(theirs, ours, self.theirs, self.history):
            self.over = True
        elif wrong_call(theirs, ours):
            self.over = self.partly_written()
        else:
            self.compare_results(step, theirs, ours)
        if "inference tensor" in str(theirs):
            self.over = True  # PyTorch writes first and refuses then
        if not self.over:
            self.compare_variables(step.look)
        return True

    def partly_written(self) -> bool:
        """Whether PyTorch wrote some elements before it refused; here a refused call changes nothing."""
        pairs = [(self.theirs.variables[i], self.ours.variables[i]) for i in self.theirs.variables]
        return any(
            a.is_inference() or a._version != b._version or not same(*map(number_list, (a, b))) for a, b in pairs
        )

    def compare_variables(self, look: bool) -> None:
        """All that can be seen of all variables."""
        self.compare("variables", list(self.theirs.variables), list(self.ours.variables))
        for i in self.theirs.variables:
            if cannot_be_retaken(self.theirs.variables[i]):
                self.over = True
                return
            a = self.theirs.see(i, look)
            b = self.ours.see(i, look)
            for key in a:
                if key in b:
                    self.compare(f"{key} of variable {i}", a[key], b[key])
            self.compare(f"fields of variable {i}", sorted(a), sorted(b))

    def settled(self, step: Step | None) -> Step | None:
        """The step with the variables it means; None when they do not exist."""
        there = list(self.theirs.variables)
        if step is None or (not there and step.family != "leaf"):
            return None
        if step.settled:
            used = VARIABLE.findall(step.source)
            return step if all((step.t if name == "t" else step.u) in there for name in used) else None
        t, u = (there[step.t % len(there)], there[step.u % len(there)]) if there else (0, 0)
        return replace(step, t=t, u=u, settled=True)

    def compare_results(self, step: Step, theirs: Any, ours: Any) -> None:
        """Errors, calls of hooks, and the values of a step that reads."""
        errors = [e if isinstance(e, Exception) else None for e in (theirs, ours)]
        text = difference(*errors)
        if text:
            raise Difference(text)
        if errors[0] is None and step.use == "read":
            self.compare("result", seen_result(theirs), seen_result(ours))
        if errors[0] is None or step.family != "write":  # PyTorch has saved by then what a refused write would read
            log = comparable_log(self.theirs, step)
            self.compare("order of hooks", log, without_unwanted(log, comparable_log(self.ours, step)))
        if step.family in ("value", "leaf", "dual"):
            self.drop(3 * len(self.history), left_to_kernels)
        if step.family == "grad":
            for k in range(3):
                self.drop(3 * len(self.history) + k, left_to_formulas)

    def drop(self, number: int, aspect: Callable[[Any], Any]) -> None:
        """Take a result out of play that differs in what is left to each package."""
        a, b = self.theirs.variables.get(number), self.ours.variables.get(number)
        if a is not None and b is not None and aspect(a) != aspect(b) and a.shape == b.shape:
            del self.theirs.variables[number], self.ours.variables[number]

    def compare(self, what: str, a: Any, b: Any) -> None:
        """Complain when ``a`` and ``b`` differ by more than rounding."""
        if not same(a, b):
            raise Difference(f"{what}\n  torch   {a}\n  wengert {b}")

    def end(self) -> None:
        """Leave all blocks in both worlds."""
        self.theirs.end()
        self.ours.end()


def left_to_kernels(t: Any) -> tuple[Any, ...]:
    """Of a result: how it lies in memory when no operand is contiguous, and whether it was written to on the way."""
    return strides(t), None if t.is_inference() else t._version


def left_to_formulas(t: Any) -> bool:
    """Of a gradient: whether its formula is differentiable again."""
    return bool(t.requires_grad)


def seen_result(value: Any) -> Any:
    """A result that both packages can give."""
    if type(value).__name__ == "ndarray":
        return value.tolist()
    if isinstance(value, (tuple, list)):
        return [seen_result(v) for v in value]
    return value.detach().tolist() if hasattr(value, "requires_grad") else value


def play(steps: list[Step | None]) -> tuple[str, Duel]:
    """Play a program: the first difference (or an empty text), and the duel."""
    duel = Duel()
    try:
        for step in steps:
            duel.play(step)
    except Difference as found:
        return f"{step.source}\n  {found}", duel
    finally:
        duel.end()
    return "", duel


def random_program(seed: int) -> list[Step | None]:
    """Three leaves, then steps of all families."""
    rng = random.Random(seed)
    steps = [draw_step(rng.choice, "leaf") for _ in range(3)]
    families = rng.choices(list(FAMILIES), [WEIGHTS[name] for name in FAMILIES], k=LENGTH)
    return steps + [draw_step(rng.choice, family) for family in families]


def shrunk(steps: list[Step | None], kind: str) -> list[Step | None]:
    """The program with None in place of the steps that the difference does not need."""
    for i in reversed(range(len(steps))):
        shorter = steps[:i] + [None] + steps[i + 1 :]
        if kind_of(play(shorter)[0]) == kind:
            steps = shorter
    return steps


def kind_of(text: str) -> str:
    """What a difference is about, without the numbers."""
    return "".join(c for c in text.split("\n  torch")[0] if not c.isdigit())


def main() -> None:
    """Play and report."""
    wanted = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    start = time.perf_counter()
    played = found = 0
    kinds: set[str] = set()
    while played < wanted:
        steps = random_program(seed)
        text, duel = play(steps)
        played += duel.played
        if text:
            found += 1
            if kind_of(text) not in kinds:
                kinds.add(kind_of(text))
                print(f"seed {seed}: {text[:1500]}")
                for i, step in enumerate(shrunk(duel.history, kind_of(text))):
                    if step is not None:
                        print(f"  {3 * i + 3:4} = {step.source}   t={step.t} u={step.u} look={step.look}")
        seed += 1
    print(f"{played} steps, {found} programs differ, {time.perf_counter() - start:.0f} s; next seed {seed}")


if __name__ == "__main__":
    main()
