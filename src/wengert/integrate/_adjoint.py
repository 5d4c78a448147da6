"""The adjoint method: gradients of a solution by another differential equation, without a graph of the steps.

Note [Continuous adjoint]
    For ``dy/dt = f(t, y, p)`` and gradients ``g_i`` of the states at ``t_i`` the multiplier ``l`` runs backwards in time:
    ``dl/dt = -(df/dy)^T l``, and jumps by ``g_i`` at ``t_i``. Then ``dL/dy0 = l(t0)``, ``dL/dp`` is the integral of
    ``(df/dp)^T l``, ``dL/dt_i = g_i f(t_i, y_i)`` and ``dL/dt_0 = -l(t_0) f(t_0, y_0)``. (L. S. Pontryagin et al., 1962;
    R. T. Q. Chen et al., "Neural ordinary differential equations", 2018.)

    The explicit methods integrate ``y`` backwards beside ``l``, beginning anew from each state asked for: memory does not grow
    with the number of steps. SciPy's methods keep the solution's interpolant instead, since what is stiff forwards cannot be
    integrated backwards; parameters are then a quadrature over the steps of ``l``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._core import errors
from .._core.graph import Error, Node
from .._core.modes import is_grad_enabled
from .._core.saved import Saved, save_output
from .._core.tensor_base import TensorBase, detached, gradient_edge, requires_grad
from .._gen.functions import cat, stack, zeros
from .._record.common import make
from .._tensor import Tensor
from ..func._formulas import formula
from ..func._implicit_graph import Place, Recording, key
from ..func._implicit_modes import unrecorded, untangled
from ..func._reverse import tangent_of
from ._system import System, Times

Sweep = Callable[[Any, Any, int, "list[Place]"], "tuple[Any, list[Any]]"]
"""``sweep(y, l, i, places)``: the multiplier at time ``i - 1`` given that at ``i``, and what this interval adds to each place."""

Solve = Callable[[System, Times], "list[Any]"]
"""States at all times by an explicit method."""

TWICE = (
    "gradients through SciPy's methods for differential equations cannot be differentiated again\n"
    "  try: an explicit method (dopri5), by gradient='direct' or 'adjoint'"
)


class OdeAdjointBackward(Node):
    """The node of a solution: its edges lead to ``y0``, ``t`` and all that the function reads.

    Args:
        sweep: see ``Sweep``; ``again`` says whether what it gives can be differentiated.
    """

    def __init__(self, system: System, times: Times, places: list[Place], sweep: Sweep, again: bool) -> None:
        self.many = True
        self.parts: Any = (system, times, sweep)
        self.places = places
        self.again = again
        self.saved: Saved | None = None
        y0, t = system.start, times.tensor
        ends = [(gradient_edge(x) if requires_grad(x) else None, int(x.nr)) for x in (y0, t)]
        self.set_edges([*ends, *places])
        self.stamp()

    def release(self) -> None:
        """Drop the states and the function."""
        self.parts = None
        self.saved = None
        self.released = True

    def vjp_many(self, grads: list[TensorBase | None]) -> list[TensorBase | None]:
        """Gradients of the initial state, the times, and what the function reads."""
        grad = grads[0]
        if grad is None:
            return [None] * len(self.edges())
        if self.parts is None or self.saved is None:
            raise errors.freed(self)
        if tangent_of(grad) is not None:
            raise NotImplementedError(
                "integrate: forward mode through a gradient by the adjoint method: gradient='direct'"
            )
        states = self.saved.unpack(self)
        if is_grad_enabled() and self.again:
            return self.backwards(grad, states)
        found: list[Any] = unrecorded(self.backwards, grad, states)
        return [self._once(t) for t in found] if is_grad_enabled() else found

    def backwards(self, grad: Any, states: Any) -> list[Any]:
        """See Note [Continuous adjoint]."""
        system, times, sweep = self.parts
        multiplier = grad[len(times.values) - 1]
        totals: list[Any] = [None] * len(self.places)
        rates = []
        for i in range(len(times.values) - 1, 0, -1):
            rates.append((grad[i] * system(times.at(i), states[i])).sum())
            multiplier, parts = sweep(states[i], multiplier, i, self.places)
            totals = [b if a is None else a if b is None else a + b for a, b in zip(totals, parts, strict=True)]
            if i > 1:
                multiplier = multiplier + grad[i - 1]
        rates.append(-(multiplier * system(times.at(0), states[0])).sum())
        y0_grad = multiplier + grad[0] if len(times.values) > 1 else multiplier
        return [y0_grad, stack(rates[::-1]).to(times.tensor.dt), *totals]

    def _once(self, t: Any) -> Any:
        """A gradient behind which stands an error."""
        if t is None:
            return None
        out = Tensor(t.array, t.dt, t.shp)
        node = Error(TWICE)
        node.set_edges([*self.edges(), (self, 0)])
        node.stamp()
        out.rg = True
        out.fn = node
        return out


@formula(OdeAdjointBackward)
def of_rows(node: Any, grads: list[Any], rows: int) -> list[Any]:
    """Each cotangent has a multiplier of its own."""
    parts = [node.vjp_many([grads[0][k]]) for k in range(rows)]
    return [None if column[0] is None else stack(list(column)) for column in zip(*parts, strict=True)]


def places_read(system: System, times: Times, states: Any) -> list[Place]:
    """All that the function reads from outside at the times asked for."""
    places: list[Place] = []
    for i, value in enumerate(times.values):
        known = set(map(key, places))
        found = slope_recording(system, times.constant(value), states[i]).outside(places)
        places += [place for place in found if key(place) not in known]
    return places


def slope_recording(system: System, t: Any, y: Any) -> Recording:
    """The slope as a recorded function of the state."""
    found: Recording = untangled(Recording, lambda state: system(t, state), y)
    return found


def attached(system: System, times: Times, states: list[Any], sweep: Sweep, again: bool) -> Any:
    """States at all times, stacked, with a place in the graph."""
    constants = [detached(state) for state in states]
    out = make(stack(constants).array)
    if not is_grad_enabled():
        return out
    places = places_read(system, times, constants)
    if places or requires_grad(system.start) or requires_grad(times.tensor):
        node = OdeAdjointBackward(system, times, places, sweep, again)
        out.rg = True
        out.fn = node
        node.saved = save_output(out, node)
    return out


def explicit_solution(system: System, times: Times, solve: Solve, states: list[Any] | None = None) -> Any:
    """The solution by an explicit method, whose gradients are solutions of this kind in turn."""
    found = unrecorded(solve, system, times) if states is None else states
    return attached(system, times, found, explicit_sweep(system, times, solve), True)


def explicit_sweep(system: System, times: Times, solve: Solve) -> Sweep:
    """State, multiplier and integrals side by side, backwards by an explicit method."""

    def sweep(y: Any, multiplier: Any, i: int, places: list[Place]) -> tuple[Any, list[Any]]:
        interval = times.part(i, i - 1)
        n = y.shp.numel()
        first = slope_recording(system, interval.constant(interval.values[0]), detached(y))
        kinds = [None if g is None else g.shp for g in first.pull_both(detached(multiplier), places)[1]]
        shapes = [shape for shape in kinds if shape is not None]

        def augmented(t: Any, z: Any) -> Any:
            recording = slope_recording(system, t, z[:n].reshape(y.shp))
            own, outside = recording.pull_both(z[n : 2 * n].reshape(y.shp), places, is_grad_enabled())
            slope: Any = recording.output if is_grad_enabled() else detached(recording.output)
            rates = [g for g, shape in zip(outside, kinds, strict=True) if shape is not None]
            minus = [_negative(g, shape, z) for g, shape in zip([own, *rates], [y.shp, *shapes], strict=True)]
            return cat([slope.reshape(-1), *minus])

        integrals = zeros(sum(shape.numel() for shape in shapes), dtype=y.dt)
        start = cat([y.reshape(-1), multiplier.reshape(-1), integrals])
        end = explicit_solution(System(augmented, start, system.name), interval, solve)[1]
        place = 2 * n
        found: list[Any] = []
        for shape in kinds:
            size = 0 if shape is None else shape.numel()
            found.append(None if shape is None else end[place : place + size].reshape(shape))
            place += size
        return end[n : 2 * n].reshape(y.shp), found

    return sweep


def _negative(t: Any, shape: Any, like: Any) -> Any:
    return zeros(shape.numel(), dtype=like.dt) if t is None else -t.reshape(-1).to(like.dt)
