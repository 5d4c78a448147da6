"""``nan_origin(loss)``: the first operator that produced a NaN or an infinity, forward or backward."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import accumulate, errors
from .._core.graph import Node
from .._core.modes import set_grad
from .._core.tensor_base import TensorBase, from_array
from ..autograd.function import BackwardCFunction
from . import _advice, _graph
from ._values import Stat, Values, is_bad, stat

if TYPE_CHECKING:
    from .._tensor import Tensor


@dataclass
class NanReport:
    """Where NaN or infinity came from; prints as text.

    Attributes:
        where: ``"forward"``, ``"backward"``, ``"leaf"`` or ``"constant"`` (it was in an operand from the start), ``"unknown"``
            or ``"nowhere"``.
        step: the operator and its line; None unless one was found.
        inputs: the operands (backward: the gradient that came in and what the step had saved).
        outputs: what came out.
        advice: what to do.
        text: all of it in words.
    """

    where: str
    step: _graph.Step | None = None
    inputs: list[Stat] = field(default_factory=list)
    outputs: list[Stat] = field(default_factory=list)
    advice: str = ""
    text: str = ""

    def __bool__(self) -> bool:
        return self.where != "nowhere"

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def nan_origin(loss: Tensor) -> NanReport:
    """The first operator that produced a NaN or infinity on the way to ``loss``, or on the way back.

    When ``loss`` is not finite, the operators are looked at in the order in which they ran; when it is finite, the backward
    formulas are run on what the graph has saved, from ``loss`` (seeded with ones) down. ``.grad``, hooks and saved values are
    not touched, and the graph is not freed. Infinities that the program put in itself (``masked_fill``, ``where``) do not count.

    Args:
        loss: result of recorded operations, any shape. Its graph must not have been freed.

    Returns:
        A ``NanReport``, false when everything is finite: print it, or read its fields.

    Raises:
        TypeError: when ``loss`` is not a tensor.

    Example:
        >>> import wengert as wg
        >>> x = wg.tensor([1.0, 0.0], requires_grad=True)
        >>> wg.debug.nan_origin(x.log().sum()).step.operator
        'log'
    """
    if not isinstance(loss, TensorBase):
        raise errors.argument_type("nan_origin", "loss", 1, "Tensor", loss)
    if is_bad(loss.array):
        return _forward(loss)
    found = _backward(loss)
    return found or NanReport("nowhere", text="no NaN and no inf: neither in the result nor in any gradient")


# -- forward -----------------------------------------------------------------------------------------------------------


def _forward(loss: Any) -> NanReport:
    root = _graph.edge_of(loss)[0]
    if not isinstance(root, Node):
        return NanReport("leaf", text=f"the tensor has no graph and holds it itself\n  {stat('tensor', loss.array)}")
    values = Values(loss)
    bad = _bad_nodes(values)
    if not bad:
        return _gone(values, "the result is not finite, but the values that led to it are not known any more")
    suspects = values.unknown_before(bad[0])
    if any(n.released for n in [*suspects, bad[0]]):
        return _gone(values, f"seen in {_graph.step_of(bad[0])}, but its operands are not known any more")
    if suspects:
        return _suspected(values, suspects, bad[0])
    report = _forward_report(values, bad[0])
    turned = [n for n in bad if any(np.isnan(array).any() for array in values.results(n))]
    if turned and turned[0] is not bad[0]:
        report.text += f"\n  the infinities turn into NaN in {_graph.step_of(turned[0])}"
    return report


def _gone(values: Values, text: str) -> NanReport:
    if any(node.released for node in values.order):
        text += ": a backward pass has freed the graph.\n  try: nan_origin(loss) before loss.backward()"
    return NanReport("unknown", text=text)


def _suspected(values: Values, suspects: list[Node], seen: Node) -> NanReport:
    """The result of some operators is not known: one of them must have made it."""
    step = _graph.step_of(suspects[0])
    operands = [stat(name, array) for name, array in values.operands(suspects[0]).items()]
    lines = [f"first produced by {step}", *map(str, operands)]
    lines += [f"or by {_graph.step_of(node)}" for node in suspects[1:]]
    lines.append(f"seen in the result of {_graph.step_of(seen)}; the results before it were not kept")
    lines.append("because: an operand without gradient (not kept either) held it already, or the result overflowed")
    mending = "look at the operands on that line"
    return NanReport("forward", step, operands, [], mending, _joined([*lines, f"try: {mending}"]))


def _bad_nodes(values: Values) -> list[Node]:
    """Nodes with a result that is not finite, in running order; infinities that a mask has put in do not count."""
    found: list[Node] = []
    meant: set[object] = set()
    for node in values.order:
        results = [array for array in values.results(node) if is_bad(array)]
        if not results:
            continue
        inherited = any(target in meant for target, _ in node.edges() if isinstance(target, Node))
        masking = _graph.operator_of(node) in _advice.MASKING
        if (masking or inherited) and not any(np.isnan(array).any() for array in results):
            meant.add(node)
        else:
            found.append(node)
    return found


def _forward_report(values: Values, node: Node) -> NanReport:
    results = [array for array in values.results(node) if is_bad(array)]
    operands = values.operands(node)
    inputs = [stat(name, array) for name, array in operands.items()]
    outputs = [stat("result", array) for array in results]
    step = _graph.step_of(node)
    given = [s.name for s in inputs if s.bad]
    born = not any(s.nan for s in inputs) and any(s.nan for s in outputs)  # NaN made of infinities
    if given and not born:
        return _given_report(node, step, inputs, outputs, given)
    lines = [f"first produced by {step}", *map(str, inputs), *map(str, outputs)]
    known = _advice.FROM_INFINITY if given else _advice.FORWARD
    reason, mending = known.get(step.operator, _advice.UNKNOWN)
    if len(operands) < int(node.arity):
        lines.append("(an operand without gradient was not kept: it may have held the bad value already)")
    lines += _example(operands, results[0])
    if reason:
        lines.append(f"because: {reason}")
    return NanReport("forward", step, inputs, outputs, mending, _joined([*lines, f"try: {mending}"]))


def _given_report(
    node: Node, step: _graph.Step, inputs: list[Stat], outputs: list[Stat], given: list[str]
) -> NanReport:
    """An operand was not finite, and no recorded operator had made it."""
    leaf = any(isinstance(target, TensorBase) and is_bad(target.array) for target, _ in node.edges())
    what = "a leaf" if leaf else f"the operand {' and '.join(given)}, which carries no gradient,"
    lines = [f"not produced by a recorded operator: {what} of {step} holds it already", *map(str, inputs)]
    mending = "look at the data or the initial values" if leaf else "look at how that operand is computed"
    return NanReport(
        "leaf" if leaf else "constant", step, inputs, outputs, mending, _joined([*lines, f"try: {mending}"])
    )


def _example(operands: dict[str, Any], result: Any) -> list[str]:
    """The operands at the first bad element, where the shapes tell which they are."""
    index = _first_bad(result)
    shape = np.shape(result)
    parts = [f"{n} = {np.asarray(a)[index]:.4g}" for n, a in operands.items() if np.shape(a) == shape]
    if not parts:
        return []
    return [f"at {list(map(int, index))}: {', '.join(parts)} -> {np.asarray(result)[index]}"]


def _first_bad(array: Any) -> tuple[Any, ...]:
    values = np.asarray(array)
    return tuple(np.argwhere(~np.isfinite(values))[0])


def _joined(lines: list[str]) -> str:
    return "\n  ".join(lines)


# -- backward ----------------------------------------------------------------------------------------------------------


def _backward(loss: Any) -> NanReport | None:
    """Run the backward formulas until one of them makes something that is not finite."""
    root, nr = _graph.edge_of(loss)
    if not isinstance(root, Node):
        return None
    values = Values(loss)
    grads: dict[Node, list[Any]] = {root: [None] * root.output_count()}
    grads[root][nr] = from_array(np.ones(loss.shp, loss.dt.np))
    previous = set_grad(False)
    try:
        with np.errstate(all="ignore"):
            for node in reversed(values.order):
                came = grads.pop(node, None)
                if came is None or _consumes(node):
                    continue
                went = node.vjp_many(list(came))
                if any(g is not None and is_bad(g.array) for g in went):
                    return _backward_report(values, root, node, came, went)
                _deliver(node, went, grads)
    except RuntimeError as error:
        first = str(error).partition("\n")[0]
        text = f"the values are finite; the backward step of {_graph.step_of(node)} could not be run:\n  {first}"
        return NanReport("unknown", _graph.step_of(node), text=text)
    finally:
        set_grad(previous)
    return None


def _consumes(node: Node) -> bool:
    """Whether running the node would use its saved tensors up."""
    return isinstance(node, BackwardCFunction) and node.forward_cls.clear_saved_tensors_on_access


def _deliver(node: Node, went: list[Any], grads: dict[Node, list[Any]]) -> None:
    for (target, nr), grad in zip(node.edges(), went, strict=False):
        if isinstance(target, Node) and grad is not None:
            slots = grads.setdefault(target, [None] * target.output_count())
            slots[nr] = grad if slots[nr] is None else accumulate.add(slots[nr], grad)


def _backward_report(values: Values, root: Node, node: Node, came: list[Any], went: list[Any]) -> NanReport:
    step = _graph.step_of(node)
    gradients = [stat("incoming gradient", g.array) for g in came if g is not None]
    saved = {**values.operands(node), **{name: t.array for name, t in values.saved[node].items()}}
    names = values.names(node)
    outputs = [stat(f"gradient of {names[i]}", g.array) for i, g in enumerate(went) if g is not None]
    inputs = [*gradients, *(stat(name, array) for name, array in saved.items())]
    bad = next(g.array for g in went if g is not None and is_bad(g.array))
    index = _first_bad(bad)
    arriving = {s.name: g.array for s, g in zip(gradients, (g for g in came if g is not None), strict=True)}
    lines = [
        f"the values are finite, but the backward step of {step} is the first to make a gradient that is not",
        *map(str, [*inputs, *outputs]),
        *_example({**arriving, **saved}, bad),
    ]
    reason, mending = _advice.BACKWARD.get(step.operator, _advice.UNKNOWN)
    if reason:
        lines.append(f"because: {reason}")
    if np.isnan(np.asarray(bad)[index]) and _arrived(came, index) == 0:
        mask = _mask_above(root, node)
        lines.append(f"and: {_advice.MASKED[0]}" + (f" (made 0 by {mask})" if mask else ""))
        mending = _advice.MASKED[1]
    return NanReport("backward", step, inputs, outputs, mending, _joined([*lines, f"try: {mending}"]))


def _arrived(came: list[Any], index: tuple[Any, ...]) -> float:
    """Magnitude of the incoming gradient at an element; 1 where the shapes do not match."""
    array = next((np.asarray(g.array) for g in came if g is not None), np.ones(()))
    return float(abs(array[index])) if array.ndim == len(index) else 1.0


def _mask_above(root: Node, node: Node) -> _graph.Step | None:
    """The operator after ``node`` that may have made the gradient 0: a mask, or a product."""
    for nr in range(node.output_count()):
        for consumer in _graph.path((node, nr), root) or []:
            if _graph.operator_of(consumer) in _advice.ZEROING:
                return _graph.step_of(consumer)
    return None
