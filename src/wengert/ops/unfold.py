"""Sliding blocks of images as columns (unfold), and columns added back into images (fold)."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import INTEGER
from .._core.tensor_base import TensorBase
from .._record.general import General, general
from ..kernels import row_major
from .sizes import count, sizes_of

if TYPE_CHECKING:
    from .._tensor import Tensor

_strided: Final[Any] = np.lib.stride_tricks.as_strided


class Blocks:
    """Where the blocks of an image lie: pairs (height, width) of sizes."""

    def __init__(
        self, kernel: tuple[int, ...], dilation: tuple[int, ...], padding: tuple[int, ...], stride: tuple[int, ...]
    ) -> None:
        self.kernel: tuple[int, ...] = kernel
        self.dilation: tuple[int, ...] = dilation
        self.padding: tuple[int, ...] = padding
        self.stride: tuple[int, ...] = stride

    def parameters(self) -> dict[str, Any]:
        """PyTorch's names of the sizes, as nodes show them."""
        return {
            "dilation": self.dilation,
            "kernel_size": self.kernel,
            "padding": self.padding,
            "stride": self.stride,
        }

    def number(self, size: tuple[int, ...]) -> tuple[int, ...]:
        """Number of blocks along height and width of an image of this size."""
        return tuple(
            [
                (n + 2 * p - d * (k - 1) - 1) // s + 1
                for n, p, d, k, s in zip(size, self.padding, self.dilation, self.kernel, self.stride, strict=True)
            ]
        )

    def framed(self, x: Any) -> Any:
        """The images in a frame of zeros."""
        ph, pw = self.padding
        return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(ph, ph), (pw, pw)]) if ph > 0 or pw > 0 else x

    def window(self, tap: tuple[int, ...], out: tuple[int, ...]) -> tuple[Any, ...]:
        """The elements of a frame that are element ``tap`` of some block."""
        return (
            ...,
            *[
                slice(t * d, t * d + (o - 1) * s + 1, s)
                for t, d, o, s in zip(tap, self.dilation, out, self.stride, strict=True)
            ],
        )

    def text(self) -> str:
        """The sizes as error texts list them."""
        return f"kernel_size={self.kernel}, dilation={self.dilation}, padding={self.padding}"

    def check(self) -> None:
        """Refuse sizes that make no blocks."""
        for name, what, values, least in (
            ("kernel size should be greater than zero", "kernel", self.kernel, 1),
            ("dilation should be greater than zero", "dilation", self.dilation, 1),
            ("padding should be non-negative", "pad", self.padding, 0),
            ("stride should be greater than zero", "stride", self.stride, 1),
        ):
            if min(values) < least:
                raise RuntimeError(f"{name}, but got {what}_height: {values[0]} {what}_width: {values[1]}")


