"""Triangles and diagonals of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.dtypes import BOOL, INTEGER, dtype_of, int64, intern_size, parse_dtype
from .._core.tensor_base import TensorBase, from_array
from .._record.common import int_of, wrap_dim
from .._record.general import general
from ..kernels import bulk
from .rearrange import Rearrangement
from .shape import expand, reshape
from .shape_parts import DiagonalBackward0, diagonal

if TYPE_CHECKING:
    from .._tensor import Tensor


class TrilBackward0(Rearrangement):
    """Elements above a diagonal set to zero."""

    def __init__(self, diagonal: int) -> None:
        self.diagonal: int = diagonal

    def forward(self, arrays: list[Any]) -> Any:
        x = arrays[0]
        return bulk.triangle(x, self.diagonal, False) if bulk.moves(x) else np.tril(x, self.diagonal)

    def transposed(self, grad: Tensor) -> Tensor:
        return general(TrilBackward0(self.diagonal), [grad])

    def again(self) -> Rearrangement:
        return TrilBackward0(self.diagonal)

    def parameters(self) -> dict[str, Any]:
        return {"diagonal": self.diagonal}


class TriuBackward0(Rearrangement):
    """Elements below a diagonal set to zero."""

    def __init__(self, diagonal: int) -> None:
        self.diagonal: int = diagonal

    def forward(self, arrays: list[Any]) -> Any:
        x = arrays[0]
        return bulk.triangle(x, self.diagonal, True) if bulk.moves(x) else np.triu(x, self.diagonal)

    def transposed(self, grad: Tensor) -> Tensor:
        return general(TriuBackward0(self.diagonal), [grad])

    def again(self) -> Rearrangement:
        return TriuBackward0(self.diagonal)

    def parameters(self) -> dict[str, Any]:
        return {"diagonal": self.diagonal}


class DiagonalBackward0_copy(Rearrangement):
    """A diagonal of a matrix, copied."""

    def __init__(self, offset: int, shape: tuple[int, ...]) -> None:
        self.offset: int = offset
        self.shape: tuple[int, ...] = shape

    def forward(self, arrays: list[Any]) -> Any:
        return np.diagonal(arrays[0], self.offset).copy()

    def transposed(self, grad: Tensor) -> Tensor:
        return embedded_diagonal(grad, self.offset, self.shape)

    def again(self) -> Rearrangement:
        return DiagonalBackward0_copy(self.offset, self.shape)

    def parameters(self) -> dict[str, Any]:
        return {"dim1": 0, "dim2": 1, "offset": self.offset, "self_sym_sizes": tuple(self.shape)}


class DiagEmbedBackward0(Rearrangement):
    """The last dimension laid along a diagonal of two new dimensions."""

    def __init__(self, offset: int, dim1: int, dim2: int) -> None:
        self.offset: int = offset
        self.dim1: int = dim1
        self.dim2: int = dim2

    def forward(self, arrays: list[Any]) -> Any:
        x = arrays[0]
        n = x.shape[-1] + abs(self.offset)
        shape = list(x.shape[:-1])
        for d in sorted((self.dim1, self.dim2)):
            shape.insert(d, n)
        out = np.zeros(shape, x.dtype)
        part = out.diagonal(self.offset, self.dim1, self.dim2)
        part.flags.writeable = True
        part[...] = x
        return out

    def transposed(self, grad: Tensor) -> Tensor:
        return diagonal(grad, self.offset, self.dim1, self.dim2)

    def again(self) -> Rearrangement:
        return DiagEmbedBackward0(self.offset, self.dim1, self.dim2)

    def parameters(self) -> dict[str, Any]:
        return {"dim1": self.dim1, "dim2": self.dim2, "offset": self.offset}


class TraceBackward0(Rearrangement):
    """Sum of the main diagonal of a matrix."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape: tuple[int, ...] = shape

    def forward(self, arrays: list[Any]) -> Any:
        x = arrays[0]
        return x.trace(dtype=np.int64 if dtype_of(x).category == INTEGER else x.dtype)

    def transposed(self, grad: Tensor) -> Tensor:
        return embedded_diagonal(expand(grad, (min(self.shape),)), 0, self.shape)

    def again(self) -> Rearrangement:
        return TraceBackward0(self.shape)

    def parameters(self) -> dict[str, Any]:
        return {"self_sym_sizes": tuple(self.shape)}


def embedded_diagonal(values: Tensor, offset: int, shape: tuple[int, ...]) -> Tensor:
    """Zeros with ``values`` on a diagonal: the gradient of taking that diagonal."""
    part = DiagonalBackward0(offset, 0, 1)
    part.shape = intern_size(shape)
    return part.grad_self(values)


