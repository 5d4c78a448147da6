"""Template of elementwise operators with two operands: z = f(x, y), broadcast and promoted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .._core import accumulate, errors, views
from .._core.compat import i64, mypyc_attr
from .._core.dtypes import FLOATING, Size, bool_, dtype, dtype_of, size_of
from .._core.graph import Node
from .._core.modes import MODES, is_grad_enabled
from .._core.quiet import restore, silence
from .._core.saved import Saved, save_input, save_output, unpack
from .._core.tensor_base import TensorBase, gradient_edge, is_dense, memory, requires_grad, version_of
from ..kernels import lend
from .common import (
    FUSED,
    OTHER,
    RESULT,
    SELF,
    UNDO_OTHER,
    UNDO_SELF,
    as_tensor_operand,
    broadcast_size,
    cast_array,
    cast_grad,
    expand_to,
    for_kernels,
    is_number,
    number_operand,
    prepare_inplace,
    quiet,
    result_type,
    shadow,
    sum_to,
    write,
)

if TYPE_CHECKING:
    from .._tensor import Tensor


@mypyc_attr(allow_interpreted_subclasses=True)
class Binary(Node):
    """Base of the nodes of z = f(x, y). A subclass states value, derivatives and what the derivatives need.

    Attributes:
        reads_self: which of ``SELF``, ``OTHER``, ``RESULT`` the gradient of x reads; ``FUSED`` if ``slopes`` is stated.
        reads_other: the same of the gradient of y.
        noisy: whether ordinary values meet floating-point warnings, see Note [Quiet operations].
        silent: whether ``forward`` does nothing to single and double precision but call kernels: these give no such warnings.
        differentiable: False for operators whose floating results carry no gradient.
        makes_mask: whether the result is boolean; otherwise it has the dtype of the operands.
        kept: what this call has saved, and ``UNDO_SELF``, ``UNDO_OTHER`` where the operand was broadcast or converted: its
            gradient is then brought to the shape and dtype in ``kind0`` (``kind1``).
    """

    reads_self: i64 = SELF | OTHER
    reads_other: i64 = SELF | OTHER
    noisy: bool = True
    silent: bool = False
    differentiable: bool = True
    makes_mask: bool = False
    arity: i64 = 2
    kept: i64 = 0
    slot0: object = None
    version0: i64 = 0
    slot1: object = None
    version1: i64 = 0
    result: Saved | None = None
    kind0: tuple[Size, dtype] | None = None
    kind1: tuple[Size, dtype] | None = None

    def forward(self, x: Any, y: Any) -> Any:
        """Value for two arrays of one dtype."""
        raise NotImplementedError

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        """Gradient of x, before broadcasting is undone."""
        raise NotImplementedError

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        """Gradient of y, before broadcasting is undone."""
        raise NotImplementedError

    def slopes(self, grad: Any, x: Any, other: Any, result: Any, first: bool) -> Any:
        """``grad_self`` (``first``) or ``grad_other`` for arrays of real numbers, in one pass."""
        raise NotImplementedError

    def write(self, x: Any, y: Any, out: Any) -> bool:
        """Compute straight into ``out``, which may be ``x``; False where the operator does not."""
        return False

    def fresh(self) -> Binary:
        """A new node of this operator (operators with parameters return themselves)."""
        raise NotImplementedError

    def common_dtype(self, x: Any, y: Any) -> dtype:
        """Dtype to which the operands (tensors or Python numbers) are converted; refuses what the operator cannot take."""
        return result_type([x, y])

    def direct(self, dt: dtype) -> bool:
        """Whether operands that both have dtype ``dt`` need neither conversion nor a check."""
        return dt.category >= FLOATING

    def title(self) -> str:
        """Name of the operator in messages."""
        return errors.operator_name(self)

    def forward_grad(self, tx: Tensor | None, ty: Tensor | None, x: Tensor, y: Tensor, result: Tensor) -> Tensor | None:
        """Tangent of z: the backward formulas on the tangents (conjugated for complex numbers), summed."""
        a = self.part(tx, x, y, result, True)
        b = self.part(ty, x, y, result, False)
        if a is None or b is None:
            return b if a is None else a
        return a + b

    def part(self, t: Tensor | None, x: Tensor, y: Tensor, result: Tensor, first: bool) -> Tensor | None:
        """Contribution of one operand's tangent."""
        if t is None:
            return None
        t = expand_to(t, result.shp)
        if t.dt is not result.dt and result.dt.category >= FLOATING:
            t = t.to(result.dt)
        conjugate = t.dt.category > FLOATING
        if conjugate:
            t = t.conj()
        out = self.grad_self(t, x, y, result) if first else self.grad_other(t, x, y, result)
        return out.conj() if conjugate and out is not None else out

    def vjp(self, grad: TensorBase) -> tuple[TensorBase | None, TensorBase | None]:
        """Unpack what was saved, apply the formulas that are wanted, undo broadcasting."""
        kept = self.kept
        x: TensorBase | None = None
        y: TensorBase | None = None
        z: TensorBase | None = None
        if kept & SELF:
            a = self.slot0
            if isinstance(a, TensorBase) and a.counter is None and a.ver == self.version0 and a.meta is None:
                x = a  # what unpack would find, without the call
            else:
                x = unpack(a, self.version0, self)
        if kept & OTHER:
            b = self.slot1
            if isinstance(b, TensorBase) and b.counter is None and b.ver == self.version1 and b.meta is None:
                y = b
            else:
                y = unpack(b, self.version1, self)
        if kept & RESULT:
            z = unpack(self.result, 0, self)
        fused = (self.reads_self | self.reads_other) & FUSED != 0 and self.fits(grad, x, y)
        lent = fused and accumulate.may_overwrite(grad)  # by the formula that is the last to read it
        first: Tensor | None = None
        second: Tensor | None = None
        if self.next0 is not None:
            if lent and self.next1 is None:
                lend(grad.array)
            first = self.fused(grad, x, y, z, True) if fused else self.grad_self(grad, x, y, z)  # type: ignore[arg-type]
            if kept & UNDO_SELF and first is not None:
                first = undo(first, self.kind0)
        if self.next1 is not None:
            if lent:
                lend(grad.array)
            second = self.fused(grad, x, y, z, False) if fused else self.grad_other(grad, x, y, z)  # type: ignore[arg-type]
            if kept & UNDO_OTHER and second is not None:
                second = undo(second, self.kind1)
        if lent:
            lend(None)
        return first, second

    def fits(self, grad: TensorBase, x: TensorBase | None, y: TensorBase | None) -> bool:
        """Whether ``slopes`` may work on the arrays."""
        return quiet(grad) and (x is None or x.dt is grad.dt) and (y is None or y.dt is grad.dt)

    def fused(
        self, grad: TensorBase, x: TensorBase | None, y: TensorBase | None, z: TensorBase | None, first: bool
    ) -> Tensor | None:
        """One gradient, by way of ``slopes`` where that is stated."""
        if (self.reads_self if first else self.reads_other) & FUSED == 0:
            return self.grad_self(grad, x, y, z) if first else self.grad_other(grad, x, y, z)  # type: ignore[arg-type]
        a = None if x is None else x.array
        b = None if y is None else y.array
        c = None if z is None else z.array
        return _tensor.Tensor(self.slopes(grad.array, a, b, c, first), grad.dt, grad.shp)

    def release(self) -> None:
        """Drop the saved operands and result."""
        if self.kept & (SELF | OTHER | RESULT):
            self.slot0 = None
            self.slot1 = None
            self.result = None
            self.released = True

    def parameters(self) -> dict[str, Any]:
        """Saved values that are not tensors, by name."""
        return {}

    def other_name(self) -> str:
        """PyTorch's name of the second operand."""
        return "other"

    def saved_names(self) -> list[str]:
        """Names of operands and result as far as some derivative reads them, then the parameters."""
        bits = self.reads_self | self.reads_other
        names = list(self.parameters())
        if bits & OTHER:
            names.append(self.other_name())
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
            return self.slot0
        if name == "result":
            return self.result
        return self.slot1 if name == self.other_name() else self.parameters()[name]

    def saved_value(self, name: str) -> Any:
        """A saved value."""
        if name in self.parameters():
            return self.parameters()[name]
        version = self.version0 if name == "self" else self.version1
        return unpack(self.saved_slot(name), version, self)

    def set_saved_slot(self, name: str, slot: Any) -> None:
        """Replace the stored form of a saved tensor."""
        if name == "self":
            self.slot0 = slot
        elif name == "result":
            self.result = slot
        else:
            self.slot1 = slot


