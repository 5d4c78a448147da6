"""Resampling along one dimension: each new element is a weighted sum of a few old ones, its taps.

An image is resampled one dimension after the other, and the gradient is the resampling with the transposed table of taps.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from ..kernels import bulk as kernels

_float32: Final[Any] = np.float32


class Taps:
    """Table of taps of one dimension.

    Attributes:
        size: number of old elements.
        index: (new elements, taps) places of old elements.
        weight: their weights; 0 where an element has fewer taps; None for ones.
    """

    def __init__(self, size: int, index: Any, weight: Any) -> None:
        self.size: int = size
        self.index: Any = index
        self.weight: Any = weight

    def apply_into(self, out: Any, x: Any, axis: int) -> None:
        """``apply``, with the result written to ``out``, an array in C order."""
        if self.index.size > 0 and kernels.handles(x, out):
            kernels.weighted_rows(x, axis, self.index, self.weight, out)
        else:
            out[...] = self.apply(x, axis)

    def apply(self, x: Any, axis: int) -> Any:
        """New elements along ``axis``."""
        if self.index.size > 0 and kernels.handles(x):
            return kernels.weighted_rows(x, axis, self.index, self.weight, None)
        if self.weight is None:
            return x.take(self.index[:, 0], axis=axis)
        shape = [1] * x.ndim
        shape[axis] = -1
        weight = self.weight.astype(x.dtype)
        out = x.take(self.index[:, 0], axis=axis)
        out *= weight[:, 0].reshape(shape)
        for k in range(1, self.index.shape[1]):
            part = x.take(self.index[:, k], axis=axis)
            part *= weight[:, k].reshape(shape)
            out += part
        return out

    def transposed(self) -> Taps:
        """The taps of the gradient: for each old element the new ones that it went into."""
        count, width = self.index.shape
        old = self.index.reshape(-1)
        new = np.repeat(np.arange(count), width)
        weight = np.ones(old.size) if self.weight is None else self.weight.reshape(-1)
        used = weight != 0
        old, new, weight = old[used], new[used], weight[used]
        numbers = np.bincount(old, minlength=self.size)
        order = np.argsort(old, kind="stable")
        rows = old[order]
        places = np.arange(rows.size) - (np.cumsum(numbers) - numbers)[rows]
        shape = (self.size, max(int(numbers.max(initial=0)), 1))
        index = np.zeros(shape, np.int64)
        table = np.zeros(shape)
        index[rows, places] = new[order]
        table[rows, places] = weight[order]
        return Taps(count, index, table)


def ratio(old: int, new: int, align_corners: bool, scale: Any) -> float:
    """Distance of new elements, in old elements; ``scale`` is the factor that the user gave, or None."""
    if align_corners:
        return (old - 1) / (new - 1) if new > 1 else 0.0
    return 1.0 / scale if scale is not None and scale > 0 else old / new


def nearest_of_image(old: int, new: int, scale: Any, exact: bool) -> Taps:
    """The old element at the place of each new one, in single precision as in PyTorch; ``exact`` looks from its centre.

    PyTorch takes the factors 1 and 2 from the sizes, whatever the user gave.
    """
    step = _float32(1.0 / scale) if scale is not None and scale > 0 else _float32(old) / _float32(new)
    places = np.arange(new, dtype=_float32)
    if exact:
        index = np.floor((places + _float32(0.5)) * step)
    elif new in (old, 2 * old):
        index = np.arange(new) // (new // old)
    else:
        index = np.floor(places * step)
    return Taps(old, np.minimum(index.astype(np.int64), old - 1)[:, None], None)


def nearest_of_line(old: int, new: int, scale: Any, exact: bool, kind: Any) -> Taps:
    """``nearest_of_image`` for lines and volumes: PyTorch computes these in the precision of the input, then rounds to single.

    The half that is subtracted from the product before that is rounded, and added again, decides what ties become.
    """
    step = kind(1.0 / scale) if scale is not None and scale > 0 else kind(old) / kind(new)
    places = np.arange(new, dtype=np.float64)
    if exact:
        source = np.maximum(((places + 0.5) * step - 0.5).astype(kind), kind(0)) + kind(0.5)
    else:
        source = (places * step).astype(kind)
    index = np.floor(source.astype(_float32)).astype(np.int64)
    return Taps(old, np.minimum(index, old - 1)[:, None], None)


def linear(old: int, new: int, align_corners: bool, scale: Any) -> Taps:
    """The two neighbours, weighted by nearness; the same size leaves everything in place, whatever the factor."""
    step = ratio(old, new, align_corners, None if new == old else scale)
    places = np.arange(new)
    source = places * step if align_corners else np.maximum((places + 0.5) * step - 0.5, 0)
    low = np.minimum(source.astype(np.int64), old - 1)
    high = np.minimum(low + 1, old - 1)
    share = np.clip(source - low, 0, 1)
    return Taps(old, np.stack([low, high], 1), np.stack([1 - share, share], 1))


def cubic(old: int, new: int, align_corners: bool, scale: Any) -> Taps:
    """The four neighbours, weighted by Keys' cubic convolution with a = -0.75; beyond the edge stands the edge."""
    step = ratio(old, new, align_corners, scale)
    places = np.arange(new)
    source = places * step if align_corners else (places + 0.5) * step - 0.5
    low = np.minimum(np.floor(source), old - 1)
    share = np.clip(source - low, 0, 1)
    index = low.astype(np.int64)[:, None] + np.arange(-1, 3)
    return Taps(old, np.clip(index, 0, old - 1), np.stack(cubic_weights(share), 1))


