"""Graph nodes of the resampling of images, one for each kind and number of dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core.dtypes import Size
from .._record.general import General, general
from ..kernels import empty
from ..kernels.arrays import move_axis
from .interpolate_taps import Taps
from .normalize_parts import is_channels_last, wide

if TYPE_CHECKING:
    from .._tensor import Tensor

BLOCK: Final = 1 << 15  # elements that are resampled at once


def resampled(x: Any, taps: list[Taps]) -> Any:
    """The array with its last dimensions resampled; in row-major order, or with the channels last if they were."""
    last = is_channels_last(x)
    out = move_axis(x, 1, -1) if last else np.ascontiguousarray(x)
    start = 1 if last else 2
    if x.dtype.kind != "f" or x.dtype == np.float16:
        out = out.astype(wide(x) if x.dtype.kind == "f" else np.float64)
    if last or out.size <= BLOCK:
        for i in range(len(taps) - 1, -1, -1):
            out = taps[i].apply(out, start + i)
    else:
        out = resampled_planes(out, taps)
    if x.dtype.kind != "f":
        limits = np.iinfo(x.dtype)
        out = np.clip(np.floor(out + 0.5), limits.min, limits.max)
    out = out.astype(x.dtype, copy=False)
    return move_axis(out, -1, 1) if last else out


def resampled_planes(x: Any, taps: list[Taps]) -> Any:
    """The same for contiguous arrays, some planes at a time: what stands between two dimensions is only for a block."""
    planes = x.reshape(-1, *x.shape[2:])
    out = empty((len(planes), *[len(t.index) for t in taps]), x.dtype)
    step = max(1, BLOCK * len(planes) // x.size)
    for begin in range(0, len(planes), step):
        part = planes[begin : begin + step]
        for i in range(len(taps) - 1, 0, -1):
            part = taps[i].apply(part, 1 + i)
        taps[0].apply_into(out[begin : begin + step], part, 1)
    return out.reshape(*x.shape[:2], *out.shape[1:])


class Upsample(General):
    """Base: the last dimensions resampled.  Linear, so the gradient is the same with transposed taps.

    Attributes:
        taps: for each dimension.
        shape: of the input.
        scales: factors that the user gave, or None.
        align_corners: whether first and last elements stay in place; None where that has no meaning.
        gradient: class of the node of the gradient.
    """

    def __init__(self, taps: list[Taps], shape: Size, scales: list[Any], align_corners: Any, gradient: Any) -> None:
        self.taps: list[Taps] = taps
        self.shape: Size = shape
        self.scales: list[Any] = scales
        self.align_corners: Any = align_corners
        self.gradient: Any = gradient

    def forward(self, arrays: list[Any]) -> Any:
        return resampled(arrays[0], self.taps)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [general(self.gradient([t.transposed() for t in self.taps]), [grad])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        return [general(Resampled(self.taps), [tangent])]

    def parameters(self) -> dict[str, Any]:
        names = ("scales_d", "scales_h", "scales_w")[3 - len(self.scales) :] if len(self.scales) > 1 else ("scales",)
        found: dict[str, Any] = {} if self.align_corners is None else {"align_corners": self.align_corners}
        found["output_size"] = tuple([int(t.index.shape[0]) for t in self.taps])
        for i in range(len(names)):
            found[names[i]] = self.scales[i]
        found["self_sym_sizes"] = tuple(self.shape)
        return found


class Resampled(General):
    """Resampling with given taps: gradients and tangents of all kinds."""

    def __init__(self, taps: list[Taps]) -> None:
        self.taps: list[Taps] = taps

    def forward(self, arrays: list[Any]) -> Any:
        return resampled(arrays[0], self.taps)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [general(Resampled([t.transposed() for t in self.taps]), [grad])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        assert tangent is not None
        return [general(Resampled(self.taps), [tangent])]


class UpsampleNearest1DBackward0(Upsample):
    """Old elements at the places of the new ones, in 1 dimension."""


class UpsampleNearestExact1DBackward0(Upsample):
    """Old elements at the centres of the new ones, in 1 dimension."""


class UpsampleNearest2DBackward0(Upsample):
    """Old elements at the places of the new ones, in 2 dimensions."""


class UpsampleNearestExact2DBackward0(Upsample):
    """Old elements at the centres of the new ones, in 2 dimensions."""


class UpsampleNearest3DBackward0(Upsample):
    """Old elements at the places of the new ones, in 3 dimensions."""


class UpsampleNearestExact3DBackward0(Upsample):
    """Old elements at the centres of the new ones, in 3 dimensions."""


class UpsampleLinear1DBackward0(Upsample):
    """Linear interpolation."""


class UpsampleBilinear2DBackward0(Upsample):
    """Linear interpolation in 2 dimensions."""


class UpsampleTrilinear3DBackward0(Upsample):
    """Linear interpolation in 3 dimensions."""


class UpsampleBicubic2DBackward0(Upsample):
    """Cubic interpolation in 2 dimensions."""


class UpsampleBilinear2DAaBackward0(Upsample):
    """Linear interpolation in 2 dimensions, with antialiasing."""


class UpsampleBicubic2DAaBackward0(Upsample):
    """Cubic interpolation in 2 dimensions, with antialiasing."""


class UpsampleLanczos2DAaBackward0(Upsample):
    """Lanczos' interpolation in 2 dimensions, with antialiasing."""


class UpsampleNearest1DBackwardBackward0(Resampled):
    """Gradient of ``UpsampleNearest1DBackward0``."""


class UpsampleNearestExact1DBackwardBackward0(Resampled):
    """Gradient of ``UpsampleNearestExact1DBackward0``."""


class UpsampleNearest2DBackwardBackward0(Resampled):
    """Gradient of ``UpsampleNearest2DBackward0``."""


class UpsampleNearestExact2DBackwardBackward0(Resampled):
    """Gradient of ``UpsampleNearestExact2DBackward0``."""


class UpsampleNearest3DBackwardBackward0(Resampled):
    """Gradient of ``UpsampleNearest3DBackward0``."""


class UpsampleNearestExact3DBackwardBackward0(Resampled):
    """Gradient of ``UpsampleNearestExact3DBackward0``."""


class UpsampleLinear1DBackwardBackward0(Resampled):
    """Gradient of ``UpsampleLinear1DBackward0``."""


class UpsampleBilinear2DBackwardBackward0(Resampled):
    """Gradient of ``UpsampleBilinear2DBackward0``."""


class UpsampleTrilinear3DBackwardBackward0(Resampled):
    """Gradient of ``UpsampleTrilinear3DBackward0``."""


class UpsampleBicubic2DBackwardBackward0(Resampled):
    """Gradient of ``UpsampleBicubic2DBackward0``."""


class UpsampleBilinear2DAaBackwardBackward0(Resampled):
    """Gradient of ``UpsampleBilinear2DAaBackward0``."""


class UpsampleBicubic2DAaBackwardBackward0(Resampled):
    """Gradient of ``UpsampleBicubic2DAaBackward0``."""


class UpsampleLanczos2DAaBackwardBackward0(Resampled):
    """Gradient of ``UpsampleLanczos2DAaBackward0``."""
