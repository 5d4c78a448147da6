"""Rows of the recorded behaviour that do not hold here, each with its reason."""

from __future__ import annotations

from wengert._config import is_compiled

PLAIN = "uncompiled classes accept attributes and weak references (docs/design/0005)"

ROWS = {
    "sem-grad-steal-view": "on purpose: two gradients never share memory (docs/design/0004)",
    "sem-fn-name": "on purpose: Node is a real base class here (docs/design/0005)",
}
if not is_compiled():
    ROWS["fn-node-setattr"] = PLAIN
    ROWS["fn-node-weakref"] = PLAIN


def reason_for(key: str) -> str | None:
    """Why a row is expected to differ; None when it must hold."""
    return ROWS.get(key)