def cubic_weights(t: Any, a: float = -0.75) -> list[Any]:
    """Weights of the elements at -1, 0, 1, 2, seen from t in [0, 1].  Works on arrays and on tensors.

    Source: Keys 1981, "Cubic convolution interpolation for digital image processing".
    """
    return [outer_cubic(t + 1, a), inner_cubic(t, a), inner_cubic(1 - t, a), outer_cubic(2 - t, a)]


def inner_cubic(t: Any, a: float) -> Any:
    """Keys' kernel for distances up to 1."""
    return ((a + 2) * t - (a + 3)) * t * t + 1


def outer_cubic(t: Any, a: float) -> Any:
    """Keys' kernel for distances from 1 to 2."""
    return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a


def triangle_kernel(x: Any) -> Any:
    """Kernel of linear interpolation."""
    return np.maximum(1 - np.abs(x), 0)


def cubic_kernel(x: Any) -> Any:
    """Keys' kernel with a = -0.5, which resampling with antialiasing uses."""
    x = np.abs(x)
    return np.where(x < 1, inner_cubic(x, -0.5), np.where(x < 2, outer_cubic(x, -0.5), 0))


def lanczos_kernel(x: Any) -> Any:
    """Lanczos' windowed sinc with three lobes."""
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


RADIUS: Final[dict[str, int]] = {"bilinear": 1, "bicubic": 2, "lanczos": 3}


def smoothed(old: int, new: int, align_corners: bool, scale: Any, mode: str) -> Taps:
    """Taps with antialiasing: where the image shrinks, the kernel is stretched over all elements that a new one covers.

    The same size leaves everything in place, whatever the factor.
    """
    step = ratio(old, new, align_corners, None if new == old else scale)
    stretch = max(step, 1.0)
    support = RADIUS[mode] * stretch
    centre = step * (np.arange(new) + 0.5)
    first = np.maximum((centre - support + 0.5).astype(np.int64), 0)
    end = np.minimum((centre + support + 0.5).astype(np.int64), old)
    width = max(int((end - first).max(initial=1)), 1)
    index = first[:, None] + np.arange(min(width, math.ceil(support) * 2 + 1))
    distance = (index - centre[:, None] + 0.5) / stretch
    kernel = {"bilinear": triangle_kernel, "bicubic": cubic_kernel, "lanczos": lanczos_kernel}[mode]
    weight = np.where(index < end[:, None], kernel(distance), 0)
    total = weight.sum(1, keepdims=True)
    weight = np.divide(weight, total, out=weight, where=total != 0)
    return Taps(old, np.clip(index, 0, old - 1), weight)
