"""A differential equation as the steppers see it: one tensor of state, checked slopes, counted calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._core.dtypes import FLOATING
from .._core.tensor_base import TensorBase, requires_grad
from .._gen.functions import stack
from .._record.common import make
from ..func import _physical
from ..func._batched import BatchedTensor, innermost
from ..func._implicit_problem import ReadsBatched, Unknowns, joined
from ..func._levels import wrapping_levels
from ..func._reverse import tangent_of
from ..func._tree import flatten, tree_map

Function = Callable[..., Any]


class IntegrationError(RuntimeError):
    """A differential equation could not be integrated with the accuracy asked for."""


class System:
    """``dy/dt = f(t, y)`` with nested ``y`` as one tensor.

    Args:
        one_sample: refuse batched slopes, so that samples are taken one after the other.

    Attributes:
        start: the initial state: ``y0`` itself if that is a tensor, else its leaves in a 1-d tensor.
        calls: how often the function was called.
    """

    def __init__(self, f: Function, y0: Any, name: str, one_sample: bool = False) -> None:
        self._f = f
        self._one_sample = one_sample
        self.name = name
        self.calls = 0
        self._unknowns: Unknowns | None = None
        leaves = flatten(y0)[0]
        if not any(isinstance(leaf, TensorBase) for leaf in leaves):
            y0 = make(np.array(y0, dtype=np.result_type(np.asarray(y0).dtype, np.float64)))
        if isinstance(y0, TensorBase):
            if y0.dt.category < FLOATING:
                raise TypeError(f"{name}: y0 must hold floating point numbers, got {y0.dt!r}")
            self.start: Any = y0
        else:
            self._unknowns = Unknowns(y0, name, "y0")
            self.start = joined(leaves, self._unknowns.start.dt, name)

    def __call__(self, t: Any, y: Any) -> Any:
        """The slope.

        Raises:
            TypeError: when the function gives anything but tensors, or complex slopes for real states.
            ValueError: when the slope has another shape than the state.
        """
        self.calls += 1
        if self._unknowns is not None:
            return self._unknowns.flat(self._f(t, self._unknowns.tree(y)))
        slope = self._f(t, y)
        level = innermost([slope]) if self._one_sample else None
        if level is not None:
            raise ReadsBatched(level)
        if not isinstance(slope, TensorBase):
            raise TypeError(f"{self.name}: the function must return a tensor like y, got {type(slope)}")
        if slope.shp != y.shp:
            raise ValueError(
                f"{self.name}: the function must return the shape of y {tuple(y.shp)}, got {tuple(slope.shp)}"
            )
        if slope.dt.category > y.dt.category:
            raise TypeError(f"{self.name}: the function gave {slope.dt!r} for y of {y.dt!r}\n  try: a complex y0")
        return slope if slope.dt is y.dt else slope.to(y.dt)  # type: ignore[attr-defined]

    def given_back(self, states: Any) -> Any:
        """One state, or several along a first dimension, in the form of ``y0``."""
        return states if self._unknowns is None else self._unknowns.tree(states)

    def given_back_last(self, states: Any) -> Any:
        """``given_back`` with the states along the last dimension."""
        return tree_map(lambda t: t.movedim(0, -1), self.given_back(states))


class Times:
    """The times asked for.

    Attributes:
        values: as floats.
        tensor: 1-d, as given.
        moving: whether derivatives with respect to them may be asked for.
    """

    def __init__(self, t: Any, like: Any, name: str) -> None:
        if not isinstance(t, TensorBase):
            t = make(np.array(t, dtype=np.float32 if like.dt.np in (np.float32, np.complex64) else np.float64))
        if t.dt.category != FLOATING:
            t = t.to(like.dt)
        self.tensor: Any = t
        physical, levels = _physical.peeled(t)
        if len(t.shp) != 1 or t.shp[0] < 1:
            raise ValueError(f"{name}: t must have one dimension and at least one element, got shape {tuple(t.shp)}")
        if levels:
            raise NotImplementedError(f"{name}: t must be the same for all samples of a vmap")
        self.values = [float(v) for v in np.asarray(physical.array)]
        steps = np.diff(self.values)
        if not (np.all(steps > 0) or np.all(steps < 0)):
            raise ValueError(f"{name}: t must be strictly increasing or strictly decreasing, got {self.values}")
        self.moving = requires_grad(physical) or tangent_of(physical) is not None

    def at(self, i: int) -> Any:
        """Time ``i`` as a tensor without dimensions, in the graph if there is one."""
        return self.tensor[i] if self.moving else self.constant(self.values[i])

    def part(self, i: int, j: int) -> Times:
        """From time ``i`` to time ``j``."""
        return Times(stack([self.at(i), self.at(j)]), self.tensor, "")

    def constant(self, value: float) -> Any:
        """A time as a constant tensor."""
        return make(self.tensor.dt.np.type(value))


def values(t: Any) -> Any:
    """Numbers of a tensor, those of all samples if it is batched, as an array."""
    if isinstance(t, BatchedTensor):
        t = _physical.spread(t, wrapping_levels())
    return np.asarray(t.array)
