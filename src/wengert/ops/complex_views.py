"""Complex numbers: parts, conjugates, angles, construction, and views between complex and real memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.compat import i64
from .._core.dtypes import COMPLEX, FLOATING, DType, Size, dtype_of, parse_dtype
from .._core.tensor_base import TensorBase, memory, shared_counter
from .._record.common import broadcast_size, converted, float_dtype_for, make, sum_to
from .._record.general import General, general
from .._record.unary import Unary, unary, unary_
from .._record.view import View, view
from ..kernels import empty

if TYPE_CHECKING:
    from .._tensor import Tensor


class ViewAsRealBackward0(View):
    """Complex numbers as pairs of real ones, in a last dimension of size 2."""

    def forward(self, x: Any) -> Any:
        return x.reshape((*x.shape, 1)).view(dtype_of(x).to_real().np)

    def grad_self(self, grad: Tensor) -> Tensor:
        return view_as_complex(grad.contiguous())

    def again(self) -> View:
        return ViewAsRealBackward0()

    def out_dtype(self, dt: DType) -> DType:
        return dt.to_real()


class ViewAsComplexBackward0(View):
    """Pairs of real numbers in the last dimension as complex ones."""

    def forward(self, x: Any) -> Any:
        return x.view(dtype_of(x).to_complex().np).reshape(x.shape[:-1])

    def grad_self(self, grad: Tensor) -> Tensor:
        return view_as_real(grad)

    def again(self) -> View:
        return ViewAsComplexBackward0()

    def out_dtype(self, dt: DType) -> DType:
        return dt.to_complex()


class ConjBackward0(Unary):
    """Complex conjugate of each element.  The gradient is conjugated."""

    reads: i64 = 0

    def forward(self, x: Any) -> Any:
        return np.conjugate(x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        return grad.conj()

    def prepare(self, x: TensorBase) -> TensorBase:
        return x

    def fresh(self) -> Unary:
        return ConjBackward0()


class ConjPhysicalBackward0(ConjBackward0):
    """Complex conjugate of each element, as PyTorch computes it at once."""

    def fresh(self) -> Unary:
        return ConjPhysicalBackward0()


class ConjPhysicalBackward1(ConjBackward0):
    """``conj_physical_``."""

    def fresh(self) -> Unary:
        return ConjPhysicalBackward1()


class AngleBackward0(Unary):
    """Angle of a complex number; 0 or pi for a real one."""

    def forward(self, x: Any) -> Any:
        if x.dtype.kind == "c":
            return np.angle(x.copy(order="C"))  # PyTorch's result is contiguous
        # np.angle takes -0.0 for negative and gives 0 for NaN.
        return np.where(np.isnan(x), x, np.where(x < 0, x.dtype.type(np.pi), x.dtype.type(0)))[()]

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        if x.dt.category != COMPLEX:
            return zeros_like(grad)
        return turned(x) * grad

    def forward_grad(self, tangent: Tensor, x: Tensor, result: Tensor) -> Tensor:
        if x.dt.category != COMPLEX:
            return zeros_like(tangent)
        return real(turned(x).conj() * tangent)

    def prepare(self, x: TensorBase) -> TensorBase:
        return converted(x, float_dtype_for(x))

    def out_dtype(self, dt: DType) -> DType:
        return dt.to_real()

    def fresh(self) -> Unary:
        return AngleBackward0()


def turned(z: Tensor) -> Tensor:
    """i z / |z|**2, zero at zero: the gradient of the angle."""
    a, b = real(z), imag(z)
    square = a * a + b * b
    scale = 1 / square.masked_fill(square == 0, 1)
    return complex(-b * scale, a * scale)


class ComplexBackward0(General):
    """Complex numbers from their real and imaginary parts."""

    def __init__(self, first: Size, second: Size) -> None:
        self.first: Size = first
        self.second: Size = second

    def input_names(self) -> list[str]:
        return ["real", "imag"]

    def forward(self, arrays: list[Any]) -> Any:
        a, b = arrays
        out = empty(np.broadcast_shapes(a.shape, b.shape), dtype_of(a).to_complex().np)
        out.real = a
        out.imag = b
        return out

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [
            sum_to(real(grad), self.first) if self.wanted(0) else None,
            sum_to(imag(grad), self.second) if self.wanted(1) else None,
        ]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        a, b = [zeros_like(x) if t is None else t for t, x in zip(tangents, inputs, strict=True)]
        return [complex(a, b)]


class PolarBackward0(General):
    """Complex numbers from their absolute values and angles."""

    def __init__(self, first: Size, second: Size) -> None:
        self.first: Size = first
        self.second: Size = second
        self.positive: bool = True

    def input_names(self) -> list[str]:
        return ["abs", "angle"]

    def saves(self) -> list[str]:
        # Where abs > 0 the direction can be read off the result; at 0 and below only the angle tells it.
        return ["result"] if self.positive else ["angle", "result"]

    def forward(self, arrays: list[Any]) -> Any:
        r, phi = arrays
        self.positive = bool((r > 0).all())
        out = empty(np.broadcast_shapes(r.shape, phi.shape), dtype_of(r).to_complex().np)
        out.real = r * np.cos(phi)
        out.imag = r * np.sin(phi)
        return out

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        result = self.tensor("result")
        first = second = None
        if self.wanted(0):
            direction = result / result.abs() if self.positive else unit(self.tensor("angle"))
            first = real(grad * direction.conj())
        if self.wanted(1):
            second = imag(grad * result.conj())
        return [
            None if first is None else sum_to(first, self.first),
            None if second is None else sum_to(second, self.second),
        ]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        r, phi = tangents
        out = results[0]
        parts = []
        if r is not None:
            parts.append(unit(inputs[1]) * r)
        if phi is not None:
            parts.append(out * phi * 1j)
        total = parts[0] if len(parts) == 1 else parts[0] + parts[1]
        return [total.expand(out.shp)]


def unit(angle: Tensor) -> Tensor:
    """e^(i angle)."""
    return complex(angle.cos(), angle.sin())


CONJ: Final = ConjBackward0()
CONJ_PHYSICAL: Final = ConjPhysicalBackward0()
CONJ_PHYSICAL_: Final = ConjPhysicalBackward1()
ANGLE: Final = AngleBackward0()


def view_dtype(x: Tensor, dt: DType) -> Tensor:
    """``view(dtype)``: the same bytes as another dtype, without gradient.

    Raises:
        RuntimeError: when the last dimension does not divide, or does not lie side by side in memory.
    """
    check_retyped(x, dt)
    out = make(memory(x).view(dt.np))
    out.counter = shared_counter(x)
    return out


def check_retyped(x: TensorBase, dt: DType) -> None:
    """The conditions of ``view(dtype)`` on shape and strides."""
    old, new = int(x.dt.itemsize), int(dt.itemsize)
    if old == new:
        return
    what = f"to view {x.dt.title} as {dt.title} (different element sizes)"
    if len(x.shp) == 0:
        raise RuntimeError(f"self.dim() cannot be 0 {what}")
    stride = x.array.strides[-1] // old
    if x.array.size > 0 and stride != 1:
        raise RuntimeError(f"self.stride(-1) must be 1 {what}, but got {stride}")
    if new > old and x.shp[-1] % (new // old) != 0:
        raise RuntimeError(f"self.size(-1) must be divisible by {new // old} {what}, but got {x.shp[-1]}")


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
    if self.dt.category != FLOATING:
        raise RuntimeError(
            "view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type: "
            + self.dt.title
        )
    parse_dtype(self.dt.to_complex(), "view_as_complex")
    if len(self.shp) == 0:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if self.shp[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    strides = self.stride() if self.array.size > 0 else (1,)
    if strides[-1] != 1:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    if self.storage_offset() % 2 != 0:
        raise RuntimeError("Tensor must have a storage_offset divisible by 2")
    for s in strides[:-1]:
        if s % 2 != 0:
            raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    return view(ViewAsComplexBackward0(), self)


def real(self: Tensor) -> Tensor:
    """The real part, a view that may be written to; a real tensor itself.

    Gradient: of a complex tensor, the gradient as real part, with imaginary part 0.

    Variants: function property assignable
    """
    if self.dt.category != COMPLEX:
        return self
    return view_as_real(self).select(-1, 0)


def imag(self: Tensor) -> Tensor:
    """The imaginary part, a view that may be written to.

    Gradient: the gradient as imaginary part, with real part 0.

    Raises:
        RuntimeError: for real tensors.

    Variants: function property assignable
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


