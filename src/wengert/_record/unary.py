"""Template of elementwise operators with one tensor: y = f(x).

The Jacobian is diagonal, so the derivative forward is the derivative backward applied to the tangent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core import accumulate, errors, views
from .._core.compat import i64, mypyc_attr
from .._core.dtypes import FLOATING, dtype
from .._core.graph import Node
from .._core.modes import MODES, is_grad_enabled
from .._core.quiet import restore, silence
from .._core.saved import Saved, save_input, save_output, unpack
from .._core.tensor_base import TensorBase, gradient_edge, memory, requires_grad, version_of
from ..kernels import lend
from .common import FUSED, RESULT, SELF, float_dtype_for, for_kernels, prepare_inplace, quiet, shadow, write

if TYPE_CHECKING:
    from .._tensor import Tensor


@mypyc_attr(allow_interpreted_subclasses=True)
class Unary(Node):
    """Base of the nodes of y = f(x). A subclass states value, derivative and what the derivative needs.

    A prototype instance (or, for operators with parameters, the instance that carries them) is the operator itself.

    Attributes:
        reads: which of ``SELF`` and ``RESULT`` the derivative reads, and ``FUSED`` if ``slope`` is stated.
        silent: whether ``forward`` does nothing to single and double precision but call kernels: these give no warnings.
        differentiable: False for operators whose floating results carry no gradient.
    """

    reads: i64 = SELF
    silent: bool = False
    differentiable: bool = True
    slot: object = None
    version: i64 = 0
    result: Saved | None = None

    def forward(self, x: Any) -> Any:
        """Value for an array."""
        raise NotImplementedError

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        """Gradient of x, given the gradient of y."""
        raise NotImplementedError

    def write(self, x: Any, out: Any) -> bool:
        """Compute straight into ``out``, which may be ``x``; False where the operator does not."""
        return False

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        """``grad_self`` for arrays of real numbers, in one pass."""
        raise NotImplementedError

    def fresh(self) -> Unary:
        """A new node of this operator (operators with parameters return themselves)."""
        raise NotImplementedError

    def out_dtype(self, dt: dtype) -> dtype:
        """Dtype of the result for operands of dtype ``dt``."""
        return dt

    def prepare(self, x: TensorBase) -> TensorBase:
        """Convert or refuse operands that are not floating or complex: integers become the default dtype."""
        return converted(x, float_dtype_for(x))

    def forward_grad(self, tangent: Tensor, x: Tensor, result: Tensor) -> Tensor:
        """Tangent of y, given the tangent of x: the backward formula, conjugated for complex numbers."""
        if tangent.dt.category > FLOATING:
            return self.grad_self(tangent.conj(), x, result).conj()
        return self.grad_self(tangent, x, result)

    def vjp(self, grad: TensorBase) -> tuple[TensorBase | None, TensorBase | None]:
        """Unpack what was saved and apply ``grad_self``."""
        if self.released:
            raise errors.freed(self)
        slot = self.slot
        kept = self.result
        fused = self.reads & FUSED != 0 and quiet(grad)
        a: Any = None
        b: Any = None
        if fused and slot is None and kept is not None and kept.dt is grad.dt and not kept.hooked:
            b = kept.current(self)
        else:
            x = None if slot is None else unpack(slot, self.version, self)
            y = None if kept is None else kept.unpack(self)
            if not fused or (x is not None and x.dt is not grad.dt) or (y is not None and y.dt is not grad.dt):
                return self.grad_self(grad, x, y), None  # type: ignore[arg-type]
            a = None if x is None else x.array
            b = None if y is None else y.array
        lent = accumulate.may_overwrite(grad)
        if lent:
            lend(grad.array)
        array = self.slope(grad.array, a, b)
        if lent:
            lend(None)
        return _tensor.Tensor(array, grad.dt, grad.shp), None

    def release(self) -> None:
        """Drop the saved operand and result."""
        if self.slot is not None or self.result is not None:
            self.slot = None
            self.result = None
            self.released = True

    def parameters(self) -> dict[str, Any]:
        """Saved values that are not tensors, by name."""
        return {}

    def saved_names(self) -> list[str]:
        """``self`` and ``result`` as far as they are saved, then the parameters."""
        bits = self.reads
        names = list(self.parameters())
        if bits & RESULT:
            names.append("result")
        if bits & SELF:
            names.append("self")
        return names

    def plain_names(self) -> list[str]:
        """Names of the parameters."""
        return list(self.parameters())

    def saved_slot(self, name: str) -> Any:
        """Stored form of a saved value."""
        if name == "self":
            return self.slot
        return self.result if name == "result" else self.parameters()[name]

    def saved_value(self, name: str) -> Any:
        """A saved value."""
        if name in self.parameters():
            return self.parameters()[name]
        return unpack(self.slot if name == "self" else self.result, self.version, self)

    def set_saved_slot(self, name: str, slot: Any) -> None:
        """Replace the stored form of a saved tensor."""
        if name == "self":
            self.slot = slot
        else:
            self.result = slot


def unary(op: Unary, x: TensorBase) -> Tensor:
    """Apply ``op`` to ``x`` and record the call."""
    if x.dt.category < FLOATING:
        x = op.prepare(x)
    array = op.forward(x.array) if op.silent and for_kernels(x.dt) else silenced(op, x.array)
    out = _tensor.Tensor(array, op.out_dtype(x.dt), x.shp)
    if (x.rg or (x.view_of is not None and x.view_of.base.rg)) and op.differentiable and out.dt.category >= FLOATING:
        if MODES.plain or is_grad_enabled():
            record_unary(op, x, out)
    if MODES.unusual:
        forward_mode(op, x, out)
    return out


def silenced(op: Unary, array: Any) -> Any:
    """The value, without floating-point warnings: Note [Quiet operations]."""
    token = silence()
    try:
        return op.forward(array)
    finally:
        restore(token)


def record_unary(op: Unary, x: TensorBase, out: TensorBase) -> None:
    """Make the node of ``out``."""
    node = op.fresh()
    node.next0 = gradient_edge(x)
    node.nr0 = x.nr
    node.stamp()
    out.rg = True
    out.fn = node
    bits = node.reads
    if bits & SELF:
        if x.inference:
            raise errors.inference_saved()
        node.slot = x if MODES.plain else save_input(x, node)
        node.version = version_of(x)
    if bits & RESULT:
        node.result = save_output(out, node)


def unary_(op: Unary, x: TensorBase) -> Tensor:
    """Apply ``op`` in place: same rule, written into the memory of ``x``."""
    source = op.prepare(x) if x.dt.category < FLOATING else x
    record = prepare_inplace(x, op.out_dtype(source.dt), x.shp, requires_grad(x) and op.differentiable)
    tangent = forward.inplace_tangent(op, x) if MODES.dual_level >= 0 else None
    # A recorded write may still be refused when the old value is saved.
    direct = not record and source is x and op.out_dtype(x.dt) is x.dt
    token = silence()
    try:
        array = memory(x) if direct else None
        if array is None or not op.write(array, array):
            array = op.forward(source.array)
    finally:
        restore(token)
    if record:
        node = op.fresh()
        node.next0 = gradient_edge(x)
        node.nr0 = x.nr
        node.stamp()
        bits = node.reads
        if bits & SELF:
            old = shadow(x)
            node.slot = save_input(old, node)
            node.version = 0
        write(x, array)
        views.rebase(x, node)
        if bits & RESULT:
            node.released = True  # until it is saved: a hook may refuse
            node.result = save_output(x, node)
            node.released = False
    else:
        write(x, array)
    if tangent is not None:
        forward.write_tangent(x, tangent)
    return x  # type: ignore[return-value]


def forward_mode(op: Unary, x: TensorBase, out: TensorBase) -> None:
    """What inference mode and forward-mode differentiation add to a result."""
    if MODES.inference > 0:
        forward.mark(out)
    if MODES.dual_level >= 0 and op.differentiable:
        tangent = forward.tangent_of(x)
        if tangent is not None:
            level = forward.suspend()
            try:
                value = op.forward_grad(tangent, x, out)  # type: ignore[arg-type]
                forward.result_tangent(out, value, [tangent])
            finally:
                forward.resume(level)


from .. import _tensor  # noqa: E402
from . import forward  # noqa: E402
from .common import converted  # noqa: E402
