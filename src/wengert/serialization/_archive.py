"""The zip archives that PyTorch's checkpoints are: written so that PyTorch maps them, read with every claim checked."""

from __future__ import annotations

import struct
import sys
import zipfile
import zlib
from typing import Any, BinaryIO

import numpy as np

ALIGNMENT = 64  # of every entry within the file, so that storages can be mapped
PADDING = b"FB"  # the header field that PyTorch fills up with
LOCAL = struct.Struct("<4s22xHH")  # signature, lengths of name and extra field of a local header
BROKEN = "PytorchStreamReader failed reading zip archive: {}"


def broken(what: str, hint: str = "the file is damaged, or was made to deceive: nothing was loaded") -> RuntimeError:
    """The error for an archive that cannot be read."""
    return RuntimeError(f"{BROKEN.format(what)}\n  {hint}")


class Writer:
    """Writes one checkpoint.

    Args:
        file: binary file, at its start.
        folder: what all names in the archive begin with.
    """

    def __init__(self, file: BinaryIO, folder: str) -> None:
        self.zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)
        self.folder = folder

    def write(self, name: str, content: Any) -> None:
        """Add an entry.

        Args:
            name: below the folder.
            content: bytes, or a contiguous array.
        """
        data = content if isinstance(content, bytes) else memoryview(content.reshape(-1).view(np.uint8))
        info = zipfile.ZipInfo(f"{self.folder}/{name}")
        info.file_size = len(data)
        large = len(data) * 1.05 > zipfile.ZIP64_LIMIT  # then the header has a field of 20 bytes more
        start = self.zip.fp.tell() + LOCAL.size + len(info.filename.encode()) + 4 + 20 * large  # type: ignore[union-attr]
        info.extra = PADDING + struct.pack("<H", -start % ALIGNMENT) + b"Z" * (-start % ALIGNMENT)
        self.zip.writestr(info, data)
        info.extra = b""  # the directory at the end needs no padding

    def close(self) -> None:
        """Write the directory of the archive."""
        self.zip.close()

    def abandon(self) -> None:
        """Write nothing more: without a file, ``zipfile`` does not try to complete the archive when it is dropped."""
        self.zip.fp = None


class Archive:
    """A checkpoint that is read.

    Args:
        file: seekable binary file.
        mapped: the whole file as a uint8 array; storages are parts of it then instead of copies, and their checksums are
            not computed.

    Raises:
        RuntimeError: the archive is no checkpoint, or contradicts itself.
    """

    def __init__(self, file: BinaryIO, mapped: Any = None) -> None:
        self.file = file
        self.mapped = mapped
        self.size = file.seek(0, 2)
        try:
            entries = zipfile.ZipFile(file).infolist()
        except (
            zipfile.BadZipFile,
            struct.error,
            ValueError,
            NotImplementedError,
            UnicodeDecodeError,
            OverflowError,
        ) as error:
            raise broken(
                "failed finding central directory", f"the file is cut off or damaged ({error}): nothing was loaded"
            ) from None
        self.entries = self._checked(entries)
        # Where all checksums are 0, PyTorch was told not to compute them (set_crc32_options).
        self.has_checksums = any(info.CRC for info in entries)
        order = self.read("byteorder") if "byteorder" in self.entries else b"little"
        if order not in (b"little", b"big"):
            raise broken(f"byte order {order[:20]!r}")
        self.swap = order.decode() != sys.byteorder

    def _checked(self, entries: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
        """The entries by their names below the common folder."""
        found: dict[str, zipfile.ZipInfo] = {}
        folder = entries[0].filename.partition("/")[0] if entries else ""
        for info in entries:
            name = info.orig_filename
            parts = name.split("/")
            if parts[0] != folder or len(parts) < 2 or not all(parts) or {".", ".."} & set(parts) or "\\" in name:
                raise broken(f"unexpected name {name!r:.200}", "entries of a checkpoint lie below one folder")
            short = name.partition("/")[2]
            if short in found:
                raise broken(f"two entries are called {name!r:.200}")
            if info.flag_bits & 1:
                raise broken(f"entry {name!r:.200} is encrypted")
            if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
                raise broken(
                    f"entry {name!r:.200} is compressed",
                    "PyTorch writes checkpoints uncompressed; unpack the archive and pack it again with `zip -0`",
                )
            found[short] = info
        total = sum(info.file_size for info in entries)
        if total > self.size:
            raise broken(f"the entries claim {total} bytes, the file has {self.size}")
        if "data.pkl" not in found:
            raise broken("file not found: data.pkl", "this zip archive is no checkpoint of PyTorch")
        return found

    def read(self, name: str) -> bytes:
        """The content of an entry."""
        start, size = self._place(name)
        content = np.empty(size, np.uint8)
        self._fill(name, content, start)
        return content.tobytes()

    def storage(self, key: str, nbytes: int) -> Any:
        """The bytes of a storage, as a uint8 array.

        Raises:
            RuntimeError: it is not there or has another size.
        """
        name = f"data/{key}"
        if name not in self.entries:
            raise broken(
                f"file not found: {name!r:.200}", "the pickle in the archive names a storage that is not there"
            )
        start, size = self._place(name)
        if size != nbytes:
            raise broken(f"storage {key!r:.80} is said to have {nbytes} bytes, its entry has {size}")
        if self.mapped is not None:
            return self.mapped[start : start + size]
        content = np.empty(size, np.uint8)
        self._fill(name, content, start)
        return content

    def _place(self, name: str) -> tuple[int, int]:
        """Where an entry begins in the file, and its size."""
        info = self.entries[name]
        if 0 <= info.header_offset <= self.size - LOCAL.size:
            self.file.seek(info.header_offset)
            signature, name_length, extra_length = LOCAL.unpack(self.file.read(LOCAL.size))
            start = info.header_offset + LOCAL.size + name_length + extra_length
            same = signature == b"PK\3\4" and self.file.read(name_length) == info.orig_filename.encode()
            if same and start + info.file_size <= self.size:
                return start, info.file_size
        raise broken(f"entry {info.filename!r:.200} is not where the directory says")

    def _fill(self, name: str, content: Any, start: int) -> None:
        """Read into an array, and compare the checksum."""
        self.file.seek(start)
        view = memoryview(content)
        done = 0
        while done < len(view):
            n = self.file.readinto(view[done:])  # type: ignore[attr-defined]
            if not n:
                raise broken(f"entry {name!r:.200} is cut off")
            done += n
        if self.has_checksums and zlib.crc32(view) != self.entries[name].CRC:
            raise broken(f"entry {name!r:.200} has another checksum than when it was written")
