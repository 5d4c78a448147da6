"""Images, signals and volumes in other sizes: interpolate and its older names."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import FLOATING, float64, uint8
from .._core.tensor_base import TensorBase
from .._record.common import int_of
from .._record.general import general
from . import interpolate_nodes as nodes
from .interpolate_taps import Taps, cubic, linear, nearest_of_image, nearest_of_line, smoothed
from .pool_adaptive import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d

if TYPE_CHECKING:
    from .._tensor import Tensor

LINEAR: Final[dict[str, int]] = {"linear": 3, "bilinear": 4, "trilinear": 5}
SMOOTH: Final = ("bilinear", "bicubic", "lanczos")
NO_CORNERS: Final = ("nearest", "area", "nearest-exact")
KINDS: Final[dict[str, tuple[Any, Any]]] = {
    "nearest1": (nodes.UpsampleNearest1DBackward0, nodes.UpsampleNearest1DBackwardBackward0),
    "nearest2": (nodes.UpsampleNearest2DBackward0, nodes.UpsampleNearest2DBackwardBackward0),
    "nearest3": (nodes.UpsampleNearest3DBackward0, nodes.UpsampleNearest3DBackwardBackward0),
    "nearest-exact1": (nodes.UpsampleNearestExact1DBackward0, nodes.UpsampleNearestExact1DBackwardBackward0),
    "nearest-exact2": (nodes.UpsampleNearestExact2DBackward0, nodes.UpsampleNearestExact2DBackwardBackward0),
    "nearest-exact3": (nodes.UpsampleNearestExact3DBackward0, nodes.UpsampleNearestExact3DBackwardBackward0),
    "linear1": (nodes.UpsampleLinear1DBackward0, nodes.UpsampleLinear1DBackwardBackward0),
    "bilinear2": (nodes.UpsampleBilinear2DBackward0, nodes.UpsampleBilinear2DBackwardBackward0),
    "trilinear3": (nodes.UpsampleTrilinear3DBackward0, nodes.UpsampleTrilinear3DBackwardBackward0),
    "bicubic2": (nodes.UpsampleBicubic2DBackward0, nodes.UpsampleBicubic2DBackwardBackward0),
    "bilinear2aa": (nodes.UpsampleBilinear2DAaBackward0, nodes.UpsampleBilinear2DAaBackwardBackward0),
    "bicubic2aa": (nodes.UpsampleBicubic2DAaBackward0, nodes.UpsampleBicubic2DAaBackwardBackward0),
    "lanczos2aa": (nodes.UpsampleLanczos2DAaBackward0, nodes.UpsampleLanczos2DAaBackwardBackward0),
}


def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: Any = None,
    recompute_scale_factor: Any = None,
    antialias: bool = False,
) -> Tensor:
    """The input resampled to another size along its last dimensions.

    Args:
        input: floating (or uint8), of shape (rows, channels, length), (..., height, width) or (..., depth, height, width).
        size: the new sizes, one int for all dimensions or one for each.
        scale_factor: factors instead of sizes; new sizes are rounded down.
        mode: ``"nearest"``, ``"nearest-exact"``, ``"area"`` for any number of dimensions; ``"linear"``, ``"bilinear"``,
            ``"trilinear"`` for 1, 2, 3; ``"bicubic"`` and (with ``antialias``) ``"lanczos"`` for 2.
        align_corners: whether the centres of the first and last elements stay in place, rather than the outer edges.
        recompute_scale_factor: take the factor from the rounded sizes.
        antialias: when shrinking, weigh all old elements that a new one covers.

    Gradient:
        The transposed resampling.

    Raises:
        ValueError: unless exactly one of ``size`` and ``scale_factor`` is given, in a length that fits.
        NotImplementedError: for a mode that the number of dimensions does not have.

    Example:
        >>> import wengert as wg
        >>> wg.nn.functional.interpolate(wg.tensor([[[1.0, 3.0]]]), size=3, mode="linear", align_corners=True)
        tensor([[[1., 2., 3.]]])

    Variants: nn
    """
    if not isinstance(input, TensorBase):
        raise errors.argument_type("interpolate", "input", 1, "Tensor", input)
    if mode in NO_CORNERS:
        if align_corners is not None:
            raise ValueError(
                "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
            )
    elif align_corners is None:
        align_corners = False
    if recompute_scale_factor and size is not None and scale_factor is None:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    sizes, scales = new_sizes(input, size, scale_factor, recompute_scale_factor or mode == "area")
    if antialias and not (mode in SMOOTH and len(input.shp) == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    check_mode(len(input.shp), mode, align_corners, antialias)
    if mode == "area":
        return averaged(input, sizes)
    check_sizes(input, sizes)
    check_kind(input, mode, antialias)
    old = input.shp[2:]
    taps = [taps_of(old[i], sizes[i], mode, align_corners, scales[i], antialias, input) for i in range(len(sizes))]
    return general(node_of(mode, antialias, taps, input, scales, align_corners), [input])


def new_sizes(x: TensorBase, size: Any, scale_factor: Any, recompute: Any) -> tuple[list[int], list[Any]]:
    """New sizes, and the factors that count for the places of the new elements."""
    dims = len(x.shp) - 2
    spatial = list(x.shp[2:])
    layout = "Please provide input tensor in (N, C, d1, d2, ...,dK) format and"
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is not None:
        if isinstance(size, (list, tuple)):
            if len(size) != dims:
                raise ValueError(
                    "Input and output must have the same number of spatial dimensions, but got input with spatial dimensions "
                    f"of {spatial} and output size of {size}. {layout} output size in (o1, o2, ...,oK) format."
                )
            if not all(map(is_integer, size)):
                raise TypeError(
                    "expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, int, int], but got size "
                    f"with types {[type(n) for n in size]}"
                )
        given = list(size) if isinstance(size, (list, tuple)) else [size] * dims
        return [int_of(n, "size") for n in given], [None] * dims
    if scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if isinstance(scale_factor, (list, tuple)) and len(scale_factor) != dims:
        raise ValueError(
            "Input and scale_factor must have the same number of spatial dimensions, but got input with spatial dimensions of "
            f"{spatial} and scale_factor of shape {scale_factor}. {layout} scale_factor in (s1, s2, ...,sK) format."
        )
    factors = list(scale_factor) if isinstance(scale_factor, (list, tuple)) else [scale_factor] * dims
    scales = [float(f) for f in factors]
    if not all(map(math.isfinite, scales)):
        raise errors.overflow("int64_t")
    sizes = [int(spatial[i] * scales[i]) for i in range(dims)]
    return sizes, [None] * dims if recompute else list(scales)


def is_integer(n: Any) -> bool:
    """Whether a size is given as an integer."""
    return hasattr(n, "__index__") and not isinstance(n, bool)


def check_mode(ndim: int, mode: str, align_corners: Any, antialias: bool) -> None:
    """Refuse modes that the number of dimensions does not have."""
    if mode == "lanczos" and ndim == 4:
        if align_corners:
            raise ValueError("Lanczos mode does not support align_corners=True")
        if not antialias:
            raise ValueError("Lanczos mode requires antialias=True")
        return
    if ndim in (3, 4, 5):
        if mode in NO_CORNERS or LINEAR.get(mode) == ndim or (mode == "bicubic" and ndim == 4):
            return
        if mode in LINEAR:
            raise NotImplementedError(f"Got {ndim}D input, but {mode} mode needs {LINEAR[mode]}D input")
    raise NotImplementedError(
        f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {ndim}D) for the modes: nearest | linear | bilinear | "
        f"bicubic | trilinear | lanczos | area | nearest-exact (got {mode})"
    )


def check_sizes(x: TensorBase, sizes: list[int]) -> None:
    """Refuse empty images."""
    old = x.shp[2:]
    if min(sizes) <= 0 or min(old) <= 0:
        names = ("D", "H", "W")[3 - len(sizes) :]
        before = ", ".join([f"{name}: {n}" for name, n in zip(names, old, strict=True)])
        after = ", ".join([f"{name}: {n}" for name, n in zip(names, sizes, strict=True)])
        link = "and output" if len(sizes) == 1 else "output"
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input ({before}) {link} ({after})"
        )
    if x.shp[1] == 0:
        raise RuntimeError(
            f"Non-empty {len(x.shp)}D data tensor expected but got a tensor with sizes {errors.shape_text(x.shp)}"
        )


def check_kind(x: TensorBase, mode: str, antialias: bool) -> None:
    """Refuse element types other than floating and uint8."""
    if x.dt.category == FLOATING or x.dt is uint8:
        return
    flat = len(x.shp) == 4 and mode != "bicubic"
    if antialias:
        kernel = "compute_index_ranges_weights"
    elif flat:
        kernel = f"upsample_{'bilinear' if mode == 'bilinear' else 'nearest'}2d_channels_last"
    else:
        kind = "cubic" if mode == "bicubic" else "linear" if mode in LINEAR else "nearest"
        kernel = f"compute_indices_weights_{kind}"
    raise errors.not_implemented(kernel, x.dt)


def taps_of(old: int, new: int, mode: str, align_corners: Any, scale: Any, antialias: bool, x: TensorBase) -> Taps:
    """Taps of one dimension of an input ``x``."""
    if antialias:
        return smoothed(old, new, bool(align_corners), scale, mode)
    if mode in LINEAR:
        return linear(old, new, bool(align_corners), scale)
    if mode == "bicubic":
        return cubic(old, new, bool(align_corners), scale)
    if len(x.shp) == 4:
        return nearest_of_image(old, new, scale, mode == "nearest-exact")
    return nearest_of_line(old, new, scale, mode == "nearest-exact", np.float64 if x.dt is float64 else np.float32)


def node_of(
    mode: str, antialias: bool, taps: list[Taps], x: TensorBase, scales: list[Any], align_corners: Any
) -> nodes.Upsample:
    """The graph node of a kind of resampling."""
    kind, gradient = KINDS[f"{mode}{len(taps)}{'aa' if antialias else ''}"]
    found: nodes.Upsample = kind(taps, x.shp, scales, align_corners, gradient)
    return found


def averaged(x: Tensor, sizes: list[int]) -> Tensor:
    """Means over the old elements that each new one covers."""
    if len(sizes) == 1:
        return adaptive_avg_pool1d(x, sizes)
    return adaptive_avg_pool2d(x, sizes) if len(sizes) == 2 else adaptive_avg_pool3d(x, sizes)


def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: Any = None
) -> Tensor:
    """``interpolate`` under its older name, with a warning.

    Variants: nn
    """
    warn_older("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """``interpolate`` with mode ``"nearest"``, with a warning.

    Variants: nn
    """
    warn_older("upsample_nearest")
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """``interpolate`` with mode ``"bilinear"`` and corners aligned, with a warning.

    Variants: nn
    """
    warn_older("upsample_bilinear")
    return interpolate(input, size, scale_factor, "bilinear", True)


def warn_older(name: str) -> None:
    """The warning of names that ``interpolate`` has replaced."""
    text = f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead."
    warnings.warn(text, UserWarning, stacklevel=4)
