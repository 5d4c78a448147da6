"""Reading and writing at places that index tensors and masks name: the operators behind ``x[indices]``.

A list of indices has one entry per dimension (a mask counts for all its dimensions): an integer tensor, a mask, or None for a
dimension that is taken whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import BOOL, Size, uint8
from .._core.tensor_base import TensorBase
from .._record.binary import check_overlap
from .._record.common import converted, make, sum_to
from .._record.general import General, general
from .._record.writing import Writer, writer_
from ..kernels import zeros
from .index_arrays import TINY, add_at, check_empty, check_key, put_where, take_where

if TYPE_CHECKING:
    from .._tensor import Tensor

_contiguous: Final[Any] = np.ascontiguousarray
_full: Final[Any] = slice(None)
INDEX_DTYPE: Final = "tensors used as indices must be long, int, byte or bool tensors"
INDEX_NAMES: Final[set[str]] = {"int64", "int32", "uint8", "bool"}


def dims_taken(item: Any) -> int:
    """How many dimensions of the tensor a part of the index uses up."""
    if item is None or item is Ellipsis:
        return 0
    if isinstance(item, TensorBase) and (item.dt.category == BOOL or item.dt is uint8):
        return len(item.shp)
    return 1


def numpy_key(slots: list[bool], arrays: list[Any]) -> tuple[Any, ...]:
    """The NumPy key of index arrays, with full slices for the dimensions between them."""
    key: list[Any] = []
    at = 0
    for taken in slots:
        if taken:
            array = arrays[at]
            key.append(array.astype(np.bool_) if array.dtype == np.uint8 else array)
            at += 1
        else:
            key.append(_full)
    return tuple(key)


def index_names(slots: list[bool]) -> list[str]:
    """Names under which a node keeps its index tensors."""
    return [f"indices{i}" for i in range(slots.count(True))]


def index_entries(op: General, slots: list[bool]) -> list[TensorBase | None]:
    """The list of index tensors that a node saved."""
    entries: list[TensorBase | None] = []
    at = 0
    for taken in slots:
        if taken:
            entries.append(op.tensor(f"indices{at}"))
            at += 1
        else:
            entries.append(None)
    return entries


def slots_of(entries: list[TensorBase | None]) -> list[bool]:
    """Which dimensions have an index tensor."""
    return [e is not None for e in entries]


def given(entries: list[TensorBase | None]) -> list[TensorBase]:
    """The index tensors."""
    return [e for e in entries if e is not None]


class IndexBackward0(General):
    """Elements picked by index tensors and masks, copied.  Their gradient is added back to the places they came from."""

    def __init__(self, slots: list[bool], size: Size) -> None:
        self.slots: list[bool] = slots
        self.size: Size = size

    def differentiable_inputs(self, count: int) -> int:
        return 1

    def input_names(self) -> list[str]:
        return ["self", *index_names(self.slots)]

    def forward(self, arrays: list[Any]) -> Any:
        x = arrays[0]
        key = numpy_key(self.slots, arrays[1:])
        check_empty(x.shape, key)
        try:
            if len(arrays) == 2 and key[-1].dtype != np.bool_:
                return x.take(key[-1], axis=len(key) - 1)
            if len(key) == 1 and key[0].shape == x.shape:  # a mask
                return take_where(x, key[0])
            out = x[key]
        except IndexError:
            check_key(x.shape, key)
            raise
        # Keys of 0-d arrays only are integers to NumPy, which gives a view; otherwise a copy, in an order of its own.
        return np.array(out, order="C") if out.base is x else _contiguous(out)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [index_sum(grad, index_entries(self, self.slots), self.size)]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        if tangent is None:
            return [None]
        wide: list[TensorBase] = [tangent, *inputs[1:]]
        return [general(IndexBackward0(self.slots, self.size), wide)]

    def saves(self) -> list[str]:
        return index_names(self.slots)

    def saved_names(self) -> list[str]:
        return ["indices", "self_sym_sizes"]

    def plain_names(self) -> list[str]:
        return ["indices", "self_sym_sizes"]

    def saved_value(self, name: str) -> Any:
        return tuple(index_entries(self, self.slots)) if name == "indices" else self.size


class IndexPutBackward0(Writer):
    """Values written (or added, with ``accumulate``) to the places that index tensors and masks name.

    Gradient: the values get what arrives at their places; the old tensor keeps the rest (all of it with ``accumulate``).
    """

    def __init__(self, slots: list[bool], accumulate: bool, size: Size) -> None:
        self.slots: list[bool] = slots
        self.accumulate: bool = accumulate
        self.size: Size = size

    def input_names(self) -> list[str]:
        return ["self", "values", *index_names(self.slots)]

    def again(self) -> Writer:
        return IndexPutBackward0(self.slots, self.accumulate, self.size)

    def put(self, target: Any, arrays: list[Any]) -> None:
        key = numpy_key(self.slots, arrays[1:])
        values = arrays[0]
        check_empty(target.shape, key)
        try:
            if self.accumulate:
                check_key(target.shape, key)
                if values.ndim > 0 and values.size < TINY:  # of too many dimensions they crash NumPy's add.at
                    values = np.broadcast_to(values, target[key].shape)
                add_at(target, key, values)
            elif values.size == 1 and len(key) == 1 and key[0].dtype == np.bool_ and key[0].shape == target.shape:
                put_where(target, values.reshape(()), key[0])
            else:
                target[key] = values
        except IndexError:
            check_key(target.shape, key)
            raise
        except (TypeError, ValueError):  # NumPy raises either for masks
            raise RuntimeError(
                f"shape mismatch: value tensor of shape {errors.shape_text(values.shape)} cannot be broadcast to indexing "
                f"result of shape {errors.shape_text(target[key].shape)}"
            ) from None

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        entries = index_entries(self, self.slots)
        first: Tensor | None = None
        second: Tensor | None = None
        if self.wanted(0):
            first = grad if self.accumulate else index_put(grad, entries, zero(grad))
        if self.wanted(1):
            second = sum_to(indexed(grad, entries), self.size)
        return [first, second]

    def saves(self) -> list[str]:
        return index_names(self.slots)

    def saved_names(self) -> list[str]:
        return ["accumulate", "indices"]

    def plain_names(self) -> list[str]:
        return ["accumulate", "indices"]

    def saved_value(self, name: str) -> Any:
        return tuple(index_entries(self, self.slots)) if name == "indices" else self.accumulate


class IndexPutImplBackward0(IndexPutBackward0):
    """Gradient of indexing: values added into zeros, which belong to the operator and are written directly."""

    def again(self) -> Writer:
        return IndexPutImplBackward0(self.slots, True, self.size)

    def forward(self, arrays: list[Any]) -> Any:
        target = arrays[0]
        key = numpy_key(self.slots, arrays[2:])
        if self.slots.count(True) == 1 and key[-1].dtype == np.bool_:
            target[key] = arrays[1]  # a mask names no place twice
        else:
            add_at(target, key, arrays[1])
        return target


def indexed(x: TensorBase, entries: list[TensorBase | None]) -> Tensor:
    """``x[entries]`` for a list of index tensors, None where a dimension is taken whole."""
    return general(IndexBackward0(slots_of(entries), x.shp), [x, *given(entries)])


def index_sum(grad: Tensor, entries: list[TensorBase | None], size: Size) -> Tensor:
    """Zeros of a shape with ``grad`` added at the indexed places."""
    target = make(zeros(size, grad.dt.np))
    return general(IndexPutImplBackward0(slots_of(entries), True, grad.shp), [target, grad, *given(entries)])


def zero(like: TensorBase) -> Tensor:
    """A 0-d zero."""
    return make(np.zeros((), like.dt.np))


def put_inputs(x: TensorBase, indices: Any, values: Any, accumulate: bool) -> list[TensorBase | None]:
    """Check the arguments of index_put; the list of index tensors.

    Raises:
        TypeError: for indices that are no list of tensors.
        IndexError: too many indices, or of a dtype that cannot index.
        RuntimeError: when the dtype of the values differs, unless one value fills what a mask names.
    """
    if not isinstance(indices, (tuple, list)):
        raise errors.argument_type("index_put", "indices", 1, "tuple of Tensors", indices)
    if not isinstance(values, TensorBase):
        raise errors.argument_type("index_put", "values", 2, "Tensor", values)
    entries: list[TensorBase | None] = []
    taken = 0
    for item in indices:
        if item is not None and not isinstance(item, TensorBase):
            raise errors.argument_type("index_put", "indices", 1, "tuple of Tensors", indices)
        if item is not None and item.dt.name not in INDEX_NAMES:
            raise IndexError(INDEX_DTYPE)
        entries.append(item)
        taken += 1 if item is None else dims_taken(item)
    if taken > len(x.shp):
        raise IndexError(f"too many indices for tensor of dimension {len(x.shp)} (got {taken})")
    if values.dt is not x.dt and not fills(entries, values, accumulate):
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got {x.dt.title} for the destination and "
            f"{values.dt.title} for the source."
        )
    return entries


def fills(entries: list[TensorBase | None], values: TensorBase, accumulate: bool) -> bool:
    """Whether a call is ``masked_fill`` by another name: that converts its value."""
    masks = [entry for entry in entries if entry is not None]
    return not accumulate and values.array.size == 1 and len(masks) == 1 and masks[0].dt.category == BOOL


def index_put(self: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """Copy of ``self`` with ``values`` written to ``self[indices]``.

    Args:
        indices: tuple of index tensors and masks, None for a dimension taken whole.
        values: of the dtype of ``self``; broadcasts to the shape of ``self[indices]``.
        accumulate: add instead; every occurrence of a repeated index counts.

    Gradient: ``grad[indices]`` for the values; ``self`` gets grad with zeros there (all of grad when accumulating).

    Variants: function method
    """
    entries = put_inputs(self, indices, values, accumulate)
    values = converted(values, self.dt)
    if len(given(entries)) == 0:
        raise RuntimeError("at least one index tensor is needed")
    return general(IndexPutBackward0(slots_of(entries), accumulate, values.shp), [self, values, *given(entries)])


def index_put_(self: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """In-place version of :meth:`index_put`.

    Variants: function method
    """
    entries = put_inputs(self, indices, values, accumulate)
    values = converted(values, self.dt)
    check_overlap(self, values)
    return writer_(IndexPutBackward0(slots_of(entries), accumulate, values.shp), [self, values, *given(entries)])
