"""Views as copies: ``expand_copy`` is ``expand`` with memory of its own, and so on.

Each is the view, copied; its node sends the gradient the way the node of the view would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.dtypes import DType
from .._core.graph import Node
from .._core.modes import MODES
from .._core.tensor_base import TensorBase, memory
from .._record import forward
from .._record.common import make
from ..kernels import row_major
from . import shape, shape_axes, shape_parts, shape_splits

if TYPE_CHECKING:
    from .._tensor import Tensor


class Copied(Node):
    """Base of the nodes of copied views. ``part`` is the node of the view, which knows where the gradient goes."""

    def __init__(self, part: Node) -> None:
        self.part: Node = part
        self.next0 = part.next0
        self.nr0 = part.nr0
        self.many = part.many

    def vjp(self, grad: TensorBase) -> tuple[TensorBase | None, TensorBase | None]:
        return self.part.vjp(grad)

    def vjp_many(self, grads: list[TensorBase | None]) -> list[TensorBase | None]:
        return self.part.vjp_many(grads)

    def output_count(self) -> int:
        return self.part.output_count()

    def saved_names(self) -> list[str]:
        return self.part.saved_names()

    def plain_names(self) -> list[str]:
        return self.part.saved_names()

    def saved_value(self, name: str) -> Any:
        return self.part.saved_value(name)


class AliasBackward0_copy(Copied):
    """``alias_copy``."""


class AsStridedBackward0_copy(Copied):
    """``as_strided_copy``."""


class DiagonalBackward0_copy(Copied):
    """``diagonal_copy``."""


class ExpandBackward0_copy(Copied):
    """``expand_copy``."""


class NarrowCopyBackward0(Copied):
    """``narrow_copy``."""


class PermuteBackward0_copy(Copied):
    """``permute_copy``."""


class SplitWithSizesBackward0_copy(Copied):
    """``split_with_sizes_copy``."""


class SqueezeBackward0_copy(Copied):
    """``squeeze_copy`` of all dimensions."""


class SqueezeBackward1_copy(Copied):
    """``squeeze_copy`` of one dimension."""


class SqueezeBackward2_copy(Copied):
    """``squeeze_copy`` of some dimensions."""


class TBackward0_copy(Copied):
    """``t_copy``."""


class TransposeBackward0_copy(Copied):
    """``transpose_copy``."""


class UnbindBackward0_copy(Copied):
    """``unbind_copy``."""


class UnfoldBackward0_copy(Copied):
    """``unfold_copy``."""


class UnsqueezeBackward0_copy(Copied):
    """``unsqueeze_copy``."""


class ViewBackward0_copy(Copied):
    """``view_copy``."""


def copied(kind: Any, views: list[Tensor]) -> list[Tensor]:
    """Views with memory of their own, whose node is of class ``kind``."""
    outs: list[Tensor] = []
    node: Any = None
    for y in views:
        out = make(row_major(memory(y)))
        part = y.fn
        if y.rg and part is not None:
            if node is None:
                node = kind(part)
                node.stamp()
            out.rg = True
            out.fn = node
            out.nr = y.nr
        if MODES.dual_level >= 0:
            tangent = forward.tangent_of(y)
            if tangent is not None:
                forward.set_tangent(out, tangent.clone())
        outs.append(out)
    return outs


def detach(self: Tensor) -> Tensor:
    """A leaf without history that shares the memory and the version counter of ``self``.

    Variants: function
    """
    return self.detach()


def detach_(self: Tensor) -> Tensor:
    """Drop the history of ``self``: it becomes a leaf that does not require grad.

    Variants: function
    """
    return self.detach_()


def alias_copy(self: Tensor) -> Tensor:
    """A contiguous copy.

    Variants: function out
    """
    return copied(AliasBackward0_copy, [shape.alias(self)])[0]


def as_strided_copy(self: Tensor, size: Any, stride: Any, storage_offset: Any = None) -> Tensor:
    """``as_strided`` as a copy.

    Variants: function out
    """
    return copied(AsStridedBackward0_copy, [shape_parts.as_strided(self, size, stride, storage_offset)])[0]


def diagonal_copy(self: Tensor, offset: Any = 0, dim1: Any = 0, dim2: Any = 1) -> Tensor:
    """``diagonal`` as a copy.

    Variants: function out
    """
    return copied(DiagonalBackward0_copy, [shape_parts.diagonal(self, offset, dim1, dim2)])[0]


def expand_copy(self: Tensor, size: Any, *, implicit: bool = False) -> Tensor:
    """``expand`` as a copy, in which every element has a place of its own.

    Variants: function out
    """
    return copied(ExpandBackward0_copy, [shape.expand(self, size=size)])[0]


def narrow_copy(self: Tensor, dim: Any, start: Any, length: Any) -> Tensor:
    """``narrow`` as a copy.

    Variants: function method out
    """
    return copied(NarrowCopyBackward0, [shape_parts.narrow(self, dim, start, length)])[0]


def permute_copy(self: Tensor, dims: Any) -> Tensor:
    """``permute`` as a copy.

    Variants: function out
    """
    return copied(PermuteBackward0_copy, [shape_axes.permute(self, dims=dims)])[0]


def squeeze_copy(self: Tensor, dim: Any = None) -> Tensor:
    """``squeeze`` as a copy.

    Variants: function out
    """
    if dim is None:
        return copied(SqueezeBackward0_copy, [shape.squeeze(self)])[0]
    kind = SqueezeBackward2_copy if isinstance(dim, (tuple, list)) else SqueezeBackward1_copy
    return copied(kind, [shape.squeeze(self, dim)])[0]


def t_copy(self: Tensor) -> Tensor:
    """``t`` as a copy.

    Variants: function out
    """
    return copied(TBackward0_copy, [shape_axes.t(self)])[0]


def transpose_copy(self: Tensor, dim0: Any, dim1: Any) -> Tensor:
    """``transpose`` as a copy.

    Variants: function out
    """
    return copied(TransposeBackward0_copy, [shape_axes.transpose(self, dim0, dim1)])[0]


def unfold_copy(self: Tensor, dimension: Any, size: Any, step: Any) -> Tensor:
    """``Tensor.unfold`` as a copy, in which overlapping windows have memory of their own.

    Variants: function out
    """
    return copied(UnfoldBackward0_copy, [shape_parts.unfold(self, dimension, size, step)])[0]


def unsqueeze_copy(self: Tensor, dim: Any) -> Tensor:
    """``unsqueeze`` as a copy.

    Variants: function out
    """
    return copied(UnsqueezeBackward0_copy, [shape.unsqueeze(self, dim)])[0]


def view_copy(self: Tensor, size: Any = None, *, dtype: Any = None) -> Tensor:
    """The elements in another shape, or (``dtype``) their bytes as another dtype, as a copy.

    Variants: function out
    """
    if dtype is not None or isinstance(size, DType):
        return copied(ViewBackward0_copy, [shape.view(self, dtype=size if dtype is None else dtype)])[0]
    return copied(ViewBackward0_copy, [shape.view(self.contiguous(), size=size)])[0]


def split_with_sizes_copy(self: Tensor, split_sizes: Any, dim: Any = 0) -> tuple[Tensor, ...]:
    """``split_with_sizes`` as copies.

    Variants: function
    """
    return tuple(copied(SplitWithSizesBackward0_copy, list(shape_splits.split_with_sizes(self, split_sizes, dim))))


def unbind_copy(self: Tensor, dim: Any = 0) -> tuple[Tensor, ...]:
    """``unbind`` as copies.

    Variants: function
    """
    return tuple(copied(UnbindBackward0_copy, list(shape_splits.unbind(self, dim))))
