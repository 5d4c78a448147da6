"""PyTorch's name of the place of the layers: everything is in ``wengert.nn``."""

from __future__ import annotations

from typing import Any as _Any

from . import module as module


def __getattr__(name: str) -> _Any:
    """A name of ``wengert.nn``."""
    from .. import __dict__ as _names
    from .. import __getattr__ as _lazy

    return _names[name] if name in _names else _lazy(name)