def tril(self: Tensor, diagonal: Any = 0) -> Tensor:
    """The lower triangle of (a batch of) matrices; elements above the diagonal are zero.

    Args:
        diagonal: the last diagonal that is kept: 0 the main one, positive above it, negative below.

    Gradient: the lower triangle of the gradient.

    Raises:
        RuntimeError: for fewer than two dimensions.

    Variants: function method inplace out
    """
    check_matrix(self, "tril")
    return general(TrilBackward0(int_of(diagonal)), [self])


def triu(self: Tensor, diagonal: Any = 0) -> Tensor:
    """The upper triangle of (a batch of) matrices; elements below the diagonal are zero.

    Args:
        diagonal: the first diagonal that is kept: 0 the main one, positive above it, negative below.

    Gradient: the upper triangle of the gradient.

    Raises:
        RuntimeError: for fewer than two dimensions.

    Variants: function method inplace out
    """
    check_matrix(self, "triu")
    return general(TriuBackward0(int_of(diagonal)), [self])


def check_matrix(x: TensorBase, name: str) -> None:
    """Refuse tensors without rows and columns."""
    if len(x.shp) < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")


def tril_indices(
    row: Any, col: Any, offset: Any = 0, *, dtype: Any = None, device: Any = None, layout: Any = None
) -> Tensor:
    """Row and column indices of the lower triangle of a matrix, shape (2, count).

    Variants: function
    """
    return triangle_indices(row, col, np.tril_indices, offset, dtype)


def triu_indices(
    row: Any, col: Any, offset: Any = 0, *, dtype: Any = None, device: Any = None, layout: Any = None
) -> Tensor:
    """Row and column indices of the upper triangle of a matrix, shape (2, count).

    Variants: function
    """
    return triangle_indices(row, col, np.triu_indices, offset, dtype)


def triangle_indices(row: Any, col: Any, finder: Any, offset: Any, dtype: Any) -> Tensor:
    """``tril_indices`` and ``triu_indices``."""
    if row < 0:
        raise RuntimeError(f"row must be non-negative, got{row}")
    if col < 0:
        raise RuntimeError(f"col must be non-negative, got{col}")
    dt = int64 if dtype is None else parse_dtype(dtype, "tril_indices")
    rows, columns = finder(int_of(row), int_of(offset), int_of(col))
    return from_array(np.stack([rows, columns]).astype(dt.np))  # type: ignore[return-value]


def trace(self: Tensor) -> Tensor:
    """Sum of the main diagonal of a matrix.

    Gradient: on the diagonal.

    Raises:
        RuntimeError: for other than two dimensions.

    Variants: function method
    """
    if len(self.shp) != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {len(self.shp)}")
    if self.dt.category == BOOL:
        raise NotImplementedError("\"trace\" not implemented for 'Bool'")
    return general(TraceBackward0(self.shp), [self])


def diag(self: Tensor, diagonal: Any = 0) -> Tensor:
    """A vector as the diagonal of a square matrix, or the diagonal of a matrix as a vector (a copy).

    Args:
        diagonal: which one: 0 the main one, positive above it, negative below.

    Gradient: the diagonal of the gradient, or the gradient on the diagonal.

    Raises:
        RuntimeError: for other than one or two dimensions.

    Variants: function method out
    """
    if len(self.shp) == 1:
        return diag_embed(self, diagonal)
    if len(self.shp) != 2:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {len(self.shp)}D")
    return general(DiagonalBackward0_copy(int_of(diagonal), self.shp), [self])


def diag_embed(self: Tensor, offset: Any = 0, dim1: Any = -2, dim2: Any = -1) -> Tensor:
    """The last dimension laid along a diagonal of two new dimensions, zeros elsewhere.

    Args:
        offset: which diagonal: above the main one when positive, below it when negative.
        dim1, dim2: places of the new dimensions in the result.

    Gradient: the diagonal of the gradient.

    Variants: function method
    """
    ndim = len(self.shp) + 1
    first, second = wrap_dim(dim1, ndim), wrap_dim(dim2, ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {int_of(dim1)}, {int_of(dim2)}")
    return general(DiagEmbedBackward0(int_of(offset), first, second), [self])


def diagflat(self: Tensor, offset: Any = 0) -> Tensor:
    """The flattened tensor as the diagonal of a square matrix.

    Variants: function method
    """
    return diag(reshape(self, (-1,)), offset)
