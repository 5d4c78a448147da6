"""The formulas of the operators: values and fused derivatives, each written once, in NumPy's terms.

A derivative takes the incoming gradient first, then what the operator saved; ``slope`` names it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .formula import elementwise, rowwise
from .tracing import column_sum, row_max, row_mean, row_sum


@elementwise
def tanh_slope(grad: Any, result: Any) -> Any:
    """Gradient of tanh."""
    return grad * (1 - result * result)


@rowwise
def softmax(x: Any) -> Any:
    """Exponentials divided by their sum."""
    e = np.exp(x - row_max(x))
    return e / row_sum(e)


@rowwise
def normalize(x: Any, weight: Any, bias: Any, eps: Any) -> Any:
    """Rows with mean 0 and variance 1, scaled and shifted; mean; reciprocal standard deviation."""
    mean = row_mean(x)
    centred = x - mean
    rstd = 1 / np.sqrt(row_mean(centred * centred) + eps)
    return centred * rstd * weight + bias, mean, rstd


@rowwise
def normalize_slope(grad: Any, x: Any, weight: Any, mean: Any, rstd: Any) -> Any:
    """Gradients of x, weight and bias."""
    hat = (x - mean) * rstd
    scaled = grad * weight
    first = (scaled - (hat * row_mean(scaled * hat) + row_mean(scaled))) * rstd
    return first, column_sum(grad * hat), column_sum(grad)
