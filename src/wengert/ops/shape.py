"""Views and rearrangements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.dtypes import Size
from .._record.view import View, view

if TYPE_CHECKING:
    from .._tensor import Tensor


class ExpandBackward0(View):
    """Dimensions of size 1 repeated without copying."""

    def __init__(self, size: tuple[int, ...]) -> None:
        self.size: tuple[int, ...] = size

    def forward(self, x: Any) -> Any:
        return np.broadcast_to(x, self.size)

    def grad_self(self, grad: Tensor) -> Tensor:
        return sum_to(grad, self.shape)

    def again(self) -> View:
        return ExpandBackward0(self.size)


def expand(self: Tensor, *sizes: Any) -> Tensor:
    """Stub until the page is written.

    Variants: method
    """
    return view(ExpandBackward0(tuple(sizes[0]) if isinstance(sizes[0], (tuple, list)) else sizes), self)


import numpy as np  # noqa: E402

from .._record.common import sum_to  # noqa: E402

__all__ = ["Size"]
