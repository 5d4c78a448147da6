"""The graph: nodes, edges, and what hangs on them.

A node is one recorded call. Its edges lead to the nodes that made its inputs, or to the leaves themselves, so a gradient walks
from the result back to the leaves. Nodes hold what their derivative needs, never the tensor they made (see Note [Saved outputs
make no cycle]).

Note [Edges lead to leaves]
    In PyTorch an edge into a leaf leads to an ``AccumulateGrad`` node that the leaf holds weakly. Making that node for every
    graph costs more than the multiplication it stands for, so here the edge leads to the leaf tensor, and the node is made when
    somebody looks at it (``next_functions``, ``get_gradient_edge``). Hooks on it pin it to its leaf.

Note [Sequence numbers are a topological order]
    A node is created after the nodes of its inputs and its edges never change afterwards, so along every edge the sequence
    number falls. Running nodes by falling sequence number therefore runs every node after all its consumers, and gives
    PyTorch's order (latest created first) without counting dependencies. Accumulation into leaves comes as early as
    possible: leaves alone are counted.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from ..kernels.elders import old_from_birth, young_again
from .compat import i64, mypyc_attr
from .modes import COMPILED, MODES, user_frame

if TYPE_CHECKING:
    from .tensor_base import TensorBase

UINT64_MAX: Final = 2**64 - 1
SPECIAL_NAMES: Final[dict[str, str]] = {
    "AccumulateGrad": "torch::autograd::AccumulateGrad",
    "CopySlices": "torch::autograd::CopySlices",
    "CopyBackwards": "torch::autograd::CopyBackwards",
    "NotImplemented": "torch::autograd::NotImplemented",
    "Error": "torch::autograd::Error",
    "Identity": "torch::autograd::Identity",
}


class Site:
    """The code that was last found to be the user's: mostly it is that of the next node too."""

    def __init__(self) -> None:
        self.code: Any = None


SITE: Final = Site()
_getframe: Final[Any] = sys._getframe


class Extras:
    """What few nodes have: hooks, retained gradients, metadata."""

    def __init__(self) -> None:
        self.metadata: dict[str, Any] = {}
        self.tensor_hooks: dict[int, Any] = {}
        self.retained: dict[int, Any] = {}
        self.pre_hooks: Any = OrderedDict()
        self.post_hooks: Any = OrderedDict()


@mypyc_attr(allow_interpreted_subclasses=True)
class Node:
    """One recorded call; base class of every ``grad_fn``.

    A node with at most two inputs and one output implements ``vjp``; the others set ``many`` and implement ``vjp_many``.
    """

    sequence: i64 = 0
    place: i64 = 0  # in a backward pass: Note [Places] in task.py
    code: Any = None
    lasti: i64 = 0
    next0: object = None
    nr0: i64 = 0
    next1: object = None
    nr1: i64 = 0
    rest: list[tuple[object, int]] | None = None
    arity: i64 = 1
    many: bool = False
    released: bool = False
    extras: Extras | None = None

    def stamp(self, own: int = 3) -> None:
        """Take the next sequence number and remember the user's line.

        Args:
            own: so many frames up the stack the package is at home for sure (uncompiled; compiled code has no frames).
        """
        number = MODES.sequence + 1
        MODES.sequence = number
        self.sequence = number
        frame = _getframe() if COMPILED else _getframe(own)
        code = frame.f_code
        if code is not SITE.code:
            frame = user_frame(frame)
            code = frame.f_code
            SITE.code = code
        self.code = code
        self.lasti = frame.f_lasti
        self.released = False  # fields that are replaced later are there from the start: Note [First come]
        self.extras = None
        if MODES.anomaly:
            remember_traceback(self, frame)

    def vjp(self, grad: TensorBase) -> tuple[TensorBase | None, TensorBase | None]:
        """Gradients of the (at most two) inputs, given the gradient of the output."""
        raise NotImplementedError(type(self).__name__)

    def vjp_many(self, grads: list[TensorBase | None]) -> list[TensorBase | None]:
        """Gradients of all inputs, given those of all outputs."""
        grad = grads[0]
        if grad is None:
            return [None] * self.arity
        first, second = self.vjp(grad)
        return [first] if self.arity == 1 else [first, second]

    def output_count(self) -> int:
        """Number of outputs of the forward call."""
        return 1

    def release(self) -> None:
        """Drop saved values, so that their memory is free as soon as the node has run."""

    def saved_names(self) -> list[str]:
        """Names of the saved values, as they follow ``_saved_``."""
        return []

    def plain_names(self) -> list[str]:
        """Those of the saved values that are not tensors but shapes, numbers, flags."""
        return []

    def saved_slot(self, name: str) -> Any:
        """The stored form of a saved value: None, a tensor, a ``Saved``, or a plain Python value."""
        raise AttributeError(name)

    def saved_value(self, name: str) -> Any:
        """The saved value, checked and unpacked."""
        raise AttributeError(name)

    def set_saved_slot(self, name: str, slot: Any) -> None:
        """Replace the stored form of a saved value."""
        raise AttributeError(name)

    def set_edges(self, edges: list[tuple[object, int]]) -> None:
        """Connect to the nodes of all inputs, in the order of the arguments."""
        self.arity = len(edges)
        if len(edges) > 0:
            self.next0, self.nr0 = edges[0]
        if len(edges) > 1:
            self.next1, self.nr1 = edges[1]
        if len(edges) > 2:
            self.rest = edges[2:]

    def edges(self) -> list[tuple[object, int]]:
        """All edges, in the order of the arguments: node or leaf (None where no gradient is wanted), and output number."""
        found: list[tuple[object, int]] = []
        if self.arity > 0:
            found.append((self.next0, int(self.nr0)))
        if self.arity > 1:
            found.append((self.next1, int(self.nr1)))
        if self.rest is not None:
            found.extend(self.rest)
        return found

    def extra(self) -> Extras:
        """The node's extras, made on first use."""
        found = self.extras
        if found is None:
            fresh = Extras()
            found = self.extras  # Note [First come]
            if found is None:
                found = fresh
                self.extras = fresh
                young_again(self)
        return found

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """``(node or None, output number)`` for each tensor argument of the forward call."""
        return tuple([(node_of(target), nr) for target, nr in self.edges()])

    @property
    def metadata(self) -> dict[str, Any]:
        """A dictionary of the user's own; anomaly mode keeps its traceback here."""
        return self.extra().metadata

    @property
    def requires_grad(self) -> bool:
        """Always True: what needs no gradient has no node."""
        return True

    def name(self) -> str:
        """Name of the node, such as ``MulBackward0``."""
        short = type(self).__name__
        return SPECIAL_NAMES.get(short, short)

    def _sequence_nr(self) -> int:
        """Creation number: later nodes have larger ones."""
        return int(self.sequence)

    def register_hook(self, fn: Any) -> Any:
        """Call ``fn(grad_inputs, grad_outputs)`` after this node has run; it may return replacements for grad_inputs."""
        return hooks.RemovableHandle(self.extra().post_hooks, fn)

    def register_prehook(self, fn: Any) -> Any:
        """Call ``fn(grad_outputs)`` before this node runs; it may return replacements."""
        return hooks.RemovableHandle(self.extra().pre_hooks, fn)

    def __call__(self, *grads: Any) -> Any:
        """Apply the backward formula to ``grads``, one per output."""
        return engine.call_node(self, grads)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {hex(id(self))}>"

    def __dir__(self) -> list[str]:
        public = [n for n in dir(type(self)) if n not in PRIVATE and not n.startswith(("_saved_", "_raw_saved_"))]
        for name in self.saved_names():
            public.append("_saved_" + name)
            if name not in self.plain_names():
                public.append("_raw_saved_" + name)
        return public

    def __reduce__(self) -> Any:
        raise TypeError(f"cannot pickle '{type(self).__name__}' object")


