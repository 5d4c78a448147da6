"""Average pooling: the mean of each window; and the p-norm of each window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import BOOL, COMPLEX, INTEGER, int64
from .._core.tensor_base import TensorBase
from .._record.common import int_of
from .._record.general import General, general
from ..kernels import bulk as kernels
from .pool_arrays import Line, spread_sums, window_sums
from .pool_sizes import Pooling, check_dims, check_pooled, check_windows, named, read_pooling
from .sizes import count

if TYPE_CHECKING:
    from .._tensor import Tensor


BLOCK: Final = 1 << 16  # elements whose sums along one dimension stand in memory at once


class Averaging:
    """Windows, and what their sums are divided by: a number given, or the number of elements, of the padding or not."""

    def __init__(self, pooling: Pooling, count_include_pad: bool, divisor_override: Any) -> None:
        self.pooling: Pooling = pooling
        self.count_include_pad: bool = count_include_pad
        self.divisor_override: Any = divisor_override

    def divisor(self, lines: list[Line], dt: Any) -> Any:
        """What the sum of each window is divided by, one number where all are equal."""
        if self.divisor_override is not None:
            return dt.type(self.divisor_override)
        total: Any = 1
        for line in lines:
            total = np.multiply.outer(total, line.lengths(self.count_include_pad))
        first = total.reshape(-1)[0]
        return dt.type(first) if (total == first).all() else total.astype(dt)

    def means(self, x: Any) -> Any:
        """Mean of each window."""
        lines = self.pooling.lines(x.shape)
        if x.dtype == np.float16:
            return self.means(x.astype(np.float32)).astype(x.dtype)
        if kernels.handles(x) and all(line.out > 0 for line in lines):
            return kernels.avg_pool(x, lines, self.count_include_pad, self.divisor_override or 0)
        divisor = self.divisor(lines, x.dtype)
        dims = len(lines)
        pixels = count(x.shape[x.ndim - dims :])
        if x.size > BLOCK and x.ndim > dims and pixels < BLOCK and x.dtype.kind == "f":
            planes = x.reshape(-1, *x.shape[x.ndim - dims :])
            out = np.empty((len(planes), *[line.out for line in lines]), x.dtype)
            step = BLOCK // pixels
            for start in range(0, len(planes), step):
                part = slice(start, start + step)
                np.divide(window_sums(planes[part], lines), divisor, out=out[part])
            return out.reshape(*x.shape[: x.ndim - dims], *out.shape[1:])
        total = window_sums(x, lines)
        if x.dtype.kind in "iu":
            return np.trunc(total / divisor).astype(x.dtype)
        return np.divide(total, divisor, out=total if total is not x else None)

    def spread(self, grad: Any, shape: tuple[int, ...]) -> Any:
        """Gradient of an input of this shape."""
        if grad.dtype == np.float16:
            return self.spread(grad.astype(np.float32), shape).astype(grad.dtype)
        lines = self.pooling.lines(shape)
        if kernels.handles(grad) and min(shape) > 0:
            return kernels.avg_pool_gradient(grad, shape, lines, self.count_include_pad, self.divisor_override or 0)
        divisor = self.divisor(lines, grad.dtype)
        if grad.size <= BLOCK or grad.ndim == len(lines):
            return spread_sums(grad / divisor, lines)
        planes = grad.reshape(-1, *grad.shape[grad.ndim - len(lines) :])
        out = np.empty((len(planes), *shape[len(shape) - len(lines) :]), grad.dtype)
        step = max(1, BLOCK * len(planes) // grad.size)
        for start in range(0, len(planes), step):
            part = slice(start, start + step)
            out[part] = spread_sums(planes[part] / divisor, lines)
        return out.reshape(shape)

    def parameters(self) -> dict[str, Any]:
        """PyTorch's names, as nodes show them."""
        return {
            "ceil_mode": self.pooling.ceil_mode,
            "count_include_pad": self.count_include_pad,
            "divisor_override": self.divisor_override,
            "kernel_size": self.pooling.kernel,
            "padding": self.pooling.padding,
            "stride": self.pooling.stride,
        }


