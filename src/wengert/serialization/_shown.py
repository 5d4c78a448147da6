"""Values of a file in messages: short, and shown in no time, whatever they are."""

from __future__ import annotations

from typing import Any


def shown(value: Any) -> str:
    """Numbers and texts as they are, lists of them by their first members, anything else by its class.

    ``repr`` would not do: a list that holds another twice, which holds another twice, and so on, has no end in sight.
    """
    if isinstance(value, tuple | list):
        more = ", ..." if len(value) > 8 else ""
        return "(" + ", ".join(map(_single, value[:8])) + more + ")"
    return _single(value)


def _single(value: Any) -> str:
    if type(value) is int and value.bit_length() > 256:
        return f"an int of {value.bit_length()} bits"
    if type(value) in (str, bytes):
        return repr(value[:80])
    if value is None or type(value) in (int, float, bool):
        return repr(value)
    return f"a {type(value).__name__}"
