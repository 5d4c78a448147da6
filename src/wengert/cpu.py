"""The CPU as a device, under PyTorch's names, and the memory that large arrays leave behind for the next ones.

Where the kernels are compiled, a large array that is freed leaves its memory to the next one of about its size, since fresh
memory costs more than the arithmetic on it. At most ``memory_limit()`` bytes wait in this way; live tensors do not count.
"""

from __future__ import annotations

from typing import Any

from . import kernels


def is_available() -> bool:
    """Always True."""
    return True


def is_initialized() -> bool:
    """Always True."""
    return True


def device_count() -> int:
    """Always 1."""
    return 1


def current_device() -> str:
    """Always "cpu"."""
    return "cpu"


def set_device(device: Any) -> None:
    """Without effect: there is one CPU."""


def synchronize(device: Any = None) -> None:
    """Without effect: every operation has finished when it returns."""


def memory_reserved() -> int:
    """Bytes of freed arrays that wait for the next ones; 0 where the kernels are not compiled."""
    return kernels.memory_held()


def memory_limit() -> int:
    """Bytes that may wait; 0 where the kernels are not compiled."""
    return kernels.get_memory_limit()


def set_memory_limit(size: int) -> None:
    """Let at most ``size`` bytes wait, and give back to the system what is above; 0 keeps nothing.

    Arrays of a few numbers wait beside these, not more than 1 MiB of them, and none with a limit below that.

    Raises:
        ValueError: ``size`` is negative.
    """
    if size < 0:
        raise ValueError(f"set_memory_limit expects a number of bytes that is not negative, but got {size}")
    kernels.set_memory_limit(size)


def empty_cache() -> None:
    """Give all memory that waits back to the system.

    Example:
        >>> empty_cache()
        >>> memory_reserved()
        0
    """
    limit = kernels.get_memory_limit()
    kernels.set_memory_limit(0)
    kernels.set_memory_limit(limit)
