"""Files are replaced whole: whoever reads sees the old one or the new one, whatever happens in between."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from typing import Any, BinaryIO, cast


@contextlib.contextmanager
def replacing(path: Any) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of ``path`` when the block ends without an exception.

    Written is a hidden file beside it, which is put on the disk before it is renamed. An exception removes it; if the process
    is killed it stays behind (``.NAME.*.tmp``), and ``path`` as it was.

    Raises:
        RuntimeError: the folder does not exist.
    """
    target = os.path.realpath(os.fspath(path))  # where a link leads: the link stays one
    folder, name = os.path.split(target)
    if not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {os.path.dirname(os.fspath(path)) or folder} does not exist.")
    if os.path.exists(target) and not os.path.isfile(target):  # a device or a pipe, which cannot be replaced
        with open(target, "wb") as file:
            yield file
        return
    descriptor, beside = tempfile.mkstemp(prefix=f".{name}.", suffix=".tmp", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield cast(BinaryIO, file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, _permissions(target))
        os.replace(beside, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
    _sync_folder(folder)


def _permissions(target: str) -> int:
    """Those of the file that is replaced, otherwise those of any new file."""
    try:
        return stat.S_IMODE(os.stat(target).st_mode)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _sync_folder(folder: str) -> None:
    """Put the new name on the disk too, where the system lets folders be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
