"""Circular and hyperbolic functions, their inverses, angles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.compat import i64
from .._core.dtypes import COMPLEX
from .._record.binary import Binary, binary
from .._record.common import FUSED, OTHER, RESULT, SELF
from .._record.unary import Unary, unary, unary_
from ..kernels import arrays, blocks, formulas, ufuncs
from .transcendental import FloatBinary, FloatOnly, Slope, conj

if TYPE_CHECKING:
    from .._tensor import Tensor

_sin: Final[Any] = arrays.sin
_cos: Final[Any] = arrays.cos
_tanh: Final[Any] = arrays.tanh


class SinBackward0(Unary):
    """Sine of each element (radians).  d sin(x) = cos(x)."""

    SCHEMA: Final = "sin(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"
    reads: i64 = SELF | FUSED
    silent: bool = True

    def forward(self, x: Any) -> Any:
        return _sin(x)

    def write(self, x: Any, out: Any) -> bool:
        return _sin(x, out) is out

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.sin_slope(grad, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad * conj(x.cos())

    def fresh(self) -> Unary:
        return SinBackward0()


class CosBackward0(Unary):
    """Cosine of each element (radians).  d cos(x) = -sin(x)."""

    SCHEMA: Final = "cos(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"
    reads: i64 = SELF | FUSED
    silent: bool = True

    def forward(self, x: Any) -> Any:
        return _cos(x)

    def write(self, x: Any, out: Any) -> bool:
        return _cos(x, out) is out

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.cos_slope(grad, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad * -conj(x.sin())

    def fresh(self) -> Unary:
        return CosBackward0()


class TanBackward0(Unary):
    """Tangent of each element (radians).  d tan(x) = 1 + tan(x)**2."""

    SCHEMA: Final = "tan(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"
    reads: i64 = RESULT

    def forward(self, x: Any) -> Any:
        return ufuncs.tan(x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert result is not None
        return grad * conj(result * result + 1)

    def fresh(self) -> Unary:
        return TanBackward0()


class AsinBackward0(Unary):
    """Inverse sine of each element, in [-pi/2, pi/2].  d asin(x) = 1/sqrt(1 - x**2)."""

    SCHEMA: Final = "asin(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace | aliases: arcsin"

    def forward(self, x: Any) -> Any:
        return ufuncs.arcsin(x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad * conj((1 - x * x).rsqrt())

    def fresh(self) -> Unary:
        return AsinBackward0()


class AcosBackward0(Unary):
    """Inverse cosine of each element, in [0, pi].  d acos(x) = -1/sqrt(1 - x**2)."""

    SCHEMA: Final = "acos(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace | aliases: arccos"

    def forward(self, x: Any) -> Any:
        return ufuncs.arccos(x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad * -conj((1 - x * x).rsqrt())

    def fresh(self) -> Unary:
        return AcosBackward0()


class AtanBackward0(Unary):
    """Inverse tangent of each element, in [-pi/2, pi/2].  d atan(x) = 1/(1 + x**2)."""

    SCHEMA: Final = "atan(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace | aliases: arctan"

    def forward(self, x: Any) -> Any:
        return ufuncs.arctan(x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad / conj(x * x + 1)

    def fresh(self) -> Unary:
        return AtanBackward0()


class SinhBackward0(Unary):
    """Hyperbolic sine of each element.  d sinh(x) = cosh(x)."""

    SCHEMA: Final = "sinh(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"

    def forward(self, x: Any) -> Any:
        return ufuncs.sinh(x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad * conj(x.cosh())

    def fresh(self) -> Unary:
        return SinhBackward0()


class CoshBackward0(Unary):
    """Hyperbolic cosine of each element.  d cosh(x) = sinh(x)."""

    SCHEMA: Final = "cosh(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"

    def forward(self, x: Any) -> Any:
        return ufuncs.cosh(x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad * conj(x.sinh())

    def fresh(self) -> Unary:
        return CoshBackward0()


class TanhBackward0(Unary):
    """Hyperbolic tangent of each element.  d tanh(x) = 1 - tanh(x)**2."""

    SCHEMA: Final = "tanh(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"
    reads: i64 = RESULT | FUSED
    silent: bool = True

    def forward(self, x: Any) -> Any:
        return _tanh(x)

    def write(self, x: Any, out: Any) -> bool:
        return _tanh(x, out) is out

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.tanh_slope(grad, result)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert result is not None
        if result.dt.category == COMPLEX:
            return grad * (1 - result * result).conj()
        return binary(TANH_SLOPE, grad, result)

    def fresh(self) -> Unary:
        return TanhBackward0()


class TanhBackwardBackward0(Slope):
    """Gradient of tanh's operand, g (1 - y**2), given the result y."""

    silent: bool = True

    def forward(self, x: Any, y: Any) -> Any:
        return formulas.tanh_slope(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert other is not None
        return binary(TANH_SLOPE, grad, other)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return grad * (other * -2 * x)

    def other_name(self) -> str:
        return "output"

    def fresh(self) -> Binary:
        return TanhBackwardBackward0()


class AsinhBackward0(Unary):
    """Inverse hyperbolic sine of each element.  d asinh(x) = 1/sqrt(x**2 + 1)."""

    def forward(self, x: Any) -> Any:
        return ufuncs.arcsinh(x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad * conj((x * x + 1).rsqrt())

    def fresh(self) -> Unary:
        return AsinhBackward0()


class AsinhBackward1(AsinhBackward0):
    """The same in place: recorded without a derivative (as in PyTorch)."""

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        raise no_inplace_derivative("asinh")

    def fresh(self) -> Unary:
        return AsinhBackward1()


class AcoshBackward0(Unary):
    """Inverse hyperbolic cosine of each element; NaN for reals below 1.  d acosh(x) = 1/sqrt(x**2 - 1)."""

    def forward(self, x: Any) -> Any:
        return ufuncs.arccosh(x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        if x.dt.category == COMPLEX:
            # The square root of the product would lie on the wrong branch left of the imaginary axis.
            return grad * ((x - 1).rsqrt() * (x + 1).rsqrt()).conj()
        return grad * (x * x - 1).rsqrt()

    def fresh(self) -> Unary:
        return AcoshBackward0()


class AcoshBackward1(AcoshBackward0):
    """The same in place: recorded without a derivative (as in PyTorch)."""

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        raise no_inplace_derivative("acosh")

    def fresh(self) -> Unary:
        return AcoshBackward1()


class AtanhBackward0(Unary):
    """Inverse hyperbolic tangent of each element; NaN for reals outside [-1, 1].  d atanh(x) = 1/(1 - x**2)."""

    def forward(self, x: Any) -> Any:
        return ufuncs.arctanh(x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad / conj(1 - x * x)

    def fresh(self) -> Unary:
        return AtanhBackward0()


class AtanhBackward1(AtanhBackward0):
    """The same in place: recorded without a derivative (as in PyTorch)."""

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        raise no_inplace_derivative("atanh")

    def fresh(self) -> Unary:
        return AtanhBackward1()


def sinc_array(x: Any) -> Any:
    """sin(pi x) / (pi x)."""
    # pi x rounded to half precision would be far off.
    angle = (x.astype(np.float32) if x.dtype == np.float16 else x) * math.pi
    return np.where(x == 0, 1, np.sin(angle) / angle).astype(x.dtype)


class SincBackward0(Unary):
    """Normalised sinc, sin(pi x)/(pi x), of each element; 1 at 0.  d = (pi x cos(pi x) - sin(pi x))/(pi x**2), 0 at 0."""

    SCHEMA: Final = (
        "sinc(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace special"
    )

    def forward(self, x: Any) -> Any:
        return blocks.mapped(sinc_array, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        angle = x * math.pi
        slope = (angle * angle.cos() - angle.sin()) / (x * angle)
        return (grad * conj(slope)).masked_fill(x * angle == 0, 0)

    def fresh(self) -> Unary:
        return SincBackward0()


class Deg2RadBackward0(Unary):
    """Degrees as radians.  d = pi/180."""

    SCHEMA: Final = "deg2rad(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"
    reads: i64 = 0

    def forward(self, x: Any) -> Any:
        return scaled_real(x, math.pi / 180, "deg2rad")

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        return grad * (math.pi / 180)

    def fresh(self) -> Unary:
        return Deg2RadBackward0()


class Rad2DegBackward0(Unary):
    """Radians as degrees.  d = 180/pi."""

    SCHEMA: Final = "rad2deg(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"
    reads: i64 = 0

    def forward(self, x: Any) -> Any:
        return scaled_real(x, 180 / math.pi, "rad2deg")

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        return grad * (180 / math.pi)

    def fresh(self) -> Unary:
        return Rad2DegBackward0()


class Atan2Backward0(FloatBinary):
    """Angle of the point (``other``, ``self``), in [-pi, pi].  d = (other, -self)/(self**2 + other**2), 0 at the origin."""

    SCHEMA: Final = (
        "atan2(self: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor "
        "| variants: function method inplace | aliases: arctan2"
    )

    def forward(self, x: Any, y: Any) -> Any:
        return ufuncs.arctan2(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return grad * other * inverse_square(x, other)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return grad * -x * inverse_square(x, other)

    def fresh(self) -> Binary:
        return Atan2Backward0()


class HypotBackward0(FloatOnly):
    """sqrt(self**2 + other**2) of each pair, without overflow.  d = (self, other)/result; NaN where both are 0."""

    SCHEMA: Final = (
        "hypot(self: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"
    )
    reads_self: i64 = SELF | RESULT
    reads_other: i64 = OTHER | RESULT

    def forward(self, x: Any, y: Any) -> Any:
        return formulas.hypot(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and result is not None
        return grad * (x / result)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert other is not None and result is not None
        return grad * (other / result)

    def fresh(self) -> Binary:
        return HypotBackward0()


SIN: Final = SinBackward0()
COS: Final = CosBackward0()
TAN: Final = TanBackward0()
ASIN: Final = AsinBackward0()
ACOS: Final = AcosBackward0()
ATAN: Final = AtanBackward0()
SINH: Final = SinhBackward0()
COSH: Final = CoshBackward0()
TANH: Final = TanhBackward0()
TANH_SLOPE: Final = TanhBackwardBackward0()
ASINH: Final = AsinhBackward0()
ASINH_: Final = AsinhBackward1()
ACOSH: Final = AcoshBackward0()
ACOSH_: Final = AcoshBackward1()
ATANH: Final = AtanhBackward0()
ATANH_: Final = AtanhBackward1()
SINC: Final = SincBackward0()
DEG2RAD: Final = Deg2RadBackward0()
RAD2DEG: Final = Rad2DegBackward0()
ATAN2: Final = Atan2Backward0()
HYPOT: Final = HypotBackward0()


def scaled_real(x: Any, factor: float, name: str) -> Any:
    """An array of reals times a number."""
    if x.dtype.kind == "c":
        raise RuntimeError(f"{name} is not supported for complex tensors.")
    return arrays.multiply(x, x.dtype.type(factor))


def no_inplace_derivative(name: str) -> NotImplementedError:
    """The error of the three operators that PyTorch cannot differentiate in place."""
    return NotImplementedError(
        errors.with_hints(
            f"the derivative for 'inplace version of {name}' is not implemented.",
            f"try: x = x.{name}() instead of x.{name}_()",
        )
    )


def inverse_square(x: Tensor, y: Tensor) -> Tensor:
    """1/(x**2 + y**2), 0 at the origin."""
    square = x * x + y * y
    return square.reciprocal().masked_fill(square == 0, 0)


def asinh(self: Tensor) -> Tensor:
    """Inverse hyperbolic sine of each element.

    Gradient:
        1/sqrt(x**2 + 1).

    Variants: function method out
    Aliases: arcsinh
    """
    return unary(ASINH, self)


def asinh_(self: Tensor) -> Tensor:
    """In-place version of :meth:`asinh`.

    Variants: function method
    Aliases: arcsinh_
    """
    return unary_(ASINH_, self)


def acosh(self: Tensor) -> Tensor:
    """Inverse hyperbolic cosine of each element; NaN for reals below 1.

    Gradient:
        1/sqrt(x**2 - 1).

    Variants: function method out
    Aliases: arccosh
    """
    return unary(ACOSH, self)


def acosh_(self: Tensor) -> Tensor:
    """In-place version of :meth:`acosh`.

    Variants: function method
    Aliases: arccosh_
    """
    return unary_(ACOSH_, self)


def atanh(self: Tensor) -> Tensor:
    """Inverse hyperbolic tangent of each element; NaN for reals outside [-1, 1].

    Gradient:
        1/(1 - x**2).

    Variants: function method out
    Aliases: arctanh
    """
    return unary(ATANH, self)


def atanh_(self: Tensor) -> Tensor:
    """In-place version of :meth:`atanh`.

    Variants: function method
    Aliases: arctanh_
    """
    return unary_(ATANH_, self)
