"""One call of a function as a graph of its own: products with its Jacobian, and gradients of all it read from outside.

Note [Edges that leave a call]
    A function that is differentiated implicitly may read tensors that it was not given: parameters of a module, arguments
    of an enclosing function. Their gradients are found without knowing them. Nodes made during the call have sequence
    numbers above that of its beginning; an edge from such a node to an older one, or to a leaf, leaves the call. In its
    place goes a bridge, a node that passes gradients on unchanged, and gradients are asked for at the bridges. So a
    gradient stops where the call began, and what lies between two tensors outside is not counted twice.

    A leaf may also have been made by the function itself, as ``grad`` and ``jvp`` inside of it do. Leaves have no sequence
    number; but a second call makes others, and so they are told from those outside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from .._core import engine
from .._core.backward import GradientEdge
from .._core.graph import Identity, Node
from .._core.modes import MODES
from .._core.tensor_base import detached, gradient_edge, requires_grad
from .._gen.functions import zeros_like
from .._record.common import make
from ..autograd.grad_mode import enable_grad
from ._batched_backward import gradients

Place = tuple[Any, int]
CHUNK: Final = 256


class Recording:
    """A function of one tensor, called once and recorded.

    Attributes:
        function, argument: what was called with what.
        output: its value, with its graph.
    """

    def __init__(self, function: Callable[[Any], Any], x: Any) -> None:
        self.function = function
        self.argument = x
        with enable_grad():
            if not requires_grad(x):
                x = _beginning(x)
            own = x.clone()  # a place of its own in the graph, which the function may even write to
            argument = own.fn
            MODES.sequence = MODES.sequence + 1
            start = int(MODES.sequence)
            self.output = function(own).clone()
        self._bridges = self._cut(start)
        self._own = self._bridges.pop((id(argument), 0), None)
        self._product: Any = None
        self._cotangent: Any = None

    def _cut(self, start: int) -> dict[tuple[int, int], Identity]:
        """Put bridges into the edges that leave the call, see Note [Edges that leave a call]."""
        bridges: dict[tuple[int, int], Identity] = {}
        queue: list[Any] = [gradient_edge(self.output)] if requires_grad(self.output) else []
        seen = {id(node) for node in queue}
        while queue:
            node = queue.pop()
            edges = []
            for target, nr in node.edges():
                inside = isinstance(target, Node) and target.sequence > start
                if target is not None and not inside and not hasattr(target, "begins_recording"):
                    target, nr = _bridge(bridges, (target, nr), start), 0
                elif inside and id(target) not in seen:
                    seen.add(id(target))
                    queue.append(target)
                edges.append((target, nr))
            node.set_edges(edges)
        return bridges

    @property
    def depends(self) -> bool:
        """Whether the value depends on the argument."""
        return self._own is not None

    def pull(self, seed: Any, create_graph: bool = False) -> Any:
        """The gradient with respect to the argument; None where nothing depends on it."""
        return None if self._own is None else self._run(seed, [(self._own, 0)], create_graph)[0]

    def outside(self, known: list[Place]) -> list[Place]:
        """Where the call leaves for tensors outside, its argument excepted, see Note [Edges that leave a call].

        Args:
            known: places that are known to be outside.
        """
        confirmed = set(map(key, known))
        places = [bridge.edges()[0] for bridge in self._bridges.values()]
        if any(not isinstance(target, Node) and key((target, nr)) not in confirmed for target, nr in places):
            confirmed.update(Recording(self.function, self.argument)._bridges)
            places = [place for place in places if isinstance(place[0], Node) or key(place) in confirmed]
        return places

    def pull_outside(self, seed: Any, places: list[Place], create_graph: bool = False) -> list[Any]:
        """Gradients at ``places``, which are ``outside`` of this call or another one of the same function.

        Raises:
            RuntimeError: when this call left at other places.
        """
        wanted = list(map(key, places))
        nodes = {k for k, bridge in self._bridges.items() if isinstance(bridge.edges()[0][0], Node)}
        if not nodes <= set(wanted) <= set(self._bridges):
            raise RuntimeError(
                "a function that is differentiated implicitly read other tensors when it was called again\n"
                "  it must do the same in every call: compute what it reads before"
            )
        return self._run(seed, [(self._bridges[k], 0) for k in wanted], create_graph) if wanted else []

    def pull_both(self, seed: Any, places: list[Place], create_graph: bool = False) -> tuple[Any, list[Any]]:
        """``pull`` and ``pull_outside`` in one pass; None for places where this call did not leave.

        Raises:
            RuntimeError: when this call left at a place that is not among ``places``.
        """
        if not set(map(key, self.outside(places))) <= set(map(key, places)):
            raise RuntimeError(
                "a function that is integrated with gradient='adjoint' read a tensor that requires grad, but not at the times "
                "asked for\n  try: read it in every call, or gradient='direct'"
            )
        bridges = [self._bridges.get(key(place)) for place in places]
        present = [b for b in (self._own, *bridges) if b is not None]
        found = iter(self._run(seed, [(b, 0) for b in present], create_graph) if present else [])
        own, *outside = [None if b is None else next(found) for b in (self._own, *bridges)]
        return own, outside

    def push(self, v: Any, create_graph: bool = False) -> Any:
        """The Jacobian times ``v``: the derivative of the transposed product, which is linear in its cotangent."""
        product = self._linear()
        if product is None:
            return None
        root = (gradient_edge(product), int(product.nr), v)
        return engine.run([root], True, create_graph, [(self._cotangent, 0)], False)[0]

    def _linear(self) -> Any:
        """The transposed product, recorded as a function of its cotangent; None where it is zero."""
        if self._product is None:
            self._cotangent = _beginning(zeros_like(detached(self.output)))
            self._product = self.pull(self._cotangent, True)
        return self._product if self._product is not None and requires_grad(self._product) else None

    def pull_rows(self, seeds: Any) -> Any:
        """``pull`` for each row of ``seeds``."""
        return None if self._own is None else _rows(self.output, GradientEdge(self._own, 0), seeds)

    def push_rows(self, vectors: Any) -> Any:
        """``push`` for each row of ``vectors``."""
        product = self._linear()
        return None if product is None else _rows(product, self._cotangent, vectors)

    def _run(self, seed: Any, places: list[Any], create_graph: bool) -> list[Any]:
        root = gradient_edge(self.output)
        return engine.run([(root, int(self.output.nr), seed)], True, create_graph, places, False)


def _beginning(x: Any) -> Any:
    """The constant as a leaf that requires grad, marked: calls around this one must not take it for one of theirs."""
    leaf: Any = detached(x)
    leaf.rg = True
    leaf.begins_recording = True
    return leaf


def _rows(output: Any, place: Any, seeds: Any) -> Any:
    """Gradients at a place for each row of cotangents."""
    return gradients([output], [place], [seeds.reshape((-1, *output.shp))], True, False)[0]


def key(place: Place) -> tuple[int, int]:
    """A place by identity."""
    return id(place[0]), place[1]


def _bridge(bridges: dict[tuple[int, int], Identity], place: Place, start: int) -> Identity:
    """The bridge to an edge outside; its number keeps the order of Note [Sequence numbers are a topological order]."""
    if key(place) not in bridges:
        bridge = Identity()
        bridge.set_edges([place])
        bridge.sequence = start
        bridges[key(place)] = bridge
    return bridges[key(place)]


def jacobian(recording: Recording, columns: int) -> Any:
    """The matrix of derivatives as an array of float64: by rows in reverse mode, by columns where these are far fewer."""
    rows = int(recording.output.shp.numel())
    forward = 2 * columns < rows  # a product J v takes two backward passes
    unit = np.eye(columns if forward else rows, dtype=recording.output.dt.np)
    product = recording.push_rows if forward else recording.pull_rows
    found = [product(make(unit[i : i + CHUNK])) for i in range(0, len(unit), CHUNK)]
    if not found or found[0] is None:
        return np.zeros((rows, columns))
    matrix = np.concatenate([as_array(part) for part in found]).reshape(len(unit), -1)
    return matrix.T if forward else matrix


def as_array(t: Any) -> Any:
    """Values of a tensor as an array of float64 of its own."""
    return np.array(t.array, dtype=np.float64)
