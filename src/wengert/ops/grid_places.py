"""Where a grid of sampling points lies in an image: neighbours, weights, and what stands beyond the edge.

A point's value is a sum over its neighbours, with a weight that is a product over the dimensions. Along one dimension the
weights are polynomials in the fraction f, the distance from the neighbour below; f depends on the grid linearly, with a slope
that is constant between pixels. The functions that compute weights work on arrays and on tensors alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._record.common import make, untracked
from ..kernels.arrays import move_axis
from .index_arrays import add_rows
from .interpolate_taps import cubic_weights

if TYPE_CHECKING:
    from .._tensor import Tensor

BILINEAR: Final = 0
NEAREST: Final = 1
BICUBIC: Final = 2
ZEROS: Final = 0
BORDER: Final = 1
REFLECTION: Final = 2


def weights(mode: int, f: Any) -> list[Any]:
    """Weights of the neighbours along one dimension."""
    if mode == NEAREST:
        return []
    return [1 - f, f] if mode == BILINEAR else cubic_weights(f)


def slopes(mode: int, f: Any) -> list[Any]:
    """Derivatives of ``weights`` with respect to f."""
    if mode == BILINEAR:
        return [f * 0 - 1, f * 0 + 1]
    return [outer_slope(f + 1), inner_slope(f), -inner_slope(1 - f), -outer_slope(2 - f)]


def inner_slope(t: Any, a: float = -0.75) -> Any:
    """Derivative of Keys' kernel for distances up to 1."""
    return (3 * (a + 2) * t - 2 * (a + 3)) * t


def outer_slope(t: Any, a: float = -0.75) -> Any:
    """Derivative of Keys' kernel for distances from 1 to 2."""
    return (3 * a * t - 10 * a) * t + 8 * a


def products(factors: list[list[Any]]) -> list[Any]:
    """One product for each choice of a factor from each list, the last list running fastest; None where lists are empty."""
    found: list[Any] = [None]
    for choices in factors:
        if len(choices) > 0:
            found = [c if p is None else p * c for p in found for c in choices]
    return found


def clipped(place: Any, size: int) -> tuple[Any, Any]:
    """Places moved to the nearest edge, and where they moved not; not-a-number becomes 0."""
    top = size - 1
    inside = (place > 0) & (place < top)
    return np.where(place > 0, np.minimum(place, top), 0), inside


def reflected(place: Any, size: int, align_corners: bool) -> tuple[Any, Any]:
    """Places reflected at the edges until they are inside, and the sign of their slope.

    The mirrors stand at the centres of the first and last pixels with ``align_corners``, else at their outer edges.
    """
    low = 0.0 if align_corners else -0.5
    span = float(size - 1 if align_corners else size)
    if span == 0:
        return np.zeros_like(place), np.zeros_like(place)
    distance = np.abs(place - low)
    sign = np.where(place < low, -1, 1)
    flips = np.floor(distance / span)
    rest = distance - flips * span
    odd = flips % 2 == 1
    found, inside = clipped(np.where(odd, span - rest, rest) + low, size)
    return found, np.where(odd, -sign, sign) * inside


def padded(place: Any, size: int, padding: int, align_corners: bool) -> tuple[Any, Any]:
    """Places after padding, and the factor by which that changes their slope."""
    if padding == BORDER:
        return clipped(place, size)
    if padding == REFLECTION:
        return reflected(place, size, align_corners)
    return place, 1


class Axis:
    """The points along one dimension of the image.

    Attributes:
        index: for each neighbour, its int64 places, moved inside.
        inside: for each neighbour, whether it was inside.
        fraction: distance from the neighbour below.
        slope: derivative of ``fraction`` with respect to the grid.
    """

    def __init__(self, grid: Any, size: int, mode: int, padding: int, align_corners: bool) -> None:
        kind = grid.dtype.type
        half = kind((size - 1 if align_corners else size) / 2)
        place = grid * half + kind((size - 1) / 2)
        self.slope: Any = np.full_like(grid, half)
        if mode != BICUBIC:
            place, factor = padded(place, size, padding, align_corners)
            self.slope = self.slope * factor
        base = np.rint(place) if mode == NEAREST else np.floor(place)
        self.fraction: Any = place - base
        self.index: list[Any] = []
        self.inside: list[Any] = []
        for step in NEIGHBOURS[mode]:
            at = base + kind(step)
            if mode == BICUBIC:
                at = padded(at, size, padding, align_corners)[0]
            good = (at >= 0) & (at <= size - 1)
            self.inside.append(good)
            self.index.append(np.where(good, at, 0).astype(np.int64))


