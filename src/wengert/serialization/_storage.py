"""Storages that were read, and the tensors in them."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np

from .._core.copying import blank
from .._core.dtypes import intern_size
from .._core.tensor_base import TensorBase, from_array
from .._tensor import Tensor
from ._machine import Part
from ._names import DTYPES, READ_AS, WIDENED
from ._shown import shown


class Storage:
    """The bytes of a storage; the arrays of all tensors that lie in it share their memory.

    Args:
        raw: uint8 array.
        swap: whether the file has the other byte order.
        label: for messages.
    """

    def __init__(self, raw: Any, swap: bool, label: str) -> None:
        self.raw = raw
        self.swap = swap
        self.label = label
        self._typed: dict[str, Any] = {}

    def typed(self, name: str) -> Any:
        """The elements as a one-dimensional array.

        Args:
            name: of the dtype in the file.
        """
        if name not in self._typed:
            self._typed[name] = self._convert(name)
        return self._typed[name]

    def _convert(self, name: str) -> Any:
        kind = READ_AS[name]
        if name == "bool" and self.raw.size and self.raw.max() > 1:
            raise pickle.UnpicklingError(f"{self.label} is no storage of bools: it has bytes other than 0 and 1")
        if name in WIDENED:
            _warn_of_widening(name, kind)
            half = self.raw.view(np.uint16)
            half = half.byteswap() if self.swap else half
            if name == "bfloat16":  # the upper half of a float32
                return (half.astype(np.uint32) << np.uint32(16)).view(kind)
            return half.view(np.float16).astype(np.float32).view(kind)
        raw = self.raw
        if raw.ctypes.data % kind.itemsize:
            raw = raw.copy()
        array = raw.view(kind)
        return array.byteswap() if self.swap else array


def _warn_of_widening(name: str, kind: Any) -> None:
    warnings.warn(f"NumPy has no {name}: its values are read as {kind}, without a change", UserWarning, stacklevel=2)


class Typed(Part):
    """A storage as one entry of the file names it: with a dtype (None where the tensor states it)."""

    def __init__(self, storage: Storage, name: str | None) -> None:
        self.label = storage.label
        self.storage = storage
        self.name = name


def is_whole(value: Any) -> bool:
    """Whether something is an int that counts: not negative, no bool."""
    return type(value) is int and value >= 0


def place_tensor(
    storage: Typed, name: str, offset: Any, size: Any, stride: Any, requires_grad: Any, about: Any = None
) -> Any:
    """A leaf with some elements of a storage.

    Args:
        about: whether PyTorch conjugates or negates the elements when they are read. Here that is done at once, with the
            storage and not with the tensor, which may have any number of elements that are one and the same.

    Raises:
        UnpicklingError: for elements that lie outside, and anything else that makes no sense.
    """
    array = storage.storage.typed(name)
    whole = isinstance(size, tuple) and isinstance(stride, tuple) and all(map(is_whole, [offset, *size, *stride]))
    if not whole or len(size) != len(stride) or len(size) > 64 or type(requires_grad) is not bool:
        raise pickle.UnpicklingError(
            f"a tensor in {storage.storage.label} has size {shown(size)}, stride {shown(stride)}, offset {shown(offset)}, "
            f"requires_grad {shown(requires_grad)}: these make no tensor"
        )
    needed = 0 if 0 in size else offset + sum((n - 1) * s for n, s in zip(size, stride)) + 1
    if needed > array.size or offset > array.size:
        raise pickle.UnpicklingError(
            f"a tensor of size {shown(size)}, stride {shown(stride)}, offset {offset} reaches beyond {storage.storage.label}, "
            f"which has {array.size} elements"
        )
    array = _resolved(array, about)
    try:
        placed = np.ndarray(size, array.dtype, array, offset * array.itemsize, [s * array.itemsize for s in stride])
    except (ValueError, OverflowError, TypeError) as error:
        raise pickle.UnpicklingError(f"a tensor of size {shown(size)} cannot be made: {error}") from None
    out: Any = from_array(placed)
    if requires_grad and out.dt.category < 2:
        raise pickle.UnpicklingError(f"a tensor of {name} cannot require grad")
    out.rg = requires_grad
    return out


def _resolved(array: Any, about: Any) -> Any:
    if about is None or about == {}:
        return array
    if type(about) is not dict or not set(about) <= {"conj", "neg"}:
        raise pickle.UnpicklingError(f"unknown metadata of a tensor: {shown(list(about))}")
    array = array.conj() if about.get("conj") else array
    return np.negative(array) if about.get("neg") else array


def retype(t: Any, kind: Any) -> Any:
    """The same leaf as an instance of a subclass of Tensor."""
    if not isinstance(t, TensorBase):
        raise pickle.UnpicklingError(f"{kind.__name__} is made of a tensor, not of {type(t).__name__}")
    if kind is Tensor:
        return t
    out = blank(kind, t.array, t.dt, intern_size(tuple(t.shp)))
    out.rg = t.rg
    return out


def known_dtype(value: Any) -> str:
    """Name of a dtype object.

    Raises:
        UnpicklingError: for something else.
    """
    name = getattr(value, "name", None)
    if not isinstance(name, str) or DTYPES.get(name) is not value:
        raise pickle.UnpicklingError(f"{shown(value)} stands where a dtype should be")
    return name
