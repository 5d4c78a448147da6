"""What the normalisations share: groups of elements are shifted to mean 0 and scaled to variance 1.

Layer, batch and group normalisation differ only in which elements form a group and along which dimensions weight and bias
vary. A ``Frame`` says both, for the input seen in a simpler shape; the derivatives are then written once.

Let c = x - mean, r = (mean(c**2) + eps)**(-1/2), s = c r (means over the group), and y = s w + b. With the projection
P(v) = v - mean(v) - s mean(v s), the standardised values change by ds = r P(dx), and r changes by dr = -r**2 mean(s dx).
P is symmetric, so the gradient of x is r P(w grad).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._record.common import untracked
from ..kernels.arrays import move_axis

if TYPE_CHECKING:
    from .._tensor import Tensor

_float64: Final[Any] = np.float64

LARGE: Final = 1 << 18


class Frame:
    """How the input of a normalisation is divided into groups.

    Attributes:
        work: shape in which the input is seen.
        axes: its dimensions that form a group.
        stats: shape of mean and scale of the groups there (size 1 along ``axes``).
        weights: shape of weight and bias there.
        summed: dimensions along which weight and bias do not vary.
        fixed: whether mean and scale are given numbers that do not depend on the input.
        eps: what is added to the variance.
    """

    def __init__(self, work: Any, axes: Any, weights: Any, fixed: bool, eps: float) -> None:
        self.work: tuple[int, ...] = tuple(work)
        self.axes: tuple[int, ...] = tuple(axes)
        self.stats: tuple[int, ...] = tuple([1 if i in axes else n for i, n in enumerate(work)])
        self.weights: tuple[int, ...] = tuple(weights)
        self.summed: tuple[int, ...] = tuple([i for i, n in enumerate(weights) if n == 1 and i != 1])
        self.fixed: bool = fixed
        self.eps: float = eps

    def project(self, v: Tensor, s: Tensor) -> Tensor:
        """P(v)."""
        if self.fixed:
            return v
        found: Tensor = v - v.mean(self.axes, True) - s * (v * s).mean(self.axes, True)
        return found

    def mean(self, v: Tensor) -> Tensor:
        """Mean over the groups."""
        return v.mean(self.axes, True)

    def summed_up(self, v: Tensor) -> Tensor:
        """Sum over everything that shares a weight, as a vector."""
        return v.sum(self.summed) if len(self.summed) > 0 else v

    def standard(self, x: Tensor, mean: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised values and scale: from what was saved, or recorded anew when ``x`` has a graph of its own."""
        if self.fixed or untracked(x):
            r = scale.reshape(self.stats)
            s = (x - mean.reshape(self.stats)) * r
            return (s, r) if s.dt is x.dt else (s.to(x.dt), r.to(x.dt))
        centred = x - self.mean(x)
        r = (self.mean(centred * centred) + self.eps).rsqrt()
        return centred * r, r


def mean_of(x: Any, axes: tuple[int, ...]) -> Any:
    """Mean in double precision; not a number for groups without elements."""
    count = 1
    for axis in axes:
        count *= x.shape[axis]
    return np.sum(x, axis=axes, keepdims=True, dtype=_float64) / _float64(count)


def standardize(x: Any, frame: Frame) -> tuple[Any, Any, Any]:
    """Standardised values, means and variances of an array; two passes, with sums in double precision."""
    mean = mean_of(x, frame.axes)
    centred = np.subtract(x, mean, out=np.empty(x.shape, wide(x)), casting="same_kind")
    if centred.size > LARGE:  # subtracting twice is cheaper than a second array
        variance = mean_of(np.square(centred, out=centred), frame.axes)
        np.subtract(x, mean, out=centred, casting="same_kind")
    else:
        variance = mean_of(np.square(centred), frame.axes)
    centred *= 1.0 / np.sqrt(variance + frame.eps)
    return centred, mean, variance


def wide(x: Any) -> Any:
    """Dtype to compute in: half precision is computed in single."""
    return np.float32 if x.dtype == np.float16 else x.dtype


def scaled(s: Any, weight: Any, bias: Any, shape: tuple[int, ...]) -> Any:
    """s * weight + bias, written over s."""
    if weight is not None:
        s *= np.reshape(weight, shape)
    if bias is not None:
        s += np.reshape(bias, shape)
    return s


def array_gradients(
    frame: Frame, grad: Any, x: Any, weight: Any, mean: Any, scale: Any, wanted: list[bool]
) -> list[Any]:
    """Gradients of input, weight and bias for arrays; None where not wanted."""
    kind = wide(x)
    grad = grad.reshape(frame.work).astype(kind, copy=False)
    s = x.reshape(frame.work) - np.reshape(mean, frame.stats)
    r = np.reshape(scale, frame.stats).astype(kind, copy=False)
    s = np.multiply(s, r, out=np.empty(frame.work, kind), casting="same_kind")
    found: list[Any] = [None, None, None]
    if wanted[1]:
        found[1] = np.sum(grad * s, axis=frame.summed, dtype=_float64)
    if wanted[2]:
        found[2] = np.sum(grad, axis=frame.summed, dtype=_float64)
    if not wanted[0]:
        return found
    q = grad if weight is None else grad * np.reshape(weight, frame.weights)
    if frame.fixed:
        found[0] = q * r
        return found
    along = mean_of(q * s, frame.axes).astype(kind)
    s *= along
    s += mean_of(q, frame.axes).astype(kind)
    np.subtract(q, s, out=s)
    s *= r
    found[0] = s
    return found


def is_channels_last(x: Any) -> bool:
    """Whether an array of 4 or 5 dimensions lies in memory with the channels (dimension 1) as the last dimension."""
    if x.ndim not in (4, 5) or x.flags.c_contiguous:
        return False
    return bool(move_axis(x, 1, -1).flags.c_contiguous)


def laid_like(array: Any, model: Any) -> Any:
    """The array in row-major order, or with the channels last if ``model`` has them there."""
    if is_channels_last(model):
        return move_axis(np.ascontiguousarray(move_axis(array, 1, -1)), -1, 1)
    return np.ascontiguousarray(array)
