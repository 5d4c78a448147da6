"""Line search with the strong Wolfe conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

DECREASE: Final = 1e-4
"""Least share of the decrease that the slope at the start promises (Armijo)."""
CURVATURE: Final = 0.9
"""Largest share of the slope at the start that may remain."""


class Point(NamedTuple):
    """A place on the line: step length, loss, gradient, slope along the line."""

    t: Any
    loss: float
    gradient: Any
    slope: Any


class Search:
    """Looks along ``direction`` from ``start`` for a point with a loss low enough and a slope flat enough.

    Args:
        evaluate: loss and flat gradient at a step length.
        start: the point at step length 0.
        direction: flat tensor.
        tolerance: length of steps that are too small to matter.
        limit: of evaluations after the first.
    """

    def __init__(
        self, evaluate: Callable[[Any], tuple[float, Any]], start: Point, direction: Any, tolerance: float, limit: int
    ) -> None:
        self.evaluate = evaluate
        self.start = start
        self.direction = direction
        self.tolerance = tolerance
        self.limit = limit
        self.evaluations = 0

    def run(self, t: Any) -> Point:
        """The point found, starting with step length ``t``."""
        bracket, done = self.find_bracket(self.at(t))
        return bracket[0] if done else self.narrow(bracket)

    def at(self, t: Any) -> Point:
        """The point at step length ``t``."""
        loss, gradient = self.evaluate(t)
        self.evaluations += 1
        return Point(t, loss, gradient, gradient.dot(self.direction))

    def too_high(self, point: Point) -> bool:
        """Whether the loss has fallen too little."""
        return bool(point.loss > self.start.loss + DECREASE * point.t * self.start.slope)

    def flat(self, point: Point) -> bool:
        """Whether little slope remains."""
        return bool(abs(point.slope) <= -CURVATURE * self.start.slope)

    def find_bracket(self, point: Point) -> tuple[list[Point], bool]:
        """Go on until a point is good (alone, True) or two enclose good ones."""
        previous = self.start
        for i in range(self.limit):
            if self.too_high(point) or (i > 1 and point.loss >= previous.loss):
                return [previous, point], False
            if self.flat(point):
                return [point], True
            if point.slope >= 0:
                return [previous, point], False
            bounds = (point.t + 0.01 * (point.t - previous.t), point.t * 10)
            t = cubic_minimum(previous, point, bounds)
            previous, point = point, self.at(t)
        return [self.start, point], False

    def narrow(self, bracket: list[Point]) -> Point:
        """Shrink the bracket around good points; returns the lower end."""
        longest = self.direction.abs().max()
        low = 0 if bracket[0].loss <= bracket[1].loss else 1
        stuck = False
        while self.evaluations <= self.limit:
            left, right = sorted(point.t for point in bracket)
            if abs(bracket[1].t - bracket[0].t) * longest < self.tolerance:
                break
            t, stuck = _away_from_ends(cubic_minimum(bracket[0], bracket[1]), left, right, stuck)
            point = self.at(t)
            high = 1 - low
            if self.too_high(point) or point.loss >= bracket[low].loss:
                bracket[high] = point
                low = 0 if bracket[0].loss <= bracket[1].loss else 1
                continue
            done = self.flat(point)
            if not done and point.slope * (bracket[high].t - bracket[low].t) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = point
            if done:
                break
        return bracket[low]


def _away_from_ends(t: Any, left: Any, right: Any, stuck: bool) -> tuple[Any, bool]:
    """Move ``t`` off an end of the bracket if it comes near one for the second time; and whether it was the first."""
    margin = 0.1 * (right - left)
    if min(right - t, t - left) >= margin:
        return t, False
    if stuck or t >= right or t <= left:
        return (right - margin if abs(t - right) < abs(t - left) else left + margin), False
    return t, True


def cubic_minimum(one: Point, two: Point, bounds: tuple[Any, Any] | None = None) -> Any:
    """Where the cubic through two points with their slopes is least, within ``bounds`` (the points when left out).

    Source: Nocedal and Wright, Numerical optimization, 2nd edition, equation 3.59.
    """
    left, right = (one, two) if one.t <= two.t else (two, one)
    lowest, highest = bounds or (left.t, right.t)
    d1 = left.slope + right.slope - 3 * (left.loss - right.loss) / (left.t - right.t)
    square = d1**2 - left.slope * right.slope
    if not square >= 0:
        return (lowest + highest) / 2.0
    d2 = square.sqrt()
    t = right.t - (right.t - left.t) * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2))
    return min(max(t, lowest), highest)
