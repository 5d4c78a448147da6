"""Fractional max pooling: windows of one size whose distances vary at random, so that any size of result is met.

Source: Graham 2014.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors
from .._core.dtypes import FLOATING
from .._core.tensor_base import TensorBase
from .._record.general import General
from .pool_arrays import Scattered, Windows
from .pool_max import MaxPool, MaxPoolBackward, pooled
from .random import default_generator
from .sizes import sizes_of

if TYPE_CHECKING:
    from .._tensor import Tensor


def line_starts(samples: Any, size: int, kernel: int, out: int) -> Any:
    """Where windows begin along a dimension, for each random number in [0, 1): shape (*samples.shape, out).

    Window i begins at floor((i + u) * a) - floor(u * a) with a = (size - kernel) / (out - 1), and the last one at the end.
    """
    number = samples.dtype.type
    last = np.full((*samples.shape, min(out, 1)), size - kernel, np.int64)
    if out <= 1:
        return last
    step = number(size - kernel) / number(out - 1)
    u = samples[..., None]
    places = ((np.arange(out - 1, dtype=samples.dtype) + u) * step).astype(np.int64) - (u * step).astype(np.int64)
    return np.concatenate([places, last], axis=-1)


class FractionalMaxPool(MaxPool):
    """Base of the nodes of maxima of windows at random distances."""

    def __init__(self, kernel: tuple[int, ...], out: tuple[int, ...], samples: Any) -> None:
        self.kernel: tuple[int, ...] = kernel
        self.out: tuple[int, ...] = out
        self.samples: Any = samples

    def windows(self, x: Any) -> Windows:
        dims = len(self.kernel)
        starts: Any = 0
        lead = x.shape[: x.ndim - dims]
        for i in range(dims):
            # with two dimensions the first random number is for the width, with three for the depth
            samples = self.samples[..., 1 - i if dims == 2 else i].reshape(lead)
            line = line_starts(samples, x.shape[i - dims], self.kernel[i], self.out[i])
            starts = np.expand_dims(starts, -1) * x.shape[i - dims] + line.reshape(*lead, *[1] * i, self.out[i])
        return Scattered(np.ascontiguousarray(x), starts, self.kernel)

    def parameters(self) -> dict[str, Any]:
        return {"kernel_size": self.kernel, "output_size": self.out}


class FractionalMaxPool2DBackward0(FractionalMaxPool):
    """Fractional max pooling over height and width."""

    dims: int = 2

    def adjoint(self, shape: tuple[int, ...]) -> General:
        return FractionalMaxPool2DBackwardBackward0(shape)


class FractionalMaxPool2DBackwardBackward0(MaxPoolBackward):
    """Gradient of fractional max pooling over height and width."""

    dims: int = 2


class FractionalMaxPool3DBackward0(FractionalMaxPool):
    """Fractional max pooling over depth, height and width."""

    dims: int = 3

    def adjoint(self, shape: tuple[int, ...]) -> General:
        return FractionalMaxPool3DBackwardBackward0(shape)


class FractionalMaxPool3DBackwardBackward0(MaxPoolBackward):
    """Gradient of fractional max pooling over depth, height and width."""

    dims: int = 3


def numbers(value: Any, function: str, argument: str, dims: int) -> tuple[int, ...]:
    """One number per dimension, given as one for all or as a list."""
    items = tuple(value) if isinstance(value, (tuple, list)) else (value,) * dims
    if len(items) != dims:
        raise RuntimeError(f"{function}: {argument} must either be a single Int or tuple of Ints")
    return sizes_of(items, None, function, argument)


def targets(x: TensorBase, output_size: Any, output_ratio: Any, dims: int) -> tuple[int, ...]:
    """The size of the result, given as such or as a part of the size of the input."""
    name = f"fractional_max_pool{dims}d"
    if output_size is not None:
        return numbers(output_size, name, "output_size", dims)
    if output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    ratios = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * dims
    return tuple([int(n * r) for n, r in zip(x.shp[len(x.shp) - dims :], ratios, strict=True)])


def random_samples(x: TensorBase, given: Any, dims: int) -> Any:
    """Random numbers in [0, 1), ``dims`` for each sample and channel."""
    shape = (*(x.shp[:2] if len(x.shp) == dims + 2 else (1, x.shp[0])), dims)
    if given is None:
        if x.dt.category != FLOATING:
            raise errors.not_implemented("check_uniform_bounds", x.dt)
        return default_generator.uniform(shape, x.dt.np)
    if len(given.shp) != 3:
        raise RuntimeError(f"Expect _random_samples to have 3 dimensions, got {len(given.shp)}")
    for i in range(3):
        fits = given.shp[i] >= shape[i] if i == 0 else given.shp[i] == shape[i]
        if not fits:
            equal = "greater than or equal to" if i == 0 else "equals to"
            raise RuntimeError(f"Expect _random_samples.size({i}) {equal} {shape[i]}; got {given.shp[i]}.")
    return np.asarray(given.array)[: shape[0]]


def fractional(
    x: TensorBase, kernel_size: Any, output_size: Any, output_ratio: Any, with_indices: bool, samples: Any, dims: int
) -> Any:
    """Fractional max pooling with checks; values, or values and positions."""
    name = f"fractional_max_pool{dims}d"
    out = targets(x, output_size, output_ratio, dims)
    if len(x.shp) not in (dims + 1, dims + 2):
        if len(x.shp) <= dims:
            raise errors.dim_range(-dims - 1, len(x.shp))
        raise RuntimeError(f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor, but got: {errors.shape_text(x.shp)}")
    kernel = numbers(kernel_size, name, "kernel_size", dims)
    uniform = random_samples(x, samples, dims)
    shown = name if dims == 2 else f"{name}_out"
    for word, n, k, o in zip(("time", "height", "width")[3 - dims :], x.shp[-dims:], kernel, out, strict=True):
        if o + k - 1 > n - (dims - 2):
            raise RuntimeError(f"{shown}(): pool {word} {k} too large relative to input {word} {n}")
    node = FractionalMaxPool2DBackward0(kernel, out, uniform)
    found = pooled(node if dims == 2 else FractionalMaxPool3DBackward0(kernel, out, uniform), x, with_indices)
    return (found[0], found[1]) if with_indices else found[0]


def fractional_max_pool2d(
    self: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """The maxima of windows at random distances over the last 2 dimensions.

    Args:
        self: (samples, channels, height, width), or without samples.
        kernel_size: size of a window, one number or (height, width).
        output_size: number of windows; or
        output_ratio: this part of the size of the input.
        return_indices: return the positions too, int64, counted through the dimensions pooled over.

    Gradient:
        all of grad to the position of the maximum: the first of equal ones, the last NaN.

    Raises:
        ValueError: without size and ratio.
        RuntimeError: for inputs of other shapes, or windows that do not fit.

    Variants: nn
    """
    return fractional(self, kernel_size, output_size, output_ratio, return_indices, _random_samples, 2)


def fractional_max_pool2d_with_indices(
    self: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> tuple[Tensor, Tensor]:
    """``fractional_max_pool2d`` with the positions of the maxima; ``return_indices`` makes no difference.

    Variants: nn
    """
    both: tuple[Tensor, Tensor] = fractional(self, kernel_size, output_size, output_ratio, True, _random_samples, 2)
    return both


def fractional_max_pool3d(
    self: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """The maxima of windows at random distances over the last 3 dimensions.

    Args:
        self: (samples, channels, depth, height, width), or without samples.
        kernel_size: size of a window, one number or (depth, height, width).
        output_size: number of windows; or
        output_ratio: this part of the size of the input.
        return_indices: return the positions too, int64, counted through the dimensions pooled over.

    Variants: nn
    """
    return fractional(self, kernel_size, output_size, output_ratio, return_indices, _random_samples, 3)


def fractional_max_pool3d_with_indices(
    self: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> tuple[Tensor, Tensor]:
    """``fractional_max_pool3d`` with the positions of the maxima; ``return_indices`` makes no difference.

    Variants: nn
    """
    both: tuple[Tensor, Tensor] = fractional(self, kernel_size, output_size, output_ratio, True, _random_samples, 3)
    return both
