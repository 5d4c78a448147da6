"""Memory shared with other array packages by the DLPack protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import device as devices
from .._core.tensor_base import requires_grad
from .creation import from_numpy

if TYPE_CHECKING:
    from .._tensor import Tensor

REQUIRES_GRAD: Final = "Can't export tensors that require gradient, use tensor.detach()"


def __dlpack__(
    self: Tensor, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: Any = None
) -> Any:
    """A capsule for ``from_dlpack`` of another package, which then shares the tensor's memory.

    Raises:
        BufferError: when the tensor requires grad, or has no form in the protocol.

    Source: the Python array API standard, 2024.12.

    Variants: method
    """
    if requires_grad(self):
        raise BufferError(REQUIRES_GRAD)
    options = {"stream": stream, "max_version": max_version, "dl_device": dl_device, "copy": copy}
    # NumPy 2.0 knows only the first of them.
    return self.numpy().__dlpack__(**{name: value for name, value in options.items() if value is not None})


def __dlpack_device__(self: Tensor) -> Any:
    """``(1, 0)``, two ints: memory of the processor.

    Variants: method
    """
    return (1, 0)


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: Any = None) -> Tensor:
    """Tensor that shares the memory of another package's array: a change of one is seen in the other.

    Args:
        ext_tensor: an object with ``__dlpack__``, in memory of the processor.
        copy: True always copies, False never, None only where it must.

    Raises:
        TypeError: when it does not follow the protocol, or has a type that tensors do not have.
        BufferError: when its package does not hand it out, as with tensors that require grad.

    Source: the Python array API standard, 2024.12.

    Variants: function
    """
    devices.check_device(device)
    if not hasattr(ext_tensor, "__dlpack__") or not hasattr(ext_tensor, "__dlpack_device__"):
        raise TypeError(
            f"from_dlpack(): expected an object with __dlpack__ and __dlpack_device__ (got {type(ext_tensor).__name__})\n"
            "  try: the array itself, not a capsule made of it"
        )
    array = np.from_dlpack(ext_tensor) if copy is None else np.from_dlpack(ext_tensor, copy=bool(copy))
    return from_numpy(array)
