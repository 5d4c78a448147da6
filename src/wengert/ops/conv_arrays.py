"""Convolution of arrays with any number of spatial dimensions: value, and gradients of input and weight.

The value at a place is the product of the weight with a window of the input, so a block of windows, laid side by side as
columns, turns the convolution into one matrix product (Chellapilla et al. 2006). Only a block of columns exists at a time.

Note [Wide columns]
    With stride 1, the elements that one tap of the kernel meets at successive places lie side by side in memory, but for the
    end of each row, where a few belong to no window. Columns that take these in too are copied at the speed of memory, one run
    per channel and tap; forward the places too many are dropped from the product, backward the gradient is zero there. Zero
    times infinity is NaN, so backward infinite operands take exact columns.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import product
from typing import Any, Final

import numpy as np

from ..kernels import bulk as kernels
from .sizes import count

# np.lib.stride_tricks.as_strided(...) takes 5 us, ndarray(shape, dtype, contiguous array, offset, strides) half a us.
_ndarray: Final[Any] = np.ndarray

# Columns at a time: enough for the matrix product to run at full speed, few enough to stay in the cache until then. With
# 4096 a convolution of 64 x 1 x 28 x 28 takes 0.4 ms, with all columns at once 0.7.
PLACES: Final = 4096
# Bytes that they may take.
BLOCK: Final = 1 << 22
# One sample may take this much before its rows are cut into blocks too.
LARGEST: Final = 1 << 21
# Wide columns are made while they are at most this much longer than exact ones.
WASTE: Final = 1.6


class Sweep:
    """How windows of a kernel lie over a frame, the input with its padding.

    Attributes:
        size: of the input, ``kernel``, ``out`` (number of windows), ``stride``, ``padding`` before the input and
            ``dilation``: one number per spatial dimension.
        groups: number of groups of channels.
        numbers: the sizes in the kernels' order.
        touched: extent of the frame that some window touches.
    """

    def __init__(
        self,
        size: tuple[int, ...],
        kernel: tuple[int, ...],
        out: tuple[int, ...],
        stride: tuple[int, ...],
        padding: tuple[int, ...],
        dilation: tuple[int, ...],
        groups: int,
    ) -> None:
        self.size: tuple[int, ...] = size
        self.kernel: tuple[int, ...] = kernel
        self.out: tuple[int, ...] = out
        self.stride: tuple[int, ...] = stride
        self.padding: tuple[int, ...] = padding
        self.dilation: tuple[int, ...] = dilation
        self.groups: int = groups
        self.numbers: list[int] = kernels.window_numbers(size, out, kernel, stride, padding, dilation)
        self.touched: tuple[int, ...] = tuple(
            [(o - 1) * s + (k - 1) * d + 1 for o, s, k, d in zip(out, stride, kernel, dilation, strict=True)]
        )
        self.plain: bool = all(p == 0 for p in padding)
        steps = row_steps(self.touched)
        span = sum([(o - 1) * step for o, step in zip(out, steps, strict=True)]) + 1
        self.wide: bool = all(s == 1 for s in stride) and span <= WASTE * count(out)

    def pointwise(self) -> bool:
        """Whether each window is one element, and every element a window."""
        return count(self.kernel) == 1 and self.plain and self.out == self.size and all(s == 1 for s in self.stride)

    def fits(self) -> bool:
        """Whether the windows lie within the input; wide columns also need every row to end with a window."""
        if self.wide:
            return self.touched == self.size
        return all(t <= n for t, n in zip(self.touched, self.size, strict=True))

    def inner(self) -> tuple[Any, Any]:
        """The part of a frame that is input, and the part of the input that is in the frame."""
        ends = [min(t, p + n) for t, p, n in zip(self.touched, self.padding, self.size, strict=True)]
        frame = tuple([slice(p, e) for p, e in zip(self.padding, ends, strict=True)])
        given = tuple([slice(0, max(e - p, 0)) for p, e in zip(self.padding, ends, strict=True)])
        return (slice(None), slice(None), *frame), (slice(None), slice(None), *given)

    def turned(self) -> Sweep | None:
        """The windows over the output whose convolution is the input gradient; None unless all strides are 1."""
        reach = [(k - 1) * d for k, d in zip(self.kernel, self.dilation, strict=True)]
        before = tuple([r - p for r, p in zip(reach, self.padding, strict=True)])
        if min(before) < 0 or not all(s == 1 for s in self.stride):
            return None
        return Sweep(self.out, self.kernel, self.size, self.stride, before, self.dilation, self.groups)

    def frame(self, x: Any) -> Any:
        """The padded input; the input itself where nothing has to be added."""
        if self.plain and x.flags.c_contiguous and self.fits():
            return x
        frame = np.zeros((*x.shape[:2], *self.touched), x.dtype)
        inner, given = self.inner()
        frame[inner] = x[given]
        return frame


#: ``Sweep(...)``, the same object each time: programs have few of them, and call each many times.
sweep_of: Final[Callable[..., Sweep]] = functools.lru_cache(256)(Sweep)


def row_steps(shape: tuple[int, ...]) -> list[int]:
    """Distance of neighbours along each dimension of a contiguous array, in elements."""
    steps = [1] * len(shape)
    for i in range(len(shape) - 2, -1, -1):
        steps[i] = steps[i + 1] * shape[i + 1]
    return steps


class Block:
    """Columns of some samples and rows: views of a frame, and matrices that match them."""

    def __init__(self, sweep: Sweep, frame: Any, start: int, rows: int, wide: bool) -> None:
        self.frame: Any = frame
        self.start: int = start * sweep.stride[0]
        self.sweep: Sweep = sweep
        self.wide: bool = wide
        self.out: tuple[int, ...] = (rows, *sweep.out[1:])
        self.samples: int = frame.shape[0]
        self.steps: tuple[int, ...] = frame.strides[2:]
        item = frame.itemsize
        self.span: int = (
            sum([(o - 1) * step for o, step in zip(self.out, self.steps, strict=True)]) // item + 1
            if wide
            else count(self.out)
        )

    def columns(self) -> Any:
        """Matrices (groups, channels * taps, samples * places)."""
        sweep, frame = self.sweep, self.frame
        groups = sweep.groups
        channels = frame.shape[1] // groups
        taps = [d * step for d, step in zip(sweep.dilation, self.steps, strict=True)]
        places = [s * step for s, step in zip(sweep.stride, self.steps, strict=True)]
        lead = (channels * frame.strides[1], frame.strides[1], *taps, frame.strides[0])
        offset = self.start * self.steps[0]
        if self.wide:
            shape = (groups, channels, *sweep.kernel, self.samples, self.span)
            view = _ndarray(shape, frame.dtype, frame, offset, (*lead, frame.itemsize))
        else:
            shape = (groups, channels, *sweep.kernel, self.samples, *self.out)
            view = _ndarray(shape, frame.dtype, frame, offset, (*lead, *places))
        return np.ascontiguousarray(view).reshape(groups, channels * count(sweep.kernel), self.samples * self.span)

    def places(self, matrix: Any) -> Any:
        """A matrix (groups, channels, samples * places) as (samples, groups, channels, *out)."""
        groups, channels = matrix.shape[:2]
        if not self.wide:
            return matrix.reshape(groups, channels, self.samples, *self.out).transpose(self.order())
        item = matrix.itemsize
        scale = [step // self.frame.itemsize * item for step in self.steps]
        strides = (matrix.strides[0], matrix.strides[1], self.span * item, *scale)
        shape = (groups, channels, self.samples, *self.out)
        return _ndarray(shape, matrix.dtype, matrix, 0, strides).transpose(self.order())

    def order(self) -> tuple[int, ...]:
        """Axes that bring samples to the front."""
        return (2, 0, 1, *range(3, 3 + len(self.out)))

    def matrix(self, grad: Any) -> Any:
        """The gradient (samples, channels, *out) as matrices (groups, channels, samples * places)."""
        groups = self.sweep.groups
        channels = grad.shape[1] // groups
        shape = (groups, channels, self.samples * self.span)
        made = np.zeros(shape, grad.dtype) if self.wide else np.empty(shape, grad.dtype)
        self.places(made)[...] = grad.reshape(self.samples, groups, channels, *self.out)
        return made

    def add(self, columns: Any) -> None:
        """Add columns to the windows that they came from, tap by tap."""
        sweep = self.sweep
        frame = self.frame[:, :, self.start :] if self.start > 0 else self.frame
        groups = sweep.groups
        channels = frame.shape[1] // groups
        taps = count(sweep.kernel)
        parts = columns.reshape(groups, channels, taps, self.samples, self.span)
        whole = frame.reshape(self.samples, groups, channels, *frame.shape[2:])
        for k, tap in enumerate(product(*[range(n) for n in sweep.kernel])):
            part = parts[:, :, k]
            starts = [t * d for t, d in zip(tap, sweep.dilation, strict=True)]
            if self.wide:
                first = sum([a * step for a, step in zip(starts, self.steps, strict=True)]) // frame.itemsize
                flat = whole.reshape(self.samples, groups, channels, -1)
                flat[..., first : first + self.span] += part.transpose(2, 0, 1, 3)
            else:
                window = [
                    slice(a, a + (o - 1) * s + 1, s) for a, o, s in zip(starts, self.out, sweep.stride, strict=True)
                ]
                target = whole[(slice(None), slice(None), slice(None), *window)]
                target += part.reshape(groups, channels, self.samples, *self.out).transpose(self.order())


def cut(
    sweep: Sweep, samples: int, channels: int, itemsize: int
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Ranges of samples and ranges of rows whose columns make a block."""
    places = count(sweep.out)
    size = channels * count(sweep.kernel) * places * itemsize
    rows = sweep.out[0]
    if size > LARGEST:
        return ranges(samples, 1), ranges(rows, max(1, rows * LARGEST // size))
    each = max(1, min(BLOCK // max(size, 1), PLACES // max(places, 1)))
    return ranges(samples, each), ranges(rows, max(rows, 1))


def ranges(total: int, step: int) -> list[tuple[int, int]]:
    """``total`` places in runs of ``step``."""
    return [(start, min(start + step, total)) for start in range(0, total, step)]


def convolved(x: Any, weight: Any, bias: Any, sweep: Sweep) -> Any:
    """The convolution (samples, out channels, *out) of x (samples, channels, *size) with weight and bias (or None)."""
    if kernels.handles(x, weight) and count(sweep.out) > 0:
        return kernels.convolved(x, weight, bias, sweep)
    groups = sweep.groups
    weights = weight.reshape(groups, weight.shape[0] // groups, count(weight.shape[1:]))
    shifts = None if bias is None else bias.reshape(groups, weights.shape[1], *[1] * len(sweep.out))
    y = np.empty((x.shape[0], groups, weights.shape[1], *sweep.out), x.dtype)
    if sweep.pointwise() and x.flags.c_contiguous:
        places = count(sweep.out)
        flat = y.reshape(*y.shape[:3], places)
        np.matmul(weights, x.reshape(x.shape[0], groups, weights.shape[2], places), out=flat)
        if shifts is not None:
            y += shifts
        return y.reshape(x.shape[0], weight.shape[0], *sweep.out)
    samples, rows = cut(sweep, x.shape[0], x.shape[1], x.itemsize)
    for first, last in samples:
        frame = sweep.frame(x[first:last])
        for top, bottom in rows:
            block = Block(sweep, frame, top, bottom - top, sweep.wide)
            values = block.places(weights @ block.columns())
            if shifts is None:
                y[first:last, :, :, top:bottom] = values
            else:
                np.add(values, shifts, out=y[first:last, :, :, top:bottom])
    return y.reshape(x.shape[0], weight.shape[0], *sweep.out)


def input_gradient(grad: Any, weight: Any, channels: int, sweep: Sweep) -> Any:
    """Gradient of the input (samples, channels, *size): each place adds its gradient, times the weight, to its window."""
    finite = bool(np.isfinite(weight).all())
    if finite and kernels.handles(grad, weight) and channels * count(sweep.size) > 0:
        return kernels.input_gradient(grad, weight, channels, sweep)
    groups = sweep.groups
    weights = weight.reshape(groups, weight.shape[0] // groups, count(weight.shape[1:])).swapaxes(1, 2)
    if sweep.pointwise() and grad.flags.c_contiguous:
        flat = weights @ grad.reshape(grad.shape[0], groups, weights.shape[2], count(sweep.out))
        return flat.reshape(grad.shape[0], channels, *sweep.size)
    turned = sweep.turned()
    if turned is not None and finite and weight.shape[0] <= channels:
        return convolved(grad, flipped(weight, groups), None, turned)
    wide = sweep.wide and finite
    direct = sweep.plain and sweep.fits()
    out = np.zeros((grad.shape[0], channels, *sweep.size), grad.dtype)
    samples, rows = cut(sweep, grad.shape[0], channels, grad.itemsize)
    for first, last in samples:
        part = out[first:last]
        frame = part if direct else np.zeros((last - first, channels, *sweep.touched), grad.dtype)
        for top, bottom in rows:
            block = Block(sweep, frame, top, bottom - top, wide)
            block.add(weights @ block.matrix(grad[first:last, :, top:bottom]))
        if not direct:
            inner, given = sweep.inner()
            part[given] = frame[inner]
    return out


def flipped(weight: Any, groups: int) -> Any:
    """The weight with every kernel turned around, and the channels of input and output exchanged within each group."""
    outs, channels = weight.shape[0] // groups, weight.shape[1]
    parts = weight.reshape(groups, outs, channels, *weight.shape[2:]).swapaxes(1, 2)
    turned = parts[(slice(None), slice(None), slice(None), *[slice(None, None, -1)] * (weight.ndim - 2))]
    return turned.reshape(groups * channels, outs, *weight.shape[2:])


def weight_gradient(grad: Any, x: Any, sweep: Sweep) -> Any:
    """Gradient of the weight (out channels, channels of a group, *kernel): products of gradients and windows, added up."""
    by_kernel = kernels.handles(grad, x) and count(sweep.kernel) > 0
    wide = kernels.weight_gradient(grad, x, sweep) if by_kernel else weight_products(grad, x, sweep, sweep.wide)
    if (by_kernel or sweep.wide) and not np.isfinite(wide).all():
        return weight_products(grad, x, sweep, False)
    return wide


def weight_products(grad: Any, x: Any, sweep: Sweep, wide: bool) -> Any:
    """``weight_gradient`` from wide or exact columns."""
    groups = sweep.groups
    outs, channels = grad.shape[1] // groups, x.shape[1] // groups
    total = np.zeros((groups, channels * count(sweep.kernel), outs), grad.dtype)
    samples, rows = cut(sweep, x.shape[0], x.shape[1], x.itemsize)
    for first, last in samples:
        frame = sweep.frame(x[first:last])
        for top, bottom in rows:
            block = Block(sweep, frame, top, bottom - top, wide)
            total += block.columns() @ block.matrix(grad[first:last, :, top:bottom]).swapaxes(1, 2)
    return np.ascontiguousarray(total.swapaxes(1, 2)).reshape(groups * outs, channels, *sweep.kernel)
