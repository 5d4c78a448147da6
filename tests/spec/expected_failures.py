"""Rows of the recorded behaviour that do not hold here, each with its reason."""

from __future__ import annotations

from wengert._config import is_compiled

TRANSFORMS = "needs wengert.func (vmap, grad as a transform), which is not there yet"
PLAIN = "uncompiled classes accept attributes and weak references (docs/design/0005)"

# Whole groups, by the beginning of the id.
GROUPS = {
    "func-": TRANSFORMS,
    "vmap-": TRANSFORMS,
    "fc-": TRANSFORMS,
    "sms-": TRANSFORMS,
    "sem-func-": TRANSFORMS,
}
ROWS = {
    "fn-functorch-ctx": TRANSFORMS,
    "fn-vmap-missing": TRANSFORMS,
    "fn-vmap-both": TRANSFORMS,
    "fn-vmap-return": TRANSFORMS,
    "sem-grad-steal-view": "on purpose: two gradients never share memory (docs/design/0004)",
    "sem-fn-name": "on purpose: Node is a real base class here (docs/design/0005)",
}
if not is_compiled():
    ROWS["fn-node-setattr"] = PLAIN
    ROWS["fn-node-weakref"] = PLAIN


def reason_for(key: str) -> str | None:
    """Why a row is expected to differ; None when it must hold."""
    for start, reason in GROUPS.items():
        if key.startswith(start):
            return reason
    return ROWS.get(key)
