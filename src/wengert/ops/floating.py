"""Sign, exponent and neighbours of floating point numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors, return_types
from .._core.compat import i64
from .._core.dtypes import COMPLEX, DEFAULTS, FLOATING, DType, complex128, float64
from .._core.tensor_base import TensorBase
from .._record.binary import Binary, binary, binary_
from .._record.common import OTHER, RESULT, SELF, converted, is_number, result_type
from .._record.general import General, general_many
from .._record.selection import deliver
from ..kernels import formulas
from .power import pow
from .rounding import zeros_as
from .transcendental import LN2, FloatBinary

if TYPE_CHECKING:
    from .._core.dtypes import Number
    from .._tensor import Tensor


class CopysignBackward0(FloatBinary):
    """|self| with the sign of ``other``.  d = result/self, 0 where ``self`` is 0; 0 for ``other``."""

    reads_self: i64 = SELF | RESULT
    reads_other: i64 = RESULT

    def forward(self, x: Any, y: Any) -> Any:
        return formulas.copysign(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and result is not None
        return grad * (result / x).masked_fill(x == 0, 0)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        return zeros_as(grad)

    def fresh(self) -> Binary:
        return CopysignBackward0()


class CopysignBackward1(CopysignBackward0):
    """The same with a number for ``other``."""

    def fresh(self) -> Binary:
        return CopysignBackward1()


class LdexpBackward0(FloatBinary):
    """self * 2**other of each pair.  d = 2**other for ``self``, result ln 2 for ``other``."""

    SCHEMA: Final = (
        "ldexp(self: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"
    )
    reads_self: i64 = OTHER | RESULT
    reads_other: i64 = RESULT

    def forward(self, x: Any, y: Any) -> Any:
        return x * (np.exp2(y) if y.dtype.kind != "c" else np.power(y.dtype.type(2), y))

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert other is not None
        return grad * pow(2.0, other).conj()

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert result is not None
        return grad * result.conj() * LN2

    def common_dtype(self, x: Any, y: Any) -> DType:
        dt = result_type([x, y])
        return dt if dt.category >= FLOATING else DEFAULTS.float

    def direct(self, dt: DType) -> bool:
        return dt.category >= FLOATING

    def fresh(self) -> Binary:
        return LdexpBackward0()


class NextafterBackward0(Binary):
    """Next floating point number after ``self`` towards ``other``.  d = 1 for ``self``, 0 for ``other``; equal: 0 and 1."""

    SCHEMA: Final = "nextafter(self: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"

    def forward(self, x: Any, y: Any) -> Any:
        return formulas.nextafter(x, y) if x.dtype.char in "fd" else np.nextafter(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return grad.masked_fill(x == other, 0)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return grad.masked_fill(x != other, 0)

    def common_dtype(self, x: Any, y: Any) -> DType:
        dt = result_type([x, y])
        if dt.category != FLOATING:
            raise errors.not_implemented("nextafter_cpu", dt)
        return dt

    def fresh(self) -> Binary:
        return NextafterBackward0()


class FrexpBackward0(General):
    """Mantissa in [1/2, 1) and exponent of two of each element.  d mantissa = 2**-exponent."""

    def forward(self, arrays: list[Any]) -> Any:
        mantissa, exponent = np.frexp(arrays[0])
        return [mantissa, exponent.astype(np.int32)]

    def output_names(self) -> list[str]:
        return ["mantissa", "exponent"]

    def differentiable_outputs(self) -> list[bool]:
        return [True, False]

    def saves(self) -> list[str]:
        return ["exponent"]

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [grad / pow(2.0, self.tensor("exponent").to(grad.dt))]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        return [tangent / pow(2.0, results[1].to(tangent.dt)), None]


COPYSIGN: Final = CopysignBackward0()
COPYSIGN_NUMBER: Final = CopysignBackward1()
LDEXP: Final = LdexpBackward0()
NEXTAFTER: Final = NextafterBackward0()


def copysign(self: Tensor, other: Tensor | Number) -> Tensor:
    """|self| with the sign of ``other`` (the sign bit: -0.0 counts as negative); integers give the default dtype.

    Gradient:
        The sign that was applied, relative to that of ``self``; 0 where ``self`` is 0. 0 for ``other``.

    Variants: function method out
    """
    return binary(COPYSIGN_NUMBER if is_number(other) else COPYSIGN, self, other)


def copysign_(self: Tensor, other: Tensor | Number) -> Tensor:
    """In-place version of :meth:`copysign`.

    Variants: method
    """
    return binary_(COPYSIGN_NUMBER if is_number(other) else COPYSIGN, self, other)


def frexp(self: Tensor, *, out: Any = None) -> Any:
    """Mantissas in [1/2, 1) and int32 exponents with self = mantissa * 2**exponent.

    Returns:
        The named tuple (mantissa, exponent).

    Gradient:
        2**-exponent through the mantissa.

    Raises:
        RuntimeError: unless ``self`` has a floating dtype.

    Variants: function method
    """
    if self.dt.category != FLOATING:
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    return return_types.frexp(deliver("frexp", out, general_many(FrexpBackward0(), [self])))


def float_power(self: Tensor | Number, exponent: Tensor | Number) -> Tensor:
    """Power ``self ** exponent`` in double precision (complex128 where a complex number is involved).

    Variants: function method out
    """
    dt = double_for(self, exponent)
    base = converted(self, dt) if isinstance(self, TensorBase) else self
    return pow(base, converted(exponent, dt) if isinstance(exponent, TensorBase) else exponent)


def float_power_(self: Tensor, exponent: Any) -> Tensor:
    """In-place version of :meth:`float_power`.

    Raises:
        RuntimeError: unless ``self`` has the double precision that the result needs.

    Variants: method
    """
    dt = double_for(self, exponent)
    if self.dt is not dt:
        raise RuntimeError(
            errors.with_hints(
                f"the base given to float_power_ has dtype {self.dt.title} but the operation's result requires dtype {dt.title}",
                "in place the dtype cannot change; try: float_power(), or pow_() to stay in this precision",
            )
        )
    return self.pow_(converted(exponent, dt) if isinstance(exponent, TensorBase) else exponent)


def double_for(base: Any, exponent: Any) -> DType:
    """The dtype of ``float_power``: float64, or complex128 where a complex number is involved."""
    found = result_type([t for t in (base, exponent) if isinstance(t, TensorBase)])
    numbers = isinstance(base, complex) or isinstance(exponent, complex)
    return complex128 if found.category == COMPLEX or numbers else float64
