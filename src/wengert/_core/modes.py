"""Modes of recording: which thread records, with which hooks; and where in the user's program we are.

Note [Modes are per thread, the fast path is not]
    A mode belongs to a thread, but asking for thread-local data costs about 30 ns (benchmarks/micro.py), a tenth of a small
    operation.
    ``MODES.plain`` is True while no thread at all deviates from the default (recording, no saved-tensor hooks, no
    anomaly mode): then nobody needs to ask. The first ``no_grad`` anywhere clears it, and from then on every operation
    on a tensor that requires grad asks for its own thread until the last deviating thread is back.
"""

from __future__ import annotations

import os
import threading
from typing import Any, Final

from ..kernels import thread_number
from .compat import i64

_LOCAL: Final[Any] = threading.local()
_number: Final[Any] = thread_number
_PACKAGE: Final[str] = __file__.rsplit("_core", 1)[0]
COMPILED: Final[bool] = not __file__.endswith(".py")


class Modes:
    """Process-wide flags that hot code reads."""

    def __init__(self) -> None:
        self.plain: bool = True
        self.deviating: i64 = 0
        self.inference: i64 = 0
        self.anomaly: bool = False
        self.check_nan: bool = True
        self.dual_level: i64 = -1
        self.unusual: bool = False
        self.sequence: i64 = 0
        self.warn_always: bool = False
        self.watcher: Any = None  # the profile that is running: `watcher.run(node, grads)` applies a backward formula
        self.last: ThreadModes | None = None  # of the thread that asked last


MODES: Final = Modes()


class ThreadModes:
    """Modes of one thread."""

    def __init__(self) -> None:
        self.number: i64 = 0 if _number is None else _number()
        self.grad: bool = True
        self.inference: bool = False
        self.saved_hooks: list[Any] = []
        self.saved_hooks_disabled: str | None = None
        self.deviates: bool = False
        self.task: Any = None


def thread_modes() -> ThreadModes:
    """The modes of the calling thread: mostly the one that asked before, too."""
    if _number is not None:
        last = MODES.last
        number: i64 = _number()
        if last is not None and last.number == number:
            return last
    found: ThreadModes | None = getattr(_LOCAL, "modes", None)
    if found is None:
        found = ThreadModes()
        _LOCAL.modes = found
    MODES.last = found
    return found


def settle(thread: ThreadModes) -> None:
    """Bring the process-wide flags up to date after a change of ``thread``."""
    deviates = not thread.grad or thread.inference or len(thread.saved_hooks) > 0
    if deviates != thread.deviates:
        thread.deviates = deviates
        MODES.deviating = MODES.deviating + (1 if deviates else -1)
    MODES.plain = MODES.deviating == 0 and not MODES.anomaly


def is_grad_enabled() -> bool:
    """Whether operations are being recorded on this thread."""
    return MODES.plain or thread_modes().grad


def set_grad(enabled: bool) -> bool:
    """Switch recording on or off for this thread; returns what it was."""
    return switch_grad(thread_modes(), enabled)


def switch_grad(thread: ThreadModes, enabled: bool) -> bool:
    """``set_grad`` for a caller that has its thread's modes at hand."""
    previous = thread.grad
    if previous != enabled:
        thread.grad = enabled
        settle(thread)
    return previous


def set_warn_always(value: bool) -> None:
    """Give warnings every time that are otherwise given once in a process."""
    MODES.warn_always = value


def is_warn_always_enabled() -> bool:
    """Whether once-per-process warnings are repeated."""
    return MODES.warn_always


def is_inference_mode_enabled() -> bool:
    """Whether this thread is in inference mode."""
    return MODES.inference > 0 and thread_modes().inference


def set_inference(enabled: bool) -> bool:
    """Switch inference mode for this thread; returns what it was."""
    thread = thread_modes()
    previous = thread.inference
    if previous != enabled:
        thread.inference = enabled
        MODES.inference = MODES.inference + (1 if enabled else -1)
        MODES.unusual = MODES.inference > 0 or MODES.dual_level >= 0
        settle(thread)
    return previous


def set_dual_level(level: int) -> None:
    """Enter (0) or leave (-1) the one level of forward-mode differentiation."""
    MODES.dual_level = level
    MODES.unusual = MODES.inference > 0 or level >= 0


def set_anomaly(enabled: bool, check_nan: bool) -> None:
    """Switch anomaly mode for the process."""
    MODES.anomaly = enabled
    MODES.check_nan = check_nan
    settle(thread_modes())


def user_frame(frame: Any) -> Any:
    """The first frame from ``frame`` outwards that is not this package's own."""
    while frame.f_code.co_filename in OWN_FILES:
        outer = frame.f_back
        if outer is None:
            break
        frame = outer
    return frame


def own_files() -> set[str]:
    """Paths of all modules of the package, as code objects spell them."""
    files = set()
    for folder, _, names in os.walk(_PACKAGE):
        for name in names:
            if name.endswith(".py"):
                files.add(os.path.join(folder, name))
    return files


OWN_FILES: Final[set[str]] = own_files()
