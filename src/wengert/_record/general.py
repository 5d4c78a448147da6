"""Template of operators with any number of tensors, parameters and results.

An operator is a ``General`` node with its parameters as attributes; ``general(node, inputs)`` runs it. Derivatives are written
over tensors in ``backward``; what it reads is named in ``saves`` and read back with ``self.tensor(name)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core import engine, errors, views
from .._core.compat import mypyc_attr
from .._core.dtypes import FLOATING
from .._core.graph import Node
from .._core.modes import MODES, is_grad_enabled
from .._core.quiet import restore, silence
from .._core.saved import Saved, save
from .._core.tensor_base import TensorBase, gradient_edge, memory, requires_grad
from .common import make, prepare_inplace, shadow, write

if TYPE_CHECKING:
    from .._tensor import Tensor


@mypyc_attr(allow_interpreted_subclasses=True)
class General(Node):
    """Base of nodes with several inputs or outputs, or with parameters that shape the result.

    Attributes:
        kept: saved tensors by name.
        wants: for each input, whether its gradient is asked for.
        shapes, dtypes: of the inputs, as far as gradients need them.
        silent: whether ``forward`` only moves numbers, so that there is nothing to give floating-point warnings.
    """

    kept: dict[str, Saved] | None = None
    kept_any: bool = False
    wants: list[bool] | None = None
    outputs: int = 1
    silent: bool = False

    def input_names(self) -> list[str]:
        """PyTorch's names of the tensor arguments, in order."""
        return ["self"]

    def differentiable_inputs(self, count: int) -> int:
        """How many of the ``count`` inputs have an edge; those after them (indices, masks) have no gradient at all."""
        return count

    def output_names(self) -> list[str]:
        """Names of the results, as ``saves`` may mention them."""
        return ["result"]

    def forward(self, arrays: list[Any]) -> Any:
        """Value for arrays: one array, or a list of them."""
        raise NotImplementedError

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        """Gradients of the inputs; entries that are not wanted (``self.wanted(i)``) may be None."""
        raise NotImplementedError

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        """Tangents of the results, given those of the inputs (None counts as zero)."""
        raise NotImplementedError(
            "Trying to use forward AD with "
            + errors.operator_name(self)
            + " that does not support it because it has not "
            "been implemented yet."
        )

    def saves(self) -> list[str]:
        """Names of the inputs and outputs that ``backward`` reads."""
        return []

    def parameters(self) -> dict[str, Any]:
        """Saved values that are not tensors, by PyTorch's names."""
        return {}

    def differentiable_outputs(self) -> list[bool]:
        """Which results carry a gradient (index outputs do not)."""
        return [True] * self.outputs

    def wanted(self, index: int) -> bool:
        """Whether the gradient of input ``index`` is asked for, and by the pass that runs, if one does."""
        wants = self.wants
        return (wants is None or wants[index]) and engine.needs(self, index)

    def tensor(self, name: str) -> Tensor:
        """A saved tensor, by name."""
        kept = self.kept
        if kept is None:
            raise errors.freed(self)
        return kept[name].unpack(self)  # type: ignore[return-value]

    def output_count(self) -> int:
        """Number of results."""
        return self.outputs

    def vjp(self, grad: TensorBase) -> tuple[TensorBase | None, TensorBase | None]:
        """Never called: general nodes take lists."""
        raise NotImplementedError

    def vjp_many(self, grads: list[TensorBase | None]) -> list[TensorBase | None]:
        """Apply ``backward`` unless nothing arrived at all."""
        if self.released:
            raise errors.freed(self)
        for grad in grads:
            if grad is not None:
                return self.backward(grads)  # type: ignore[arg-type, return-value]
        return [None] * self.arity

    def release(self) -> None:
        """Drop the saved tensors."""
        if self.kept_any:
            self.kept = None
            self.released = True

    def saved_names(self) -> list[str]:
        """Parameters, then saved tensors."""
        return list(self.parameters()) + sorted(self.saves())

    def plain_names(self) -> list[str]:
        """Names of the parameters."""
        return list(self.parameters())

    def saved_slot(self, name: str) -> Any:
        """Stored form of a saved tensor."""
        kept = self.kept
        if kept is None:
            raise errors.freed(self)
        return kept.get(name)

    def saved_value(self, name: str) -> Any:
        """A saved value; None for a tensor that no wanted gradient needs."""
        if name in self.parameters():
            return self.parameters()[name]
        kept = self.kept
        if kept is None:
            if self.released:
                raise errors.freed(self)
            return None
        slot = kept.get(name)
        return None if slot is None else slot.unpack(self)

    def set_saved_slot(self, name: str, slot: Any) -> None:
        """Replace the stored form of a saved tensor."""
        if self.kept is not None:
            self.kept[name] = slot


