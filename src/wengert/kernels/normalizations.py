"""The formulas of normalisation over rows and channels, values and fused derivatives, written as those of formulas.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from .formula import elementwise, rowwise
from .tracing import column_sum, row_mean, row_sum


@elementwise
def affine(x: Any, mean: Any, factor: Any, bias: Any) -> Any:
    """Shifted and scaled."""
    return (x - mean) * factor + bias


@elementwise
def affine_exactly(x: Any, mean: Any, rest: Any, rstd: Any, weight: Any, bias: Any) -> Any:
    """The same with a mean in two parts, the second of which rounding would lose."""
    return ((x - mean) - rest) * rstd * weight + bias


@rowwise
def affine_rows(x: Any, mean: Any, rest: Any, rstd: Any, weight: Any, bias: Any) -> Any:
    """The same for rows that have one number each of all but the first."""
    return ((x - mean) - rest) * rstd * weight + bias


@rowwise
def normalize(x: Any, weight: Any, bias: Any, eps: Any) -> Any:
    """Rows with mean 0 and variance 1, scaled and shifted; mean; variance; reciprocal standard deviation."""
    mean = row_mean(x)
    rough = x - mean
    rest = row_mean(rough)  # what rounding left of a mean that is large beside the deviation
    centred = rough - rest
    var = row_mean(centred * centred)
    rstd = 1 / np.sqrt(var + eps)
    return centred * rstd * weight + bias, mean + rest, var, rstd


@rowwise
def rms_normalize(x: Any, weight: Any, eps: Any) -> Any:
    """Rows divided by their root mean square, and scaled."""
    return x * (1 / np.sqrt(row_mean(x * x) + eps)) * weight


@rowwise
def normalize_slope(grad: Any, x: Any, weight: Any, mean: Any, rstd: Any) -> Any:
    """Gradient of x."""
    hat = (x - mean) * rstd
    scaled = grad * weight
    return (scaled - (hat * row_mean(scaled * hat) + row_mean(scaled))) * rstd


@rowwise
def normalize_slopes(grad: Any, x: Any, weight: Any, mean: Any, rstd: Any) -> Any:
    """Gradients of x, and of weight and bias that vary along the row."""
    hat = (x - mean) * rstd
    scaled = grad * weight
    first = (scaled - (hat * row_mean(scaled * hat) + row_mean(scaled))) * rstd
    return first, column_sum(grad * hat), column_sum(grad)


@elementwise
def normalize_slope_given(grad: Any, x: Any, mean: Any, scale: Any, along: Any, level: Any) -> Any:
    """Gradient of a normalisation: scale grad, less its part ``along`` the standardised values, less its ``level``."""
    return grad * scale - (x - mean) * along - level


@rowwise
def normalize_slope_rows(grad: Any, x: Any, mean: Any, scale: Any, along: Any, level: Any) -> Any:
    """The same for rows that have one number each of all but the first two."""
    return normalize_slope_given(grad, x, mean, scale, along, level)


@rowwise
def weight_slopes(grad: Any, x: Any, mean: Any, rstd: Any) -> Any:
    """Gradients of weight and bias that belong to a row."""
    return row_sum(grad * ((x - mean) * rstd)), row_sum(grad)
