"""Saved tensors on disk: ``save_on_disk``."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import weakref
from typing import Any, Final

import numpy as np

from .._core import engine, errors, views
from .._core.dtypes import Size, dtype
from .._core.graph import Identity
from .._core.tensor_base import TensorBase, shared_counter, version_of
from .._tensor import Tensor
from .graph_saved import saved_tensors_hooks

CHUNK: Final = 1 << 20


class save_on_disk(saved_tensors_hooks):
    """Move tensors saved inside to memory-mapped files, from which the backward pass reads them.

    A value is the one it had when it was saved, whatever is written to the tensor later. The same memory saved twice,
    also through views of it, is one file. Three kinds of values stay in memory, version-checked as without this context:
    small ones, leaves that require grad (the graph holds them anyway) and views of such leaves.

    A file is removed when no graph and no tensor needs it any more, the directory with its last file; all of them at the
    latest when the program ends.

    Args:
        path: existing directory in which a directory of its own is made; None for the system's temporary directory, which
            on some systems lies in memory.
        threshold_bytes: smaller tensors stay in memory.

    Raises:
        OSError: when the directory cannot be made (on entering), or a file cannot be written (from the operation that
            saves; the subclass fits the reason). Tensors, and values saved before, are unharmed.

    Example:
        >>> import wengert
        >>> x = wengert.ones(1000, 1000, requires_grad=True)
        >>> with save_on_disk():
        ...     y = x.exp().sin().sum()
        >>> y.backward()
        >>> x.grad[0, 0]
        tensor(-2.4784)

    Source: built like PyTorch's ``save_on_cpu``; PyTorch has no counterpart.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, threshold_bytes: int = CHUNK) -> None:
        if threshold_bytes < 0:
            raise ValueError(f"save_on_disk(): threshold_bytes must not be negative, got {threshold_bytes}")
        self.store = _Store(path, threshold_bytes)
        self.folder: _Folder | None = None
        super().__init__(self.store.pack, _unpack)

    def __enter__(self) -> None:
        self.folder = self.store.open_folder()  # a bad path is found here, not in the middle of a computation
        super().__enter__()

    def __exit__(self, *exc: object) -> None:
        self.folder = None
        super().__exit__(*exc)


class _Folder:
    """A directory that disappears with this object."""

    def __init__(self, parent: str | None) -> None:
        try:
            self.path = tempfile.mkdtemp(prefix="wengert-saved-", dir=parent)
        except OSError as error:
            place = parent if parent is not None else tempfile.gettempdir()
            raise _explained(error, "cannot make a directory for saved tensors", place) from error
        self.finalizer = weakref.finalize(self, _remove, self.path, os.getpid())


class _File:
    """Bytes on disk that disappear with this object."""

    def __init__(self, path: str, nbytes: int, folder: _Folder) -> None:
        self.path = path
        self.nbytes = nbytes
        self.folder = folder  # which outlives its files
        self.finalizer = weakref.finalize(self, _remove, path, os.getpid())


def _remove(path: str, owner: int) -> None:
    """Remove a file or directory, unless this is a forked child: it has copies of the objects, but not of the files."""
    if os.getpid() != owner:
        return
    if os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            os.unlink(path)


class OnDisk:
    """What the pack hook leaves in the graph for a value in a file: where it is, and its geometry in there."""

    __slots__ = ("dt", "file", "np_dtype", "offset", "shape", "strides")

    def __init__(self, file: _File, t: TensorBase, strides: tuple[int, ...], offset: int) -> None:
        self.file = file
        self.np_dtype = t.array.dtype
        self.dt: dtype = t.dt
        self.shape: Size = t.shp
        self.strides = strides
        self.offset = offset

    def read(self) -> Tensor:
        """The value, mapped from the file; pages are read when they are touched."""
        file = self.file
        try:
            mapped: Any = np.memmap(file.path, dtype=np.uint8, mode="c")
        except OSError as error:
            raise _explained(error, "cannot read a saved tensor back", file.path) from error
        if mapped.nbytes != file.nbytes:
            raise RuntimeError(
                f"save_on_disk(): the file of a saved tensor was changed: {mapped.nbytes} bytes in {file.path}, "
                f"{file.nbytes} were written"
            )
        mapped.keeps = file  # the array that is made of it keeps the map, and so the file
        array = np.ndarray(self.shape, self.np_dtype, mapped, self.offset, self.strides)
        return Tensor(array, self.dt, self.shape)


