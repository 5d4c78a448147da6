"""Adaptive pooling: the number of windows is given, and their sizes follow from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors
from .._core.dtypes import FLOATING
from .._core.tensor_base import TensorBase
from .._record.general import General, general
from ..kernels import bulk as kernels
from .pool_arrays import Grid, Line, Ragged, Windows, part, resized, spread_sums, window_sums
from .pool_max import MaxPool, MaxPoolBackward, pooled
from .pool_sizes import check_dims
from .sizes import sizes_of

if TYPE_CHECKING:
    from .._tensor import Tensor


def bounds(size: int, out: int) -> tuple[Any, Any]:
    """Where windows start and stop: at the fractions i/out and (i+1)/out of the input, rounded outward."""
    places = np.arange(out)
    return places * size // max(out, 1), -(-(places + 1) * size // max(out, 1))


def even_line(size: int, out: int) -> Line | None:
    """The windows as a regular grid, when ``out`` divides ``size``."""
    if out == 0 or size % out != 0:
        return None
    return Line(size, size // out, size // out, 0, 1, out)


def even_lines(shape: tuple[int, ...], out: tuple[int, ...]) -> list[Line] | None:
    """Regular grids along all last dimensions; None where one is ragged."""
    lines = [even_line(size, n) for size, n in zip(shape[len(shape) - len(out) :], out, strict=True)]
    found = [line for line in lines if line is not None]
    return found if len(found) == len(lines) else None


def along(line: Line, dim: int, dims: int) -> list[Line]:
    """Windows along one of ``dims`` dimensions; along the others every element is one."""
    each = Line(1, 1, 1, 0, 1, 1)
    return [each] * dim + [line] + [each] * (dims - 1 - dim)


def ragged_means(x: Any, out: tuple[int, ...]) -> Any:
    """Mean of each window, one dimension after the other."""
    if x.dtype == np.float16:
        return ragged_means(x.astype(np.float32), out).astype(x.dtype)
    dims = len(out)
    lines = even_lines(x.shape, out)
    if lines is not None and kernels.handles(x):
        return kernels.avg_pool(x, lines, False, 0)
    if kernels.handles(x) and min(out) > 0:
        return kernels.mean_parts(x, out)
    for dim, n in enumerate(out):
        size = x.shape[dim - dims]
        line = even_line(size, n)
        if line is not None:
            x = window_sums(x, along(line, dim, dims)) / x.dtype.type(line.kernel)
            continue
        total = np.empty(resized(x.shape, dim - dims, n), x.dtype)
        starts, stops = bounds(size, n)
        for i in range(n):
            window = x[part(dim, dims, slice(starts[i], stops[i]))]
            np.mean(window, axis=dim - dims, out=total[part(dim, dims, slice(i, i + 1))].squeeze(dim - dims))
        x = total
    return x


def ragged_spread(grad: Any, shape: tuple[int, ...], dims: int) -> Any:
    """The adjoint of ``ragged_means`` for an input of this shape."""
    if grad.dtype == np.float16:
        return ragged_spread(grad.astype(np.float32), shape, dims).astype(grad.dtype)
    lines = even_lines(shape, grad.shape[grad.ndim - dims :])
    if lines is not None and min(shape) > 0 and kernels.handles(grad):
        return kernels.avg_pool_gradient(grad, shape, lines, False, 0)
    if min(shape) > 0 and kernels.handles(grad):
        return kernels.mean_parts_gradient(grad, shape, dims)
    for dim in range(dims - 1, -1, -1):
        size, n = shape[dim - dims], grad.shape[dim - dims]
        line = even_line(size, n)
        if line is not None:
            grad = spread_sums(grad / grad.dtype.type(line.kernel), along(line, dim, dims))
            continue
        total = np.zeros(resized(grad.shape, dim - dims, size), grad.dtype)
        starts, stops = bounds(size, n)
        for i in range(n):
            share = grad[part(dim, dims, slice(i, i + 1))] / grad.dtype.type(stops[i] - starts[i])
            total[part(dim, dims, slice(starts[i], stops[i]))] += share
        grad = total
    return grad


class AdaptiveAvgPool(General):
    """Base of the nodes of means of a given number of windows.  Each element gets its shares of the gradients."""

    def __init__(self, out: tuple[int, ...]) -> None:
        self.out: tuple[int, ...] = out

    def adjoint(self, shape: tuple[int, ...]) -> General:
        """The operator of the gradient of an input of this shape."""
        raise NotImplementedError

    def forward(self, arrays: list[Any]) -> Any:
        return ragged_means(arrays[0], self.out)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [general(self.adjoint(self.tensor("self").shp), [grad])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        return [None if tangent is None else general(type(self)(self.out), [tangent])]

    def saves(self) -> list[str]:
        return ["self"]


class AdaptiveAvgPoolBackward(General):
    """Base of the operators that share out the gradients of means."""

    def __init__(self, shape: tuple[int, ...], out: tuple[int, ...]) -> None:
        self.shape: tuple[int, ...] = shape
        self.out: tuple[int, ...] = out

    def original(self) -> General:
        """The pooling whose gradient this is."""
        raise NotImplementedError

    def input_names(self) -> list[str]:
        return ["grad_output"]

    def forward(self, arrays: list[Any]) -> Any:
        return ragged_spread(arrays[0], self.shape, len(self.out))

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [general(self.original(), [grad])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        return [None if tangent is None else general(type(self)(self.shape, self.out), [tangent])]


class AdaptiveAvgPool2DBackward0(AdaptiveAvgPool):
    """Adaptive average pooling over height and width."""

    def adjoint(self, shape: tuple[int, ...]) -> General:
        return AdaptiveAvgPool2DBackwardBackward0(shape, self.out)


class AdaptiveAvgPool2DBackwardBackward0(AdaptiveAvgPoolBackward):
    """Gradient of adaptive average pooling over height and width."""

    def original(self) -> General:
        return AdaptiveAvgPool2DBackward0(self.out)


class AdaptiveAvgPool3DBackward0(AdaptiveAvgPool):
    """Adaptive average pooling over depth, height and width."""

    def adjoint(self, shape: tuple[int, ...]) -> General:
        return AdaptiveAvgPool3DBackwardBackward0(shape, self.out)


class AdaptiveAvgPool3DBackwardBackward0(AdaptiveAvgPoolBackward):
    """Gradient of adaptive average pooling over depth, height and width."""

    def original(self) -> General:
        return AdaptiveAvgPool3DBackward0(self.out)


class AdaptiveMaxPool(MaxPool):
    """Base of the nodes of maxima of a given number of windows."""

    def __init__(self, out: tuple[int, ...]) -> None:
        self.out: tuple[int, ...] = out

    def windows(self, x: Any) -> Windows:
        sizes = x.shape[x.ndim - len(self.out) :]
        lines = [even_line(size, n) for size, n in zip(sizes, self.out, strict=True)]
        regular = [line for line in lines if line is not None]
        if len(regular) == len(lines):
            return Grid(x, regular)
        return Ragged(x, [bounds(size, n) for size, n in zip(sizes, self.out, strict=True)])


class AdaptiveMaxPool2DBackward0(AdaptiveMaxPool):
    """Adaptive max pooling over height and width."""

    dims: int = 2

    def adjoint(self, shape: tuple[int, ...]) -> General:
        return AdaptiveMaxPool2DBackwardBackward0(shape)


class AdaptiveMaxPool2DBackwardBackward0(MaxPoolBackward):
    """Gradient of adaptive max pooling over height and width."""

    dims: int = 2


class AdaptiveMaxPool3DBackward0(AdaptiveMaxPool):
    """Adaptive max pooling over depth, height and width."""

    dims: int = 3

    def adjoint(self, shape: tuple[int, ...]) -> General:
        return AdaptiveMaxPool3DBackwardBackward0(shape)


class AdaptiveMaxPool3DBackwardBackward0(MaxPoolBackward):
    """Gradient of adaptive max pooling over depth, height and width."""

    dims: int = 3


def target_sizes(output_size: Any, x: TensorBase, dims: int, function: str) -> tuple[int, ...]:
    """The number of windows per dimension; None stands for the size of the input.

    Raises:
        TypeError: for what is neither an integer nor a list.
        RuntimeError: for a list of another length.
    """
    if output_size is None or isinstance(output_size, float):
        raise TypeError(f"object of type '{type(output_size).__name__}' has no len()")
    items = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * dims
    if len(items) != dims:
        if dims == 1:
            raise RuntimeError(f"{function}() argument 'output_size' should contain one int (got {len(items)})")
        shown = f"{function}(): internal error: output_size.size()" if "max" in function else f"{function}: output_size"
        raise RuntimeError(f"{shown} must be {dims}")
    own = x.shp[len(x.shp) - dims :] if len(x.shp) >= dims else items
    return sizes_of(tuple([own[i] if n is None else n for i, n in enumerate(items)]), None, function, "output_size")


def check_adaptive(x: TensorBase, out: tuple[int, ...], maximum: bool) -> None:
    """Refuse inputs that are neither single nor batched, are empty, or not floating."""
    dims = len(out)
    name = f"adaptive_{'max' if maximum else 'avg'}_pool{dims}d"
    shape = x.shp
    if len(shape) not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor, but got{':' if maximum else ''} {errors.shape_text(shape)}"
        )
    for i in range(len(shape) - dims, len(shape)):
        if shape[i] == 0:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
                f"{errors.shape_text(shape)} with dimension {i} being empty"
            )
    if min(out) < 0 and maximum:
        whole = errors.shape_text([*shape[: len(shape) - dims], *out])
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(out)}: {whole}")
    if min(out) < 0:
        raise RuntimeError(
            f"{name}: elements of output_size must be greater than or equal to 0 but received "
            f"{{{', '.join([str(n) for n in out])}}}"
        )
    if x.dt.category != FLOATING and (maximum or set(out) != {1}):
        raise errors.not_implemented("adaptive_avg_pool3d_cpu" if dims == 3 and not maximum else name, x.dt)


def adaptive_average(x: Tensor, out: tuple[int, ...]) -> Tensor:
    """Adaptive average pooling with checks; one window is a mean."""
    check_adaptive(x, out, False)
    if set(out) == {1}:
        return x.mean(tuple(range(-1, -len(out) - 1, -1)), keepdim=True)
    return general(AdaptiveAvgPool2DBackward0(out) if len(out) == 2 else AdaptiveAvgPool3DBackward0(out), [x])


def adaptive_avg_pool1d(self: Tensor, output_size: Any) -> Tensor:
    """The means of ``output_size`` windows that divide the last dimension.

    Args:
        self: (samples, channels, length), or without samples.

    Variants: function nn
    """
    check_dims(self, "adaptive_avg_pool1d")
    out = target_sizes(output_size, self, 1, "adaptive_avg_pool1d")
    return adaptive_average(self.unsqueeze(-2), (1, *out)).squeeze(-2)


def adaptive_avg_pool2d(self: Tensor, output_size: Any) -> Tensor:
    """The means of windows that divide the last 2 dimensions.

    Args:
        self: (samples, channels, height, width), or without samples.
        output_size: number of windows, one number or (height, width); None keeps the size of the input. Window i goes from
            floor(i * size / number) to before ceil((i + 1) * size / number).

    Gradient:
        of each element the shares of its windows, added up.

    Raises:
        RuntimeError: for inputs of other shapes.

    Variants: nn
    """
    return adaptive_average(self, target_sizes(output_size, self, 2, "adaptive_avg_pool2d"))


def adaptive_avg_pool3d(self: Tensor, output_size: Any) -> Tensor:
    """The means of windows that divide the last 3 dimensions, as ``adaptive_avg_pool2d``.

    Args:
        self: (samples, channels, depth, height, width), or without samples.

    Variants: nn
    """
    return adaptive_average(self, target_sizes(output_size, self, 3, "adaptive_avg_pool3d"))


def adaptive_maximum(x: Tensor, out: tuple[int, ...], with_indices: bool) -> Any:
    """Adaptive max pooling over two or three dimensions with checks; values, or values and positions."""
    check_adaptive(x, out, True)
    node = AdaptiveMaxPool2DBackward0(out) if len(out) == 2 else AdaptiveMaxPool3DBackward0(out)
    found = pooled(node, x, with_indices)
    return (found[0], found[1]) if with_indices else found[0]


def adaptive_max_line(x: Tensor, output_size: Any, with_indices: bool) -> Any:
    """Adaptive max pooling along one dimension, as that of images one element high; values, or values and positions."""
    check_dims(x, "adaptive_max_pool1d")
    out = target_sizes(output_size, x, 1, "adaptive_max_pool1d")
    if x.shp[-1] == 0:
        check_adaptive(x, out, True)
    found = adaptive_maximum(x.unsqueeze(-2), (1, *out), with_indices)
    return (found[0].squeeze(-2), found[1].squeeze(-2)) if with_indices else found.squeeze(-2)


def adaptive_max_pool1d(self: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of ``output_size`` windows that divide the last dimension; with ``return_indices`` also their positions.

    Args:
        self: (samples, channels, length), or without samples.

    Variants: nn
    """
    return adaptive_max_line(self, output_size, return_indices)


