"""Take and put: elements by their place in the flattened tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors
from .._core.dtypes import Size, int64
from .._core.tensor_base import TensorBase
from .._record.common import make, quiet
from .._record.general import General, general
from .._record.writing import Writer
from ..kernels import counting
from .gather_scatter import write_checked
from .index_arrays import add_rows, wrapped

if TYPE_CHECKING:
    from .._tensor import Tensor


class TakeBackward0(General):
    """Elements by their place in the flattened tensor.  Their gradient is added back there."""

    def __init__(self, size: Size) -> None:
        self.size: Size = size

    def differentiable_inputs(self, count: int) -> int:
        return 1

    def input_names(self) -> list[str]:
        return ["self", "index"]

    def forward(self, arrays: list[Any]) -> Any:
        return np.take(arrays[0], arrays[1])

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        target = make(np.zeros(self.size, grad.dt.np))
        op = PutBackward0(True, grad.shp)
        if quiet(grad) and len(self.size) > 0:  # the zeros are ours: no copy
            op.put(target.array, [grad.array, self.tensor("index").array])
            return [target]
        return [general(op, [target, grad, self.tensor("index")])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        return [None if tangent is None else general(TakeBackward0(self.size), [tangent, inputs[1]])]

    def saves(self) -> list[str]:
        return ["index"]


class PutBackward0(Writer):
    """Values written (or added) to places of the flattened tensor.  The source takes the gradient there, ``self`` the rest."""

    def __init__(self, accumulate: bool, size: Size) -> None:
        self.accumulate: bool = accumulate
        self.size: Size = size

    def input_names(self) -> list[str]:
        return ["self", "source", "index"]

    def again(self) -> Writer:
        return PutBackward0(self.accumulate, self.size)

    def put(self, target: Any, arrays: list[Any]) -> None:
        source, index = arrays
        if not self.accumulate:
            if target.flags.c_contiguous:
                target.reshape(-1)[index] = source.reshape(index.shape)
            else:
                target.flat[index] = source
            return
        flat = target.reshape(-1)
        add_rows(flat, wrapped(index, flat.size).reshape(-1), source.reshape(-1))
        if not np.may_share_memory(flat, target):
            target[...] = flat.reshape(target.shape)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        index = self.tensor("index")
        first: Tensor | None = grad
        if not self.accumulate:
            zeros = make(np.zeros(self.size, grad.dt.np))
            first = put(grad, index, zeros) if self.wanted(0) else None
        return [first, take(grad, index).reshape(self.size) if self.wanted(1) else None]

    def saves(self) -> list[str]:
        return ["index"]

    def parameters(self) -> dict[str, Any]:
        return {"accumulate": self.accumulate}


def check_places(x: TensorBase, index: Any, function: str) -> None:
    """Refuse what is no index into the flattened tensor.

    Raises:
        TypeError: when it is no tensor.
        RuntimeError: when it is not int64.
        IndexError: out of range.
    """
    if not isinstance(index, TensorBase):
        raise errors.argument_type(function, "index", 2, "Tensor", index)
    if index.dt is not int64:
        raise RuntimeError(f"{function}(): Expected a long tensor for index, but got {index.dt.title}")
    n = x.array.size
    array = np.asarray(index.array)
    if array.size == 0:
        return
    if n == 0:
        raise IndexError(f"{function}(): tried to {function.rstrip('_')} from an empty tensor")
    if not counting.are_between(array, -n, n):
        first = array[(array < -n) | (array >= n)][0]
        raise IndexError(f"out of range: tried to access index {first} on a tensor of {n} elements.")


def take(self: Tensor, index: Tensor) -> Tensor:
    """Elements of the flattened tensor at ``index``, in the shape of ``index``.

    Args:
        index: int64; negative ones count from the end.

    Gradient: added back to the places they came from.

    Raises:
        IndexError: out of range.

    Variants: function method out
    """
    check_places(self, index, "take")
    return general(TakeBackward0(self.shp), [self, index])


def put_inputs(x: TensorBase, index: Any, source: Any) -> list[TensorBase]:
    """The checked inputs of ``put``."""
    check_places(x, index, "put_")
    if not isinstance(source, TensorBase):
        raise errors.argument_type("put_", "source", 3, "Tensor", source)
    if source.dt is not x.dt:
        raise RuntimeError(
            f"put_(): self and source expected to have the same dtype, but got self.dtype = {x.dt.title} and source.dtype = "
            f"{source.dt.title}"
        )
    if source.array.size != index.array.size:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source.array.size}, index.numel() = {index.array.size}"
        )
    return [x, source, index]


def put(self: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """Copy of ``self`` with ``source`` written to the places ``index`` of the flattened tensor.

    Args:
        accumulate: add instead, every occurrence of a place counting.

    Gradient: ``grad.take(index)`` for ``source``; ``self`` gets grad with zeros there (all of it when accumulating).

    Variants: function method
    """
    inputs = put_inputs(self, index, source)
    return general(PutBackward0(accumulate, source.shp), inputs)


def put_(self: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """In-place version of :meth:`put`.

    Variants: method
    """
    inputs = put_inputs(self, index, source)
    return write_checked(PutBackward0(accumulate, source.shp), inputs)
