"""Fused array functions behind one door: compiled programs where they were built, NumPy block by block elsewhere.

This room knows arrays only, never tensors. How to add a kernel: docs/design/0011-kernels.md.
"""

from __future__ import annotations

from typing import Any, Final

from . import _load
from .copies import assign as assign
from .copies import converted as converted
from .copies import copied as copied
from .copies import row_major as row_major
from .formula import along as along
from .formula import elementwise as elementwise
from .formula import reduced as reduced
from .formula import rowwise as rowwise
from .memory import empty as empty
from .memory import empty_like as empty_like
from .memory import get_memory_limit as get_memory_limit
from .memory import keep_spare_arrays as keep_spare_arrays
from .memory import lend as lend
from .memory import memory_held as memory_held
from .memory import set_memory_limit as set_memory_limit
from .memory import zeros as zeros
from .reductions import array_sum as array_sum

#: The compiled module, None where NumPy does the work.
COMPILED: Final[Any] = _load.MODULE

#: A function: the number of the calling thread, which no other thread has or had. None where nothing is compiled.
thread_number: Final[Any] = None if COMPILED is None else COMPILED.thread_number


def set_num_threads(threads: int) -> None:
    """Let kernels use this many threads, the calling one included; results do not depend on it."""
    _load.set_num_threads(threads)


def get_num_threads() -> int:
    """How many threads kernels use; 1 where NumPy does the work."""
    return _load.get_num_threads()


def isa() -> str:
    """The instruction set whose build runs ("v2", "v3", "v4" on x86-64, "native" elsewhere), or "numpy"."""
    return _load.ISA


def why() -> str:
    """Why this one runs, in words for ``wengert.show_config()``."""
    return _load.WHY
