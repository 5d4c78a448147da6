"""Largest and smallest elements and where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import return_types
from .._core.compat import i64
from .._core.dtypes import BOOL
from .._core.tensor_base import TensorBase
from .._record.common import RESULT, SELF, make, untracked, wrap_dim, wrap_dims
from .._record.general import General, general_many
from .._record.reduction import Reduction, axes, open_shape, over, reduce
from .._record.selection import Selection, check_not_empty, check_order, deliver
from ..kernels import bulk as kernels
from ..kernels import formulas, reductions
from .sizes import count

if TYPE_CHECKING:
    from .._tensor import Tensor

_maximum: Final[Any] = np.maximum.reduce
_minimum: Final[Any] = np.minimum.reduce
_add: Final[Any] = np.add.reduce
FEW: Final = 256  # below this many elements NumPy's way is as fast as a kernel's
BLOCK: Final = 1 << 16  # elements that are copied at once


class Extreme(Reduction):
    """Base of nodes whose result is one of the elements; elements that tie share the gradient equally."""

    reads: i64 = SELF | RESULT

    def prepare(self, x: TensorBase) -> TensorBase:
        return x

    def ties(self, x: Tensor, result: Tensor) -> Any:
        """Mask of the elements that equal the result."""
        return x.array == self.opened_array(result.array)

    def opened_array(self, array: Any) -> Any:
        """``opened`` for arrays."""
        if self.dims is None or self.keepdim or len(self.shape) == 0:
            return array
        return array.reshape(open_shape(self.shape, self.dims))

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None and result is not None
        rows = self.rows() if type(x.array) is np.ndarray and x.dt.np.char in "fd" and x.dt is grad.dt else 0
        if rows > 0 and untracked(grad) and untracked(x):
            parts = (self.opened(grad).array, x.array, self.opened(result).array)
            return make(formulas.extreme_slope(rows, *parts))
        mask = self.ties(x, result)
        return self.spread(grad / make(_add(mask, axes(self), None, None, self.keepdim))) * make(mask)

    def rows(self) -> int:
        """How many dimensions are reduced if they are the last ones of an array with elements, else 0."""
        if self.dims is None or 0 in self.shape:
            return 0
        kept = len(self.shape) - len(self.dims)
        return len(self.dims) if self.dims == tuple(range(kept, len(self.shape))) else 0

    def forward_grad(self, tangent: Tensor, x: Tensor, result: Tensor) -> Tensor:
        mask = self.ties(x, result)
        total = (tangent * make(mask)).sum(self.dims, self.keepdim)
        return total / make(_add(mask, axes(self), None, None, self.keepdim))


class AmaxBackward0(Extreme):
    """Largest element over dimensions."""

    def forward(self, x: Any) -> Any:
        found = reductions.largest(x, axes(self), self.keepdim)
        return _maximum(x, axes(self), None, None, self.keepdim) if found is None else found


class AminBackward0(Extreme):
    """Smallest element over dimensions."""

    def forward(self, x: Any) -> Any:
        found = reductions.smallest(x, axes(self), self.keepdim)
        return _minimum(x, axes(self), None, None, self.keepdim) if found is None else found


class MaxBackward1(Extreme):
    """Largest of all elements; NaN when there is one."""

    def forward(self, x: Any) -> Any:
        found = reductions.largest(x, None, False)
        return _maximum(x, None) if found is None else found

    def ties(self, x: Tensor, result: Tensor) -> Any:
        return np.isnan(x.array) if np.isnan(result.array) else x.array == result.array


class MinBackward1(MaxBackward1):
    """Smallest of all elements; NaN when there is one."""

    def forward(self, x: Any) -> Any:
        found = reductions.smallest(x, None, False)
        return _minimum(x, None) if found is None else found


class MaxBackward0(Selection):
    """Largest elements along a dimension; the first of those that tie."""

    def choose(self, x: Any) -> tuple[Any, Any]:
        return _maximum(x, self.dim, None, None, True), x.argmax(self.dim, keepdims=True)

    def forward(self, arrays: list[Any]) -> Any:
        if not self.drops or len(self.shape) == 0:
            return Selection.forward(self, arrays)
        if arrays[0].size >= FEW and kernels.moves(arrays[0]):
            return list(kernels.extreme(arrays[0], self.dim, True, True))
        return [_maximum(arrays[0], self.dim), place_along(np.argmax, arrays[0], self.dim)]

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim, "keepdim": not self.drops, "self_sym_sizes": self.shape}


class MinBackward0(Selection):
    """Smallest elements along a dimension; the first of those that tie."""

    def choose(self, x: Any) -> tuple[Any, Any]:
        return _minimum(x, self.dim, None, None, True), x.argmin(self.dim, keepdims=True)

    def forward(self, arrays: list[Any]) -> Any:
        if not self.drops or len(self.shape) == 0:
            return Selection.forward(self, arrays)
        if arrays[0].size >= FEW and kernels.moves(arrays[0]):
            return list(kernels.extreme(arrays[0], self.dim, False, True))
        return [_minimum(arrays[0], self.dim), place_along(np.argmin, arrays[0], self.dim)]

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim, "keepdim": not self.drops, "self_sym_sizes": self.shape}


class AminmaxBackward0(General):
    """Smallest and largest element at once; elements that tie share the gradient equally."""

    def __init__(self, x: TensorBase, dim: Any, keepdim: bool) -> None:
        self.dim: Any = None if dim is None else wrap_dim(dim, len(x.shp))
        self.keepdim: bool = keepdim
        self.low: AminBackward0 = AminBackward0()
        self.high: AmaxBackward0 = AmaxBackward0()
        over(self.low, x, dim, keepdim)
        over(self.high, x, dim, keepdim)

    def forward(self, arrays: list[Any]) -> Any:
        return [self.low.forward(arrays[0]), self.high.forward(arrays[0])]

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        x = self.tensor("self")
        total: Tensor | None = None
        if grads[0] is not None:
            total = self.low.grad_self(grads[0], x, self.tensor("min"))
        if grads[1] is not None:
            part = self.high.grad_self(grads[1], x, self.tensor("max"))
            total = part if total is None else total + part
        return [total]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        return [
            self.low.forward_grad(tangent, inputs[0], results[0]),
            self.high.forward_grad(tangent, inputs[0], results[1]),
        ]

    def output_names(self) -> list[str]:
        return ["min", "max"]

    def saves(self) -> list[str]:
        return ["self", "min", "max"]

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim, "keepdim": self.keepdim}


def max(self: Tensor, dim: Any = None, keepdim: bool = False, *, out: Any = None) -> Any:
    """Largest element; with ``dim`` the largest along a dimension and where they are; with a tensor the larger of each pair.

    Args:
        self: real tensor.
        dim: None for the largest of all; a dimension; or a tensor to compare with (see :meth:`maximum`).
        keepdim: keep the dimension with size 1.

    Returns:
        A 0-d tensor; or a named tuple ``(values, indices)``; or a tensor of the broadcast shape.

    Gradient:
        Of all elements: shared equally by those that tie. Along a dimension: all of it to the one at the returned index.

    Raises:
        RuntimeError: without ``dim`` for no elements.
        IndexError: for a dimension without elements, or one that does not exist.

    Variants: function method
    """
    if dim is None:
        return whole("max", MaxBackward1(), self, out)
    if isinstance(dim, TensorBase):
        other: Any = dim
        return into("max", self.maximum(other), out)
    check_order(self, "max")
    op = MaxBackward0(self, dim, not keepdim)
    check_not_empty("max", self, op.dim)
    return return_types.max(deliver("max", out, general_many(op, [self])))


def min(self: Tensor, dim: Any = None, keepdim: bool = False, *, out: Any = None) -> Any:
    """Smallest element; with ``dim`` the smallest along a dimension and where they are; with a tensor the smaller of each pair.

    Gradient:
        As for :meth:`max`.

    Variants: function method
    """
    if dim is None:
        return whole("min", MinBackward1(), self, out)
    if isinstance(dim, TensorBase):
        other: Any = dim
        return into("min", self.minimum(other), out)
    check_order(self, "min")
    op = MinBackward0(self, dim, not keepdim)
    check_not_empty("min", self, op.dim)
    return return_types.min(deliver("min", out, general_many(op, [self])))


def whole(name: str, op: Extreme, x: Tensor, out: Any) -> Tensor:
    """The extreme of all elements."""
    check_order(x, name + "_all")
    check_some(name, x)
    return into(name, reduce(over(op, x, None, False), x), out)


def into(name: str, result: Tensor, out: Any) -> Tensor:
    """The result, stored into ``out`` when that is given."""
    return result if out is None else write_out(name, out, result)


def check_some(name: str, x: TensorBase) -> None:
    """The extreme of nothing does not exist."""
    if 0 in x.shp:
        raise RuntimeError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the "
            "'dim' argument."
        )


def amax(self: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """Largest element over dimensions (all by default).

    Gradient:
        Shared equally by the elements that tie.

    Variants: function method out
    """
    return several("amax", AmaxBackward0(), self, dim, keepdim)


def amin(self: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """Smallest element over dimensions (all by default).

    Gradient:
        Shared equally by the elements that tie.

    Variants: function method out
    """
    return several("amin", AminBackward0(), self, dim, keepdim)


def several(name: str, op: Extreme, x: Tensor, dim: Any, keepdim: bool) -> Tensor:
    """The extreme over several dimensions."""
    check_order(x, name)
    if dim is None or (isinstance(dim, (tuple, list)) and len(dim) == 0):
        check_some(name, x)
    for d in wrap_dims(dim, len(x.shp)):
        check_not_empty(name, x, d)
    return reduce(over(op, x, dim, keepdim), x)


def aminmax(self: Tensor, *, dim: Any = None, keepdim: bool = False, out: Any = None) -> Any:
    """Smallest and largest element, over all or one dimension, as a named tuple ``(min, max)``.

    Gradient:
        Shared equally by the elements that tie.

    Variants: function method
    """
    check_order(self, "aminmax")
    if 0 in self.shp and (dim is None or self.shp[wrap_dim(dim, len(self.shp))] == 0):
        raise RuntimeError(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
        )
    return return_types.aminmax(deliver("aminmax", out, general_many(AminmaxBackward0(self, dim, keepdim), [self])))


def argmax(self: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Index of the largest element (of the flattened tensor, or along a dimension); the first of those that tie; int64.

    Variants: function method out
    """
    return place_of("argmax", np.argmax, self, dim, keepdim)