NEIGHBOURS: Final[list[tuple[int, ...]]] = [(0, 1), (0,), (-1, 0, 1, 2)]


class Places:
    """The points of a grid in an image.

    Attributes:
        size: number of pixels of an image.
        index: (rows, neighbours, points) places in the flattened image.
        inside: (rows, neighbours, points); False for neighbours beyond the edge, which count as 0.
        axes: for each dimension of the image.
    """

    def __init__(self, shape: Any, grid: Any, mode: int, padding: int, align_corners: bool) -> None:
        dims = len(shape) - 2
        rows = shape[0]
        points = grid.reshape((rows, count(grid.shape[1:-1]), dims))
        if points.dtype == np.float16:
            points = points.astype(np.float32)
        self.mode: int = mode
        self.shape: tuple[int, ...] = tuple(shape)
        self.size: int = count(shape[2:])
        self.axes: list[Axis] = []
        index: list[Any] = [0]
        inside: list[Any] = [True]
        for i in range(dims):
            # The last dimension of the grid counts the dimensions of the image backwards: x, y, z.
            axis = Axis(points[..., dims - 1 - i], shape[2 + i], mode, padding, align_corners)
            self.axes.append(axis)
            index = [before * shape[2 + i] + now for before in index for now in axis.index]
            inside = [before & now for before in inside for now in axis.inside]
        self.index: Any = np.stack(index, 1)
        self.inside: Any = np.stack(inside, 1)

    def fractions(self, grid: Tensor) -> list[Tensor]:
        """Fractions along each dimension, (rows, points), as tensors that depend on the grid."""
        dims = len(self.axes)
        found: list[Tensor] = []
        points = grid.reshape((self.shape[0], self.index.shape[2], dims))
        for i in range(dims):
            axis = self.axes[i]
            fraction = make(axis.fraction)
            if not untracked(grid):
                part = points.select(-1, dims - 1 - i)
                fraction = fraction + (part - part.detach()) * make(axis.slope.astype(grid.dt.np))
            found.append(fraction)
        return found

    def take(self, x: Any) -> Any:
        """Values of the neighbours, (rows, channels, neighbours, points)."""
        rows, channels = self.shape[0], self.shape[1]
        flat = x.reshape((rows, channels, self.size))
        index = self.index.reshape((rows, 1, self.index.shape[1] * self.index.shape[2]))
        values = np.take_along_axis(flat, index, 2)
        values = values.reshape((rows, channels, *self.index.shape[1:]))
        return np.where(self.inside[:, None], values, x.dtype.type(0))

    def put(self, values: Any) -> Any:
        """Values added up at the places of the neighbours, in an image: the transpose of ``take``."""
        pixels = empty_pixels(self.shape, values.dtype)
        self.add(values, pixels)
        return image_of(pixels, self.shape)

    def add(self, values: Any, pixels: Any) -> None:
        """Add values to the pixels (rows * size, channels) of their neighbours."""
        index = self.index + np.arange(self.shape[0]).reshape((-1, 1, 1)) * self.size
        add_rows(pixels, index[self.inside], move_axis(values, 1, -1)[self.inside])


def empty_pixels(shape: tuple[int, ...], dtype: Any) -> Any:
    """Zeros for every pixel of images of this shape, (rows * size, channels)."""
    return np.zeros((shape[0] * count(shape[2:]), shape[1]), dtype)


def image_of(pixels: Any, shape: tuple[int, ...]) -> Any:
    """Images made of their pixels."""
    image = move_axis(pixels.reshape((shape[0], count(shape[2:]), shape[1])), -1, 1)
    return np.ascontiguousarray(image).reshape(shape)


def count(shape: Any) -> int:
    """Number of elements of a shape."""
    total = 1
    for n in shape:
        total *= int(n)
    return total
