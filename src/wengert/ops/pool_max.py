"""Max pooling: the largest element of each window, with its position."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors
from .._core.dtypes import BOOL, COMPLEX, FLOATING
from .._core.modes import MODES, is_grad_enabled
from .._core.tensor_base import TensorBase, requires_grad
from .._record.common import make
from .._record.general import General, general, general_many
from .pool_arrays import Grid, Windows, put_back, window_maxima, window_maxima_at
from .pool_sizes import Pooling, check_dims, check_line, check_pooled, read_pooling

if TYPE_CHECKING:
    from .._tensor import Tensor


def taken(x: Tensor, indices: Tensor, dims: int) -> Tensor:
    """The elements of ``x`` at indices that count through its last ``dims`` dimensions."""
    return x.flatten(-dims).gather(-1, indices.flatten(-dims)).view(indices.shp)


class MaxPool(General):
    """Base of the nodes of maxima of windows; results are values and positions.  All of grad goes to these positions."""

    dims: int = 2

    def windows(self, x: Any) -> Windows:
        """The windows over an array."""
        raise NotImplementedError

    def adjoint(self, shape: tuple[int, ...]) -> General:
        """The operator of the gradient of an input of this shape."""
        raise NotImplementedError

    def output_names(self) -> list[str]:
        return ["result0", "result1"]

    def differentiable_outputs(self) -> list[bool]:
        return [True, False]

    def differentiable_inputs(self, count: int) -> int:
        return 1

    def forward(self, arrays: list[Any]) -> Any:
        return window_maxima_at(self.windows(arrays[0]), arrays[0].dtype)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [general(self.adjoint(self.tensor("self").shp), [grad, self.tensor("result1")])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        return [None if tangent is None else taken(tangent, results[1], self.dims), None]

    def saves(self) -> list[str]:
        return ["self", "result1"]


class MaxPoolBackward(General):
    """Base of the operators that add the gradients of maxima to the positions they came from."""

    dims: int = 2

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape: tuple[int, ...] = shape

    def input_names(self) -> list[str]:
        return ["grad_output", "indices"]

    def differentiable_inputs(self, count: int) -> int:
        return 1

    def forward(self, arrays: list[Any]) -> Any:
        return put_back(arrays[0], arrays[1], self.shape, self.dims)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [taken(grad, self.tensor("indices"), self.dims)]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        return [None if tangent is None else general(type(self)(self.shape), [tangent, inputs[1]])]

    def saves(self) -> list[str]:
        return ["indices"]


class GridMaxPool(MaxPool):
    """Base of max pooling with windows of one size at equal distances."""

    def __init__(self, pooling: Pooling) -> None:
        self.pooling: Pooling = pooling

    def windows(self, x: Any) -> Windows:
        return Grid(x, self.pooling.lines(x.shape))

    def parameters(self) -> dict[str, Any]:
        pooling = self.pooling
        return {
            "ceil_mode": pooling.ceil_mode,
            "dilation": pooling.dilation,
            "kernel_size": pooling.kernel,
            "padding": pooling.padding,
            "stride": pooling.stride,
        }


class MaxPool2DWithIndicesBackward0(GridMaxPool):
    """Max pooling over height and width."""

    dims: int = 2

    def adjoint(self, shape: tuple[int, ...]) -> General:
        return MaxPool2DWithIndicesBackwardBackward0(shape)


class MaxPool2DWithIndicesBackwardBackward0(MaxPoolBackward):
    """Gradient of max pooling over height and width."""

    dims: int = 2


class MaxPool3DWithIndicesBackward0(GridMaxPool):
    """Max pooling over depth, height and width."""

    dims: int = 3

    def adjoint(self, shape: tuple[int, ...]) -> General:
        return MaxPool3DWithIndicesBackwardBackward0(shape)


class MaxPool3DWithIndicesBackwardBackward0(MaxPoolBackward):
    """Gradient of max pooling over depth, height and width."""

    dims: int = 3


def pooled(op: MaxPool, x: TensorBase, with_indices: bool) -> list[Tensor]:
    """Values and positions; without the positions when neither the caller nor a derivative asks for them."""
    recorded = requires_grad(x) and is_grad_enabled()
    if with_indices or recorded or MODES.dual_level >= 0:
        return general_many(op, [x])
    array = np.asarray(x.array)
    return [make(window_maxima(op.windows(array), array.dtype))]


def max_grid(name: str, pooling: Pooling, x: TensorBase, with_indices: bool) -> list[Tensor]:
    """Max pooling with checks."""
    check_pooled(pooling, x)
    if x.dt.category in (BOOL, COMPLEX):
        raise errors.not_implemented(name, x.dt)
    if any(line.misses() for line in pooling.lines(x.shp)):
        raise RuntimeError(
            errors.with_hints(
                f"{name}: a window has no element of the input",
                f"dilation={pooling.dilation} steps over the whole input of shape {errors.shape_text(x.shp)}; such a maximum "
                "has no position",
            )
        )
    if pooling.dims() == 2:
        return pooled(MaxPool2DWithIndicesBackward0(pooling), x, with_indices)
    return pooled(MaxPool3DWithIndicesBackward0(pooling), x, with_indices)


def max_line(x: Tensor, pooling: Pooling, with_indices: bool) -> Any:
    """Max pooling along one dimension, as that of images one element high; values, or values and positions."""
    if with_indices:
        check_dims(x, "max_pool1d")
        found = max_grid("max_pool2d", pooling.lifted(), x.unsqueeze(-2), True)
        return found[0].squeeze(-2), found[1].squeeze(-2)
    if len(x.shp) not in (2, 3) or 0 in (x.shp[1:] if len(x.shp) == 3 else x.shp):
        raise RuntimeError(
            errors.with_hints(
                "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:"
                f"{errors.shape_text(x.shp)}",
                "dimensions are (samples,) channels, length",
            )
        )
    check_line(pooling)
    out = pooling.lines(x.shp)[0].out
    if out < 1:
        raise RuntimeError(f"max_pool1d() Invalid computed output size: {out}")
    if x.dt.category < FLOATING:
        raise errors.not_implemented("max_pool1d_impl", x.dt)
    return max_grid("max_pool2d", pooling.lifted(), x.unsqueeze(-2), False)[0].squeeze(-2)


def max_blocks(name: str, x: TensorBase, pooling: Pooling, with_indices: bool) -> Any:
    """Max pooling over two or three dimensions; values, or values and positions."""
    found = max_grid(name, pooling, x, with_indices)
    return (found[0], found[1]) if with_indices else found[0]


def max_pool1d(
    self: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window over the last dimension; NaN where there is one.

    Args:
        self: (samples, channels, length), or without samples.
        kernel_size, dilation: size of a window, and distance of its elements.
        stride: distance of windows; by default the size of the kernel.
        padding: so many places beyond each end also belong to windows, as minus infinity.
        ceil_mode: keep a last window that reaches beyond the padding.
        return_indices: return the positions too, int64, counted through the dimensions pooled over.

    Gradient:
        all of grad to the position of the maximum.

    Variants: nn
    """
    pooling = read_pooling("max_pool1d", 1, kernel_size, stride, padding, dilation, ceil_mode)
    return max_line(self, pooling, return_indices)


