"""The larger or smaller of two, and clamping between bounds.

Gradients at ties: ``maximum`` and ``minimum`` share theirs equally, ``fmax`` and ``fmin`` give it to ``self``, bounds count as
inside the interval.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from .._core import errors
from .._core.dtypes import BOOL, COMPLEX, INTEGER, DType
from .._core.tensor_base import TensorBase
from .._record.binary import Binary, binary
from .._record.common import (
    broadcast_size,
    cast_array,
    cast_grad,
    converted,
    expand_to,
    holds,
    integer_scalar,
    is_number,
    result_type,
    shadow,
    sum_to,
)
from .._record.general import General, general, overwrite
from .._record.unary import Unary, unary, unary_
from ..kernels import formulas, ufuncs

if TYPE_CHECKING:
    from .._tensor import Tensor

NO_COMPLEX_CLAMP: Final = "clamp is not supported for complex types"


def where_not(mask: Tensor, grad: Tensor) -> Tensor:
    """The gradient where ``mask`` is False, else 0 (also where the gradient is infinite or NaN)."""
    return grad.masked_fill(mask, 0)


class Extreme(Binary):
    """Base of the larger or smaller of each pair."""

    noisy: bool = False

    def common_dtype(self, x: Any, y: Any) -> DType:
        dt = result_type([x, y])
        if dt.category == COMPLEX:
            raise RuntimeError(f"{self.title()} not implemented for complex tensors.")
        return dt

    def direct(self, dt: DType) -> bool:
        return dt.category < COMPLEX


class MaximumBackward0(Extreme):
    """Larger of each pair; NaN if one of them is.  At ties each gets half of the gradient."""

    SCHEMA: Final = (
        "maximum(self: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method"
    )

    def forward(self, x: Any, y: Any) -> Any:
        return ufuncs.maximum(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return where_not(x < other, halved_at(x == other, grad))

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return where_not(x > other, halved_at(x == other, grad))

    def fresh(self) -> Binary:
        return MaximumBackward0()


class MinimumBackward0(Extreme):
    """Smaller of each pair; NaN if one of them is.  At ties each gets half of the gradient."""

    SCHEMA: Final = (
        "minimum(self: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method"
    )

    def forward(self, x: Any, y: Any) -> Any:
        return ufuncs.minimum(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return where_not(x > other, halved_at(x == other, grad))

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return where_not(x < other, halved_at(x == other, grad))

    def fresh(self) -> Binary:
        return MinimumBackward0()


class FmaxBackward0(Extreme):
    """Larger of each pair; NaN only if both are.  At ties ``self`` gets the gradient."""

    SCHEMA: Final = (
        "fmax(self: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method"
    )

    def forward(self, x: Any, y: Any) -> Any:
        return ufuncs.fmax(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return where_not(((x >= other) | other.isnan()).logical_not(), grad)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return where_not((x >= other) | other.isnan(), grad)

    def fresh(self) -> Binary:
        return FmaxBackward0()


class FminBackward0(Extreme):
    """Smaller of each pair; NaN only if both are.  At ties ``self`` gets the gradient."""

    SCHEMA: Final = (
        "fmin(self: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor | variants: function method"
    )

    def forward(self, x: Any, y: Any) -> Any:
        return ufuncs.fmin(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return where_not(((x <= other) | other.isnan()).logical_not(), grad)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return where_not((x <= other) | other.isnan(), grad)

    def fresh(self) -> Binary:
        return FminBackward0()


class ClampMinBackward1(Extreme):
    """Elements raised to a tensor of lower bounds.  At ties ``self`` gets the gradient."""

    def forward(self, x: Any, y: Any) -> Any:
        return ufuncs.maximum(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return where_not((x >= other).logical_not(), grad)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return where_not((x < other).logical_not(), grad)

    def other_name(self) -> str:
        return "min"

    def fresh(self) -> Binary:
        return ClampMinBackward1()


class ClampMaxBackward1(Extreme):
    """Elements lowered to a tensor of upper bounds.  At ties ``self`` gets the gradient."""

    def forward(self, x: Any, y: Any) -> Any:
        return ufuncs.minimum(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return where_not((x <= other).logical_not(), grad)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return where_not((x > other).logical_not(), grad)

    def other_name(self) -> str:
        return "max"

    def fresh(self) -> Binary:
        return ClampMaxBackward1()


class ClampBackward1(Unary):
    """Elements limited to [min, max], numbers or None; ``max`` wins where it is smaller.  d = 1 inside, 0 outside and at NaN."""

    def __init__(self, low: Any, high: Any) -> None:
        self.low: Any = low
        self.high: Any = high

    def forward(self, x: Any) -> Any:
        if x.dtype.char in "fd":
            low = -math.inf if self.low is None else float(self.low)
            return formulas.clamp(x, low, math.inf if self.high is None else float(self.high))
        if self.low is not None:
            x = ufuncs.maximum(x, self.low)
        return x if self.high is None else ufuncs.minimum(x, self.high)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return where_not(inside(x, self.low, self.high).logical_not(), grad)

    def fresh(self) -> Unary:
        return self

    def prepare(self, x: TensorBase) -> TensorBase:
        if x.dt.category == BOOL:
            raise errors.not_implemented("clamp_scalar_cpu", x.dt)
        return x

    def parameters(self) -> dict[str, Any]:
        return {"max": self.high, "min": self.low}


class ClampMinBackward0(ClampBackward1):
    """Elements raised to at least ``min``, a number.  d = 1 from the bound on."""

    def parameters(self) -> dict[str, Any]:
        return {"min": self.low}


class ClampMaxBackward0(ClampBackward1):
    """Elements lowered to at most ``max``, a number.  d = 1 up to the bound."""

    def parameters(self) -> dict[str, Any]:
        return {"max": self.high}


class ClampBackward0(General):
    """Elements limited to tensors of bounds, one of which may be missing; ``max`` wins where it is smaller."""

    def __init__(self, tensors: list[TensorBase], names: list[str]) -> None:
        self.names: list[str] = names
        self.sizes: Any = [t.shp for t in tensors]
        self.types: Any = [t.dt for t in tensors]
        self.common: DType = result_type(list(tensors))

    def input_names(self) -> list[str]:
        return self.names

    def saves(self) -> list[str]:
        return self.names

    def saved_names(self) -> list[str]:
        return ["max", "min", "self"]

    def forward(self, arrays: list[Any]) -> Any:
        if self.names[1:] == ["min", "max"] and all(a.dtype == self.common.np for a in arrays):
            return formulas.clamp(arrays[0], arrays[1], arrays[2])
        kind = self.common.np
        same = [a if a.dtype == kind else cast_array(a, self.common) for a in arrays]
        x = same[0]
        for i in range(1, len(same)):
            x = ufuncs.maximum(x, same[i]) if self.names[i] == "min" else ufuncs.minimum(x, same[i])
        return x

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        regions = self.regions([self.tensor(name) for name in self.names])
        out: list[Tensor | None] = []
        for i in range(len(self.names)):
            if self.wanted(i):
                part = where_not(regions[i].logical_not(), grad)
                out.append(cast_grad(sum_to(part, self.sizes[i]), self.types[i]))
            else:
                out.append(None)
        return out

    def regions(self, tensors: list[Tensor]) -> list[Tensor]:
        """For each input, the mask of the elements it decides."""
        x = tensors[0]
        low = tensors[self.names.index("min")] if "min" in self.names else None
        high = tensors[self.names.index("max")] if "max" in self.names else None
        found = [inside(x, low, high)]
        if low is not None:
            found.append(x < low if high is None else (x < low) & (low < high))
        if high is not None:
            found.append(x > high if low is None else (x > high) | (high < low))
        return found

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        total: Tensor | None = None
        regions = self.regions(inputs)
        for i, tangent in enumerate(tangents):
            if tangent is not None:
                wide = expand_to(cast_grad(tangent, self.common), results[0].shp)
                part = where_not(regions[i].logical_not(), wide)
                total = part if total is None else total + part
        return [total]


CLAMP_MIN: Final = ClampMinBackward1()
CLAMP_MAX: Final = ClampMaxBackward1()
MAXIMUM: Final = MaximumBackward0()
MINIMUM: Final = MinimumBackward0()
FMAX: Final = FmaxBackward0()
FMIN: Final = FminBackward0()


def halved_at(ties: Tensor, grad: Tensor) -> Tensor:
    """The gradient, halved where both operands are equal."""
    return grad * (1 - ties.to(grad.dt) / 2)


def inside(x: Tensor, low: Any, high: Any) -> Tensor:
    """Mask of the elements between the bounds, both included."""
    found: Tensor
    if low is None:
        found = x <= high
    elif high is None:
        found = x >= low
    else:
        found = (x >= low) & (x <= high)
    return found


def bound_for(value: Any, dt: DType) -> Any:
    """A Python number as an element of ``dt``.

    Raises:
        RuntimeError: when an integer dtype cannot hold it.
    """
    if value is None:
        return None
    if dt.category == INTEGER:
        if not holds(dt, value):
            raise errors.overflow(f"{dt.name}_t")
        return int(integer_scalar(value, dt))
    return value if isinstance(value, (bool, int, float)) else value.item()


def check_bounds(self: TensorBase, low: Any, high: Any) -> bool:
    """Whether the bounds are numbers; refuses missing bounds and complex operands."""
    if low is None and high is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    for value in (self, low, high):
        if isinstance(value, complex) or (isinstance(value, TensorBase) and value.dt.category == COMPLEX):
            raise NotImplementedError(NO_COMPLEX_CLAMP)
        if value is not None and not isinstance(value, TensorBase) and not is_number(value):
            raise TypeError(
                f"clamp() received an invalid combination of arguments: a bound is of type {type(value).__name__}"
            )
    tensors = isinstance(low, TensorBase) or isinstance(high, TensorBase)
    if tensors and (is_number(low) or is_number(high)):
        raise TypeError(
            "clamp() received an invalid combination of arguments: one bound is a number, the other a tensor"
        )
    return not tensors


def clamp(self: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """``self`` limited to [min, max]; ``max`` wins where the bounds cross.

    Args:
        self: tensor of any real dtype.
        min, max: numbers, tensors that broadcast, or None; at least one.

    Returns:
        Tensor of the dtype that ``self`` and the bounds promote to.

    Gradient:
        1 for ``self`` inside (bounds included), 0 outside and at NaN; tensors of bounds get it where they decide.

    Raises:
        RuntimeError: without bounds.

    Variants: function method out
    Aliases: clip
    """
    if check_bounds(self, min, max):
        dt = result_type([t for t in (self, min, max) if t is not None])
        return unary(ClampBackward1(bound_for(min, dt), bound_for(max, dt)), converted(self, dt))
    names = ["self"] + (["min"] if min is not None else []) + (["max"] if max is not None else [])
    tensors = [t for t in (self, min, max) if t is not None]
    shape = self.shp
    for t in tensors:
        shape = broadcast_size(shape, t.shp, "clamp")
    return general(ClampBackward0(tensors, names), tensors)


def clamp_(self: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """In-place version of :meth:`clamp`.

    Variants: function method
    Aliases: clip_
    """
    if check_bounds(self, min, max):
        dt = result_type([t for t in (self, min, max) if t is not None])
        if dt is self.dt:
            return unary_(ClampBackward1(bound_for(min, dt), bound_for(max, dt)), self)
    return overwrite(self, clamp(shadow(self), min, max))


def clamp_min(self: Tensor, min: Any) -> Tensor:
    """``self`` where it is at least ``min`` (number or tensor), else ``min``.

    Gradient:
        1 for ``self`` from the bound on; for a tensor ``min`` where ``self`` is smaller.

    Variants: function method inplace out
    """
    if check_bounds(self, min, None):
        dt = result_type([self, min])
        return unary(ClampMinBackward0(bound_for(min, dt), None), converted(self, dt))
    return binary(CLAMP_MIN, self, min)


def clamp_max(self: Tensor, max: Any) -> Tensor:
    """``self`` where it is at most ``max`` (number or tensor), else ``max``.

    Gradient:
        1 for ``self`` up to the bound; for a tensor ``max`` where ``self`` is larger.

    Variants: function method inplace out
    """
    if check_bounds(self, None, max):
        dt = result_type([self, max])
        return unary(ClampMaxBackward0(None, bound_for(max, dt)), converted(self, dt))
    return binary(CLAMP_MAX, self, max)