class AvgPool(General):
    """Base of the nodes of means of windows.  Each element gets its share of the gradients of its windows."""

    def __init__(self, rule: Averaging) -> None:
        self.rule: Averaging = rule

    def adjoint(self, shape: tuple[int, ...]) -> General:
        """The operator of the gradient of an input of this shape."""
        raise NotImplementedError

    def forward(self, arrays: list[Any]) -> Any:
        return self.rule.means(arrays[0])

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [general(self.adjoint(self.tensor("self").shp), [grad])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        return [None if tangent is None else general(type(self)(self.rule), [tangent])]

    def saves(self) -> list[str]:
        return ["self"]

    def parameters(self) -> dict[str, Any]:
        return self.rule.parameters()

    def saved_names(self) -> list[str]:
        names = ["ceil_mode", "count_include_pad", "divisor_override", "kernel_size", "padding", "stride"]
        return [*names, "self"]


class AvgPoolBackward(General):
    """Base of the operators that share out the gradients of means."""

    def __init__(self, rule: Averaging, shape: tuple[int, ...]) -> None:
        self.rule: Averaging = rule
        self.shape: tuple[int, ...] = shape

    def original(self) -> General:
        """The pooling whose gradient this is."""
        raise NotImplementedError

    def input_names(self) -> list[str]:
        return ["grad_output"]

    def forward(self, arrays: list[Any]) -> Any:
        return self.rule.spread(arrays[0], self.shape)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [general(self.original(), [grad])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        return [None if tangent is None else general(type(self)(self.rule, self.shape), [tangent])]

    def parameters(self) -> dict[str, Any]:
        return self.rule.parameters()


class AvgPool2DBackward0(AvgPool):
    """Average pooling over height and width."""

    def adjoint(self, shape: tuple[int, ...]) -> General:
        return AvgPool2DBackwardBackward0(self.rule, shape)


class AvgPool2DBackwardBackward0(AvgPoolBackward):
    """Gradient of average pooling over height and width."""

    def original(self) -> General:
        return AvgPool2DBackward0(self.rule)


class AvgPool3DBackward0(AvgPool):
    """Average pooling over depth, height and width."""

    def adjoint(self, shape: tuple[int, ...]) -> General:
        return AvgPool3DBackwardBackward0(self.rule, shape)


class AvgPool3DBackwardBackward0(AvgPoolBackward):
    """Gradient of average pooling over depth, height and width."""

    def original(self) -> General:
        return AvgPool3DBackward0(self.rule)


def averaged(x: TensorBase, pooling: Pooling, count_include_pad: bool, divisor_override: Any) -> Tensor:
    """Average pooling over two or three dimensions, with checks."""
    dims = pooling.dims()
    if dims == 2 and len(x.shp) < 3:
        raise errors.dim_range(-3, len(x.shp))
    if dims == 3 and len(x.shp) in (4, 5):
        check_windows(pooling)
        if any(n < k for n, k in zip(x.shp[-3:], pooling.kernel, strict=True)):
            raise RuntimeError(
                f"input image ({named('', tuple(x.shp[-3:]))}) smaller than kernel size ({named('k', pooling.kernel)})"
            )
    check_pooled(pooling, x)
    divisor = None if divisor_override is None else int_of(divisor_override, "divisor_override")
    if divisor == 0:
        raise RuntimeError("divisor must be not zero")
    if x.dt.category in (BOOL, COMPLEX) or (x.dt.category == INTEGER and x.dt is not int64):
        raise errors.not_implemented("avg_pool2d" if dims == 2 else "avg_pool3d_out_frame", x.dt)
    rule = Averaging(pooling, count_include_pad, divisor)
    return general(AvgPool2DBackward0(rule) if dims == 2 else AvgPool3DBackward0(rule), [x])


def avg_pool1d(
    self: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window over the last dimension.

    Args:
        self: (samples, channels, length), or without samples.
        kernel_size: size of a window.
        stride: distance of windows; by default the size of the kernel.
        padding: zeros at both ends.
        ceil_mode: keep a last window that reaches beyond the padding.
        count_include_pad: divide by the size of the window with its part of the padding.

    Gradient:
        of each element the shares of its windows, added up.

    Variants: function nn
    """
    check_dims(self, "avg_pool1d")
    pooling = read_pooling("avg_pool1d", 1, kernel_size, stride, padding, 1, ceil_mode)
    return averaged(self.unsqueeze(-2), pooling.lifted(), count_include_pad, None).squeeze(-2)


def avg_pool2d(
    self: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Any = None,
) -> Tensor:
    """The mean of each window over the last 2 dimensions.

    Args:
        self: (samples, channels, height, width), or without samples.
        kernel_size: size of a window, one number or (height, width), like the others.
        stride: distance of windows; by default the size of the kernel.
        padding: zeros around each image.
        ceil_mode: keep last windows that reach beyond the padding.
        count_include_pad: divide by the size of the window with its part of the padding.
        divisor_override: divide by this number instead.

    Gradient:
        of each element the shares of its windows, added up.

    Raises:
        RuntimeError: for inputs of other shapes, windows that do not fit, or padding above half the kernel.

    Variants: nn out
    """
    pooling = read_pooling("avg_pool2d", 2, kernel_size, stride, padding, 1, ceil_mode)
    return averaged(self, pooling, count_include_pad, divisor_override)


def avg_pool3d(
    self: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Any = None,
) -> Tensor:
    """The mean of each window over the last 3 dimensions; arguments as for ``avg_pool2d``.

    Args:
        self: (samples, channels, depth, height, width), or without samples.

    Variants: nn out
    """
    pooling = read_pooling("avg_pool3d", 3, kernel_size, stride, padding, 1, ceil_mode)
    return averaged(self, pooling, count_include_pad, divisor_override)


def root(mean: Tensor, norm_type: Any, size: int) -> Tensor:
    """The p-norm of windows of ``size`` elements from the mean of their p-th powers; odd powers may be negative."""
    return (mean.sign() * mean.abs().relu()).mul(size).pow(1.0 / norm_type)


def lp_pool1d(self: Tensor, norm_type: Any, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The sum of the p-th powers of each window over the last dimension, to the power 1/p, for p = ``norm_type``.

    Args:
        self: (samples, channels, length), or without samples.

    Gradient:
        NaN where the sum is 0.

    Variants: nn
    """
    mean = avg_pool1d(self.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return root(mean, norm_type, window_size(kernel_size, 1))


def lp_pool2d(self: Tensor, norm_type: Any, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The sum of the p-th powers of each window over the last 2 dimensions, to the power 1/p, for p = ``norm_type``.

    Args:
        self: (samples, channels, height, width), or without samples.

    Gradient:
        NaN where the sum is 0.

    Variants: nn
    """
    mean = avg_pool2d(self.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return root(mean, norm_type, window_size(kernel_size, 2))


def lp_pool3d(self: Tensor, norm_type: Any, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The sum of the p-th powers of each window over the last 3 dimensions, to the power 1/p, for p = ``norm_type``.

    Args:
        self: (samples, channels, depth, height, width), or without samples.

    Gradient:
        NaN where the sum is 0.

    Variants: nn
    """
    mean = avg_pool3d(self.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return root(mean, norm_type, window_size(kernel_size, 3))


def window_size(kernel_size: Any, dims: int) -> int:
    """Number of elements of a window."""
    total = 1
    for n in kernel_size if isinstance(kernel_size, (tuple, list)) else (kernel_size,) * dims:
        total *= int_of(n, "kernel_size")
    return total