def conj_physical(self: Tensor) -> Tensor:
    """The complex conjugate; a real tensor itself.

    Gradient: conjugated.

    Variants: function method out
    """
    return self if self.dt.category != COMPLEX else unary(CONJ_PHYSICAL, self)


def conj_physical_(self: Tensor) -> Tensor:
    """In-place version of ``conj_physical``.

    Variants: function method
    """
    return self if self.dt.category != COMPLEX else unary_(CONJ_PHYSICAL_, self)


def resolve_conj(self: Tensor) -> Tensor:
    """``self``: conjugates are computed at once, so there is nothing to resolve.

    Variants: function method
    """
    return self


def resolve_neg(self: Tensor) -> Tensor:
    """``self``: negatives are computed at once, so there is nothing to resolve.

    Variants: function method
    """
    return self


def angle(self: Tensor) -> Tensor:
    """Angle of each number with the positive real axis, in radians; 0 or pi for real numbers.

    Gradient: of z = a + bi, (-b + ai) / |z|**2, zero at z = 0; zero for real numbers.

    Variants: function method out
    """
    return unary(ANGLE, self)


def complex(real: Tensor, imag: Tensor) -> Tensor:
    """Complex numbers of given real and imaginary parts, which broadcast.

    Args:
        real, imag: both float32 or both float64.

    Gradient: its real part to ``real``, its imaginary part to ``imag``.

    Raises:
        RuntimeError: for other or different dtypes.

    Variants: function out
    """
    check_parts(real, imag, "complex", "real", "imag")
    broadcast_size(real.shp, imag.shp, "complex")
    return general(ComplexBackward0(real.shp, imag.shp), [real, imag])


