"""``odeint`` and ``solve_ivp``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from .._core.modes import MODES
from .._core.tensor_base import TensorBase
from .._gen.functions import linspace, stack
from .._record.common import make
from ..func._dispatch import operator
from ..func._implicit_modes import unrecorded
from ..func._implicit_problem import ReadsBatched, each_sample
from ..func._reverse import tangent_of
from ._adjoint import attached, explicit_solution
from ._explicit import Control, Segment, adaptive, fixed
from ._stiff import ScipyRun
from ._system import System, Times
from ._tableaus import ADAPTIVE, FIXED, SCIPY


class Settings(NamedTuple):
    """How an equation is integrated and differentiated."""

    method: str
    gradient: str
    control: Control
    step_size: float | None


class Solution(NamedTuple):
    """States along a first dimension, their times, and the steps where they are known."""

    states: Any
    times: list[float]
    segments: list[Segment]


def settings_for(name: str, method: str, gradient: str | None, control: Control, step_size: float | None) -> Settings:
    """The settings, checked.

    Raises:
        ValueError: for unknown methods, tolerances that are not positive, and what does not go together.
    """
    if method not in FIXED and method not in ADAPTIVE and method not in SCIPY:
        known = ", ".join([*FIXED, *ADAPTIVE, *SCIPY])
        raise ValueError(f"{name}: method must be one of {known}, got {method!r}")
    if gradient not in (None, "direct", "adjoint"):
        raise ValueError(f"{name}: gradient must be 'direct' or 'adjoint', got {gradient!r}")
    if gradient == "direct" and method in SCIPY:
        raise ValueError(
            f"{name}: the steps of SciPy's {method} cannot be recorded: gradient must be 'adjoint'\n"
            f"  try: method='dopri5' for gradient='direct'"
        )
    if step_size is not None and method not in FIXED:
        raise ValueError(
            f"{name}: step_size is for {', '.join(FIXED)}; {method} chooses its steps (rtol, atol, max_step)"
        )
    positive = (control.rtol, control.max_step, control.first_step or 1.0, step_size or 1.0)
    if not all(value > 0 for value in positive) or not np.all(np.asarray(control.atol) >= 0):
        raise ValueError(f"{name}: rtol, first_step, max_step and step_size must be positive and atol not negative")
    return Settings(method, gradient or ("adjoint" if method in SCIPY else "direct"), control, step_size)


def explicit(system: System, times: Times, settings: Settings) -> tuple[list[Any], list[Segment]]:
    """States by a method of our own."""
    if settings.method in FIXED:
        return fixed(system, times, FIXED[settings.method], settings.step_size), []
    return adaptive(system, times, ADAPTIVE[settings.method], settings.control)


def solve(system: System, times: Times, settings: Settings, every_step: bool = False) -> Solution:
    """The solution at all times (or after every step), differentiable in the way that the settings name."""
    if settings.gradient == "adjoint" and system.start.is_complex():
        raise NotImplementedError(
            f"{system.name}: complex states by gradient='direct' only; try the real and imaginary parts"
        )
    if settings.method in SCIPY:
        _refuse_tangents(system, times)
        run = ScipyRun(system, settings.method, settings.control)
        states, values = unrecorded(run.forward, times, every_step)
        asked = Times(values, system.start, system.name) if every_step else times
        return Solution(attached(system, asked, states, run.sweep(asked), False), values, [])
    direct = settings.gradient == "direct" or MODES.dual_level >= 0  # forward mode keeps no graph of the steps
    states, segments = explicit(system, times, settings) if direct else unrecorded(explicit, system, times, settings)
    values = times.values
    if every_step and segments:
        values = [segment.t for segment in segments] + [times.values[-1]]
        states = [segment.y for segment in segments] + [states[-1]]
    if direct:
        return Solution(operator("stack")(states), values, segments)
    asked = Times(values, system.start, system.name) if every_step else times
    return Solution(explicit_solution(system, asked, lambda s, t: explicit(s, t, settings)[0], states), values, [])


def _refuse_tangents(system: System, times: Times) -> None:
    """SciPy's methods have no forward mode here."""
    if MODES.dual_level < 0:
        return
    slope = system(times.at(0), system.start)
    if any(tangent_of(t) is not None for t in (slope, system.start, times.tensor)):
        raise NotImplementedError(
            f"{system.name}: SciPy's methods are differentiated in reverse mode only\n"
            "  try: jacrev or grad in place of jvp, jacfwd or hessian; or method='dopri5'"
        )


