"""Padding as modules."""

from __future__ import annotations

from typing import Any

from .._tensor import Tensor
from . import functional as F
from ._sizes import repeated
from .module import Module


class _Pad(Module):
    """Widens the last dimensions; subclasses name how many, and how.

    Args:
        padding: one number for all sides, or (left, right, top, bottom, front, back) as far as there are dimensions.
            Negative numbers cut off.
    """

    dimensions: int
    mode: str

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = repeated(padding, 2 * self.dimensions)

    def forward(self, input: Tensor) -> Tensor:
        """The padded input."""
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        """The padding."""
        return f"{self.padding}"


class _ConstantPad(_Pad):
    """Pads with one value."""

    mode = "constant"

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """The padded input."""
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Pads the last dimension with one value."""

    dimensions = 1


class ConstantPad2d(_ConstantPad):
    """Pads the last two dimensions with one value."""

    dimensions = 2


class ConstantPad3d(_ConstantPad):
    """Pads the last three dimensions with one value."""

    dimensions = 3


class ZeroPad1d(ConstantPad1d):
    """Pads the last dimension with zeros."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The padding."""
        return f"{self.padding}"


class ZeroPad2d(ConstantPad2d):
    """Pads the last two dimensions with zeros."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The padding."""
        return f"{self.padding}"


class ZeroPad3d(ConstantPad3d):
    """Pads the last three dimensions with zeros."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The padding."""
        return f"{self.padding}"


class _CircularPad(_Pad):
    """Continues from the other end."""

    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        """The padded input.

        Raises:
            ValueError: for another number of dimensions.
        """
        n = self.dimensions
        if input.dim() not in (n + 1, n + 2):
            raise ValueError(f"expected {n + 1}D or {n + 2}D input (got {input.dim()}D input)")
        return super().forward(input)


class CircularPad1d(_CircularPad):
    """Continues the last dimension from its other end."""

    dimensions = 1


class CircularPad2d(_CircularPad):
    """Continues the last two dimensions from their other ends."""

    dimensions = 2


class CircularPad3d(_CircularPad):
    """Continues the last three dimensions from their other ends."""

    dimensions = 3


class ReflectionPad1d(_Pad):
    """Mirrors the last dimension at its edges, the edges not repeated."""

    dimensions = 1
    mode = "reflect"


class ReflectionPad2d(_Pad):
    """Mirrors the last two dimensions at their edges, the edges not repeated."""

    dimensions = 2
    mode = "reflect"


class ReflectionPad3d(_Pad):
    """Mirrors the last three dimensions at their edges, the edges not repeated."""

    dimensions = 3
    mode = "reflect"


class ReplicationPad1d(_Pad):
    """Repeats the edges of the last dimension."""

    dimensions = 1
    mode = "replicate"


class ReplicationPad2d(_Pad):
    """Repeats the edges of the last two dimensions."""

    dimensions = 2
    mode = "replicate"


class ReplicationPad3d(_Pad):
    """Repeats the edges of the last three dimensions."""

    dimensions = 3
    mode = "replicate"
