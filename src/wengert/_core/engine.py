"""The backward pass.

One call of ``run`` is a task: collect the nodes that can be reached from the roots, run them by falling sequence number (see
Note [Sequence numbers are a topological order]), add up what flows into each, and deliver at the leaves. No recursion: a
chain of a million nodes is as good as any.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .accumulate import (
    ACCUMULATION,
    OWN,
    accumulate_grad,
    accumulate_into,
    add,
    add_to,
    base_owners,
    may_overwrite,
    root_array_owners,
    root_owners,
)
from .compat import i64
from .graph import AccumulateGradBase, Node
from .hooks import retained_gradient, run_post_hooks, run_pre_hooks, run_tensor_hooks
from .modes import MODES, switch_grad, thread_modes
from .quiet import restore, silence
from .task import WRITER, Task, collect, mark_needed, place_of
from .tensor_base import TensorBase
from .unwritten import write_down


def running_node() -> Node | None:
    """The node whose backward formula runs now on this thread, or None."""
    task: Task | None = thread_modes().task
    return None if task is None else task.running


def queue_callback(fn: Any) -> None:
    """Call ``fn()`` at the end of the backward pass that is running."""
    task: Task | None = thread_modes().task
    if task is None:
        raise RuntimeError("Final callbacks can only be installed during backward pass.")
    task.callbacks.append(fn)


def run(
    roots: list[tuple[object, int, TensorBase]],
    keep_graph: bool,
    create_graph: bool,
    inputs: list[tuple[object, int]] | None,
    accumulate: bool,
) -> list[TensorBase | None]:
    """Propagate the gradients given at ``roots``.

    Args:
        roots: node (or leaf), output number and gradient of each output that is differentiated.
        keep_graph: leave saved values in place.
        create_graph: record the backward pass itself.
        inputs: when given, only what leads to these places is run, and their gradients are returned.
        accumulate: with ``inputs``: also add into ``.grad`` of those that are leaves.

    Returns:
        One gradient (or None) per entry of ``inputs``; an empty list without inputs.
    """
    task = Task(keep_graph, create_graph)
    thread = thread_modes()
    writes: bool = WRITER.acquire(False)
    if writes:
        task.places = None
    token = silence()
    task.outer = thread.task
    previous = switch_grad(thread, create_graph)
    try:
        collect(task, roots)
        if inputs is not None:
            task.accumulate = accumulate
            mark_needed(task, inputs)
        thread.task = task
        for target, nr, grad in roots:
            deliver(task, target, nr, grad)
        execute(task)
        run_callbacks(task)
    finally:
        if writes:
            WRITER.release()
        restore(token)
        switch_grad(thread, previous)
        thread.task = task.outer
    return task.captured


def run_callbacks(task: Task) -> None:
    """What was to be called after the pass; of a pass inside another, after that one."""
    if task.outer is not None:
        task.outer.callbacks.extend(task.callbacks)
        return
    for callback in task.callbacks:
        callback()


def put(task: Task, node: Node, nr: i64, grad: TensorBase) -> None:
    """Add a gradient to what already waits at an output of ``node``."""
    grads = task.grads
    place = place_of(task, node)
    if not node.many:
        previous = grads[place]
        grads[place] = grad if previous is None else add(previous, grad)
        return
    slots: list[TensorBase | None] | None = grads[place]
    if slots is None:
        slots = [None] * node.output_count()
        grads[place] = slots
    before = slots[nr]
    slots[nr] = grad if before is None else add(before, grad)


def execute(task: Task) -> None:
    """Run the collected nodes."""
    grads = task.grads
    needed = task.needed
    watch = MODES.anomaly or MODES.watcher is not None
    order = task.order
    while order:
        node = order.pop()  # dropped at once, so that memory falls while the pass goes on
        grad: Any = grads.pop()
        task.running = node
        if needed is not None or node.extras is not None or watch:
            run_carefully(task, node, grad, watch)
            continue
        if node.many:
            results = node.vjp_many(grad if grad is not None else [None] * node.output_count())
            deliver_many(task, node, results)
        elif grad is None:
            pass_nothing(task, node)
        else:
            first, second = node.vjp(grad)
            grad = None  # what is passed on may be a view of it: Note [Stealing gradients]
            child = node.next0
            if child is not None:
                if first is not None and isinstance(child, Node) and not child.many:
                    place = place_of(task, child)
                    previous = grads[place]
                    grads[place] = first if previous is None else add(previous, first)
                else:
                    deliver(task, child, node.nr0, first)
            child = node.next1
            if child is not None:
                if second is not None and isinstance(child, Node) and not child.many:
                    place = place_of(task, child)
                    previous = grads[place]
                    grads[place] = second if previous is None else add(previous, second)
                else:
                    deliver(task, child, node.nr1, second)
            first = second = None  # they would count as owners: Note [Lent gradients]
        if not task.keep_graph:
            node.release()
    task.running = None


def deliver(task: Task, target: object, nr: i64, grad: TensorBase | None) -> None:
    """Send the gradient of an input along its edge."""
    if target is None:
        return
    if isinstance(target, Node):
        if grad is not None:
            put(task, target, nr, grad)
        return
    assert isinstance(target, TensorBase)
    state = task.leaves[id(target)]
    state.left = state.left - 1
    previous = state.grad
    if grad is None:
        grad = previous
    elif previous is not None:
        grad = add_to(previous, grad) if state.summed else add(previous, grad)
        state.summed = True
    previous = None  # it would count as an owner: Note [Stealing gradients]
    if state.left > 0:
        state.grad = grad
    else:
        state.grad = None
        arrive(task, target, grad)


def deliver_many(task: Task, node: Node, results: list[TensorBase | None]) -> None:
    """Send the gradients of all inputs along their edges."""
    deliver(task, node.next0, node.nr0, taken(results, 0))
    deliver(task, node.next1, node.nr1, taken(results, 1))
    rest = node.rest
    if rest is not None:
        for i, (child, nr) in enumerate(rest):
            deliver(task, child, nr, taken(results, i + 2))


def taken(results: list[TensorBase | None], i: i64) -> TensorBase | None:
    """An entry, or None behind the end; the list lets go of it, so that a leaf may take it over: Note [Stealing gradients]."""
    if i >= len(results):
        return None
    grad = results[i]
    results[i] = None
    return grad


def needs(node: Node, index: i64) -> bool:
    """Whether the pass that runs ``node`` leads on to its input ``index``: ``grad`` follows only the paths to its inputs."""
    task: Task | None = thread_modes().task
    if task is None or task.needed is None or task.captures is None or task.running is not node:
        return True
    child = node.next0 if index == 0 else node.next1
    if index > 1:
        rest = node.rest
        if rest is None:
            return True
        child = rest[index - 2][0]
    return child in task.needed or child in task.captures


# Note [Collected parts]
#     The gradient of ``x[0]`` is an array of zeros with one part; a loop over ``x[t]`` would make and add as many arrays as
#     there are steps. The first part that arrives leaves its array of zeros at the tensor, and those after it are written
#     into that, as long as nothing else was added there: then the engine alone holds what waits. Weak references to
#     these arrays tell which they are. A part whose node has hooks, which see its gradient, is embedded by itself.


def waiting(task: Task, child: object, nr: i64) -> TensorBase | None:
    """What has been added up at an output of ``child``."""
    if isinstance(child, Node):
        if task.places is not None and child not in task.places:
            return None  # the pass keeps elsewhere what waits: func/_batched_backward.py
        slots: Any = task.grads[place_of(task, child)]
        found: TensorBase | None = slots[nr] if child.many and slots is not None else slots
        return found
    state = task.leaves.get(id(child))
    return None if state is None else state.grad


def collected(node: Node) -> TensorBase | None:
    """The sum that waits where the gradient of the running ``node`` goes, if ``collect_in`` made it; it may be written to."""
    task: Task | None = thread_modes().task
    if task is None or task.collected is None or task.running is not node or node.extras is not None:
        return None
    reference = task.collected.get((id(node.next0), int(node.nr0)))
    found: TensorBase | None = None if reference is None else reference()
    return found if found is not None and found is waiting(task, node.next0, node.nr0) else None


def collect_in(node: Node, grad: TensorBase) -> None:
    """Note that ``grad``, which the running ``node`` returns, is an array of its own, to which other parts may be added."""
    task: Task | None = thread_modes().task
    if task is not None and task.running is node and node.extras is None:
        if task.collected is None:
            task.collected = {}
        task.collected[id(node.next0), int(node.nr0)] = weakref_ref(grad)


def run_carefully(task: Task, node: Node, grad: Any, watch: bool) -> None:
    """Run a node that has hooks, may be captured, may not be needed, or is watched for NaN or by a profile."""
    grads: list[TensorBase | None] = grad if isinstance(grad, list) else [grad]
    if node.many and grad is None:
        grads = [None] * node.output_count()
    write_down(grads)
    extras = node.extras
    needed = task.needed
    captures = task.captures
    captured = captures is not None and node in captures
    if needed is not None and node not in needed and not captured:
        pass_nothing(task, node)
        return
    if extras is not None:
        for nr, hooks in list(extras.tensor_hooks.items()):
            grads[nr] = run_tensor_hooks(hooks, grads[nr])
        for nr, reference in list(extras.retained.items()):
            tensor: TensorBase | None = reference()
            value = grads[nr]
            if tensor is not None and value is not None:
                with ACCUMULATION:
                    retained_gradient(tensor, value)
    if captured:
        assert captures is not None
        for capture in captures[node]:
            task.captured[capture.index] = grads[capture.nr]
        assert needed is not None
        if node not in needed and not task.accumulate:
            pass_nothing(task, node)
            return
    outputs: tuple[Any, ...] = tuple(grads)
    if extras is not None and len(extras.pre_hooks) > 0:
        outputs = run_pre_hooks(extras.pre_hooks, outputs)
    results = run_formula(node, list(outputs), watch)
    if extras is not None and len(extras.post_hooks) > 0:
        padded = results + [None] * (int(node.arity) - len(results))
        results = list(run_post_hooks(extras.post_hooks, tuple(padded), outputs))
    deliver_many(task, node, results)
    if not task.keep_graph:
        node.release()


def run_formula(node: Node, grads: list[TensorBase | None], watch: bool) -> list[TensorBase | None]:
    """Apply a node's backward formula, timed while a profile runs; in anomaly mode look at what comes out."""
    if not watch:
        return node.vjp_many(grads)
    if not MODES.anomaly:
        return watched_formula(node, grads)
    try:
        results = watched_formula(node, grads)
        if MODES.check_nan:
            for i, result in enumerate(results):
                if result is not None and bool(np.isnan(result.array).any()):
                    raise RuntimeError(f"Function '{node.name()}' returned nan values in its {i}th output.")
    except Exception:
        anomaly.report(node)
        raise
    return results