def odeint(
    func: Callable[..., Any],
    y0: Any,
    t: Any,
    args: Any = (),
    *,
    method: str = "dopri5",
    rtol: float | None = None,
    atol: Any = None,
    tfirst: bool = False,
    gradient: str | None = None,
    step_size: float | None = None,
    first_step: float | None = None,
    max_step: float = np.inf,
    max_num_steps: int = 100_000,
) -> Any:
    """The solution of ``dy/dt = func(y, t)`` with ``y = y0`` at ``t[0]``, at all times ``t``, to be differentiated.

    Args:
        func: called as ``func(y, t, *args)``, with ``tfirst`` as ``func(t, y, *args)``; ``t`` is a tensor without dimensions.
            Gives the slope, nested and shaped like ``y0``. Tensors that it reads without being given them get gradients too.
        y0: the state at ``t[0]``: a floating tensor of any shape, nested tuples, lists and dicts of them, or an array.
        t: 1-d, strictly increasing or decreasing.
        args: what else ``func`` takes.
        method: ``"dopri5"`` (``"RK45"``) or ``"bosh3"`` (``"RK23"``), which choose their steps; ``"euler"``, ``"midpoint"``,
            ``"rk4"`` with the steps given; or SciPy's ``"DOP853"``, ``"Radau"``, ``"BDF"``, ``"LSODA"``.
        rtol, atol: accepted error of a step, relative and absolute; None: 1.49e-8, 1e-5 for less than float64.
        tfirst: whether ``func`` takes the time first.
        gradient: ``"direct"`` differentiates the steps: exact for what was computed, any order, every transform. ``"adjoint"``
            solves another equation backwards: little memory, gradients as accurate as the solution. None:
            direct, adjoint for SciPy's methods.
        step_size: longest step of the fixed-step methods; None: one step from each time to the next.
        first_step, max_step, max_num_steps: of the methods that choose their steps.

    Returns:
        States of shape ``(len(t), *y0.shape)``, nested like ``y0``; the first is ``y0``.

    Gradient:
        For ``y0``, ``t``, ``args`` and all that ``func`` reads. Under ``vmap`` all samples share their steps.

    Raises:
        IntegrationError: when the accuracy is not reached.
        ValueError: for times out of order, slopes of another shape, options that do not go together.

    Example:
        >>> import wengert as wg
        >>> from wengert.integrate import odeint
        >>> k = wg.tensor(2.0, dtype=wg.float64, requires_grad=True)
        >>> y = odeint(lambda y, t, k: -k * y, wg.ones((), dtype=wg.float64), [0.0, 1.0], (k,))
        >>> y[1].backward()  # d exp(-k) / dk = -exp(-k)
        >>> y.detach(), k.grad
        (tensor([1.0000, 0.1353], dtype=torch.float64), tensor(-0.1353, dtype=torch.float64))

    Source:
        ``scipy.integrate.odeint``, whose order of arguments this is; names of methods and steps as in torchdiffeq. The
        formulas: see ``_tableaus``, Note [Step control], Note [Continuous adjoint].
    """
    name = "integrate.odeint"
    args = args if isinstance(args, tuple) else (args,)

    def single(f: Any, y0: Any, t: Any, *args: Any) -> Any:
        system = System(
            lambda t, y: f(t, y, *args) if tfirst else f(y, t, *args), y0, name, settings.gradient == "adjoint"
        )
        times = Times(t, system.start, name)
        return system.given_back(solve(system, times, _with_tolerances(settings, system)).states)

    given = Control(
        rtol if rtol is not None else 1.0, 0.0 if atol is None else atol, first_step, max_step, max_num_steps
    )
    settings = settings_for(name, method, gradient, given, step_size)

    def _with_tolerances(settings: Settings, system: System) -> Settings:
        default = 1.49e-8 if system.start.dt.np in (np.float64, np.complex128) else 1e-5
        return settings._replace(
            control=given._replace(rtol=default if rtol is None else rtol, atol=default if atol is None else atol)
        )

    return _run(single, func, settings, (y0, t, *args))


def _run(single: Any, func: Any, settings: Settings, arguments: tuple[Any, ...]) -> Any:
    """The adjoint method takes one sample of a batch after the other; recorded steps take all together."""
    return each_sample(single, func, arguments) if settings.gradient == "adjoint" else single(func, *arguments)


@dataclass
class OdeResult:
    """What ``solve_ivp`` gives.

    Attributes:
        t: the times, 1-d.
        y: the states, with the times as last dimension.
        sol: the solution as a function of time, or None.
        nfev: how often the function was called.
        status, message, success: as SciPy's; what fails raises.
    """

    t: Any
    y: Any
    sol: Any
    nfev: int
    status: int = 0
    message: str = "The solver successfully reached the end of the integration interval."
    success: bool = True


class DenseOutput:
    """The solution as a function of time, which can be differentiated.

    Attributes:
        t_min, t_max: where it is defined.
    """

    def __init__(self, system: System, segments: list[Segment]) -> None:
        self._system = system
        self._segments = segments
        ends = [segments[0].t, segments[-1].t + segments[-1].h]
        self.t_min, self.t_max = min(ends), max(ends)

    def __call__(self, t: Any) -> Any:
        """The state at a time (a number or a tensor without dimensions); times in one dimension give states in the last."""
        if not isinstance(t, TensorBase):
            t = np.asarray(t, float)
        if len(t.shape) == 1:
            return self._system.given_back_last(operator("stack")([self._at(time) for time in t]))
        return self._system.given_back(self._at(t))

    def _at(self, t: Any) -> Any:
        value = float(t)
        if not self.t_min <= value <= self.t_max:
            raise ValueError(
                f"integrate.solve_ivp: the solution is known from {self.t_min} to {self.t_max}, not at {value}"
            )
        for segment in self._segments:
            if abs(value - segment.t) <= abs(segment.h) and (value - segment.t) * segment.h >= 0:
                return segment.at(t if isinstance(t, TensorBase) else value)
        return self._segments[-1].at(t)


