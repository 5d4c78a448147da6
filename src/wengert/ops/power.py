"""Powers, quotients rounded down, remainders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.compat import i64
from .._core.dtypes import BOOL, COMPLEX, FLOATING, dtype_of
from .._core.graph import Node
from .._core.saved import unpack
from .._core.tensor_base import TensorBase
from .._record.binary import Binary, binary, number_binary
from .._record.common import (
    OTHER,
    RESULT,
    SELF,
    converted,
    integer_scalar,
    is_number,
    python_number,
    result_type,
    shadow,
)
from .._record.general import overwrite
from .._record.unary import Unary, unary
from .._record.writing import zeros_like
from ..kernels import arrays, formulas, ufuncs
from .arithmetic import floor_divide_arrays, refuse_zero

if TYPE_CHECKING:
    from .._core.dtypes import Number
    from .._tensor import Tensor

NEGATIVE: Final = "Integers to negative integer powers are not allowed."


class PowBackward0(Unary):
    """Power with a number as exponent: ``self ** exponent``.  d = exponent * self**(exponent - 1); zero for exponent 0."""

    reads: i64 = SELF

    def __init__(self, exponent: Any) -> None:
        self.exponent: Any = exponent

    def forward(self, x: Any) -> Any:
        return power_array(x, self.exponent)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        exponent = self.exponent
        if exponent == 0:
            return zeros_like(grad)
        if exponent == 2:
            slope = x * 2
        elif exponent == 1:
            slope = x * 0 + 1
        else:
            slope = pow(x, exponent - 1) * exponent
        return grad * (slope if slope.dt.category < COMPLEX else slope.conj())

    def fresh(self) -> Unary:
        return self

    def prepare(self, x: TensorBase) -> TensorBase:
        return x

    def parameters(self) -> dict[str, Any]:
        return {"exponent": self.exponent}


class PowBackward1(Binary):
    """Power of two tensors: ``self ** exponent``.  d/dself = exponent self**(exponent-1), d/dexponent = result log(self)."""

    reads_self: i64 = SELF | OTHER | RESULT
    reads_other: i64 = SELF | OTHER | RESULT

    def forward(self, x: Any, y: Any) -> Any:
        return power_array(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        slope = other * pow(x, other - 1)
        lifted: Tensor = grad * (slope if slope.dt.category < COMPLEX else slope.conj())
        return lifted.masked_fill(other == 0, 0)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None and result is not None
        if other.dt.category < COMPLEX and x.dt.category < COMPLEX:
            still = (x == 0) & (other >= 0)
            return grad * (result * x.log()).masked_fill(still, 0)
        still = (x == 0) & (other.real >= 0)
        return grad * (result * x.log()).masked_fill(still, 0).conj()

    def other_name(self) -> str:
        return "exponent"

    def fresh(self) -> Binary:
        return PowBackward1()


class PowBackward2(Unary):
    """Power of a number: ``base ** exponent``.  d = result * log(base)."""

    reads: i64 = SELF | RESULT

    def __init__(self, base: Any) -> None:
        self.base: Any = base

    def forward(self, x: Any) -> Any:
        return power_array(wrapped(self.base, x), x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None and result is not None
        if self.base == 0 and x.dt.category < COMPLEX:
            lifted: Tensor = grad * result * -np.inf
            return lifted.masked_fill(x >= 0, 0)
        slope: Tensor = result * log_of_number(self.base)
        return grad * (slope if slope.dt.category < COMPLEX else slope.conj())

    def fresh(self) -> Unary:
        return self

    def prepare(self, x: TensorBase) -> TensorBase:
        return x

    def parameters(self) -> dict[str, Any]:
        return {"self": self.base}

    def saved_names(self) -> list[str]:
        return ["exponent", "result", "self"]

    def saved_slot(self, name: str) -> Any:
        return Unary.saved_slot(self, "self" if name == "exponent" else name)

    def saved_value(self, name: str) -> Any:
        return self.base if name == "self" else unpack(self.saved_slot(name), self.version, self)

    def set_saved_slot(self, name: str, slot: Any) -> None:
        Unary.set_saved_slot(self, "self" if name == "exponent" else name, slot)


class NotImplemented(Node):
    """Node of an operator that is recorded but has no derivative."""

    def __init__(self, operator: str) -> None:
        self.operator: str = operator

    def vjp(self, grad: TensorBase) -> tuple[TensorBase | None, TensorBase | None]:
        """Refuse.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(f"derivative for aten::{self.operator} is not implemented")


class RemainderBackward0(Unary):
    """Remainder by a number, with the sign of the divisor.  d = 1."""

    reads: i64 = 0

    def __init__(self, other: Any) -> None:
        self.other: Any = other

    def forward(self, x: Any) -> Any:
        return remainder_arrays(x, wrapped(self.other, x))

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        return grad

    def fresh(self) -> Unary:
        return self

    def prepare(self, x: TensorBase) -> TensorBase:
        return x


