"""Activation functions made of straight pieces: the relu family, shrinkage, hard sigmoids.

Gradients at the joints are PyTorch's: see each class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.compat import i64
from .._core.dtypes import BOOL, FLOATING
from .._core.tensor_base import TensorBase
from .._record.binary import Binary, binary
from .._record.common import FUSED, OTHER, RESULT, SELF, make, number_of
from .._record.unary import Unary, unary, unary_
from ..kernels import arrays, formulas, ufuncs
from .random import default_generator
from .rounding import zeros_as
from .transcendental import Slope

if TYPE_CHECKING:
    from .._tensor import Tensor

_relu: Final[Any] = arrays.relu


class Piecewise(Unary):
    """Base of functions of real numbers made of pieces; integers are refused unless ``takes_integers``."""

    def kernel(self) -> str:
        """PyTorch's name of the kernel in errors."""
        return errors.operator_name(self) + "_cpu"

    def takes_integers(self) -> bool:
        """Whether integers are computed with as they are."""
        return False

    def forward(self, x: Any) -> Any:
        if x.dtype.kind == "c":
            raise errors.not_implemented(self.kernel(), make(x).dt)
        return self.value(x)

    def value(self, x: Any) -> Any:
        """Value for real numbers."""
        raise NotImplementedError

    def fresh(self) -> Unary:
        return self

    def prepare(self, x: TensorBase) -> TensorBase:
        if x.dt.category == BOOL or not self.takes_integers():
            raise errors.not_implemented(self.kernel(), x.dt)
        return x


