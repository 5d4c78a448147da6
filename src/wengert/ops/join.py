"""Several tensors into one: cat, stack, and what is made of them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors
from .._core.dtypes import DType, Size
from .._core.tensor_base import TensorBase
from .._record.common import cast_array, cast_grad, int_of, make, result_type, untracked, wrap_dim
from .._record.general import General, general
from .._record.view import view as run_view
from .._record.writing import zeros_like
from ..kernels.arrays import select as select_array
from ..kernels.arrays import stack as stack_arrays
from ..kernels.copies import joined, stacked

if TYPE_CHECKING:
    from .._tensor import Tensor


class Joining(General):
    """Base of the nodes of operators that copy all their inputs into one result: the tangent is the join of the tangents."""

    def __init__(self, dim: int, tensors: list[TensorBase], dt: DType) -> None:
        self.dim: int = dim
        self.dt: DType = dt
        self.sizes: list[Size] = [t.shp for t in tensors]
        self.dtypes: list[DType] = [t.dt for t in tensors]

    def input_names(self) -> list[str]:
        return [f"tensors{i}" for i in range(len(self.sizes))]

    def again(self, tensors: list[TensorBase]) -> Joining:
        """The same operator for other tensors of the same shapes."""
        raise NotImplementedError

    def part(self, grad: Tensor, i: int) -> Tensor:
        """The part of the gradient that belongs to input ``i``."""
        raise NotImplementedError

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        found: list[Tensor | None] = []
        for i in range(len(self.sizes)):
            found.append(cast_grad(self.part(grad, i), self.dtypes[i]) if self.wanted(i) else None)
        return found

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        wide: list[TensorBase] = []
        for i, t in enumerate(inputs):
            tangent = tangents[i]
            wide.append(zeros_like(t) if tangent is None else tangent)
        return [general(self.again(wide), wide)]

    def converted(self, arrays: list[Any]) -> list[Any]:
        """The arrays in the dtype of the result."""
        return [a if a.dtype == self.dt.np else cast_array(a, self.dt) for a in arrays]


def is_legacy_empty(size: Size) -> bool:
    """A 1-d tensor without elements joins with anything, as it always did."""
    return len(size) == 1 and size[0] == 0


class CatBackward0(Joining):
    """Tensors one after the other along a dimension.  Each gets its slice of the gradient."""

    silent: bool = True

    def again(self, tensors: list[TensorBase]) -> Joining:
        return CatBackward0(self.dim, tensors, self.dt)

    def forward(self, arrays: list[Any]) -> Any:
        parts = self.converted(arrays)
        ndim = max([len(s) for s in self.sizes])
        if ndim > 1:
            parts = [p for p in parts if not is_legacy_empty(p.shape)]
        shape = list(parts[0].shape)
        shape[self.dim] = sum([p.shape[self.dim] for p in parts])
        return joined(parts, self.dim, tuple(shape), self.dt.np)

    def part(self, grad: Tensor, i: int) -> Tensor:
        size = self.sizes[i]
        if is_legacy_empty(size):
            return make(np.zeros(0, grad.dt.np))
        start = 0
        for s in self.sizes[:i]:
            start += 0 if is_legacy_empty(s) else s[self.dim]
        return run_view(SliceBackward0(self.dim, start, start + size[self.dim], 1), grad)

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim}


class StackBackward0(Joining):
    """Tensors of one shape along a new dimension.  Each gets its index of the gradient."""

    silent: bool = True

    def again(self, tensors: list[TensorBase]) -> Joining:
        return StackBackward0(self.dim, tensors, self.dt)

    def forward(self, arrays: list[Any]) -> Any:
        found = stack_arrays(arrays, self.dim)
        if found is not None:
            return found
        if len(self.sizes[0]) == 0:
            return np.array(arrays, dtype=self.dt.np)
        return stacked(self.converted(arrays), self.dim, self.dt.np)

    def part(self, grad: Tensor, i: int) -> Tensor:
        if untracked(grad):
            return _tensor.Tensor(select_array(grad.array, self.dim, i), grad.dt, self.sizes[i])
        return run_view(SelectBackward0(self.dim, i), grad)

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim}


class BlockDiagBackward0(Joining):
    """Matrices along the diagonal of a matrix of zeros.  Each gets its block of the gradient."""

    def again(self, tensors: list[TensorBase]) -> Joining:
        return BlockDiagBackward0(0, tensors, self.dt)

    def corner(self, i: int) -> tuple[int, int, int, int]:
        """First row and column of block ``i``, and the numbers of its rows and columns."""
        row = 0
        column = 0
        for s in self.sizes[:i]:
            m, n = block_size(s)
            row += m
            column += n
        m, n = block_size(self.sizes[i])
        return row, column, m, n

    def forward(self, arrays: list[Any]) -> Any:
        row, column, m, n = self.corner(len(arrays) - 1)
        out = np.zeros((row + m, column + n), self.dt.np)
        for i, array in enumerate(self.converted(arrays)):
            row, column, m, n = self.corner(i)
            out[row : row + m, column : column + n] = array
        return out

    def part(self, grad: Tensor, i: int) -> Tensor:
        row, column, m, n = self.corner(i)
        block: Tensor = grad[row : row + m, column : column + n].reshape(self.sizes[i])
        return block


def block_size(size: Size) -> tuple[int, int]:
    """Rows and columns of a matrix; a vector is a row, a number a matrix of one element."""
    if len(size) == 2:
        return size[0], size[1]
    return 1, size[0] if len(size) == 1 else 1


def tensor_list(tensors: Any, function: str) -> list[TensorBase]:
    """The argument as a list of tensors.

    Raises:
        TypeError: when it is something else.
    """
    if isinstance(tensors, TensorBase) or not isinstance(tensors, (list, tuple)):
        raise errors.argument_type(function, "tensors", 1, "tuple of Tensors", tensors)
    for i, t in enumerate(tensors):
        if not isinstance(t, TensorBase):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(t).__name__}")
    return list(tensors)


def common_dtype(tensors: list[TensorBase]) -> DType:
    """Dtype of the joined tensors."""
    first = tensors[0].dt
    for t in tensors:
        if t.dt is not first:
            return result_type(tensors)
    return first


def cat(tensors: Any, dim: Any = 0) -> Tensor:
    """The tensors one after the other along ``dim``, as a new tensor.

    Args:
        tensors: list or tuple of tensors whose shapes agree except along ``dim``; 1-d tensors without elements are skipped.
            Dtypes are promoted.

    Gradient: each gets its slice of grad.

    Raises:
        ValueError: for an empty list.
        RuntimeError: for shapes that do not agree, and 0-d tensors.

    Example:
        >>> cat([tensor([1, 2]), tensor([3])])
        tensor([1, 2, 3])

    Variants: function out
    Aliases: concat concatenate
    """
    given = tensor_list(tensors, "cat")
    if len(given) == 0:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    size = check_sizes(given, int_of(dim))
    return general(CatBackward0(wrap_dim(dim, len(size)), given, common_dtype(given)), given)


def check_sizes(tensors: list[TensorBase], dim: int) -> Size:
    """Refuse shapes that do not agree; the first that counts is returned."""
    size: Size | None = None
    for i, t in enumerate(tensors):
        shape = t.shp
        if len(shape) == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
        if is_legacy_empty(shape):
            continue
        if size is None:
            size = shape
            at = wrap_dim(dim, len(size))
        elif shape is not size:
            check_size(size, shape, at, i)
    return tensors[0].shp if size is None else size


def check_size(size: Size, other: Size, dim: int, place: int) -> None:
    """Compare one shape with the first."""
    if len(size) != len(other):
        raise RuntimeError(f"Tensors must have same number of dimensions: got {len(size)} and {len(other)}")
    for d in range(len(size)):
        if d != dim and size[d] != other[d]:
            raise RuntimeError(
                errors.with_hints(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {size[d]} but got size {other[d]} "
                    f"for tensor number {place} in the list.",
                    f"shapes {errors.shape_text(size)} and {errors.shape_text(other)} differ in dimension {d}",
                )
            )


def stack(tensors: Any, dim: Any = 0) -> Tensor:
    """The tensors along a new dimension ``dim``, as a new tensor.

    Args:
        tensors: list or tuple of tensors of one shape; dtypes are promoted.
        dim: where the new dimension stands in the result.

    Gradient: each gets its index of grad.

    Raises:
        RuntimeError: for an empty list or different shapes.

    Variants: function out
    """
    given = tensor_list(tensors, "stack")
    if len(given) == 0:
        raise RuntimeError("stack expects a non-empty TensorList")
    size = given[0].shp
    for i, t in enumerate(given):
        if t.shp is not size and t.shp != size:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {errors.shape_text(size)} at entry 0 and "
                f"{errors.shape_text(t.shp)} at entry {i}"
            )
    return general(StackBackward0(wrap_dim(dim, len(size) + 1), given, common_dtype(given)), given)


def opened(tensors: Any, function: str, ndim: int) -> Any:
    """The tensors with at least ``ndim`` dimensions."""
    given = tensor_list(tensors, function)
    if len(given) == 0:
        raise RuntimeError(f"{function} expects a non-empty TensorList")
    return shape.at_least((given,), ndim)


def hstack(tensors: Any) -> Tensor:
    """The tensors side by side: along dimension 1, or 0 when they have one dimension.

    Variants: function out
    """
    parts = opened(tensors, "hstack", 1)
    return cat(parts, 0 if parts[0].ndim == 1 else 1)


def vstack(tensors: Any) -> Tensor:
    """The tensors below each other; those with one dimension are rows.

    Variants: function out
    Aliases: row_stack
    """
    return cat(opened(tensors, "vstack", 2), 0)


def dstack(tensors: Any) -> Tensor:
    """The tensors behind each other, along dimension 2.

    Variants: function out
    """
    return cat(opened(tensors, "dstack", 3), 2)


def column_stack(tensors: Any) -> Tensor:
    """The tensors side by side; those with one dimension are columns.

    Variants: function out
    """
    given = tensor_list(tensors, "column_stack")
    if len(given) == 0:
        raise RuntimeError("column_stack expects a non-empty TensorList")
    return cat([shape.reshape(t, -1, 1) if len(t.shp) < 2 else t for t in given], 1)  # type: ignore[arg-type]


def block_diag(*tensors: Any) -> Tensor:
    """The matrices along the diagonal of a matrix of zeros; vectors count as rows, numbers as 1 x 1.

    Gradient: each gets its block of grad.

    Variants: function
    """
    given = tensor_list(list(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else list(tensors),
                        "block_diag")  # fmt: skip
    if len(given) == 0:
        given = [make(np.zeros((1, 0), np.float32))]
    for i, t in enumerate(given):
        if len(t.shp) > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {len(t.shp)} dimensions"
            )
    return general(BlockDiagBackward0(0, given, common_dtype(given)), given)


def check_vectors(tensors: list[TensorBase]) -> None:
    """Refuse anything but vectors."""
    for t in tensors:
        if len(t.shp) != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {errors.shape_text(t.shp)}")


def cartesian_prod(*tensors: Any) -> Tensor:
    """All combinations of one element of each vector, as rows; of a single vector, the vector itself.

    Gradient: summed over the rows in which an element stands.

    Variants: function
    """
    given = tensor_list(list(tensors), "cartesian_prod")
    check_vectors(given)
    if len(given) == 0:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    for t in given:
        if t.dt is not given[0].dt:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    if len(given) == 1:
        return given[0]  # type: ignore[return-value]
    grid = tuple([t.shp[0] for t in given])
    columns = []
    for i, t in enumerate(given):
        wide: Any = t
        open_shape = [1] * len(given)
        open_shape[i] = grid[i]
        columns.append(wide.reshape(open_shape).expand(grid).reshape(-1))
    return stack(columns, 1)


def combinations(self: Tensor, r: Any = 2, with_replacement: bool = False) -> Tensor:
    """All combinations of ``r`` elements of a vector, as rows, in the order of ``itertools.combinations``.

    Args:
        with_replacement: allow an element several times.

    Gradient: summed over the rows in which an element stands.

    Variants: function
    """
    count = int_of(r)
    if count < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {count}")
    check_vectors([self])
    if count == 0:
        return make(np.zeros(0, self.dt.np))
    places = range(self.shp[0])
    choose: Any = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    index = np.array(list(choose(places, count)), dtype=np.int64).reshape(-1, count)
    return stack([self.index_select(0, make(np.ascontiguousarray(index[:, k]))) for k in range(count)], 1)


from .. import _tensor  # noqa: E402
from . import shape  # noqa: E402
from .shape_parts import SelectBackward0, SliceBackward0  # noqa: E402
