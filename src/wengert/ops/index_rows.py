"""Whole slices by a 1-d index along one dimension: index_select, index_add, index_copy, index_fill, index_reduce."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import COMPLEX, Size, int64
from .._core.tensor_base import TensorBase
from .._record.binary import check_overlap
from .._record.common import cast_grad, make, quiet, wrap_dim
from .._record.general import General, general, general_
from .._record.writing import Writer, writer_
from ..kernels import counting, zeros
from ..kernels.arrays import move_axis
from .index_arrays import add_rows, check_bounds, rows_at
from .scatter_reduce import ScatterReduceBackward0

if TYPE_CHECKING:
    from .._core.dtypes import DType, Number
    from .._tensor import Tensor

BETA: Final = "index_reduce() is in beta and the API may change at any time."


def rows_of(target: Any, dim: int) -> Any:
    """The array with ``dim`` in front, a view; 0-d arrays count as having one dimension."""
    return target.reshape(1) if target.ndim == 0 else move_axis(target, dim, 0)


def check_vector(index: Any, function: str, position: int) -> None:
    """Refuse what is no tensor with at most one dimension."""
    if not isinstance(index, TensorBase):
        raise errors.argument_type(function, "index", position, "Tensor", index)
    if len(index.shp) > 1:
        raise IndexError(f"{function}(): Index is supposed to be a vector")


def outside(index: TensorBase, n: int) -> Any:
    """The first index that is not in ``0..n-1``, or None."""
    array = np.atleast_1d(index.array)
    return None if counting.are_between(array, 0, n) else array[(array < 0) | (array >= n)][0]


def length(x: TensorBase, dim: int) -> int:
    """Size of a dimension; 0-d tensors count as having one of size 1."""
    return x.shp[dim] if len(x.shp) > 0 else 1


# -- index_select ------------------------------------------------------------------------------------------------------


class IndexSelectBackward0(General):
    """Slices picked along a dimension.  Their gradient is added back to the slices they came from."""

    def __init__(self, dim: int, size: Size) -> None:
        self.dim: int = dim
        self.size: Size = size

    def differentiable_inputs(self, count: int) -> int:
        return 1

    def input_names(self) -> list[str]:
        return ["self", "index"]

    def forward(self, arrays: list[Any]) -> Any:
        x, index = arrays
        if x.ndim > 0 and self.dim == 0:
            return rows_at(x, np.atleast_1d(index))
        return np.array(x) if x.ndim == 0 else x.take(np.atleast_1d(index), axis=self.dim)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        target = make(zeros(self.size, grad.dt.np))
        if quiet(grad) and len(self.size) > 0:  # the zeros are ours: no copy
            IndexAddBackward0(self.dim, 1, grad.shp).put(target.array, [grad.array, self.tensor("index").array])
            return [target]
        return [general(IndexAddBackward0(self.dim, 1, grad.shp), [target, grad, self.tensor("index")])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        return [None if tangent is None else general(IndexSelectBackward0(self.dim, self.size), [tangent, inputs[1]])]

    def saves(self) -> list[str]:
        return ["index"]

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim, "self_sym_sizes": self.size}


def index_select(self: Tensor, dim: Any, index: Tensor) -> Tensor:
    """Slices of ``self`` at ``index`` along ``dim``, as a new tensor.

    Args:
        index: int64 or int32, one dimension, from 0.

    Gradient: added back to the slices they came from.

    Raises:
        IndexError: out of range.

    Variants: function method out
    """
    d = wrap_dim(dim, len(self.shp))
    check_vector(index, "index_select", 3)
    if index.dt.name not in ("int64", "int32"):
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    if len(self.shp) == 0 and index.array.size != 1:
        raise RuntimeError(f"index_select(): Index to scalar can have only 1 value, got {index.array.size} value(s)")
    n = length(self, d)
    first = outside(index, n)
    if first is not None:
        raise IndexError(
            errors.with_hints("index out of range in self", f"index {first} along dimension {d}, which has size {n}")
        )
    return general(IndexSelectBackward0(d, self.shp), [self, index])


# -- index_add ---------------------------------------------------------------------------------------------------------


class IndexAddBackward0(Writer):
    """Slices of a source added along a dimension.  The source gets the gradient of the slices it was added to."""

    def __init__(self, dim: int, alpha: Any, size: Size) -> None:
        self.dim: int = dim
        self.alpha: Any = alpha
        self.size: Size = size

    def input_names(self) -> list[str]:
        return ["self", "source", "index"]

    def again(self) -> Writer:
        return IndexAddBackward0(self.dim, self.alpha, self.size)

    def put(self, target: Any, arrays: list[Any]) -> None:
        source = arrays[0] if self.alpha == 1 else arrays[0] * arrays[0].dtype.type(self.alpha)
        index = np.atleast_1d(arrays[1])
        rows = rows_of(target, self.dim)
        values = rows_of(np.asarray(source), self.dim)
        if rows.ndim == 1 or rows.flags.c_contiguous:
            add_rows(rows, index, values)
        else:
            copy = np.ascontiguousarray(rows)
            add_rows(copy, index, np.ascontiguousarray(values))
            rows[...] = copy

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        second: Tensor | None = None
        if self.wanted(1):
            second = picked(grad, self.dim, self.tensor("index"), self.size)
            if self.alpha != 1:
                second = second * self.alpha
        return [grad, second]

    def saves(self) -> list[str]:
        return ["index"]

    def parameters(self) -> dict[str, Any]:
        return {"alpha": self.alpha, "dim": self.dim}


def picked(grad: Tensor, dim: int, index: Tensor, size: Size) -> Tensor:
    """The gradient of a source of this size, whose slices went to ``index``."""
    found = general(IndexSelectBackward0(dim, grad.shp), [grad, index])
    return found if found.shp == size else found.reshape(size)


def add_parts(x: TensorBase, dim: Any, index: Any, source: Any, alpha: Any) -> tuple[Writer, list[TensorBase]]:
    """The operator and the inputs of ``index_add``.

    Raises:
        RuntimeError: for an index or source of another dtype, shapes that do not fit, an index out of bounds.
    """
    d = wrap_dim(dim, len(x.shp))
    check_vector(index, "index_add", 2)
    if not isinstance(source, TensorBase):
        raise errors.argument_type("index_add", "source", 3, "Tensor", source)
    if index.dt.name not in ("int64", "int32"):
        raise RuntimeError(f"index_add_(): Expected dtype int32/int64 for index but got: {index.dt.title}")
    if source.dt is not x.dt:
        raise RuntimeError(
            f"index_add_(): self ({x.dt.title}) and source ({source.dt.title}) must have the same scalar type"
        )
    check_slices(x, d, index, source)
    n = length(x, d)
    first = outside(index, n)
    if first is not None:
        raise RuntimeError(f"index {first} is out of bounds for dimension {d} with size {n}")
    return IndexAddBackward0(d, alpha, source.shp), [x, source, index]


def check_slices(x: TensorBase, dim: int, index: TensorBase, source: TensorBase) -> None:
    """Refuse sources whose slices do not fit."""
    count = index.array.size
    if len(source.shp) > dim and source.shp[dim] != count:
        raise RuntimeError(
            f"index_add_(): Number of indices ({count}) should be equal to source.size(dim): ({source.shp[dim]}), for dim: "
            f"{dim}"
        )
    if source.shp[:dim] + source.shp[dim + 1 :] != x.shp[:dim] + x.shp[dim + 1 :] or len(source.shp) != len(x.shp):
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
            f"{errors.shape_text(x.shp)} source.shape = {errors.shape_text(source.shp)}"
        )


def index_add(self: Tensor, dim: Any, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """Copy of ``self`` with ``alpha`` times the slices of ``source`` added at ``index`` along ``dim``.

    Args:
        index: int64 or int32, one dimension, from 0; every occurrence counts.
        source: of the dtype of ``self``, and of its shape except along ``dim``.

    Gradient: grad for ``self``, ``alpha * grad.index_select(dim, index)`` for ``source``.

    Variants: function method out
    """
    op, inputs = add_parts(self, dim, index, source, alpha)
    return general(op, inputs)


def index_add_(self: Tensor, dim: Any, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """In-place version of :meth:`index_add`.

    Variants: method
    """
    op, inputs = add_parts(self, dim, index, source, alpha)
    check_overlap(self, source)
    return writer_(op, inputs)


# -- index_copy --------------------------------------------------------------------------------------------------------


class IndexCopyBackward0(Writer):
    """Slices of a source written along a dimension.  They get the gradient there, ``self`` the rest."""

    def __init__(self, dim: int, size: Size) -> None:
        self.dim: int = dim
        self.size: Size = size

    def input_names(self) -> list[str]:
        return ["self", "source", "index"]

    def again(self) -> Writer:
        return IndexCopyBackward0(self.dim, self.size)

    def put(self, target: Any, arrays: list[Any]) -> None:
        rows_of(target, self.dim)[np.atleast_1d(arrays[1])] = rows_of(np.asarray(arrays[0]), self.dim)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        index = self.tensor("index")
        first = cleared(grad, self.dim, index) if self.wanted(0) else None
        return [first, picked(grad, self.dim, index, self.size) if self.wanted(1) else None]

    def saves(self) -> list[str]:
        return ["index"]

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim}


def cleared(grad: Tensor, dim: int, index: Tensor) -> Tensor:
    """The gradient with zeros in the slices that were written."""
    return general(IndexFillBackward0(dim, np.zeros((), grad.dt.np)), [grad, index])


def copy_parts(x: TensorBase, dim: Any, index: Any, source: Any) -> tuple[Writer, list[TensorBase]]:
    """The operator and the inputs of ``index_copy``.

    Raises:
        RuntimeError: for an index or source of another dtype, slices of another shape.
        IndexError: for another number of slices, or an index out of bounds.
    """
    d = wrap_dim(dim, len(x.shp))
    check_vector(index, "index_copy_", 2)
    if not isinstance(source, TensorBase):
        raise errors.argument_type("index_copy_", "source", 3, "Tensor", source)
    if index.dt is not int64:
        raise RuntimeError(f"index_copy_(): Expected a long tensor for index, but got {index.dt.title}")
    if source.dt is not x.dt:
        raise RuntimeError(
            f"index_copy_(): self and source expected to have the same dtype, but got (self) {x.dt.title} and (source) "
            f"{source.dt.title}"
        )
    if len(source.shp) > 0 and len(x.shp) > 0 and len(source.shp) != len(x.shp):
        raise IndexError(
            "index_copy_(): When source and destination are not scalars, their dimensionality must match. Source dimensionality "
            f"({len(source.shp)}), destination dimensionality ({len(x.shp)})"
        )
    check_copied_slices(x, d, index, source)
    n = length(x, d)
    first = outside(index, n)
    if first is not None:
        raise IndexError(f"index_copy_(): index {first} is out of bounds for dimension {d} with size {n}")
    return IndexCopyBackward0(d, source.shp), [x, source, index]


def check_copied_slices(x: TensorBase, dim: int, index: TensorBase, source: TensorBase) -> None:
    """Refuse sources with another number of slices, or slices of another shape."""
    mine = x.shp[:dim] + x.shp[dim + 1 :]
    theirs = source.shp[:dim] + source.shp[dim + 1 :]
    if mine != theirs:
        raise RuntimeError(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: "
            f"{' '.join(str(n) for n in mine)} at dimension {dim} and source slice shape: "
            f"{' '.join(str(n) for n in theirs)} at dimension {dim if len(source.shp) > 0 else 0}."
        )
    count = index.array.size
    have = length(source, dim)
    if count != have:
        raise IndexError(f"index_copy_(): Number of indices ({count}) should be equal to source.size(dim) ({have})")


def index_copy(self: Tensor, dim: Any, index: Tensor, source: Tensor) -> Tensor:
    """Copy of ``self`` with the slices of ``source`` written at ``index`` along ``dim``.

    Args:
        index: int64, one dimension, from 0.
        source: of the dtype of ``self``, and of its shape except along ``dim``.

    Gradient: ``grad.index_select(dim, index)`` for ``source``; ``self`` gets grad with zeros in the slices written.

    Variants: function method out
    """
    op, inputs = copy_parts(self, dim, index, source)
    return general(op, inputs)


def index_copy_(self: Tensor, dim: Any, index: Tensor, source: Tensor) -> Tensor:
    """In-place version of :meth:`index_copy`.

    Variants: method
    """
    op, inputs = copy_parts(self, dim, index, source)
    check_overlap(self, source)
    return writer_(op, inputs)


# -- index_fill --------------------------------------------------------------------------------------------------------


class IndexFillBackward0(Writer):
    """A number written to slices along a dimension.  The gradient is zero there."""

    sources: int = 1

    def __init__(self, dim: int, value: Any) -> None:
        self.dim: int = dim
        self.value: Any = value

    def input_names(self) -> list[str]:
        return ["self", "index"]

    def again(self) -> Writer:
        return IndexFillBackward0(self.dim, np.zeros_like(self.value))

    def put(self, target: Any, arrays: list[Any]) -> None:
        rows_of(target, self.dim)[np.atleast_1d(arrays[0])] = self.value

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [cleared(grad, self.dim, self.tensor("index"))]

    def saves(self) -> list[str]:
        return ["index"]

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim}


class IndexFillBackward1(Writer):
    """A 0-d tensor written to slices along a dimension.  It gets the sum of the gradient there."""

    def __init__(self, dim: int, dt: DType) -> None:
        self.dim: int = dim
        self.dt: DType = dt

    def input_names(self) -> list[str]:
        return ["self", "value", "index"]

    def again(self) -> Writer:
        return IndexFillBackward1(self.dim, self.dt)

    def put(self, target: Any, arrays: list[Any]) -> None:
        rows_of(target, self.dim)[np.atleast_1d(arrays[1])] = arrays[0]

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        index = self.tensor("index")
        first = cleared(grad, self.dim, index) if self.wanted(0) else None
        second: Tensor | None = None
        if self.wanted(1):
            places = make(np.unique(index.array % length(grad, self.dim)))
            second = cast_grad(general(IndexSelectBackward0(self.dim, grad.shp), [grad, places]).sum(), self.dt)
        return [first, second]

    def saves(self) -> list[str]:
        return ["index"]

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim}


def index_fill_parts(x: TensorBase, dim: Any, index: Any, value: Any) -> tuple[Writer, list[TensorBase]]:
    """The operator and the inputs of ``index_fill``.

    Raises:
        IndexError: for an index that is not int64, has several dimensions, or is out of bounds.
        RuntimeError: for values with dimensions or that the dtype cannot hold.
    """
    d = wrap_dim(dim, len(x.shp))
    check_vector(index, "index_fill_", 2)
    if index.dt is not int64:
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    value_complex = value.dt.category == COMPLEX if isinstance(value, TensorBase) else isinstance(value, complex)
    if value_complex and x.dt.category < COMPLEX:
        raise RuntimeError("index_fill_(): Converting complex Scalar to non-complex type is not supported")
    check_bounds(np.atleast_1d(index.array), length(x, d), d)
    if not isinstance(value, TensorBase):
        return IndexFillBackward0(d, fill.fill_value(value, x.dt, "index_fill")), [x, index]
    if len(value.shp) > 0:
        raise RuntimeError(
            "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{len(value.shp)} dimension(s)."
        )
    return IndexFillBackward1(d, value.dt), [x, value, index]


def index_fill(self: Tensor, dim: Any, index: Tensor, value: Tensor | Number) -> Tensor:
    """Copy of ``self`` with ``value`` in the slices ``index`` along ``dim``.

    Args:
        index: int64, one dimension; negative ones count from the end.
        value: a number or a 0-d tensor.

    Gradient: zero in these slices; a tensor ``value`` gets the sum of grad there.

    Variants: function method
    """
    op, inputs = index_fill_parts(self, dim, index, value)
    return general(op, inputs)


def index_fill_(self: Tensor, dim: Any, index: Tensor, value: Tensor | Number) -> Tensor:
    """In-place version of :meth:`index_fill`.

    Variants: method
    """
    op, inputs = index_fill_parts(self, dim, index, value)
    return writer_(op, inputs)


# -- index_reduce ------------------------------------------------------------------------------------------------------


class IndexReduceBackward0(ScatterReduceBackward0):
    """``index_reduce`` is ``scatter_reduce`` with the index repeated along the other dimensions."""

    def again(self) -> ScatterReduceBackward0:
        return IndexReduceBackward0(self.dim, self.reduce, self.include_self)


def index_reduce_parts(
    x: TensorBase, dim: Any, index: Any, source: Any, reduce: Any, include_self: bool
) -> tuple[General, list[TensorBase]]:
    """The operator and the inputs of ``index_reduce``."""
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    warnings.warn(BETA, UserWarning, stacklevel=4)
    d = wrap_dim(dim, len(x.shp))
    add_parts(x, d, index, source, 1)
    shape = [1] * len(source.shp)
    if len(shape) > 0:
        shape[d] = index.array.size
    wide = make(np.broadcast_to(np.reshape(index.array, shape), source.shp))
    return IndexReduceBackward0(d, reduce, include_self), [x, source, wide]


def index_reduce(
    self: Tensor, dim: Any, index: Tensor, source: Tensor, reduce: Any, *, include_self: bool = True
) -> Tensor:
    """Copy of ``self`` in which the slices of ``source`` that share an index are combined there.

    Args:
        reduce: "prod", "mean", "amax" or "amin".
        include_self: whether the old slice takes part.

    Gradient: as for :func:`scatter_reduce`.

    Variants: function method out
    """
    op, inputs = index_reduce_parts(self, dim, index, source, reduce, include_self)
    return general(op, inputs)


def index_reduce_(
    self: Tensor, dim: Any, index: Tensor, source: Tensor, reduce: Any, *, include_self: bool = True
) -> Tensor:
    """In-place version of :meth:`index_reduce`.

    Variants: method
    """
    op, inputs = index_reduce_parts(self, dim, index, source, reduce, include_self)
    return general_(op, inputs)


from . import fill  # noqa: E402
