"""Dropout as modules: active in training only."""

from __future__ import annotations

from .._tensor import Tensor
from . import functional as F
from .module import Module


class _Dropout(Module):
    """Arguments of all kinds of dropout.

    Args:
        p: probability of dropping.
        inplace: overwrite the input.

    Raises:
        ValueError: for ``p`` outside [0, 1].
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        """The arguments."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """Zero with probability ``p``, else the element divided by 1 - p."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it."""
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """Dropout of whole channels of (rows, channels, length)."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """Dropout of whole channels of (rows, channels, height, width)."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropout):
    """Dropout of whole channels of (rows, channels, depth, height, width)."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it."""
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """Dropout that keeps mean and variance behind SELU."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it; never in place, as in PyTorch."""
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_Dropout):
    """``AlphaDropout`` of whole channels."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply it; never in place, as in PyTorch."""
        return F.feature_alpha_dropout(input, self.p, self.training)
