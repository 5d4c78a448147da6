"""Physical tensors below batched ones: what a graph holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._gen import functions
from ._batched import Batch, BatchedTensor
from ._levels import Level


def spread(x: Any, levels: list[Level]) -> Any:
    """The physical tensor of ``x`` with one leading dimension per level, outermost first; expanded where it has none."""
    for level in reversed(levels):
        x = Batch(level).full(x)
    if isinstance(x, BatchedTensor):
        raise RuntimeError(
            f"a tensor of a vmap that has ended (or began later) was used: {x!r}\n"
            "  try: return it from the function that is vmapped"
        )
    return x


def gathered(physical: Any, levels: list[Level]) -> Any:
    """The inverse of ``spread``."""
    for level in levels:
        physical = BatchedTensor(physical, 0, level)
    return physical


def peeled(t: Any) -> tuple[Any, list[Level]]:
    """The physical tensor in the form that ``gathered`` takes, with the levels that ``t`` is batched at."""
    levels: list[Level] = []
    while isinstance(t, BatchedTensor):
        levels.append(t.level)
        t = t.front()
    return t, levels[::-1]


def ones_like(t: Any) -> Any:
    """Ones in the form of ``t``, batched where it is."""
    physical, levels = peeled(t)
    return gathered(functions.ones_like(physical.detach()), levels)


def foreign_level(tensors: list[Any], known: list[Level]) -> Level | None:
    """The innermost level that some tensor is batched at and that is not among ``known``."""
    found: Level | None = None
    for t in tensors:
        for level in peeled(t)[1]:
            if level not in known and (found is None or level.number > found.number):
                found = level
    return found


def looped(function: Callable[..., list[Any]], arguments: list[Any], level: Level) -> list[Any]:
    """``function`` of each sample of a level in turn; the results are batched there again."""
    from ._dispatch import operator

    batch = Batch(level)
    rows = [function(*(batch.sample(a, i) for a in arguments)) for i in range(batch.size)]
    return [batch.wrap(operator("stack")(list(column))) for column in zip(*rows, strict=True)]


def zeros_like(t: Any) -> Any:
    """Zeros in the form of ``t``, batched where it is."""
    physical, levels = peeled(t)
    return gathered(functions.zeros_like(physical.detach()), levels)
