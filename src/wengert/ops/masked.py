"""Choosing by masks: where, masked_fill, masked_select, masked_scatter, nonzero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors
from .._core.dtypes import BOOL, COMPLEX, DType, Size, bool_, uint8
from .._core.tensor_base import TensorBase
from .._record.binary import check_overlap, laid_out_like
from .._record.common import (
    broadcast_size,
    cast_array,
    cast_grad,
    expand_to,
    int_of,
    is_number,
    make,
    number_operand,
    result_type,
    sum_to,
    write_out,
)
from .._record.general import General, general
from .._record.writing import Writer, writer_
from ..kernels import COMPILED, counting, formulas
from ..kernels.blocks import BLOCK, places
from .index_arrays import put_where, take_where

if TYPE_CHECKING:
    from .._core.dtypes import Number
    from .._tensor import Tensor


# -- where -------------------------------------------------------------------------------------------------------------


class WhereBackward0(General):
    """One of two values, chosen by a mask.  Each gets the gradient where it was chosen, zero elsewhere."""

    def __init__(self, dt: DType, x: TensorBase, y: TensorBase) -> None:
        self.dt: DType = dt
        self.shapes: tuple[Size, Size] = (x.shp, y.shp)
        self.dtypes: tuple[DType, DType] = (x.dt, y.dt)

    def differentiable_inputs(self, count: int) -> int:
        return 2

    def input_names(self) -> list[str]:
        return ["self", "other", "condition"]

    def forward(self, arrays: list[Any]) -> Any:
        x, y, condition = arrays
        a = x if x.dtype == self.dt.np else cast_array(x, self.dt)
        b = y if y.dtype == self.dt.np else cast_array(y, self.dt)
        out = formulas.select(condition, a, b)
        if out.shape != condition.shape or out.ndim < 2 or (out.flags.c_contiguous and condition.flags.c_contiguous):
            return out
        return laid_out_like(out, condition)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        condition = self.tensor("condition")
        found: list[Tensor | None] = [None, None]
        for i in range(2):
            if self.wanted(i):
                part = where(condition, grad, 0) if i == 0 else where(condition, 0, grad)
                found[i] = cast_grad(sum_to(part, self.shapes[i]), self.dtypes[i])
        return found

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tx, ty = tangents[0], tangents[1]
        shape = results[0].shp
        out = where(inputs[2], 0 if tx is None else tx, 0 if ty is None else ty).to(self.dt)
        return [expand_to(out, shape)]

    def saves(self) -> list[str]:
        return ["condition"]


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """``input`` where ``condition`` holds, ``other`` elsewhere; all three broadcast.

    Args:
        condition: a mask.
        input, other: tensors or numbers; their dtypes are promoted. Without them: ``nonzero(condition, as_tuple=True)``.

    Gradient: each of the two gets grad where it was chosen and zero elsewhere. A NaN or infinity in the derivative of the
        value that was not chosen still reaches its inputs, as 0 * inf = NaN.

    Raises:
        RuntimeError: for conditions that are no masks.

    Example:
        >>> where(tensor([True, False]), tensor([1., 2.]), 0)
        tensor([1., 0.])

    Variants: function out
    """
    if input is None and other is None and isinstance(condition, TensorBase):
        wide: Any = condition
        return nonzero(wide, as_tuple=True)
    check_where(condition, input, other)
    if condition.dt is not bool_ and condition.dt is not uint8:
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dt.title}"
        )
    operands = [make(v) if isinstance(v, np.ndarray) else v for v in (input, other)]
    dt = result_type(operands)
    x, y = [v if isinstance(v, TensorBase) else number_operand(v, dt) for v in operands]
    broadcast_size(broadcast_size(condition.shp, x.shp, "where"), y.shp, "where")
    mask = condition if condition.dt is bool_ else condition.to(bool_)
    return general(WhereBackward0(dt, x, y), [x, y, mask])


def check_where(condition: Any, input: Any, other: Any) -> None:
    """Refuse arguments that are neither tensors nor numbers."""
    values_ok = True
    for v in (input, other):
        if not isinstance(v, (TensorBase, np.ndarray)) and not is_number(v):
            values_ok = False
    if not isinstance(condition, TensorBase) or not values_ok:
        got = ", ".join([type(v).__name__ for v in (condition, input, other)])
        raise TypeError(
            f"where() received an invalid combination of arguments - got ({got}), but expected one of:\n"
            " * (Tensor condition)\n * (Tensor condition, Tensor or Number input, Tensor or Number other)"
        )


def where_method(self: Tensor, condition: Tensor, other: Tensor | Number) -> Tensor:
    """This tensor where ``condition`` holds, ``other`` elsewhere: see :func:`where`.

    Variants: method
    Name: where
    """
    found: Tensor = where(condition, self, other)
    return found


# -- masked_fill -------------------------------------------------------------------------------------------------------


class MaskedFillBackward0(Writer):
    """A number written where a mask holds.  The gradient is zero there."""

    sources: int = 1

    def __init__(self, value: Any) -> None:
        self.value: Any = value

    def input_names(self) -> list[str]:
        return ["self", "mask"]

    def again(self) -> Writer:
        return MaskedFillBackward0(np.zeros_like(self.value))

    def forward(self, arrays: list[Any]) -> Any:
        x = arrays[0]
        if x.dtype.char in "fd" and x.ndim > 0 and x.shape == arrays[1].shape:
            return formulas.select(arrays[1], float(self.value), x)
        return super().forward(arrays)

    def put(self, target: Any, arrays: list[Any]) -> None:
        put_where(target, self.value, arrays[0])

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [cleared(grad, self.tensor("mask"))]

    def saves(self) -> list[str]:
        return ["mask"]


class MaskedFillBackward1(Writer):
    """A 0-d tensor written where a mask holds.  It gets the sum of the gradient there."""

    def __init__(self, dt: DType) -> None:
        self.dt: DType = dt

    def input_names(self) -> list[str]:
        return ["self", "value", "mask"]

    def again(self) -> Writer:
        return MaskedFillBackward1(self.dt)

    def put(self, target: Any, arrays: list[Any]) -> None:
        put_where(target, arrays[0], arrays[1])

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        mask = self.tensor("mask")
        first = cleared(grad, mask) if self.wanted(0) else None
        second = cast_grad(masked_select(grad, mask).sum(), self.dt) if self.wanted(1) else None
        return [first, second]

    def saves(self) -> list[str]:
        return ["mask"]


def cleared(grad: Tensor, mask: Tensor) -> Tensor:
    """The gradient with zeros where the mask holds."""
    return general(MaskedFillBackward0(np.zeros((), grad.dt.np)), [grad, mask])


def fill_parts(x: TensorBase, mask: Any, value: Any) -> tuple[Writer, list[TensorBase]]:
    """The operator and inputs of ``masked_fill``.

    Raises:
        TypeError: for masks that are no tensors, and values that are no numbers.
        RuntimeError: for masks of another dtype, values with dimensions or that the dtype cannot hold.
    """
    if not isinstance(mask, TensorBase):
        raise errors.argument_type("masked_fill", "mask", 1, "Tensor", mask)
    if mask.dt is not bool_:
        raise RuntimeError(
            f"masked_fill_ only supports boolean masks, but got mask with dtype {errors.c_type(mask.dt)}"
        )
    if not isinstance(value, TensorBase):
        return MaskedFillBackward0(fill.fill_value(value, x.dt, "masked_fill")), [x, mask]
    if len(value.shp) > 0:
        raise RuntimeError(
            "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{len(value.shp)} dimension(s)."
        )
    if value.dt.category == COMPLEX and x.dt.category < COMPLEX:
        raise errors.overflow(x.dt.c_name)
    return MaskedFillBackward1(value.dt), [x, value, mask]


def masked_fill(self: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """Copy of ``self`` with ``value`` where ``mask`` holds.

    Args:
        mask: bool; broadcasts with ``self``.
        value: a number or a 0-d tensor, converted to the dtype of ``self``.

    Gradient: zero where the mask holds; a tensor ``value`` gets the sum of grad there.

    Variants: function method
    """
    op, inputs = fill_parts(self, mask, value)
    inputs[0] = expand_to(self, broadcast_size(mask.shp, self.shp, "masked_fill"))
    return general(op, inputs)


def masked_fill_(self: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """In-place version of :meth:`masked_fill`.

    Variants: method
    """
    op, inputs = fill_parts(self, mask, value)
    check_mask_fits(self, mask, "masked_fill_")
    return writer_(op, inputs)


def check_mask_fits(x: TensorBase, mask: TensorBase, function: str) -> None:
    """Refuse masks that would make the result larger than ``x``."""
    size = broadcast_size(mask.shp, x.shp, function)
    if size != x.shp:
        raise RuntimeError(
            f"output with shape {errors.shape_text(x.shp)} doesn't match the broadcast shape {errors.shape_text(size)}"
        )


# -- masked_select and masked_scatter ----------------------------------------------------------------------------------


class MaskedSelectBackward0(General):
    """The elements where a mask holds, in one dimension.  Their gradient goes back to their places."""

    def __init__(self, size: Size) -> None:
        self.size: Size = size

    def differentiable_inputs(self, count: int) -> int:
        return 1

    def input_names(self) -> list[str]:
        return ["self", "mask"]

    def forward(self, arrays: list[Any]) -> Any:
        x, mask = arrays
        x = np.atleast_1d(x)
        return take_where(x, np.broadcast_to(mask, x.shape))

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        target = make(np.zeros(self.size, grad.dt.np))
        return [general(MaskedScatterBackward0(grad.shp), [target, grad, self.tensor("mask")])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        return [None if tangent is None else general(MaskedSelectBackward0(self.size), [tangent, inputs[1]])]

    def saves(self) -> list[str]:
        return ["mask"]


def masked_select(self: Tensor, mask: Tensor) -> Tensor:
    """The elements of ``self`` where ``mask`` holds, as a new 1-d tensor; both broadcast.

    Gradient: goes back to the places the elements came from.

    Variants: function method out
    """
    if not isinstance(mask, TensorBase):
        raise errors.argument_type("masked_select", "mask", 2, "Tensor", mask)
    if mask.dt is not bool_:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    size = broadcast_size(mask.shp, self.shp, "masked_select")
    return general(MaskedSelectBackward0(size), [expand_to(self, size), mask])


class MaskedScatterBackward0(Writer):
    """The elements of a source, in order, written where a mask holds.  They get the gradient there, ``self`` the rest."""

    def __init__(self, size: Size) -> None:
        self.size: Size = size

    def input_names(self) -> list[str]:
        return ["self", "source", "mask"]

    def again(self) -> Writer:
        return MaskedScatterBackward0(self.size)

    def put(self, target: Any, arrays: list[Any]) -> None:
        mask = np.broadcast_to(arrays[1], target.shape)
        target[mask] = arrays[0].reshape(-1)[: np.count_nonzero(mask)]

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        mask = self.tensor("mask")
        first = cleared(grad, mask) if self.wanted(0) else None
        second: Tensor | None = None
        if self.wanted(1):
            used = masked_select(grad, mask)
            total = self.size.numel()
            rest = total - used.shp[0]
            if rest > 0:
                used = join.cat([used, make(np.zeros(rest, grad.dt.np))])
            second = used.reshape(self.size)
        return [first, second]

    def saves(self) -> list[str]:
        return ["mask"]

    def parameters(self) -> dict[str, Any]:
        return {"source_sym_sizes": self.size}


def check_masked_scatter(x: TensorBase, mask: Any, source: Any) -> None:
    """Refuse arguments of ``masked_scatter``.

    Raises:
        TypeError: when they are no tensors.
        RuntimeError: for another dtype.
    """
    if not isinstance(mask, TensorBase):
        raise errors.argument_type("masked_scatter", "mask", 1, "Tensor", mask)
    if not isinstance(source, TensorBase):
        raise errors.argument_type("masked_scatter", "source", 2, "Tensor", source)
    if source.dt is not x.dt:
        raise RuntimeError(
            f"masked_scatter: expected self and source to have same dtypes but got {x.dt.title} and {source.dt.title}"
        )
    if mask.dt.category != BOOL:
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {mask.dt.title}")


def check_enough(size: Size, mask: TensorBase, source: TensorBase) -> None:
    """Refuse sources with fewer elements than the mask asks for."""
    if np.count_nonzero(np.broadcast_to(mask.array, size)) > source.array.size:
        raise RuntimeError("Number of elements of source < number of ones in mask")


def masked_scatter(self: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """Copy of ``self`` with the elements of ``source``, in order, written where ``mask`` holds.

    Gradient: ``source`` gets grad at the places its elements went to, ``self`` gets it elsewhere.

    Variants: function method
    """
    check_masked_scatter(self, mask, source)
    size = broadcast_size(mask.shp, self.shp, "masked_scatter")
    check_enough(size, mask, source)
    return general(MaskedScatterBackward0(source.shp), [expand_to(self, size), source, mask])


def masked_scatter_(self: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """In-place version of :meth:`masked_scatter`.

    Variants: method
    """
    check_masked_scatter(self, mask, source)
    check_mask_fits(self, mask, "masked_scatter_")
    check_enough(self.shp, mask, source)
    check_overlap(self, source)
    return writer_(MaskedScatterBackward0(source.shp), [self, source, mask])


# -- nonzero -----------------------------------------------------------------------------------------------------------


def nonzero(self: Tensor, *, as_tuple: bool = False, out: Any = None) -> Any:
    """Indices of the elements that are not zero.

    Args:
        as_tuple: one int64 tensor per dimension (for use as an index) instead of one of shape (count, ndim).

    Variants: function method
    """
    if as_tuple:
        return tuple([make(part) for part in np.atleast_1d(self.array).nonzero()])
    found = make(places_of(self.array))
    return found if out is None else write_out("nonzero", out, found)


def nonzero_static(self: Tensor, *, size: Any, fill_value: Any = -1) -> Tensor:
    """Indices of the first ``size`` elements that are not zero, of shape (size, ndim); ``fill_value`` where there are fewer.

    Variants: function method
    """
    found = np.argwhere(self.array)[: int_of(size)]
    out = np.full((int_of(size), found.shape[1]), int_of(fill_value), np.int64)
    out[: len(found)] = found
    return make(out)


def argwhere(self: Tensor) -> Tensor:
    """Indices of the elements that are not zero, of shape (count, ndim).

    Variants: function method
    """
    return make(places_of(self.array))


def places_of(array: Any) -> Any:
    """Indices of the elements that are not zero, (count, ndim): only those of a block are in memory twice."""
    if array.ndim == 0 or array.size <= BLOCK:
        return np.argwhere(array).astype(np.int64, copy=False)
    if COMPILED is not None and array.ndim <= 8:
        return counting.true_places(array if array.dtype.kind == "b" else array != 0)
    out = np.empty((np.count_nonzero(array), array.ndim), np.int64)
    start = 0
    for place in places(array.shape, array.ndim):
        found = array[place].nonzero()
        stop = start + len(found[0])
        for d, column in enumerate(found):
            np.add(column, place[d].start, out=out[start:stop, d])
        start = stop
    return out


from . import fill, join  # noqa: E402
