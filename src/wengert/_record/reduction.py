"""Template of reductions: operators of one tensor that combine the elements along some dimensions.

A reduction records like an elementwise operator of one tensor (it *is* a ``Unary``): what differs is the shape of the
result, and that its tangent is not its gradient formula, so that a subclass states ``forward_grad`` itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core.compat import mypyc_attr
from .._core.dtypes import FLOATING, Size, size_of
from .._core.modes import MODES, is_grad_enabled
from .._core.tensor_base import TensorBase, memory, requires_grad
from ..kernels import arrays
from .common import RESULT, for_kernels, untracked, wrap_dims
from .unary import Unary, forward_mode, record_unary, silenced

if TYPE_CHECKING:
    from .._tensor import Tensor

_new_array: Final[Any] = np.ndarray
_generic: Final[Any] = np.generic
_ascontiguousarray: Final[Any] = np.ascontiguousarray
_spread: Final[Any] = arrays.spread


@mypyc_attr(allow_interpreted_subclasses=True)
class Reduction(Unary):
    """Base of the nodes of reductions.

    Attributes:
        shape: shape of the operand.
        dims: reduced dimensions, counted from the front; None when all are reduced to a 0-d result.
        keepdim: whether reduced dimensions stay, with size 1.
    """

    shape: Size
    dims: tuple[int, ...] | None = None
    keepdim: bool = False

    def fresh(self) -> Unary:
        """The node carries the parameters of one call: it is its own."""
        return self

    def count(self) -> int:
        """Number of elements that go into each result."""
        total = 1
        if self.dims is None:
            for n in self.shape:
                total *= n
        elif len(self.shape) > 0:
            for d in self.dims:
                total *= self.shape[d]
        return total

    def opened(self, t: Tensor) -> Tensor:
        """A result (or its gradient) with the reduced dimensions back as size 1: it broadcasts to the operand."""
        if self.dims is None or self.keepdim or len(self.shape) == 0:
            return t
        return t.reshape(open_shape(self.shape, self.dims))

    def spread(self, grad: Tensor) -> Tensor:
        """A gradient broadcast to the shape of the operand (stride 0: no memory is filled)."""
        if untracked(grad):
            return _tensor.Tensor(self.spread_array(grad.array), grad.dt, self.shape)
        return self.opened(grad).expand(self.shape)

    def spread_array(self, array: Any) -> Any:
        """``spread`` for arrays; by a function of our own, because ``np.broadcast_to`` takes 2 us."""
        shape = self.shape
        if 0 in shape:
            return np.zeros(shape, array.dtype)
        if not isinstance(array, (_generic, _new_array)):
            return array.expanded(shape)  # a value that fuse traces
        if not isinstance(array, _generic):
            array = _ascontiguousarray(array)
        if self.dims is None:
            return _spread(array, shape, (0,) * len(shape))
        return _spread(array, shape, spread_strides(shape, self.dims, array.itemsize))

    def parameters(self) -> dict[str, Any]:
        """``dim`` and ``keepdim`` where dimensions were given."""
        return {} if self.dims is None else {"dim": self.dims, "keepdim": self.keepdim}


def open_shape(shape: Size, dims: tuple[int, ...]) -> tuple[int, ...]:
    """``shape`` with size 1 at ``dims``."""
    return tuple([1 if i in dims else shape[i] for i in range(len(shape))])


def spread_strides(shape: Size, dims: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Strides that read a contiguous array of reduced shape as one of the full shape."""
    strides = [0] * len(shape)
    step = itemsize
    for i in range(len(shape) - 1, -1, -1):
        if i not in dims:
            strides[i] = step
            step *= shape[i]
    return tuple(strides)


def over(op: Reduction, x: TensorBase, dim: Any, keepdim: Any) -> Reduction:
    """``op`` set up to reduce dimension ``dim`` of ``x`` (an int, several, or None for all)."""
    if not isinstance(keepdim, bool):
        raise TypeError(f"argument 'keepdim' must be bool, not {type(keepdim).__name__}")
    op.shape = x.shp
    if dim is not None or keepdim:
        op.dims = wrap_dims(dim, len(x.shp))
        op.keepdim = keepdim
    return op


def axes(op: Reduction) -> Any:
    """NumPy's ``axis``: None for all; a 0-d array is reduced over nothing."""
    return None if op.dims is None or len(op.shape) == 0 else op.dims


def reduce(op: Reduction, x: TensorBase) -> Tensor:
    """Run a reduction and record the call."""
    if x.dt.category < FLOATING:
        x = op.prepare(x)
    array = op.forward(x.array) if op.silent and for_kernels(x.dt) else silenced(op, x.array)
    out = _tensor.Tensor(array, op.out_dtype(x.dt), size_of(array))
    if requires_grad(x) and op.differentiable:
        if is_grad_enabled():
            if op.reads & RESULT:
                memory(out)  # the saved result shares the memory of the result, also of a 0-d one
            record_unary(op, x, out)
    if MODES.unusual:
        forward_mode(op, x, out)
    return out


from .. import _tensor  # noqa: E402
