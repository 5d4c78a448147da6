"""What helps around a training program: checkpointing; ``data`` is ``wengert.data``."""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import Any as _Any

from . import checkpoint as checkpoint

__all__ = ["checkpoint", "data"]


def __getattr__(name: str) -> _Any:
    """Import on first use what most programs that checkpoint do not need."""
    if name == "data":
        return _import_module(f"{__name__}.data")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
