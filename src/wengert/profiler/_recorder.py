"""The recorder: what is called between the start and the end of a profile, and when.

Only the outermost operator is recorded: what an operator or a built-in backward formula calls inside is its own affair, and in
the compiled build it could not be seen. So a profile has the same events in both builds.
"""

from __future__ import annotations

import itertools
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from time import perf_counter_ns
from typing import Any, Final

import numpy as np

from .._core.graph import Node
from .._core.modes import MODES, user_frame
from .._core.tensor_base import TensorBase
from .._core.views import owner
from ..autograd.function import BackwardCFunction
from ..autograd.graph_memory import values_of

OPERATOR: Final = "operator"
BACKWARD: Final = "backward"
RANGE: Final = "range"


class Span:
    """One call: when, where, and what it left behind.

    Attributes:
        kind: ``OPERATOR``, ``BACKWARD`` (the formula of a node) or ``RANGE`` (named by the program, or a whole pass).
        start, end: nanoseconds; 0 for a span that has not ended.
        code, lasti: place in the program; for a backward formula that of the forward call.
        first, last: sequence numbers of the nodes that an operator made, or of the node; ``last`` below ``first``: none.
        result_bytes: memory of the results that no argument had.
        saved_bytes: memory that the nodes keep for the backward pass and that none kept before, leaves apart.
    """

    __slots__ = (
        "code", "end", "first", "kind", "last", "lasti", "name", "parent", "result_bytes", "saved_bytes", "shapes",
        "start", "thread",
    )  # fmt: skip

    def __init__(self, name: str, kind: str, code: Any, lasti: int, thread: int, parent: Span | None) -> None:
        self.name = name
        self.kind = kind
        self.code = code
        self.lasti = lasti
        self.parent = parent
        self.thread = thread
        self.start = 0
        self.end = 0
        self.first = 0
        self.last = -1
        self.result_bytes = 0
        self.saved_bytes = 0
        self.shapes: list[list[int]] = []


class ThreadState(threading.local):
    """Number of a thread within a profile, and what it is in the middle of."""

    def __init__(self, numbers: Iterator[int]) -> None:
        self.number = next(numbers)
        self.open: list[Span] = []
        self.inside = False  # an operator, or a built-in backward formula


class Recorder:
    """Takes down the calls of one profile; ``MODES.watcher`` while it runs."""

    def __init__(self, record_shapes: bool, profile_memory: bool) -> None:
        self.record_shapes = record_shapes
        self.profile_memory = profile_memory
        self.thread = ThreadState(itertools.count(1))
        self.spans: list[Span] = []
        self.counted: dict[int, weakref.ref[Any]] = {}
        self.started = perf_counter_ns()

    def begin(self, name: str, kind: str, code: Any, lasti: int) -> Span:
        """Open a span of this thread; the caller sets ``start`` when everything else is done."""
        stack = self.thread.open
        span = Span(name, kind, code, lasti, self.thread.number, stack[-1] if stack else None)
        stack.append(span)
        return span

    def end(self, span: Span) -> None:
        """Close a span."""
        span.end = perf_counter_ns()
        self.thread.open.remove(span)

    def operator(self, name: str, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call an operator for the program; calls that give no tensor (questions, refused operands) are not recorded."""
        thread = self.thread
        if thread.inside:
            return fn(*args, **kwargs)
        frame = user_frame(sys._getframe(2))
        span = self.begin(name, OPERATOR, frame.f_code, frame.f_lasti)
        before = MODES.sequence
        thread.inside = True
        span.start = perf_counter_ns()
        try:
            result = fn(*args, **kwargs)
        finally:
            self.end(span)
            thread.inside = False
        made = list(tensors_in(result))
        if not made and not name.endswith("__setitem__"):
            return result
        self.spans.append(span)
        given = list(tensors_in((args, tuple(kwargs.values()))))
        if MODES.sequence > before:
            span.first, span.last = before + 1, MODES.sequence
        if self.record_shapes:
            span.shapes = [list(t.shp) for t in given]
        if self.profile_memory:
            span.result_bytes = fresh_bytes(made, given)
            span.saved_bytes = self.newly_saved(made or given[:1], before)
        return result

    def range(self, name: str, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function that starts backward passes; what runs inside is recorded too."""
        if self.thread.inside:
            return fn(*args, **kwargs)
        frame = user_frame(sys._getframe(2))
        span = self.begin(name, RANGE, frame.f_code, frame.f_lasti)
        span.start = perf_counter_ns()
        try:
            return fn(*args, **kwargs)
        finally:
            self.end(span)
            self.spans.append(span)

    def run(self, node: Node, grads: list[Any]) -> list[Any]:
        """Apply the backward formula of a node; the engine calls it."""
        thread = self.thread
        outer = thread.inside
        span = self.begin(node.name(), BACKWARD, node.code, int(node.lasti))
        span.first = span.last = int(node.sequence)
        thread.inside = outer or not isinstance(node, BackwardCFunction)
        span.start = perf_counter_ns()
        try:
            results = node.vjp_many(grads)
        finally:
            self.end(span)
            thread.inside = outer
        self.spans.append(span)
        if self.record_shapes:
            span.shapes = [list(t.shp) for t in tensors_in(grads)]
        if self.profile_memory:
            span.result_bytes = fresh_bytes(list(tensors_in(results)), list(tensors_in(grads)))
        return results

    def newly_saved(self, made: list[TensorBase], before: int) -> int:
        """Bytes that the nodes made since ``before`` keep and that were not counted yet."""
        total = 0
        stack: list[Any] = [t.fn for t in made]
        seen: set[int] = set()
        while stack:
            node = stack.pop()
            if not isinstance(node, Node) or node.sequence <= before or id(node) in seen:
                continue
            seen.add(id(node))
            for value in values_of(node):
                if isinstance(value, Node):
                    stack.append(value)
                elif not isinstance(value, TensorBase):
                    total += self.count(value)
                elif value.fn is not None or not value.rg:
                    total += self.count(value.array)
        return total

    def count(self, value: Any) -> int:
        """The bytes of an array, the first time; nothing for what is on disk, and for scalars."""
        if not isinstance(value, np.ndarray) or value.ndim == 0:
            return 0
        array = owner(value)
        known = self.counted.get(id(array))
        if known is not None and known() is array:
            return 0
        self.counted[id(array)] = weakref.ref(array)
        return int(array.nbytes)


def tensors_in(value: Any) -> Iterator[TensorBase]:
    """Tensors in arguments or results: themselves, or in tuples and lists."""
    if isinstance(value, TensorBase):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from tensors_in(item)


def fresh_bytes(made: list[TensorBase], given: list[TensorBase]) -> int:
    """Memory of results that is not memory of arguments: nothing for views and in-place operations."""
    old = {id(owner(t.array)) for t in given}
    return sum(
        array.nbytes for array in {id(a): a for a in (owner(t.array) for t in made)}.values() if id(array) not in old
    )
