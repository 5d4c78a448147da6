"""The transforms that are running: a stack per thread, one level for each ``grad``, ``jvp`` or ``vmap``."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from .._core.graph import Node
from .._core.task import Task, collect
from .._core.tensor_base import TensorBase, gradient_edge, requires_grad


class Level:
    """One running transform.

    Attributes:
        kind: ``"grad"``, ``"jvp"``, ``"vmap"``, ``"jet"`` or ``"laplacian"``.
        number: its place in the stack, counted from 1; PyTorch prints it as ``lvl``.
        inputs: what a ``grad`` level differentiates with respect to.
        batch_size, randomness: of a ``vmap`` level; of a ``jet`` level the number of coefficients.
        batch: what takes arguments of this level apart, see ``batch_of``.
    """

    def __init__(self, kind: str, number: int) -> None:
        self.kind = kind
        self.number = number
        self.inputs: list[Any] = []
        self.batch_size = 0
        self.randomness = "error"
        self.batch: Any = None


class _Stack(threading.local):
    def __init__(self) -> None:
        self.levels: list[Level] = []


STACK: Final = _Stack()
SERIES: Final = ("jet", "laplacian")
"""The kinds of levels whose tensors hold derivatives beside values."""
_GUARDED: Final[list[bool]] = []


def current() -> Level | None:
    """The innermost transform of this thread."""
    levels = STACK.levels
    return levels[-1] if levels else None


def vmap_levels() -> list[Level]:
    """The running ``vmap`` levels of this thread, outermost first."""
    return [level for level in STACK.levels if level.kind == "vmap"]


def wrapping_levels() -> list[Level]:
    """The running levels whose tensors are wrapped, ``vmap`` and ``SERIES``, outermost first."""
    return [level for level in STACK.levels if level.kind in ("vmap", *SERIES)]


class entered:  # a function with ``contextmanager`` takes 2 us more, twice in each gradient of samples
    """Run a block as one more level."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.levels = STACK.levels

    def __enter__(self) -> Level:
        if not _GUARDED:
            from . import _guards

            _guards.install()
            _GUARDED.append(True)
        level = Level(self.kind, len(self.levels) + 1)
        self.levels.append(level)
        return level

    def __exit__(self, *exc: object) -> None:
        self.levels.pop()


@contextmanager
def outside(level: Level) -> Iterator[None]:
    """Run a block as if this level, and those inside of it, had not begun: for transforms of what it wraps."""
    levels = STACK.levels
    STACK.levels = levels[: levels.index(level)]
    try:
        yield
    finally:
        STACK.levels = levels


def leads_elsewhere(t: TensorBase, own: list[Any]) -> bool:
    """Whether the graph of ``t`` reaches a leaf that is not among ``own``."""
    root = gradient_edge(t) if requires_grad(t) else None
    if root is None:
        return False
    task = Task(True, False)
    collect(task, [(root, 0, t)])
    return not {id(leaf) for leaf in own}.issuperset(task.leaves)


def depends_on(t: TensorBase, inputs: list[Any]) -> bool:
    """Whether the graph of ``t`` reaches one of ``inputs``, leaves or computed."""
    wanted = {id(gradient_edge(i)) for i in inputs}
    queue: list[object] = [gradient_edge(t) if requires_grad(t) else None]
    seen: set[int] = set()
    while queue:
        target = queue.pop()
        if target is None or id(target) in seen:
            continue
        if id(target) in wanted:
            return True
        seen.add(id(target))
        if isinstance(target, Node):
            queue.extend(below for below, _ in target.edges())
    return False
