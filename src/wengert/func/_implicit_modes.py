"""Calls of a function for values or derivatives of its own, apart from what is being recorded around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._core.modes import MODES, set_dual_level, set_grad
from .._record import forward
from ._levels import STACK


def untangled(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call without tangents.

    They are put aside and not only ignored: the function may enter forward mode itself, and what it finds there must be its
    own tangents.
    """
    level = int(MODES.dual_level)
    if level < 0:
        return function(*args, **kwargs)
    members = forward.LEVEL.members
    metas = [t.meta for t in members if t.meta is not None]
    tangents = [meta.tangent for meta in metas]
    for meta in metas:
        meta.tangent = None
    forward.LEVEL.members = []
    set_dual_level(-1)
    try:
        return function(*args, **kwargs)
    finally:
        set_dual_level(level)
        forward.LEVEL.members = members
        for meta, tangent in zip(metas, tangents, strict=True):
            meta.tangent = tangent


def unrecorded(function: Callable[..., Any], *args: Any) -> Any:
    """Call for the value alone: without recording, without tangents."""
    previous = set_grad(False)
    try:
        return untangled(function, *args)
    finally:
        set_grad(previous)


def outside_of_transforms(function: Callable[..., Any], *args: Any) -> Any:
    """Call as if no transform ran: for work on constants alone."""
    levels = STACK.levels
    STACK.levels = []
    try:
        return function(*args)
    finally:
        STACK.levels = levels
