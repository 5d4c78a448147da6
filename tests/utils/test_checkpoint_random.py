"""Random programs of views, writes and operators give the same gradients of both orders inside a checkpoint."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.semantics.programs import NEW, VIEWS, WRITES, overlaps, same_memory

VALUES = [[0.5, -1.25, 2.0], [1.5, 0.75, -0.5], [-2.0, 0.25, 1.0]]
PROGRAMS, BLOCKS = 320, 4

Way = Callable[[Callable[..., Any], Any], Any]


class Program:
    """Random steps; ``parts`` of them run inside of checkpoints of their own when it is called with a way to do that."""

    def __init__(self, package: Any, seed: int) -> None:
        rng = random.Random(seed)
        self.torch = package
        self.steps = [
            (rng.choice(rng.choices([NEW, VIEWS, WRITES], [4, 3, 3])[0]), rng.random(), rng.random()) for _ in range(9)
        ]
        self.parts = sorted(rng.sample(range(1, 9), 2))

    def __call__(self, x: Any, way: Way | None = None) -> Any:
        """One number made of everything the steps make."""
        first, second = self.parts
        a = self.run(x, 0, first)
        b = self.run(a, first, second) if way is None else way(lambda t: self.run(t, first, second), a)
        return self.run(b, second, len(self.steps)).sum()

    def run(self, x: Any, start: int, stop: int) -> Any:
        """Some of the steps, on copies of ``x``; a step that is not possible is left out."""
        made = [x * 1, (x * 1).t(), x + 1]
        for source, i, j in self.steps[start:stop]:
            t, u = made[int(i * len(made))], made[int(j * len(made))]
            if source in WRITES and (t is u or overlaps(t) or same_memory(t, u)):
                continue
            try:
                if source in WRITES:
                    exec(source, {"torch": self.torch, "t": t, "u": u})
                else:
                    made.append(eval(source, {"torch": self.torch, "t": t, "u": u}))
            except (RuntimeError, IndexError, ValueError, TypeError):
                pass
        total = sum(t.sum() for t in made)
        return x * total.tanh() + 0.1 * total


def derivatives(package: Any, program: Callable[[Any], Any]) -> tuple[list[float], list[float]]:
    """First and second derivatives."""
    x = package.tensor(VALUES, dtype=package.float64, requires_grad=True)
    (first,) = package.autograd.grad(program(x), x, create_graph=True)
    (second,) = package.autograd.grad((first * first).sum(), x)
    return first.flatten().tolist(), second.flatten().tolist()


@pytest.mark.parametrize("block", range(BLOCKS))
def test_random_programs_have_the_derivatives_of_the_plain_program(package: Any, block: int) -> None:
    checkpoint = package.utils.checkpoint.checkpoint
    compared = 0
    for seed in range(block, PROGRAMS, BLOCKS):
        program = Program(package, seed)

        def once(f: Callable[..., Any], x: Any, to_the_end: bool = seed % 3 == 0) -> Any:
            return checkpoint(f, x, use_reentrant=False, early_stop=not to_the_end)

        def nested(x: Any, program: Program = program, once: Way = once) -> Any:
            return once(lambda t: program(t, once), x)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                plain = derivatives(package, program)
            except RuntimeError:
                continue  # a saved value was overwritten, or a view that must not be written to
            for way in (lambda x, p=program, w=once: p(x, w), nested):
                found = derivatives(package, way)
                for a, b in zip(found, plain, strict=True):
                    np.testing.assert_allclose(
                        a, b, rtol=1e-9, atol=1e-9, err_msg=f"{seed}: {program.steps} {program.parts}"
                    )
        compared += 1
    assert compared > PROGRAMS // BLOCKS // 3
