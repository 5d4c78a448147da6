"""Equations and objectives for nested unknowns in the form that solvers take: one array of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._core.dtypes import COMPLEX, FLOATING
from .._core.modes import is_grad_enabled
from .._core.tensor_base import TensorBase, detached
from .._gen.functions import cat, ones_like
from .._record.common import make
from ._batched import Batch, innermost
from ._dispatch import operator
from ._implicit_graph import Recording, as_array, jacobian
from ._implicit_linear import ConvergenceError
from ._implicit_modes import unrecorded
from ._tree import flatten, tree_map, unflatten


class ReadsBatched(Exception):
    """The function gave a batched tensor for arguments that are not: it reads one from outside."""

    def __init__(self, level: Any) -> None:
        super().__init__()
        self.level = level


class Unknowns:
    """How nested tensors lie in one 1-d tensor.

    Attributes:
        start: the values given, as a constant 1-d tensor.
    """

    def __init__(self, tree: Any, name: str, argument: str = "x0") -> None:
        leaves, self.structure = flatten(tree)
        self.name = name
        self.argument = argument
        if not leaves:
            raise ValueError(f"{name}: {argument} holds no tensor")
        for leaf in leaves:
            if not isinstance(leaf, TensorBase):
                raise TypeError(
                    f"{name}: {argument} must be a tensor, or nested tuples, lists and dicts of tensors, got {type(leaf)}"
                )
            if not FLOATING <= leaf.dt.category < COMPLEX:
                raise TypeError(f"{name}: {argument} must hold real floating point numbers, got {leaf.dt!r}")
        self.kinds = [(leaf.shp, leaf.dt) for leaf in leaves]
        constants = [detached(leaf).reshape(-1) for leaf in leaves]  # type: ignore[attr-defined]
        self.start: Any = cat(constants)

    def flat(self, tree: Any) -> Any:
        """What the function gave as one 1-d tensor, in the dtype of the unknowns.

        Raises:
            TypeError: when it holds anything but tensors.
            ValueError: when it is nested or shaped in another way than the unknowns.
        """
        leaves, structure = flatten(tree)
        flat = joined(leaves, self.start.dt, self.name)
        shapes = [leaf.shp for leaf in leaves]
        if structure != self.structure or shapes != [shape for shape, _ in self.kinds]:
            raise ValueError(
                f"{self.name}: the function must return what is nested and shaped like {self.argument}\n"
                f"  got {structure!r} with shapes {[tuple(s) for s in shapes]}\n"
                f"  {self.argument} is {self.structure!r} with shapes {[tuple(s) for s, _ in self.kinds]}"
            )
        return flat

    def tree(self, x: Any) -> Any:
        """The unknowns nested and shaped as they were given; several sets of them where ``x`` has more dimensions in front."""
        leaves = []
        place = 0
        for shape, dt in self.kinds:
            leaves.append(x.narrow(-1, place, shape.numel()).reshape((*x.shp[:-1], *shape)).to(dt))
            place += shape.numel()
        return unflatten(leaves, self.structure)

    def tensor(self, array: Any) -> Any:
        """A solver's array as a 1-d tensor."""
        return make(np.array(array, dtype=self.start.dt.np).reshape(-1))


def joined(leaves: list[Any], dt: Any, name: str) -> Any:
    """Results of a function as one 1-d tensor.

    Raises:
        TypeError: when they are no tensors, or complex.
        ReadsBatched: when they are batched.
    """
    for leaf in leaves:
        if not isinstance(leaf, TensorBase):
            raise TypeError(f"{name}: the function must return tensors, got {type(leaf)}")
        if leaf.dt.category > dt.category:
            raise TypeError(
                f"{name}: the function gave {leaf.dt!r} for {dt!r}: try the real and imaginary parts as unknowns"
            )
    level = innermost(leaves)
    if level is not None:
        raise ReadsBatched(level)
    return cat([leaf.reshape(-1) for leaf in leaves]).to(dt)