old_from_birth(Node)


@mypyc_attr(allow_interpreted_subclasses=True)
class AccumulateGradBase(Node):
    """End of every path: adds the gradient that arrives into ``variable.grad``.

    The class that is used, ``AccumulateGrad``, is its interpreted subclass with weak references: a leaf knows its node only
    weakly, so that the pair dies with the last graph that uses it.
    """

    variable: TensorBase

    def __init__(self, variable: TensorBase) -> None:
        self.variable = variable
        self.arity = 0
        self.extras = None

    def extra(self) -> Extras:
        """Hooks and metadata; they keep the node alive as long as its leaf."""
        self.variable.ensure_meta().pinned = self
        return super().extra()

    def _sequence_nr(self) -> int:
        """The largest number there is: accumulation goes first."""
        return UINT64_MAX

    def vjp_many(self, grads: list[TensorBase | None]) -> list[TensorBase | None]:
        """Accumulate; nothing flows further."""
        accumulate.accumulate_into(self.variable, grads[0])
        return []


class Identity(Node):
    """Passes the gradient on unchanged: a view of a tensor that is the tensor itself."""

    def vjp(self, grad: TensorBase) -> tuple[TensorBase | None, TensorBase | None]:
        """The gradient itself."""
        return grad, None


class Error(Node):
    """Raises when a gradient reaches it: differentiating further is known to be wrong."""

    def __init__(self, message: str) -> None:
        self.message: str = message

    def vjp(self, grad: TensorBase) -> tuple[TensorBase | None, TensorBase | None]:
        """Refuse.

        Raises:
            RuntimeError: always, with the message given at creation.
        """
        raise RuntimeError(self.message)


def node_of(target: object) -> Node | None:
    """The node an edge leads to; for a leaf, its accumulator."""
    if target is None or isinstance(target, Node):
        return target
    assert isinstance(target, tensor_base.TensorBase)
    return tensor_base.accumulator(target)


def target_of(node: Node) -> object:
    """What edges that lead to ``node`` hold: a leaf in place of its accumulator."""
    return node.variable if isinstance(node, AccumulateGradBase) else node


def remember_traceback(node: Node, frame: Any) -> None:
    """Anomaly mode: keep the forward stack, and the node whose backward made this one."""
    import traceback

    node.metadata["traceback_"] = traceback.format_list(traceback.extract_stack(frame))
    running = engine.running_node()
    if running is not None:
        node.metadata["parent_"] = running


from . import accumulate, engine, hooks, tensor_base  # noqa: E402  (these need the classes above)

PRIVATE: Final[set[str]] = {
    "sequence", "place", "code", "lasti", "next0", "nr0", "next1", "nr1", "rest", "arity", "many", "released", "extras",
    "stamp", "vjp", "vjp_many", "output_count", "release", "saved_names", "saved_slot", "saved_value", "set_saved_slot",
    "set_edges", "edges", "extra", "plain_names",
}  # fmt: skip
