"""Questions to the recorded graph: what leads to what, by which operators, on which lines of the program."""

from __future__ import annotations

import linecache
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from .._core import errors
from .._core.graph import AccumulateGradBase, Node
from .._core.saved import Saved
from .._core.tensor_base import TensorBase, gradient_edge, requires_grad
from ..kernels.elders import collected_objects

# Operators whose derivative is zero almost everywhere: a path through them is there, and carries nothing.
FLAT: Final = frozenset({"round", "floor", "ceil", "trunc", "sign", "sgn", "fix"})
_SPOKEN: Final = {"copyslices": "write into a view", "asstrided": "view", "identity": "view", "copybackwards": "copy"}


@dataclass(frozen=True)
class Site:
    """A place in the user's program.

    Attributes:
        file: path of the file.
        line: number of the line; 0 when unknown.
        text: the line itself, without indentation; empty when the source is not at hand.
    """

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        if not self.line:
            return "an unknown line"
        place = f"{self.file.replace(chr(92), '/').rpartition('/')[2]}:{self.line}"
        return f"{place}   {self.text}" if self.text else place


def site_of(code: Any, lasti: int) -> Site:
    """The place of an instruction."""
    if code is None:
        return Site("", 0, "")
    line = errors.line_number(code, lasti)
    return Site(code.co_filename, line, linecache.getline(code.co_filename, line).strip())


@dataclass(frozen=True)
class Step:
    """One operator on a path.

    Attributes:
        operator: its name, such as ``mul``.
        site: where the program called it.
        node: its node in the graph.
    """

    operator: str
    site: Site
    node: Node

    def __str__(self) -> str:
        return f"{self.operator} at {self.site}"


def step_of(node: Node) -> Step:
    """The operator behind a node."""
    return Step(operator_of(node), site_of(node.code, int(node.lasti)), node)


def operator_of(node: Node) -> str:
    """Name of an operator, as a user would say it."""
    name = errors.operator_name(node)
    return _SPOKEN.get(name, name)


def edge_of(t: TensorBase) -> tuple[object, int]:
    """Where the gradient of ``t`` arrives: the leaf itself or its node, with the number of the output."""
    return (gradient_edge(t) if requires_grad(t) else None), int(t.nr)


def nodes_from(root: object) -> Iterator[Node]:
    """All nodes that ``root`` (a node or a leaf) leads to, nearest first."""
    queue: deque[Any] = deque([root])
    seen: set[Node] = set()
    while queue:
        node = queue.popleft()
        if not isinstance(node, Node) or isinstance(node, AccumulateGradBase) or node in seen:
            continue
        seen.add(node)
        yield node
        queue.extend(target for target, _ in node.edges())


def leaves_from(root: object) -> list[Any]:
    """The leaves that ``root`` depends on, in the order in which they were met."""
    if isinstance(root, TensorBase):
        return [root]
    found: dict[int, Any] = {}
    for node in nodes_from(root):
        for target, _ in node.edges():
            if isinstance(target, TensorBase):
                found.setdefault(id(target), target)
    return list(found.values())


def path(source: tuple[object, int], root: object) -> list[Node] | None:
    """The shortest chain of nodes from ``source`` (see ``edge_of``) to ``root``; None when there is none."""
    target, nr = source
    if target is None:
        return None
    if target is root:
        return []
    towards: dict[Node, Node | None] = {}
    queue: deque[Node] = deque()
    if isinstance(root, Node):
        towards[root] = None
        queue.append(root)
    while queue:
        node = queue.popleft()
        for child, child_nr in node.edges():
            if child is target and child_nr == nr:
                return _chain(node, towards)
            if isinstance(child, Node) and child not in towards:
                towards[child] = node
                queue.append(child)
    return None


def _chain(node: Node | None, towards: dict[Node, Node | None]) -> list[Node]:
    found = []
    while node is not None:
        found.append(node)
        node = towards[node]
    return found


def depends(t: TensorBase, x: TensorBase) -> bool:
    """Whether ``t`` is ``x`` or was computed from it by recorded operations."""
    return t is x or (requires_grad(t) and path(edge_of(x), edge_of(t)[0]) is not None)


def constants_in(root: object) -> Iterator[tuple[Node, Any]]:
    """Tensors without gradient that nodes behind ``root`` have saved, each with the node."""
    for node in nodes_from(root):
        if node.released:
            continue
        plain = node.plain_names()
        for name in node.saved_names():
            if name not in plain:
                slot = node.saved_slot(name)
                t = slot.original if isinstance(slot, Saved) else slot
                if isinstance(t, TensorBase) and not requires_grad(t):
                    yield node, t


def _memory_root(array: Any) -> int:
    """Identity of the object that owns the memory of an array."""
    while getattr(array, "base", None) is not None:
        array = array.base
    return id(array)


def twins(t: TensorBase) -> list[Any]:
    """Live tensors that require grad and share the memory of ``t``: what it was detached from."""
    wanted = _memory_root(t.array)
    return [
        other
        for other in live_tensors()
        if other is not t
        and requires_grad(other)
        and _memory_root(other.array) == wanted
        and np.may_share_memory(other.array, t.array)
    ]


def live_tensors() -> Iterator[Any]:
    """All tensors of the process."""
    for thing in collected_objects():
        if issubclass(type(thing), TensorBase):  # isinstance would ask proxies for what they stand for
            yield thing
