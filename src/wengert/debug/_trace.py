"""Remembering where values left the graph: ``with debug.trace():``.

A result that is not recorded has no node, so afterwards nothing tells where it came from. While a trace runs, every such result
whose operands required grad gets a ``Break``: which operation it was, on which line, why nothing was recorded, and (weakly)
which tensor the gradient would have gone to. What is computed from it inherits the break; so do a number or an array taken
out of a tensor and the tensor that is made of it again.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict, deque
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from .._core.graph import Node
from .._core.tensor_base import TensorBase, requires_grad
from . import _entry, _graph
from ._entry import Call, Observer

MOST_BREAKS: Final = 8  # that one value inherits
MOST_VALUES: Final = 1000  # numbers and arrays that are remembered
METADATA: Final = "breaks_"
DETACHING: Final = frozenset({"detach", "detach_", ".data"})
EXPORTING: Final = frozenset({"item", "tolist", "numpy", "__float__", "__complex__", "__array__"})
CREATING: Final = frozenset({"tensor", "as_tensor", "asarray", "from_numpy", "scalar_tensor"})
IGNORED: Final = frozenset({"grad", ".grad", ".grad =", ".data =", "backward"})
SYMBOLS: Final = {
    "add": "+", "radd": "+", "iadd": "+=", "sub": "-", "rsub": "-", "isub": "-=", "mul": "*", "rmul": "*", "imul": "*=",
    "truediv": "/", "rtruediv": "/", "itruediv": "/=", "floordiv": "//", "mod": "%", "pow": "**", "matmul": "@", "neg": "-",
    "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "getitem": "[]", "setitem": "[] =",
}  # fmt: skip


@dataclass(frozen=True)
class Break:
    """A place where values went on and gradients could not.

    Attributes:
        kind: ``"detached"``, ``"no_grad"``, ``"not_differentiable"``, ``"copied"`` or ``"number"``.
        operator: name of the operation, as the program called it.
        site: its line.
        source: weak reference to the operand that required grad.
        made_by: what had computed that operand; empty for a leaf.
        leaves: weak references to the leaves that it was computed from.
        rebuilt: where a tensor was made again of a value that had left the graph; else empty.
    """

    kind: str
    operator: str
    site: _graph.Site
    source: Any
    made_by: str
    leaves: tuple[Any, ...] = field(default=(), repr=False)
    rebuilt: str = ""

    def cuts(self, x: TensorBase) -> bool:
        """Whether a gradient that got past this place would have reached ``x``."""
        source = self.source()
        if source is not None and _graph.depends(source, x):
            return True
        return any(leaf() is x for leaf in self.leaves)

    def __str__(self) -> str:
        return REASONS[self.kind].format(operator=self.operator)


REASONS: Final = {
    "detached": "{operator} takes the values out of the graph",
    "no_grad": "{operator} ran while recording was off (no_grad)",
    "not_differentiable": "{operator} is not differentiable",
    "copied": "{operator}() copies the values into a new tensor without history",
    "number": "{operator}() gives plain Python or NumPy values, which have no history",
}


class Registry:
    """The breaks of live values. Everything is held weakly but the numbers themselves."""

    def __init__(self) -> None:
        self.tensors: dict[int, tuple[Any, tuple[Break, ...]]] = {}
        self.values: OrderedDict[int, tuple[Any, tuple[Break, ...]]] = OrderedDict()
        self.exports: deque[Break] = deque(maxlen=20)  # the last values that left the graph

    def of(self, t: Any) -> tuple[Break, ...]:
        """The breaks of a tensor."""
        found = self.tensors.get(id(t))
        return found[1] if found is not None and found[0]() is t else ()

    def put(self, t: TensorBase, breaks: tuple[Break, ...]) -> None:
        """Remember the breaks of a tensor as long as it lives."""
        key = id(t)
        if not breaks:
            self.tensors.pop(key, None)
            return
        tensors = self.tensors

        def forget(dead: Any) -> None:
            if key in tensors and tensors[key][0] is dead:
                del tensors[key]

        tensors[key] = (weakref.ref(t, forget), breaks)

    def of_value(self, value: Any) -> tuple[Break, ...]:
        """The breaks of a number, an array, or of the first known one in a nested list."""
        if isinstance(value, (list, tuple)):
            for item in value[:MOST_BREAKS]:
                found = self.of_value(item)
                if found:
                    return found
            return ()
        if isinstance(value, TensorBase):
            return self.of(value)
        entry = self.values.get(id(value))
        if entry is None:
            return self.of_value(value.base) if isinstance(value, np.ndarray) and value.base is not None else ()
        held = entry[0]() if isinstance(entry[0], weakref.ref) else entry[0]
        return entry[1] if held is value else ()

    def put_value(self, value: Any, breaks: tuple[Break, ...]) -> None:
        """Remember the breaks of what left a tensor: floats by identity, arrays weakly, lists by their first number."""
        while isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, np.ndarray):
            self.values[id(value)] = (weakref.ref(value), breaks)
        elif isinstance(value, (float, complex)):
            self.values[id(value)] = (value, breaks)
        if len(self.values) > MOST_VALUES:
            self.values.popitem(last=False)


REGISTRY: Final = Registry()


class Tracer(Observer):
    """Fills the registry from the calls of a program."""

    def before(self, call: Call) -> None:
        """Note what ``detach_`` is about to drop: afterwards nobody knows."""
        if call.name == "detach_" and requires_grad(call.args[0]):
            call.note = new_break(call, call.args[0])

    def after(self, call: Call) -> None:
        """Note what the call has cut off, and what its results inherit."""
        if call.name in IGNORED or call.name.endswith("_like") or call.name.startswith("new_"):
            return
        if call.name in CREATING:
            self.created(call)
        elif call.name in EXPORTING:
            self.exported(call)
        else:
            results = [call.args[0]] if call.name == "__setitem__" else list(_entry.tensors_in([call.result]))
            self.computed(call, results)

    def computed(self, call: Call, results: list[Any]) -> None:
        """An operation from tensors to tensors."""
        operands = call.tensors()
        numbers = [a for a in call.args if isinstance(a, (float, complex))]
        inherited = merged([REGISTRY.of_value(v) for v in [*(t for t in operands if not requires_grad(t)), *numbers]])
        for out in results:
            if requires_grad(out):
                remember_constants(out, inherited)
                continue
            cut = [new_break(call, t) for t in operands if requires_grad(t)]
            if call.note is not None:
                cut.append(call.note)
            REGISTRY.put(out, merged([tuple(cut), inherited]))

    def exported(self, call: Call) -> None:
        """A tensor became a number, a list or an array."""
        t = call.args[0]
        breaks = REGISTRY.of(t)
        if requires_grad(t):
            breaks = (new_break(call, t),)
            REGISTRY.exports.append(breaks[0])
        if breaks:
            REGISTRY.put_value(call.result, breaks)

    def created(self, call: Call) -> None:
        """A tensor was made of values: of another tensor's, or of numbers that were taken out of one."""
        data = call.args[0] if call.args else next(iter(call.kwargs.values()), None)
        out = call.result
        if out is data or not isinstance(out, TensorBase):
            return
        site = str(_graph.site_of(call.code, call.lasti))
        if isinstance(data, TensorBase) and requires_grad(data):
            found: tuple[Break, ...] = (new_break(call, data),)
        else:
            found = tuple(replace(b, rebuilt=f"{call.name}() at {site}") for b in REGISTRY.of_value(data))
        REGISTRY.put(out, found)


