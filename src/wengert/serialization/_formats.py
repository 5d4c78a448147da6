"""Other formats: safetensors, through its library, and NumPy's .npy and .npz."""

from __future__ import annotations

import importlib
import io
import json
import math
import re
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy

from .._core.tensor_base import TensorBase, from_array
from ._storage import Storage

SAFE_DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "U16": "uint16",
    "I16": "int16",
    "U32": "uint32",
    "I32": "int32",
    "U64": "uint64",
    "I64": "int64",
    "F16": "float16",
    "BF16": "bfloat16",
    "F32": "float32",
    "F64": "float64",
    "C64": "complex64",
}
NPY_LIMIT = 1 << 28  # bytes that a compressed array may have without a look at how much it grows
NPY_GROWTH = 200


def safetensors() -> Any:
    """The library.

    Raises:
        ImportError: it is not installed; says how to.
    """
    try:
        return importlib.import_module("safetensors.numpy"), importlib.import_module("safetensors")
    except ModuleNotFoundError:
        raise ImportError("safetensors files need the library: pip install 'wengert[save]'") from None


def safetensors_bytes(tensors: Any, metadata: Mapping[str, str] | None) -> bytes:
    """A dict of tensors as the content of a file.

    Raises:
        TypeError: for anything but a flat dict of names and tensors.
        ValueError: for dtypes that the format lacks.
    """
    numpy_side, _ = safetensors()
    if not isinstance(tensors, Mapping):
        raise TypeError(f"a safetensors file holds a dict of tensors, not {type(tensors).__name__}")
    arrays = {}
    for name, value in tensors.items():
        if not isinstance(name, str) or not isinstance(value, TensorBase):
            raise TypeError(
                f"a safetensors file holds a dict of names and tensors; {name!r:.80} is {type(value).__name__}\n"
                "  try: a .pt file for nested objects, or save(model.state_dict(), ...)"
            )
        if value.dt.name not in SAFE_DTYPES.values():
            raise ValueError(f"safetensors files have no {value.dt.name}: tensor {name!r:.80}")
        arrays[name] = np.array(value.array, order="C")
    if metadata is not None and not all(isinstance(part, str) for pair in metadata.items() for part in pair):
        raise TypeError("the metadata of a safetensors file are texts by texts")
    return bytes(numpy_side.save(arrays, None if metadata is None else dict(metadata)))


def read_safetensors(content: bytes) -> dict[str, Any]:
    """The tensors of a file.

    Raises:
        RuntimeError: for files that are damaged.
        ValueError: for dtypes that are not here.
    """
    _, library = safetensors()
    try:
        entries = library.deserialize(content)
    except library.SafetensorError as error:
        raise RuntimeError(f"the safetensors file is damaged: {error}; nothing was loaded") from None
    out = {}
    for name, entry in entries:
        kind = SAFE_DTYPES.get(entry["dtype"])
        if kind is None:
            raise ValueError(
                f"tensor {name!r:.80} is of {entry['dtype']}, for which NumPy has no dtype; nothing was loaded"
            )
        raw = np.frombuffer(bytearray(entry["data"]), np.uint8)
        array = Storage(raw, np.little_endian is False, f"tensor {name!r:.80}").typed(kind)
        out[name] = from_array(array.reshape(entry["shape"]))
    return out


def safetensors_metadata(content: bytes) -> dict[str, str]:
    """The texts that a file carries beside its tensors."""
    read_safetensors(content)  # checks the header
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return dict(header.get("__metadata__", {}))


def looks_like_safetensors(start: bytes, size: int) -> bool:
    """Whether a file begins as such files do: with the length of a header in braces."""
    return len(start) > 8 and start[8:9] == b"{" and int.from_bytes(start[:8], "little") + 8 <= size


def read_npy(file: BinaryIO, size: int) -> Any:
    """The tensor of an .npy file.

    Args:
        size: of the file in bytes.

    Raises:
        RuntimeError: the header does not fit the file, or holds no numbers.
    """
    try:
        version = npy.read_magic(file)
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
        shape, in_columns, kind = read(file, max_header_size=10_000)
    except (ValueError, KeyError, OverflowError, SyntaxError, TypeError, tokenize.TokenError) as error:
        raise RuntimeError(f"the .npy data are damaged: {error}; nothing was loaded") from None
    if kind.kind not in "biufc" or not all(type(n) is int and n >= 0 for n in shape):
        raise RuntimeError(f"an array of {kind} cannot be a tensor; nothing was loaded")
    wanted = math.prod(shape) * kind.itemsize
    if wanted != size - file.tell():
        raise RuntimeError(
            f"an array of shape {shape!r:.80} of {kind} has {wanted} bytes, the file has {size - file.tell()}"
        )
    content = bytearray(file.read(wanted))
    if len(content) != wanted:
        raise RuntimeError("the .npy data are cut off; nothing was loaded")
    array = np.frombuffer(content, kind).reshape(shape, order="F" if in_columns else "C")
    return from_array(array.astype(kind.newbyteorder("="), copy=False))


def is_npz(file: BinaryIO) -> bool:
    """Whether a zip archive is one of arrays."""
    try:
        names = zipfile.ZipFile(file).namelist()
    except (zipfile.BadZipFile, ValueError):
        return False
    return bool(names) and all(re.fullmatch(r"[^\\]*\.npy", name) for name in names)


def read_npz(file: BinaryIO) -> dict[str, Any]:
    """The tensors of an .npz file, by name.

    Raises:
        RuntimeError: for files that are damaged, or that unpack to much more than they are.
    """
    size = file.seek(0, 2)
    archive = zipfile.ZipFile(file)
    infos = archive.infolist()
    total = sum(info.file_size for info in infos)
    if total > max(NPY_LIMIT, NPY_GROWTH * size):
        raise RuntimeError(f"the .npz file has {size} bytes and claims to unpack to {total}; nothing was loaded")
    if len({info.filename for info in infos}) != len(infos):
        raise RuntimeError("the .npz file has two arrays of one name; nothing was loaded")
    out = {}
    for info in infos:
        try:
            with archive.open(info) as entry:
                content = entry.read()
        except (
            zipfile.BadZipFile,
            EOFError,
            NotImplementedError,
            RuntimeError,
            OSError,
            ValueError,
            zlib.error,
        ) as error:
            raise RuntimeError(f"array {info.filename!r:.80} of the .npz file is damaged: {error}") from None
        out[info.filename.removesuffix(".npy")] = read_npy(io.BytesIO(content), len(content))
    return out
