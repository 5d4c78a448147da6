"""``explain(loss, x)``: why ``x.grad`` is there or not."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import FLOATING
from .._core.graph import Node
from .._core.modes import user_frame
from .._core.tensor_base import TensorBase, requires_grad
from . import _graph, _source, _why

if TYPE_CHECKING:
    from .._tensor import Tensor

LONGEST_PATH: Final = 14
MOST_LEAVES: Final = 6


@dataclass
class Explanation:
    """Why a gradient is there or missing; prints as text.

    Attributes:
        verdict: ``"has_grad"``, ``"not_yet"`` (a path is there, backward has not filled ``.grad``), ``"cleared"`` (backward has
            run, and ``.grad`` is empty), ``"not_leaf"``, ``"no_requires_grad"``, ``"not_floating"``, ``"overwritten"``,
            ``"unused"`` (no path and no known cut), or where the path is cut: ``"detached"``, ``"no_grad"``,
            ``"not_differentiable"``, ``"copied"``, ``"number"``, ``"nothing_required"`` (``loss`` was computed from tensors that
            do not require grad), ``"no_graph"`` (cut in an unknown place).
        path: operators from ``x`` to ``loss``; empty when there is no path.
        findings: places where the path is cut.
        depends_on: leaves that ``loss`` does depend on.
        text: all of it in words.
    """

    verdict: str
    path: list[_graph.Step] = field(default_factory=list)
    findings: list[_why.Finding] = field(default_factory=list)
    depends_on: list[Any] = field(default_factory=list)
    text: str = ""

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def explain(loss: Tensor, x: Tensor) -> Explanation:
    """Why ``x.grad`` is there, or why it is missing, with the path from ``x`` to ``loss`` and your lines.

    Works after the fact on live tensors and changes nothing. To name the exact place of a cut, run the program under
    ``with debug.trace():`` first; without it, shared memory and the text of the calling function are searched.

    Args:
        loss: what ``backward()`` is (or was) called on; any shape.
        x: the tensor whose gradient is asked about; any shape and dtype.

    Returns:
        An ``Explanation``: print it, or read its fields.

    Raises:
        TypeError: when an argument is not a tensor.

    Example:
        >>> import wengert as wg
        >>> x = wg.ones(2, requires_grad=True)
        >>> wg.debug.explain((x * 2).sum(), x).verdict
        'not_yet'
    """
    for i, t in enumerate((loss, x)):
        if not isinstance(t, TensorBase):
            raise errors.argument_type("explain", ("loss", "x")[i], i + 1, "Tensor", t)
    return _Case(loss, x, user_frame(sys._getframe(1))).answer()


class _Case:
    """One question: the two tensors and the names that the program gives them."""

    def __init__(self, loss: Any, x: Any, frame: Any) -> None:
        self.loss = loss
        self.x = x
        self.frame = frame
        self.x_name = _source.name_of(x, frame) or "x"
        self.loss_name = _source.name_of(loss, frame) or "loss"
        self.root, _ = _graph.edge_of(loss)
        given = x.meta is not None and x.meta.grad is not None
        self.missing = f"{self.x_name}.grad " + ("is not of this loss" if given else "stays None")

    def answer(self) -> Explanation:
        """The verdict and its text."""
        if self.x.dt.category < FLOATING:
            return self.say(
                "not_floating",
                f"{self.missing}: {self.x_name} has dtype {self.x.dt!r}, and only floating and complex tensors "
                "have gradients.",
                [f"try: convert {self.x_name} with .float() before it is used"],
            )
        nodes = _graph.path(_graph.edge_of(self.x), self.root) if self.root is not None else None
        if nodes is not None:
            return self.connected([_graph.step_of(n) for n in nodes])
        if not requires_grad(self.x):
            return self.not_required()
        return self.cut() if self.root is None else self.apart()

    def say(self, verdict: str, first: str, lines: list[str], **fields: Any) -> Explanation:
        """An explanation of this text."""
        return Explanation(verdict, text="\n".join([first, *(f"  {line}".rstrip() for line in lines)]), **fields)

    # -- a path is there -----------------------------------------------------------------------------------------------

    def connected(self, steps: list[_graph.Step]) -> Explanation:
        """A path leads from ``x`` to ``loss``."""
        x, meta = self.x_name, self.x.meta
        grad = None if meta is None else meta.grad
        drawn = self.drawn(steps)
        freed = [s for s in steps if s.node.released]
        if grad is not None:
            return self.say(
                "has_grad", f"{x}.grad is there: {self.size_of(grad)}", self.remarks(grad, steps) + drawn, path=steps
            )
        if self.x.grad_fn is not None and not self.x.retains_grad:
            made = _graph.step_of(self.x.grad_fn)
            return self.say(
                "not_leaf",
                f"{x}.grad stays None: {x} is not a leaf, it was computed by {made}.",
                [f"backward() keeps gradients of leaves only; try: {x}.retain_grad() before backward()", *drawn],
                path=steps,
            )
        if freed:
            lines = [
                f"a backward pass has run through this graph: what {freed[0]} had saved is freed.",
                "then .grad was cleared (zero_grad(), .grad = None), or the pass was autograd.grad(), which returns gradients",
                f"and fills no .grad, or backward(inputs=...) without {x}, or retain_grad() came after it.",
            ]
            return self.say(
                "cleared", f"{x}.grad is None although a path leads to {self.loss_name}:", lines + drawn, path=steps
            )
        first = f"{x}.grad is None: a path leads from {x} to {self.loss_name}, and no backward pass has filled it yet."
        lines = [f"{self.loss_name}.backward() will; if it has run already, .grad was cleared afterwards (zero_grad())"]
        return self.say("not_yet", first, lines + self.flat(steps) + drawn, path=steps)

    def size_of(self, grad: Any) -> str:
        """A gradient in short."""
        shape = errors.shape_text(grad.shp)
        if grad.array.size == 0:
            return f"shape {shape}, empty"
        return f"shape {shape}, largest magnitude {np.max(np.abs(grad.array)):.4g}"

    def remarks(self, grad: Any, steps: list[_graph.Step]) -> list[str]:
        """What is odd about a gradient."""
        if grad.array.size and not np.isfinite(grad.array).all():
            return [f"it contains NaN or inf; try: wengert.debug.nan_origin({self.loss_name})"]
        if grad.array.size and not np.any(grad.array):
            return self.flat(steps) or [
                "it is zero everywhere; an operator on the path has derivative zero at these values"
            ]
        return []

    def flat(self, steps: list[_graph.Step]) -> list[str]:
        """A warning when a step of the path has derivative zero."""
        return [
            f"it is zero: {s.operator} is flat, its derivative is 0 ({s.site})"
            for s in steps
            if s.operator in _graph.FLAT
        ]

    def drawn(self, steps: list[_graph.Step]) -> list[str]:
        """The path, one operator a line, the middle left out when it is long."""
        shown = [f"-> {s.operator:<10} {s.site}" for s in steps]
        if len(shown) > LONGEST_PATH:
            half = LONGEST_PATH // 2
            shown = [*shown[:half], f"   ... {len(shown) - 2 * half} more ...", *shown[-half:]]
        kind = "leaf" if self.x.grad_fn is None else "computed"
        return ["", f"{self.x_name} ({kind}, shape {errors.shape_text(self.x.shp)})", *shown, f"=  {self.loss_name}"]

    # -- no path -------------------------------------------------------------------------------------------------------

    def not_required(self) -> Explanation:
        """``x`` does not require grad."""
        x = self.x_name
        found = _why.findings(self.x, None, self.frame)
        first = f"{self.missing}: {x} does not require grad."
        if found:
            lines = _why.all_lines(found)
        else:
            lines = [
                f"try: {x}.requires_grad_() before {self.loss_name} is computed, or create it with requires_grad=True"
            ]
        return self.say("no_requires_grad", first, lines, findings=found, depends_on=_graph.leaves_from(self.root))

    def cut(self) -> Explanation:
        """``loss`` has no history at all."""
        first = f"{self.missing}: {self.loss_name} has no graph, so nothing leads back from it."
        found = _why.findings(self.loss, self.x, self.frame) or _why.findings(self.loss, None, self.frame)
        if not found:
            lines = [
                "it was detached, computed inside no_grad(), rebuilt from plain values, or never came from a tensor that",
                "requires grad.",
                f"try: {_why.UNTRACED}",
            ]
            return self.say("no_graph", first, lines)
        return self.say(found[0].kind, first, _why.all_lines(found), findings=found)

    def apart(self) -> Explanation:
        """``loss`` has a graph, and ``x`` is not in it."""
        leaves = _graph.leaves_from(self.root)
        overwritten = self.overwritten()
        if overwritten is not None:
            return overwritten
        first = f"{self.missing}: {self.loss_name} does not depend on {self.x_name}."
        found = _why.findings(self.loss, self.x, self.frame)
        lines = _why.all_lines(found) if found else [
            f"either {self.x_name} is not used for it at all, or the way back is cut where nothing recorded it.",
            f"try: {_why.UNTRACED}",
        ]  # fmt: skip
        return self.say(
            found[0].kind if found else "unused", first, lines + self.others(leaves), findings=found, depends_on=leaves
        )

    def others(self, leaves: list[Any]) -> list[str]:
        """What ``loss`` depends on instead."""
        lines = ["", f"{self.loss_name} depends on:"]
        for leaf in leaves[:MOST_LEAVES]:
            name = _source.name_of(leaf, self.frame) or "a tensor"
            nodes = _graph.path((leaf, 0), self.root)
            through = (
                "directly" if not nodes else "through " + ", ".join(_graph.operator_of(n) for n in nodes[:LONGEST_PATH])
            )
            lines.append(f"{name} (leaf, shape {errors.shape_text(leaf.shp)}) {through}")
        if len(leaves) > MOST_LEAVES:
            lines.append(f"... and {len(leaves) - MOST_LEAVES} more leaves")
        return lines

    def overwritten(self) -> Explanation | None:
        """``x`` was changed in place after ``loss`` had been computed from it."""
        fn = self.x.grad_fn
        if fn is None or not isinstance(self.root, Node):
            return None
        before: object = fn
        while isinstance(before, Node) and before.sequence > self.root.sequence:
            before = before.edges()[0][0] if before.arity else None  # the first edge of a write leads to the old value
        if before is fn or not any(node is before for node in _graph.nodes_from(self.root)):
            return None
        return self.say(
            "overwritten",
            f"{self.missing}: {self.x_name} was changed in place after {self.loss_name} was computed, and now "
            "stands for its new value.",
            [
                f"changed at: {_graph.site_of(fn.code, int(fn.lasti))}",
                f"try: the out-of-place form there, or compute {self.loss_name} after it",
            ],
            depends_on=_graph.leaves_from(self.root),
        )
