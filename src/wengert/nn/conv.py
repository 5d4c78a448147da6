"""Convolutions and transposed convolutions."""

from __future__ import annotations

import math
from typing import Any

from .._gen.functions import empty
from .._tensor import Tensor
from . import functional as F
from . import init
from ._sizes import repeated
from .module import Module
from .parameter import Parameter

PADDING_MODES = {"zeros", "reflect", "replicate", "circular"}


class _ConvNd(Module):
    """Arguments, parameters and text of all convolutions; subclasses name their number of dimensions."""

    dimensions: int
    bias: Parameter | None

    def _set(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        transposed: bool,
        output_padding: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        """Check and keep the arguments, make the parameters."""
        _check_arguments(in_channels, out_channels, stride, padding, groups, padding_mode)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.transposed = transposed
        self.output_padding = output_padding
        self.groups = groups
        self.padding_mode = padding_mode
        channels = (in_channels, out_channels // groups) if transposed else (out_channels, in_channels // groups)
        self.weight = Parameter(empty((*channels, *kernel_size), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty((out_channels,), device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Uniform values between -1 / sqrt(n) and 1 / sqrt(n), n the number of inputs that meet in one output."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in != 0:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        """The arguments that are not the defaults."""
        n = self.dimensions
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0,) * n:
            text += f", padding={self.padding}"
        if self.dilation != (1,) * n:
            text += f", dilation={self.dilation}"
        if self.output_padding != (0,) * n:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


def _check_arguments(
    in_channels: int, out_channels: int, stride: Any, padding: Any, groups: int, padding_mode: str
) -> None:
    """Refuse arguments that do not fit together."""
    if groups <= 0:
        raise ValueError("groups must be a positive integer")
    if in_channels % groups != 0:
        raise ValueError("in_channels must be divisible by groups")
    if out_channels % groups != 0:
        raise ValueError("out_channels must be divisible by groups")
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ValueError(f"Invalid padding string {padding!r}, should be one of { ({'same', 'valid'}) }")
        if padding == "same" and any(s != 1 for s in stride):
            raise ValueError("padding='same' is not supported for strided convolutions")
    if padding_mode not in PADDING_MODES:
        raise ValueError(f"padding_mode must be one of {PADDING_MODES}, but got padding_mode='{padding_mode}'")


class _Conv(_ConvNd):
    """A convolution.

    Args:
        in_channels, out_channels: channels of the input and of the result.
        kernel_size: size of the window.
        stride, dilation: distance of windows, and of the elements of a window: one number, or one per dimension.
        padding: on both sides of each dimension; or ``"valid"`` (none), ``"same"`` (as many results as inputs; stride 1).
        groups: channels and out channels are cut into so many groups that do not meet.
        bias: False leaves the bias out.
        padding_mode: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.

    Raises:
        ValueError: for channels that ``groups`` does not divide, and unknown names.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        n = self.dimensions
        self._set(
            in_channels,
            out_channels,
            repeated(kernel_size, n),
            repeated(stride, n),
            padding if isinstance(padding, str) else repeated(padding, n),
            repeated(dilation, n),
            False,
            (0,) * n,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor) -> Tensor:
        """Result of shape (rows, out_channels, ...), without rows if the input has none."""
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The convolution with these parameters."""
        padding = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._both_sides(), mode=self.padding_mode)
            padding = 0
        convolve = (F.conv1d, F.conv2d, F.conv3d)[self.dimensions - 1]
        return convolve(input, weight, bias, self.stride, padding, self.dilation, self.groups)

    def _both_sides(self) -> list[int]:
        """The padding as ``pad`` takes it: before and after, from the last dimension on."""
        sides: list[int] = []
        for i in reversed(range(self.dimensions)):
            if self.padding == "valid":
                sides += [0, 0]
            elif self.padding == "same":
                total = self.dilation[i] * (self.kernel_size[i] - 1)
                sides += [total // 2, total - total // 2]
            else:
                sides += [self.padding[i]] * 2
        return sides


class Conv1d(_Conv):
    """Convolution of (rows, channels, length)."""

    dimensions = 1


class Conv2d(_Conv):
    """Convolution of (rows, channels, height, width)."""

    dimensions = 2


class Conv3d(_Conv):
    """Convolution of (rows, channels, depth, height, width)."""

    dimensions = 3


class _ConvTransposeNd(_ConvNd):
    """The transpose of a convolution: that which maps gradients of its result to gradients of its input.

    Args:
        in_channels, out_channels: channels of the input and of the result.
        kernel_size: size of the window.
        stride, dilation: distance of windows, and of the elements of a window.
        padding: so much is cut off both sides of each dimension of the result.
        output_padding: so much is added at the end.
        groups: channels and out channels are cut into so many groups that do not meet.
        bias: False leaves the bias out.
        padding_mode: must be ``"zeros"``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__()
        n = self.dimensions
        self._set(
            in_channels,
            out_channels,
            repeated(kernel_size, n),
            repeated(stride, n),
            repeated(padding, n),
            repeated(dilation, n),
            True,
            repeated(output_padding, n),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """Result of shape (rows, out_channels, ...); ``output_size`` chooses among the sizes that the stride allows."""
        convolve = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[self.dimensions - 1]
        extra = self.output_padding if output_size is None else self._extra(input, output_size)
        return convolve(input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation)

    def _extra(self, input: Tensor, output_size: Any) -> list[int]:
        """The output padding that gives this size.

        Raises:
            ValueError: if none does.
        """
        n = self.dimensions
        before = 2 if input.dim() == n + 2 else 1
        if len(output_size) == n + before:
            output_size = output_size[before:]
        if len(output_size) != n:
            raise ValueError(
                f"ConvTranspose{n}D: for {input.dim()}D input, output_size must have {n} or {before + n} elements (got "
                f"{len(output_size)})"
            )
        smallest = [
            (input.size(i + before) - 1) * self.stride[i]
            - 2 * self.padding[i]
            + self.dilation[i] * (self.kernel_size[i] - 1)
            + 1
            for i in range(n)
        ]
        largest = [size + stride - 1 for size, stride in zip(smallest, self.stride)]
        if any(not low <= size <= high for low, size, high in zip(smallest, output_size, largest)):
            raise ValueError(
                f"requested an output size of {output_size}, but valid sizes range from {smallest} to {largest} (for an input "
                f"of {input.size()[2:]})"
            )
        return [size - low for size, low in zip(output_size, smallest)]


class ConvTranspose1d(_ConvTransposeNd):
    """Transposed convolution of (rows, channels, length)."""

    dimensions = 1


class ConvTranspose2d(_ConvTransposeNd):
    """Transposed convolution of (rows, channels, height, width)."""

    dimensions = 2


class ConvTranspose3d(_ConvTransposeNd):
    """Transposed convolution of (rows, channels, depth, height, width)."""

    dimensions = 3
