"""Writing to tensors that are saved: ``allow_mutation_on_saved_tensors``."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .._core import views
from .._core.tensor_base import detached, memory
from .._tensor import Tensor
from .graph_saved import saved_tensors_hooks

OUTSIDE = "Trying to backward outside of the 'allow_mutation_on_saved_tensors' contextin which the graph was originally recorded."


class _Handle:
    """What the pack hook leaves in the graph: the saved tensor, which a write replaces by a copy."""

    __slots__ = ("__weakref__", "home", "tensor")

    def __init__(self, tensor: Any, home: _Block) -> None:
        self.tensor = tensor
        self.home = home

    def keep(self) -> None:
        """Copy the value, for its memory is about to be written to."""
        t = self.tensor
        self.tensor = Tensor(np.array(t.array), t.dt, t.shp)


class _Block:
    """What was saved inside of one ``with`` block, by the memory that it lies in."""

    def __init__(self) -> None:
        self.waiting: dict[int, list[Any]] = {}

    def pack(self, t: Any) -> _Handle:
        """Remember whose memory to watch; nothing is copied yet."""
        twin = detached(t)  # without history, so that node and saved tensor do not hold each other
        handle = _Handle(twin, self)
        self.waiting.setdefault(id(views.owner(memory(twin))), []).append(weakref.ref(handle))
        return handle

    def before_write(self, array: Any) -> None:
        """Copy what is saved in the memory of ``array``."""
        for reference in self.waiting.pop(id(views.owner(array)), ()):
            handle = reference()
            if handle is not None:
                handle.keep()


_LOCAL = threading.local()


def _before_write(array: Any) -> None:
    """Called before every in-place operation while some thread is inside of a block."""
    block: _Block | None = getattr(_LOCAL, "block", None)
    if block is not None:
        block.before_write(array)


def _unpack(handle: _Handle) -> Any:
    """The saved value as it was."""
    if handle.home is not getattr(_LOCAL, "block", None):
        raise AssertionError(OUTSIDE)
    return handle.tensor


@contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[None]:
    """Inside, tensors that were saved may be changed in place: gradients use the values they had.

    The backward pass must run inside too. A saved tensor is copied before the first write to its memory.

    Raises:
        RuntimeError: inside of another such block.
    """
    if getattr(_LOCAL, "block", None) is not None:
        raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
    block = _Block()
    _LOCAL.block = block
    views.WRITES.watch(_before_write)
    try:
        with saved_tensors_hooks(block.pack, _unpack):
            yield
    finally:
        views.WRITES.unwatch()
        _LOCAL.block = None
