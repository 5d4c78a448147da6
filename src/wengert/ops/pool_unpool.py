"""Max unpooling: values put back at the positions that max pooling found, zeros elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors
from .._core.dtypes import FLOATING, int64
from .._core.tensor_base import TensorBase
from .._record.common import int_of
from .._record.general import General, general
from .pool_max import taken
from .pool_sizes import by_x
from .sizes import count

if TYPE_CHECKING:
    from .._tensor import Tensor


class MaxUnpool(General):
    """Base of the nodes that put values at given positions.  Gradients are taken from there."""

    def __init__(self, out: tuple[int, ...]) -> None:
        self.out: tuple[int, ...] = out

    def input_names(self) -> list[str]:
        return ["self", "indices"]

    def differentiable_inputs(self, count: int) -> int:
        return 1

    def forward(self, arrays: list[Any]) -> Any:
        x, indices = arrays
        lead = x.shape[: x.ndim - len(self.out)]
        out = np.zeros((count(lead), count(self.out)), x.dtype)
        width = count(x.shape[len(lead) :])
        np.put_along_axis(out, indices.reshape(len(out), width), x.reshape(len(out), width), axis=1)
        return out.reshape(*lead, *self.out)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [taken(grad, self.tensor("indices"), len(self.out))]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        return [None if tangent is None else general(type(self)(self.out), [tangent, inputs[1]])]

    def saves(self) -> list[str]:
        return ["indices"]


class MaxUnpool2DBackward0(MaxUnpool):
    """Max unpooling over height and width."""


class MaxUnpool3DBackward0(MaxUnpool):
    """Max unpooling over depth, height and width."""


def listed(value: Any, dims: int) -> list[int]:
    """One number per dimension."""
    items = value if isinstance(value, (tuple, list)) else [value] * dims
    return [int_of(n, "kernel_size") for n in items]


def unpooled_size(x: TensorBase, kernel_size: Any, stride: Any, padding: Any, given: Any, dims: int) -> list[int]:
    """Spatial size of the result: what pooling with these sizes made ``x`` from, or a size near it that was asked for.

    Raises:
        ValueError: for a size that pooling could not have made ``x`` from.
    """
    kernel, pads = listed(kernel_size, dims), listed(padding, dims)
    steps = kernel if stride is None else listed(stride, dims)
    size = x.shp[len(x.shp) - dims :] if len(x.shp) >= dims else (1,) * dims
    usual = [(n - 1) * s + k - 2 * p for n, s, k, p in zip(size, steps, kernel, pads, strict=True)]
    if given is None:
        return usual
    wanted = list(given)
    if len(wanted) == dims + 2:
        wanted = wanted[2:]
    if len(wanted) != dims:
        raise ValueError(
            f"output_size should be a sequence containing {dims} or {dims + 2} elements, but it has a length of '{len(wanted)}'"
        )
    for i in range(dims):
        low, high = usual[i] - steps[i], usual[i] + steps[i]
        if not low < wanted[i] < high:
            raise ValueError(f'invalid output_size "{given}" (dim {i} must be between {low} and {high})')
    return [int_of(n, "output_size") for n in wanted]


def unpooled(x: TensorBase, indices: Any, out: list[int]) -> Tensor:
    """Max unpooling over two or three dimensions, with checks."""
    dims = len(out)
    if not isinstance(indices, TensorBase):
        raise errors.argument_type(f"max_unpool{dims}d", "indices", 2, "Tensor", indices)
    if indices.dt is not int64:
        tail = f" but got: {indices.dt.title}" if dims == 2 else ""
        raise RuntimeError(f"elements in indices should be type int64{tail}")
    if len(x.shp) not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Input to max_unpooling{dims}d should be a {dims + 1}d or {dims + 2}d Tensor, but got a tensor with {len(x.shp)} "
            "dimensions."
        )
    if indices.shp != x.shp:
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({errors.shape_text(x.shp)}) but got indices "
            f"tensor with shape: {errors.shape_text(indices.shp)}"
        )
    if x.dt.category != FLOATING:
        raise errors.not_implemented(f"max_unpool{dims}d", x.dt)
    places = indices.array
    wrong = places[(places < 0) | (places >= count(tuple(out)))]
    if wrong.size > 0:
        raise RuntimeError(f"Found an invalid max index: {wrong[0]} (output volumes are of size {by_x(out)})")
    node = MaxUnpool2DBackward0(tuple(out)) if dims == 2 else MaxUnpool3DBackward0(tuple(out))
    return general(node, [x, indices])


def max_unpool1d(
    self: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Zeros with each value at the position in the last dimension that ``max_pool1d`` returned for it.

    Args:
        self: (samples, channels, length), or without samples.
        indices: int64 positions, in the shape of ``self``.
        kernel_size, stride, padding: those of the pooling; they give the length of the result.
        output_size: of the result, where the pooling left it open: (length) or (samples, channels, length).

    Variants: nn
    """
    out = unpooled_size(self, kernel_size, stride, padding, output_size, 1)
    return unpooled(self.unsqueeze(-1), indices.unsqueeze(-1), [*out, 1]).squeeze(-1)


def max_unpool2d(
    self: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Zeros with each value at the position in its image that ``max_pool2d`` returned for it.

    Args:
        self: (samples, channels, height, width), or without samples.
        indices: int64 positions, in the shape of ``self``; of values with one position, the last is kept.
        kernel_size, stride, padding: those of the pooling; they give the size of the result.
        output_size: of the result, where the pooling left it open: (height, width), or with samples and channels.

    Gradient:
        the elements of grad at the positions.

    Raises:
        RuntimeError: for positions outside the result.
        ValueError: for a size that this pooling does not lead from.

    Variants: nn
    """
    return unpooled(self, indices, unpooled_size(self, kernel_size, stride, padding, output_size, 2))


def max_unpool3d(
    self: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Zeros with each value at the position in its volume that ``max_pool3d`` returned for it; as ``max_unpool2d``.

    Args:
        self: (samples, channels, depth, height, width), or without samples.
        indices: int64 positions, in the shape of ``self``.

    Variants: nn
    """
    return unpooled(self, indices, unpooled_size(self, kernel_size, stride, padding, output_size, 3))
