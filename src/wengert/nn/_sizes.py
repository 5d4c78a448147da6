"""Arguments of layers that are one number or one for each dimension."""

from __future__ import annotations

from typing import Any


def repeated(value: Any, n: int) -> tuple[Any, ...]:
    """The values as a tuple; one number stands for all ``n``."""
    return tuple(value) if hasattr(value, "__iter__") else (value,) * n
