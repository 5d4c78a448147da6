"""The normalisations of arrays of one dtype, single or double, by kernels: one pass over the rows that the groups form."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernels import array_sum, arrays, bulk, formulas, normalizations
from .normalize_parts import Frame


def has_kernel(x: Any, *others: Any) -> bool:
    """Whether all arrays that are given have one dtype with kernels."""
    return x.dtype.char in "fd" and x.size > 0 and all(a is None or a.dtype == x.dtype for a in others)


def order_of(frame: Frame, columns: tuple[int, ...]) -> list[int]:
    """The dimensions of the frame with ``columns`` last."""
    return [i for i in range(len(frame.work)) if i not in columns] + list(columns)


def turned(order: list[int], array: Any, shape: tuple[int, ...], missing: float) -> Any:
    """An operand seen in the frame with its dimensions in this order; a number where it is None."""
    return missing if array is None else np.reshape(array, shape).transpose(order)


def turned_back(order: list[int], array: Any) -> Any:
    """A result with the dimensions of the frame in their own order."""
    back = [0] * len(order)
    for place, dim in enumerate(order):
        back[dim] = place
    return array.transpose(back)


def is_table(frame: Frame) -> bool:
    """Whether the groups are the columns of a table: rows of a kernel would lie across memory."""
    return frame.axes == (0, 2) and frame.work[2] == 1


def normalized(frame: Frame, x: Any, weight: Any, bias: Any) -> tuple[Any, Any, Any, Any]:
    """Result, means, variances and scales of the groups of ``x``, which has the shape of the frame."""
    if frame.axes == (1,) and bulk.normalizes(x):
        return bulk.normalized_rows(x, weight, bias, frame.eps)
    if frame.axes == (0, 2):
        return normalized_channels(frame, x, weight, bias)
    if frame.axes == (2, 3) and bulk.normalizes_groups(frame.work, x):
        return bulk.normalized_groups(frame.work, x, weight, bias, frame.eps)
    order = order_of(frame, frame.axes)
    w = turned(order, weight, frame.weights, 1.0)
    b = turned(order, bias, frame.weights, 0.0)
    y, mean, var, rstd = normalizations.normalize(len(frame.axes), x.transpose(order), w, b, frame.eps)
    return turned_back(order, y), turned_back(order, mean), turned_back(order, var), turned_back(order, rstd)


def normalized_channels(frame: Frame, x: Any, weight: Any, bias: Any) -> tuple[Any, Any, Any, Any]:
    """``normalized`` for groups that are channels: their sums first."""
    samples, channels, size = frame.work
    n = x.dtype.type(samples * size)
    w, b = parameters_of(frame, weight, bias)
    if is_table(frame) and bulk.handles(x):
        mean, rest, var = (part.reshape(frame.stats) for part in bulk.column_moments(x.reshape(samples, channels)))
        rstd = 1 / np.sqrt(var + x.dtype.type(frame.eps))
        return normalizations.affine_exactly(x, mean, rest, rstd, w, b), mean, var, rstd
    mean = array_sum(x, (0, 2), True) / n
    if is_table(frame):
        sums = formulas.distances_below(1, x.reshape(samples, channels), mean.reshape(1, channels))
    else:
        sums = [array_sum(part, 0, True) for part in formulas.distances(1, x, mean)]
    rest, squares = (part.reshape(frame.stats) / n for part in sums)
    var = squares - rest * rest
    rstd = 1 / np.sqrt(var + x.dtype.type(frame.eps))
    parts = (x, mean, rest, rstd, w, b)
    y = normalizations.affine_exactly(*parts) if is_table(frame) else normalizations.affine_rows(1, *parts)
    return y, mean, var, rstd


def parameters_of(frame: Frame, weight: Any, bias: Any) -> tuple[Any, Any]:
    """Weight and bias in the frame; the numbers that change nothing where they are None."""
    w = 1.0 if weight is None else np.reshape(weight, frame.weights)
    return w, 0.0 if bias is None else np.reshape(bias, frame.weights)


def standardized_by(frame: Frame, x: Any, mean: Any, scale: Any, weight: Any, bias: Any) -> Any:
    """The same with given means and scales."""
    w, b = parameters_of(frame, weight, bias)
    return normalizations.affine(x, np.reshape(mean, frame.stats), np.reshape(scale, frame.stats) * w, b)


def fused_gradients(
    frame: Frame, grad: Any, x: Any, weight: Any, mean: Any, scale: Any, wanted: list[bool]
) -> list[Any]:
    """Gradients of input, weight and bias; None where not wanted."""
    shape = frame.work
    grad, x = grad.reshape(shape), x.reshape(shape)
    mean, scale = np.reshape(mean, frame.stats), np.reshape(scale, frame.stats)
    found: list[Any] = [None, None, None]
    result: Any
    parameters = wanted[1] or wanted[2]
    if frame.fixed:
        factor = scale if weight is None else np.reshape(weight, frame.weights) * scale
        found[0] = arrays.multiply(grad, factor) if wanted[0] else None
    elif wanted[0] and frame.axes == (0, 2):
        return channel_gradients(frame, grad, x, weight, mean, scale, wanted)
    elif wanted[0] and frame.axes == (1,) and bulk.normalizes(x):
        result = bulk.normalized_rows_gradients(grad, x, weight, mean, scale, parameters)
        return [part if want else None for part, want in zip(result, wanted)]
    elif wanted[0] and frame.axes == (2, 3) and bulk.normalizes_groups(shape, x):
        first, *shares = bulk.normalized_groups_gradients(shape, grad, x, weight, mean, scale)
        return [
            first if wanted[0] else None,
            *[array_sum(s, 0, True) if w else None for s, w in zip(shares, wanted[1:])],
        ]
    elif wanted[0]:
        order = order_of(frame, frame.axes)
        operands = [turned(order, a, s, 1.0) for a, s in zip((grad, x, weight, mean, scale), shapes(frame))]
        along_rows = set(frame.summed).isdisjoint(frame.axes)  # what a weight belongs to lies in all rows
        kernel = normalizations.normalize_slopes if parameters and along_rows else normalizations.normalize_slope
        result = kernel(len(frame.axes), *operands)
        if isinstance(result, tuple):
            return [turned_back(order, part) if want else None for part, want in zip(result, wanted)]
        found[0] = turned_back(order, result)
    if parameters:
        found[1], found[2] = parameter_gradients(frame, grad, x, mean, scale)
    return [part if want else None for part, want in zip(found, wanted)]


def channel_gradients(
    frame: Frame, grad: Any, x: Any, weight: Any, mean: Any, scale: Any, wanted: list[bool]
) -> list[Any]:
    """``fused_gradients`` for groups that are channels: their sums first."""
    samples, channels, size = frame.work
    factor = scale if weight is None else scale * np.reshape(weight, frame.weights)
    share = factor / x.dtype.type(samples * size)
    if is_table(frame):
        along, level = formulas.products_below(1, *[a.reshape(-1, channels) for a in (grad, x, mean, scale)])
        along, level = along.reshape(frame.stats), level.reshape(frame.stats)
        first = normalizations.normalize_slope_given(grad, x, mean, factor, share * scale * along, share * level)
    else:
        sums = normalizations.weight_slopes(1, grad, x, mean, scale)
        along, level = (array_sum(part, 0, True) for part in sums)
        first = normalizations.normalize_slope_rows(1, grad, x, mean, factor, share * scale * along, share * level)
    return [part if want else None for part, want in zip((first, along, level), wanted)]


def shapes(frame: Frame) -> tuple[tuple[int, ...], ...]:
    """Shapes of grad, x, weight, mean and scale in the frame."""
    return frame.work, frame.work, frame.weights, frame.stats, frame.stats


def parameter_gradients(frame: Frame, grad: Any, x: Any, mean: Any, scale: Any) -> tuple[Any, Any]:
    """Gradients of weight and bias: sums over all that share one, first within the rows of a kernel, then over these."""
    columns = tuple([i for i in frame.summed if i in frame.axes]) or frame.summed
    order = order_of(frame, columns)
    operands = [turned(order, a, a.shape, 1.0) for a in (grad, x, mean, scale)]
    sums = normalizations.weight_slopes(len(columns), *operands)
    rest = tuple([i for i in frame.summed if i not in columns])
    first, second = (turned_back(order, part) for part in sums)
    if len(rest) > 0:
        first, second = array_sum(first, rest, False), array_sum(second, rest, False)
    return first, second