def general(op: General, inputs: list[TensorBase]) -> Tensor:
    """Run an operator with one result."""
    return general_many(op, inputs)[0]


def general_many(op: General, inputs: list[TensorBase]) -> list[Tensor]:
    """Run an operator; one tensor per result."""
    given = [t.array for t in inputs]
    value = op.forward(given) if op.silent else silenced(op, given)
    arrays: list[Any] = value if isinstance(value, list) else [value]
    outs: list[Tensor] = [make(a) for a in arrays]
    op.outputs = len(outs)
    op.many = True
    for t in inputs:
        if requires_grad(t):
            if is_grad_enabled():
                record_general(op, inputs, outs)
            break
    if MODES.dual_level >= 0:
        forward_mode(op, inputs, outs)
    return outs


def silenced(op: General, arrays: list[Any]) -> Any:
    """The value, without floating-point warnings: Note [Quiet operations]."""
    token = silence()
    try:
        return op.forward(arrays)
    finally:
        restore(token)


def record_general(op: General, inputs: list[TensorBase], outs: list[Tensor]) -> None:
    """Connect the node and save what its derivative reads."""
    carries = op.differentiable_outputs()
    some = False
    for i in range(len(outs)):
        if carries[i] and outs[i].dt.category >= FLOATING:
            some = True
    if not some:
        return
    while not carries[op.outputs - 1]:
        op.outputs -= 1  # results without gradient come last; the node does not count them
    connect(op, inputs)
    for i in range(len(outs)):
        if carries[i] and outs[i].dt.category >= FLOATING:
            out = outs[i]
            out.rg = True
            out.fn = op
            out.nr = i
    keep(op, inputs, outs)


def connect(op: General, inputs: list[TensorBase]) -> None:
    """Edges to the inputs that may have a gradient."""
    edges: list[tuple[object, int]] = []
    wants: list[bool] = []
    for t in inputs[: op.differentiable_inputs(len(inputs))]:
        edge = gradient_edge(t) if t.dt.category >= FLOATING else None
        edges.append((edge, int(t.nr)))
        wants.append(edge is not None)
    op.set_edges(edges)
    op.wants = wants
    op.stamp()


def keep(op: General, inputs: list[TensorBase], outs: list[Tensor]) -> None:
    """Save the tensors that ``saves`` names."""
    kept: dict[str, Saved] = {}
    input_names = op.input_names()
    output_names = op.output_names()
    for name in op.saves():
        if name in output_names:
            out = outs[output_names.index(name)]
            memory(out)  # the saved result shares the memory of the result, also of a 0-d one
            kept[name] = save(out, op, out.fn is op)  # indices among the results have no history
        else:
            kept[name] = save(inputs[input_names.index(name)], op, False)
    op.kept = kept
    op.kept_any = len(kept) > 0


def general_(op: General, inputs: list[TensorBase]) -> Tensor:
    """Run an operator whose first input is overwritten with the result."""
    x = inputs[0]
    wanted = False
    for t in inputs:
        if requires_grad(t):
            wanted = True
    old = shadow(x) if wanted or MODES.dual_level >= 0 else x
    early: Tensor = old  # type: ignore[assignment]
    result = general(op, [early] + [early if t is x else t for t in inputs[1:]])
    return overwrite(x, result)


def overwrite(x: TensorBase, result: TensorBase) -> Tensor:
    """Write a result that was computed from a shadow of ``x`` into ``x`` and take over its history.

    A view can only take over a node whose first edge is its own; a result with another history is copied in.
    """
    record = prepare_inplace(x, result.dt, result.shp, requires_grad(x) or result.rg)
    fn = result.fn
    wide: Any = x
    if record and fn is not None and (result.nr != 0 or (x.view_of is not None and fn.next0 is not gradient_edge(x))):
        wide.copy_(result)
    elif record and fn is not None:
        write(x, result.array)
        views.rebase(x, fn)
    else:
        write(x, result.array)
    if MODES.dual_level >= 0:
        old, tangent = forward.tangent_of(x), forward.tangent_of(result)
        if tangent is None and old is not None:
            tangent = forward.zeros_beside(old)
        if tangent is not None:
            forward.write_tangent(x, tangent)
    return x  # type: ignore[return-value]


def forward_mode(op: General, inputs: list[TensorBase], outs: list[Tensor]) -> None:
    """Tangents of the results, when some input has one."""
    tangents = [forward.tangent_of(t) for t in inputs]
    for t in tangents:
        if t is not None:
            level = forward.suspend()
            try:
                values = op.jvp(tangents, inputs, outs)  # type: ignore[arg-type]
                for out, value in zip(outs, values, strict=True):
                    if value is not None:
                        forward.result_tangent(out, value, tangents)
            finally:
                forward.resume(level)
            return


from . import forward  # noqa: E402
