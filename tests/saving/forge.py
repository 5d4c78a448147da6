"""Checkpoints made by hand, byte by byte, so that they can lie."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from typing import Any


def text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def number(value: int) -> bytes:
    """Any integer."""
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def name(module: str, what: str) -> bytes:
    return f"c{module}\n{what}\n".encode()


def numbers(values: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def pid(storage: str = "FloatStorage", key: str = "0", location: str = "cpu", count: int = 2) -> bytes:
    """What names a storage."""
    return b"(" + text("storage") + name("torch", storage) + text(key) + text(location) + number(count) + b"tQ"


def tensor(
    storage: str = "FloatStorage",
    key: str = "0",
    location: str = "cpu",
    count: int = 2,
    offset: int = 0,
    size: tuple[int, ...] = (2,),
    stride: tuple[int, ...] = (1,),
) -> bytes:
    """What makes one tensor."""
    args = (
        pid(storage, key, location, count)
        + number(offset)
        + numbers(size)
        + numbers(stride)
        + b"\x89"
        + name("collections", "OrderedDict")
        + b")R"
    )
    return name("torch._utils", "_rebuild_tensor_v2") + b"(" + args + b"tR"


def program(*parts: bytes) -> bytes:
    return b"\x80\x02" + b"".join(parts) + b"."


def tensor_pickle(**options: Any) -> bytes:
    return program(tensor(**options))


def archive(
    data_pkl: bytes,
    storages: dict[str, bytes] | None = None,
    byteorder: bytes = b"little",
    names: dict[str, bytes] | None = None,
    compression: int = zipfile.ZIP_STORED,
) -> io.BytesIO:
    """A checkpoint with a pickle, storages by key, and entries by their whole names."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as out:
        out.writestr("archive/data.pkl", data_pkl)
        out.writestr("archive/byteorder", byteorder)
        for key, content in (storages or {}).items():
            out.writestr(f"archive/data/{key}", content)
        out.writestr("archive/version", b"3\n")
        for whole, content in (names or {}).items():
            out.writestr(whole, content)
    file.seek(0)
    return file


def pickled(value: Any) -> bytes:
    """Python's own pickle of an object, as any program could put it in a file."""
    return pickle.dumps(value, protocol=2)