class RemainderBackward1(Binary):
    """Remainder of two tensors, with the sign of the divisor.  d/dself = 1, d/dother = -floor(self/other)."""

    reads_self: i64 = 0
    reads_other: i64 = SELF | OTHER

    def forward(self, x: Any, y: Any) -> Any:
        return remainder_arrays(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        return grad

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return -grad * x.div(other, rounding_mode="floor")

    def fresh(self) -> Binary:
        return RemainderBackward1()


class FmodBackward0(Unary):
    """Remainder by a number, with the sign of the dividend.  d = 1."""

    reads: i64 = 0

    def __init__(self, other: Any) -> None:
        self.other: Any = other

    def forward(self, x: Any) -> Any:
        return fmod_arrays(x, wrapped(self.other, x))

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        return grad

    def fresh(self) -> Unary:
        return self

    def prepare(self, x: TensorBase) -> TensorBase:
        return x


class FmodBackward1(Binary):
    """Remainder of two tensors, with the sign of the dividend.  d/dself = 1, d/dother = -trunc(self/other)."""

    reads_self: i64 = 0
    reads_other: i64 = SELF | OTHER

    def forward(self, x: Any, y: Any) -> Any:
        return fmod_arrays(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        return grad

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return -grad * (x / other).trunc()

    def fresh(self) -> Binary:
        return FmodBackward1()


class FloorDivide(Binary):
    """Quotient rounded down; recorded, but without a derivative (as in PyTorch)."""

    reads_self: i64 = 0
    reads_other: i64 = 0
    differentiable: bool = False

    def forward(self, x: Any, y: Any) -> Any:
        return floor_divide_arrays(x, y)

    def fresh(self) -> Binary:
        return FloorDivide()

    def title(self) -> str:
        return "div_floor"


POW: Final = PowBackward1()
REMAINDER: Final = RemainderBackward1()
FMOD: Final = FmodBackward1()
FLOOR_DIVIDE: Final = FloorDivide()


def power_array(x: Any, y: Any) -> Any:
    """``x ** y``; whole numbers take no negative number as exponent, but a tensor of them."""
    if x.dtype.kind in "iub" and type(y) is int and y < 0:
        raise RuntimeError(NEGATIVE)
    if type(y) is int or type(y) is float:
        if y == 2:
            return arrays.multiply(x, x)
        if y == 0.5:
            return arrays.sqrt(x)
        if y == 3 and x.dtype.kind == "f":
            return formulas.cube(x)  # as PyTorch; np.power takes a hundred times as long
    if x.dtype.kind == "b":
        return np.power(x.astype(np.uint8), np.asarray(y).astype(np.uint8)).astype(bool)
    if not hasattr(y, "dtype"):
        return ufuncs.power(x, in_range(y, x))
    return ufuncs.power(x, y) if x.dtype.kind != "i" else whole_powers(x, y)


def whole_powers(x: Any, y: Any) -> Any:
    """Powers of signed integers; of a negative exponent the inverse, rounded towards zero: 1 and -1 stay, the rest is 0."""
    negative = y < 0
    if not np.any(negative):
        return ufuncs.power(x, y)
    base = np.where(negative & (np.abs(x) != 1), x.dtype.type(0), x)
    return ufuncs.power(base, np.where(negative, 2 - (y & 1), y))  # an exponent of the same parity that is not negative


def in_range(number: Any, x: Any) -> Any:
    """A Python number in the dtype of an array."""
    try:
        return x.dtype.type(number)
    except OverflowError:
        raise errors.overflow(f"{dtype_of(x).name}_t") from None


def wrapped(number: Any, x: Any) -> Any:
    """A Python number in the dtype of an array; whole numbers wrap around."""
    return integer_scalar(number, dtype_of(x)) if x.dtype.kind in "iu" else x.dtype.type(number)


def remainder_arrays(x: Any, y: Any) -> Any:
    """Remainder with the sign of the divisor."""
    if x.dtype.kind in "iub":
        refuse_zero(y)
        return ufuncs.remainder(x, y)
    return formulas.remainder(x, y)


def fmod_arrays(x: Any, y: Any) -> Any:
    """Remainder with the sign of the dividend."""
    if x.dtype.kind in "iub":
        refuse_zero(y)
        return ufuncs.fmod(x, y)
    return formulas.fmod(x, y)


def log_of_number(base: Any) -> Any:
    """Natural logarithm; NaN for negative real bases."""
    return complex(np.log(base)) if isinstance(base, complex) else float(np.log(float(base)))


def with_number(x: TensorBase, number: Any) -> Tensor:
    """``x`` in the dtype that it and a Python number promote to."""
    return converted(x, result_type([x, number]))


def pow(self: Tensor | Number, exponent: Tensor | Number) -> Tensor:
    """Power ``self ** exponent`` of each element; either may be a number.

    Gradient:
        exponent * self**(exponent-1) (0 where the exponent is 0), and result * log(self) (0 where self is 0 and the exponent
        is not negative).

    Raises:
        RuntimeError: for integers with a negative whole number as exponent.

    Variants: function method inplace out
    """
    if not isinstance(self, TensorBase):
        return rpow(exponent, self)  # type: ignore[arg-type]
    if is_number(exponent):
        exponent = python_number(exponent)
        x = with_number(self, exponent)
        return unary(PowBackward0(exponent), x)
    return binary(POW, self, exponent)


def rpow(self: Tensor, base: Any) -> Tensor:
    """``base ** self``."""
    if not isinstance(self, TensorBase):
        raise errors.argument_type("pow", "exponent", 2, "Tensor", self)
    base = python_number(base)
    return unary(PowBackward2(base), with_number(self, base))


def square(self: Tensor) -> Tensor:
    """Square of each element.

    Variants: function method inplace out
    """
    return unary(PowBackward0(2), self if self.dt.category > BOOL else with_number(self, 2))


def floor_divide(self: Tensor | Number, other: Tensor | Number) -> Tensor:
    """Quotient rounded down. Recorded, but its derivative is not implemented (as in PyTorch).

    Variants: function method out
    """
    if not isinstance(self, TensorBase):
        return refuse_gradient(number_binary(FLOOR_DIVIDE, self, other), [other], "floor_divide")  # type: ignore[arg-type]
    return refuse_gradient(binary(FLOOR_DIVIDE, self, other), [self, other], "floor_divide")


def floor_divide_(self: Tensor, other: Tensor | Number) -> Tensor:
    """In-place version of ``floor_divide``.

    Variants: method
    """
    old = shadow(self)
    return overwrite(self, refuse_gradient(binary(FLOOR_DIVIDE, old, other), [old, other], "floor_divide_"))


def rfloordiv(self: Tensor, other: Any) -> Tensor:
    """``other // self``."""
    return floor_divide(other, self)


def refuse_gradient(out: Tensor, inputs: list[Any], operator: str) -> Tensor:
    """Record the call with a node that raises when a gradient reaches it."""
    edges = [(gradient_edge(t), int(t.nr)) for t in inputs if isinstance(t, TensorBase) and requires_grad(t)]
    if len(edges) > 0 and out.dt.category >= FLOATING and modes.is_grad_enabled():
        node = NotImplemented(operator)
        node.set_edges(edges)
        node.stamp()
        out.rg = True
        out.fn = node
    return out


def refuse_derivatives(out: Tensor, inputs: list[Any], operator: str) -> Tensor:
    """``refuse_gradient``, for results that are no constants around a point either: tangents of the inputs are refused.

    Raises:
        NotImplementedError: when an input has a tangent.
    """
    if modes.MODES.dual_level >= 0 and any(forward.tangent_of(t) is not None for t in inputs):
        raise NotImplementedError(
            f"Trying to use forward AD with {operator} that does not support it because it has not been implemented yet."
        )
    return refuse_gradient(out, inputs, operator)


def ordered(x: Tensor, kernel: str) -> Tensor:
    """``x``, unless it is complex: complex numbers have no remainders."""
    if x.dt.category > FLOATING:
        raise errors.not_implemented(kernel, x.dt)
    return x


def remainder(self: Tensor | Number, other: Tensor | Number) -> Tensor:
    """Remainder of ``self / other``, with the sign of ``other``.

    Gradient:
        1 for ``self``, -floor(self/other) for a tensor ``other``.

    Variants: function method inplace out
    """
    if not isinstance(self, TensorBase):
        return rmod(other, self)  # type: ignore[arg-type]
    if is_number(other):
        other = python_number(other)
        return unary(RemainderBackward0(other), ordered(with_number(self, other), "remainder_cpu"))
    return binary(REMAINDER, self, other)


def rmod(self: Tensor, other: Any) -> Tensor:
    """``other % self``; recorded, but without a derivative (as in PyTorch)."""
    with_mode = modes.set_grad(False)
    try:
        out = number_binary(REMAINDER, other, self)
    finally:
        modes.set_grad(with_mode)
    return refuse_gradient(out, [self], "remainder")


def fmod(self: Tensor, other: Tensor | Number) -> Tensor:
    """Remainder of ``self / other``, with the sign of ``self``.

    Gradient:
        1 for ``self``, -trunc(self/other) for a tensor ``other``.

    Variants: function method inplace out
    """
    if is_number(other):
        other = python_number(other)
        return unary(FmodBackward0(other), ordered(with_number(self, other), "fmod_cpu"))
    return binary(FMOD, self, other)


from .._core import modes  # noqa: E402
from .._core.tensor_base import gradient_edge, requires_grad  # noqa: E402
from .._record import forward  # noqa: E402
