"""One backward pass for many cotangents: ``jacrev``, ``is_grads_batched``, ``vmap`` over a pullback from outside.

Note [Rows in front]
    A batch of cotangents is a tensor with one dimension more, in front: a row for each. The graph is walked as the engine
    walks it, and the formula of every node is applied to all rows at once (``_formulas``): formulas are written over
    tensors, so most of them need no second version. Where somebody watches the pass (hooks, anomaly mode, a profile) the
    engine itself runs, one row after the other, and everyone sees what they would see then.
"""

from __future__ import annotations

from typing import Any

from .._core import accumulate, engine
from .._core import backward as _backward
from .._core.graph import Node, target_of
from .._core.modes import MODES, switch_grad, thread_modes
from .._core.quiet import restore, silence
from .._core.task import Task, sequence_of
from .._core.tensor_base import TensorBase, gradient_edge, requires_grad
from .._gen import functions
from . import _formulas, _scattered

Place = tuple[object, int]


def gradients(
    outputs: list[Any], inputs: list[Any], seeds: list[Any], keep: bool, create_graph: bool, foreseen: bool = False
) -> list[Any]:
    """Gradients for a batch of cotangents.

    Args:
        outputs: tensors (or edges) with a graph.
        inputs: what to differentiate with respect to: leaves, computed tensors or edges.
        seeds: for each output the cotangents, of shape ``(rows, *output.shape)``; of a single one they may be ``Scattered``.
        keep: whether the graph will be used again.
        create_graph: record the pass.
        foreseen: take the engine, one row after the other, where a node has no formula for many rows.

    Returns:
        For each input a tensor of shape ``(rows, *input.shape)``, or None where nothing depends on it.
    """
    roots = [_root(out) for out in outputs]
    places = [_place(t) for t in inputs]
    if create_graph:
        seeds = [_scattered.dense(s) for s in seeds]
    rows = seeds[0].count if isinstance(seeds[0], _scattered.Scattered) else seeds[0].shp[0]
    if any(target is None for target, _ in roots):
        return row_by_row(outputs, inputs, seeds, keep, create_graph)  # its error
    walk = Walk(roots, places)
    if watched(walk, inputs) or (foreseen and not (rows > 1 and all(map(_formulas.foreseen, walk.order)))):
        return row_by_row(outputs, inputs, seeds, keep, create_graph)
    casted = [_in_dtype_of(out, seed) for out, seed in zip(outputs, seeds, strict=True)]
    task = Task(keep, create_graph)
    task.order = list(walk.order)
    task.needed = set(walk.needed.values())
    thread = thread_modes()
    task.outer = thread.task
    thread.task = task
    previous = switch_grad(thread, create_graph)
    token = silence()
    try:
        if not create_graph and len(casted) == 1:
            casted = [_scattered.scattered(casted[0])]
        found = Pass(walk, places, rows, task).run(roots, casted)
        engine.run_callbacks(task)
    finally:
        restore(token)
        switch_grad(thread, previous)
        thread.task = task.outer
    return found


def _root(out: Any) -> Place:
    if not isinstance(out, TensorBase):
        return target_of(out.node), out.output_nr
    return gradient_edge(out) if requires_grad(out) else None, int(out.nr)


def _place(t: Any) -> Place:
    if isinstance(t, TensorBase) and not requires_grad(t):
        raise RuntimeError("One of the differentiated Tensors does not require grad")
    return _root(t)


def _in_dtype_of(out: Any, seed: Any) -> Any:
    if not isinstance(out, TensorBase) or isinstance(seed, _scattered.Scattered) or seed.dt is out.dt:
        return seed
    return accumulate.cast(seed, out.dt)


class Walk:
    """The nodes between roots and places.

    Attributes:
        order: all nodes that the roots reach, in running order.
        needed: by identity, those nodes and leaves of them that lie on a path to a place.
    """

    def __init__(self, roots: list[Place], places: list[Place]) -> None:
        seen: dict[int, object] = {}
        stack = [target for target, _ in roots if target is not None]
        self.order: list[Node] = []
        self.edges: dict[int, list[Place]] = {}
        while stack:
            target = stack.pop()
            if id(target) in seen:
                continue
            seen[id(target)] = target
            if isinstance(target, Node):
                self.order.append(target)
                edges = target.edges()
                self.edges[id(target)] = edges
                stack.extend(child for child, _ in edges if child is not None and id(child) not in seen)
        self.order.sort(key=sequence_of, reverse=True)
        wanted = {id(target) for target, _ in places}
        self.needed: dict[int, object] = {k: t for k, t in seen.items() if k in wanted and not isinstance(t, Node)}
        for node in reversed(self.order):
            if any(id(child) in self.needed or id(child) in wanted for child, _ in self.edges[id(node)]):
                self.needed[id(node)] = node


