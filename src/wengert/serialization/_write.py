"""Objects in the words of PyTorch's checkpoints."""

from __future__ import annotations

import io
import pickle
import sys
from collections import OrderedDict
from typing import Any, BinaryIO, ClassVar

import numpy as np

from .._core.copying import attributes_of
from .._core.device import device, layout, memory_format
from .._core.dtypes import Size, dtype
from .._core.tensor_base import TensorBase, memory, requires_grad
from .._core.views import address, element_strides
from .._tensor import Tensor
from ..nn.parameter import Parameter
from ._archive import Writer
from ._names import STORAGE_OF

SAME_DATA = "Cannot save multiple tensors or storages that view the same data as different types"
FORMAT_VERSION = b"1"
ARCHIVE_VERSION = b"3\n"


class Name:
    """A ``module.name`` of PyTorch, written without importing it."""

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    def __call__(self, *args: Any) -> Any:
        """Pickle wants functions to be callable; this one is only written."""
        raise TypeError(f"{self.module}.{self.name} is a name")


class _Plain:
    """A tensor without its class: the data of a parameter."""

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor


class _Owner:
    """The memory that tensors share, to be written once.

    Attributes:
        array: the ndarray that owns it.
        key: its number in the file.
        type_name: dtype of the tensors in it.
    """

    def __init__(self, array: Any, key: str, type_name: str) -> None:
        self.array = array
        self.key = key
        self.type_name = type_name


def owner_of(array: Any) -> Any:
    """The ndarray whose memory a tensor's array shows; None if the elements cannot be counted from its start."""
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    size = array.itemsize
    start = address(array) - address(owner)
    whole = start % size == 0 and owner.nbytes % size == 0 and all(s >= 0 and s % size == 0 for s in array.strides)
    return owner if whole and owner.flags.forc else None


# The pickler in C writes only names that it can import, and ours are names of modules that may not be there.
_Pickler: Any = vars(pickle)["_Pickler"]


class Pickler(_Pickler):  # type: ignore[misc]
    """Writes the pickle of a checkpoint and collects its storages."""

    dispatch: ClassVar[dict[Any, Any]] = dict(_Pickler.dispatch)

    def __init__(self, file: Any, protocol: int) -> None:
        super().__init__(file, protocol)
        self.owners: dict[Any, _Owner] = {}

    def persistent_id(self, value: Any) -> Any:
        """Storages are not pickled, but written beside."""
        if type(value) is not _Owner:
            return None
        owner = value
        storage = STORAGE_OF.get(owner.type_name)
        if storage is None:
            return ("storage", UNTYPED, owner.key, "cpu", owner.array.nbytes)
        count = owner.array.nbytes // np.dtype(owner.type_name).itemsize
        return ("storage", STORAGE_NAMES[storage], owner.key, "cpu", count)

    def reducer_override(self, value: Any) -> Any:
        """Tensors, parameters, sizes and devices as calls of PyTorch's functions."""
        if isinstance(value, TensorBase):
            return self._reduce_tensor(value)
        if type(value) is _Plain:
            return self._reduce_plain(value.tensor)
        if type(value) is Size:
            return SIZE, (tuple(value),)
        if type(value) is device:
            return DEVICE, (value.type,) if value.index is None else (value.type, value.index)
        return NotImplemented

    def _reduce_tensor(self, t: Any) -> Any:
        attributes = attributes_of(t)
        if type(t) is Tensor and not attributes:
            return self._reduce_plain(t)
        if type(t) is Parameter:
            parts: tuple[Any, ...] = (_Plain(t), requires_grad(t), OrderedDict())
            return (PARAMETER_WITH_STATE, (*parts, attributes)) if attributes else (PARAMETER, parts)
        function, args = self._reduce_plain(t)
        return FROM_TYPE, (function, TENSOR if type(t) is Tensor else type(t), args, attributes)

    def _reduce_plain(self, t: Any) -> Any:
        array = memory(t)
        base = owner_of(array)
        if base is None:
            base = array = array.copy()
        owner = self._entry(base, t.dt.name)
        offset = (address(array) - address(owner.array)) // array.itemsize
        strides = tuple(int(n) for n in element_strides(array))
        args: tuple[Any, ...] = (owner, offset, tuple(array.shape), strides, requires_grad(t), OrderedDict())
        return (TENSOR_V2, args) if t.dt.name in STORAGE_OF else (TENSOR_V3, (*args, t.dt))

    def _entry(self, base: Any, type_name: str) -> _Owner:
        """The entry for some memory; it keeps the array, so that no other can have the same place."""
        place = (address(base), base.nbytes) if base.nbytes else len(self.owners)
        owner = self.owners.get(place)
        if owner is None:
            owner = self.owners[place] = _Owner(base, str(len(self.owners)), type_name)
        elif owner.type_name != type_name:
            raise RuntimeError(SAME_DATA)
        return owner

    def save_name(self, value: Name) -> None:
        """Write a name."""
        self.write(b"c" + f"{value.module}\n{value.name}\n".encode())
        self.memoize(value)

    def save_named(self, value: Any) -> None:
        """Write a dtype, layout or memory format by its name in ``torch``."""
        self.write(b"c" + f"torch\n{value.name}\n".encode())
        self.memoize(value)


Pickler.dispatch.update({Name: Pickler.save_name} | dict.fromkeys((dtype, layout, memory_format), Pickler.save_named))
TENSOR_V2 = Name("torch._utils", "_rebuild_tensor_v2")
TENSOR_V3 = Name("torch._utils", "_rebuild_tensor_v3")
PARAMETER = Name("torch._utils", "_rebuild_parameter")
PARAMETER_WITH_STATE = Name("torch._utils", "_rebuild_parameter_with_state")
FROM_TYPE = Name("torch._tensor", "_rebuild_from_type_v2")
TENSOR = Name("torch", "Tensor")
SIZE = Name("torch", "Size")
DEVICE = Name("torch", "device")
UNTYPED = Name("torch.storage", "UntypedStorage")
STORAGE_NAMES = {storage: Name("torch", storage) for storage in STORAGE_OF.values()}


def pickled(value: Any, protocol: int) -> tuple[bytes, list[Any]]:
    """The pickle of an object, and the arrays of its storages in order.

    Raises:
        RuntimeError: for memory that is viewed as two dtypes, and for objects nested too deeply.
    """
    text = io.BytesIO()
    pickler = Pickler(text, protocol)
    try:
        pickler.dump(value)
    except RecursionError:
        raise RecursionError("maximum recursion depth exceeded: the object is nested too deeply to be saved") from None
    return text.getvalue(), [owner.array for owner in pickler.owners.values()]


def write_archive(text: bytes, arrays: list[Any], file: BinaryIO, folder: str) -> None:
    """Write a checkpoint to a binary file."""
    entries = [
        ("data.pkl", text),
        (".format_version", FORMAT_VERSION),
        (".storage_alignment", b"64"),
        ("byteorder", sys.byteorder.encode()),
        *((f"data/{number}", array.ravel(order="K")) for number, array in enumerate(arrays)),
        ("version", ARCHIVE_VERSION),
    ]
    writer = Writer(file, folder)
    try:
        for name, content in entries:
            writer.write(name, content)
        writer.close()
    except BaseException:
        writer.abandon()
        raise
