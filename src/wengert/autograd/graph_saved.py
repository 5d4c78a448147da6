"""What happens to saved tensors: hooks around saving and reading back, and what is built on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .._core import modes


class saved_tensors_hooks:
    """Pass every tensor saved inside through ``pack_hook``, and back through ``unpack_hook`` when it is needed.

    Args:
        pack_hook: takes the tensor, returns anything.
        unpack_hook: takes what ``pack_hook`` returned, returns a tensor.

    Only the innermost pair is used.
    """

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        thread = modes.thread_modes()
        if thread.saved_hooks_disabled is not None:
            raise RuntimeError(thread.saved_hooks_disabled)
        thread.saved_hooks.append((self.pack_hook, self.unpack_hook))
        modes.settle(thread)

    def __exit__(self, *exc: object) -> None:
        thread = modes.thread_modes()
        thread.saved_hooks.pop()
        modes.settle(thread)


class save_on_cpu(saved_tensors_hooks):
    """Keep saved tensors as copies in main memory (here: everything is there already, so values are copied).

    Args:
        pin_memory: ignored.
        device_type: ignored.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda t: t.detach().clone(), lambda packed: packed)


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Make entering ``saved_tensors_hooks`` an error with this message."""
    thread = modes.thread_modes()
    if thread.saved_hooks:
        raise RuntimeError(error_message)
    before = thread.saved_hooks_disabled
    thread.saved_hooks_disabled = error_message
    try:
        yield
    finally:
        thread.saved_hooks_disabled = before
