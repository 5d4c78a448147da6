"""Comparisons, logic and bits: results carry no gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.compat import i64
from .._core.dtypes import BOOL, COMPLEX, INTEGER, DType, bool_
from .._core.quiet import restore, silence
from .._core.tensor_base import TensorBase
from .._record.binary import Binary, number_binary
from .._record.common import make, result_type
from .._record.unary import Unary
from ..kernels import formulas, ufuncs

if TYPE_CHECKING:
    from .._tensor import Tensor

_ndarray: Final[Any] = np.ndarray
INVERT: Final = "~ (operator.invert) is only implemented on integer and Boolean-type tensors"


class Comparison(Binary):
    """Base of operators on pairs of elements whose result is a mask."""

    reads_self: i64 = 0
    reads_other: i64 = 0
    noisy: bool = False
    differentiable: bool = False
    makes_mask: bool = True

    def fresh(self) -> Binary:
        return self

    def direct(self, dt: DType) -> bool:
        return dt.category < COMPLEX


class Ordering(Comparison):
    """Base of ``< <= > >=``, which complex numbers do not have."""

    def common_dtype(self, x: Any, y: Any) -> DType:
        dt = result_type([x, y])
        if dt.category == COMPLEX:
            raise errors.not_implemented(f"{self.title().lower()}_cpu", dt)
        return dt


class Eq(Comparison):
    """Whether elements are equal."""

    SCHEMA: Final = (
        "eq(self: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor | variants: function method"
    )

    def forward(self, x: Any, y: Any) -> Any:
        return ufuncs.equal(x, y)


class Ne(Comparison):
    """Whether elements differ."""

    SCHEMA: Final = "ne(self: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor | variants: function method | aliases: not_equal"

    def forward(self, x: Any, y: Any) -> Any:
        return ufuncs.not_equal(x, y)


class Lt(Ordering):
    """Whether elements of ``self`` are smaller."""

    SCHEMA: Final = "lt(self: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor | variants: function method | aliases: less"

    def forward(self, x: Any, y: Any) -> Any:
        return ufuncs.less(x, y)


class Le(Ordering):
    """Whether elements of ``self`` are smaller or equal."""

    SCHEMA: Final = "le(self: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor | variants: function method | aliases: less_equal"

    def forward(self, x: Any, y: Any) -> Any:
        return ufuncs.less_equal(x, y)


class Gt(Ordering):
    """Whether elements of ``self`` are greater."""

    SCHEMA: Final = "gt(self: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor | variants: function method | aliases: greater"

    def forward(self, x: Any, y: Any) -> Any:
        return ufuncs.greater(x, y)


class Ge(Ordering):
    """Whether elements of ``self`` are greater or equal."""

    SCHEMA: Final = "ge(self: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor | variants: function method | aliases: greater_equal"

    def forward(self, x: Any, y: Any) -> Any:
        return ufuncs.greater_equal(x, y)


class LogicalAnd(Comparison):
    """Whether both elements are nonzero."""

    SCHEMA: Final = "logical_and(self: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"

    def forward(self, x: Any, y: Any) -> Any:
        return ufuncs.logical_and(x, y)


class LogicalOr(Comparison):
    """Whether at least one of two elements is nonzero."""

    SCHEMA: Final = "logical_or(self: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"

    def forward(self, x: Any, y: Any) -> Any:
        return ufuncs.logical_or(x, y)


class LogicalXor(Comparison):
    """Whether exactly one of two elements is nonzero."""

    SCHEMA: Final = "logical_xor(self: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"

    def forward(self, x: Any, y: Any) -> Any:
        return ufuncs.logical_xor(x, y)


class Bits(Binary):
    """Base of operators on the bits of integers; ``kernel`` is PyTorch's name for them in errors."""

    reads_self: i64 = 0
    reads_other: i64 = 0
    noisy: bool = False
    differentiable: bool = False

    def kernel(self) -> str:
        """Name of the kernel in errors."""
        raise NotImplementedError

    def fresh(self) -> Binary:
        return self

    def direct(self, dt: DType) -> bool:
        return dt.category == INTEGER

    def common_dtype(self, x: Any, y: Any) -> DType:
        dt = result_type([x, y])
        if dt.category > INTEGER or (dt.category == BOOL and not self.takes_masks()):
            raise errors.not_implemented(self.kernel(), dt)
        return dt

    def forward(self, x: Any, y: Any) -> Any:
        # Floating operands of one dtype come here without a visit to ``common_dtype``.
        if x.dtype.kind == "f":
            raise errors.not_implemented(self.kernel(), make(x).dt)
        return self.value(x, y)

    def value(self, x: Any, y: Any) -> Any:
        """Value for integers."""
        raise NotImplementedError

    def takes_masks(self) -> bool:
        """Whether the operator has a meaning for bool."""
        return True


