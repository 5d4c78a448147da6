"""Pooling as modules."""

from __future__ import annotations

from typing import Any

from .._tensor import Tensor
from . import functional as F
from ._sizes import repeated
from .module import Module


class _MaxPool(Module):
    """Arguments of max pooling.

    Args:
        kernel_size: size of the window.
        stride: distance of windows; the size of the window when left out.
        padding: so many elements smaller than any other on both sides.
        dilation: distance of the elements of a window.
        return_indices: return the places of the maxima too.
        ceil_mode: round the number of windows up.
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )

    def _options(self) -> dict[str, Any]:
        """The arguments of the function."""
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "ceil_mode": self.ceil_mode,
            "return_indices": self.return_indices,
        }


class MaxPool1d(_MaxPool):
    """Maxima of windows of (rows, channels, length)."""

    def forward(self, input: Tensor) -> Any:
        """The maxima, with ``return_indices`` also their places."""
        return F.max_pool1d(input, self.kernel_size, **self._options())


class MaxPool2d(_MaxPool):
    """Maxima of windows of (rows, channels, height, width)."""

    def forward(self, input: Tensor) -> Any:
        """The maxima, with ``return_indices`` also their places."""
        return F.max_pool2d(input, self.kernel_size, **self._options())


class MaxPool3d(_MaxPool):
    """Maxima of windows of (rows, channels, depth, height, width)."""

    def forward(self, input: Tensor) -> Any:
        """The maxima, with ``return_indices`` also their places."""
        return F.max_pool3d(input, self.kernel_size, **self._options())


class _MaxUnpool(Module):
    """Puts maxima back to their places, zeros elsewhere; arguments as of the pooling.

    Args:
        kernel_size, stride, padding: those of the pooling.
    """

    dimensions: int

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        self.kernel_size = repeated(kernel_size, self.dimensions)
        self.stride = repeated(kernel_size if stride is None else stride, self.dimensions)
        self.padding = repeated(padding, self.dimensions)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Puts the maxima of ``MaxPool1d`` back."""

    dimensions = 1

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        """Result of the size that the arguments give, or of ``output_size``."""
        return F.max_unpool1d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool2d(_MaxUnpool):
    """Puts the maxima of ``MaxPool2d`` back."""

    dimensions = 2

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        """Result of the size that the arguments give, or of ``output_size``."""
        return F.max_unpool2d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool3d(_MaxUnpool):
    """Puts the maxima of ``MaxPool3d`` back."""

    dimensions = 3

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        """Result of the size that the arguments give, or of ``output_size``."""
        return F.max_unpool3d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class _AvgPool(Module):
    """Text of average pooling."""

    kernel_size: Any
    stride: Any
    padding: Any

    def extra_repr(self) -> str:
        """The arguments."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """Averages of windows of (rows, channels, length).

    Args:
        kernel_size: size of the window.
        stride: distance of windows; the size of the window when left out.
        padding: zeros on both sides.
        ceil_mode: round the number of windows up.
        count_include_pad: whether these zeros count.
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = repeated(kernel_size, 1)
        self.stride = repeated(kernel_size if stride is None else stride, 1)
        self.padding = repeated(padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """The averages."""
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class _AvgPoolNd(_AvgPool):
    """Arguments of average pooling of two and three dimensions.

    Args:
        kernel_size, stride, padding, ceil_mode, count_include_pad: as of ``AvgPool1d``.
        divisor_override: divide by this instead of the number of elements.
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def _options(self) -> tuple[Any, ...]:
        """The arguments of the function."""
        return (
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AvgPool2d(_AvgPoolNd):
    """Averages of windows of (rows, channels, height, width)."""

    def forward(self, input: Tensor) -> Tensor:
        """The averages."""
        return F.avg_pool2d(input, *self._options())


class AvgPool3d(_AvgPoolNd):
    """Averages of windows of (rows, channels, depth, height, width)."""

    def forward(self, input: Tensor) -> Tensor:
        """The averages."""
        return F.avg_pool3d(input, *self._options())


class _LPPool(Module):
    """Arguments of power-average pooling: (sum of x**p over each window)**(1 / p).

    Args:
        norm_type: p.
        kernel_size, stride, ceil_mode: as of max pooling.
    """

    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """Power averages of windows of (rows, channels, length)."""

    def forward(self, input: Tensor) -> Tensor:
        """The power averages."""
        return F.lp_pool1d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool2d(_LPPool):
    """Power averages of windows of (rows, channels, height, width)."""

    def forward(self, input: Tensor) -> Tensor:
        """The power averages."""
        return F.lp_pool2d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool3d(_LPPool):
    """Power averages of windows of (rows, channels, depth, height, width)."""

    def forward(self, input: Tensor) -> Tensor:
        """The power averages."""
        return F.lp_pool3d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class _FractionalMaxPool(Module):
    """Maxima of windows at random places whose number is given.

    Args:
        kernel_size: size of the window.
        output_size: numbers of windows, or
        output_ratio: these as shares of the input's sizes, in (0, 1).
        return_indices: return the places of the maxima too.

    Raises:
        ValueError: unless exactly one of size and ratio is given, and for a ratio outside (0, 1).
    """

    dimensions: int

    def __init__(
        self,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        n = self.dimensions
        sizes = repeated(kernel_size, n)
        if n == 3 and any(k <= 0 for k in sizes):
            raise ValueError(f"kernel_size must be greater than 0, but got {kernel_size}")
        self.kernel_size = sizes
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else repeated(output_size, n)
        self.output_ratio = None if output_ratio is None else repeated(output_ratio, n)
        if output_size is None and output_ratio is None:
            raise ValueError(f"FractionalMaxPool{n}d requires specifying either an output size, or a pooling ratio")
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < r < 1 for r in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def _options(self) -> tuple[Any, ...]:
        """The arguments of the function."""
        return self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples


class FractionalMaxPool2d(_FractionalMaxPool):
    """Maxima of a given number of windows of (rows, channels, height, width).

    Source: Graham 2014.
    """

    dimensions = 2

    def forward(self, input: Tensor) -> Any:
        """The maxima, with ``return_indices`` also their places."""
        return F.fractional_max_pool2d(input, *self._options())


class FractionalMaxPool3d(_FractionalMaxPool):
    """Maxima of a given number of windows of (rows, channels, depth, height, width).

    Source: Graham 2014.
    """

    dimensions = 3

    def forward(self, input: Tensor) -> Any:
        """The maxima, with ``return_indices`` also their places."""
        return F.fractional_max_pool3d(input, *self._options())


class _AdaptivePool(Module):
    """Pooling to a given number of windows.

    Args:
        output_size: these numbers; None keeps the input's.
    """

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        """The sizes."""
        return f"output_size={self.output_size}"


class _AdaptiveMaxPool(_AdaptivePool):
    """Maxima of a given number of windows; ``return_indices`` returns their places too."""

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices


class AdaptiveAvgPool1d(_AdaptivePool):
    """Averages of a given number of windows of (rows, channels, length)."""

    def forward(self, input: Tensor) -> Tensor:
        """The averages."""
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Maxima of a given number of windows of (rows, channels, length)."""

    def forward(self, input: Tensor) -> Any:
        """The maxima, with ``return_indices`` also their places."""
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveAvgPool2d(_AdaptivePool):
    """Averages of a given number of windows of (rows, channels, height, width)."""

    def forward(self, input: Tensor) -> Tensor:
        """The averages."""
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Maxima of a given number of windows of (rows, channels, height, width)."""

    def forward(self, input: Tensor) -> Any:
        """The maxima, with ``return_indices`` also their places."""
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveAvgPool3d(_AdaptivePool):
    """Averages of a given number of windows of (rows, channels, depth, height, width)."""

    def forward(self, input: Tensor) -> Tensor:
        """The averages."""
        return F.adaptive_avg_pool3d(input, self.output_size)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """Maxima of a given number of windows of (rows, channels, depth, height, width)."""

    def forward(self, input: Tensor) -> Any:
        """The maxima, with ``return_indices`` also their places."""
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)
