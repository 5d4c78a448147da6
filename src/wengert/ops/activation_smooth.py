"""Smooth activation functions: exponential linear units, gelu, silu, mish, softplus, gates."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.compat import i64
from .._core.dtypes import FLOATING
from .._record.common import FUSED, SELF, make, quiet, untracked, wrap_dim
from .._record.general import General, general
from .._record.unary import unary, unary_
from ..kernels import empty, formulas
from .activation import Piecewise, apply, two_slopes

if TYPE_CHECKING:
    from .._tensor import Tensor

SELU_ALPHA: Final = 1.6732632423543772848170429916717
SELU_SCALE: Final = 1.0507009873554804934193349852946
ROOT_HALF: Final = math.sqrt(0.5)
INV_ROOT_2PI: Final = 1 / math.sqrt(2 * math.pi)
GELU_BETA: Final = math.sqrt(2 / math.pi)
GELU_KAPPA: Final = 0.044715


class EluBackward0(Piecewise):
    """scale * x for positive elements, else scale * alpha * (exp(input_scale * x) - 1)."""

    reads: i64 = SELF | FUSED

    def __init__(self, alpha: Any, scale: Any = 1, input_scale: Any = 1) -> None:
        self.alpha: Any = alpha
        self.scale: Any = scale
        self.input_scale: Any = input_scale

    def kernel(self) -> str:
        return "elu_cpu"

    def value(self, x: Any) -> Any:
        numbers = float(self.alpha), float(self.input_scale)
        return formulas.elu(x, *numbers) if self.scale == 1 else formulas.scaled_elu(x, *numbers, float(self.scale))

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        numbers = [float(v) for v in (self.alpha, self.scale, self.input_scale)]
        return formulas.elu_slope(grad, x, numbers[2] * numbers[0] * numbers[1], numbers[1], numbers[2])

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        # Cut at 0, so that the branch that is not taken cannot overflow; relu, because its slope at 0 is 0.
        slope = (-(-x).relu() * self.input_scale).exp() * (self.input_scale * self.alpha * self.scale)
        return two_slopes(grad * self.scale, x > 0, grad * slope)

    def parameters(self) -> dict[str, Any]:
        return {"alpha": self.alpha, "input_scale": self.input_scale, "scale": self.scale}


class EluBackward1(EluBackward0):
    """The same in place."""


class CeluBackward0(EluBackward0):
    """x for positive elements, else alpha * (exp(x / alpha) - 1)."""

    def parameters(self) -> dict[str, Any]:
        return {"alpha": self.alpha}


class CeluBackward1(CeluBackward0):
    """The same in place."""


class GeluBackward0(Piecewise):
    """x times the normal distribution function at x, or its approximation by tanh."""

    reads: i64 = SELF | FUSED

    def __init__(self, approximate: str) -> None:
        self.approximate: str = approximate

    def kernel(self) -> str:
        return "GeluKernelImpl"

    def value(self, x: Any) -> Any:
        return formulas.gelu(x) if self.approximate == "none" else formulas.gelu_tanh(x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        formula = formulas.gelu_slope if self.approximate == "none" else formulas.gelu_tanh_slope
        return formula(grad, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        if self.approximate == "none":
            density = (x * x * -0.5).exp() * INV_ROOT_2PI
            return grad * (((x * ROOT_HALF).erf() + 1) * 0.5 + x * density)
        square = x * x
        bend = ((x + square * x * GELU_KAPPA) * GELU_BETA).tanh()
        inner = (square * (3 * GELU_KAPPA) + 1) * GELU_BETA
        return grad * ((bend + 1) * 0.5 + x * 0.5 * (1 - bend * bend) * inner)

    def parameters(self) -> dict[str, Any]:
        return {"approximate": self.approximate}


class SiluBackward0(Piecewise):
    """x sigmoid(x), also for complex x.  d = s (1 + x (1 - s)) with s = sigmoid(x)."""

    reads: i64 = SELF | FUSED

    def forward(self, x: Any) -> Any:
        return self.value(x)

    def value(self, x: Any) -> Any:
        return formulas.silu(x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.silu_slope(grad, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        s = x.sigmoid()
        return grad * (s * (x * (1 - s) + 1)).conj()


class MishBackward0(Piecewise):
    """x tanh(log(1 + exp(x))).  d = t + x s (1 - t**2) with t = tanh(softplus(x)), s = sigmoid(x)."""

    reads: i64 = SELF | FUSED

    def value(self, x: Any) -> Any:
        return formulas.mish(x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.mish_slope(grad, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        t = softplus(x).tanh()
        return grad * (t + x * x.sigmoid() * (1 - t * t))


class SoftplusBackward0(Piecewise):
    """log(1 + exp(beta x)) / beta, and x itself where beta x is above ``threshold``."""

    reads: i64 = SELF | FUSED

    def __init__(self, beta: Any, threshold: Any) -> None:
        self.beta: Any = beta
        self.threshold: Any = threshold

    def value(self, x: Any) -> Any:
        return formulas.softplus(x, float(self.beta), float(self.threshold))

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.softplus_slope(grad, x, float(self.beta), float(self.threshold))

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        scaled = x * self.beta
        slope: Tensor = scaled.sigmoid().masked_fill(scaled > self.threshold, 1)
        return grad * slope

    def parameters(self) -> dict[str, Any]:
        return {"beta": self.beta, "threshold": self.threshold}


class LogSigmoidBackward0(Piecewise):
    """log(1/(1 + exp(-x))), without overflow.  d = 1 - sigmoid(x)."""

    reads: i64 = SELF | FUSED

    def kernel(self) -> str:
        return "log_sigmoid_cpu"

    def value(self, x: Any) -> Any:
        return formulas.log_sigmoid(np.asarray(x, order="C") if isinstance(x, np.ndarray) else x)

    def slope(self, grad: Any, x: Any, result: Any) -> Any:
        return formulas.log_sigmoid_slope(grad, x)

    def grad_self(self, grad: Tensor, x: Tensor | None, result: Tensor | None) -> Tensor:
        assert x is not None
        return grad * (-x).sigmoid()

    def saved_names(self) -> list[str]:
        return ["buffer", "self"]

    def saved_slot(self, name: str) -> Any:
        return self.saved_value(name) if name == "buffer" else super().saved_slot(name)

    def saved_value(self, name: str) -> Any:
        # PyTorch keeps exp(-|x|); here it is made when somebody looks.
        return (-super().saved_value("self").detach().abs()).exp() if name == "buffer" else super().saved_value(name)


class GluBackward0(General):
    """First half of a dimension times the sigmoid of the second half."""

    def __init__(self, dim: int, half: int) -> None:
        self.dim: int = dim
        self.half: int = half

    def saves(self) -> list[str]:
        return ["self"]

    def parameters(self) -> dict[str, Any]:
        return {"dim": self.dim}

    def forward(self, arrays: list[Any]) -> Any:
        a, b = np.split(arrays[0], 2, axis=self.dim)
        return formulas.gate(a, b)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        x = self.tensor("self")
        assert grad is not None
        if quiet(grad) and untracked(x) and grad.dt is x.dt and isinstance(grad.array, np.ndarray):
            return [make(self.slopes(grad.array, x.array))]
        a = x.narrow(self.dim, 0, self.half)
        s = x.narrow(self.dim, self.half, self.half).sigmoid()
        first = grad * s
        return [join.cat([first, first * a * (1 - s)], self.dim)]

    def slopes(self, grad: Any, x: Any) -> Any:
        """Both halves of the gradient, written into one array."""
        out = empty(x.shape, x.dtype)
        a, b = np.split(x, 2, axis=self.dim)
        first, second = np.split(out, 2, axis=self.dim)
        formulas.gate.into([first], grad, b)
        formulas.gate_slope.into([second], grad, a, b)
        return out

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        x = inputs[0]
        assert tangent is not None
        s = x.narrow(self.dim, self.half, self.half).sigmoid()
        rising = tangent.narrow(self.dim, 0, self.half) * s
        return [rising + results[0] * (1 - s) * tangent.narrow(self.dim, self.half, self.half)]


def elu(self: Tensor, alpha: Any = 1.0, inplace: bool = False) -> Tensor:
    """x for positive elements, else alpha * (exp(x) - 1).

    Gradient:
        1 for positive elements, else alpha * exp(x).

    Source: Clevert et al. 2016, equation 15.

    Variants: nn
    """
    return unary_(EluBackward1(alpha), self) if inplace else unary(EluBackward0(alpha), self)


def elu_(self: Tensor, alpha: Any = 1.0) -> Tensor:
    """In-place version of :func:`elu`.

    Variants: nn
    """
    return unary_(EluBackward1(alpha), self)


def selu(self: Tensor, inplace: bool = False) -> Tensor:
    """scale * x for positive elements, else scale * alpha * (exp(x) - 1), with the fixed point constants of the paper.

    Source: Klambauer et al. 2017, equation 2.

    Variants: nn
    """
    if inplace:
        return unary_(EluBackward1(SELU_ALPHA, SELU_SCALE), self)
    return unary(EluBackward0(SELU_ALPHA, SELU_SCALE), self)


def plain_selu(self: Tensor) -> Tensor:
    """scale * x for positive elements, else scale * alpha * (exp(x) - 1).

    Variants: function
    Name: selu
    """
    return unary(EluBackward0(SELU_ALPHA, SELU_SCALE), self)


def selu_(self: Tensor) -> Tensor:
    """In-place version of :func:`selu`.

    Variants: nn function
    """
    return unary_(EluBackward1(SELU_ALPHA, SELU_SCALE), self)


def celu(self: Tensor, alpha: Any = 1.0, inplace: bool = False) -> Tensor:
    """x for positive elements, else alpha * (exp(x / alpha) - 1): elu with a continuous slope.

    Raises:
        RuntimeError: for ``alpha`` 0.

    Variants: nn
    """
    check_alpha(alpha)
    return unary_(CeluBackward1(alpha, 1, 1.0 / alpha), self) if inplace else plain_celu(self, alpha)


def plain_celu(self: Tensor, alpha: Any = 1.0) -> Tensor:
    """x for positive elements, else alpha * (exp(x / alpha) - 1).

    Variants: function
    Name: celu
    """
    check_alpha(alpha)
    return unary(CeluBackward0(alpha, 1, 1.0 / alpha), self)


def celu_(self: Tensor, alpha: Any = 1.0) -> Tensor:
    """In-place version of :func:`celu`.

    Variants: nn function
    """
    return celu(self, alpha, True)


def check_alpha(alpha: Any) -> None:
    """``celu`` divides by alpha."""
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")


def gelu(self: Tensor, *, approximate: str = "none") -> Tensor:
    """x times the standard normal distribution function at x.

    Args:
        approximate: ``"none"``, or ``"tanh"`` for x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x**3))).

    Gradient:
        Phi(x) + x phi(x), or the derivative of the approximation.

    Raises:
        RuntimeError: for another ``approximate``.

    Source: Hendrycks and Gimpel 2016, section 2.

    Variants: nn
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    return unary(GeluBackward0(approximate), self)


