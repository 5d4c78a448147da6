"""Views and in-place operations: who shares memory with whom, and how history is rewritten after a write.

Note [History of views]
    A view refers to the root of its chain, its base. When memory is written through any of them, the base's history is
    rewritten: if the write went through a view, the base gets a ``CopySlices`` node that routes the gradient of the written
    region through the operation and leaves the rest alone. Every other view notices by the version counter that its own
    ``grad_fn`` is stale, and makes a new one, ``AsStridedBackward0``, from its geometry when it is next asked for it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from . import errors
from .compat import i64
from .graph import Node
from .tensor_base import TensorBase, gradient_edge, memory, requires_grad, version_of

# How a view came to be decides whether it may be written to.
DEFAULT: Final = 0
NO_GRAD: Final = 1
MULTI_OUTPUT: Final = 2
CUSTOM_FUNCTION: Final = 3
INFERENCE: Final = 4

_as_strided: Final[Any] = np.lib.stride_tricks.as_strided
_may_share_memory: Final[Any] = np.may_share_memory
_ndarray: Final[Any] = np.ndarray
_add_at: Final[Any] = np.add.at


class Writes:
    """Who wants to know of in-place operations before they write: nobody, while ``watched`` is False."""

    def __init__(self) -> None:
        self.watched: bool = False
        self.count: int = 0
        self.call: Any = None

    def watch(self, call: Any) -> None:
        """Call ``call(array)`` before each write, until ``unwatch`` was called as often as ``watch``."""
        self.call = call
        self.count += 1
        self.watched = True

    def unwatch(self) -> None:
        """Undo one ``watch``."""
        self.count -= 1
        self.watched = self.count > 0


WRITES: Final = Writes()


class ViewInfo:
    """What a view knows: its base, how it was made, and for which version its ``grad_fn`` holds.

    ``steps`` are the view operators that lead from the base to the view, where it has another dtype than the base (real view
    of complex numbers): then strides alone do not describe it. Elsewhere None. ``primal`` says that the view shows values
    without the tangents of its base.
    """

    def __init__(self, base: TensorBase, kind: int, version: i64, steps: list[Any] | None) -> None:
        self.base: TensorBase = base
        self.kind: i64 = kind
        self.version: i64 = version
        self.steps: list[Any] | None = steps
        self.primal: bool = False


def new_accumulator(t: TensorBase) -> Node:
    """A fresh ``AccumulateGrad`` for a leaf."""
    node: Node = interpreted.AccumulateGrad(t)
    return node


def root_of(t: TensorBase) -> TensorBase:
    """The base that a view of ``t`` refers to."""
    view = t.view_of
    return t if view is None else view.base


def current_fn(t: TensorBase) -> Node | None:
    """The ``grad_fn`` of a view, remade when its memory was written through another tensor."""
    view = t.view_of
    if view is None:
        return t.fn
    base = view.base
    if t.fn is None and not base.rg:
        return None
    version = version_of(t)
    if view.version != version:
        check_view_write(t, view, True)
        old = t.fn
        old_nr = int(t.nr)
        t.fn = remade_fn(t, view)
        t.nr = 0
        t.rg = True
        view.version = version
        hooks.move_retained(t, old, old_nr)
    return t.fn


def remade_fn(t: TensorBase, view: ViewInfo) -> Node:
    """A node that takes the view out of its base's present history."""
    if view.steps is not None:
        return retaken_fn(view.base, view.steps)
    node = strided_node(t, view.base)
    node.set_edges([(gradient_edge(view.base), int(view.base.nr))])
    node.stamp()
    return node


def retaken(source: Any, steps: list[Any]) -> Any:
    """The view that ``steps`` lead to, taken of another tensor with the layout of the base."""
    for step in steps:
        source = step.take(source)
    return source


def retaken_fn(base: TensorBase, steps: list[Any]) -> Node:
    """The node of the view taken again, recorded in whatever mode the caller is."""
    previous = modes.set_grad(True)
    try:
        node: Node = retaken(base, steps).fn
        return node
    finally:
        modes.set_grad(previous)