class Problem:
    """Equations that are zero at the solution.

    Attributes:
        calls: how often the equations were evaluated.
    """

    def __init__(self, equations: Callable[[Any], Any], unknowns: Unknowns) -> None:
        self.equations = equations
        self.unknowns = unknowns
        self.calls = 0
        self._start_size: float | None = None

    def value(self, array: Any) -> Any:
        """Left-hand sides for an array of unknowns, as float64."""
        self.calls += 1
        return as_array(unrecorded(self.equations, self.unknowns.tensor(array)))

    def recording(self, array: Any) -> Recording:
        """The equations recorded at an array of unknowns."""
        self.calls += 1
        return Recording(self.equations, self.unknowns.tensor(array))

    def jacobian(self, array: Any) -> Any:
        """The matrix of derivatives."""
        return jacobian(self.recording(array), np.size(array))

    def accuracy(self, tol: float) -> float:
        """The largest residual that is accepted.

        Raises:
            ConvergenceError: when the residual at the beginning is not finite.
        """
        if self._start_size is None:
            self._start_size = self.residual(as_array(self.unknowns.start))
        if not np.isfinite(self._start_size):
            raise ConvergenceError(
                f"{self.unknowns.name}: the function (or its derivative) is not finite at x0: try another x0"
            )
        return tol * max(1.0, self._start_size)

    def residual(self, array: Any) -> float:
        """The largest left-hand side; inf where one is not a number."""
        return largest(self.value(array))


class Objective:
    """A function whose least value is wanted; its gradient makes the equations of a ``Problem``."""

    def __init__(self, function: Callable[[Any], Any], name: str) -> None:
        self.function = function
        self.name = name

    def recording(self, x: Any) -> Recording:
        """The value with its graph."""
        recording = Recording(self._scalar, x)
        if not recording.depends:
            raise RuntimeError(
                f"{self.name}: the value of the function does not depend on x: no path of recorded operations leads to it"
            )
        return recording

    def _scalar(self, x: Any) -> Any:
        value = self.function(x)
        level = innermost([value])
        if level is not None:
            raise ReadsBatched(level)
        if not isinstance(value, TensorBase) or value.shp.numel() != 1:
            got = tuple(value.shp) if isinstance(value, TensorBase) else type(value)
            raise ValueError(f"{self.name}: the function must return a tensor with one element, got {got}")
        return value.reshape(())  # type: ignore[attr-defined]

    def gradient(self, x: Any) -> Any:
        """The gradient at a 1-d tensor, in the graph where that is being recorded."""
        recording = self.recording(x)
        return recording.pull(ones_like(detached(recording.output)), is_grad_enabled()).to(x.dt)

    def value(self, x: Any) -> float:
        """The value at a 1-d tensor."""
        return float(unrecorded(self._scalar, x).array)


def largest(values: Any) -> float:
    """The largest absolute value; inf if one is not finite."""
    found = float(np.max(np.abs(values), initial=0.0))
    return found if np.isfinite(found) else float("inf")


def each_sample(solve: Callable[..., Any], f: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """``solve(f, *arguments)``; where something is batched by a ``vmap``, one sample after the other.

    Samples may need different numbers of steps, so nothing is gained by solving for them together.
    """
    leaves, structure = flatten(arguments)
    level = innermost(leaves)
    if level is None:
        try:
            return solve(f, *arguments)
        except ReadsBatched as found:
            level = found.level
    if level.kind != "vmap":
        raise NotImplementedError(f"implicit differentiation inside func.{level.kind}: try nested jvp or grad")
    batch = Batch(level)

    def one(i: int) -> Any:
        sample = unflatten([batch.sample(leaf, i) for leaf in leaves], structure)
        return each_sample(solve, lambda *args: tree_map(lambda t: batch.sample(t, i), f(*args)), sample)

    results = [flatten(one(i)) for i in range(batch.size)]
    columns = zip(*(found for found, _ in results), strict=True)
    return unflatten([batch.wrap(operator("stack")(list(c))) for c in columns], results[0][1])