def watched(walk: Walk, inputs: list[Any]) -> bool:
    """Whether somebody looks at the gradients of single nodes."""
    if MODES.anomaly or MODES.watcher is not None:
        return True
    for node in walk.order:
        extras = node.extras
        if extras is not None and (extras.tensor_hooks or extras.retained or extras.pre_hooks or extras.post_hooks):
            return True
    return any(isinstance(t, TensorBase) and t.fn is None and t.meta is not None and t.meta.hooks for t in inputs)


class Pass:
    """One pass: what has arrived where, always with the rows in front."""

    def __init__(self, walk: Walk, places: list[Place], rows: int, task: Task) -> None:
        self.walk = walk
        self.rows = rows
        self.task = task
        self.found: list[Any] = [None] * len(places)
        self.wanted: dict[int, list[tuple[int, int]]] = {}
        for index, (target, nr) in enumerate(places):
            self.wanted.setdefault(id(target), []).append((nr, index))
        self.arrived: dict[int, list[Any]] = {}

    def run(self, roots: list[Place], seeds: list[Any]) -> list[Any]:
        """Send the seeds down the graph."""
        for (target, nr), seed in zip(roots, seeds, strict=True):
            self.deliver(target, nr, seed)
        order = self.task.order
        order.reverse()
        while order:
            node = order.pop()
            grads = self.arrived.pop(id(node), None)
            if grads is None:
                continue
            for nr, index in self.wanted.get(id(node), ()):
                self.found[index] = _scattered.dense(grads[nr])
            if id(node) not in self.walk.needed:
                continue
            self.task.running = node
            results = _scattered.apply(node, grads[0]) if isinstance(grads[0], _scattered.Scattered) else None
            if results is None:
                results = _formulas.apply(node, [_scattered.dense(g) for g in grads], self.rows)
            for (child, nr), result in zip(self.walk.edges[id(node)], results, strict=False):
                if result is not None:
                    self.deliver(child, nr, result)
            if not self.task.keep_graph:
                node.release()
        self.task.running = None
        return [_scattered.dense(g) for g in self.found]

    def deliver(self, target: object, nr: int, grad: Any) -> None:
        """Add a gradient to what waits at the end of an edge."""
        if isinstance(target, Node):
            slots = self.arrived.get(id(target))
            if slots is None:
                slots = self.arrived[id(target)] = [None] * target.output_count()
            slots[nr] = grad if slots[nr] is None else self.sum(slots[nr], grad)
            return
        for _, index in self.wanted.get(id(target), ()):
            before = self.found[index]
            self.found[index] = grad if before is None else self.sum(before, grad)

    def sum(self, a: Any, b: Any) -> Any:
        """The sum of two gradients."""
        if isinstance(a, _scattered.Scattered) and isinstance(b, _scattered.Scattered):
            total = _scattered.plus(a, b)
            if total is not None:
                return total
        return accumulate.add(_scattered.dense(a), _scattered.dense(b))


def row_by_row(outputs: list[Any], inputs: list[Any], seeds: list[Any], keep: bool, create_graph: bool) -> list[Any]:
    """One ordinary backward pass for each cotangent, the last of which may free the graph."""
    seeds = [_scattered.dense(s) for s in seeds]
    count = seeds[0].shp[0]
    if count == 0:  # shapes are those of any row
        seeds = [functions.zeros((1, *s.shp[1:]), dtype=s.dt) for s in seeds]
    rows = []
    for k in range(max(count, 1)):
        last = k >= count - 1
        row = [s[k] for s in seeds]
        rows.append(_backward.grad(outputs, inputs, row, keep if last else True, create_graph, True))
    columns = [list(column) for column in zip(*rows, strict=True)]
    return [None if c[0] is None else functions.stack(c)[:count] for c in columns]