def max_pool1d_with_indices(
    self: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """``max_pool1d`` with the positions of the maxima; ``return_indices`` makes no difference.

    Variants: nn function
    """
    pooling = read_pooling("max_pool1d", 1, kernel_size, stride, padding, dilation, ceil_mode)
    both: tuple[Tensor, Tensor] = max_line(self, pooling, True)
    return both


def plain_max_pool1d(
    self: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """The largest element of each window over the last dimension, as ``nn.functional.max_pool1d``.

    Variants: function
    Name: max_pool1d
    """
    pooling = read_pooling("max_pool1d", 1, kernel_size, stride, padding, dilation, ceil_mode)
    values: Tensor = max_line(self, pooling, False)
    return values


def max_pool2d(
    self: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window over the last 2 dimensions; NaN where there is one.

    Args:
        self: (samples, channels, height, width), or without samples.
        kernel_size, dilation: size of a window, and distance of its elements.
        stride: distance of windows; by default the size of the kernel.
        padding: so many places beyond each end also belong to windows, as minus infinity.
        ceil_mode: keep a last window that reaches beyond the padding.
        return_indices: return the positions too, int64, counted through the dimensions pooled over.

    Gradient:
        all of grad to the position of the maximum: the first of equal ones, the last NaN.

    Raises:
        RuntimeError: for inputs of other shapes, windows that do not fit, or padding above half the kernel.

    Variants: nn
    """
    pooling = read_pooling("max_pool2d", 2, kernel_size, stride, padding, dilation, ceil_mode)
    return max_blocks("max_pool2d", self, pooling, return_indices)


def max_pool2d_with_indices(
    self: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """``max_pool2d`` with the positions of the maxima; ``return_indices`` makes no difference.

    Variants: nn
    """
    pooling = read_pooling("max_pool2d", 2, kernel_size, stride, padding, dilation, ceil_mode)
    both: tuple[Tensor, Tensor] = max_blocks("max_pool2d", self, pooling, True)
    return both


def plain_max_pool2d(
    self: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """The largest element of each window over the last 2 dimensions, as ``nn.functional.max_pool2d``.

    Variants: function
    Name: max_pool2d
    """
    pooling = read_pooling("max_pool2d", 2, kernel_size, stride, padding, dilation, ceil_mode)
    values: Tensor = max_blocks("max_pool2d", self, pooling, False)
    return values


def max_pool3d(
    self: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window over the last 3 dimensions; NaN where there is one.

    Args:
        self: (samples, channels, depth, height, width), or without samples.
        kernel_size, dilation: size of a window, and distance of its elements.
        stride: distance of windows; by default the size of the kernel.
        padding: so many places beyond each end also belong to windows, as minus infinity.
        ceil_mode: keep a last window that reaches beyond the padding.
        return_indices: return the positions too, int64, counted through the dimensions pooled over.

    Gradient:
        all of grad to the position of the maximum.

    Variants: nn
    """
    pooling = read_pooling("max_pool3d", 3, kernel_size, stride, padding, dilation, ceil_mode)
    return max_blocks("max_pool3d", self, pooling, return_indices)


def max_pool3d_with_indices(
    self: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """``max_pool3d`` with the positions of the maxima; ``return_indices`` makes no difference.

    Variants: nn
    """
    pooling = read_pooling("max_pool3d", 3, kernel_size, stride, padding, dilation, ceil_mode)
    both: tuple[Tensor, Tensor] = max_blocks("max_pool3d", self, pooling, True)
    return both


def plain_max_pool3d(
    self: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """The largest element of each window over the last 3 dimensions, as ``nn.functional.max_pool3d``.

    Variants: function
    Name: max_pool3d
    """
    pooling = read_pooling("max_pool3d", 3, kernel_size, stride, padding, dilation, ceil_mode)
    values: Tensor = max_blocks("max_pool3d", self, pooling, False)
    return values
