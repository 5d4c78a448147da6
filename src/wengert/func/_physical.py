"""Physical tensors below batched ones: what a graph holds."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .._core.views import AsStridedBackward0
from .._gen import functions
from ._batched import BatchedTensor, batch_of
from ._levels import SERIES, Level


def spread(x: Any, levels: list[Level]) -> Any:
    """The physical tensor of ``x`` with one leading dimension per level, outermost first; expanded where it has none."""
    for level in reversed(levels):
        x = batch_of(level).full(x)
    if isinstance(x, BatchedTensor):
        raise RuntimeError(
            f"a tensor of a {x.level.kind} that has ended (or began later) was used: {x!r}\n"
            "  try: return it from the function that is transformed"
        )
    return x


def gathered(physical: Any, levels: list[Level]) -> Any:
    """The inverse of ``spread``."""
    for level in levels:
        physical = batch_of(level).wrap(physical)
    return physical


def peeled(t: Any) -> tuple[Any, list[Level]]:
    """The physical tensor in the form that ``gathered`` takes, with the levels that ``t`` is batched at."""
    levels: list[Level] = []
    while isinstance(t, BatchedTensor):
        levels.append(t.level)
        t = t.front()
    return t, levels[::-1]


def ones_like(t: Any) -> Any:
    """Ones in the form of ``t``, batched where it is; constant ones where it has a Taylor series."""
    physical, levels = peeled(t)
    ones = functions.ones_like(physical.detach())
    for i, level in enumerate(levels):
        if level.kind in SERIES:
            ones.narrow(i, 1, ones.shp[i] - 1).zero_()
    return gathered(ones, levels)


def foreign_levels(tensors: list[Any], known: list[Level]) -> list[Level]:
    """The levels that some tensor is batched at and that are not among ``known``, outermost first."""
    found: list[Level] = []
    for t in tensors:
        found.extend(level for level in peeled(t)[1] if level not in known and level not in found)
    return sorted(found, key=lambda level: level.number)


class Rows:
    """Physical tensors with the batches of foreign levels as rows in front.

    Attributes:
        known: levels whose dimensions the physical tensors have anyway.
        foreign: the levels that make the rows.
        count: number of rows.
    """

    def __init__(self, known: list[Level], foreign: list[Level]) -> None:
        self.known = known
        self.foreign = foreign
        self.sizes = [level.batch_size for level in foreign]
        self.count = prod(self.sizes)

    def front(self, t: Any) -> Any:
        """The physical tensor of ``t``, of shape (rows, batches of the known levels, sample)."""
        physical = spread(t, self.known + self.foreign)
        first = len(self.known)
        for k in range(len(self.foreign)):
            physical = physical.movedim(first + k, k)
        return physical.reshape((self.count, *physical.shp[len(self.foreign) :]))

    def back(self, physical: Any) -> Any:
        """The inverse of ``front``."""
        last = len(self.known) + len(self.foreign) - 1
        physical = physical.reshape((*self.sizes, *physical.shp[1:]))
        for _ in self.foreign:
            physical = physical.movedim(0, last)
        return gathered(physical, self.known + self.foreign)


def zeros_like(t: Any) -> Any:
    """Zeros in the form of ``t``, batched where it is."""
    physical, levels = peeled(t)
    return gathered(functions.zeros_like(physical.detach()), levels)


def transposed(physical: Any, levels: list[Level], lead: int = 0) -> Any:
    """What a backward pass takes for a cotangent, and gives for a gradient, at levels with series, after ``lead`` dimensions.

    A function of Taylor coefficients has a Jacobian with blocks ``J[k - j]`` in row ``k`` and column ``j``. Its transpose is
    the same operator between reversed sequences of coefficients. Of collapsed second derivatives, whose product pairs the
    first row with the last and each other row with itself, these two change places.
    """
    for i, level in enumerate(levels):
        if level.kind == "jet":
            physical = physical.flip(i + lead)
        elif level.kind == "laplacian":
            n = level.batch_size
            physical = physical.index_select(i + lead, functions.tensor([n - 1, *range(1, n - 1), 0]))
    return physical


def places_in_base(node: AsStridedBackward0) -> Any:
    """For each element of a strided view which element of its base lies there (an int array, -1 for none of them).

    Returns:
        None when several elements of the base lie in one place.
    """
    total = node.total()
    own = node.base_view(np.arange(total)).reshape(-1)
    inverse = np.full(total, -1, np.int64)
    inverse[own] = np.arange(len(own))
    return inverse[node.region(np.arange(total)).reshape(-1)] if (inverse >= 0).sum() == len(own) else None