def new_break(call: Call, t: TensorBase) -> Break:
    """The end of the path to ``t`` at ``call``."""
    edge = _graph.edge_of(t)[0]
    node = edge if isinstance(edge, Node) else None
    leaves = tuple(weakref.ref(leaf) for leaf in _graph.leaves_from(edge))
    kind = kind_of(call)
    site = _graph.site_of(call.code, call.lasti)
    return Break(kind, spoken(call.name), site, weakref.ref(t), str(_graph.step_of(node)) if node else "", leaves)


def kind_of(call: Call) -> str:
    """Why a call has cut the path."""
    if call.name in CREATING:
        return "copied"
    if call.name in EXPORTING:
        return "number"
    if call.name in DETACHING:
        return "detached"
    return "not_differentiable" if call.recorded else "no_grad"


def spoken(name: str) -> str:
    """An operator as the program writes it: ``'>'`` for ``__gt__``."""
    return f"'{SYMBOLS.get(name.strip('_'), name.strip('_'))}'" if name.startswith("__") else name


def remember_constants(out: TensorBase, breaks: tuple[Break, ...]) -> None:
    """Leave the breaks of operands that carried no gradient with the node that used them."""
    node = _graph.edge_of(out)[0]
    if breaks and isinstance(node, Node):
        node.metadata[METADATA] = merged([node.metadata.get(METADATA, ()), breaks])


def merged(groups: list[tuple[Break, ...]]) -> tuple[Break, ...]:
    """All breaks, each place once."""
    found: dict[Any, Break] = {}
    for group in groups:
        for b in group:
            found.setdefault((b.kind, b.operator, b.site, b.made_by), b)
    return tuple(found.values())[:MOST_BREAKS]


def breaks_behind(t: TensorBase) -> list[Break]:
    """All known breaks that the value of ``t`` has gone through."""
    found = [REGISTRY.of(t)]
    root = _graph.edge_of(t)[0]
    for node in _graph.nodes_from(root):
        if node.extras is not None:
            found.append(node.metadata.get(METADATA, ()))
    found += [REGISTRY.of(leaf) for leaf in _graph.leaves_from(root)]
    found += [REGISTRY.of(constant) for _, constant in _graph.constants_in(root)]
    every: dict[Any, Break] = {}
    for group in found:
        for b in group:
            every.setdefault((b.kind, b.operator, b.site), b)
    return list(every.values())


class trace:
    """Context manager that remembers where values leave the graph, for ``explain`` and for errors of ``backward()``.

    Only what runs inside is watched, and only there does it cost time (about 10 us a call). What was remembered stays with
    the tensors after the end of the block and goes when they go. All threads are watched.

    Example:
        >>> import wengert as wg
        >>> x = wg.ones(2, requires_grad=True)
        >>> with wg.debug.trace():
        ...     loss = x.detach().sum()
        >>> wg.debug.explain(loss, x).verdict
        'detached'
    """

    def __init__(self) -> None:
        self._tracer = Tracer()

    def __enter__(self) -> trace:
        _entry.watch(self._tracer)
        return self

    def __exit__(self, *exc: object) -> None:
        _entry.unwatch(self._tracer)