def silu(self: Tensor, inplace: bool = False) -> Tensor:
    """x sigmoid(x) of each element, real or complex.

    Gradient:
        s (1 + x (1 - s)) with s = sigmoid(x).

    Variants: nn
    """
    return apply(SiluBackward0(), self, inplace)


def mish(self: Tensor, inplace: bool = False) -> Tensor:
    """x tanh(softplus(x)) of each element.

    Gradient:
        t + x s (1 - t**2) with t = tanh(softplus(x)), s = sigmoid(x).

    Source: Misra 2019, equation 1.

    Variants: nn
    """
    return apply(MishBackward0(), self, inplace)


def softplus(self: Tensor, beta: Any = 1.0, threshold: Any = 20.0) -> Tensor:
    """log(1 + exp(beta x)) / beta of each element; x itself where beta x is above ``threshold``.

    Gradient:
        sigmoid(beta x), 1 above the threshold.

    Variants: nn
    """
    return unary(SoftplusBackward0(beta, threshold), self)


def logsigmoid(self: Tensor) -> Tensor:
    """log(1/(1 + exp(-x))) of each element, without overflow.

    Gradient:
        1 - sigmoid(x).

    Variants: nn
    """
    return unary(LogSigmoidBackward0(), self)


def softsign(self: Tensor) -> Tensor:
    """x / (1 + |x|) of each element.

    Variants: nn
    """
    return self / (self.abs() + 1)


def tanhshrink(self: Tensor) -> Tensor:
    """x - tanh(x) of each element.

    Variants: nn
    """
    return self - self.tanh()


def nn_sigmoid(self: Tensor) -> Tensor:
    """Logistic sigmoid 1/(1 + exp(-x)) of each element.

    Variants: nn
    Name: sigmoid
    """
    return self.sigmoid()


def nn_tanh(self: Tensor) -> Tensor:
    """Hyperbolic tangent of each element.

    Variants: nn
    Name: tanh
    """
    return self.tanh()


def glu(self: Tensor, dim: Any = -1) -> Tensor:
    """First half of ``dim`` times the sigmoid of its second half.

    Raises:
        RuntimeError: for a 0-d tensor or an odd size.

    Source: Dauphin et al. 2017, equation 1.

    Variants: nn
    """
    if len(self.shp) == 0:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    d = wrap_dim(dim, len(self.shp))
    size = self.shp[d]
    if size % 2 != 0:
        raise RuntimeError(f"Halving dimension must be even, but dimension {d} is size {size}")
    if self.dt.category != FLOATING:
        raise errors.not_implemented("glu_cpu", self.dt)
    return general(GluBackward0(d, size // 2), [self])


from . import join  # noqa: E402