class BitwiseAnd(Bits):
    """Bits set in both integers; for masks, logical and."""

    SCHEMA: Final = "bitwise_and(self: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"

    def value(self, x: Any, y: Any) -> Any:
        return ufuncs.bitwise_and(x, y)

    def kernel(self) -> str:
        return "bitwise_and_cpu"


class BitwiseOr(Bits):
    """Bits set in at least one of two integers; for masks, logical or."""

    SCHEMA: Final = "bitwise_or(self: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"

    def value(self, x: Any, y: Any) -> Any:
        return ufuncs.bitwise_or(x, y)

    def kernel(self) -> str:
        return "bitwise_or_cpu"


class BitwiseXor(Bits):
    """Bits set in exactly one of two integers; for masks, exclusive or."""

    SCHEMA: Final = "bitwise_xor(self: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"

    def value(self, x: Any, y: Any) -> Any:
        return ufuncs.bitwise_xor(x, y)

    def kernel(self) -> str:
        return "bitwise_xor_cpu"


class LeftShift(Bits):
    """``self * 2**other`` of integers, modulo their width; 0 for shifts beyond it or negative ones."""

    SCHEMA: Final = "bitwise_left_shift(self: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"

    def value(self, x: Any, y: Any) -> Any:
        return ufuncs.left_shift(x, y)

    def kernel(self) -> str:
        return "lshift_cpu"

    def takes_masks(self) -> bool:
        return False


class RightShift(Bits):
    """``self / 2**other`` of integers rounded down; 0 or -1 for shifts beyond the width or negative ones."""

    SCHEMA: Final = "bitwise_right_shift(self: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"

    def value(self, x: Any, y: Any) -> Any:
        return ufuncs.right_shift(x, y)

    def kernel(self) -> str:
        return "rshift_cpu"

    def takes_masks(self) -> bool:
        return False


class Gcd(Bits):
    """Greatest common divisor of two integers, not negative."""

    SCHEMA: Final = (
        "gcd(self: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"
    )

    def value(self, x: Any, y: Any) -> Any:
        return np.gcd(x, y)

    def kernel(self) -> str:
        return "gcd_cpu"

    def takes_masks(self) -> bool:
        return False


class Lcm(Bits):
    """Least common multiple of two integers, not negative."""

    SCHEMA: Final = (
        "lcm(self: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"
    )

    def value(self, x: Any, y: Any) -> Any:
        return np.lcm(x, y)

    def kernel(self) -> str:
        return "lcm_cpu"

    def takes_masks(self) -> bool:
        return False


class Test(Unary):
    """Base of questions about single elements, answered with a mask."""

    reads: i64 = 0
    differentiable: bool = False

    def fresh(self) -> Unary:
        return self

    def out_dtype(self, dt: DType) -> DType:
        return bool_

    def prepare(self, x: TensorBase) -> TensorBase:
        return x


class LogicalNot(Test):
    """Whether elements are zero."""

    SCHEMA: Final = (
        "logical_not(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"
    )

    def forward(self, x: Any) -> Any:
        if isinstance(x, _ndarray) and x.dtype.kind in "iuf":  # the comparison is the faster loop
            return ufuncs.equal(x, x.dtype.type(0))
        return ufuncs.logical_not(x)


class Isnan(Test):
    """Whether elements are NaN."""

    SCHEMA: Final = "isnan(self: Tensor) -> Tensor | variants: function method"

    def forward(self, x: Any) -> Any:
        return ufuncs.not_equal(x, x)


class Isinf(Test):
    """Whether elements are infinite."""

    SCHEMA: Final = "isinf(self: Tensor) -> Tensor | variants: function method"

    def forward(self, x: Any) -> Any:
        return ufuncs.isinf(x)


class Isfinite(Test):
    """Whether elements are neither infinite nor NaN."""

    SCHEMA: Final = "isfinite(self: Tensor) -> Tensor | variants: function method"

    def forward(self, x: Any) -> Any:
        return ufuncs.isfinite(x)


class Isposinf(Test):
    """Whether elements are positive infinity."""

    SCHEMA: Final = "isposinf(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method"

    def forward(self, x: Any) -> Any:
        if x.dtype.kind == "c":
            raise RuntimeError("isposinf does not support complex inputs.")
        return x == np.inf


class Isneginf(Test):
    """Whether elements are negative infinity."""

    SCHEMA: Final = "isneginf(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method"

    def forward(self, x: Any) -> Any:
        if x.dtype.kind == "c":
            raise RuntimeError("isneginf does not support complex inputs.")
        return x == -np.inf


