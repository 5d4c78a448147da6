"""``Variable``: the name that tensors with gradients had before 2018."""

from __future__ import annotations

import warnings
from typing import Any

from .._core.tensor_base import TensorBase
from .._tensor import Tensor


class VariableMeta(type):
    """Makes every tensor an instance of ``Variable``."""

    def __instancecheck__(cls, other: object) -> bool:
        return isinstance(other, TensorBase)


class Variable(metaclass=VariableMeta):
    """Old constructor: ``Variable(t, requires_grad=True)`` gives a tensor that shares the data of ``t``.

    Args:
        data: a tensor.
        requires_grad: record operations on it.
        volatile: without effect, as in PyTorch since 0.4.
    """

    def __new__(cls, data: Any = None, requires_grad: bool | None = None, volatile: Any = None) -> Any:
        """A leaf around ``data``."""
        if volatile is not None:
            warnings.warn(
                "volatile was removed (Variable.volatile is always False); use no_grad()", UserWarning, stacklevel=2
            )
        out = data.data if isinstance(data, Tensor) else data
        if requires_grad:
            out.requires_grad_(True)
        return out
