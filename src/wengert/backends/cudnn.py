"""Settings of cuDNN. Programs may set them; nothing depends on them, and results are deterministic anyway."""

from __future__ import annotations

enabled: bool = True
benchmark: bool = False
deterministic: bool = False
allow_tf32: bool = True


def is_available() -> bool:
    """Always False."""
    return False


def version() -> int | None:
    """Always None."""
    return None