def binary(op: Binary, x: TensorBase, other: Any) -> Tensor:
    """Apply ``op`` to ``x`` and ``other`` (a tensor, a Python number or an array) and record the call."""
    y: TensorBase
    dt = x.dt
    if isinstance(other, TensorBase):
        y = other
        if dt is not y.dt or not (dt.category == FLOATING or op.direct(dt)):
            dt = op.common_dtype(x, y)
    elif is_number(other):
        dt = number_dtype(op, x, other)
        y = number_operand(other, dt)
    else:
        y = as_tensor_operand(other, op.title(), "other", 1)
        dt = op.common_dtype(x, y)
    xs = x.shp
    ys = y.shp
    a = x.array if x.dt is dt else cast_array(x.array, dt)
    b = y.array if y.dt is dt else cast_array(y.array, dt)
    if op.noisy and not (op.silent and for_kernels(dt)):
        array = compute(op, a, b, xs, ys)
    else:
        try:
            array = op.forward(a, b)
        except (ValueError, TypeError, RuntimeWarning):
            array = compute(op, a, b, xs, ys)
    shape = xs if xs is ys or len(ys) == 0 else ys if len(xs) == 0 else size_of(array)
    if len(shape) > 1 and xs is ys and not a.flags.c_contiguous:
        array = laid_out_like(array, a)
    out = _tensor.Tensor(array, bool_ if op.makes_mask else dt, shape)
    if x.rg or y.rg or x.view_of is not None or y.view_of is not None:
        if op.differentiable and out.dt.category >= FLOATING and (x.rg or y.rg or requires_grad(x) or requires_grad(y)):
            if MODES.plain or is_grad_enabled():
                node = new_node(op, x, y, shape, dt)
                out.rg = True
                out.fn = node
                if node.kept & RESULT:
                    node.result = save_output(out, node)
    if MODES.unusual:
        forward_mode(op, x, y, out)
    return out


