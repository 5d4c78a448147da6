"""Samples of a categorical distribution that have a gradient."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from .._core import errors
from .._core.tensor_base import TensorBase

if TYPE_CHECKING:
    from .._tensor import Tensor


def gumbel_softmax(logits: Tensor, tau: Any = 1, hard: bool = False, eps: Any = 1e-10, dim: Any = -1) -> Tensor:
    """softmax((logits + g) / tau) with g drawn from the Gumbel distribution: nearly one-hot samples for small ``tau``.

    Args:
        logits: floating; logarithms of probabilities, up to a constant.
        tau: temperature.
        hard: return one-hot samples, with the gradient of the soft ones.
        eps: has no effect.
        dim: dimension of the categories.

    Gradient:
        Of the soft samples, for given g.

    Source: Jang, Gu and Poole 2017; Maddison, Mnih and Teh 2017.

    Variants: nn
    """
    if not isinstance(logits, TensorBase):
        raise errors.argument_type("gumbel_softmax", "logits", 1, "Tensor", logits)
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", UserWarning, stacklevel=3)
    noise = -logits.new_empty(logits.shp).exponential_().log()
    soft: Tensor = ((logits + noise) / tau).softmax(dim)
    if not hard:
        return soft
    best = soft.max(dim, keepdim=True)[1]
    chosen = logits.new_zeros(logits.shp).scatter_(dim, best, 1.0)
    found: Tensor = chosen - soft.detach() + soft
    return found