class Isreal(Test):
    """Whether elements have no imaginary part."""

    SCHEMA: Final = "isreal(self: Tensor) -> Tensor | variants: function method"

    def forward(self, x: Any) -> Any:
        return x.imag == 0


EQ: Final = Eq()
NE: Final = Ne()
LT: Final = Lt()
LE: Final = Le()
GT: Final = Gt()
GE: Final = Ge()


LOGICAL_AND: Final = LogicalAnd()
LOGICAL_OR: Final = LogicalOr()
LOGICAL_XOR: Final = LogicalXor()
BITWISE_AND: Final = BitwiseAnd()
BITWISE_OR: Final = BitwiseOr()
BITWISE_XOR: Final = BitwiseXor()
LEFT_SHIFT: Final = LeftShift()
RIGHT_SHIFT: Final = RightShift()
GCD: Final = Gcd()
LCM: Final = Lcm()
LOGICAL_NOT: Final = LogicalNot()
ISNAN: Final = Isnan()
ISINF: Final = Isinf()
ISFINITE: Final = Isfinite()
ISPOSINF: Final = Isposinf()
ISNEGINF: Final = Isneginf()
ISREAL: Final = Isreal()


def rlshift(self: Tensor, other: Any) -> Tensor:
    """``other << self``."""
    return number_binary(LEFT_SHIFT, other, self)


def rrshift(self: Tensor, other: Any) -> Tensor:
    """``other >> self``."""
    return number_binary(RIGHT_SHIFT, other, self)


def invert(self: Tensor) -> Tensor:
    """``~self``: logical not of a mask, bits of integers.

    Raises:
        TypeError: for other dtypes.
    """
    if self.dt.category > INTEGER:
        raise TypeError(INVERT)
    return make(ufuncs.invert(self.array))


def bitwise_not(self: Tensor) -> Tensor:
    """Complement of the bits of integers; logical not of a mask.

    Raises:
        NotImplementedError: for other dtypes.

    Variants: function method inplace out
    """
    if self.dt.category > INTEGER:
        raise errors.not_implemented("bitwise_not_cpu", self.dt)
    return make(ufuncs.invert(self.array))


def equal(self: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and elements (NaN equals nothing).

    Variants: function method
    """
    check_tensor(other, "equal")
    return self.shp == other.shp and bool(np.array_equal(self.array, other.array))


def isclose(self: Tensor, other: Tensor, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: Any = False) -> Tensor:
    """Mask of the elements where ``|self - other| <= atol + rtol * |other|``; equal infinities are close.

    Args:
        self, other: tensors of one dtype that broadcast.
        rtol, atol: relative and absolute tolerance, not negative.
        equal_nan: whether NaN is close to NaN.

    Raises:
        RuntimeError: for different dtypes or negative tolerances.

    Variants: function method
    """
    check_tensor(other, "isclose")
    if self.dt is not other.dt:
        raise RuntimeError(f"{self.dt.title} did not match {other.dt.title}")
    for name, value in (("rtol", rtol), ("atol", atol)):
        if value < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {value}")
    token = silence()
    try:
        return make(close_arrays(self.array, other.array, rtol, atol, bool(equal_nan)))
    except ValueError:
        raise errors.broadcast(self.shp, other.shp, "isclose") from None
    finally:
        restore(token)


def close_arrays(x: Any, y: Any, rtol: Any, atol: Any, equal_nan: bool) -> Any:
    """``isclose`` for arrays."""
    if rtol == 0 and atol == 0:
        close = x == y
    elif x.dtype.kind in "biu":
        close = (x == y) | formulas.is_close(x.astype(np.float64), y.astype(np.float64), rtol, atol)
    else:
        close = formulas.is_close(x, y, float(rtol), float(atol))
    return close | ((x != x) & (y != y)) if equal_nan else close


def allclose(self: Tensor, other: Tensor, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: Any = False) -> bool:
    """Whether all elements are close in the sense of :func:`isclose`.

    Variants: function method
    """
    check_tensor(other, "allclose")
    return bool(np.all(isclose(self, other, rtol, atol, equal_nan).array))


def is_nonzero(self: Tensor) -> bool:
    """Whether the one element of the tensor is not zero.

    Raises:
        RuntimeError: unless there is exactly one element.

    Variants: function method
    """
    return bool(self)


def check_tensor(other: Any, function: str) -> None:
    """Refuse an operand that is no tensor."""
    if not isinstance(other, TensorBase):
        raise errors.argument_type(function, "other", 2, "Tensor", other)