def plain_adaptive_max_pool1d(self: Tensor, output_size: Any) -> tuple[Tensor, Tensor]:
    """The maxima of ``output_size`` windows that divide the last dimension, and their positions.

    Variants: function
    Name: adaptive_max_pool1d
    """
    both: tuple[Tensor, Tensor] = adaptive_max_line(self, output_size, True)
    return both


def adaptive_max_pool2d(self: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of windows that divide the last 2 dimensions; windows as for ``adaptive_avg_pool2d``.

    Args:
        self: (samples, channels, height, width), or without samples.
        output_size: number of windows, one number or (height, width); None keeps the size of the input.
        return_indices: return the positions too, int64, counted through height and width.

    Gradient:
        all of grad to the position of the maximum: the first of equal ones, the last NaN.

    Variants: nn
    """
    return adaptive_maximum(self, target_sizes(output_size, self, 2, "adaptive_max_pool2d"), return_indices)


def adaptive_max_pool3d(self: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of windows that divide the last 3 dimensions, as ``adaptive_max_pool2d``.

    Args:
        self: (samples, channels, depth, height, width), or without samples.

    Variants: nn
    """
    return adaptive_maximum(self, target_sizes(output_size, self, 3, "adaptive_max_pool3d"), return_indices)


def adaptive_max_pool1d_with_indices(
    self: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """``adaptive_max_pool1d`` with the positions of the maxima; ``return_indices`` makes no difference.

    Variants: nn
    """
    both: tuple[Tensor, Tensor] = adaptive_max_line(self, output_size, True)
    return both


def adaptive_max_pool2d_with_indices(
    self: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """``adaptive_max_pool2d`` with the positions of the maxima; ``return_indices`` makes no difference.

    Variants: nn
    """
    both: tuple[Tensor, Tensor] = adaptive_maximum(
        self, target_sizes(output_size, self, 2, "adaptive_max_pool2d"), True
    )
    return both


def adaptive_max_pool3d_with_indices(
    self: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """``adaptive_max_pool3d`` with the positions of the maxima; ``return_indices`` makes no difference.

    Variants: nn
    """
    both: tuple[Tensor, Tensor] = adaptive_maximum(
        self, target_sizes(output_size, self, 3, "adaptive_max_pool3d"), True
    )
    return both