def polar(abs: Tensor, angle: Tensor) -> Tensor:
    """Complex numbers of given absolute values and angles (in radians), which broadcast.

    Args:
        abs, angle: both float32 or both float64.

    Gradient: with result r = abs e^(i angle): Re(conj(grad) e^(i angle)) to ``abs``, Im(r conj(grad)) with its sign turned
        to ``angle``.

    Raises:
        RuntimeError: for other or different dtypes.

    Variants: function out
    """
    check_parts(abs, angle, "polar", "abs", "angle")
    return general(PolarBackward0(abs.shp, angle.shp), [abs, angle])


def check_parts(first: Any, second: Any, function: str, first_name: str, second_name: str) -> None:
    """Refuse parts of which no complex numbers can be made."""
    if not isinstance(first, TensorBase):
        raise errors.argument_type(function, first_name, 1, "Tensor", first)
    if not isinstance(second, TensorBase):
        raise errors.argument_type(function, second_name, 2, "Tensor", second)
    if first.dt.category != FLOATING or second.dt.category != FLOATING:
        raise RuntimeError(
            f"Expected both inputs to be Half, Float or Double tensors but got {first.dt.title} and {second.dt.title}"
        )
    if first.dt is not second.dt:
        raise RuntimeError(
            f"Expected object of scalar type {first.dt.title} but got scalar type {second.dt.title} for second argument"
        )
    parse_dtype(first.dt.to_complex(), function)


from .creation_filled import zeros_like  # noqa: E402
