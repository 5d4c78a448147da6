"""Reductions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.dtypes import INTEGER
from .._record.reduction import Reduction, reduce

if TYPE_CHECKING:
    from .._tensor import Tensor


class SumBackward0(Reduction):
    """Sum of all elements."""

    def forward(self, arrays: list[Any]) -> Any:
        x = arrays[0]
        return np.sum(x, axis=self.axes(), dtype=np.int64 if x.dtype.kind in "biu" else x.dtype, keepdims=self.keepdim)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        return [self.spread(grad)]


def sum(self: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:  # noqa: A001
    """Sum.

    Variants: function method
    """
    return reduce(SumBackward0(self, dim, keepdim), self)


__all__ = ["INTEGER"]
