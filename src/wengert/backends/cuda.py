"""Whether the package was built for CUDA: it was not."""

from __future__ import annotations


def is_built() -> bool:
    """Always False."""
    return False