def number_dtype(op: Binary, x: TensorBase, value: Any) -> dtype:
    """Dtype in which ``x`` meets a Python number."""
    dt = x.dt
    if (type(value) is float or type(value) is int) and dt.category == FLOATING:
        return dt
    return op.common_dtype(x, value if isinstance(value, (int, float, complex)) else value.item())


def number_binary(op: Binary, value: Any, y: TensorBase) -> Tensor:
    """A Python number with ``y``, in this order."""
    if not isinstance(y, TensorBase) or not is_number(value):
        raise errors.argument_type(op.title(), op.other_name(), 2, "Tensor", value if isinstance(y, TensorBase) else y)
    if not isinstance(value, (int, float, complex)):
        value = value.item()
    dt = op.common_dtype(value, y)
    return binary(op, number_operand(value, dt), y)


def laid_out_like(array: Any, first: Any) -> Any:
    """The result with the order of dimensions that its first operand has in memory, where NumPy chose another."""
    if array.strides == first.strides or not is_dense(first):
        return array
    out = _empty_like(first, dtype=array.dtype)
    out[...] = array
    return out


def compute(op: Binary, a: Any, b: Any, xs: Size, ys: Size) -> Any:
    """The value, without floating-point warnings and with PyTorch's error when shapes do not broadcast."""
    token = silence()
    try:
        return op.forward(a, b)
    except ValueError:
        raise errors.broadcast(xs, ys, op.title()) from None
    except TypeError:  # NumPy has no such function for this dtype
        raise errors.not_implemented(op.title() + "_cpu", dtype_of(a)) from None
    finally:
        restore(token)


def undo(grad: Tensor, kind: tuple[Size, dtype] | None) -> Tensor:
    """Sum a gradient over broadcast dimensions and convert it back."""
    assert kind is not None
    shape, dt = kind
    return cast_grad(sum_to(grad, shape), dt)


def new_node(op: Binary, x: TensorBase, y: TensorBase, shape: Size, dt: dtype) -> Binary:
    """The node of a call: edges, what undoes broadcasting and conversion, saved operands, place in the program."""
    node = op.fresh()
    kept: i64 = 0
    if x.rg or x.view_of is not None:
        fn = x.fn
        target = gradient_edge(x) if fn is None or x.view_of is not None else fn
        if target is not None:
            node.next0 = target
            node.nr0 = x.nr
            kept = node.reads_self
            if x.shp is not shape or x.dt is not dt:
                kept = kept | UNDO_SELF
                node.kind0 = (x.shp, x.dt)
    if y.rg or y.view_of is not None:
        fn = y.fn
        target = gradient_edge(y) if fn is None or y.view_of is not None else fn
        if target is not None:
            node.next1 = target
            node.nr1 = y.nr
            kept = kept | node.reads_other
            if y.shp is not shape or y.dt is not dt:
                kept = kept | UNDO_OTHER
                node.kind1 = (y.shp, y.dt)
    if kept != 0:
        node.kept = kept
        if not MODES.plain or x.inference or y.inference:
            save_carefully(node, x, y, kept)
        else:
            if kept & SELF:
                node.slot0 = x
                counter = x.counter
                node.version0 = x.ver if counter is None else counter.value
            if kept & OTHER:
                node.slot1 = y
                counter = y.counter
                node.version1 = y.ver if counter is None else counter.value
    node.stamp(4)
    return node


def save_carefully(node: Binary, x: TensorBase, y: TensorBase, kept: i64) -> None:
    """Save operands while hooks are active, or refuse inference tensors."""
    if kept & SELF:
        node.slot0 = save_input(x, node)
        node.version0 = version_of(x)
    if kept & OTHER:
        node.slot1 = save_input(y, node)
        node.version1 = version_of(y)