def solve_ivp(
    fun: Callable[..., Any],
    t_span: Sequence[Any],
    y0: Any,
    method: str = "RK45",
    t_eval: Any = None,
    dense_output: bool = False,
    args: Any = None,
    *,
    rtol: float = 1e-3,
    atol: Any = 1e-6,
    gradient: str | None = None,
    step_size: float | None = None,
    first_step: float | None = None,
    max_step: float = np.inf,
    max_num_steps: int = 100_000,
) -> OdeResult:
    """The solution of ``dy/dt = fun(t, y)`` with ``y = y0`` at ``t_span[0]``, to be differentiated.

    Args:
        fun: called as ``fun(t, y, *args)``, see ``odeint``.
        t_span: where to begin and to end: numbers, or tensors without dimensions that may require grad.
        y0: the initial state, see ``odeint``.
        method: see ``odeint``.
        t_eval: times at which to give the state, in order within ``t_span``; None: after every step.
        dense_output: also give the solution as a function of time (``"RK45"`` and ``"RK23"`` with recorded steps).
        args: what else ``fun`` takes.
        rtol, atol, gradient, step_size, first_step, max_step, max_num_steps: see ``odeint``.

    Returns:
        An ``OdeResult`` with ``t``, ``y`` of shape ``(*y0.shape, len(t))``, ``sol``, ``nfev``...

    Raises:
        IntegrationError: when the accuracy is not reached.
        ValueError: as ``odeint``; and for a ``dense_output`` that the method does not have.

    Example:
        >>> import wengert as wg
        >>> from wengert.integrate import solve_ivp
        >>> result = solve_ivp(lambda t, y: -y, (0.0, 2.0), wg.ones(1, dtype=wg.float64), rtol=1e-8, dense_output=True)
        >>> result.sol(1.0), result.y[0, -1]
        (tensor([0.3679], dtype=torch.float64), tensor(0.1353, dtype=torch.float64))

    Source:
        ``scipy.integrate.solve_ivp``, without events; ``RK45`` and ``RK23`` take the same steps. There a failure is a
        ``status``, here an error.
    """
    name = "integrate.solve_ivp"
    settings = settings_for(name, method, gradient, Control(rtol, atol, first_step, max_step, max_num_steps), step_size)
    more = () if args is None else args if isinstance(args, tuple) else (args,)
    if dense_output and (method not in ADAPTIVE or settings.gradient == "adjoint"):
        raise ValueError(f"{name}: dense_output needs method 'RK45' or 'RK23' and gradient='direct'")
    system = System(lambda t, y: fun(t, y, *more), y0, name, settings.gradient == "adjoint")
    times, shown = _times(t_span, t_eval, system, settings)
    try:
        found = solve(system, times, settings, every_step=t_eval is None)
    except ReadsBatched:
        raise NotImplementedError(
            f"{name}: gradient='adjoint' under vmap\n  try: odeint, or gradient='direct'"
        ) from None
    states = found.states if shown is None else found.states[shown]
    values = found.times if shown is None else found.times[shown]
    t = make(np.array(values, dtype=times.tensor.dt.np))
    sol = DenseOutput(system, found.segments) if dense_output else None
    return OdeResult(t, system.given_back_last(states), sol, system.calls)


def _times(t_span: Sequence[Any], t_eval: Any, system: System, settings: Settings) -> tuple[Times, slice | None]:
    """The times to integrate through, and which of them are shown; None for all."""
    name = system.name
    start, end = t_span
    ends: list[Any] = [t if isinstance(t, TensorBase) else make(np.array(t, dtype=np.float64)) for t in (start, end)]
    if t_eval is None and settings.step_size is not None:
        width = float(ends[1]) - float(ends[0])
        part = linspace(0.0, 1.0, 1 + max(1, ceil(abs(width) / settings.step_size - 1e-9)), dtype=ends[0].dt)
        return Times(ends[0] + (ends[1] - ends[0]) * part, system.start, name), None
    if t_eval is None:
        return Times(stack(ends), system.start, name), None
    middle = Times(t_eval, system.start, name)
    low, high = sorted(float(t) for t in ends)
    if not all(low <= value <= high for value in middle.values):
        raise ValueError(f"{name}: t_eval must lie within t_span from {low} to {high}, got {middle.values}")
    inner = [middle.tensor[i] for i in range(len(middle.values))]
    head = [] if middle.values[0] == float(ends[0]) else [ends[0]]
    tail = [] if middle.values[-1] == float(ends[1]) else [ends[1]]
    whole = Times(stack([x.to(middle.tensor.dt) for x in [*head, *inner, *tail]]), system.start, name)
    return whole, slice(len(head), len(head) + len(inner))
