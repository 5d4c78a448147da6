"""Several parts of a tensor at once: split, chunk, unbind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors
from .._core.modes import MODES, is_grad_enabled
from .._core.tensor_base import TensorBase, from_array
from .._record.common import int_of, wrap_dim
from .._record.view import MultiView, multi_view
from ..kernels import empty
from .shape_parts import slice_view
from .sizes import sizes_of, whole

if TYPE_CHECKING:
    from .._tensor import Tensor


class Parts(MultiView):
    """Base of the views that cut a dimension into consecutive parts."""

    def __init__(self, sizes: list[int], dim: int) -> None:
        self.sizes: list[int] = sizes
        self.dim: int = dim

    def forward(self, x: Any) -> list[Any]:
        lead = (slice(None),) * self.dim
        found: list[Any] = []
        start = 0
        for n in self.sizes:
            found.append(x[(*lead, slice(start, start + n))])
            start += n
        return found

    def backward(self, grads: list[Tensor | None]) -> Tensor:
        if MODES.unusual or is_grad_enabled():  # else there is neither graph nor tangent
            return join.cat(
                [self.zeros(n) if g is None else g for n, g in zip(self.sizes, grads, strict=True)], self.dim
            )
        some = next(g for g in grads if g is not None)
        out = empty(tuple(self.shape), some.dt.np)
        for place, g in zip(self.forward(out), grads, strict=True):
            place[...] = 0 if g is None else g.array
        return from_array(out)  # type: ignore[return-value]

    def zeros(self, n: int) -> Tensor:
        """Gradient of a part that none arrived for."""
        shape = (*self.shape[: self.dim], n, *self.shape[self.dim + 1 :])
        return from_array(np.zeros(shape, self.dt.np))  # type: ignore[return-value]


class SplitBackward0(Parts):
    """Parts of one size."""

    def again(self) -> MultiView:
        return SplitBackward0(self.sizes, self.dim)

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim, "self_sym_sizes": tuple(self.shape), "split_size": self.sizes[0]}


class SplitWithSizesBackward0(Parts):
    """Parts of given sizes."""

    def again(self) -> MultiView:
        return SplitWithSizesBackward0(self.sizes, self.dim)

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim, "self_sym_sizes": tuple(self.shape), "split_sizes": tuple(self.sizes)}


class UnbindBackward0(MultiView):
    """All indices of a dimension, one by one."""

    def __init__(self, dim: int) -> None:
        self.dim: int = dim

    def forward(self, x: Any) -> list[Any]:
        lead = (slice(None),) * self.dim
        return [x[(*lead, i, ...)] for i in range(x.shape[self.dim])]

    def backward(self, grads: list[Tensor | None]) -> Tensor:
        if MODES.unusual or is_grad_enabled():  # else there is neither graph nor tangent
            shape = self.shape[: self.dim] + self.shape[self.dim + 1 :]
            zero: Any = from_array(np.zeros(shape, self.dt.np))
            return join.stack([zero if g is None else g for g in grads], self.dim)
        some = next(g for g in grads if g is not None)
        out = empty(tuple(self.shape), some.dt.np)
        for place, g in zip(self.forward(out), grads, strict=True):
            place[...] = 0 if g is None else g.array
        return from_array(out)  # type: ignore[return-value]

    def again(self) -> MultiView:
        return UnbindBackward0(self.dim)

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim}


def split(self: Tensor, split_size: Any, dim: Any = 0) -> tuple[Tensor, ...]:
    """Consecutive parts of dimension ``dim``.

    Args:
        split_size: size of every part (the last may be smaller), or the list of all sizes.

    Returns:
        A tuple of views; they may not be modified in place when gradients are recorded.

    Raises:
        RuntimeError: when the sizes do not add up to that of the dimension.

    Variants: function method
    """
    if isinstance(split_size, (list, tuple)):
        return split_with_sizes(self, split_size, dim)
    if len(self.shp) == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    d = wrap_dim(dim, len(self.shp))
    size = whole(split_size, "split", "split_size", 1)
    n = self.shp[d]
    if size < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
    if size == 0 and n > 0:
        raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}")
    parts = max((n + size - 1) // size, 1) if size > 0 else 1
    sizes = [min(size, n - i * size) for i in range(parts)]
    return tuple(multi_view(SplitBackward0(sizes, d), self))


def split_with_sizes(self: Tensor, split_sizes: Any, dim: Any = 0) -> tuple[Tensor, ...]:
    """Consecutive parts of dimension ``dim``, of the sizes given.

    Variants: function method
    """
    if len(self.shp) == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    d = wrap_dim(dim, len(self.shp))
    sizes = sizes_of((), tuple(split_sizes), "split_with_sizes", "split_sizes")
    total = 0
    for n in sizes:
        if n < 0:
            raise RuntimeError(
                f"split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={list(sizes)}"
            )
        total += n
    if total != self.shp[d]:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {self.shp[d]} (input tensor's size at dimension {d}), but "
            f"got split_sizes={list(sizes)}"
        )
    return tuple(multi_view(SplitWithSizesBackward0(list(sizes), d), self))


def chunk(self: Tensor, chunks: Any, dim: Any = 0) -> tuple[Tensor, ...]:
    """At most ``chunks`` parts of one size (the last may be smaller).

    Variants: function method
    """
    if len(self.shp) == 0:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    wanted = int_of(chunks)
    if wanted <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {wanted}")
    d = wrap_dim(dim, len(self.shp))
    n = self.shp[d]
    size = (n + wanted - 1) // wanted
    if size == 0:
        return split_with_sizes(self, [0] * wanted, d)
    return split(self, size, d)


def unsafe_split(self: Tensor, split_size: Any, dim: Any = 0) -> tuple[Tensor, ...]:
    """As ``split``, but the parts are copies, which may be modified in place.

    Variants: function method
    """
    return tuple([part.clone() for part in split(self, split_size, dim)])


def unsafe_split_with_sizes(self: Tensor, split_sizes: Any, dim: Any = 0) -> tuple[Tensor, ...]:
    """As ``split_with_sizes``, but the parts are copies, which may be modified in place.

    Variants: function method
    """
    return tuple([part.clone() for part in split_with_sizes(self, split_sizes, dim)])


def unsafe_chunk(self: Tensor, chunks: Any, dim: Any = 0) -> tuple[Tensor, ...]:
    """As ``chunk``, but the parts are copies, which may be modified in place.

    Variants: function method
    """
    return tuple([part.clone() for part in chunk(self, chunks, dim)])


def tensor_split(self: Tensor, indices_or_sections: Any = None, dim: Any = 0, *, indices: Any = None,
                 sections: Any = None) -> tuple[Tensor, ...]:  # fmt: skip
    """Parts of dimension ``dim``, made by slicing.

    Args:
        indices_or_sections: the number of parts (sizes differ by at most one, larger ones first), or the indices at which to
            cut, as a sequence or a tensor.

    Variants: function method
    """
    given = next((v for v in (indices_or_sections, indices, sections) if v is not None), None)
    if len(self.shp) == 0:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    d = wrap_dim(dim, len(self.shp))
    n = self.shp[d]
    if isinstance(given, TensorBase):
        given = given.array.tolist()
    if isinstance(given, (list, tuple)):
        cuts = [0, *sizes_of((), tuple(given), "tensor_split", "indices"), n]
        return tuple([slice_view(self, d, cuts[i], cuts[i + 1], 1) for i in range(len(cuts) - 1)])
    parts = whole(given, "tensor_split", "sections", 1)
    if parts <= 0:
        raise RuntimeError(f"number of sections must be larger than 0, got {parts}")
    small, larger = divmod(n, parts)
    starts = [i * small + min(i, larger) for i in range(parts + 1)]
    return tuple([slice_view(self, d, starts[i], starts[i + 1], 1) for i in range(parts)])


def hsplit(self: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts along the columns (of a vector, along its one dimension), as ``tensor_split``.

    Variants: function method
    """
    if len(self.shp) == 0:
        raise RuntimeError(
            "torch.hsplit requires a tensor with at least 1 dimension, but got a tensor with 0 dimensions!"
        )
    return even_split(self, indices_or_sections, 0 if len(self.shp) == 1 else 1, "hsplit")


