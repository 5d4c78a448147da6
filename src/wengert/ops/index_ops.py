"""Indexing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .._tensor import Tensor


def getitem(self: Tensor, index: Any) -> Tensor:
    """``self[index]``."""
    raise NotImplementedError


def setitem(self: Tensor, index: Any, value: Any) -> None:
    """``self[index] = value``."""
    raise NotImplementedError
