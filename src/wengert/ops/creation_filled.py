"""Tensors filled with one value, or not at all: by shape, like another tensor, and the identity matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import device as devices
from .._core import errors
from .._core.dtypes import DType, dtype_of, parse_dtype, python_number_dtype
from .._core.tensor_base import TensorBase
from .._core.views import extent
from ..kernels import memory
from ..kernels.copies import full as full_array
from ..kernels.copies import repeats
from .creation import chosen, data_array, finish, legacy_array, shape_of
from .fill import channels_last, checked_channels_last, fill_value, format_name
from .sizes import sizes_of

if TYPE_CHECKING:
    from .._tensor import Tensor

_generic: Final[Any] = np.generic
_ndarray: Final[Any] = np.ndarray
_empty: Final[Any] = memory.empty
_empty_like: Final[Any] = memory.empty_like
_zeros: Final[Any] = memory.zeros
_as_strided: Final[Any] = np.lib.stride_tricks.as_strided


def zeros(*sizes: Any, size: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
          requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """Zeros of the given shape.

    Args:
        sizes: one by one or as one sequence (also as ``size=``).
        dtype: the default dtype unless given.

    Raises:
        RuntimeError: for a negative size.

    Variants: function out
    """
    devices.check_device(device)
    return finish(_zeros(shape_of(sizes, "zeros", size), chosen(dtype, "zeros").np), requires_grad)


def ones(*sizes: Any, size: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
         requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """Ones of the given shape.

    Args:
        sizes: one by one or as one sequence (also as ``size=``).
        dtype: the default dtype unless given.

    Variants: function out
    """
    devices.check_device(device)
    return finish(full_array(shape_of(sizes, "ones", size), chosen(dtype, "ones").np, 1), requires_grad)


def empty(*sizes: Any, size: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
          requires_grad: bool = False, pin_memory: bool = False, memory_format: Any = None) -> Tensor:  # fmt: skip
    """Uninitialised memory of the given shape: the values are whatever lay there.

    Args:
        sizes: one by one or as one sequence (also as ``size=``).
        dtype: the default dtype unless given.
        memory_format: order of the elements in memory.

    Variants: function out
    """
    devices.check_device(device)
    array = _empty(shape_of(sizes, "empty", size), chosen(dtype, "empty").np)
    return laid_out(finish(array, requires_grad), memory_format)


def laid_out(x: Tensor, memory_format: Any) -> Tensor:
    """A fresh tensor with its memory in channels-last order, if that is asked for."""
    name = format_name(memory_format)
    if name.startswith("channels_last"):
        checked_channels_last(x, name)
        x.array = channels_last(x.array)
    return x


def full(size: Any, fill_value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
         requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """A tensor of the given shape with every element set to ``fill_value``.

    Args:
        size: the shape, one sequence.
        fill_value: a number or a 0-d tensor that does not require grad.
        dtype: that of the number unless given: bool, int64, the default dtype or its complex twin.

    Raises:
        RuntimeError: when the dtype cannot hold the value.

    Variants: function out
    """
    devices.check_device(device)
    if not isinstance(size, (tuple, list)):
        raise errors.argument_type("full", "size", 1, "tuple of ints", size)
    value = plain_number(fill_value, "full")
    dt = python_number_dtype(value) if dtype is None else parse_dtype(dtype, "full")
    return finish(filled(shape_of((tuple(size),), "full"), value, dt), requires_grad)


def plain_number(value: Any, function: str) -> Any:
    """A fill value as a Python number."""
    if isinstance(value, TensorBase):
        if value.array.size != 1 or value.rg:
            raise errors.argument_type(function, "fill_value", 2, "Number", value)
        return value.array.item()
    if isinstance(value, _generic):
        return value.item()
    if not isinstance(value, (bool, int, float, complex)):
        raise errors.argument_type(function, "fill_value", 2, "Number", value)
    return value


def filled(shape: tuple[int, ...], value: Any, dt: DType) -> Any:
    """An array with one value everywhere."""
    return full_array(shape, dt.np, fill_value(value, dt, "full"))


def eye(n: Any, m: Any = None, *, dtype: Any = None, layout: Any = None, device: Any = None,
        requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """Ones on the main diagonal of an n by m matrix (n by n without ``m``), zeros elsewhere.

    Raises:
        RuntimeError: for negative sizes.

    Variants: function out
    """
    devices.check_device(device)
    rows, columns = sizes_of((n, n if m is None else m), None, "eye", "n")
    if rows < 0:
        raise RuntimeError(f"n must be greater or equal to 0, got {rows}")
    if columns < 0:
        raise RuntimeError(f"m must be greater or equal to 0, got {columns}")
    return finish(np.eye(rows, columns, dtype=chosen(dtype, "eye").np), requires_grad)


def empty_strided(size: Any, stride: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
                  requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """Uninitialised memory with the given shape and strides (in elements).

    Variants: function
    """
    devices.check_device(device)
    shape = shape_of((tuple(size),), "empty_strided")
    steps = sizes_of((), tuple(stride), "empty_strided", "stride")
    if len(shape) != len(steps):
        raise RuntimeError("dimensionality of sizes and strides must match: " + f"{len(shape)} and {len(steps)}")
    buffer = np.empty(extent(shape, steps), chosen(dtype, "empty_strided").np)
    return finish(_as_strided(buffer, shape, tuple([s * buffer.itemsize for s in steps])), requires_grad)


def empty_permuted(size: Any, physical_layout: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
                   requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """Uninitialised dense memory of the given shape, whose dimensions lie in memory in the given order.

    Args:
        size: shape.
        physical_layout: every dimension once, the outermost in memory first.

    Raises:
        RuntimeError: when ``physical_layout`` is no order of the dimensions.

    Variants: function
    """
    devices.check_device(device)
    if not isinstance(size, (tuple, list)):
        raise errors.argument_type("empty_permuted", "size", 1, "tuple of ints", size)
    sizes = sizes_of((), tuple(size), "empty_permuted")
    order = sizes_of((), tuple(physical_layout), "empty_permuted", "physical_layout")
    ndim = len(sizes)
    if len(order) != ndim:
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. "
            f"len(size) = {ndim} is not equal to len(physical_layout) = {len(order)}"
        )
    for i, d in enumerate(order):
        if not 0 <= d < ndim:
            raise RuntimeError(
                f"Dimension out of range (expected to be between 0 and {ndim - 1}, but got {d} at index {i}).  NB: negative "
                "dims not currently supported; file an issue if you want it."
            )
        if d in order[:i]:
            raise RuntimeError("Duplicate dim not allowed")
    shape = shape_of((tuple([sizes[d] for d in order]),), "empty_permuted") if ndim > 0 else ()
    array = np.empty(shape, chosen(dtype, "empty_permuted").np)
    return finish(array.transpose(np.argsort(order)) if ndim > 0 else array, requires_grad)


def like(x: TensorBase, dtype: Any, memory_format: Any, function: str) -> Any:
    """An uninitialised array of the shape of ``x``; the order of its dimensions in memory is kept unless asked otherwise."""
    dt = x.dt if dtype is None else parse_dtype(dtype, function)
    array = x.array
    if isinstance(array, _generic):
        return np.empty((), dt.np)
    name = format_name(memory_format)
    if name.startswith("channels_last"):
        checked_channels_last(x, name)
        return channels_last(_empty(x.shp, dt.np))
    if name == "contiguous_format" or not isinstance(array, _ndarray) or repeats(array):
        return _empty(x.shp, dt.np)
    return _empty_like(array, dt.np)


def zeros_like(self: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None,
               requires_grad: bool = False, memory_format: Any = None) -> Tensor:  # fmt: skip
    """Zeros of the shape of ``self``, in its dtype unless another is given.

    Variants: function
    """
    devices.check_device(device)
    if memory_format is None and (isinstance(self.array, _generic) or self.array.flags.c_contiguous):
        dt = self.dt if dtype is None else parse_dtype(dtype, "zeros_like")
        return finish(_zeros(self.shp, dt.np), requires_grad)
    array = like(self, dtype, memory_format, "zeros_like")
    array[...] = 0
    return finish(array, requires_grad)


def ones_like(self: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None,
              requires_grad: bool = False, memory_format: Any = None) -> Tensor:  # fmt: skip
    """Ones of the shape of ``self``, in its dtype unless another is given.

    Variants: function
    """
    devices.check_device(device)
    array = like(self, dtype, memory_format, "ones_like")
    array[...] = 1
    return finish(array, requires_grad)


def empty_like(self: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None,
               requires_grad: bool = False, memory_format: Any = None) -> Tensor:  # fmt: skip
    """Uninitialised memory of the shape of ``self``, in its dtype unless another is given.

    Variants: function
    """
    devices.check_device(device)
    return finish(like(self, dtype, memory_format, "empty_like"), requires_grad)


def full_like(self: Tensor, fill_value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
              requires_grad: bool = False, memory_format: Any = None) -> Tensor:  # fmt: skip
    """A tensor of the shape of ``self`` with every element set to ``fill_value``, in its dtype unless another is given.

    Raises:
        RuntimeError: when the dtype cannot hold the value.

    Variants: function
    """
    devices.check_device(device)
    array = like(self, dtype, memory_format, "full_like")
    array[...] = filled((), plain_number(fill_value, "full_like"), dtype_of(array))
    return finish(array, requires_grad)


def new_tensor(self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
               layout: Any = None, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """New leaf with a copy of ``data``, in the dtype of ``self`` unless another is given.

    Variants: method
    """
    devices.check_device(device)
    dt = self.dt if dtype is None else parse_dtype(dtype, "new_tensor")
    return finish(data_array(data, dt), requires_grad)


def new_zeros(self: Tensor, *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None,
              requires_grad: bool = False, layout: Any = None, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """Zeros of the given shape, in the dtype of ``self`` unless another is given.

    Variants: method
    """
    devices.check_device(device)
    return finish(_zeros(shape_of(sizes, "new_zeros", size), own_dtype(self, dtype, "new_zeros").np), requires_grad)


def new_ones(self: Tensor, *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None,
             requires_grad: bool = False, layout: Any = None, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """Ones of the given shape, in the dtype of ``self`` unless another is given.

    Variants: method
    """
    devices.check_device(device)
    return finish(
        full_array(shape_of(sizes, "new_ones", size), own_dtype(self, dtype, "new_ones").np, 1), requires_grad
    )


def new_empty(self: Tensor, *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None,
              requires_grad: bool = False, layout: Any = None, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """Uninitialised memory of the given shape, in the dtype of ``self`` unless another is given.

    Variants: method
    """
    devices.check_device(device)
    return finish(_empty(shape_of(sizes, "new_empty", size), own_dtype(self, dtype, "new_empty").np), requires_grad)


def new_full(self: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None,
             requires_grad: bool = False, layout: Any = None, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """A tensor of the given shape with every element set to ``fill_value``, in the dtype of ``self`` unless another is given.

    Variants: method
    """
    devices.check_device(device)
    if not isinstance(size, (tuple, list)):
        raise errors.argument_type("new_full", "size", 1, "tuple of ints", size)
    dt = own_dtype(self, dtype, "new_full")
    return finish(filled(shape_of((tuple(size),), "new_full"), plain_number(fill_value, "new_full"), dt), requires_grad)


def new_empty_strided(self: Tensor, size: Any, stride: Any, *, dtype: Any = None, device: Any = None,
                      requires_grad: bool = False, layout: Any = None, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """Uninitialised memory with the given shape and strides, in the dtype of ``self`` unless another is given.

    Variants: method
    """
    return empty_strided(
        size, stride, dtype=own_dtype(self, dtype, "new_empty_strided"), device=device, requires_grad=requires_grad
    )


def new(self: Tensor, *args: Any) -> Tensor:
    """Legacy constructor: as ``Tensor(...)``, in the dtype of ``self``.

    Variants: method
    """
    return finish(legacy_array(list(args), self.dt), False)


def own_dtype(x: TensorBase, dtype: Any, function: str) -> DType:
    """The dtype given, or that of ``x``."""
    return x.dt if dtype is None else parse_dtype(dtype, function)
