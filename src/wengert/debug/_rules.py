"""The rules of ``lint``: each looks at calls, and makes a remark when one looks like a mistake."""

from __future__ import annotations

import weakref
import zlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from .._core.dtypes import FLOATING
from .._core.tensor_base import TensorBase, requires_grad
from ..autograd import function as custom
from . import _entry, _graph, _source, _trace

INTERMEDIATES: Final = "intermediates_"
LOSSES: Final = frozenset(
    {
        *("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy", "poisson_nll_loss"),
        *("binary_cross_entropy_with_logits", "kl_div", "gaussian_nll_loss", "soft_margin_loss"),
    }
)
ELEMENTWISE: Final = frozenset(
    {
        *("__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__truediv__", "__rtruediv__"),
        *("add", "sub", "subtract", "rsub", "mul", "multiply", "div", "divide", "true_divide", "pow", "__pow__"),
        *("maximum", "minimum", "fmax", "fmin"),
    }
)
# On a line that says so, broadcasting a column against a row is meant.
MEANT: Final = ("None", "unsqueeze", "newaxis", "reshape", ".view(", "broadcast_t", "expand")


@dataclass(frozen=True)
class Remark:
    """What a rule has to say about a line."""

    rule: str
    text: str
    advice: str


def roots_of(call: _entry.Call) -> list[Any]:
    """The tensors that a backward pass starts from."""
    given = call.args[:1] or [call.kwargs.get("tensors", call.kwargs.get("outputs"))]
    return list(_entry.tensors_in(given))


def creates_graph(call: _entry.Call) -> bool:
    """Whether the pass is recorded itself."""
    place = 4 if call.name == "grad" else 3
    return bool(call.kwargs.get("create_graph", call.args[place] if len(call.args) > place else False))


def leaves_of(roots: list[Any]) -> list[Any]:
    """The leaves behind ``roots``, the roots themselves left out."""
    found: dict[int, Any] = {}
    for root in roots:
        for leaf in _graph.leaves_from(_graph.edge_of(root)[0]):
            if leaf is not root:
                found[id(leaf)] = leaf
    return list(found.values())


def called(t: TensorBase, frame: Any) -> str:
    """A leaf in words, by its name if the frame has one for it."""
    return f"{_source.name_of(t, frame) or 'a leaf'} of shape {list(t.shp)}"


def leaf_loss(roots: list[Any]) -> Remark | None:
    """A backward pass from a tensor that was computed from nothing."""
    if not any(t.requires_grad and t.grad_fn is None for t in roots):
        return None
    return Remark(
        "leaf_loss",
        "backward() starts at a leaf: this tensor was not computed from any parameter, so no parameter gets a gradient. "
        "requires_grad=True on a rebuilt loss only hides the error.",
        "compute the loss from the model's output without .item(), .numpy(), .detach() or tensor(...) on the way",
    )


class Reach:
    """Leaves that no backward pass reaches."""

    def __init__(self, parameters: dict[str, Any] | None) -> None:
        self.given = parameters
        self.seen: dict[int, tuple[Any, tuple[Any, int], str]] = {}
        self.reached: dict[int, Any] = {}
        self.passes = 0

    def used(self, call: _entry.Call) -> None:
        """Remember leaves at their first use."""
        if self.given is not None or not call.recorded:
            return
        for t in call.tensors():
            known = self.seen.get(id(t))
            if t.rg and t.fn is None and (known is None or known[0]() is not t):
                what = f"{called(t, call.frame)}, first used here by {_trace.spoken(call.name)},"
                self.seen[id(t)] = (weakref.ref(t), (call.code, call.lasti), what)

    def passed(self, roots: list[Any]) -> None:
        """A backward pass runs from ``roots``."""
        self.passes += 1
        self.reached.update((id(t), weakref.ref(t)) for t in [*leaves_of(roots), *roots])

    def was_reached(self, t: TensorBase) -> bool:
        """Whether some pass has come to ``t``."""
        return id(t) in self.reached and self.reached[id(t)]() is t

    def missing(self) -> list[tuple[Any, Remark]]:
        """A remark, with its place in the program, for every leaf that was not reached."""
        if not self.passes:
            return []
        found: list[tuple[Any, Remark]] = []
        if self.given is not None:
            names = [n for n, t in self.given.items() if requires_grad(t) and not self.was_reached(t)]
            return [(None, unreached(", ".join(names)))] if names else []
        for reference, place, what in self.seen.values():
            t = reference()
            if t is not None and t.rg and not self.was_reached(t):
                found.append((place, unreached(what)))
        return found


def unreached(what: str) -> Remark:
    """The remark on parameters without a gradient."""
    return Remark(
        "unreached",
        f"no backward pass has reached {what} although it requires grad: it is not trained.",
        "wengert.debug.explain(loss, parameter) says where the way ends; requires_grad_(False) if it is meant to be frozen",
    )


@dataclass
class _Filled:
    """A ``.grad`` after a backward pass."""

    leaf: Any
    values: int
    read: str = ""


def fingerprint(t: TensorBase) -> int:
    """A checksum of the values, which writes that go past the version counter change too."""
    return zlib.crc32(np.ascontiguousarray(t.array).tobytes())


