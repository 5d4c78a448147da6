"""The formulas of special functions and of their derivatives, as in formulas.py."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from . import blocks
from .formula import elementwise

ROOT_HALF: Final = math.sqrt(0.5)
ROOT_2PI: Final = math.sqrt(2 * math.pi)
TWO_BY_ROOT_PI: Final = 2 / math.sqrt(math.pi)
NEARLY_ZERO: Final = 1e-30  # of both precisions: there functions are the first terms of their series


def instruction(name: str) -> Any:
    """The function that is one instruction."""

    def function(x: Any) -> Any:
        return blocks.instruction(name, x)

    function.__name__ = name
    return elementwise(function)


def slope_by(name: str) -> Any:
    """The gradient of a function whose derivative is one instruction."""

    def slope(grad: Any, x: Any) -> Any:
        return grad * blocks.instruction(name, x)

    slope.__name__ = f"slope_by_{name}"
    return elementwise(slope)


erf: Final[Any] = instruction("erf")
erfc: Final[Any] = instruction("erfc")
erfcx: Final[Any] = instruction("erfcx")
erfinv: Final[Any] = instruction("erfinv")
lgamma: Final[Any] = instruction("lgamma")
digamma: Final[Any] = instruction("digamma")
trigamma: Final[Any] = instruction("trigamma")
tetragamma: Final[Any] = instruction("tetragamma")
i0: Final[Any] = instruction("i0")
i0e: Final[Any] = instruction("i0e")
i1: Final[Any] = instruction("i1")
i1e: Final[Any] = instruction("i1e")

lgamma_slope: Final[Any] = slope_by("digamma")
digamma_slope: Final[Any] = slope_by("trigamma")
trigamma_slope: Final[Any] = slope_by("tetragamma")
i0_slope: Final[Any] = slope_by("i1")


@elementwise
def erf_slope(grad: Any, x: Any) -> Any:
    """Gradient of the error function."""
    return np.exp(-(x * x)) * TWO_BY_ROOT_PI * grad


@elementwise
def erfc_slope(grad: Any, x: Any) -> Any:
    """Gradient of erfc."""
    return np.exp(-(x * x)) * -TWO_BY_ROOT_PI * grad


@elementwise
def erfcx_slope(grad: Any, x: Any, result: Any) -> Any:
    """Gradient of erfcx."""
    return (x * 2 * result - TWO_BY_ROOT_PI) * grad


@elementwise
def erfinv_slope(grad: Any, x: Any) -> Any:
    """Gradient of erfinv."""
    y = blocks.instruction("erfinv", x)
    return grad * np.exp(y * y) * (1 / TWO_BY_ROOT_PI)


@elementwise
def ndtri_slope(grad: Any, result: Any) -> Any:
    """Gradient of the quantile of the normal distribution."""
    return grad * ROOT_2PI * np.exp(result * result / 2)


@elementwise
def log_ndtr(x: Any) -> Any:
    """Logarithm of the normal distribution function."""
    scaled = x * -ROOT_HALF
    tail = np.log(blocks.instruction("erfcx", scaled) / 2) - x * x / 2
    return np.where(x < -1, tail, np.log1p(blocks.instruction("erfc", -scaled) / -2))


@elementwise
def log_ndtr_slope(grad: Any, x: Any) -> Any:
    """Gradient of that."""
    return grad / blocks.instruction("erfcx", x * -ROOT_HALF) * math.sqrt(2 / math.pi)


@elementwise
def entr(x: Any) -> Any:
    """-x log(x), 0 at 0, and -infinity below."""
    return np.where(x == 0, 0.0, np.where(x < 0, -math.inf, -x * np.log(x)))


@elementwise
def entr_slope(grad: Any, x: Any) -> Any:
    """Gradient of that."""
    return grad * (-1 - np.log(x))


@elementwise
def i0e_slope(grad: Any, x: Any, result: Any) -> Any:
    """Gradient of i0e."""
    return grad * (blocks.instruction("i1e", x) - np.sign(x) * result)


@elementwise
def i1_slope(grad: Any, x: Any, result: Any) -> Any:
    """Gradient of i1, 1/2 at 0."""
    return grad * np.where(np.absolute(x) < NEARLY_ZERO, 0.5, blocks.instruction("i0", x) - result / x)


@elementwise
def i1e_slope(grad: Any, x: Any, result: Any) -> Any:
    """Gradient of i1e, 1/2 at 0."""
    away = blocks.instruction("i0e", x) - result * (np.sign(x) + 1 / x)
    return grad * np.where(np.absolute(x) < NEARLY_ZERO, 0.5, away)


@elementwise
def logit(x: Any) -> Any:
    """log(x / (1 - x))."""
    return np.log(x / (1 - x))


@elementwise
def logit_slope(grad: Any, x: Any) -> Any:
    """Gradient of that, not a number outside [0, 1]."""
    return np.where((x < 0) | (x > 1), math.nan, grad / (x * (1 - x)))


@elementwise
def logit_between(x: Any, low: Any, high: Any) -> Any:
    """The same of x moved into [low, high]."""
    inside = np.minimum(np.maximum(x, low), high)
    return np.log(inside / (1 - inside))


@elementwise
def logit_between_slope(grad: Any, x: Any, low: Any, high: Any) -> Any:
    """Gradient of that, 0 outside."""
    return np.where((x < low) | (x > high), 0.0, grad / (x * (1 - x)))


@elementwise
def xlogy(x: Any, y: Any) -> Any:
    """x log(y), 0 where x is 0."""
    return np.where(y != y, y, np.where(x == 0, 0.0, x * np.log(y)))


@elementwise
def xlogy_slope(grad: Any, x: Any, y: Any) -> Any:
    """Gradient of x: 0 where that is 0 and y not positive."""
    product = np.where(y != y, y, np.where(grad == 0, 0.0, grad * np.log(y)))
    return np.where((x == 0) & (y <= 0), 0.0, product)


@elementwise
def xlogy_slope_other(grad: Any, x: Any, y: Any) -> Any:
    """Gradient of y."""
    return grad * x / y


@elementwise
def xlog1py(x: Any, y: Any) -> Any:
    """x log(1 + y), 0 where x is 0."""
    return np.where(y != y, y, np.where(x == 0, 0.0, x * np.log1p(y)))


@elementwise
def xlog1py_slope(grad: Any, x: Any, y: Any) -> Any:
    """Gradient of x: 0 where that is 0 and y not above -1."""
    product = np.where(y != y, y, np.where(grad == 0, 0.0, grad * np.log1p(y)))
    return np.where((x == 0) & (y <= -1), 0.0, product)


@elementwise
def xlog1py_slope_other(grad: Any, x: Any, y: Any) -> Any:
    """Gradient of y."""
    return grad * x / (y + 1)


#: digamma and its derivatives, by order, and the gradients as far as these reach.
POLYGAMMA: Final[list[Any]] = [digamma, trigamma, tetragamma]
POLYGAMMA_SLOPES: Final[list[Any]] = [digamma_slope, trigamma_slope]
