"""Roots, exponentials, logarithms, and the sigmoid function."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.compat import i64
from .._core.dtypes import COMPLEX, DEFAULTS, FLOATING, DType
from .._record.binary import Binary, binary
from .._record.common import FUSED, RESULT, SELF, result_type
from .._record.unary import Unary, unary
from ..kernels import arrays, formulas, ufuncs

if TYPE_CHECKING:
    from .._tensor import Tensor

_exp: Final[Any] = arrays.exp
_expm1: Final[Any] = arrays.expm1
_log: Final[Any] = arrays.log
_log1p: Final[Any] = arrays.log1p
_sqrt: Final[Any] = arrays.sqrt
_multiply: Final[Any] = arrays.multiply

LN2: Final = math.log(2.0)
LN10: Final = math.log(10.0)


def conj(t: Tensor) -> Tensor:
    """Complex conjugate; real tensors are their own."""
    return t if t.dt.category < COMPLEX else t.conj()


class FloatBinary(Binary):
    """Base of operators on pairs of reals that compute in floating point: integers become the default dtype."""

    def common_dtype(self, x: Any, y: Any) -> DType:
        dt = result_type([x, y])
        if dt.category == COMPLEX:
            raise errors.not_implemented(self.title() + "_cpu", dt)
        return dt if dt.category == FLOATING else DEFAULTS.float

    def direct(self, dt: DType) -> bool:
        return dt.category == FLOATING


class FloatOnly(FloatBinary):
    """The same for operators that refuse integers."""

    def common_dtype(self, x: Any, y: Any) -> DType:
        dt = result_type([x, y])
        if dt.category != FLOATING:
            raise errors.not_implemented(self.title() + "_cpu", dt)
        return dt


class Slope(Binary):
    """Base of derivatives that are operators of their own: the gradient of f's operand from that of its result.

    ``self`` is the incoming gradient, ``other`` the saved operand or result. PyTorch's ``_saved_`` names of both follow.
    Real numbers only: for complex ones the formula is written out where it is used, because it is not holomorphic.
    """

    def saved_names(self) -> list[str]:
        return [*self.parameters(), "grad_output", self.other_name()]

    def saved_slot(self, name: str) -> Any:
        return self.slot0 if name == "grad_output" else super().saved_slot(name)

    def set_saved_slot(self, name: str, slot: Any) -> None:
        super().set_saved_slot("self" if name == "grad_output" else name, slot)

    def saved_value(self, name: str) -> Any:
        return super().saved_value("self" if name == "grad_output" else name)

    def other_name(self) -> str:
        return "result"


class ExpBackward0(Unary):
    """e raised to each element.  d exp(x) = exp(x)."""

    SCHEMA: Final = "exp(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"
    reads: i64 = RESULT | FUSED
    silent: bool = True

    def forward(self, x: Any) -> Any:
        return _exp(x)

    def write(self, x: Any, out: Any) -> bool:
        return _exp(x, out) is out

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return _multiply(grad, result)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert result is not None
        return grad * conj(result)

    def fresh(self) -> Unary:
        return ExpBackward0()


class Exp2Backward0(Unary):
    """2 raised to each element.  d 2**x = 2**x ln 2."""

    SCHEMA: Final = (
        "exp2(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace special"
    )
    reads: i64 = RESULT

    def forward(self, x: Any) -> Any:
        return formulas.exp2(x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert result is not None
        return grad * conj(result) * LN2

    def fresh(self) -> Unary:
        return Exp2Backward0()


class Expm1Backward0(Unary):
    """exp(x) - 1 of each element, exact near 0.  d = exp(x) = result + 1."""

    SCHEMA: Final = (
        "expm1(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace special"
    )
    reads: i64 = RESULT | FUSED
    silent: bool = True

    def forward(self, x: Any) -> Any:
        return _expm1(x)

    def write(self, x: Any, out: Any) -> bool:
        return _expm1(x, out) is out

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.expm1_slope(grad, result)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert result is not None
        return grad * (conj(result) + 1)

    def fresh(self) -> Unary:
        return Expm1Backward0()


class LogBackward0(Unary):
    """Natural logarithm of each element; -inf at 0, NaN for negative reals.  d log(x) = 1/x."""

    SCHEMA: Final = "log(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"
    silent: bool = True

    reads: i64 = SELF | FUSED

    def forward(self, x: Any) -> Any:
        return _log(x)

    def write(self, x: Any, out: Any) -> bool:
        return _log(x, out) is out

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return arrays.divide(grad, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad / conj(x)

    def fresh(self) -> Unary:
        return LogBackward0()


class Log2Backward0(Unary):
    """Logarithm to base 2 of each element.  d log2(x) = 1/(x ln 2)."""

    SCHEMA: Final = "log2(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"

    def forward(self, x: Any) -> Any:
        return ufuncs.log2(x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad / (conj(x) * LN2)

    def fresh(self) -> Unary:
        return Log2Backward0()


class Log10Backward0(Unary):
    """Logarithm to base 10 of each element.  d log10(x) = 1/(x ln 10)."""

    SCHEMA: Final = "log10(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"

    def forward(self, x: Any) -> Any:
        return ufuncs.log10(x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad / (conj(x) * LN10)

    def fresh(self) -> Unary:
        return Log10Backward0()


class Log1PBackward0(Unary):
    """log(1 + x) of each element, exact near 0.  d = 1/(1 + x)."""

    SCHEMA: Final = (
        "log1p(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace special"
    )
    reads: i64 = SELF | FUSED
    silent: bool = True

    def forward(self, x: Any) -> Any:
        return _log1p(x)

    def write(self, x: Any, out: Any) -> bool:
        return _log1p(x, out) is out

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.log1p_slope(grad, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad / (conj(x) + 1)

    def fresh(self) -> Unary:
        return Log1PBackward0()


class Log1mexpBackward0(Unary):
    """log(1 - exp(-x)) of each element, for x > 0, without cancellation.  d = 1/expm1(x).

    Source: none in PyTorch. M. Maechler, "Accurately computing log(1 - exp(-|a|))", 2012: through expm1 below log 2, through
    log1p above.
    """

    SCHEMA: Final = "log1mexp(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"
    reads: i64 = SELF

    def forward(self, x: Any) -> Any:
        return np.where(x < LN2, np.log(-np.expm1(-x)), np.log1p(-np.exp(-x)))

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad / x.expm1()

    def fresh(self) -> Unary:
        return Log1mexpBackward0()


class SqrtBackward0(Unary):
    """Square root of each element; NaN for negative reals.  d sqrt(x) = 1/(2 sqrt(x)), inf at 0."""

    SCHEMA: Final = "sqrt(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"
    reads: i64 = RESULT | FUSED
    silent: bool = True

    def forward(self, x: Any) -> Any:
        return _sqrt(x)

    def write(self, x: Any, out: Any) -> bool:
        return _sqrt(x, out) is out

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.sqrt_slope(grad, result)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert result is not None
        return grad / (conj(result) * 2)

    def fresh(self) -> Unary:
        return SqrtBackward0()


class RsqrtBackward0(Unary):
    """1/sqrt(x) of each element.  d = -1/2 result**3."""

    SCHEMA: Final = "rsqrt(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"
    reads: i64 = RESULT | FUSED

    def forward(self, x: Any) -> Any:
        return formulas.rsqrt(x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.rsqrt_slope(grad, result)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert result is not None
        return grad * -0.5 * conj(result * result * result)

    def fresh(self) -> Unary:
        return RsqrtBackward0()


class SigmoidBackward0(Unary):
    """Logistic sigmoid 1/(1 + exp(-x)) of each element.  d = result (1 - result)."""

    SCHEMA: Final = "sigmoid(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"
    reads: i64 = RESULT | FUSED
    silent: bool = True

    def forward(self, x: Any) -> Any:
        return formulas.sigmoid(x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.sigmoid_slope(grad, result)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert result is not None
        if result.dt.category == COMPLEX:
            return grad * ((1 - result) * result).conj()
        return binary(SIGMOID_SLOPE, grad, result)

    def fresh(self) -> Unary:
        return SigmoidBackward0()


class SigmoidBackwardBackward0(Slope):
    """Gradient of the sigmoid's operand, g (1 - y) y, given the result y."""

    silent: bool = True

    def forward(self, x: Any, y: Any) -> Any:
        return formulas.sigmoid_slope(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert other is not None
        return binary(SIGMOID_SLOPE, grad, other)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return grad * x * (1 - other * 2)

    def other_name(self) -> str:
        return "output"

    def fresh(self) -> Binary:
        return SigmoidBackwardBackward0()


class LogaddexpBackward0(Binary):
    """log(exp(x) + exp(y)) of each pair, without overflow.  d/dx = 1/(1 + exp(y - x))."""

    SCHEMA: Final = (
        "logaddexp(self: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method"
    )

    def forward(self, x: Any, y: Any) -> Any:
        if x.dtype.kind != "c":
            return formulas.logaddexp(x, y)
        larger = x.real >= y.real
        top = np.where(larger, x, y)
        return top + np.log1p(np.exp(np.where(larger, y, x) - top))

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return grad * conj((x - other).sigmoid())

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return grad * conj((other - x).sigmoid())

    def common_dtype(self, x: Any, y: Any) -> DType:
        dt = result_type([x, y])
        if dt.category < FLOATING:
            raise errors.not_implemented("logaddexp_cpu", dt)
        return dt

    def fresh(self) -> Binary:
        return LogaddexpBackward0()


class Logaddexp2Backward0(FloatOnly):
    """log2(2**x + 2**y) of each pair, without overflow.  d/dx = 1/(1 + 2**(y - x))."""

    SCHEMA: Final = (
        "logaddexp2(self: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method"
    )

    def forward(self, x: Any, y: Any) -> Any:
        return np.logaddexp2(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return grad / ((other - x).exp2() + 1)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return grad / ((x - other).exp2() + 1)

    def fresh(self) -> Binary:
        return Logaddexp2Backward0()


EXP: Final = ExpBackward0()
EXP2: Final = Exp2Backward0()
EXPM1: Final = Expm1Backward0()
LOG: Final = LogBackward0()
LOG2: Final = Log2Backward0()
LOG10: Final = Log10Backward0()
LOG1P: Final = Log1PBackward0()
LOG1MEXP: Final = Log1mexpBackward0()
SQRT: Final = SqrtBackward0()
RSQRT: Final = RsqrtBackward0()
SIGMOID: Final = SigmoidBackward0()
SIGMOID_SLOPE: Final = SigmoidBackwardBackward0()
LOGADDEXP: Final = LogaddexpBackward0()
LOGADDEXP2: Final = Logaddexp2Backward0()


def expit(self: Tensor) -> Tensor:
    """Logistic sigmoid 1/(1 + exp(-x)) of each element.

    Variants: special out
    """
    return unary(SIGMOID, self)
