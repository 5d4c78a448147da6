"""Checkpoints of PyTorch, from archives and in the older form of one stream."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from .._core.device import check_device, device
from .._core.tensor_base import from_array
from . import _allowed as allowed
from ._archive import Archive
from ._machine import Machine, checked_keys
from ._names import DTYPES
from ._shown import shown
from ._storage import Storage, Typed, is_whole

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_START = pickle.dumps(LEGACY_MAGIC, protocol=2)
Fetch = Callable[[str, int], Any]  # key, bytes -> uint8 array
NO_CUDA = (
    "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are running on a CPU-only "
    "machine, please use torch.load with map_location=torch.device('cpu') to map your storages to the CPU."
)


class Storages:
    """The storages that the persistent ids of a checkpoint name.

    Args:
        fetch: reads the bytes of one.
        swap: whether they have the other byte order.
        map_location: as given to ``load``.
    """

    def __init__(self, fetch: Fetch, swap: bool, map_location: Any = None) -> None:
        self.fetch = fetch
        self.swap = swap
        self.map_location = map_location
        self.found: dict[str, Storage] = {}

    def load(self, pid: Any) -> Typed:
        """The storage of a persistent id.

        Raises:
            UnpicklingError: it makes no sense, or contradicts another.
        """
        if (
            type(pid) is not tuple
            or len(pid) not in (5, 6)
            or pid[0] != "storage"
            or (len(pid) == 6 and pid[5] is not None)
        ):
            raise pickle.UnpicklingError(f"Only persistent_load of storage is allowed, but got {shown(pid)}")
        _, kind, key, location, count = pid[:5]
        if (
            type(kind) is not allowed.StorageKind
            or type(key) is not str
            or type(location) is not str
            or not is_whole(count)
        ):
            raise pickle.UnpicklingError(f"a storage is named in a way that makes no sense: {shown(pid)}")
        nbytes = count * (1 if kind.dtype_name is None else DTYPES[kind.dtype_name].itemsize)
        storage = self.found.get(key)
        if storage is None:
            storage = Storage(self.fetch(key, nbytes), self.swap, f"storage {key!r:.80}")
            self._map(storage, location)
            self.found[key] = storage
        elif storage.raw.size != nbytes:
            raise pickle.UnpicklingError(
                f"storage {key!r:.80} has {storage.raw.size} bytes in one place and {nbytes} in another"
            )
        return Typed(storage, kind.dtype_name)

    def _map(self, storage: Storage, location: str) -> None:
        """Ask the user's function where a storage belongs."""
        if callable(self.map_location) and not isinstance(self.map_location, device):
            given = from_array(storage.raw)
            placed = self.map_location(given, location)
            if placed is not None and placed is not given:
                raise RuntimeError(
                    "map_location must return the storage that it is given, or None: all tensors are on the CPU"
                )


def check_map_location(where: Any) -> None:
    """Accept what maps everything to the CPU.

    Raises:
        RuntimeError: for other devices.
        TypeError: for what is no location.
    """
    for target in where.values() if isinstance(where, dict) else [where]:
        if target is None or (callable(target) and not isinstance(target, device)):
            continue
        if not isinstance(target, str | device):
            raise TypeError(
                f"map_location must be a device, a string, a dict or a function, not {type(target).__name__}"
            )
        kind = str(target).partition(":")[0]
        if kind == "cuda":
            raise RuntimeError(NO_CUDA)
        if kind not in ("cpu", "meta", "mps", "xpu"):
            raise RuntimeError(
                f"don't know how to restore data location of torch.storage.UntypedStorage (tagged with {target})"
            )
        check_device(target)


def read_archive(file: BinaryIO, mapped: Any, map_location: Any, unpickle: Any) -> Any:
    """The object in a zip archive.

    Args:
        unpickle: called with the text of the pickle and the storages.
    """
    archive = Archive(file, mapped)
    return unpickle(archive.read("data.pkl"), Storages(archive.storage, archive.swap, map_location))


def unpickle_weights(text: bytes, storages: Storages) -> Any:
    """The object of a pickle that may run nothing."""
    machine = Machine(text, allowed.find, storages.load, allowed.set_state)
    result = machine.load()
    if machine.position != len(text):
        raise pickle.UnpicklingError(f"{len(text) - machine.position} bytes follow the end of the pickle")
    return result


def read_legacy(text: bytes, map_location: Any) -> Any:
    """The object in a stream: three pickles about the file, one of the object, one of the keys, then the storages."""
    machine = Machine(text, allowed.find, Storages(_promises(0), False).load, allowed.set_state)
    if machine.load() != LEGACY_MAGIC:
        raise RuntimeError("Invalid magic number; corrupt file?")
    version, system = machine.load(), machine.load()
    if version != 1001 or not isinstance(system, dict):
        raise RuntimeError(f"Invalid protocol version: {shown(version)}")
    if system.get("little_endian") is not True:
        raise RuntimeError(
            "checkpoints in the older form are read only if they were written on a little-endian machine"
        )
    start = machine.position
    promised = Storages(_promises(len(text)), False)
    machine.load_storage = promised.load
    machine.load()  # with storages that are not read yet: where they begin is known when the object ends
    contents = _legacy_contents(text, machine, promised)
    storages = Storages(lambda key, nbytes: contents[key], False, map_location)
    return Machine(text[start : machine.position], allowed.find, storages.load, allowed.set_state).load()


def _promises(limit: int) -> Fetch:
    """Storages without content, as long as the file could hold them all."""
    left = [limit]

    def fetch(key: str, nbytes: int) -> Any:
        left[0] -= nbytes
        if left[0] < 0:
            raise pickle.UnpicklingError(f"storage {key!r:.80} is said to have {nbytes} bytes, more than the file")
        return np.zeros(nbytes, np.uint8)

    return fetch


def _legacy_contents(text: bytes, machine: Machine, promised: Storages) -> dict[str, Any]:
    """The storages at the end of the stream, each after the number of its elements."""
    keys = machine.load()
    if not isinstance(keys, list) or set(checked_keys(keys)) != set(promised.found):
        raise pickle.UnpicklingError("the storages in the file are not those that its pickle names")
    contents = {}
    position = machine.position
    for key in keys:
        nbytes = promised.found[key].raw.size
        count = int.from_bytes(text[position : position + 8], "little")
        position += 8
        if position + nbytes > len(text):
            raise RuntimeError("unexpected EOF. The file might be corrupted.")
        if (count and nbytes % count) or bool(count) != bool(nbytes):
            raise pickle.UnpicklingError(f"storage {key!r:.80} of {nbytes} bytes is said to have {count} elements")
        contents[key] = np.frombuffer(bytearray(text[position : position + nbytes]), np.uint8)
        position += nbytes
    return contents
