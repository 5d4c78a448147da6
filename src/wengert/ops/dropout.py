"""Dropout: elements or channels set to zero at random, the others scaled so that the mean stays."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import FLOATING
from .._core.tensor_base import TensorBase
from .._record.binary import binary
from .._record.common import make
from ..kernels import bulk
from .arithmetic import MulBackward0
from .random import default_generator, laid_out, memory_shape

if TYPE_CHECKING:
    from .._tensor import Tensor

# Where selu saturates on the left, -scale * alpha: what alpha dropout puts in place of dropped elements.
ALPHA: Final = 1.7580993408473766


class Dropped(MulBackward0):
    """A product with a mask that was computed with the mask."""

    def __init__(self, value: Any) -> None:
        self.value: Any = value

    def forward(self, x: Any, y: Any) -> Any:
        return self.value


def check_probability(p: Any) -> None:
    """Refuse probabilities outside [0, 1]."""
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def kept(x: TensorBase, p: float, channels: bool) -> Any:
    """Array of ones with probability 1 - p, else zeros; with ``channels`` one per row and channel."""
    if x.dt.category < FLOATING:
        raise errors.not_implemented("bernoulli_scalar_cpu_", x.dt) if x.dt.category == 0 else RuntimeError(
            f"result type Float can't be cast to the desired output type {x.dt.title}"
        )  # fmt: skip
    if not channels:
        model = np.asarray(x.array)
        return laid_out(default_generator.bernoulli_scalar(1 - p, memory_shape(model), x.dt.np), model)
    if len(x.shp) < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    shape = x.shp[:2] + (1,) * (len(x.shp) - 2)
    return default_generator.bernoulli_scalar(1 - p, shape, x.dt.np)


def drop(x: Tensor, p: Any, train: bool, channels: bool, inplace: bool) -> Tensor:
    """Dropout of elements or channels."""
    check_probability(p)
    if p == 0 or not train or x.array.size == 0:
        return x
    if p == 1:
        noise = np.zeros((), x.dt.np)
    elif not inplace and not channels and bulk.handles(x.array) and x.array.flags.forc:
        noise, value = default_generator.dropped(x.array, 1 - float(p))
        return binary(Dropped(value), x, make(noise))
    else:
        noise = kept(x, float(p), channels)
        noise /= noise.dtype.type(1 - p)
    return x.mul_(make(noise)) if inplace else x * make(noise)


def drop_alpha(x: Tensor, p: Any, train: bool, channels: bool, inplace: bool) -> Tensor:
    """Alpha dropout of elements or channels: dropped ones become the saturation value, then all are scaled and shifted."""
    check_probability(p)
    if p == 0 or not train or x.array.size == 0:
        return x
    if p == 1:
        zero = make(np.zeros((), x.dt.np))
        return x.mul_(zero) if inplace else x * zero
    noise = kept(x, float(p), channels)
    number = noise.dtype.type
    a = 1.0 / math.sqrt((ALPHA * ALPHA * p + 1) * (1 - p))
    offset = noise - 1
    offset *= number(ALPHA * a)
    offset += number(ALPHA * a * p)
    noise *= number(a)
    scale, shift = make(noise), make(offset)
    return x.mul_(scale).add_(shift) if inplace else x * scale + shift


def dropout(self: Tensor, p: Any = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """``self`` with each element set to 0 with probability ``p`` and the others divided by 1 - p; ``self`` unless training.

    Gradient:
        That of the product with the mask.

    Raises:
        ValueError: for ``p`` outside [0, 1].

    Source: Srivastava et al. 2014; random numbers as ``torch.nn.functional.dropout``.

    Variants: nn
    """
    return drop(self, p, training, False, inplace)


def plain_dropout(self: Tensor, p: Any, train: bool) -> Tensor:
    """``self`` with each element set to 0 with probability ``p`` and the others divided by 1 - p, where ``train`` is True.

    Variants: function
    Name: dropout
    """
    return drop(self, p, train, False, False)


def plain_feature_dropout(self: Tensor, p: Any, train: bool) -> Tensor:
    """``self`` with each channel (dimension 1 of every row) set to 0 with probability ``p``, the others divided by 1 - p.

    Variants: function
    Name: feature_dropout
    """
    return drop(self, p, train, True, False)


def plain_alpha_dropout(self: Tensor, p: Any, train: bool) -> Tensor:
    """Dropout that keeps mean and variance of selu activations.

    Variants: function
    Name: alpha_dropout
    """
    return drop_alpha(self, p, train, False, False)


def plain_feature_alpha_dropout(self: Tensor, p: Any, train: bool) -> Tensor:
    """Alpha dropout of whole channels.

    Variants: function
    Name: feature_alpha_dropout
    """
    return drop_alpha(self, p, train, True, False)


def alpha_dropout(self: Tensor, p: Any = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout that keeps mean and variance of selu activations: dropped elements take its saturation value.

    Source: Klambauer et al. 2017, section "New dropout technique".

    Variants: nn
    """
    return drop_alpha(self, p, training, False, inplace)


def feature_alpha_dropout(self: Tensor, p: Any = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Alpha dropout of whole channels (dimension 1 of every row).

    Variants: nn
    """
    return drop_alpha(self, p, training, True, inplace)


def dropout1d(self: Tensor, p: Any = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Dropout of whole channels of shape (rows, channels, length) or (channels, length).

    Variants: nn
    """
    dims = len(self.shp)
    if dims not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {dims}D input. Note that dropout1d exists to provide "
            "channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch dimension "
            "(i.e. 2D or 3D inputs)."
        )
    return drop_channels(self, p, training, inplace, dims == 2)


def dropout2d(self: Tensor, p: Any = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Dropout of whole channels of shape (rows, channels, height, width).

    Variants: nn
    """
    dims = len(self.shp)
    if dims not in (3, 4):
        warnings.warn(
            f"dropout2d: Received a {dims}-D input to dropout2d, which is deprecated and will result in an error in a future "
            "release. To retain the behavior and silence this warning, please use dropout instead. Note that dropout2d "
            "exists to provide channel-wise dropout on inputs with 2 spatial dimensions, a channel dimension, and an "
            "optional batch dimension (i.e. 3D or 4D inputs).",
            UserWarning,
            stacklevel=3,
        )
    if dims == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired - "
            "input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a future "
            "release to interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain the 1D "
            "channel-wise dropout behavior, please switch to using dropout1d instead.",
            UserWarning,
            stacklevel=3,
        )
    return drop_channels(self, p, training, inplace, False)


def dropout3d(self: Tensor, p: Any = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Dropout of whole channels of shape (rows, channels, depth, height, width) or without rows.

    Variants: nn
    """
    dims = len(self.shp)
    if dims not in (4, 5):
        warnings.warn(
            f"dropout3d: Received a {dims}-D input to dropout3d, which is deprecated and will result in an error in a future "
            "release. To retain the behavior and silence this warning, please use dropout instead. Note that dropout3d "
            "exists to provide channel-wise dropout on inputs with 3 spatial dimensions, a channel dimension, and an "
            "optional batch dimension (i.e. 4D or 5D inputs).",
            UserWarning,
            stacklevel=3,
        )
    return drop_channels(self, p, training, inplace, dims == 4)


def drop_channels(x: Tensor, p: Any, training: bool, inplace: bool, single: bool) -> Tensor:
    """Dropout of channels; ``single`` for input without a dimension of rows."""
    if not single:
        return drop(x, p, training, True, inplace)
    if inplace:
        drop(x.unsqueeze(0), p, training, True, True)
        return x
    return drop(x.unsqueeze(0), p, training, True, False).squeeze(0)
