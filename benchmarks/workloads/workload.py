"""A workload: a program, how it is run, and its inputs.

A program is ``f(xp, params, data)``: ``xp`` is the package's vocabulary (``xp.tanh``, ``xp.sum``, ...; packages.py), ``params``
the tensors whose gradients are wanted, ``data`` the constants. It returns a tensor, a scalar where a gradient is taken.
A program of the kind ``STEP`` is ``f(torch, params, data)`` in PyTorch's own words: it builds what it needs and returns
the step, a function without arguments; only packages that speak those words can run it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

Array = Any
Inputs = tuple[list[Array], list[Array]]  # params, data
Program = Callable[[Any, Sequence[Any], Sequence[Any]], Any]

NO_GRAD: Final = "no grad"
RECORDED: Final = "recorded"
GRADIENT: Final = "forward+backward"
TRAINING: Final = "training step"
STEP: Final = "step"

LEARNING_RATE: Final = 0.01


@dataclass(frozen=True)
class Workload:
    """A program of a group, how it is run (one of the kinds above), its inputs, and by what one call's time is divided."""

    group: str
    name: str
    kind: str
    program: Program
    inputs: Callable[[], Inputs]
    divide_by: int = 1

    @property
    def title(self) -> str:
        return self.name if self.kind == STEP else f"{self.name}, {self.kind}"

    @property
    def calls_compared(self) -> int:
        """How many calls come before results are compared: a training step shows in those after it."""
        return 3 if self.kind in (TRAINING, STEP) else 2


def random_arrays(dtype: str, *shapes: tuple[int, ...], seed: int = 0) -> list[Array]:
    """Normal numbers of mean 0 and deviation 1."""
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def of_shapes(dtype: str, *shapes: tuple[int, ...], data: Sequence[Array] = ()) -> Callable[[], Inputs]:
    """Inputs that all want a gradient, made when they are asked for."""
    return lambda: (random_arrays(dtype, *shapes), list(data))