def element_strides(array: Any) -> tuple[int, ...]:
    """Strides counted in elements, as PyTorch counts them."""
    size = array.itemsize
    found = tuple([s // size for s in array.strides])
    if array.size > 0 or any(found):
        return found
    # NumPy gives new arrays without elements strides of 0, PyTorch those of an array with 1 for every size 0.
    steps = []
    step = 1
    for n in reversed(array.shape):
        steps.append(step)
        step *= max(n, 1)
    return tuple(reversed(steps))


def address(array: Any) -> int:
    """Where the first element lies in memory."""
    found: int = array.__array_interface__["data"][0]
    return found


def offset_between(array: Any, root: Any) -> int:
    """How many elements after the first one of ``root`` that of ``array`` lies.

    After ``base.data = other`` the old views keep the old memory; then each is measured in its own.
    """
    if _may_share_memory(array, root):
        return (address(array) - address(root)) // int(array.itemsize)
    return (address(array) - address(owner(array)) - address(root) + address(owner(root))) // int(array.itemsize)


def owner(array: Any) -> Any:
    """The array that owns the memory of a view."""
    base = array.base
    while base is not None:
        if isinstance(base, _ndarray):
            array = base
        base = getattr(base, "base", None)  # as_strided puts an object of its own between two arrays
    return array


def storage(t: TensorBase) -> Any:
    """The memory that offsets of ``t`` count from: that of its base, if it lies in it still."""
    array = memory(t)
    root = memory(root_of(t))
    return root if root is array or array.size == 0 or _may_share_memory(array, root) else owner(array)


def strided_node(t: TensorBase, base: TensorBase) -> AsStridedBackward0:
    """The geometry of ``t`` within ``base`` as a node without edges."""
    array = memory(t)
    root = memory(base)
    return AsStridedBackward0(
        array.shape, element_strides(array), offset_between(array, root), root.shape, element_strides(root)
    )


def extent(shape: tuple[int, ...], stride: tuple[int, ...]) -> int:
    """Number of elements of memory between the first and the last element, both included."""
    if 0 in shape:
        return 0
    last = 1
    for n, s in zip(shape, stride, strict=True):
        last += (n - 1) * s
    return last


def overlaps_itself(shape: tuple[int, ...], stride: tuple[int, ...]) -> bool:
    """Whether several elements may lie at one address: sorted by stride, each dimension must step over the last ones."""
    reach = 0
    for s, n in sorted([(abs(s), n) for s, n in zip(stride, shape, strict=True) if n > 1]):
        if s <= reach:
            return True
        reach += s * (n - 1)
    return False


class AsStridedBackward0(Node):
    """View with given size, stride and offset (in elements) of a tensor's memory.

    The gradient goes back to the places the elements came from; where several came from one place, it is summed.
    """

    def __init__(
        self,
        size: tuple[int, ...],
        stride: tuple[int, ...],
        offset: int,
        base_size: tuple[int, ...],
        base_stride: tuple[int, ...],
    ) -> None:
        self.size: tuple[int, ...] = size
        self.stride: tuple[int, ...] = stride
        self.offset: int = offset
        self.base_size: tuple[int, ...] = base_size
        self.base_stride: tuple[int, ...] = base_stride
        # A view may begin before the tensor it was taken of, when that is a view itself.
        self.lead: int = max(0, -offset)

    def total(self) -> int:
        """Number of elements of a buffer that holds both the base and the view."""
        return max(
            self.lead + extent(self.base_size, self.base_stride),
            self.lead + self.offset + extent(self.size, self.stride),
        )

    def vjp(self, grad: TensorBase) -> tuple[TensorBase | None, TensorBase | None]:
        """Scatter the gradient into zeros of the base's shape."""
        if modes.MODES.unusual or (modes.is_grad_enabled() and requires_grad(grad)):
            return self.scatter_recorded(grad), None
        total = self.total()
        buffer = np.zeros(total, grad.dt.np)
        region = self.region(buffer)
        if overlaps_itself(self.size, self.stride):
            places = self.region(np.arange(total))
            _add_at(buffer, places, grad.array)
        elif region.size > 0:
            region[...] = grad.array
        shared = self.multiplicity(total, grad.dt.np)
        if shared is not None:
            buffer /= shared
        return from_array(self.base_view(buffer)), None

    def scatter_recorded(self, grad: TensorBase) -> TensorBase:
        """The same through differentiable operations, for higher derivatives."""
        total = self.total()
        places = from_array(np.ascontiguousarray(self.region(np.arange(total))).reshape(-1))
        flat: Any = from_array(np.zeros(total, grad.dt.np))
        wide: Any = grad
        summed: Any = flat.index_add(0, places, wide.reshape(-1))
        shared = self.multiplicity(total, grad.dt.np)
        if shared is not None:
            summed = summed / from_array(shared)
        back = from_array(np.ascontiguousarray(self.base_view(np.arange(total))).reshape(-1))
        result: TensorBase = summed.index_select(0, back).reshape(self.base_size)
        return result

    def multiplicity(self, total: int, dt: Any) -> Any:
        """How many elements of the base lie at each place of the buffer (at least 1); None when never more than one.

        Where several do (an expanded base), the gradient of the place is divided among them.
        """
        if not overlaps_itself(self.base_size, self.base_stride):
            return None
        counts = np.zeros(total, dt)
        _add_at(counts, self.base_view(np.arange(total)), 1)
        return np.maximum(counts.real, 1)

    def region(self, buffer: Any) -> Any:
        """The view's elements within a buffer laid out like the base's memory."""
        step = buffer.itemsize
        return _as_strided(buffer[self.lead + self.offset :], self.size, [s * step for s in self.stride])

    def base_view(self, buffer: Any) -> Any:
        """The base's elements within the buffer."""
        step = buffer.itemsize
        return _as_strided(buffer[self.lead :], self.base_size, [s * step for s in self.base_stride])

    def take(self, t: Any) -> Any:
        """The same region of another tensor."""
        return t.as_strided(self.size, self.stride, t.storage_offset() + self.offset)

    def saved_names(self) -> list[str]:
        """Geometry of the view."""
        return ["size", "stride", "storage_offset"]

    def plain_names(self) -> list[str]:
        """None of it is a tensor."""
        return ["size", "stride", "storage_offset"]

    def saved_value(self, name: str) -> Any:
        """Size, stride or offset."""
        if name == "size":
            return self.size
        return self.stride if name == "stride" else self.offset


class CopySlices(Node):
    """History of a base after an in-place operation on one of its views.

    ``fn`` is the node of that operation. The gradient of the base's written region passes through it; the rest of the base's
    gradient passes unchanged.
    """

    fn: Node | None = None

    def __init__(self, fn: Node, geometry: AsStridedBackward0, steps: list[Any]) -> None:
        self.fn = fn
        self.geometry: AsStridedBackward0 = geometry
        self.steps: list[Any] = steps
        self.many = True

    def vjp_many(self, grads: list[TensorBase | None]) -> list[TensorBase | None]:
        """Route the region's gradient through ``fn``."""
        fn = self.fn
        if fn is None:
            raise errors.freed(self)
        grad = grads[0]
        if grad is None:
            return [None] * self.arity
        geometry = self.geometry
        whole: Any = strided_clone(grad, geometry.base_size, geometry.base_stride)
        region: Any = retaken(whole, self.steps)
        results = fn.vjp_many([region.clone()])
        inner = results[0]
        if inner is None:
            region.zero_()
        else:
            region.copy_(inner)
        results[0] = whole if self.next0 is not None else None
        return results

    def release(self) -> None:
        """Drop the operation's node: a second pass is refused, as in PyTorch."""
        self.fn = None
        self.released = True


def strided_clone(grad: Any, shape: tuple[int, ...], stride: tuple[int, ...]) -> Any:
    """A copy of ``grad`` whose elements lie in memory as those of the base do."""
    buffer = np.zeros(extent(shape, stride), grad.dt.np)
    step = buffer.itemsize
    out: Any = from_array(_as_strided(buffer, shape, [s * step for s in stride]))
    return out.copy_(grad)


def set_view(out: TensorBase, source: TensorBase, kind: int, op: Any) -> None:
    """Make ``out``, which shares memory with ``source``, a view of it; ``op`` is the view operator if it can be repeated.

    Inference tensors have neither versions nor views: they only share memory.
    """
    if source.inference:
        out.inference = True
        return
    base = root_of(source)
    out.counter = shared_counter(base)
    parent = source.view_of
    if parent is not None and kind == DEFAULT:
        kind = int(parent.kind)
    steps: list[Any] | None = None
    if out.dt is not source.dt or (parent is not None and parent.steps is not None):
        steps = steps_to(out, source, op)
    if kind == NO_GRAD and modes.is_inference_mode_enabled():
        kind = INFERENCE
    out.view_of = ViewInfo(base, kind, out.counter.value, steps)
    if parent is not None and parent.primal:
        out.view_of.primal = True


def steps_to(out: TensorBase, source: TensorBase, op: Any) -> list[Any]:
    """The view operators that lead from the base of ``source`` to ``out``."""
    steps: list[Any] = []
    parent = source.view_of
    if parent is not None:
        steps = [strided_node(source, parent.base)] if parent.steps is None else list(parent.steps)
    steps.append(strided_node(out, source) if out.dt is source.dt else op)
    return steps


def check_view_write(t: TensorBase, view: ViewInfo, indirect: bool) -> None:
    """Refuse to rewrite the history of views for which that would give wrong gradients."""
    kind = view.kind
    if kind == DEFAULT:
        return
    modified = (
        "its base or another view of its base has been modified inplace" if indirect else "is being modified inplace"
    )
    fn = t.fn
    origin = "" if fn is None else f"Output {t.nr} of {errors.short_name(fn)} is a view"
    made = "A view was" if fn is None else origin + " of a view which was"
    if kind == INFERENCE:
        text = f"{made} created in inference mode and {modified} in normal mode."
    elif kind == NO_GRAD or fn is None:
        text = f"{made} created in no_grad mode and {modified} with grad mode enabled."
    else:
        text = f"{origin} and {modified}."
    raise RuntimeError(text + VIEW_REASONS[int(kind)])


BOTH_OR_NONE: Final = (
    " Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both "
    "the view and the inplace either both inside the {} block (if you don't want the inplace to be tracked) or "
    "both outside (if you want the inplace to be tracked)."
)
VIEW_REASONS: Final[dict[int, str]] = {
    NO_GRAD: BOTH_OR_NONE.format("no_grad"),
    INFERENCE: BOTH_OR_NONE.format("inference_mode"),
    MULTI_OUTPUT: (
        " This view is the output of a function that returns multiple views. Such functions do not allow the output views "
        "to be modified inplace. You should replace the inplace operation by an out-of-place one."
    ),
    CUSTOM_FUNCTION: (
        " This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic to "
        "handle view+inplace would override the custom backward associated with the custom Function, leading to incorrect "
        "gradients. This behavior is forbidden. You can fix this by cloning the output of the custom Function."
    ),
}


def check_inplace(t: TensorBase, any_requires_grad: bool) -> bool:
    """Check that ``t`` may be written to; True when the write must be recorded.

    Raises:
        RuntimeError: for leaves that require grad, their views, and views whose history cannot be rewritten.
    """
    if WRITES.watched:
        WRITES.call(memory(t))
    if t.inference and not modes.is_inference_mode_enabled():
        raise errors.inference_inplace()
    if not any_requires_grad or not modes.is_grad_enabled():
        return False
    view = t.view_of
    if view is not None:
        check_view_write(t, view, False)
        if requires_grad(t) and view.base.fn is None:
            raise errors.leaf_inplace(True)
    if t.rg and t.fn is None:
        raise errors.leaf_inplace(view is not None)
    return True


def check_writable(array: Any) -> None:
    """Refuse to write where several elements share one place in memory (expanded tensors)."""
    if 0 in array.strides and array.size > 1:
        for n, s in zip(array.shape, array.strides, strict=True):
            if s == 0 and n > 1:
                raise RuntimeError(errors.with_hints(errors.EXPANDED, "expanded tensors are read-only in this sense"))


def rebase(t: TensorBase, node: Node) -> None:
    """Make ``node`` the history of ``t`` after it was written to (the version is already raised)."""
    counter = t.counter
    if counter is not None:
        counter.written = counter.value
        counter.code = node.code
        counter.lasti = node.lasti
    view = t.view_of
    if view is None:
        old = t.fn
        old_nr = int(t.nr)
        t.fn = node
        t.nr = 0
        t.rg = True
        hooks.move_retained(t, old, old_nr)
        return
    base = view.base
    geometry = strided_node(t, base)
    copy = CopySlices(node, geometry, [geometry] if view.steps is None else view.steps)
    edges = node.edges()
    edges[0] = (gradient_edge(base), int(base.nr))
    copy.set_edges(edges)
    copy.stamp()
    old = base.fn
    old_nr = int(base.nr)
    base.fn = copy
    base.nr = 0
    base.rg = True
    hooks.move_retained(base, old, old_nr)
    old = t.fn
    old_nr = int(t.nr)
    t.fn = remade_fn(t, view)
    t.nr = 0
    t.rg = True
    view.version = version_of(t)
    hooks.move_retained(t, old, old_nr)


from . import hooks, interpreted, modes  # noqa: E402
from .tensor_base import from_array, shared_counter  # noqa: E402
