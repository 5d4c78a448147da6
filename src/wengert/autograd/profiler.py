"""PyTorch's older name of ``wengert.profiler``, which is loaded when something of it is asked for."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """The same name in ``wengert.profiler``."""
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .. import profiler

    return getattr(profiler, name)


def __dir__() -> list[str]:
    """The public names of ``wengert.profiler``."""
    from .. import profiler

    return list(profiler.__all__)
