"""A solution of equations as a place in the graph.

Note [Implicit function theorem]
    Let ``F(x, p) = 0`` and ``A = dF/dx`` there. Then ``dx = -A^-1 (dF/dp) dp``: a gradient ``g`` for ``x`` gives
    ``l = A^-T g`` and the gradient ``-(dF/dp)^T l`` for ``p``, whichever way ``x`` was found.

    Second derivatives need ``l`` as a function of ``x``, ``p`` and ``g``. It solves the equations ``A(x, p)^T l - g = 0``, so
    ``attach`` gives it its place in the graph in turn. The same holds for a tangent ``t``, which solves ``A t + F' = 0``
    with the tangent ``F'`` of ``F`` at constant ``x``. All these systems have the matrix ``A`` or its transpose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._core import errors
from .._core.graph import Node
from .._core.modes import MODES, is_grad_enabled
from .._core.saved import Saved, save_output
from .._core.tensor_base import TensorBase
from .._gen.functions import stack, zeros
from .._record import forward
from .._record.common import make
from ._formulas import formula
from ._implicit_graph import Place, Recording
from ._implicit_linear import Inverse, LinearOptions
from ._implicit_modes import untangled

Equations = Callable[[Any], Any]
"""Gives the left-hand sides for a 1-d tensor of unknowns, as many as those; zero at the solution."""


class System:
    """Equations at a solution, and how linear systems with their Jacobian are solved.

    Attributes:
        recording: one call of the equations at the solution, as a constant.
        places: what they read from outside, if that is recorded.
    """

    def __init__(
        self, equations: Equations, x: Any, recording: Recording, inverse: Inverse, flipped: bool, known: list[Place]
    ) -> None:
        self.equations = equations
        self.x = x
        self.recording = recording
        self.inverse = inverse
        self.flipped = flipped
        self.places = recording.outside(known) if is_grad_enabled() else []

    def solve(self, b: Any, transposed: bool = False) -> Any:
        """``A^-1 b`` or ``A^-T b``, a constant."""
        return self.inverse.solve(b, transposed is not self.flipped)

    def derived(self, equations: Equations, start: Any, flipped: bool) -> Any:
        """The solution of linear equations with the same matrix, or its transpose, in the graph."""
        recording = Recording(equations, start)
        return attach(System(equations, start, recording, self.inverse, self.flipped is not flipped, self.places))

    def again(self, x: Any) -> Recording:
        """The equations once more, at the solution as part of the graph.

        Raises:
            RuntimeError: when they give something else.
        """
        recording = Recording(self.equations, x)
        old, new = self.recording.output.array, recording.output.array
        if not np.allclose(old, new, rtol=1e-5, atol=float(np.sqrt(np.finfo(new.dtype).eps)), equal_nan=True):
            raise RuntimeError(
                "a function that is differentiated implicitly gave another value when it was called again: it is random, or a "
                "tensor that it reads was modified in place since\n  try: keep its inputs unchanged until after backward()"
            )
        return recording


class ImplicitBackward(Node):
    """The node of a solution; its edges lead to all that the equations read, see Note [Implicit function theorem]."""

    def __init__(self, system: System) -> None:
        self.many = True
        self.system: System | None = system
        self.places = system.places
        self.saved: Saved | None = None
        self.set_edges(self.places)
        self.stamp()

    def release(self) -> None:
        """Drop the solution and the recorded equations."""
        self.system = None
        self.saved = None
        self.released = True

    def vjp_many(self, grads: list[TensorBase | None]) -> list[TensorBase | None]:
        """Gradients of what the equations read."""
        grad = grads[0]
        if grad is None:
            return [None] * len(self.places)
        system, saved = self.system, self.saved
        if system is None or saved is None:
            raise errors.freed(self)
        records = is_grad_enabled()
        if not records and MODES.dual_level < 0:
            multiplier = system.solve(grad, True)
            return system.recording.pull_outside(-multiplier, self.places)
        x = saved.unpack(self)

        def transposed(multiplier: Any) -> Any:
            product = Recording(system.equations, x).pull(multiplier, True)
            return product - grad

        recording = system.again(x)
        multiplier = system.derived(transposed, system.solve(grad, True), True)
        return recording.pull_outside(-multiplier, self.places, records)


@formula(ImplicitBackward)
def of_rows(node: Any, grads: list[Any], rows: int) -> list[Any]:
    """The gradients for one cotangent after the other: each is a solution of its own."""
    if rows == 0:
        return [zeros(0, *t.shp, dtype=t.dt) for t in node.vjp_many([zeros(grads[0].shp[1:], dtype=grads[0].dt)])]
    columns = zip(*(node.vjp_many([grads[0][k]]) for k in range(rows)), strict=True)
    return [stack(list(column)) for column in columns]


def attach(system: System) -> Any:
    """The solution as part of the graph, and with a tangent if the equations have one."""
    x = make(system.x.array.copy())  # writing to the result must not reach the recorded equations
    if system.places:
        node = ImplicitBackward(system)
        x.rg = True
        x.fn = node
        node.saved = save_output(x, node)
    if MODES.dual_level >= 0:
        tangent = _tangent(system, x)
        if tangent is not None:
            forward.set_tangent(x, tangent)
    return x


def _tangent(system: System, x: Any) -> Any:
    """The tangent of the solution, or None where the equations have none."""
    change = forward.tangent_of(system.equations(x.clone()))
    if change is None:
        return None
    return untangled(_tangent_solution, system, x, change)


def _tangent_solution(system: System, x: Any, change: Any) -> Any:
    """The tangent of the solution, given that of the equations at constant ``x``."""
    start = -system.solve(change)
    if not is_grad_enabled():
        return start

    def equations(tangent: Any) -> Any:
        return Recording(system.equations, x).push(tangent, True) + change

    return system.derived(equations, start, False)


def solution(equations: Equations, array: Any, options: LinearOptions) -> Any:
    """The 1-d array that solves the equations, as a tensor that can be differentiated any number of times."""
    x = make(array)
    if not is_grad_enabled() and MODES.dual_level < 0:
        return x
    recording = Recording(equations, x)
    return attach(System(equations, x, recording, Inverse(recording, options), False, []))
