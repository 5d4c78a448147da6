"""Settings that programs make for a whole run: checked and remembered. All but the number of threads have no effect."""

from __future__ import annotations

import os
import warnings
from typing import Any

from . import kernels
from ._core.device import CPU, check_device, device


class _Settings:
    """The values that were set."""

    threads: int = os.cpu_count() or 1
    deterministic: bool = False
    warn_only: bool = False
    precision: str = "highest"


def set_default_device(device: Any) -> None:
    """Accept the CPU, where tensors are anyway.

    Args:
        device: A device, its name, or None for the CPU.

    Raises:
        RuntimeError: Another device.
    """
    check_device(device)


def get_default_device() -> device:
    """``device("cpu")``."""
    return CPU


def set_num_threads(threads: Any) -> None:
    """Let kernels use this many threads; results do not depend on it, to the last bit.

    Matrix products are the business of NumPy's library, which reads OMP_NUM_THREADS and the like when it starts.

    Raises:
        RuntimeError: ``threads`` is not a positive int.
    """
    if not isinstance(threads, int):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(threads).__name__}")
    if threads < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    _Settings.threads = threads
    kernels.set_num_threads(threads)


def get_num_threads() -> int:
    """The number that was set; before that OMP_NUM_THREADS, or the number of processors."""
    return _Settings.threads if kernels.COMPILED is None else kernels.get_num_threads()


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Remember the wish. Every operator is deterministic, with it and without.

    Raises:
        TypeError: ``mode`` is not a bool.
    """
    if not isinstance(mode, bool):
        raise TypeError(
            f"_set_deterministic_algorithms(): argument 'mode' (position 1) must be bool, not {type(mode).__name__}"
        )
    _Settings.deterministic = mode
    _Settings.warn_only = warn_only


def are_deterministic_algorithms_enabled() -> bool:
    """What ``use_deterministic_algorithms`` was told."""
    return _Settings.deterministic


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """What ``use_deterministic_algorithms`` was told about ``warn_only``."""
    return _Settings.warn_only


def set_float32_matmul_precision(precision: str) -> None:
    """Remember how exact products of float32 matrices must be. They are always as exact as float32 allows.

    Args:
        precision: "highest", "high" or "medium"; anything else is ignored with a warning.
    """
    if precision not in ("highest", "high", "medium"):
        warnings.warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the current setFloat32MatmulPrecision call has "
            "no effect.",
            stacklevel=2,
        )
        return
    _Settings.precision = precision


def get_float32_matmul_precision() -> str:
    """What ``set_float32_matmul_precision`` was told, at first "highest"."""
    return _Settings.precision