def binary_(op: Binary, x: TensorBase, other: Any) -> Tensor:
    """Apply ``op`` in place: same rule, written into the memory of ``x``."""
    if isinstance(other, TensorBase):
        y = other
        dt = op.common_dtype(x, y)
    elif is_number(other):
        value = other if isinstance(other, (int, float, complex)) else other.item()
        dt = op.common_dtype(x, value)
        y = number_operand(value, dt)
    else:
        y = as_tensor_operand(other, op.title() + "_", "other", 1)
        dt = op.common_dtype(x, y)
    shape = broadcast_size(x.shp, y.shp, op.title() + "_")
    wanted = (requires_grad(x) or requires_grad(y)) and op.differentiable
    record = prepare_inplace(x, bool_ if op.makes_mask else dt, shape, wanted)
    check_overlap(x, y)
    dual = MODES.dual_level >= 0
    before = shadow(x) if record or dual else x
    a = before.array if x.dt is dt else cast_array(before.array, dt)
    b = y.array if y.dt is dt else cast_array(y.array, dt)
    # A recorded write may still be refused when the old value is saved.
    array = memory(x) if not record and not dual and x.dt is dt and not op.makes_mask else None
    if array is None or not written(op, a, b, array):
        array = compute(op, a, b, x.shp, y.shp)
    tangent = inplace_tangent(op, x, before, y, array) if dual else None
    if not record:
        write(x, array)
    else:
        record_inplace(op, x, before, y, array, dt)
    if tangent is not None:
        forward.write_tangent(x, tangent)
    return x  # type: ignore[return-value]


def written(op: Binary, a: Any, b: Any, out: Any) -> bool:
    """Whether the operator has put its value into ``out`` without floating-point warnings."""
    token = silence()
    try:
        return op.write(a, b, out)
    finally:
        restore(token)


def record_inplace(op: Binary, x: TensorBase, before: TensorBase, y: TensorBase, array: Any, dt: dtype) -> None:
    """Node, write and new history of ``x``; the old value is saved as a private copy."""
    node = new_node(op, before, before if y is x else y, x.shp, x.dt)
    write(x, array)
    views.rebase(x, node)
    if node.kept & RESULT:
        node.released = True  # until it is saved: a hook may refuse
        node.result = save_output(x, node)
        node.released = False


def check_overlap(x: TensorBase, y: TensorBase) -> None:
    """Refuse a source that shares only part of its memory with the target."""
    a = x.array
    b = y.array
    if y is x or x.counter is None or x.counter is not y.counter or a is b:
        return
    if not is_dense(a) or not is_dense(b) or same_place(a, b):
        return  # gaps may interleave: such writes are let through, as in PyTorch, and see the values from before
    if _may_share(a, b):
        raise RuntimeError(errors.with_hints(errors.OVERLAP, "source and target are views of the same tensor"))


def same_place(a: Any, b: Any) -> bool:
    """Whether two arrays are the same elements in the same order; the step along a dimension of size 1 is of no matter."""
    if a.shape != b.shape or views.address(a) != views.address(b):
        return False
    return all(s == t or n == 1 for n, s, t in zip(a.shape, a.strides, b.strides, strict=True))


def forward_mode(op: Binary, x: TensorBase, y: TensorBase, out: TensorBase) -> None:
    """What inference mode and forward-mode differentiation add to a result."""
    if MODES.inference > 0:
        forward.mark(out)
    if MODES.dual_level >= 0 and op.differentiable:
        tx = forward.tangent_of(x)
        ty = forward.tangent_of(y)
        if tx is not None or ty is not None:
            level = forward.suspend()
            try:
                value = op.forward_grad(tx, ty, x, y, out)  # type: ignore[arg-type]
                if value is not None:
                    forward.result_tangent(out, value, [tx, ty])
            finally:
                forward.resume(level)


def inplace_tangent(op: Binary, x: TensorBase, before: TensorBase, y: TensorBase, array: Any) -> Tensor | None:
    """The tangent that ``x`` will have after ``op`` is applied to it in place.

    It is computed from ``before``, a copy whose graph stays valid when value and tangent of ``x`` are written over.
    """
    if y is x:
        y = before
    tx = forward.tangent_of(before)
    ty = forward.tangent_of(y)
    if not op.differentiable:
        return None if tx is None else forward.zeros_beside(tx)
    if tx is None and ty is None:
        return None
    level = forward.suspend()
    try:
        traced = is_grad_enabled() and (requires_grad(before) or requires_grad(y))
        result = binary(op.fresh(), before, y) if traced else make(array)
        return op.forward_grad(tx, ty, before, y, result)  # type: ignore[arg-type]
    finally:
        forward.resume(level)


import numpy as np  # noqa: E402

from .. import _tensor  # noqa: E402
from . import forward  # noqa: E402
from .common import make  # noqa: E402

_empty_like: Final[Any] = np.empty_like
_may_share: Final[Any] = np.may_share_memory