class InMemory:
    """What the pack hook leaves in the graph for a value that stays where it is: without history, so no cycle."""

    __slots__ = ("tensor", "version")

    def __init__(self, t: TensorBase) -> None:
        self.tensor = Tensor(t.array, t.dt, t.shp)
        self.tensor.counter = shared_counter(t)
        self.version = int(version_of(t))

    def read(self) -> Tensor:
        """The value, if it was not overwritten."""
        t = self.tensor
        now = int(version_of(t))
        if now != self.version:
            node = engine.running_node() or Identity()
            raise errors.modified(node, t.dt, t.shp, "", now, self.version, "")
        return t


def _unpack(packed: OnDisk | InMemory) -> Tensor:
    """The unpack hook."""
    return packed.read()


class _Store:
    """Writes values to files and knows which are written already."""

    def __init__(self, parent: str | os.PathLike[str] | None, threshold: int) -> None:
        self.parent = None if parent is None else os.path.abspath(parent)  # the program may change its directory
        self.threshold = threshold
        self.folder: Any = lambda: None  # weak: directory and files live as long as the graphs that need them
        self.files: weakref.WeakValueDictionary[Any, _File] = weakref.WeakValueDictionary()
        self.lock = threading.Lock()

    def open_folder(self) -> _Folder:
        """The directory, made again if the last one is gone."""
        found: _Folder | None = self.folder()
        if found is None:
            found = _Folder(self.parent)
            self.folder = weakref.ref(found)
        return found

    def pack(self, t: TensorBase) -> OnDisk | InMemory:
        """The pack hook."""
        root = views.root_of(t)
        if not isinstance(t.array, np.ndarray) or t.array.size == 0 or (root.rg and root.fn is None):
            return InMemory(t)
        core, strides, offset = compact(t.array)
        if core.nbytes < self.threshold:
            return InMemory(t)
        with self.lock:
            return OnDisk(self.file_of(core), t, strides, offset)

    def file_of(self, core: Any) -> _File:
        """The file with the values of ``core``: one that was written from the same memory and still agrees, or a new one.

        That the bytes are compared, not just versions, makes it right for writes that nobody counts and for memory that
        was freed and used again; it costs less than writing.
        """
        key = (views.address(core), core.shape, core.strides, core.itemsize)
        data = np.ascontiguousarray(core).reshape(-1).view(np.uint8)
        found = self.files.get(key)
        if found is None or not _same_bytes(found, data):
            found = _write(self.open_folder(), data)
            self.files[key] = found
        return found


def compact(array: Any) -> tuple[Any, tuple[int, ...], int]:
    """The elements of ``array`` without repetition, in the order in which they lie in memory.

    Returns:
        A view of them (contiguous when the array is a dense block), and the strides and the offset in bytes that describe
        ``array`` within a contiguous copy of it.
    """
    order = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
    repeated = {axis for axis in order if array.strides[axis] == 0}
    index = tuple(
        0 if axis in repeated else slice(None, None, -1) if array.strides[axis] < 0 else slice(None)
        for axis in range(array.ndim)
    )
    kept = [axis for axis in range(array.ndim) if axis not in repeated]
    core = array[(*index, ...)].transpose([kept.index(axis) for axis in order if axis not in repeated])
    strides = [0] * array.ndim
    offset = 0
    step = array.itemsize
    for axis in reversed(order):
        if axis not in repeated:
            strides[axis] = step
            if array.strides[axis] < 0:
                strides[axis] = -step
                offset += step * (array.shape[axis] - 1)
            step *= array.shape[axis]
    return core, tuple(strides), offset


def _write(folder: _Folder, data: Any) -> _File:
    """A new file with the bytes of ``data``.

    They are written, not copied into a map: a full disk is then an error here, and not a signal that ends the program.
    """
    path = ""
    try:
        handle, path = tempfile.mkstemp(suffix=".bin", dir=folder.path)
        with open(handle, "wb") as stream:
            stream.write(data)
    except OSError as error:
        if path:
            _remove(path, os.getpid())
        raise _explained(error, f"cannot write a saved tensor of {data.nbytes} bytes", path or folder.path) from error
    return _File(path, data.nbytes, folder)


def _same_bytes(file: _File, data: Any) -> bool:
    """Whether the file still holds these bytes."""
    if file.nbytes != data.nbytes:
        return False
    try:
        with open(file.path, "rb") as stream:
            for start in range(0, data.nbytes, CHUNK):
                if not np.array_equal(np.fromfile(stream, np.uint8, CHUNK), data[start : start + CHUNK]):
                    return False
    except OSError:  # somebody removed it: whoever reads it back will say so
        return False
    return True


def _explained(error: OSError, what: str, place: Any) -> OSError:
    """The system's error with what it means here; its class and number stay."""
    text = errors.with_hints(
        f"save_on_disk(): {what}: {error.strerror}",
        "tensors, and values saved before, are unharmed",
        "try: save_on_disk(path=...) on a disk with room that may be written to, or a larger threshold_bytes",
    )
    return OSError(error.errno, text, os.fspath(place))
