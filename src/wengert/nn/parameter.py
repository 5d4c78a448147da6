"""``Parameter``: a leaf that requires grad from the start; ``Buffer``: a tensor that a module registers as its state."""

from __future__ import annotations

from typing import Any

from .._core import modes, text
from .._core.copying import attributes_of
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

    def __deepcopy__(self, memo: Any) -> Any:
        """Same values in memory of its own, without gradient and attributes."""
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.data.clone(), self.requires_grad)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuild, (self.detach(), self.requires_grad, attributes_of(self))


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


class _BufferType(type):
    """Lets ``isinstance(t, Buffer)`` hold for the plain tensors that ``Buffer(...)`` gives."""

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, TensorBase) and bool(getattr(value, "_is_buffer", False))


class Buffer(metaclass=_BufferType):
    """A tensor that, assigned to an attribute of a module, becomes a buffer of it.

    Args:
        data: values, whose memory is shared; no elements when left out.
        persistent: whether the module's ``state_dict()`` has it.

    Returns:
        A plain ``Tensor`` with the attribute ``persistent``.
    """

    persistent: bool

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        """Make a tensor and mark it."""
        source = _empty() if data is None else data
        out: Any = source.detach().requires_grad_(source.requires_grad)
        out.persistent = persistent
        out._is_buffer = True
        return out


def __getattr__(name: str) -> Any:
    """PyTorch's place of the names of ``parameter_lazy``."""
    if name in ("UninitializedBuffer", "UninitializedParameter", "UninitializedTensorMixin", "is_lazy"):
        from . import parameter_lazy

        return getattr(parameter_lazy, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
