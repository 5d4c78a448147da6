"""The values of a recorded computation, as far as they can be known afterwards.

A graph keeps what derivatives read, not every result. A result is known when some node has saved it, when the tensor is
still alive, or when its operands are known and the operator can be run again on their arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.graph import Node
from .._core.saved import Saved
from .._core.tensor_base import TensorBase, version_of
from .._record.binary import Binary
from .._record.general import General
from .._record.matmul import AddedProduct
from .._record.unary import Unary
from .._record.view import MultiView, View
from ..autograd.function import BackwardCFunction
from . import _graph


@dataclass(frozen=True)
class Stat:
    """An array in short.

    Attributes:
        name: what it is, such as ``self`` or ``result``.
        shape: its shape.
        least, most: smallest and largest finite value (real part); None when there is none.
        nan, inf: how many elements are NaN, and infinite.
    """

    name: str
    shape: tuple[int, ...]
    least: float | None
    most: float | None
    nan: int
    inf: int

    @property
    def bad(self) -> bool:
        """Whether anything in it is not finite."""
        return self.nan + self.inf > 0

    def __str__(self) -> str:
        span = "" if self.least is None else f", from {self.least:.4g} to {self.most:.4g}"
        wrong = [f"{count} {word}" for count, word in ((self.nan, "NaN"), (self.inf, "inf")) if count]
        return f"{self.name}: shape {list(self.shape)}{span}" + (
            f", {' and '.join(wrong)}" if wrong else ", all finite"
        )


def stat(name: str, array: Any) -> Stat:
    """Describe an array."""
    values = np.asarray(array)
    if values.dtype.kind not in "fc":
        values = values.astype(np.float64)
    finite = values[np.isfinite(values)].real
    least, most = (float(finite.min()), float(finite.max())) if finite.size else (None, None)
    return Stat(name, values.shape, least, most, int(np.isnan(values).sum()), int(np.isinf(values).sum()))


def is_bad(array: Any) -> bool:
    """Whether some element is NaN or infinite."""
    return bool(not np.isfinite(np.asarray(array)).all())


def saved_tensors(node: Node) -> dict[str, Any]:
    """What a node has saved and can still vouch for, by name."""
    found: dict[str, Any] = {}
    if node.released:
        return found
    if isinstance(node, BackwardCFunction):
        kept = [] if node.forward_cls.clear_saved_tensors_on_access else node.kept or []
        slots: list[tuple[str, Any]] = [(f"saved_tensors[{i}]", slot) for i, slot in enumerate(kept)]
        return {name: t for name, slot in slots if (t := _unpacked(slot, node)) is not None}
    plain = node.plain_names()
    for name in node.saved_names():
        if name not in plain:
            try:
                value = node.saved_value(name)
            except (RuntimeError, AttributeError):
                continue  # overwritten since, or freed
            if isinstance(value, TensorBase):
                found[name] = value
    return found


def _unpacked(slot: Saved | None, node: Node) -> Any:
    try:
        return None if slot is None else slot.unpack(node)
    except RuntimeError:
        return None


class Values:
    """Arrays of the results in a graph."""

    def __init__(self, loss: Any) -> None:
        root, nr = _graph.edge_of(loss)
        self.order = sorted(_graph.nodes_from(root), key=Node._sequence_nr)
        self.saved = {node: saved_tensors(node) for node in self.order}
        self.known: dict[tuple[object, int], Any] = {(root, nr): loss.array}
        self._take_live()
        for tensors in self.saved.values():
            for t in tensors.values():
                edge = _graph.edge_of(t)
                if isinstance(edge[0], Node):
                    self.known[edge] = t.array
        for node in self.order:
            self._recompute(node)

    def _take_live(self) -> None:
        """Tensors that the program still holds."""
        members = set(self.order)
        for t in _graph.live_tensors():
            if t.fn in members:
                if t.view_of is None or t.view_of.version == version_of(t):
                    self.known.setdefault((t.fn, int(t.nr)), t.array)

    def at(self, target: object, nr: int) -> Any:
        """The value at the end of an edge; None when unknown."""
        return target.array if isinstance(target, TensorBase) else self.known.get((target, nr))

    def operands(self, node: Node) -> dict[str, Any]:
        """Arrays of the operands of a node, as far as they are known, by PyTorch's names."""
        found = {}
        for name, (target, nr) in zip(self.names(node), node.edges(), strict=True):
            value = None if target is None else self.at(target, nr)
            if value is not None:
                found[name] = value
        for name, t in self.saved[node].items():
            if name not in ("result", "result1", "result2") and _graph.edge_of(t)[0] is not node:
                found.setdefault(name, t.array)
        return found

    def names(self, node: Node) -> list[str]:
        """One name for each edge of a node."""
        names = operand_names(node)
        return [names[i] if i < len(names) else f"input {i}" for i in range(int(node.arity))]

    def results(self, node: Node) -> list[Any]:
        """Known results of a node."""
        found = [self.known.get((node, i)) for i in range(node.output_count())]
        return [array for array in found if array is not None]

    def unknown_before(self, node: Node) -> list[Node]:
        """Operators without a known result on the way into ``node``, in the order in which they ran."""
        found: set[Node] = set()
        stack = [node]
        while stack:
            for target, nr in stack.pop().edges():
                if isinstance(target, Node) and target not in found and self.at(target, nr) is None:
                    found.add(target)
                    stack.append(target)
        return sorted(found, key=Node._sequence_nr)

    def _recompute(self, node: Node) -> None:
        if (node, 0) in self.known or node.released:
            return
        operands = self.operands(node)
        names = operand_names(node)
        if not all(name in operands for name in names):
            return
        arrays = [operands[name] for name in names]
        if len({a.dtype for a in arrays if a.dtype.kind in "fc"}) > 1:
            return  # which dtype they were converted to is not kept
        try:
            with np.errstate(all="ignore"):
                result = run_again(node, arrays)
        except Exception:
            return  # operators of other kinds cannot be run on arrays alone
        for i, array in enumerate(result if isinstance(result, list) else [result]):
            self.known.setdefault((node, i), array)


def operand_names(node: Node) -> list[str]:
    """Names of the operands of an operator."""
    if isinstance(node, AddedProduct):
        return ["self", "first factor", "second factor"]
    if isinstance(node, Binary):
        return ["self", node.other_name()]
    return node.input_names() if isinstance(node, General) else ["self"]


def run_again(node: Node, arrays: list[Any]) -> Any:
    """The result of an operator for arrays.

    Raises:
        NotImplementedError: for operators that are no function of arrays.
    """
    if isinstance(node, (AddedProduct, BackwardCFunction)):
        raise NotImplementedError
    if isinstance(node, (Unary, View, MultiView)):
        return node.forward(arrays[0])
    if isinstance(node, Binary):
        return node.forward(arrays[0], arrays[1])
    if isinstance(node, General):
        return node.forward(arrays)
    raise NotImplementedError
