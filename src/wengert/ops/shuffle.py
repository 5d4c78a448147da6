"""Channels in another order, and channels exchanged for pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core import errors
from .._core.tensor_base import TensorBase
from .._record.common import int_of
from .._record.general import General, general
from ..kernels import row_major
from .normalize_parts import laid_like

if TYPE_CHECKING:
    from .._tensor import Tensor


class Rearrangement(General):
    """Base: every element moves to another place; the gradient moves back.

    Attributes:
        factor: into how many groups channels are divided, or how many pixels a channel's pixel becomes along each dimension.
    """

    def __init__(self, factor: int) -> None:
        self.factor: int = factor

    def again(self) -> General:
        """A new node of the same operator."""
        raise NotImplementedError

    def inverse(self, grad: Tensor) -> General:
        """The operator that moves the elements of the result back."""
        raise NotImplementedError

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [general(self.inverse(grad), [grad])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        return [general(self.again(), [tangent])]


class ChannelShuffleBackward0(Rearrangement):
    """Channels, seen as a matrix with a row for each group, transposed."""

    def forward(self, arrays: list[Any]) -> Any:
        x = arrays[0]
        channels = x.shape[1]
        grouped = x.reshape((x.shape[0], self.factor, channels // self.factor, *x.shape[2:]))
        return laid_like(row_major(grouped.swapaxes(1, 2)).reshape(x.shape), x)

    def again(self) -> General:
        return ChannelShuffleBackward0(self.factor)

    def inverse(self, grad: Tensor) -> General:
        return ChannelShuffleBackward0(max(grad.shp[1] // self.factor, 1))

    def parameters(self) -> dict[str, Any]:
        return {"groups": self.factor}


class NativeChannelShuffleBackward0(ChannelShuffleBackward0):
    """The same under the name of PyTorch's inner function."""


class PixelShuffleBackward0(Rearrangement):
    """Groups of r * r channels become one channel with r times as many rows and columns."""

    def forward(self, arrays: list[Any]) -> Any:
        x = arrays[0]
        r = self.factor
        lead = x.shape[:-3]
        channels, rows, columns = x.shape[-3:]
        n = len(lead)
        parts = x.reshape((*lead, channels // (r * r), r, r, rows, columns))
        order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)
        moved = row_major(parts.transpose(order))
        return laid_like(moved.reshape((*lead, channels // (r * r), rows * r, columns * r)), x)

    def again(self) -> General:
        return PixelShuffleBackward0(self.factor)

    def inverse(self, grad: Tensor) -> General:
        return PixelUnshuffleBackward0(self.factor)

    def parameters(self) -> dict[str, Any]:
        return {"upscale_factor": self.factor}


class PixelUnshuffleBackward0(Rearrangement):
    """Squares of r * r pixels become r * r channels."""

    def forward(self, arrays: list[Any]) -> Any:
        x = arrays[0]
        r = self.factor
        lead = x.shape[:-3]
        channels, rows, columns = x.shape[-3:]
        n = len(lead)
        parts = x.reshape((*lead, channels, rows // r, r, columns // r, r))
        order = (*range(n), n, n + 2, n + 4, n + 1, n + 3)
        moved = row_major(parts.transpose(order))
        return laid_like(moved.reshape((*lead, channels * r * r, rows // r, columns // r)), x)

    def again(self) -> General:
        return PixelUnshuffleBackward0(self.factor)

    def inverse(self, grad: Tensor) -> General:
        return PixelShuffleBackward0(self.factor)

    def parameters(self) -> dict[str, Any]:
        return {"downscale_factor": self.factor}


def check_groups(x: Any, groups: Any) -> int:
    """The number of groups, which divides the channels."""
    if not isinstance(x, TensorBase):
        raise errors.argument_type("channel_shuffle", "input", 1, "Tensor", x)
    count = position_int("channel_shuffle", "groups", groups)
    if len(x.shp) <= 2:
        raise RuntimeError(
            f"channel_shuffle expects input with > 2 dims, but got input with sizes {errors.shape_text(x.shp)}"
        )
    if count <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{count}")
    if x.shp[1] % count != 0:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {x.shp[1]} channels and {count} groups."
        )
    return count


def position_int(function: str, argument: str, value: Any) -> int:
    """An integer second argument."""
    if isinstance(value, float):
        raise errors.argument_type(function, argument, 2, "int", value)
    return int_of(value, argument)


def channel_shuffle(input: Tensor, groups: Any) -> Tensor:
    """The channels (dimension 1) dealt out: those of ``groups`` groups in turn, one of each.

    Raises:
        RuntimeError: for fewer than three dimensions, or channels that ``groups`` does not divide.

    Source: Zhang et al. 2018, ShuffleNet.

    Variants: function nn
    """
    return general(ChannelShuffleBackward0(check_groups(input, groups)), [input])


def native_channel_shuffle(input: Tensor, groups: Any) -> Tensor:
    """``channel_shuffle`` under the name of PyTorch's inner function.

    Variants: function nn
    """
    return general(NativeChannelShuffleBackward0(check_groups(input, groups)), [input])


def check_pixels(function: str, argument: str, x: Any, factor: Any) -> int:
    """The factor of a pixel shuffle."""
    if not isinstance(x, TensorBase):
        raise errors.argument_type(function, "input", 1, "Tensor", x)
    r = position_int(function, argument, factor)
    if len(x.shp) < 3:
        raise RuntimeError(
            f"{function} expects input to have at least 3 dimensions, but got input with {len(x.shp)} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"{function} expects a positive {argument}, but got {r}")
    return r


def pixel_shuffle(input: Tensor, upscale_factor: Any) -> Tensor:
    """(*, C r**2, H, W) rearranged to (*, C, H r, W r): groups of r**2 channels become squares of pixels.

    Raises:
        RuntimeError: for fewer than three dimensions, or channels that r**2 does not divide.

    Source: Shi et al. 2016.

    Variants: function nn
    """
    r = check_pixels("pixel_shuffle", "upscale_factor", input, upscale_factor)
    if input.shp[-3] % (r * r) != 0:
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but "
            f"input.size(-3)={input.shp[-3]} is not divisible by {r * r}"
        )
    return general(PixelShuffleBackward0(r), [input])


def pixel_unshuffle(input: Tensor, downscale_factor: Any) -> Tensor:
    """(*, C, H r, W r) rearranged to (*, C r**2, H, W): squares of pixels become channels.

    Raises:
        RuntimeError: for fewer than three dimensions, or a height or width that r does not divide.

    Variants: function nn
    """
    r = check_pixels("pixel_unshuffle", "downscale_factor", input, downscale_factor)
    for name, place in (("height", -2), ("width", -1)):
        if input.shp[place] % r != 0:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but input.size({place})="
                f"{input.shp[place]} is not divisible by {r}"
            )
    return general(PixelUnshuffleBackward0(r), [input])
