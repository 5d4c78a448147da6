"""Copies with one view replaced: select_scatter, slice_scatter, diagonal_scatter, as_strided_scatter; fill_diagonal_."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import DType, dtype_of
from .._core.tensor_base import TensorBase
from .._record.common import cast_array, cast_grad, int_of, make, wrap_dim
from .._record.general import general
from .._record.view import View
from .._record.view import view as run_view
from .._record.writing import Writer

if TYPE_CHECKING:
    from .._tensor import Tensor

_as_strided: Final[Any] = np.lib.stride_tricks.as_strided


class ViewScatter(Writer):
    """Base of their nodes.  The source gets the view of grad, ``self`` gets grad with zeros there."""

    def __init__(self, dt: DType) -> None:
        self.dt: DType = dt  # of the source

    def input_names(self) -> list[str]:
        return ["self", "src"]

    def region(self, target: Any) -> Any:
        """The view of an array that is overwritten."""
        raise NotImplementedError

    def part(self, t: Tensor) -> Tensor:
        """The same view of a tensor."""
        raise NotImplementedError

    def put(self, target: Any, arrays: list[Any]) -> None:
        source = arrays[0]
        self.region(target)[...] = source if source.dtype == target.dtype else cast_array(source, dtype_of(target))

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        part = self.part(grad)
        first: Tensor | None = None
        if self.wanted(0):
            first = general(self.again(), [grad, make(np.zeros(part.shp, grad.dt.np))])
        return [first, cast_grad(part, self.dt) if self.wanted(1) else None]


class PartScatter(ViewScatter):
    """Base of those whose view is an operator of its own."""

    def __init__(self, view: View, dt: DType) -> None:
        ViewScatter.__init__(self, dt)
        self.view: View = view

    def region(self, target: Any) -> Any:
        return self.view.forward(target)

    def part(self, t: Tensor) -> Tensor:
        return run_view(self.view.again(), t)

    def parameters(self) -> dict[str, Any]:
        return {k: v for k, v in self.view.parameters().items() if k != "self_sym_sizes"}


class SelectScatterBackward0(PartScatter):
    """One index of a dimension replaced."""

    def again(self) -> Writer:
        return SelectScatterBackward0(self.view, self.dt)


class SliceScatterBackward0(PartScatter):
    """A range of a dimension replaced."""

    def again(self) -> Writer:
        return SliceScatterBackward0(self.view, self.dt)


class DiagonalScatterBackward0(PartScatter):
    """A diagonal replaced."""

    def again(self) -> Writer:
        return DiagonalScatterBackward0(self.view, self.dt)


class AsStridedScatterBackward0(ViewScatter):
    """Elements given by size, stride and offset (in elements of contiguous memory) replaced."""

    def __init__(self, size: tuple[int, ...], stride: tuple[int, ...], offset: int, dt: DType) -> None:
        ViewScatter.__init__(self, dt)
        self.size: tuple[int, ...] = size
        self.stride: tuple[int, ...] = stride
        self.offset: int = offset

    def again(self) -> Writer:
        return AsStridedScatterBackward0(self.size, self.stride, self.offset, self.dt)

    def forward(self, arrays: list[Any]) -> Any:
        target = np.array(arrays[0], order="C")
        self.put(target, arrays[1:])
        return target

    def region(self, target: Any) -> Any:
        step = target.itemsize
        return _as_strided(target.reshape(-1)[self.offset :], self.size, [s * step for s in self.stride])

    def part(self, t: Tensor) -> Tensor:
        return t.contiguous().as_strided(self.size, self.stride, self.offset)

    def parameters(self) -> dict[str, Any]:
        return {"size": self.size, "storage_offset": self.offset, "stride": self.stride}


def check_source(src: Any, size: Any, function: str) -> None:
    """Refuse sources that are no tensor of the shape of the view.

    Raises:
        TypeError, RuntimeError: in these cases.
    """
    if not isinstance(src, TensorBase):
        raise errors.argument_type(function, "src", 1, "Tensor", src)
    if src.shp != tuple(size):
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self. src size = {errors.shape_text(src.shp)}, slice size = "
            f"{errors.shape_text(size)}"
        )


def select_scatter(self: Tensor, src: Tensor, dim: Any, index: Any) -> Tensor:
    """Copy of ``self`` with ``src`` in place of ``self.select(dim, index)``.

    Gradient: ``grad.select(dim, index)`` for ``src``; ``self`` gets grad with zeros there.

    Variants: function method
    """
    d = wrap_dim(dim, len(self.shp))
    i = int_of(index)
    n = self.shp[d]
    if i < -n or i >= n:
        raise IndexError(
            f"select(): index {i} out of range for tensor of size {errors.shape_text(self.shp)} at dimension {d}"
        )
    check_source(src, self.shp[:d] + self.shp[d + 1 :], "select_scatter")
    view = SelectBackward0(d, i + n if i < 0 else i)
    return general(SelectScatterBackward0(view, src.dt), [self, src])


def slice_scatter(self: Tensor, src: Tensor, dim: Any = 0, start: Any = None, end: Any = None, step: Any = 1) -> Tensor:
    """Copy of ``self`` with ``src`` in place of ``self[start:end:step]`` along ``dim``.

    Gradient: the slice of grad for ``src``; ``self`` gets grad with zeros there.

    Variants: function method out
    """
    d = wrap_dim(dim, len(self.shp))
    stride = int_of(step)
    if stride < 1:
        raise ValueError("slice step must be positive")
    first, last, _ = slice(
        None if start is None else int_of(start), None if end is None else int_of(end), stride
    ).indices(self.shp[d])
    view = SliceBackward0(d, first, max(first, last), stride)
    count = len(range(first, last, stride))
    check_source(src, (*self.shp[:d], count, *self.shp[d + 1 :]), "slice_scatter")
    return general(SliceScatterBackward0(view, src.dt), [self, src])


def diagonal_scatter(self: Tensor, src: Tensor, offset: Any = 0, dim1: Any = 0, dim2: Any = 1) -> Tensor:
    """Copy of ``self`` with ``src`` in place of ``self.diagonal(offset, dim1, dim2)``.

    Gradient: the diagonal of grad for ``src``; ``self`` gets grad with zeros there.

    Variants: function method
    """
    ndim = len(self.shp)
    a, b = wrap_dim(dim1, ndim), wrap_dim(dim2, ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {int_of(dim1)}, {int_of(dim2)}")
    view = DiagonalBackward0(int_of(offset), a, b)
    check_source(src, np.asarray(self.array).diagonal(view.offset, a, b).shape, "diagonal_scatter")
    return general(DiagonalScatterBackward0(view, src.dt), [self, src])


def as_strided_scatter(self: Tensor, src: Tensor, size: Any, stride: Any, storage_offset: Any = None) -> Tensor:
    """Copy of ``self`` with ``src`` in place of ``self.as_strided(size, stride, storage_offset)``.

    Args:
        size, stride, storage_offset: count elements of the contiguous copy.

    Gradient: the same view of grad for ``src``; ``self`` gets grad with zeros there.

    Variants: function method
    """
    shape = tuple([int_of(n) for n in size])
    steps = tuple([int_of(s) for s in stride])
    offset = 0 if storage_offset is None else int_of(storage_offset)
    check_source(src, shape, "as_strided_scatter")
    check_geometry(shape, steps, offset, np.asarray(self.array))
    return general(AsStridedScatterBackward0(shape, steps, offset, src.dt), [self, src])


def fill_diagonal_(self: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """Write a number to the main diagonal.

    Args:
        wrap: in a matrix with more rows than columns, start the diagonal again after each square.

    Gradient: zero on the diagonal.

    Raises:
        RuntimeError: with fewer than two dimensions, or more than two of different sizes.

    Variants: method
    """
    if len(self.shp) < 2:
        raise RuntimeError("dimensions must larger than 1")
    if len(self.shp) > 2 and len(set(self.shp)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    rows, step = self.shp[0], sum(self.stride())
    side = min(self.shp)
    fill.fill_(as_strided(self, (side,), (step,)), fill_value)
    if wrap and len(self.shp) == 2 and rows > side + 1:
        square = side + 1
        again = (self.array.size + square - 1) // square - side
        offset = self.storage_offset() + self.stride(0) * square
        fill.fill_(as_strided(self, (again,), (step,), offset), fill_value)
    return self


from . import fill  # noqa: E402
from .shape_parts import DiagonalBackward0, SelectBackward0, SliceBackward0, as_strided, check_geometry  # noqa: E402