class ReluBackward0(Unary):
    """max(x, 0) of each element.  Derivative 1 for positive elements, else 0."""

    reads: i64 = RESULT | FUSED
    silent: bool = True

    def forward(self, x: Any) -> Any:
        if x.dtype.kind == "c":
            raise NotImplementedError("clamp is not supported for complex types")
        return _relu(x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.threshold_slope(grad, result, 0.0)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert result is not None
        return binary(RELU_SLOPE, grad, result)

    def fresh(self) -> Unary:
        return ReluBackward0()

    def prepare(self, x: TensorBase) -> TensorBase:
        if x.dt.category == BOOL:
            raise RuntimeError("Boolean inputs not supported for relu")
        return x


class ThresholdBackwardBackward0(Slope):
    """The gradient where the second operand is above ``threshold`` or NaN, else 0."""

    silent: bool = True
    reads_self: i64 = OTHER
    reads_other: i64 = OTHER

    def __init__(self, threshold: Any) -> None:
        self.threshold: Any = threshold

    def forward(self, x: Any, y: Any) -> Any:
        return formulas.threshold_slope(x, y, float(self.threshold))

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert other is not None
        return binary(ThresholdBackwardBackward0(self.threshold), grad, other)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        return zeros_as(grad)

    def fresh(self) -> Binary:
        return ThresholdBackwardBackward0(self.threshold)

    def saved_names(self) -> list[str]:
        return ["self", "threshold"]

    def parameters(self) -> dict[str, Any]:
        return {"threshold": self.threshold}

    def other_name(self) -> str:
        return "self"


class ThresholdBackward0(Piecewise):
    """x where it is above ``threshold``, else ``number``.  Derivative 1 above, else 0."""

    reads: i64 = SELF | FUSED

    def __init__(self, threshold: Any, number: Any) -> None:
        self.threshold: Any = number_of(threshold, "threshold", "threshold", 2)
        self.number: Any = number_of(number, "threshold", "value", 3)

    def value(self, x: Any) -> Any:
        if x.dtype.kind == "f":
            return formulas.threshold(x, float(self.threshold), float(self.number))
        return np.where(x <= self.threshold, x.dtype.type(self.number), x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.threshold_slope(grad, x, float(self.threshold))

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return binary(ThresholdBackwardBackward0(self.threshold), grad, x)

    def takes_integers(self) -> bool:
        return True

    def parameters(self) -> dict[str, Any]:
        return {"threshold": self.threshold}


class ThresholdBackward1(ThresholdBackward0):
    """The same in place."""


class HardtanhBackward0(Piecewise):
    """x limited to [min_val, max_val].  Derivative 1 strictly inside, else 0."""

    reads: i64 = SELF | FUSED

    def __init__(self, min_val: Any, max_val: Any) -> None:
        self.min_val: Any = min_val
        self.max_val: Any = max_val

    def value(self, x: Any) -> Any:
        low, high = self.min_val, self.max_val
        if x.dtype.kind in "iu":
            low, high = int(low), int(high)
            if low < 0 and x.dtype.kind == "u":
                raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
        elif x.dtype.kind == "f":
            return formulas.clamp(x, float(low), float(high))
        return ufuncs.minimum(ufuncs.maximum(x, low), high)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.hardtanh_slope(grad, x, float(self.min_val), float(self.max_val))

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad.masked_fill((x <= self.min_val) | (x >= self.max_val), 0)

    def takes_integers(self) -> bool:
        return True

    def parameters(self) -> dict[str, Any]:
        return {"max_val": self.max_val, "min_val": self.min_val}


class LeakyReluBackward0(Piecewise):
    """x for positive elements, ``negative_slope * x`` for others.  Derivative 1 or ``negative_slope`` (also at 0)."""

    reads: i64 = SELF | FUSED

    def __init__(self, negative_slope: Any) -> None:
        self.negative_slope: Any = negative_slope

    def kernel(self) -> str:
        return "leaky_relu_cpu"

    def value(self, x: Any) -> Any:
        return formulas.leaky_relu(x, float(self.negative_slope))

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.leaky_relu_slope(grad, x, float(self.negative_slope))

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return two_slopes(grad, x > 0, grad * self.negative_slope)

    def parameters(self) -> dict[str, Any]:
        return {"negative_slope": self.negative_slope}


class LeakyReluBackward1(LeakyReluBackward0):
    """The same in place."""


class HardsigmoidBackward0(Piecewise):
    """min(max(x + 3, 0), 6) / 6.  Derivative 1/6 strictly between -3 and 3, else 0."""

    reads: i64 = SELF | FUSED

    def value(self, x: Any) -> Any:
        return formulas.hardsigmoid(x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.hardsigmoid_slope(grad, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return (grad / 6).masked_fill((x <= -3) | (x >= 3), 0)


class HardswishBackward0(Piecewise):
    """x min(max(x + 3, 0), 6) / 6.  Derivative 0 up to -3, x/3 + 1/2 below 3, then 1."""

    reads: i64 = SELF | FUSED

    def value(self, x: Any) -> Any:
        return formulas.hardswish(x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.hardswish_slope(grad, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        middle = (grad * (x / 3 + 0.5)).masked_fill(x <= -3, 0)
        return two_slopes(grad, x >= 3, middle)


class HardshrinkBackward0(Piecewise):
    """0 for elements in [-lambd, lambd], the others unchanged.  Derivative 0 or 1."""

    reads: i64 = SELF | FUSED

    def __init__(self, lambd: Any) -> None:
        self.lambd: Any = lambd

    def value(self, x: Any) -> Any:
        return formulas.hardshrink(x, float(self.lambd))

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.hardshrink_slope(grad, x, float(self.lambd))

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad.masked_fill((x >= -self.lambd) & (x <= self.lambd), 0)

    def parameters(self) -> dict[str, Any]:
        return {"lambd": self.lambd}


class SoftshrinkBackward0(HardshrinkBackward0):
    """0 for elements in [-lambd, lambd], the others moved towards 0 by ``lambd``.  Derivative 0 or 1."""

    def value(self, x: Any) -> Any:
        return formulas.softshrink(x, float(self.lambd))


class PreluKernelBackward0(Binary):
    """x for positive elements, ``weight * x`` for others."""

    def forward(self, x: Any, y: Any) -> Any:
        return formulas.prelu(x, y)

    def grad_self(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None and other is not None
        return two_slopes(grad, x > 0, grad * other)

    def grad_other(self, grad: Tensor, x: Tensor | None, other: Tensor | None, result: Tensor | None) -> Tensor | None:
        assert x is not None
        return (grad * x).masked_fill(x > 0, 0)

    def other_name(self) -> str:
        return "weight"

    def fresh(self) -> Binary:
        return PreluKernelBackward0()


class RreluWithNoiseBackward0(Piecewise):
    """x for positive elements, others times their own random slope (``noise``), drawn once."""

    def __init__(self, lower: Any, upper: Any, training: bool, generator: Any) -> None:
        self.lower: float = float(lower)
        self.upper: float = float(upper)
        self.training: bool = training
        self.generator: Any = generator
        self.noise: Any = None

    def kernel(self) -> str:
        return "rrelu_with_noise_cpu"

    def value(self, x: Any) -> Any:
        if not self.training:
            return np.where(x > 0, x, x * x.dtype.type((self.lower + self.upper) / 2))
        steep = np.asarray(x <= 0)
        noise = np.ones(x.shape, x.dtype)
        noise[steep] = self.generator.uniform((int(steep.sum()),), np.float64, self.lower, self.upper)
        self.noise = make(noise)
        return x * noise

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        if self.training:
            noisy: Tensor = grad * self.noise
            return noisy
        return two_slopes(grad, x > 0, grad * ((self.lower + self.upper) / 2))

    def parameters(self) -> dict[str, Any]:
        return {"lower": self.lower, "noise": self.noise, "training": self.training, "upper": self.upper}


class RreluWithNoiseBackward1(RreluWithNoiseBackward0):
    """The same in place."""


RELU: Final = ReluBackward0()
RELU_SLOPE: Final = ThresholdBackwardBackward0(0)
PRELU: Final = PreluKernelBackward0()


def two_slopes(grad: Tensor, mask: Tensor, elsewhere: Tensor) -> Tensor:
    """The gradient itself where ``mask`` holds, and another one elsewhere."""
    found: Tensor = grad.where(mask, elsewhere)
    return found


def relu(self: Tensor) -> Tensor:
    """max(x, 0) of each element; integers keep their dtype.

    Gradient:
        1 for positive elements, else 0 (also at 0).

    Raises:
        RuntimeError: for masks.

    Variants: function method
    """
    return unary(RELU, self)


def relu_(self: Tensor) -> Tensor:
    """In-place version of :meth:`relu`.

    Variants: function method nn
    """
    return unary_(RELU, self)


def nn_relu(self: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0) of each element; with ``inplace`` written into ``self``.

    Variants: nn
    Name: relu
    """
    return unary_(RELU, self) if inplace else unary(RELU, self)


def apply(op: Unary, x: Tensor, inplace: bool) -> Tensor:
    """Run an operator out of place or in place."""
    return unary_(op, x) if inplace else unary(op, x)


def hardtanh(self: Tensor, min_val: Any = -1.0, max_val: Any = 1.0, inplace: bool = False) -> Tensor:
    """Elements limited to [min_val, max_val].

    Gradient:
        1 strictly inside the interval, else 0.

    Raises:
        ValueError: when ``min_val`` is above ``max_val``.

    Variants: nn
    """
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return apply(HardtanhBackward0(min_val, max_val), self, inplace)


def hardtanh_(self: Tensor, min_val: Any = -1.0, max_val: Any = 1.0) -> Tensor:
    """In-place version of :func:`hardtanh`.

    Variants: nn
    """
    return hardtanh(self, min_val, max_val, True)


def relu6(self: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6) of each element.

    Gradient:
        1 strictly between 0 and 6, else 0.

    Variants: nn
    """
    return apply(HardtanhBackward0(0, 6), self, inplace)


def leaky_relu(self: Tensor, negative_slope: Any = 0.01, inplace: bool = False) -> Tensor:
    """x for positive elements, ``negative_slope * x`` for others.

    Gradient:
        1 for positive elements, else ``negative_slope``.

    Variants: nn
    """
    return (
        unary_(LeakyReluBackward1(negative_slope), self) if inplace else unary(LeakyReluBackward0(negative_slope), self)
    )


def leaky_relu_(self: Tensor, negative_slope: Any = 0.01) -> Tensor:
    """In-place version of :func:`leaky_relu`.

    Variants: nn
    """
    return leaky_relu(self, negative_slope, True)


def threshold(self: Tensor, threshold: Any, value: Any, inplace: bool = False) -> Tensor:
    """Elements above ``threshold``; ``value`` in place of the others.

    Gradient:
        1 above the threshold, else 0.

    Variants: nn function
    """
    if inplace:
        return unary_(ThresholdBackward1(threshold, value), self)
    return unary(ThresholdBackward0(threshold, value), self)


def threshold_(self: Tensor, threshold: Any, value: Any) -> Tensor:
    """In-place version of :func:`threshold`.

    Variants: nn function
    """
    return unary_(ThresholdBackward1(threshold, value), self)


def hardsigmoid(self: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x + 3, 0), 6) / 6 of each element.

    Gradient:
        1/6 strictly between -3 and 3, else 0.

    Variants: nn
    """
    return apply(HardsigmoidBackward0(), self, inplace)


def hardswish(self: Tensor, inplace: bool = False) -> Tensor:
    """x min(max(x + 3, 0), 6) / 6 of each element.

    Gradient:
        0 up to -3, x/3 + 1/2 below 3, then 1.

    Source: Howard et al. 2019, MobileNetV3, section 5.2.

    Variants: nn
    """
    return apply(HardswishBackward0(), self, inplace)


def hardshrink(self: Tensor, lambd: Any = 0.5) -> Tensor:
    """Elements outside [-lambd, lambd]; 0 in place of the others.

    Gradient:
        1 outside, 0 inside.

    Variants: function method nn
    """
    return unary(HardshrinkBackward0(lambd), self)


def softshrink(self: Tensor, lambd: Any = 0.5) -> Tensor:
    """Elements moved towards 0 by ``lambd``; 0 for those in [-lambd, lambd].

    Gradient:
        1 outside, 0 inside.

    Raises:
        RuntimeError: for a negative ``lambd``.

    Variants: nn
    """
    if lambd < 0:
        top = np.finfo(self.dt.np).max if self.dt.category == FLOATING else 0
        raise RuntimeError(f"lambda must be in range [0, {top:g}] for input dtype {self.dt.title}, but found {lambd:g}")
    return unary(SoftshrinkBackward0(lambd), self)


def prelu(self: Tensor, weight: Tensor) -> Tensor:
    """x for positive elements, ``weight * x`` for others.

    Args:
        self: shape (rows, channels, ...), or any for a single weight.
        weight: shape (channels,) or (1,) or ().

    Gradient:
        1 or ``weight`` for ``self``; 0 or x for ``weight``, summed over all but the channels.

    Raises:
        RuntimeError: when the number of weights is neither 1 nor that of the channels, or the dtypes differ.

    Variants: function method nn
    """
    if self.dt is not weight.dt:
        raise RuntimeError(f"prelu: Type promoting not supported. Got {self.dt.title} and {weight.dt.title}")
    if len(weight.shp) > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {len(weight.shp)}")
    count = weight.numel()
    dims = len(self.shp)
    if count != 1:
        if dims == 0:
            raise RuntimeError("Not allow zero-dim self tensor.")
        channels = self.shp[1] if dims > 1 else 1
        if channels != count:
            raise RuntimeError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {count} and channel "
                f"size = {channels}."
            )
    if self.dt.category != FLOATING:
        raise errors.not_implemented("prelu_cpu", self.dt)
    if (dims > 1 and count != 1) or len(weight.shp) > dims:
        weight = weight.reshape([count if i == 1 else 1 for i in range(dims)])
    return binary(PRELU, self, weight)


def rrelu(
    self: Tensor, lower: Any = 1.0 / 8, upper: Any = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """x for positive elements, others times a slope: random in [lower, upper) in training, else the mean of the bounds.

    Gradient:
        1 for positive elements, else the slope.

    Variants: nn function
    """
    draw = default_generator
    if inplace:
        return unary_(RreluWithNoiseBackward1(lower, upper, training, draw), self)
    return unary(RreluWithNoiseBackward0(lower, upper, training, draw), self)


def rrelu_(self: Tensor, lower: Any = 1.0 / 8, upper: Any = 1.0 / 3, training: bool = False) -> Tensor:
    """In-place version of :func:`rrelu`.

    Variants: nn function
    """
    return rrelu(self, lower, upper, training, True)
