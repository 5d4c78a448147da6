"""Other memory for a tensor: ``resize_`` and ``set_``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors, views
from .._core.tensor_base import TensorBase, bump, memory, replace_array, requires_grad
from .._record import forward
from .sizes import count, sizes_of

if TYPE_CHECKING:
    from .._tensor import Tensor

_as_strided: Final[Any] = np.lib.stride_tricks.as_strided


def resize_(self: Tensor, *sizes: Any, size: Any = None, memory_format: Any = None) -> Tensor:
    """Give the tensor another shape; elements keep their order in memory, new ones are uninitialised.

    Raises:
        RuntimeError: when the tensor requires grad.

    Variants: method
    """
    shape = sizes_of(sizes, size, "resize_")
    if requires_grad(self):
        raise RuntimeError("cannot resize variables that require grad")
    if forward.tangent_of(self) is not None:
        raise RuntimeError("cannot resize variables that has a forward grad")
    for n in shape:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {errors.shape_text(shape)}")
    views.check_inplace(self, False)
    array = memory(self)
    have = views.extent(array.shape, views.element_strides(array))
    flat = _as_strided(array, (have,), (array.itemsize,))
    need = count(shape)
    if need > have:
        grown = np.empty(need, array.dtype)
        grown[:have] = flat
        flat = grown
    replace_array(self, flat[:need].reshape(shape))
    bump(self)
    return self


def resize_as_(self: Tensor, the_template: Tensor, memory_format: Any = None) -> Tensor:
    """``self.resize_(the_template.shape)``.

    Variants: function method
    """
    return resize_(self, the_template.shp)


def set_(self: Tensor, source: Any = None) -> Tensor:
    """Take over the memory, shape and strides of ``source``; without it, become empty.

    Raises:
        RuntimeError: when the tensor is a leaf that requires grad, or the dtypes differ.

    Variants: method
    """
    views.check_inplace(self, requires_grad(self))
    if forward.tangent_of(self) is not None:
        raise NotImplementedError(
            "Trying to use forward AD with set_ that does not support it because it has not been implemented yet."
        )
    if source is None:
        replace_array(self, np.empty((0,), self.dt.np))
    elif not isinstance(source, TensorBase):
        raise errors.argument_type("set_", "source", 1, "Tensor", source)
    elif source.dt is not self.dt:
        raise RuntimeError(f"Could not set tensor of type {source.dt.c_name} to a tensor of type {self.dt.c_name}")
    else:
        replace_array(self, memory(source))
    bump(self)
    return self