def vsplit(self: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts along the rows, as ``tensor_split``.

    Variants: function method
    """
    if len(self.shp) < 2:
        raise RuntimeError(
            f"torch.vsplit requires a tensor with at least 2 dimension, but got a tensor with {len(self.shp)} dimensions!"
        )
    return even_split(self, indices_or_sections, 0, "vsplit")


def dsplit(self: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts along the third dimension, as ``tensor_split``.

    Variants: function method
    """
    if len(self.shp) < 3:
        raise RuntimeError(
            f"torch.dsplit requires a tensor with at least 3 dimension, but got a tensor with {len(self.shp)} dimensions!"
        )
    return even_split(self, indices_or_sections, 2, "dsplit")


def even_split(x: Tensor, how: Any, dim: int, name: str) -> tuple[Tensor, ...]:
    """``hsplit``, ``vsplit``, ``dsplit``: a number of parts must divide the dimension."""
    if isinstance(how, int) and (how <= 0 or x.shp[dim] % how != 0):
        raise RuntimeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension {x.shp[dim]} is not "
            f"divisible by the split_size {how}!"
        )
    return tensor_split(x, how, dim)


def unbind(self: Tensor, dim: Any = 0) -> tuple[Tensor, ...]:
    """All indices of dimension ``dim``, one by one.

    Returns:
        A tuple of views; they may not be modified in place when gradients are recorded.

    Variants: function method
    """
    if len(self.shp) == 0:
        raise errors.no_dimensions(0 if dim == 0 else int_of(dim))
    return tuple(multi_view(UnbindBackward0(wrap_dim(dim, len(self.shp))), self))


from . import join  # noqa: E402