class StaleGrad:
    """Gradients that were used and not cleared before the next pass adds to them."""

    def __init__(self) -> None:
        self.filled: dict[int, _Filled] = {}

    def before(self, call: _entry.Call) -> Remark | None:
        """A pass is about to add to the ``.grad`` of the leaves behind its roots."""
        for leaf in leaves_of(roots_of(call)):
            state = self.filled.get(id(leaf))
            grad = None if leaf.meta is None else leaf.meta.grad
            if state is None or state.leaf() is not leaf or grad is None or not np.any(grad.array):
                continue
            updated = fingerprint(leaf) != state.values
            if updated or state.read:
                used = "its values were updated" if updated else f".grad was read at {state.read}"
                return Remark(
                    "stale_grad",
                    f"backward() adds to a .grad that still holds the last gradient ({called(leaf, call.frame)}): {used} "
                    "since the last pass, and .grad was not cleared.",
                    "optimizer.zero_grad(), or parameter.grad = None, before this backward()",
                )
        return None

    def after(self, roots: list[Any]) -> None:
        """A pass has filled the ``.grad`` of the leaves behind ``roots``."""
        for leaf in leaves_of(roots):
            self.filled[id(leaf)] = _Filled(weakref.ref(leaf), fingerprint(leaf))

    def read(self, call: _entry.Call) -> None:
        """The program has looked at a ``.grad``."""
        state = self.filled.get(id(call.args[0]))
        if state is not None and call.result is not None and not state.read:
            state.read = str(_graph.site_of(call.code, call.lasti))


def broadcast(call: _entry.Call) -> Remark | None:
    """``(N, 1)`` against ``(N,)``."""
    if call.name not in ELEMENTWISE and call.name not in LOSSES:
        return None
    operands = call.tensors()[:2]
    if len(operands) < 2:
        return None
    long, short = sorted((tuple(t.shp) for t in operands), key=len, reverse=True)
    if len(long) != 2 or len(short) != 1 or long != (short[0], 1) or short[0] == 1:
        return None
    line = _graph.site_of(call.code, call.lasti).text
    if call.name in ELEMENTWISE and any(word in line for word in MEANT):
        return None
    n = short[0]
    return Remark(
        "broadcast",
        f"{_trace.spoken(call.name)} broadcasts shapes {list(long)} and {list(short)} to [{n}, {n}]: every element meets every "
        "other one, where pairs were probably meant.",
        "give both the same shape: .squeeze(1) on the column, or .unsqueeze(1) on the other",
    )


class DataWrite:
    """Writes through ``.data``."""

    def __init__(self) -> None:
        self.twins: dict[int, tuple[Any, Any]] = {}

    def after(self, call: _entry.Call) -> Remark | None:
        """Note ``.data`` tensors, and what is written into them."""
        if call.name == ".data":
            self.twins[id(call.result)] = (weakref.ref(call.result), weakref.ref(call.args[0]))
            return None
        if not call.direct or not call.args:
            return None
        if call.name == ".data =":
            source = call.args[0]
        elif writes(call.name):
            twin = self.twins.get(id(call.args[0]))
            source = twin[1]() if twin is not None and twin[0]() is call.args[0] else None
        else:
            return None
        if source is None or not requires_grad(source):
            return None
        return Remark(
            "data_write",
            "a write through .data is not seen by the version counter: if a recorded operation has saved this tensor, its "
            "gradient is wrong, and no error tells.",
            "with no_grad(): write to the tensor itself",
        )


def writes(name: str) -> bool:
    """Whether a method changes its tensor in place."""
    if name.startswith("__"):
        return name == "__setitem__" or (name.startswith("__i") and name[3:-2] in _entry.OPERATORS)
    return name.endswith("_")


def note_intermediates(call: _entry.Call) -> None:
    """Leave with the node of a custom Function that it keeps results which were computed inside ``forward``."""
    for out in _entry.tensors_in([call.result]):
        node = out.fn
        if isinstance(node, custom.BackwardCFunction) and node.forward_cls.__name__ == call.name:
            if not refuses_second(node.forward_cls) and keeps_intermediates(node, call):
                node.metadata[INTERMEDIATES] = str(_graph.site_of(call.code, call.lasti))


def keeps_intermediates(node: custom.BackwardCFunction, call: _entry.Call) -> bool:
    """Whether something kept for ``backward`` is neither an input nor an output, and was computed from an input."""
    saved = [slot.original for slot in node.kept or [] if slot is not None and not slot.is_output]
    own = [value for value in vars(node).values() if isinstance(value, TensorBase)]
    results = list(_entry.tensors_in([call.result]))
    for t in [*saved, *own]:
        if t is None or t.dt.category < FLOATING or any(t is other for other in (*call.args, *results)):
            continue
        if _trace.REGISTRY.of(t):
            return True
    return False


def refuses_second(cls: Any) -> bool:
    """Whether ``backward`` is marked ``once_differentiable``: then the second derivative raises instead of being wrong."""
    code = getattr(cls.backward, "__code__", None)
    return code is not None and code in custom.once_differentiable.__code__.co_consts


def double_backward(roots: list[Any]) -> Remark | None:
    """A recorded backward pass through such a node."""
    for root in roots:
        for node in _graph.nodes_from(_graph.edge_of(root)[0]):
            if node.extras is not None and INTERMEDIATES in node.metadata:
                name = type(node).__name__.removesuffix("Backward")
                return Remark(
                    "double_backward",
                    f"create_graph=True goes through {name} (applied at {node.metadata[INTERMEDIATES]}), which keeps a result "
                    "computed inside forward(): recorded as a constant, it makes the second derivative wrong.",
                    "save inputs and outputs only and compute the rest again in backward(), return the result as another "
                    "output, or mark backward() with once_differentiable",
                )
    return None
