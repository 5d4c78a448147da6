"""Explicit Runge-Kutta steps in recorded operations: a derivative of what they give is that of the discrete solution.

Note [Step control]
    A step is accepted when the root mean square of ``error / (atol + rtol max(|y|, |y_new|))`` is below 1. The next one is
    ``0.9 norm^(-1 / (q + 1))`` times as long (``q`` the order of the embedded method), at least 0.2 and at most 10 times,
    and not longer after a rejected one. The first comes from two slopes (E. Hairer, S. P. Norsett, G. Wanner, "Solving
    Ordinary Differential Equations I", II.4). The last is cut to end at the last time; others are reached by
    interpolation. Lengths are chosen from values and are constants in the graph, as is customary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from .._core.tensor_base import TensorBase
from ..func._implicit_modes import unrecorded
from ._system import IntegrationError, System, Times, values
from ._tableaus import Tableau

SAFETY: Final = 0.9
SHRINK: Final = 0.2
GROW: Final = 10.0


class Control(NamedTuple):
    """How steps are chosen."""

    rtol: float
    atol: Any
    first_step: float | None = None
    max_step: float = np.inf
    max_num_steps: int = 100_000


def combination(y: Any, h: Any, weights: Any, slopes: list[Any]) -> Any:
    """``y + h sum_i w_i k_i``; weights and ``h`` are numbers or tensors without dimensions."""
    total = None
    for w, k in zip(weights, slopes, strict=False):
        if not isinstance(w, TensorBase):
            if w == 0:
                continue
            total = k * w if total is None else total.add(k, alpha=w)
        else:
            total = k * w if total is None else total + k * w
    if total is None:
        return y
    return y.add(total, alpha=h) if not isinstance(h, TensorBase) else y + total * h


def stages(f: Any, tableau: Tableau, t: Callable[[float], Any], y: Any, h: Any, first: Any) -> list[Any]:
    """The slopes of one step; ``t(c)`` is the time at a fraction of it, ``first`` the slope at its beginning."""
    slopes = [first]
    for c, row in zip(tableau.c[1:], tableau.a[1:], strict=True):
        slopes.append(f(t(c), combination(y, h, row, slopes)))
    return slopes


class Segment(NamedTuple):
    """One accepted step, with what interpolates inside of it.

    Attributes:
        t: where it begins; ``begin`` the same as a tensor.
        h: how long it is, as a float.
    """

    t: float
    h: float
    begin: Any
    length: Any
    y: Any
    slopes: list[Any]
    tableau: Tableau

    def at(self, t: Any) -> Any:
        """The state at a time inside: a number, or a tensor if it is to be differentiated."""
        x = (t - self.begin) / self.length if isinstance(t, TensorBase) else (t - self.t) / self.h
        assert self.tableau.dense is not None
        weights = [_polynomial(row, x) for row in self.tableau.dense]
        return combination(self.y, self.length, weights, self.slopes)


def _polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    """``c_0 x + c_1 x^2 + ...``"""
    if not any(coefficients):
        return 0.0
    total = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * x + c
    return total * x


def fixed(system: System, times: Times, tableau: Tableau, step_size: float | None) -> list[Any]:
    """States at all times; each interval is one step, or as many equal ones as are needed to keep below ``step_size``."""
    y = system.start
    states = [y]
    for i in range(1, len(times.values)):
        width = times.values[i] - times.values[i - 1]
        count = 1 if step_size is None else max(1, int(np.ceil(abs(width) / step_size - 1e-9)))
        h = (times.at(i) - times.at(i - 1)) / count if times.moving else width / count
        for k in range(count):
            begin = times.at(i - 1) + h * k if times.moving else None
            clock = _clock(times, times.values[i - 1] + k * width / count, begin, h)
            y = combination(y, h, tableau.b, stages(system, tableau, clock, y, h, system(clock(0.0), y)))
        states.append(y)
    return states


def _clock(times: Times, t: float, begin: Any, h: Any) -> Callable[[float], Any]:
    """The time at a fraction of a step."""
    if times.moving:
        return lambda c: begin + h * c
    return lambda c: times.constant(t + h * c)


def adaptive(system: System, times: Times, tableau: Tableau, control: Control) -> tuple[list[Any], list[Segment]]:
    """States at all times and the steps taken, see Note [Step control]."""
    states: list[Any] = [system.start]
    segments: list[Segment] = []
    if len(times.values) == 1:
        return states, segments
    stepper = Stepper(system, times, tableau, control)
    while stepper.t != stepper.last:
        if len(segments) >= control.max_num_steps:
            raise IntegrationError(
                f"{system.name}: {control.max_num_steps} steps lead to t = {stepper.t:.6g} only, wanted {stepper.last:.6g}\n"
                "  try: larger rtol and atol, max_num_steps=, or a method for stiff equations (Radau, BDF)"
            )
        segment = stepper.advance()
        segments.append(segment)
        while len(states) < len(times.values) and stepper.direction * (times.values[len(states)] - stepper.t) <= 0:
            time = times.values[len(states)]
            at = times.at(len(states)) if times.moving else time
            states.append(stepper.y if time == stepper.t else segment.at(at))
    return states, segments


class Stepper:
    """A state on its way through time.

    Attributes:
        t: the time reached; ``begin`` the same as a tensor.
        y, slope: the state there and its slope.
        size: the length to try next.
    """

    def __init__(self, system: System, times: Times, tableau: Tableau, control: Control) -> None:
        self.system = system
        self.times = times
        self.tableau = tableau
        self.control = control
        self.t, self.last = times.values[0], times.values[-1]
        self.direction = 1.0 if self.last > self.t else -1.0
        self.begin = times.at(0)
        self.y = system.start
        self.slope = system(self.begin, self.y)
        self.size = control.first_step or first_step(
            system, times, self.y, self.slope, self.direction, tableau, control
        )

    def advance(self) -> Segment:
        """Take one step that is accurate enough.

        Raises:
            IntegrationError: when it would have to be too short.
        """
        smallest = 10 * abs(float(np.nextafter(self.t, self.direction * np.inf)) - self.t)
        size = max(min(self.size, self.control.max_step), smallest)
        rejected = False
        while size >= smallest:
            segment, new, norm = self._attempt(size)
            size = abs(segment.h)
            factor = (
                GROW if norm == 0 else SAFETY * norm ** (-1.0 / self.tableau.order) if np.isfinite(norm) else SHRINK
            )
            if norm < 1:
                self.size = size * min(1.0 if rejected else GROW, factor)
                self._move(segment, new)
                return segment
            size *= max(SHRINK, factor)
            rejected = True
        raise IntegrationError(
            f"{self.system.name}: the step at t = {self.t:.6g} would be smaller than the distance between numbers there: the "
            "solution grows without bound, or the function jumps or is not a number\n"
            "  try: a shorter interval; check that f is finite there; a method for stiff equations (Radau, BDF)"
        )

    def _attempt(self, size: float) -> tuple[Segment, Any, float]:
        """A step of that length, cut at the last time; the state at its end; its error, 1 being the most that is accepted."""
        ends = self.direction * (self.t + self.direction * size - self.last) >= 0
        width = self.last - self.t if ends else self.direction * size
        h = self.times.at(-1) - self.begin if ends and self.times.moving else width
        clock = _clock(self.times, self.t, self.begin, h)
        slopes = stages(self.system, self.tableau, clock, self.y, h, self.slope)
        new = combination(self.y, h, self.tableau.b, slopes)
        slopes.append(self.system(clock(1.0), new))
        norm = error_norm(self.tableau, width, slopes, self.y, new, self.control)
        return Segment(self.t, width, self.begin, h, self.y, slopes, self.tableau), new, norm

    def _move(self, segment: Segment, new: Any) -> None:
        """Go to the end of an accepted step."""
        self.t = self.last if abs(segment.h) >= abs(self.last - self.t) else self.t + segment.h
        if self.t == self.last:
            self.begin = self.times.at(-1)
        else:
            self.begin = self.begin + segment.h if self.times.moving else self.times.constant(self.t)
        self.y = new
        self.slope = segment.slopes[-1]


def error_norm(tableau: Tableau, h: float, slopes: list[Any], y: Any, new: Any, control: Control) -> float:
    """The estimated error of a step in units of what is allowed, root mean square over all elements."""
    assert tableau.error is not None
    error = sum(e * values(k) for e, k in zip(tableau.error, slopes, strict=True) if e != 0)
    scale = control.atol + control.rtol * np.maximum(np.abs(values(y)), np.abs(values(new)))
    with np.errstate(invalid="ignore", over="ignore"):
        return rms(h * error / scale)


def rms(x: Any) -> float:
    """Root of the mean of the squares; inf where one is no number."""
    norm = float(np.linalg.norm(np.ravel(x))) / max(1, np.size(x)) ** 0.5
    return norm if np.isfinite(norm) else np.inf


def first_step(
    system: System, times: Times, y: Any, slope: Any, direction: float, tableau: Tableau, control: Control
) -> float:
    """A length for the first step, see Note [Step control]."""
    interval = abs(times.values[-1] - times.values[0])
    y0, f0 = values(y), values(slope)
    scale = control.atol + np.abs(y0) * control.rtol
    d0, d1 = rms(y0 / scale), rms(f0 / scale)
    if not np.isfinite(d1):
        return 1e-6 * interval  # the step itself will find out
    h0 = min(1e-6 if d0 < 1e-5 or d1 < 1e-5 else 0.01 * d0 / d1, interval)
    ahead = times.constant(times.values[0] + h0 * direction)
    f1 = values(unrecorded(lambda: system(ahead, y.detach() + h0 * direction * slope.detach())))
    d2 = rms((f1 - f0) / scale) / h0
    h1 = max(1e-6, h0 * 1e-3) if d1 <= 1e-15 and d2 <= 1e-15 else (0.01 / max(d1, d2)) ** (1 / tableau.order)
    return float(min(100 * h0, h1, interval, control.max_step))
