"""``save`` and ``load``."""

from __future__ import annotations

import io
import mmap as mmaps
import os
import pickle
from pathlib import PurePath
from typing import Any, BinaryIO

import numpy as np

from . import _formats as formats
from ._read import LEGACY_START, check_map_location, read_archive, read_legacy, unpickle_weights
from ._replace import replacing
from ._trusted import unpickle_anything
from ._write import pickled, write_archive

NO_FILE = "expected 'f' to be string, path, or a file-like object with a 'write' attribute"
NO_SEEK = (
    "{0!r} object has no attribute 'seek'. You can only torch.load from a file that is seekable. Please pre-load the data into "
    "a buffer like io.BytesIO and try to load from it instead."
)
ONLY_ZIP = (
    "mmap can only be used with files saved with `torch.save(_use_new_zipfile_serialization=True), please torch.save your "
    "checkpoint with this option in order to use mmap."
)
NOT_ZIP = "PytorchStreamReader failed reading zip archive: not a ZIP archive"


def save(
    obj: Any,
    f: Any,
    pickle_module: Any = pickle,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """Write an object to a file that PyTorch can load too.

    A path whose name ends in ``.safetensors`` gets that format (a dict of names and tensors, nothing else), any other
    PyTorch's. The file is written beside and then renamed: a save that fails or is killed leaves the old file as it was.

    Args:
        obj: tensors, parameters, state dicts, and nested containers of them with numbers and texts. Tensors that share memory
            share it again when loaded.
        f: path, or binary file to write to.
        pickle_module: only Python's ``pickle``.
        pickle_protocol: 2 to 5; PyTorch's default loading reads 2.

    Raises:
        RuntimeError: the folder does not exist; memory is viewed as two dtypes.
        Exception: what pickling the object raises. Nothing is written then.

    Example:
        >>> import io, wengert
        >>> file = io.BytesIO()
        >>> wengert.save({"w": wengert.ones(2), "step": 3}, file)
        >>> _ = file.seek(0)
        >>> wengert.load(file)
        {'w': tensor([1., 1.]), 'step': 3}
    """
    if pickle_module is not pickle:
        raise ValueError("pickle_module must be Python's pickle: checkpoints have one format")
    if not _use_new_zipfile_serialization:
        raise ValueError("the older format of one stream is read, but no longer written")
    if not 2 <= pickle_protocol <= 5:
        raise ValueError(f"pickle_protocol must be 2 to 5, not {pickle_protocol}")
    path = _path_of(f)
    if path is None:
        if not hasattr(f, "write"):
            raise AttributeError(NO_FILE)
        write_archive(*pickled(obj, pickle_protocol), f, "archive")
    elif path.suffix == ".safetensors":
        save_safetensors(obj, f)
    elif path.suffix in (".npz", ".npy"):
        raise ValueError(f"{path.name}: NumPy's formats are read only; use numpy.savez, or another suffix")
    else:
        text, arrays = pickled(obj, pickle_protocol)
        with replacing(f) as file:
            write_archive(text, arrays, file, path.stem or "archive")


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """The object in a file.

    Read are, by content: PyTorch's checkpoints (also those in the older form of one stream), safetensors files, and NumPy's
    .npz and .npy. All tensors are on the CPU, whatever device they were on. Either the whole object is given or an exception
    is raised.

    Args:
        f: path, or seekable binary file.
        map_location: accepted where it leads to the CPU.
        pickle_module: only Python's ``pickle``.
        weights_only: what is not data (see ``serialization.add_safe_globals``) is refused, and a file can run no code. That is
            the default. With False, a file runs whatever its maker put in: only for files that you made.
        mmap: map the file instead of reading it: pages are read when they are used, and writing to a tensor does not change
            the file. Checksums are not compared.

    Raises:
        UnpicklingError: the file holds what is not allowed; says its name.
        RuntimeError: the file is damaged.
        FileNotFoundError: there is none.
    """
    if pickle_module not in (None, pickle):
        raise ValueError("pickle_module must be Python's pickle: checkpoints have one format")
    check_map_location(map_location)
    if mmap and _path_of(f) is None:
        raise ValueError("f must be a file path in order to use the mmap argument")
    unpickle = unpickle_anything if weights_only is False else unpickle_weights
    if _path_of(f) is not None:
        with open(f, "rb") as file:
            return _load(file, map_location, unpickle, bool(mmap))
    if not hasattr(f, "seek") or not hasattr(f, "read"):
        raise AttributeError(NO_SEEK.format(type(f).__name__))
    start = f.tell()
    if start == 0 and hasattr(f, "readinto"):
        return _load(f, map_location, unpickle, False)
    return _load(io.BytesIO(f.read()), map_location, unpickle, False)


def _load(file: BinaryIO, map_location: Any, unpickle: Any, mapped: bool) -> Any:
    """The object in a binary file, by the first bytes of its content."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(64)
    file.seek(0)
    if start.startswith(b"PK") and not formats.is_npz(file):
        pages = _map(file) if mapped else None
        return read_archive(file, pages, map_location, unpickle)
    if mapped:
        raise RuntimeError(ONLY_ZIP)
    file.seek(0)
    if start.startswith(b"PK"):
        return formats.read_npz(file)
    if start.startswith(b"\x93NUMPY"):
        return formats.read_npy(file, size)
    if start.startswith(LEGACY_START):
        return read_legacy(file.read(), map_location)
    if formats.looks_like_safetensors(start, size):
        return formats.read_safetensors(file.read())
    if not start:
        raise EOFError("Ran out of input: the file is empty")
    raise RuntimeError(f"{NOT_ZIP}\n  the file begins with {start[:8]!r}: this is no checkpoint, or it is damaged")


def _map(file: BinaryIO) -> Any:
    """The file as an array whose changes stay private."""
    return np.frombuffer(mmaps.mmap(file.fileno(), 0, access=mmaps.ACCESS_COPY), np.uint8)


def _path_of(f: Any) -> PurePath | None:
    return PurePath(f) if isinstance(f, str | os.PathLike) else None


def save_safetensors(tensors: Any, f: Any, metadata: dict[str, str] | None = None) -> None:
    """Write a dict of names and tensors as a safetensors file.

    Args:
        tensors: as from ``state_dict()``; tensors that share memory are written apart.
        f: path, or binary file to write to.
        metadata: texts to keep with the tensors.

    Raises:
        ImportError: without the library safetensors.
        TypeError: for other objects than a flat dict of tensors.
        ValueError: for dtypes that the format lacks.
    """
    content = formats.safetensors_bytes(tensors, metadata)
    if _path_of(f) is None:
        f.write(content)
        return
    with replacing(f) as file:
        file.write(content)


def load_safetensors(f: Any) -> dict[str, Any]:
    """The tensors of a safetensors file, by name."""
    return formats.read_safetensors(_content(f))


def safetensors_metadata(f: Any) -> dict[str, str]:
    """The texts that a safetensors file carries beside its tensors."""
    return formats.safetensors_metadata(_content(f))


def _content(f: Any) -> bytes:
    if _path_of(f) is None:
        return bytes(f.read())
    with open(f, "rb") as file:
        return file.read()
