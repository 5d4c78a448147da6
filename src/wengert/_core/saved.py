"""Values kept for the backward pass.

Note [Saved tensor versions]
    A saved tensor is kept by reference, so an in-place write after saving would corrupt the gradient. Every save remembers
    the version the tensor had; unpacking compares it with the version now and refuses when they differ.

Note [Saved outputs make no cycle]
    The result of an operation holds its node (``grad_fn``). If the node held the result, every graph would be a cycle that
    only the garbage collector could free. So a node keeps the result's array, dtype and version counter, and makes a fresh
    tensor with itself as ``grad_fn`` when the value is asked for.

The common case, an input saved while no hooks are active, is stored by the templates as the tensor itself beside the version;
everything else is a ``Saved``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..kernels.elders import old_from_birth
from . import errors, modes
from .compat import i64
from .graph import Identity, Node
from .tensor_base import Counter, Meta, TensorBase, gradient_edge, shared_counter, version_of

if TYPE_CHECKING:
    from .dtypes import Size, dtype


_ndarray: Final[Any] = np.ndarray


class Saved:
    """A saved output, or a saved value that went through hooks."""

    def __init__(self, array: Any, dt: dtype, shp: Size, counter: Counter, nr: int) -> None:
        self.array: Any = array
        self.dt: dtype = dt
        self.shp: Size = shp
        self.counter: Counter = counter
        self.expected: i64 = counter.value
        self.nr: i64 = nr
        self.is_output: bool = True
        self.original: TensorBase | None = None
        self.edge: object = None
        self.meta: Meta | None = None
        self.hooked: bool = False
        self.packed: Any = None
        self.unpack_hook: Any = None
        self.pack_hook: Any = None

    def unpack(self, node: Node) -> TensorBase:
        """The saved tensor; version-checked unless a hook owns the value."""
        if self.hooked:
            return self.from_hook(node)
        array = self.current(node)
        original = self.original
        if original is not None:
            return original
        return self.attach(_tensor.Tensor(array, self.dt, self.shp), node)

    def current(self, node: Node) -> Any:
        """The array of a saved output that no hook owns, version-checked."""
        if self.counter.value != self.expected:
            raise self.stale(node)
        return self.array

    def attach(self, out: TensorBase, node: Node) -> TensorBase:
        """Give a fresh tensor the history of the output it stands for."""
        out.rg = True
        out.fn = node
        out.nr = self.nr
        out.counter = self.counter
        if self.meta is not None:
            out.meta = self.meta
        return out

    def from_hook(self, node: Node) -> TensorBase:
        """Run the unpack hook; its data takes the place of the saved value in the graph."""
        value = self.unpack_hook(self.packed)
        if not isinstance(value, TensorBase):
            raise TypeError(
                "Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                f"{type(value).__name__}"
            )
        edge: object = node if self.is_output else self.edge
        meta = self.meta
        if edge is None and (meta is None or meta.tangent is None):
            return value
        out: TensorBase = _tensor.Tensor(value.array, value.dt, value.shp)
        out.meta = meta  # the tangent is not the hooks' affair
        if edge is None:
            return out
        out.rg = True
        if isinstance(edge, Node):
            out.fn = edge
            out.nr = self.nr
        else:
            bridge = Identity()
            bridge.set_edges([(edge, 0)])
            bridge.stamp()
            out.fn = bridge
        return out

    def stale(self, node: Node) -> RuntimeError:
        """The error of a value that was overwritten after it was saved."""
        original = self.original
        fn = node if self.is_output else (original.fn if original is not None else None)
        nr = self.nr if self.is_output or original is None else original.nr
        return errors.modified(
            node,
            self.dt,
            self.shp,
            errors.origin_text(fn, int(nr)),
            int(self.counter.value),
            int(self.expected),
            change_of(self.counter, self.expected),
        )

    def pack(self, pack_hook: Any, unpack_hook: Any, node: Node) -> None:
        """Hand the value to a pair of hooks."""
        original = self.original
        if original is None:
            value = self.attach(_tensor.Tensor(self.array, self.dt, self.shp), node)
        else:
            value = original
        before = self.counter.value
        packed = call_pack(pack_hook, value)
        if self.counter.value != before:
            raise RuntimeError(
                "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook cannot be "
                "modified by in-place operations as this can lead to unexpected side-effects. Please open an issue if you "
                "need to perform in-place operations on the input to a pack hook."
            )
        self.packed = packed
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook
        self.hooked = True
        self.array = None
        if original is not None:  # its place in the graph stays; its memory is the hooks' affair now
            self.edge = gradient_edge(original)
            self.nr = original.nr
            if modes.MODES.dual_level >= 0:
                self.meta = original.meta
            self.original = None


old_from_birth(Saved)


def call_pack(pack_hook: Any, value: TensorBase) -> Any:
    """Run a pack hook with recording off: what it computes is not part of the graph."""
    previous = modes.set_grad(False)
    try:
        return pack_hook(value)
    finally:
        modes.set_grad(previous)


def save_output(t: TensorBase, node: Node) -> Saved:
    """Save the result of ``node`` itself."""
    if t.inference:
        raise errors.inference_saved()
    slot = Saved(t.array, t.dt, t.shp, shared_counter(t), int(t.nr))
    if modes.MODES.dual_level >= 0:
        slot.meta = t.ensure_meta()  # the tangent, which is computed after this, belongs to the saved value too
    pair = active_hooks()
    if pair is not None:
        slot.pack(pair[0], pair[1], node)
    return slot


def save_input(t: TensorBase, node: Node) -> object:
    """Save an input: the tensor itself, or a ``Saved`` when hooks are active."""
    if t.inference:
        raise errors.inference_saved()
    pair = active_hooks()
    if pair is None or is_number(t):
        return t
    slot = hold_input(t)
    slot.pack(pair[0], pair[1], node)
    return slot


def is_number(t: TensorBase) -> bool:
    """Whether ``t`` stands for a Python number in the program; such operands are read-only, and hooks never see them."""
    return len(t.shp) == 0 and isinstance(t.array, _ndarray) and not t.array.flags.writeable


def hold_input(t: TensorBase) -> Saved:
    """An input in the form that hooks and lists of saved values need."""
    if t.inference:
        raise errors.inference_saved()
    slot = Saved(None, t.dt, t.shp, shared_counter(t), int(t.nr))
    slot.is_output = False
    slot.original = t
    return slot


def save(t: TensorBase, node: Node, is_output: bool) -> Saved:
    """Save a tensor in a list of saved values."""
    if is_output:
        return save_output(t, node)
    slot = hold_input(t)
    pair = active_hooks()
    if pair is not None:
        slot.pack(pair[0], pair[1], node)
    return slot


def active_hooks() -> Any:
    """The innermost pair of saved-tensor hooks of this thread, or None."""
    if modes.MODES.plain:
        return None
    hooks = modes.thread_modes().saved_hooks
    return hooks[-1] if len(hooks) > 0 else None


def unpack(slot: object, version: i64, node: Node) -> TensorBase | None:
    """The tensor behind a slot of a template; None when it was not needed.

    Raises:
        RuntimeError: when it was freed, or modified since it was saved.
    """
    if slot is None:
        if node.released:
            raise errors.freed(node)
        return None
    if isinstance(slot, Saved):
        return slot.unpack(node)
    assert isinstance(slot, TensorBase)
    if version_of(slot) != version:
        raise stale_input(slot, version, node)
    if slot.meta is not None and slot.meta.dropped_at >= node.sequence:
        raise RuntimeError(
            "Trying to use a saved tensor that has been detached in-place, i.e. with .detach_().This is not supported, please "
            "use out-of-place `.detach()` instead"
        )
    return slot


def stale_input(t: TensorBase, version: i64, node: Node) -> RuntimeError:
    """The error of an input that was overwritten after it was saved."""
    fn = t.fn if t.view_of is None else views.current_fn(t)
    change = "" if t.counter is None else change_of(t.counter, version)
    if change == "" and fn is not None and t.view_of is None and fn.sequence > node.sequence:
        change = errors.source_line(fn.code, fn.lasti)  # the history of ``t`` is younger than what saved it
    return errors.modified(
        node, t.dt, t.shp, errors.origin_text(fn, int(t.nr)), int(version_of(t)), int(version), change
    )


def change_of(counter: Counter, expected: i64) -> str:
    """Where the program wrote to a value after it was saved; empty when that write was not recorded."""
    return errors.source_line(counter.code, counter.lasti) if counter.written > expected else ""


class RawSaved:
    """``node._raw_saved_NAME``: the saved value before unpacking."""

    def __init__(self, node: Node, field: str) -> None:
        self.node: Node = node
        self.field: str = field

    def slot(self) -> Saved | None:
        """The stored value if it went through hooks."""
        found = self.node.saved_slot(self.field)
        return found if isinstance(found, Saved) else None

    def unpack(self) -> TensorBase | None:
        """The saved tensor, as the backward formula will see it."""
        found = self.node.saved_value(self.field)
        assert found is None or isinstance(found, TensorBase)
        return found

    @property
    def data(self) -> Any:
        """What the pack hook returned."""
        slot = self.slot()
        return slot.packed if slot is not None and slot.hooked else self.unpack()

    @property
    def unpack_hook(self) -> Any:
        """The unpack hook, or None."""
        slot = self.slot()
        return slot.unpack_hook if slot is not None else None

    def register_hooks(self, pack_hook: Any, unpack_hook: Any) -> None:
        """Pass the saved value through a pair of hooks, once."""
        if self.node.released:
            raise RuntimeError(
                "Calling register_hooks on a saved tensor after it has been freed. Saved intermediate values of the graph "
                "are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward "
                "through the graph a second time or if you need to access saved tensors after calling backward."
            )
        slot = self.slot()
        if slot is not None and slot.hooked:
            raise RuntimeError(
                "Calling register_hooks on a saved tensor whose hooks have already been set. Hint: only one pair of hooks "
                "is allowed at a time."
            )
        if slot is None:
            value = self.unpack()
            if value is None:
                raise RuntimeError("Calling register_hooks on a saved tensor with value None is forbidden")
            slot = hold_input(value)
            slot.pack(pack_hook, unpack_hook, self.node)
            self.node.set_saved_slot(self.field, slot)
        else:
            slot.pack(pack_hook, unpack_hook, self.node)


from .. import _tensor  # noqa: E402
from . import views  # noqa: E402
