"""The formulas of the operators: values and fused derivatives, each written once, in NumPy's terms.

A derivative takes the incoming gradient first, then what the operator saved; ``slope`` names it. Python numbers keep the
dtype of the arrays they meet; ``np.where`` of two numbers would not, so one of them is always an array.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from . import blocks, tracing
from .formula import elementwise, rowwise
from .tracing import column_sum, row_max, row_mean, row_min, row_product, row_sum

TWO_BY_ROOT_PI: Final = 2 / math.sqrt(math.pi)
GELU_BETA: Final = math.sqrt(2 / math.pi)
GELU_KAPPA: Final = 0.044715


# ---- arithmetic and elementary functions ------------------------------------------------------------------------------


@elementwise
def add_scaled(x: Any, y: Any, alpha: Any) -> Any:
    """Sum with a factor."""
    return x + y * alpha


@elementwise
def add_product(x: Any, first: Any, second: Any) -> Any:
    """x plus a product."""
    return x + first * second


@elementwise
def add_quotient(x: Any, first: Any, second: Any) -> Any:
    """x plus a quotient."""
    return x + first / second


@elementwise
def addcmul(x: Any, first: Any, second: Any, factor: Any) -> Any:
    """x plus a product with a factor."""
    return x + first * factor * second


@elementwise
def addcdiv(x: Any, first: Any, second: Any, factor: Any) -> Any:
    """x plus a quotient with a factor."""
    return x + first * factor / second


@elementwise
def cube(x: Any) -> Any:
    """The third power, as PyTorch rounds it."""
    return x * x * x


@elementwise
def divide_other(grad: Any, x: Any, other: Any) -> Any:
    """Gradient of the divisor."""
    return -grad * ((x / other) / other)


@elementwise
def select(mask: Any, x: Any, y: Any) -> Any:
    """x where the mask holds, else y."""
    return np.where(mask, x, y)


@elementwise
def product_difference(a: Any, b: Any, c: Any, d: Any) -> Any:
    """a b - c d, each rounded: equal products leave 0."""
    return a * b - c * d


@elementwise
def is_close(x: Any, y: Any, rtol: Any, atol: Any) -> Any:
    """Whether x and y are equal, or their difference is finite and at most atol + rtol |y|."""
    error = np.absolute(x - y)
    return (x == y) | ((error <= atol + np.absolute(rtol * y)) & (error < np.inf))


@elementwise
def exp2(x: Any) -> Any:
    """2 to the power of x."""
    return np.exp2(x)


@elementwise
def clamp(x: Any, low: Any, high: Any) -> Any:
    """Limited to [low, high]; ``high`` wins."""
    return np.minimum(np.maximum(x, low), high)


@elementwise
def lerp(x: Any, end: Any, weight: Any) -> Any:
    """x + weight (end - x), exact where the weight is 0."""
    return blocks.instruction("lerp", x, end, weight)


@elementwise
def lerp_each(x: Any, end: Any, weight: Any) -> Any:
    """The same with a weight for each element: from the nearer end."""
    step = end - x
    return np.where(np.absolute(weight) < 0.5, x + weight * step, end - step * (1 - weight))


# Those of NumPy: remainder has the sign of the divisor, fmod that of the dividend.
logaddexp: Final[Any] = elementwise(np.logaddexp)
fmod: Final[Any] = elementwise(np.fmod)
remainder: Final[Any] = elementwise(np.remainder)
hypot: Final[Any] = elementwise(np.hypot)
copysign: Final[Any] = elementwise(np.copysign)


@elementwise
def heaviside(x: Any, y: Any) -> Any:
    """0 below 0 and for NaN, 1 above, y at 0."""
    return blocks.instruction("heaviside", x, y)


@elementwise
def nextafter(x: Any, y: Any) -> Any:
    """The neighbour of x towards y."""
    return blocks.instruction("nextafter", x, y)


@elementwise
def sign(x: Any) -> Any:
    """-1, 0 or 1; 0 for what is not a number."""
    return blocks.instruction("signum", x)


@elementwise
def reciprocal_slope(grad: Any, result: Any) -> Any:
    """Gradient of 1/x."""
    return -grad * (result * result)


@elementwise
def absolute_slope(grad: Any, x: Any) -> Any:
    """Gradient of |x|: 0 at 0 (with the sign of the gradient), and for NaN."""
    return np.where(x > 0, grad, np.where(x < 0, -grad, grad * 0))


@elementwise
def expm1_slope(grad: Any, result: Any) -> Any:
    """Gradient of exp(x) - 1."""
    return grad * (result + 1)


@elementwise
def log1p_slope(grad: Any, x: Any) -> Any:
    """Gradient of log(1 + x)."""
    return grad / (x + 1)


@elementwise
def sqrt_slope(grad: Any, result: Any) -> Any:
    """Gradient of the square root."""
    return grad / (result * 2)


@elementwise
def rsqrt(x: Any) -> Any:
    """1 / sqrt(x)."""
    return 1 / np.sqrt(x)


@elementwise
def rsqrt_slope(grad: Any, result: Any) -> Any:
    """Gradient of 1/sqrt(x)."""
    return grad * -0.5 * (result * result * result)


@elementwise
def sin_slope(grad: Any, x: Any) -> Any:
    """Gradient of sin."""
    return grad * np.cos(x)


@elementwise
def cos_slope(grad: Any, x: Any) -> Any:
    """Gradient of cos."""
    return grad * -np.sin(x)


@elementwise
def tanh_slope(grad: Any, result: Any) -> Any:
    """Gradient of tanh."""
    return grad * (1 - result * result)


@elementwise
def sigmoid(x: Any) -> Any:
    """Logistic sigmoid."""
    return tracing.sigmoid(x)


@elementwise
def sigmoid_slope(grad: Any, result: Any) -> Any:
    """Gradient of the sigmoid."""
    return grad * (1 - result) * result


@elementwise
def nan_to_num(x: Any, nan: Any, posinf: Any, neginf: Any) -> Any:
    """x with other numbers for what is not finite."""
    return np.where(x == math.inf, posinf, np.where(x == -math.inf, neginf, blocks.instruction("unless_nan", x, nan)))


@elementwise
def made_finite(x: Any, nan: Any, limit: Any) -> Any:
    """x with ``limit``, the largest number, for infinity, and another number for NaN."""
    return blocks.instruction("unless_nan", np.minimum(np.maximum(x, -limit), limit), nan)


@elementwise
def frac(x: Any) -> Any:
    """What lies behind the point, with the sign of x."""
    return blocks.instruction("frac", x)


@elementwise
def floor_divide(x: Any, y: Any) -> Any:
    """Quotient rounded down; x / y where y is 0."""
    return tracing.floor_divide(x, y)


# ---- activations --------------------------------------------------------------------------------------------------------


@elementwise
def relu(x: Any) -> Any:
    """max(x, 0)."""
    return np.maximum(0, x)  # in this order -0.0 stays, as in PyTorch


@elementwise
def threshold(x: Any, limit: Any, number: Any) -> Any:
    """x above ``limit`` and where it is not a number, else ``number``."""
    return np.where(x <= limit, number, x)


@elementwise
def threshold_slope(grad: Any, x: Any, threshold: Any) -> Any:
    """The gradient above the threshold, and where x is not a number."""
    return np.where(x <= threshold, 0, grad)


@elementwise
def leaky_relu(x: Any, slope: Any) -> Any:
    """x, or ``slope`` times x where it is not positive."""
    return blocks.instruction("leaky_relu", x, slope)


@elementwise
def leaky_relu_slope(grad: Any, x: Any, slope: Any) -> Any:
    """Gradient of that."""
    return np.where(x > 0, grad, grad * slope)


@elementwise
def hardtanh_slope(grad: Any, x: Any, low: Any, high: Any) -> Any:
    """The gradient strictly inside the interval, and where x is not a number."""
    return np.where((x <= low) | (x >= high), 0, grad)


@elementwise
def hardsigmoid(x: Any) -> Any:
    """min(max(x + 3, 0), 6) / 6."""
    return blocks.instruction("hardsigmoid", x)


@elementwise
def hardswish(x: Any) -> Any:
    """x min(max(x + 3, 0), 6) / 6."""
    return blocks.instruction("hardswish", x)


@elementwise
def hardsigmoid_slope(grad: Any, x: Any) -> Any:
    """Gradient of hardsigmoid: 1/6 strictly inside."""
    return np.where((x <= -3) | (x >= 3), 0, grad / 6)


@elementwise
def hardswish_slope(grad: Any, x: Any) -> Any:
    """Gradient of hardswish."""
    return np.where(x >= 3, grad, np.where(x <= -3, 0, grad * (x / 3 + 0.5)))


@elementwise
def hardshrink(x: Any, lambd: Any) -> Any:
    """x outside [-lambd, lambd], else 0."""
    return blocks.instruction("outside", x, x, lambd)


@elementwise
def hardshrink_slope(grad: Any, x: Any, lambd: Any) -> Any:
    """The gradient outside [-lambd, lambd]."""
    return blocks.instruction("outside", grad, x, lambd)


@elementwise
def softshrink(x: Any, lambd: Any) -> Any:
    """x moved towards 0 by ``lambd``, 0 where it is closer."""
    return blocks.instruction("softshrink", x, lambd)


@elementwise
def prelu(x: Any, weight: Any) -> Any:
    """x, or x times its weight where it is not positive."""
    return np.where(x > 0, x, weight * x)


@elementwise
def elu_slope(grad: Any, x: Any, negative: Any, scale: Any, input_scale: Any) -> Any:
    """Gradient of elu; cut at 0, so that the branch that is not taken cannot overflow."""
    return np.where(x > 0, grad * scale, grad * (np.exp(np.minimum(x, 0) * input_scale) * negative))


@elementwise
def elu(x: Any, negative: Any, input_scale: Any) -> Any:
    """x, or negative (exp(input_scale x) - 1) below 0."""
    return blocks.instruction("elu", x, negative, input_scale)


@elementwise
def scaled_elu(x: Any, negative: Any, input_scale: Any, scale: Any) -> Any:
    """The same times ``scale``."""
    return blocks.instruction("elu", x, negative, input_scale) * scale


@elementwise
def gelu(x: Any) -> Any:
    """x times the normal distribution function."""
    return blocks.instruction("gelu", x)


@elementwise
def gelu_slope(grad: Any, x: Any) -> Any:
    """Gradient of gelu."""
    return blocks.instruction("gelu_slope", x) * grad


@elementwise
def gelu_tanh(x: Any) -> Any:
    """The approximation of gelu by tanh."""
    return 0.5 * x * (1 + np.tanh(GELU_BETA * (x + GELU_KAPPA * (x * x * x))))


@elementwise
def gelu_tanh_slope(grad: Any, x: Any) -> Any:
    """Gradient of that."""
    square = x * x
    bend = np.tanh((x + square * x * GELU_KAPPA) * GELU_BETA)
    inner = (square * (3 * GELU_KAPPA) + 1) * GELU_BETA
    return grad * ((bend + 1) * 0.5 + x * 0.5 * (1 - bend * bend) * inner)


@elementwise
def silu(x: Any) -> Any:
    """x sigmoid(x)."""
    return blocks.instruction("silu", x)


@elementwise
def silu_slope(grad: Any, x: Any) -> Any:
    """Gradient of silu."""
    return blocks.instruction("silu_slope", x) * grad


@elementwise
def gate(x: Any, y: Any) -> Any:
    """x sigmoid(y)."""
    return x * tracing.sigmoid(y)


@elementwise
def gate_slope(grad: Any, x: Any, y: Any) -> Any:
    """Gradient of y."""
    s = tracing.sigmoid(y)
    return grad * s * x * (1 - s)


@elementwise
def mish(x: Any) -> Any:
    """x tanh(softplus(x))."""
    return x * np.tanh(np.log1p(np.exp(x)))


@elementwise
def mish_slope(grad: Any, x: Any) -> Any:
    """Gradient of mish."""
    t = np.tanh(np.where(x > 20, x, np.log1p(np.exp(x))))
    return grad * (t + x * tracing.sigmoid(x) * (1 - t * t))


@elementwise
def softplus(x: Any, beta: Any, threshold: Any) -> Any:
    """log(1 + exp(beta x)) / beta, and x itself above the threshold."""
    scaled = x * beta
    return np.where(scaled > threshold, x, np.log1p(np.exp(scaled)) / beta)


@elementwise
def softplus_slope(grad: Any, x: Any, beta: Any, threshold: Any) -> Any:
    """Gradient of that."""
    scaled = x * beta
    return np.where(scaled > threshold, grad, grad * tracing.sigmoid(scaled))


@elementwise
def log_sigmoid(x: Any) -> Any:
    """log(sigmoid(x)), without overflow."""
    return np.minimum(x, 0) - np.log1p(np.exp(-np.absolute(x)))


@elementwise
def log_sigmoid_slope(grad: Any, x: Any) -> Any:
    """Gradient of that."""
    return grad * tracing.sigmoid(-x)


# ---- rows ---------------------------------------------------------------------------------------------------------------


@rowwise
def softmax(x: Any) -> Any:
    """Exponentials divided by their sum."""
    e = np.exp(x - row_max(x))
    return e * (1 / row_sum(e))


@rowwise
def softmax_slope(grad: Any, result: Any) -> Any:
    """Gradient of softmax."""
    return (grad - row_sum(grad * result)) * result


@elementwise
def exp_difference(x: Any, y: Any) -> Any:
    """exp(x - y)."""
    return np.exp(x - y)


@elementwise
def softmax_slope_given(grad: Any, result: Any, total: Any) -> Any:
    """Gradient of softmax, given the sum of ``grad * result``."""
    return (grad - total) * result


@elementwise
def log_softmax_slope_given(grad: Any, result: Any, total: Any) -> Any:
    """Gradient of log-softmax, given the sum of ``grad``."""
    return grad - np.exp(result) * total


@rowwise
def log_softmax(x: Any) -> Any:
    """Logarithm of softmax, without overflow."""
    shifted = x - row_max(x)
    return shifted - np.log(row_sum(np.exp(shifted)))


@rowwise
def log_softmax_slope(grad: Any, result: Any) -> Any:
    """Gradient of that."""
    return grad - np.exp(result) * row_sum(grad)


@elementwise
def log_softmax_slope_picked(result: Any, total: Any) -> Any:
    """Gradient of that, less ``grad`` itself, given the sum of ``grad``."""
    return 0 - np.exp(result) * total


@rowwise
def products_below(grad: Any, x: Any, mean: Any, rstd: Any) -> Any:
    """Sums over all rows of the gradient times the standardised values, and of the gradient."""
    return column_sum(grad * ((x - mean) * rstd)), column_sum(grad)


@rowwise
def squares_below(x: Any, mean: Any) -> Any:
    """Sum over all rows of squared distances to a row of means."""
    return column_sum((x - mean) * (x - mean))


@rowwise
def distances_below(x: Any, mean: Any) -> Any:
    """Sums over all rows of distances to a row of means, which is what rounding left of them, and of their squares."""
    return column_sum(x - mean), column_sum((x - mean) * (x - mean))


@rowwise
def distances(x: Any, mean: Any) -> Any:
    """The same sums over each row."""
    return row_sum(x - mean), row_sum((x - mean) * (x - mean))


@rowwise
def inner_product(x: Any, y: Any) -> Any:
    """Sums of products over each row."""
    return row_sum(x * y)


@rowwise
def logsumexp(x: Any) -> Any:
    """Logarithm of the sum of exponentials; a largest element that is infinite is not subtracted."""
    largest = row_max(x)
    top = np.where(np.abs(largest) == np.inf, 0.0, largest)
    return np.log(row_sum(np.exp(x - top))) + top


@elementwise
def logsumexp_slope(grad: Any, x: Any, result: Any) -> Any:
    """Gradient of ``logsumexp``."""
    return grad * np.exp(x - result)


@rowwise
def largest(x: Any) -> Any:
    """Largest element."""
    return row_max(x)


@rowwise
def smallest(x: Any) -> Any:
    """Smallest element."""
    return row_min(x)


@rowwise
def extreme_slope(grad: Any, x: Any, result: Any) -> Any:
    """Gradient of both: equal shares for the elements that tie."""
    ties: Any = np.where(x == result, 1.0, 0.0)
    return ties * (grad / row_sum(ties))


@rowwise
def sum_of_numbers(x: Any) -> Any:
    """Sum of what is a number."""
    numbers: Any = np.where(x == x, x, 0.0)
    return row_sum(numbers)


@rowwise
def product(x: Any) -> Any:
    """Product."""
    return row_product(x)


@rowwise
def norm_1(x: Any) -> Any:
    """Sum of absolute values."""
    return row_sum(np.abs(x))


@rowwise
def norm_2(x: Any) -> Any:
    """Root of the sum of squares."""
    return np.sqrt(row_sum(x * x))


@rowwise
def norm_inf(x: Any) -> Any:
    """Largest absolute value."""
    return row_max(np.abs(x))


@elementwise
def norm_1_slope(grad: Any, x: Any, result: Any) -> Any:
    """Gradient of ``norm_1``, 0 at 0 and, as PyTorch has it, at NaN."""
    return grad * sign(x)


@elementwise
def quotient_or_zero(x: Any, y: Any) -> Any:
    """x / y, and 0 where y is 0."""
    return np.where(y == 0, 0.0, x / y)


@elementwise
def norm_2_slope(grad: Any, x: Any, result: Any) -> Any:
    """Gradient of ``norm_2``, 0 where the norm is 0."""
    return grad * np.where(result == 0, 0.0, x / result)


@rowwise
def variance(x: Any, freedom: Any) -> Any:
    """Sum of squared distances to the mean, divided by the degrees of freedom."""
    centred = x - row_mean(x)
    return row_sum(centred * centred) / freedom
