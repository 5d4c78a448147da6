"""Absolute value, sign, and rounding to integers: functions whose derivatives are steps or zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.compat import i64
from .._core.dtypes import BOOL, COMPLEX, DType, bool_
from .._core.tensor_base import TensorBase
from .._record.binary import Binary, binary
from .._record.common import FUSED, RESULT, SELF, make, number_of, shadow
from .._record.general import overwrite
from .._record.unary import Unary, unary, unary_
from ..kernels import arrays, blocks, formulas, ufuncs
from .power import refuse_gradient

if TYPE_CHECKING:
    from .._tensor import Tensor

_absolute: Final[Any] = arrays.absolute


def zeros_as(grad: Tensor) -> Tensor:
    """The gradient of a function that is constant almost everywhere."""
    return make(np.zeros(grad.shp, grad.dt.np))


def refuse_category(x: TensorBase, category: int, kernel: str) -> None:
    """Refuse masks or complex numbers in the words of PyTorch's kernels."""
    if x.dt.category == category:
        raise errors.not_implemented(kernel, x.dt)


class AbsBackward0(Unary):
    """Absolute value of each element.  d|x| = sgn(x), 0 at 0."""

    reads: i64 = SELF | FUSED
    silent: bool = True

    def forward(self, x: Any) -> Any:
        return _absolute(x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.absolute_slope(grad, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad * x.sgn()

    def fresh(self) -> Unary:
        return AbsBackward0()

    def out_dtype(self, dt: DType) -> DType:
        return dt.to_real()

    def prepare(self, x: TensorBase) -> TensorBase:
        refuse_category(x, BOOL, "abs_cpu")
        return x

    def forward_grad(self, tangent: Tensor, x: Tensor, result: Tensor) -> Tensor:
        if x.dt.category == COMPLEX:
            return (tangent.conj() * x.sgn()).real
        return tangent * x.sgn()


class Step(Unary):
    """Base of functions that are constant almost everywhere: their derivative is zero. Integers keep their dtype."""

    reads: i64 = 0

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        return zeros_as(grad)

    def prepare(self, x: TensorBase) -> TensorBase:
        return x


class SignBackward0(Step):
    """-1, 0 or 1 by the sign of each element; NaN gives 0.  Derivative 0."""

    SCHEMA: Final = "sign(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"

    def forward(self, x: Any) -> Any:
        if x.dtype.kind == "c":
            raise NotImplementedError(
                "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead."
            )
        return real_sign(x)

    def fresh(self) -> Unary:
        return SignBackward0()


class SgnBackward0(Step):
    """x/|x| of each element, 0 at 0: the sign of reals, the direction of complex numbers."""

    SCHEMA: Final = "sgn(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"
    reads: i64 = SELF | RESULT

    def forward(self, x: Any) -> Any:
        return blocks.mapped(direction, x) if x.dtype.kind == "c" else real_sign(x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None and result is not None
        if x.dt.category < COMPLEX:
            return zeros_as(grad)
        size = x.abs()
        turned = grad / size - (grad / result).real * result / size
        return turned.masked_fill(size == 0, 0)

    def fresh(self) -> Unary:
        return SgnBackward0()

    def forward_grad(self, tangent: Tensor, x: Tensor, result: Tensor) -> Tensor:
        return self.grad_self(tangent, x, result)


class Rounded(Step):
    """Base of roundings to integers, by NumPy's function of the operator's name."""

    def forward(self, x: Any) -> Any:
        if x.dtype.kind == "c":
            raise NotImplementedError(f"{errors.operator_name(self)} is not supported for complex inputs")
        return x.copy() if x.dtype.kind in "iu" else self.rounded(x)

    def rounded(self, x: Any) -> Any:
        """Value for floating point numbers."""
        raise NotImplementedError

    def prepare(self, x: TensorBase) -> TensorBase:
        refuse_category(x, BOOL, f"{errors.operator_name(self)}_vml_cpu")
        return x


class FloorBackward0(Rounded):
    """Largest integer not above each element.  Derivative 0."""

    SCHEMA: Final = "floor(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"

    def rounded(self, x: Any) -> Any:
        return ufuncs.floor(x)

    def fresh(self) -> Unary:
        return FloorBackward0()


class CeilBackward0(Rounded):
    """Smallest integer not below each element.  Derivative 0."""

    SCHEMA: Final = "ceil(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"

    def rounded(self, x: Any) -> Any:
        return ufuncs.ceil(x)

    def fresh(self) -> Unary:
        return CeilBackward0()


class TruncBackward0(Rounded):
    """Each element rounded towards zero.  Derivative 0."""

    SCHEMA: Final = (
        "trunc(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace | aliases: fix"
    )

    def rounded(self, x: Any) -> Any:
        return ufuncs.trunc(x)

    def fresh(self) -> Unary:
        return TruncBackward0()


class RoundBackward0(Rounded):
    """Nearest integer, ties to the even one.  Derivative 0."""

    def rounded(self, x: Any) -> Any:
        return ufuncs.rint(x)

    def fresh(self) -> Unary:
        return RoundBackward0()


class RoundBackward1(Rounded):
    """Nearest multiple of ``10**-decimals``, ties to even.  Derivative 0."""

    def __init__(self, decimals: int) -> None:
        self.decimals: int = decimals

    def forward(self, x: Any) -> Any:
        if x.dtype.kind in "iu":
            raise errors.not_implemented("round_cpu", make(x).dt)
        return super().forward(x)

    def rounded(self, x: Any) -> Any:
        scale = x.dtype.type(10.0 ** abs(self.decimals))
        return ufuncs.rint(x / scale) * scale if self.decimals < 0 else ufuncs.rint(x * scale) / scale

    def fresh(self) -> Unary:
        return self

    def parameters(self) -> dict[str, Any]:
        return {"decimals": self.decimals}


class FracBackward0(Unary):
    """Fractional part ``x - trunc(x)`` of each element, with the sign of x.  Derivative 1."""

    SCHEMA: Final = "frac(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method inplace"
    reads: i64 = 0

    def forward(self, x: Any) -> Any:
        if x.dtype.kind == "c":
            raise errors.not_implemented("frac_cpu", make(x).dt)
        return formulas.frac(x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        return grad

    def fresh(self) -> Unary:
        return FracBackward0()

    def prepare(self, x: TensorBase) -> TensorBase:
        raise errors.not_implemented("frac_cpu", x.dt)


class NanToNumBackward0(Unary):
    """NaN and infinities replaced.  Derivative 1 where the element is finite, else 0."""

    def __init__(self, nan: Any, posinf: Any, neginf: Any) -> None:
        self.nan: Any = 0.0 if nan is None else number_of(nan, "nan_to_num", "nan", 2)
        self.posinf: Any = None if posinf is None else number_of(posinf, "nan_to_num", "posinf", 3)
        self.neginf: Any = None if neginf is None else number_of(neginf, "nan_to_num", "neginf", 4)

    def forward(self, x: Any) -> Any:
        if x.dtype.char not in "fd":
            return blocks.mapped(self.finite, x)
        limit = np.finfo(x.dtype).max
        if self.posinf is None and self.neginf is None:
            return formulas.made_finite(x, float(self.nan), float(limit))
        high = limit if self.posinf is None else self.posinf
        return formulas.nan_to_num(
            x, *[float(v) for v in (self.nan, high, -limit if self.neginf is None else self.neginf)]
        )

    def finite(self, x: Any) -> Any:
        """Value of an array."""
        # ``positive`` copies in the memory layout that results have; masks are finite already.
        out = np.asarray(x.copy() if x.dtype.kind == "b" else np.positive(x))
        np.nan_to_num(out, copy=False, nan=self.nan, posinf=self.posinf, neginf=self.neginf)
        return out

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad * x.isfinite()

    def fresh(self) -> Unary:
        return self

    def prepare(self, x: TensorBase) -> TensorBase:
        return x


class Heaviside(Binary):
    """Step function: 0 for negative ``self``, 1 for positive, ``other`` at 0. Recorded without a derivative."""

    reads_self: i64 = 0
    reads_other: i64 = 0
    differentiable: bool = False

    def forward(self, x: Any, y: Any) -> Any:
        if y.dtype.kind == "f":
            return formulas.heaviside(x, y)
        return np.where(x == 0, y, (x > 0).astype(y.dtype))

    def fresh(self) -> Binary:
        return self

    def common_dtype(self, x: Any, y: Any) -> DType:
        if x.dt.category == COMPLEX or y.dt.category == COMPLEX:
            raise RuntimeError("heaviside is not yet implemented for complex tensors.")
        if x.dt is not y.dt:
            raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
        found: DType = x.dt
        return found


class Signbit(Step):
    """Whether the sign bit of each element is set: negative numbers and -0.0."""

    SCHEMA: Final = "signbit(self: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method"
    differentiable: bool = False

    def forward(self, x: Any) -> Any:
        if x.dtype.kind == "c":
            raise NotImplementedError("signbit is not implemented for complex tensors.")
        return ufuncs.signbit(x) if x.dtype.kind == "f" else x < 0

    def fresh(self) -> Unary:
        return self

    def out_dtype(self, dt: DType) -> DType:
        return bool_


ABS: Final = AbsBackward0()
SIGN: Final = SignBackward0()
SGN: Final = SgnBackward0()
FLOOR: Final = FloorBackward0()
CEIL: Final = CeilBackward0()
TRUNC: Final = TruncBackward0()
ROUND: Final = RoundBackward0()
FRAC: Final = FracBackward0()
HEAVISIDE: Final = Heaviside()
SIGNBIT: Final = Signbit()


def direction(x: Any) -> Any:
    """Complex numbers divided by their size, 0 for 0."""
    return np.where(x == 0, x.dtype.type(0), x / np.absolute(x))


def real_sign(x: Any) -> Any:
    """-1, 0 or 1; PyTorch gives 0 for NaN. Masks are their own sign."""
    if x.dtype.kind == "b":
        return x.copy()
    return formulas.sign(x) if x.dtype.kind == "f" else ufuncs.sign(x)


def absolute(self: Tensor) -> Tensor:
    """Absolute value of each element; complex numbers give their real modulus.

    Gradient:
        sgn(self): -1, 0 or 1 for reals, x/|x| for complex numbers, 0 at 0.

    Raises:
        NotImplementedError: for masks.

    Variants: function method out
    Name: abs
    Aliases: absolute
    """
    return unary(ABS, self)


def absolute_(self: Tensor) -> Tensor:
    """In-place version of :meth:`abs`; not for complex tensors, whose absolute values are real.

    Variants: function method
    Name: abs_
    Aliases: absolute_
    """
    if self.dt.category == COMPLEX:
        raise RuntimeError("In-place abs is not supported for complex tensors.")
    return unary_(ABS, self)


def rounded(self: Tensor, *, decimals: Any = 0) -> Tensor:
    """Nearest integer (or multiple of ``10**-decimals``) of each element, ties to the even one.

    Gradient:
        0.

    Variants: function method special out
    Name: round
    """
    return unary(ROUND if decimals == 0 else RoundBackward1(int(decimals)), self)


def rounded_(self: Tensor, *, decimals: Any = 0) -> Tensor:
    """In-place version of :meth:`round`.

    Variants: function method
    Name: round_
    """
    return unary_(ROUND if decimals == 0 else RoundBackward1(int(decimals)), self)


def nan_to_num(self: Tensor, nan: Any = None, posinf: Any = None, neginf: Any = None) -> Tensor:
    """``self`` with NaN replaced by ``nan`` (0) and infinities by ``posinf``, ``neginf`` (the largest finite numbers).

    Gradient:
        1 where the element is finite, else 0.

    Variants: function method out
    """
    return unary(NanToNumBackward0(nan, posinf, neginf), self)


def nan_to_num_(self: Tensor, nan: Any = None, posinf: Any = None, neginf: Any = None) -> Tensor:
    """In-place version of :meth:`nan_to_num`.

    Variants: function method
    """
    return unary_(NanToNumBackward0(nan, posinf, neginf), self)


def heaviside(self: Tensor, values: Tensor) -> Tensor:
    """0 where ``self`` is negative, 1 where it is positive, ``values`` where it is 0. Has no derivative (as in PyTorch).

    Raises:
        RuntimeError: for different dtypes or complex numbers.

    Variants: function method out
    """
    return refuse_gradient(binary(HEAVISIDE, self, values), [self, values], "heaviside")


def heaviside_(self: Tensor, values: Tensor) -> Tensor:
    """In-place version of :meth:`heaviside`.

    Variants: method
    """
    old = shadow(self)
    return overwrite(self, refuse_gradient(binary(HEAVISIDE, old, values), [old, values], "heaviside_"))


def positive(self: Tensor) -> Tensor:
    """``self`` itself.

    Raises:
        RuntimeError: for masks.

    Variants: function method
    """
    if self.dt.category == BOOL:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return self
