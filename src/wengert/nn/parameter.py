"""``Parameter``: a leaf that requires grad from the start."""

from __future__ import annotations

from typing import Any

from .._core import modes, text
from .._core.dtypes import DEFAULTS, Size, intern_size
from .._core.tensor_base import TensorBase, check_can_require_grad, memory
from .._tensor import Tensor


class Parameter(Tensor):
    """A tensor that is to be trained: shares the memory of ``data`` and requires grad.

    Args:
        data: floating or complex tensor; an empty one when left out.
        requires_grad: False freezes it.

    Raises:
        RuntimeError: for integer and bool data, and for inference tensors outside inference mode.
    """

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        source = _empty() if data is None else data
        if not isinstance(source, TensorBase):
            raise TypeError(f"Parameter data must be a Tensor, not {type(source).__name__}")
        super().__init__(memory(source), source.dt, source.shp)
        if requires_grad:
            check_can_require_grad(source, "Only Tensors of floating point and complex dtype can require gradients")
            if source.inference and not modes.is_inference_mode_enabled():
                raise RuntimeError(
                    "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."
                )
        self.rg = requires_grad
        self.inference = source.inference

    def __repr__(self) -> str:
        return "Parameter containing:\n" + text.tensor_repr(self)

    __str__ = __repr__

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuild, (self.detach(), self.requires_grad, dict(self.__dict__))


def _empty() -> Any:
    """No elements."""
    import numpy as np

    shape: Size = intern_size((0,))
    return Tensor(np.empty((0,), DEFAULTS.float.np), DEFAULTS.float, shape)


def _rebuild(data: Any, requires_grad: bool, attributes: dict[str, Any]) -> Parameter:
    """Make a pickled parameter again."""
    out = Parameter(data, requires_grad)
    out.__dict__.update(attributes)
    return out
