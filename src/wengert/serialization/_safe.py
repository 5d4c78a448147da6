"""What users declare safe."""

from __future__ import annotations

import pickle
from typing import Any

from . import _allowed as allowed
from ._archive import Archive
from ._machine import Known, Machine


def _entry(value: Any) -> tuple[str, Any]:
    """Full name and value of an entry: a class or function, or a pair of it and the name that files have for it."""
    if isinstance(value, tuple):
        value, name = value
        return name, value
    return f"{value.__module__}.{value.__qualname__}", value


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Let files make instances of these classes and call these functions, from now on.

    What they do with the arguments they are given is yours to judge.

    Args:
        safe_globals: classes and functions, or pairs of one and its full name in files.
    """
    allowed.user_globals().update(map(_entry, safe_globals))


def get_safe_globals() -> list[Any]:
    """What has been declared safe, as it was given."""
    return [value if _entry(value)[0] == name else (value, name) for name, value in allowed.user_globals().items()]


def clear_safe_globals() -> None:
    """Take back all that has been declared safe."""
    allowed.user_globals().clear()


class safe_globals:
    """Declares classes and functions safe inside a ``with`` block.

    Args:
        safe_globals: as for ``add_safe_globals``.
    """

    def __init__(self, safe_globals: list[Any]) -> None:
        self.added = safe_globals

    def __enter__(self) -> None:
        self.before = dict(allowed.user_globals())
        add_safe_globals(self.added)

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        clear_safe_globals()
        allowed.user_globals().update(self.before)


def get_unsafe_globals_in_checkpoint(f: Any) -> list[str]:
    """The names in a checkpoint that ``load`` would refuse; nothing of it is run.

    Args:
        f: path, or seekable binary file.
    """
    if not hasattr(f, "read"):
        with open(f, "rb") as file:
            return get_unsafe_globals_in_checkpoint(file)
    refused: list[str] = []

    def note(module: str, name: str) -> Any:
        full = f"{module}.{name}"
        if full not in allowed.ALLOWED and full not in allowed.user_globals() and full not in refused:
            refused.append(full)
        value = allowed.ALLOWED.get(full)
        return Known(full, _nothing) if value is None or type(value) is Known else value

    try:
        Machine(Archive(f).read("data.pkl"), note, _nothing, _nothing).load()
    except pickle.UnpicklingError:  # names alone make no object that can be checked
        if not refused:
            raise
    return refused


def _nothing(*args: Any) -> Any:
    """Stands for whatever a function would give."""
    return None