def watched_formula(node: Node, grads: list[TensorBase | None]) -> list[TensorBase | None]:
    """Apply a node's backward formula through the profile that is running, if it still is."""
    watcher = MODES.watcher
    if watcher is None:
        return node.vjp_many(grads)
    results: list[TensorBase | None] = watcher.run(node, grads)
    return results


def pass_nothing(task: Task, node: Node) -> None:
    """Tell the leaves behind a node that is not run that nothing comes from it."""
    for child, nr in node.edges():
        if isinstance(child, TensorBase):
            deliver(task, child, nr, None)


def arrive(task: Task, leaf: TensorBase, grad: TensorBase | None) -> None:
    """A leaf's gradient is complete."""
    needed = task.needed
    if needed is not None and leaf not in needed:
        return
    meta = leaf.meta
    if needed is None and (meta is None or (meta.hooks is None and meta.post_hooks is None and meta.pinned is None)):
        if grad is not None:
            accumulate_grad(leaf, grad)
        return
    arrive_carefully(task, leaf, grad)


def arrive_carefully(task: Task, leaf: TensorBase, grad: TensorBase | None) -> None:
    """A leaf with hooks, or one whose gradient the caller asked for."""
    meta = leaf.ensure_meta()
    if meta.hooks is not None and leaf.fn is None:
        grad = run_tensor_hooks(meta.hooks, grad)
    if task.captures is not None:
        for capture in task.captures[leaf]:
            task.captured[capture.index] = grad
        if not task.accumulate:
            return
    node: Node | None = meta.pinned
    extras = None if node is None else node.extras
    outputs: tuple[Any, ...] = (grad,)
    if extras is not None and len(extras.pre_hooks) > 0:
        outputs = run_pre_hooks(extras.pre_hooks, outputs)
    accumulate_into(leaf, outputs[0])
    if extras is not None and len(extras.post_hooks) > 0:
        run_post_hooks(extras.post_hooks, (), outputs)


