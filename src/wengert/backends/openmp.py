"""Whether PyTorch's OpenMP threads can be used: NumPy's own libraries compute here."""

from __future__ import annotations


def is_available() -> bool:
    """Always False."""
    return False
