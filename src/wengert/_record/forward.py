"""Forward mode: tangents beside values. One level exists, so the rules themselves run with the level suspended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import views
from .._core.dtypes import FLOATING
from .._core.modes import MODES, set_dual_level
from .._core.tensor_base import TensorBase, mark_inference, memory

if TYPE_CHECKING:
    from .._tensor import Tensor
    from .unary import Unary

_ndarray: Final[Any] = np.ndarray


def tangent_of(t: TensorBase) -> Tensor | None:
    """The tangent of ``t`` at the present level; a view looks through to its base when it has none of its own."""
    meta = t.meta
    if meta is not None and meta.tangent is not None:
        return meta.tangent  # type: ignore[return-value]
    info = t.view_of
    if info is None or info.base.meta is None or info.base.meta.tangent is None or info.primal:
        return None
    if t.dt.category < FLOATING:
        return None
    level = suspend()  # the base was written to after the view was made
    try:
        return view_in_base(t, info.base)
    finally:
        resume(level)


def set_tangent(t: TensorBase, tangent: TensorBase | None) -> None:
    """Attach a tangent; it dies with the level."""
    if tangent is not None and t.view_of is None:
        tangent = laid_out(t, tangent)
    t.ensure_meta().tangent = tangent
    LEVEL.members.append(t)


def laid_out(t: TensorBase, tangent: Any) -> Any:
    """The tangent of ``t``, copied if its elements lie in memory in another way than those of ``t``.

    Only then has every view of ``t`` a view of the tangent that goes with it, so that writes through one reach the other.
    """
    array, own = t.array, tangent.array
    if type(array) is not _ndarray or type(own) is not _ndarray or lie_alike(array, own):
        return tangent
    stride = views.element_strides(array)
    if views.overlaps_itself(array.shape, stride):
        return tangent
    return views.strided_clone(tangent, array.shape, stride)


def lie_alike(array: Any, other: Any) -> bool:
    """Whether two arrays of one shape have their elements at the same places in memory; steps that nobody takes may differ."""
    return bool(array.strides == other.strides or (array.flags.c_contiguous and other.flags.c_contiguous))


def zeros_beside(t: TensorBase) -> Tensor:
    """A tangent of zeros, which lie in memory as ``t`` does."""
    return make(np.zeros_like(memory(t)))


def result_tangent(out: TensorBase, value: Tensor, sources: list[Tensor | None]) -> None:
    """Attach the tangent of a result that has memory of its own.

    It must not share memory with the tangents of the inputs: what is written to the result later would reach them.
    """
    shared = value.view_of is not None
    for source in sources:
        if value is source:
            shared = True
    set_tangent(out, value.clone() if shared else value)


def copied_tangent(t: TensorBase) -> Tensor | None:
    """The tangent of ``t`` in memory of its own."""
    tangent = tangent_of(t)
    if tangent is None:
        return None
    level = suspend()
    try:
        return tangent.clone()
    finally:
        resume(level)


def same_layout(x: TensorBase, tangent: Tensor) -> Tensor:
    """A copy of the tangent of ``x`` whose elements lie in memory in the order of those of ``x``."""
    copy = make(np.empty_like(memory(x)))
    return copy.copy_(tangent)


def write_tangent(x: TensorBase, value: TensorBase) -> None:
    """Give ``x``, which was written to, its new tangent.

    An existing tangent is overwritten in place, so that the tangents of views of the same memory follow. A view without
    a tangent gets one that views a new tangent of its base.
    """
    tangent: Any = tangent_of(x)
    level = suspend()
    try:
        if tangent is None and x.view_of is not None:
            tangent = view_in_base(x, x.view_of.base)
        if tangent is None:
            set_tangent(x, value)
        else:
            tangent.copy_(value)
    finally:
        resume(level)


def view_in_base(x: TensorBase, base: TensorBase) -> Any:
    """A tangent for the view ``x`` that is a view of the tangent of its base, zeros where that has none yet.

    None when the tangent of the base is laid out differently in memory.
    """
    whole: Any = tangent_of(base)
    if whole is None:
        whole = zeros_beside(base)
        set_tangent(base, whole)
    info = x.view_of
    if info is not None and info.steps is not None:
        tangent = views.retaken(whole, info.steps)
        set_tangent(x, tangent)
        return tangent
    place = views.strided_node(x, base)
    if place.base_stride != whole.stride() and not lie_alike(memory(base), memory(whole)):
        return None
    tangent = whole.as_strided(place.size, place.stride, place.offset)
    set_tangent(x, tangent)
    return tangent


class Level:
    """Tensors that carry a tangent, so that leaving the level can clear them."""

    def __init__(self) -> None:
        self.members: list[TensorBase] = []


LEVEL = Level()


def clear() -> None:
    """Drop all tangents of the level that ends."""
    for t in LEVEL.members:
        if t.meta is not None:
            t.meta.tangent = None
    LEVEL.members.clear()


def suspend() -> int:
    """Stop forward mode while a rule computes with tangents."""
    level = int(MODES.dual_level)
    set_dual_level(-1)
    return level


def resume(level: int) -> None:
    """Undo ``suspend``."""
    set_dual_level(level)


@contextmanager
def own_level() -> Iterator[None]:
    """A level beside the one that is suspended, for tensors that nobody else knows."""
    others, LEVEL.members = LEVEL.members, []
    level = suspend()
    resume(0)
    try:
        yield
    finally:
        clear()
        LEVEL.members = others
        resume(level)


def mark(out: TensorBase) -> None:
    """Results made in inference mode are inference tensors."""
    mark_inference(out)


def inplace_tangent(op: Unary, x: TensorBase) -> Tensor | None:
    """The tangent that ``x`` will have after ``op`` is applied to it in place.

    It is computed from copies, whose graph stays valid when value and tangent of ``x`` are written over.
    """
    tangent = copied_tangent(x)
    if tangent is None:
        return None
    if not op.differentiable:
        return zeros_beside(tangent)
    level = suspend()
    try:
        old: Any = x
        old = old.clone()
        return op.forward_grad(tangent, old, unary(op.fresh(), old))
    finally:
        resume(level)


from .common import make  # noqa: E402
from .unary import unary  # noqa: E402