class Im2ColBackward0(General):
    """Blocks of images as columns.  The gradient is folded back."""

    def __init__(self, where: Blocks, size: tuple[int, ...]) -> None:
        self.where: Blocks = where
        self.size: tuple[int, ...] = size

    def forward(self, arrays: list[Any]) -> Any:
        where = self.where
        x = where.framed(arrays[0])
        out = where.number(self.size)
        rows, columns = x.strides[-2:]
        taps = (where.dilation[0] * rows, where.dilation[1] * columns)
        places = (where.stride[0] * rows, where.stride[1] * columns)
        lead = x.shape[:-2]
        view = _strided(x, (*lead, *where.kernel, *out), (*x.strides[:-2], *taps, *places), writeable=False)
        return row_major(view).reshape(*lead[:-1], lead[-1] * count(where.kernel), count(out))

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [general(Col2ImBackward0(self.where, self.size), [grad])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        return [None if tangent is None else general(Im2ColBackward0(self.where, self.size), [tangent])]

    def parameters(self) -> dict[str, Any]:
        sizes = {"self_sym_argsize_minus_1": self.size[1], "self_sym_argsize_minus_2": self.size[0]}
        return {**self.where.parameters(), **sizes}


class Col2ImBackward0(General):
    """Columns added into images at the places of their blocks.  The gradient is taken apart into blocks."""

    def __init__(self, where: Blocks, size: tuple[int, ...]) -> None:
        self.where: Blocks = where
        self.size: tuple[int, ...] = size

    def forward(self, arrays: list[Any]) -> Any:
        where = self.where
        columns = arrays[0]
        out = where.number(self.size)
        (ph, pw), (height, width) = where.padding, self.size
        lead = (*columns.shape[:-2], columns.shape[-2] // count(where.kernel))
        parts = columns.reshape(*lead, count(where.kernel), *out)
        frame = np.zeros((*lead, height + 2 * ph, width + 2 * pw), columns.dtype)
        for k, tap in enumerate(product(*[range(n) for n in where.kernel])):
            frame[where.window(tap, out)] += parts[..., k, :, :]
        return np.ascontiguousarray(frame[..., ph : ph + height, pw : pw + width])

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [general(Im2ColBackward0(self.where, self.size), [grad])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        return [None if tangent is None else general(Col2ImBackward0(self.where, self.size), [tangent])]

    def parameters(self) -> dict[str, Any]:
        return self.where.parameters()


def pair(value: Any, function: str, argument: str) -> tuple[int, ...]:
    """(height, width), given as one number or two.

    Raises:
        RuntimeError: for a list of another length.
    """
    given = sizes_of(tuple(value) if isinstance(value, (tuple, list)) else (value, value), None, function, argument)
    if len(given) != 2:
        raise RuntimeError(f"It is expected {argument} equals to 2, but got size {len(given)}")
    return given


def blocks_of(function: str, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Blocks:
    """The arguments that ``unfold`` and ``fold`` share, checked."""
    found = Blocks(
        pair(kernel_size, function, "kernel_size"),
        pair(dilation, function, "dilation"),
        pair(padding, function, "padding"),
        pair(stride, function, "stride"),
    )
    found.check()
    return found


def unfold(self: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The blocks that a kernel meets as it slides over images, each as a column.

    Args:
        self: (samples, channels, height, width), or without samples.
        kernel_size: of a block, one number or (height, width), like the others.
        dilation: distance of the elements of a block.
        padding: zeros around the image.
        stride: distance of blocks.

    Returns:
        (samples, channels * kernel height * kernel width, number of blocks); ``weight.flatten(1) @ unfold(x)`` is the
        convolution of x.

    Gradient:
        ``fold`` of grad: each element gets the sum over its blocks.

    Raises:
        RuntimeError: for no block at all, or sizes that are not positive.

    Variants: nn
    """
    where = blocks_of("im2col", kernel_size, dilation, padding, stride)
    shape = self.shp
    if len(shape) < 3:
        raise errors.dim_range(2, len(shape))
    if len(shape) > 4 or 0 in shape[-3:]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but "
            f"got: {errors.shape_text(shape)}"
        )
    size = tuple(shape[-2:])
    out = where.number(size)
    if min(out) < 1:
        raise RuntimeError(
            f"Given input with spatial size {size}, {where.text()}, calculated shape of the array of sliding blocks as "
            f"{out}, but its components must be at least one."
        )
    if self.dt.category == INTEGER:
        raise errors.not_implemented("im2col_out_cpu", self.dt)
    return general(Im2ColBackward0(where, size), [self])


def fold(
    self: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Images from columns of blocks: where blocks overlap their elements are added.

    Args:
        self: (samples, channels * kernel height * kernel width, number of blocks), or without samples.
        output_size: (height, width) of the images; the others as for ``unfold``.

    Returns:
        (samples, channels, height, width).

    Gradient:
        ``unfold`` of grad.

    Raises:
        RuntimeError: when the number of rows or blocks does not fit.

    Variants: nn
    """
    size = pair(output_size, "col2im", "output_size")
    where = blocks_of("col2im", kernel_size, dilation, padding, stride)
    check_columns(self, where, size)
    if self.dt.category == INTEGER:
        raise errors.not_implemented("col2im_out_cpu", self.dt)
    return general(Col2ImBackward0(where, size), [self])


def check_columns(x: TensorBase, where: Blocks, size: tuple[int, ...]) -> None:
    """Refuse columns that are not those of images of this size."""
    shape = x.shp
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for input, but "
            f"got: {errors.shape_text(shape)}"
        )
    if shape[-2] % count(where.kernel) != 0:
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={shape[-2]} and kernel_size={where.kernel}."
        )
    height, width = where.number(size)
    if shape[-1] != height * width or min(height, width) < 1:
        raise RuntimeError(
            f"Given output_size={size}, {where.text()}, stride={where.stride}, expected size of input's dimension 2 to match "
            f"the calculated number of sliding blocks {height} * {width} = {height * width}, but got input.size(2)={shape[-1]}."
        )
