"""Arithmetic: sum, difference, product, quotient, negation, and what is made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.compat import i64
from .._core.dtypes import BOOL, COMPLEX, DEFAULTS, FLOATING, INTEGER, DType, dtype_of
from .._core.tensor_base import TensorBase
from .._record.binary import Binary, binary, binary_
from .._record.common import (
    FUSED,
    OTHER,
    RESULT,
    SELF,
    holds,
    integer_scalar,
    is_number,
    leading_number,
    number_of,
    number_operand,
    python_number,
    result_type,
)
from .._record.unary import Unary
from .._record.writing import zeros_like
from ..kernels import arrays, formulas, ufuncs

if TYPE_CHECKING:
    from .._core.dtypes import Number
    from .._tensor import Tensor

_add: Final[Any] = arrays.add
_subtract: Final[Any] = arrays.subtract
_multiply: Final[Any] = arrays.multiply
_divide: Final[Any] = arrays.divide
_negative: Final[Any] = arrays.negative
_add_into: Final[Any] = arrays.add_into
_subtract_into: Final[Any] = arrays.subtract_into
_multiply_into: Final[Any] = arrays.multiply_into
_divide_into: Final[Any] = arrays.divide_into
_negative_into: Final[Any] = arrays.negative_into

NO_BOOL_SUB: Final = "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead."
NO_BOOL_SUB_MIXED: Final = "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
NO_BOOL_NEG: Final = "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."


class AddBackward0(Binary):
    """Sum ``self + alpha * other`` of each pair of elements; for masks, logical or."""

    reads_self: i64 = 0
    reads_other: i64 = 0
    scaled: bool = False
    alpha: Any = 1
    noisy: bool = False

    def forward(self, x: Any, y: Any) -> Any:
        return add_scaled(x, y, self.alpha) if self.scaled else _add(x, y)

    def write(self, x: Any, y: Any, out: Any) -> bool:
        return write_scaled(x, y, self.alpha, out) if self.scaled else _add_into(x, y, out) is out

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        return grad

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        return grad * conjugate(self.alpha) if self.scaled else grad

    def fresh(self) -> Binary:
        return self if self.scaled else AddBackward0()

    def parameters(self) -> dict[str, Any]:
        return {"alpha": self.alpha}


class SubBackward0(Binary):
    """Difference ``self - alpha * other`` of each pair of elements."""

    reads_self: i64 = 0
    reads_other: i64 = 0
    scaled: bool = False
    alpha: Any = 1
    noisy: bool = False

    def forward(self, x: Any, y: Any) -> Any:
        return add_scaled(x, y, -self.alpha) if self.scaled else _subtract(x, y)

    def write(self, x: Any, y: Any, out: Any) -> bool:
        return write_scaled(x, y, -self.alpha, out) if self.scaled else _subtract_into(x, y, out) is out

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        return grad

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        return -grad * conjugate(self.alpha) if self.scaled else -grad

    def fresh(self) -> Binary:
        return self if self.scaled else SubBackward0()

    def common_dtype(self, x: Any, y: Any) -> DType:
        check_no_bool(x, y)
        return result_type([x, y])

    def parameters(self) -> dict[str, Any]:
        return {"alpha": self.alpha}


class RsubBackward0(Binary):
    """Difference ``other - alpha * self`` of each pair of elements, for tensors."""

    reads_self: i64 = 0
    reads_other: i64 = 0
    alpha: Any = 1
    noisy: bool = False

    def forward(self, x: Any, y: Any) -> Any:
        return _subtract(y, x) if self.alpha == 1 else add_scaled(y, x, -self.alpha)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        return -grad if self.alpha == 1 else -grad * conjugate(self.alpha)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        return grad

    def fresh(self) -> Binary:
        return self

    def common_dtype(self, x: Any, y: Any) -> DType:
        check_no_bool(x, y)
        return result_type([x, y])

    def parameters(self) -> dict[str, Any]:
        return {"alpha": self.alpha}


class RsubBackward1(RsubBackward0):
    """Difference of a number and a tensor, ``other - alpha * self``."""

    def fresh(self) -> Binary:
        return self


class MulBackward0(Binary):
    """Product ``self * other`` of each pair of elements; for masks, logical and."""

    SCHEMA: Final = "mul(self: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor | variants: function method inplace | aliases: multiply"
    reads_self: i64 = OTHER | FUSED
    reads_other: i64 = SELF | FUSED
    noisy: bool = False

    def forward(self, x: Any, y: Any) -> Any:
        return _multiply(x, y)

    def write(self, x: Any, y: Any, out: Any) -> bool:
        return _multiply_into(x, y, out) is out

    def slopes(self, grad: Any, x: Any, other: Any, result: Any, first: bool) -> Any:
        return _multiply(grad, other if first else x)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert other is not None
        return grad * other if other.dt.category < COMPLEX else grad * other.conj()

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None
        return grad * x if x.dt.category < COMPLEX else grad * x.conj()

    def fresh(self) -> Binary:
        return MulBackward0()


class DivBackward0(Binary):
    """Quotient ``self / other`` of each pair of elements; integers give the default dtype."""

    reads_self: i64 = OTHER | FUSED
    reads_other: i64 = SELF | OTHER | FUSED
    silent: bool = True

    def forward(self, x: Any, y: Any) -> Any:
        return _divide(x, y)

    def write(self, x: Any, y: Any, out: Any) -> bool:
        return _divide_into(x, y, out) is out

    def slopes(self, grad: Any, x: Any, other: Any, result: Any, first: bool) -> Any:
        return _divide(grad, other) if first else formulas.divide_other(grad, x, other)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert other is not None
        return grad / other.conj()

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return -grad * ((x / other) / other).conj()

    def fresh(self) -> Binary:
        return DivBackward0()

    def common_dtype(self, x: Any, y: Any) -> DType:
        dt = result_type([x, y])
        return dt if dt.category >= FLOATING else DEFAULTS.float


class DivBackward2(Binary):
    """Quotient rounded towards zero (``trunc``) or down (``floor``); its gradient is zero."""

    reads_self: i64 = 0
    reads_other: i64 = 0

    def __init__(self, rounding: str) -> None:
        self.rounding: str = rounding

    def forward(self, x: Any, y: Any) -> Any:
        if self.rounding == "floor":
            return floor_divide_arrays(x, y)
        if x.dtype.kind in "iu":
            refuse_zero(y)
            return truncated_quotient(x, y)
        return np.trunc(x / y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        return zeros_like(grad)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        return zeros_like(grad)

    def fresh(self) -> Binary:
        return self

    def parameters(self) -> dict[str, Any]:
        return {"rounding_mode": self.rounding}


class NegBackward0(Unary):
    """Negative of each element."""

    SCHEMA: Final = "neg(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace | aliases: negative"
    reads: i64 = FUSED
    silent: bool = True

    def forward(self, x: Any) -> Any:
        return _negative(x)

    def write(self, x: Any, out: Any) -> bool:
        return _negative_into(x, out) is out

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return _negative(grad)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        return -grad

    def fresh(self) -> Unary:
        return NegBackward0()

    def prepare(self, x: TensorBase) -> TensorBase:
        if x.dt.category == BOOL:
            raise RuntimeError(NO_BOOL_NEG)
        return x


class ReciprocalBackward0(Unary):
    """Reciprocal ``1 / x`` of each element.  d(1/x) = -1/x**2."""

    SCHEMA: Final = (
        "reciprocal(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"
    )
    reads: i64 = RESULT | FUSED

    def forward(self, x: Any) -> Any:
        return _divide(x.dtype.type(1), x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.reciprocal_slope(grad, result)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert result is not None
        return -grad * (result * result).conj()

    def fresh(self) -> Unary:
        return ReciprocalBackward0()


ADD: Final = AddBackward0()
SUB: Final = SubBackward0()
MUL: Final = MulBackward0()
DIV: Final = DivBackward0()
NEG: Final = NegBackward0()
RECIPROCAL: Final = ReciprocalBackward0()


def add_scaled(x: Any, y: Any, alpha: Any) -> Any:
    """x + alpha y for arrays."""
    if fits_kernel(x, y, alpha):
        return formulas.add_scaled(x, y, alpha)
    return x + y * (integer_scalar(alpha, dtype_of(x)) if x.dtype.kind in "iu" else alpha)


def write_scaled(x: Any, y: Any, alpha: Any, out: Any) -> bool:
    """The same straight into ``out``; False for what has no kernel."""
    if not fits_kernel(x, y, alpha):
        return False
    formulas.add_scaled.into((out,), x, y, alpha)
    return True


def fits_kernel(x: Any, y: Any, alpha: Any) -> bool:
    """Whether these are single or double precision numbers."""
    return x.ndim > 0 and x.dtype.char in "fd" and x.dtype == y.dtype and isinstance(alpha, (int, float))


def conjugate(number: Any) -> Any:
    """Complex conjugate of a Python number."""
    return number.conjugate() if isinstance(number, complex) else number


def check_no_bool(x: Any, y: Any) -> None:
    """Subtraction is not defined for masks."""
    first = isinstance(x, bool) or (isinstance(x, TensorBase) and x.dt.category == BOOL)
    second = isinstance(y, bool) or (isinstance(y, TensorBase) and y.dt.category == BOOL)
    if first and second:
        raise RuntimeError(NO_BOOL_SUB)
    if first or second:
        raise RuntimeError(NO_BOOL_SUB_MIXED)


def checked_alpha(alpha: Any, x: Tensor, other: Any, function: str, sign: int = 1) -> Any:
    """``alpha`` as a number, which must not raise the category of the result; ``sign`` times it is what is multiplied by."""
    factor = number_of(alpha, function, "alpha")
    dt = result_type([x, other])
    if isinstance(factor, bool) and dt.category != BOOL:
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if isinstance(factor, float) and dt.category <= INTEGER:
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if isinstance(factor, complex) and dt.category < COMPLEX:
        raise RuntimeError("For non-complex input tensors, argument alpha must not be a complex number.")
    if dt.category == INTEGER and not holds(dt, sign * factor):
        raise errors.overflow(f"{dt.name}_t")
    return factor


def scaled_add(alpha: Any, x: Tensor, other: Any, function: str) -> Binary:
    """The operator ``x + alpha * other``."""
    if type(alpha) is int and alpha == 1:
        return ADD
    op = AddBackward0()
    op.scaled = True
    op.alpha = checked_alpha(alpha, x, other, function)
    return op


def scaled_sub(alpha: Any, x: Tensor, other: Any, function: str) -> Binary:
    """The operator ``x - alpha * other``."""
    if type(alpha) is int and alpha == 1:
        return SUB
    op = SubBackward0()
    op.scaled = True
    op.alpha = checked_alpha(alpha, x, other, function, -1)
    return op


def add(self: Tensor, other: Tensor | Number, *, alpha: Any = 1) -> Tensor:
    """Sum ``self + alpha * other`` of each pair of elements; for masks, logical or.

    Args:
        self: tensor of any dtype.
        other: tensor or number; broadcast against ``self``.
        alpha: factor for ``other``.

    Returns:
        New tensor of the broadcast shape and the promoted dtype.

    Gradient:
        1 for ``self``, ``alpha`` for ``other``.

    Example:
        >>> add(tensor([1., 2.]), 10)
        tensor([11., 12.])

    Variants: function method out
    """
    return binary(scaled_add(alpha, self, other, "add"), self, other)


def add_(self: Tensor, other: Tensor | Number, *, alpha: Any = 1) -> Tensor:
    """In-place version of :meth:`add`.

    Variants: method
    """
    return binary_(scaled_add(alpha, self, other, "add_"), self, other)


def sub(self: Tensor, other: Tensor | Number, *, alpha: Any = 1) -> Tensor:
    """Difference ``self - alpha * other`` of each pair of elements.

    Gradient:
        1 for ``self``, ``-alpha`` for ``other``.

    Raises:
        RuntimeError: for masks.

    Variants: function method out
    Aliases: subtract
    """
    return binary(scaled_sub(alpha, self, other, "sub"), self, other)


def sub_(self: Tensor, other: Tensor | Number, *, alpha: Any = 1) -> Tensor:
    """In-place version of :meth:`sub`.

    Variants: method
    Aliases: subtract_
    """
    return binary_(scaled_sub(alpha, self, other, "sub_"), self, other)


def rsub(self: Tensor, other: Tensor | Number, *, alpha: Any = 1) -> Tensor:
    """Difference ``other - alpha * self`` of each pair of elements.

    Variants: function
    """
    op = RsubBackward1() if is_number(other) else RsubBackward0()
    op.alpha = checked_alpha(alpha, self, other, "rsub", -1)
    return binary(op, self, other)


def div(self: Tensor | Number, other: Tensor | Number, *, rounding_mode: str | None = None) -> Tensor:
    """Quotient ``self / other`` of each pair of elements.

    Args:
        self: dividend.
        other: divisor, tensor or number.
        rounding_mode: None for true division (integers give the default dtype), ``"trunc"`` or ``"floor"``.

    Gradient:
        1/other and -self/other**2; zero with a rounding mode.

    Raises:
        RuntimeError: for an integer divided by zero with a rounding mode, or an unknown mode.

    Variants: function method out
    Aliases: divide
    """
    op = quotient(rounding_mode)
    return binary(op, dividend(op, self, other), other)


def div_(self: Tensor, other: Tensor | Number, *, rounding_mode: str | None = None) -> Tensor:
    """In-place version of :meth:`div`.

    Variants: method
    Aliases: divide_
    """
    return binary_(quotient(rounding_mode), self, other)


def true_divide(self: Tensor | Number, other: Tensor | Number) -> Tensor:
    """Quotient ``self / other``: ``div`` without rounding.

    Variants: function method inplace out
    """
    return binary(DIV, dividend(DIV, self, other), other)


def dividend(op: Binary, value: Any, other: Any) -> TensorBase:
    """What is divided; a number in the dtype of the quotient, as that of the divisor might not hold it."""
    if isinstance(value, TensorBase):
        return value
    leading = leading_number(value, other, "div")
    return number_operand(python_number(value), op.common_dtype(leading, other))


def quotient(rounding_mode: str | None) -> Binary:
    """The operator for a rounding mode."""
    if rounding_mode is None:
        return DIV
    if rounding_mode not in ("trunc", "floor"):
        raise RuntimeError(
            "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '" + str(rounding_mode) + "'"
        )
    return DivBackward2(rounding_mode)


def refuse_zero(divisor: Any) -> None:
    """Integer division by zero has no result."""
    if not np.all(divisor):
        raise RuntimeError(errors.with_hints("ZeroDivisionError", "an element of the integer divisor is zero"))


def truncated_quotient(x: Any, y: Any) -> Any:
    """Integer quotient rounded towards zero."""
    q = x // y
    return q + ((q < 0) & (q * y != x)).astype(q.dtype)


def floor_divide_arrays(x: Any, y: Any) -> Any:
    """Quotient rounded down; division by zero gives inf or nan for floating point numbers."""
    if x.dtype.kind in "iub":
        refuse_zero(y)
        return ufuncs.floor_divide(x, y)
    if x.dtype.char in "fd" and x.dtype == y.dtype:
        return formulas.floor_divide(x, y)
    by_zero = y == 0
    return np.where(by_zero, x / y, np.floor_divide(x, y)).astype(x.dtype) if np.any(by_zero) else np.floor_divide(x, y)