def argmin(self: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Index of the smallest element (of the flattened tensor, or along a dimension); the first of those that tie; int64.

    Variants: function method out
    """
    return place_of("argmin", np.argmin, self, dim, keepdim)


def place_of(name: str, find: Any, x: TensorBase, dim: Any, keepdim: bool) -> Tensor:
    """Position of an extreme."""
    check_order(x, name + "_cpu")
    if x.dt.category == BOOL:
        raise RuntimeError(f"{name}(): does not support bool input")
    if dim is None:
        if 0 in x.shp:
            raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
        return make(find(x.array, None, keepdims=keepdim))
    d = wrap_dim(dim, len(x.shp))
    check_not_empty(name, x, d)
    if len(x.shp) == 0:
        return make(np.int64(0))
    found = place_along(find, x.array, d)
    return make(np.expand_dims(found, d) if keepdim else found)


def place_along(find: Any, x: Any, axis: int) -> Any:
    """Position of an extreme along an axis. NumPy copies the input with that axis last: here only a block of it."""
    if x.size >= FEW and kernels.moves(x):
        return kernels.extreme(x, axis, find is np.argmax, False)[1]
    if x.size <= BLOCK or axis == x.ndim - 1 or not x.flags.c_contiguous:
        return find(x, axis)
    n = x.shape[axis]
    outer, inner = count(x.shape[:axis]), count(x.shape[axis + 1 :])
    blocks = x.reshape(outer, n, inner)
    out = np.empty((outer, inner), np.int64)
    rows, columns = BLOCK // (n * inner) or 1, BLOCK // n or 1
    for i in range(0, outer, rows):
        for j in range(0, inner, columns):
            part = (slice(i, i + rows), slice(j, j + columns))
            out[part] = find(blocks[part[0], :, part[1]], 1)
    return out.reshape(*x.shape[:axis], *x.shape[axis + 1 :])


from .._record.common import write_out  # noqa: E402
