"""Complex numbers: parts, conjugates, angles, construction, and views between complex and real memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.compat import i64
from .._core.dtypes import BOOL, COMPLEX, FLOATING, DType, dtype_of
from .._core.tensor_base import TensorBase
from .._record.common import cast_grad, converted, float_dtype_for, sum_to
from .._record.general import General, general
from .._record.unary import Unary, unary
from .._record.view import View, view

if TYPE_CHECKING:
    from .._tensor import Tensor


class ViewAsRealBackward0(View):
    """Complex numbers as pairs of real ones, in a last dimension of size 2."""

    def forward(self, x: Any) -> Any:
        return retyped_array(x.reshape((*x.shape, 1)), real_dtype(x))

    def grad_self(self, grad: Tensor) -> Tensor:
        return view_as_complex(grad.contiguous())

    def again(self) -> View:
        return ViewAsRealBackward0()

    def out_dtype(self, dt: DType) -> DType:
        return dt.to_real()


class ViewAsComplexBackward0(View):
    """Pairs of real numbers in the last dimension as complex ones."""

    def forward(self, x: Any) -> Any:
        return retyped_array(x, dtype_of(x).to_complex().np).reshape(x.shape[:-1])

    def grad_self(self, grad: Tensor) -> Tensor:
        return view_as_real(grad)

    def again(self) -> View:
        return ViewAsComplexBackward0()

    def out_dtype(self, dt: DType) -> DType:
        return dt.to_complex()


class ViewBackward1(View):
    """The same bytes as numbers of another dtype."""

    def __init__(self, source: DType, target: DType) -> None:
        self.source: DType = source
        self.target: DType = target

    def forward(self, x: Any) -> Any:
        return retyped_array(x, self.target.np)

    def grad_self(self, grad: Tensor) -> Tensor:
        return view_dtype(grad.contiguous(), self.source)

    def again(self) -> View:
        return ViewBackward1(self.source, self.target)

    def out_dtype(self, dt: DType) -> DType:
        return self.target


class ConjBackward0(Unary):
    """Complex conjugate of each element.  The gradient is conjugated."""

    def forward(self, x: Any) -> Any:
        return np.conjugate(x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        return grad.conj()

    def saves(self) -> i64:
        return 0

    def prepare(self, x: TensorBase) -> TensorBase:
        return x

    def fresh(self) -> Unary:
        return ConjBackward0()


CONJ: Final = ConjBackward0()


def real_dtype(x: Any) -> Any:
    """NumPy's dtype of the parts of a complex array."""
    return x.real.dtype


def retyped_array(x: Any, dt: Any) -> Any:
    """The same bytes as another NumPy dtype; sizes along the last dimension change where the item sizes differ."""
    return x.view(dt)


def view_dtype(x: Tensor, dt: DType) -> Tensor:
    """``view(dtype)``: the same bytes as another dtype.

    Raises:
        RuntimeError: when the last dimension does not divide, or does not lie side by side in memory.
    """
    if dt is x.dt:
        return x.view(x.shp)
    old = int(x.dt.itemsize)
    new = int(dt.itemsize)
    check_retyped(x, old, new)
    return view(ViewBackward1(x.dt, dt), x)


def check_retyped(x: TensorBase, old: int, new: int) -> None:
    """The conditions of ``view(dtype)`` on shape and strides."""
    if old == new:
        return
    if len(x.shp) == 0:
        raise RuntimeError(
            f"self.dim() cannot be 0 to view {x.dt.title} as a dtype of another size (different element sizes)"
        )
    if x.array.size > 0 and x.array.strides[-1] != old:
        raise RuntimeError("self.stride(-1) must be 1 to view a tensor as a dtype of another element size")
    if new > old and x.shp[-1] * old % new != 0:
        raise RuntimeError(
            f"self.size(-1) must be divisible by {new // old} to view a tensor as a dtype with {new // old} times larger "
            f"elements, but got {x.shp[-1]}"
        )


def view_as_real(self: Tensor) -> Tensor:
    """Complex numbers as pairs of real ones, in a last dimension of size 2.

    Returns:
        A view.

    Raises:
        RuntimeError: for real tensors.

    Variants: function
    """
    if self.dt.category != COMPLEX:
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return view(ViewAsRealBackward0(), self)


def view_as_complex(self: Tensor) -> Tensor:
    """Pairs of real numbers in the last dimension (of size 2, side by side in memory) as complex numbers.

    Returns:
        A view.

    Raises:
        RuntimeError: for other shapes, strides and dtypes.

    Variants: function
    """
    if self.dt.category != FLOATING or self.dt.itemsize < 4:
        raise RuntimeError(f"view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type: {self.dt.title}")
    if len(self.shp) == 0:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if self.shp[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    strides = self.stride()
    if strides[-1] != 1:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    for s in strides[:-1]:
        if s % 2 != 0 and self.array.size > 0:
            raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    return view(ViewAsComplexBackward0(), self)


def real(self: Tensor) -> Tensor:
    """The real part, a view that may be written to; a real tensor itself.

    Gradient: of a complex tensor, the gradient as real part, with imaginary part 0.

    Variants: function property
    """
    if self.dt.category != COMPLEX:
        return self
    return view_as_real(self).select(-1, 0)


def imag(self: Tensor) -> Tensor:
    """The imaginary part, a view that may be written to.

    Gradient: the gradient as imaginary part, with real part 0.

    Raises:
        RuntimeError: for real tensors.

    Variants: function property
    """
    if self.dt.category != COMPLEX:
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return view_as_real(self).select(-1, 1)


def conj(self: Tensor) -> Tensor:
    """The complex conjugate, computed at once (PyTorch's is a view that waits); a real tensor itself.

    Gradient: conjugated.

    Variants: function method
    """
    return self if self.dt.category != COMPLEX else unary(CONJ, self)
