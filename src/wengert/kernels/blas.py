"""The threads of NumPy's OpenBLAS: factorisations of small matrices run on one.

LAPACK calls BLAS for every column of a matrix. To hand over a part of so little work takes longer than the work: the singular
values of a matrix of order 128 take 2 ms on one thread and 16 on two of a busy machine. Where NumPy has another BLAS, nothing
is done.
"""

from __future__ import annotations

import os
import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

import numpy as np

SMALL: Final = 256  # largest order whose factorisations run on one thread
NAMES: Final = ("scipy_openblas_{}_num_threads64_", "openblas_{}_num_threads64_", "openblas_{}_num_threads")


class _OneThread:
    """While it is entered, by any number of threads of Python, BLAS has one thread."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
        self.before = 0
        self.functions: tuple[Any, Any] | None = None

    def __enter__(self) -> None:
        get, put = self.found()
        with self.lock:
            if self.users == 0:
                self.before = get()
                put(1)
            self.users += 1

    def __exit__(self, *error: object) -> None:
        _, put = self.found()
        with self.lock:
            self.users -= 1
            if self.users == 0:
                put(self.before)

    def found(self) -> tuple[Any, Any]:
        """OpenBLAS's two functions, or two that do nothing."""
        if self.functions is None:
            self.functions = _functions()
        return self.functions

    def reset(self) -> None:
        """What a forked process inherits may be locked by a thread that it does not have."""
        if self.users > 0:
            self.found()[1](self.before)
        self.lock, self.users = threading.Lock(), 0


def _functions() -> tuple[Any, Any]:
    import ctypes

    try:  # NumPy's own module leads to the library that it was linked with
        library = ctypes.CDLL(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return _nothing, _nothing
    for name in NAMES:
        get, put = (getattr(library, name.format(verb), None) for verb in ("get", "set"))
        if get is not None and put is not None:
            return get, put
    return _nothing, _nothing


def _nothing(*count: int) -> int:
    return 0


ONE_THREAD: Final = _OneThread()
_as_ever: Final[AbstractContextManager[None]] = nullcontext()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=ONE_THREAD.reset)


def threads_for(a: Any) -> AbstractContextManager[None]:
    """A context in which BLAS has one thread if the matrices ``a`` (..., m, n) are small."""
    return ONE_THREAD if max(a.shape[-2:]) <= SMALL else _as_ever