def call_node(node: Node, grads: tuple[Any, ...]) -> Any:
    """Apply a node as a function: ``node(*grads)``."""
    expected = node.output_count()
    if len(grads) != expected:
        raise TypeError(f"expected {expected} arguments, got {len(grads)} instead")
    for i, grad in enumerate(grads):
        if grad is not None and not isinstance(grad, TensorBase):
            raise TypeError(f"expected Tensor argument, got {type(grad).__name__} at position {i}")
    token = silence()
    try:
        results = node.vjp_many(list(grads))
    finally:
        restore(token)
    if isinstance(node, AccumulateGradBase):
        return ()
    results = results + [None] * (int(node.arity) - len(results))
    return results[0] if len(results) == 1 else tuple(results)


def calibrate() -> None:
    """Measure the reference counts of a gradient in ``accumulate_grad`` and ``vjp`` when only the engine holds it."""
    leaf = _tensor.Tensor(np.zeros(3), float64, intern_size((3,)))
    leaf.rg = True
    last = Fresh()
    last.set_edges([(leaf, 0)])
    last.stamp()
    node = Fresh()
    node.set_edges([(last, 0)])
    node.stamp()
    OWN.probe = True
    run([(node, 0, _tensor.Tensor(np.zeros(3), float64, intern_size((3,))))], False, False, None, True)
    OWN.probe = False
    OWN.base = base_owners(np.zeros(3).reshape(3, 1))
    view = ViewInfo(_tensor.Tensor(np.zeros(3), float64, intern_size((3,))), 0, 0, None)
    OWN.root = root_owners(view)
    OWN.root_array = root_array_owners(view)


class Fresh(Node):
    """Returns a gradient that nobody else holds."""

    def vjp(self, grad: TensorBase) -> tuple[TensorBase | None, TensorBase | None]:
        """Twice the gradient."""
        may_overwrite(grad)
        return _tensor.Tensor(grad.array + grad.array, grad.dt, grad.shp), None


from weakref import ref as weakref_ref  # noqa: E402

from .. import _tensor  # noqa: E402
from . import anomaly  # noqa: E402
from .dtypes import float64, intern_size  # noqa: E402
from .views import ViewInfo  # noqa: E402
